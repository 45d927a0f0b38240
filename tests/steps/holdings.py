"""What tests of `exits` start from and look at: holders of XYZ, and words for what was done."""

import datetime as dt
import json
from decimal import Decimal

from quantcli.contracts.journal_rows import IntentRow
from quantcli.core.intents import form_intent
from quantcli.core.order_ids import IntentKey
from quantcli.core.order_payload import request_body
from quantcli.core.order_states import row_of
from quantcli.ports.journal import Place
from tests.steps.conftest import AFTER_OPEN, MARKET
from tests.steps.rig import Crash, Rig

WEDNESDAY_OPEN = "2024-11-27T14:35:00Z"
WEDNESDAY_CLOSE = "2024-11-27T21:05:00Z"
FRIDAY_OPEN = "2024-11-29T14:35:00Z"


def reviews(artifact):
    return [(r.action, r.code, r.stop_before, r.stop_after, r.basis) for r in artifact.reviews]


def certificate(artifact):
    return [(r.symbol, r.quantity, len(r.covered_by), r.uncovered) for r in artifact.certificate]


def sends(rig):
    return [method for method, path, _ in rig.line.log if method in {"POST", "PATCH", "DELETE"}]


def with_exits(rig, **changes):
    rig.config = rig.config.model_copy(
        update={"exits": rig.config.exits.model_copy(update=changes)}
    )
    return rig


def bought(market=None, **terms):
    """Return a desk at 09:35 on Tuesday that holds 10 XYZ bought at 100, without a stop."""
    rig = Rig(market or MARKET).begin()
    rig.approve(rig.entry(**terms))
    rig.execute()
    rig.to(AFTER_OPEN)
    rig.execute()
    return rig


def two_stops(rig, first=5, second=5):
    """Put two stops of ours under one position, as a fill after the close leaves them."""
    place = Place(dt.date(2024, 11, 26), "093500", "exits")
    for sequence, quantity in enumerate((first, second), start=1):
        key = IntentKey(rig.account_id, "avwap", place.session, "XYZ", "stop", sequence)
        stop = form_intent(
            key,
            signal_id=None,
            side="sell",
            quantity=Decimal(quantity),
            order_type="stop",
            stop_price=Decimal("92.9"),
            time_in_force="gtc",
            expires_at=None,
        )
        rig.ask("POST", "/orders", json.loads(request_body(stop)))
        rig.journal.append(place, [IntentRow(intent=stop)])
        order = rig.journal.order(stop.client_order_id)
        shown = rig.broker.order_by_client_id(stop.client_order_id)
        rig.journal.append(place, [row_of(order, shown, "send")])
    return rig


def without_inputs(artifact):
    """Return the artifact without what it read and asked: a resumed pass may have less to do."""
    return artifact.model_copy(update={"inputs": (), "calls": ()})


def count_appends(rig):
    count, append = [], rig.journal.append

    def counting(place, rows):
        count.append(place)
        append(place, rows)

    rig.journal.append = counting
    rig.exits()
    assert count
    return len(count)


def crash_at(rig, number, is_after):
    append = rig.journal.append
    left = [number]

    def dying(place, rows):
        left[0] -= 1
        if left[0] == -1:
            rig.journal.append = append
            if is_after:
                append(place, rows)
            raise Crash
        append(place, rows)

    rig.journal.append = dying
