"""How an intent is formed: key, names, terms and the digest of its request.

Owns the one way from terms to an `OrderIntent`, for entries, stops and exits alike, and the
instant at which an entry stops being wanted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Any

from quantcli.contracts.config import Offset
from quantcli.contracts.envelope import StepName
from quantcli.contracts.orders import OrderIntent
from quantcli.contracts.scalars import CENT, PRICE_QUANTUM
from quantcli.core.order_ids import IntentKey, client_order_id, intent_id
from quantcli.core.order_payload import payload_sha256

if TYPE_CHECKING:
    from quantcli.contracts.decide import SignalVerdict

_UNDIGESTED = "0" * 64


def form_intent(key: IntentKey, **terms: Any) -> OrderIntent:
    """Return the intent of a key under the given terms, its ids and payload digest filled in.

    Args:
        key: What the intent is for.
        terms: The fields of `OrderIntent` that the key does not determine: `signal_id`, `side`,
            `quantity`, `order_type`, `time_in_force`, `expires_at` and those with defaults.

    Raises:
        ValueError: the key cannot be named, or a term is missing or out of bounds.
    """
    draft = OrderIntent(
        intent_id=intent_id(key),
        client_order_id=client_order_id(key),
        purpose=key.purpose,
        strategy=key.strategy,
        session=key.session,
        sequence=key.sequence,
        symbol=key.symbol,
        payload_sha256=_UNDIGESTED,
        **terms,
    )
    return draft.model_copy(update={"payload_sha256": payload_sha256(draft)})


def entry_intent(key: IntentKey, verdict: SignalVerdict, expires_at: dt.datetime) -> OrderIntent:
    """Return the entry that a decision asks for: a DAY limit order to buy.

    The limit is rounded down to a tick, the passive side of a buy.
    """
    return form_intent(
        key,
        signal_id=verdict.signal_id,
        side="buy",
        quantity=verdict.quantity,
        order_type="limit",
        limit_price=tick_below(verdict.limit_price),
        reference_price=verdict.reference_price,
        protective_stop=verdict.stop,
        target=verdict.target,
        time_in_force="day",
        expires_at=expires_at,
    )


def tick_below(price: Decimal) -> Decimal:
    """Return the highest tick not above a price: cents from one dollar up, else 1/100 cent.

    The passive side of a buy's limit, and away from the market for a sell stop.

    Examples:
        >>> tick_below(Decimal("50.1299")), tick_below(Decimal("0.12345"))
        (Decimal('50.12'), Decimal('0.1234'))
    """
    return price.quantize(CENT if price >= 1 else PRICE_QUANTUM, ROUND_FLOOR)


def entry_expiry(
    cycles: Iterable[tuple[Offset, tuple[StepName, ...]]],
    opens_at: dt.datetime,
    closes_at: dt.datetime,
    as_of: dt.datetime,
) -> dt.datetime:
    """Return the instant at which an entry formed at `as_of` is no longer wanted.

    That is the first scheduled cycle with an `execute` after both the open and `as_of`: an order
    queued for the open gets its chance at the open, and that cycle cancels what remains. Without
    such a cycle before the close it is the close.

    Args:
        cycles: The schedule: offsets with their steps, in any order.
        opens_at: The session's open.
        closes_at: The session's close.
        as_of: The instant of the cycle that forms the entry.
    """
    earliest = max(opens_at, as_of)
    due = [
        instant
        for offset, steps in cycles
        if "execute" in steps and earliest < (instant := offset.of(opens_at, closes_at))
    ]
    return min([*due, closes_at])
