"""/v1/corporate-actions: the splits among the bars, once they have taken effect.

Nothing is announced: an action is known from the morning of its ex-date on. Of other kinds of
actions the bars know nothing, so their lists are absent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from quantcli.contracts.bars import Split
from quantcli.contracts.session_table import FIRST, LAST
from quantcli.exchange.calls import Answer, Call
from quantcli.exchange.data_requests import bad, row_limit
from quantcli.exchange.identities import canonical_uuid, derived_uuid
from quantcli.exchange.trading_hours import local_date

LIMIT_DEFAULT, LIMIT_MAX = 100, 1000
#: Rates are whole shares; more old or new ones than this in one split are no rate.
RATE_MAX = 1000

_TYPES = frozenset(
    {
        "reverse_split", "forward_split", "unit_split", "cash_dividend", "stock_dividend",
        "spin_off", "cash_merger", "stock_merger", "stock_and_cash_merger", "redemption",
        "name_change", "worthless_removal", "rights_distribution", "partial_call",
        "reorganization",
    }
)  # fmt: skip


class Action(NamedTuple):
    """One split as the wire shows it, with its type and the list it stands in."""

    kind: str
    view: dict[str, Any]

    @property
    def plural(self) -> str:
        """Name of the list."""
        return f"{self.kind}s"


def get_corporate_actions(call: Call) -> Answer:
    """Return splits by process date, in pages; the token is the place in the whole list."""
    offset, limit = _offset(call), row_limit(call, LIMIT_DEFAULT, LIMIT_MAX)
    if call.query.get("sort", "") not in {"", "asc", "desc"}:
        raise bad(f"invalid sort: {call.query['sort']}")
    actions = list(_wanted(call))
    if call.query.get("sort") == "desc":
        actions.reverse()
    page: dict[str, list[dict[str, Any]]] = {}
    for action in actions[offset : offset + limit]:
        page.setdefault(action.plural, []).append(action.view)
    is_last = len(actions) <= offset + limit
    token = None if is_last else str(offset + limit)
    return Answer(200, {"corporate_actions": page, "next_page_token": token})


def _wanted(call: Call) -> Iterator[Action]:
    symbols, kinds, ids = (_named(call, name) for name in ("symbols", "types", "ids"))
    for kind in sorted(kinds - _TYPES):
        raise bad(f"invalid corporate action type: {kind}")
    if ids and (symbols or kinds or call.query.get("start") or call.query.get("end")):
        raise bad("ids cannot be combined with other filters")
    today = local_date(call.clock)
    first, last = FIRST, today
    if not ids:
        first, last = _date(call, "start", today), min(_date(call, "end", LAST), today)
    wanted_ids = {canonical_uuid(each) for each in ids}
    for split in call.market.bars.splits(max(first, FIRST), last) if first <= last else ():
        action = _action(call.seed, split)
        if (
            (not symbols or split.symbol in symbols)
            and (not kinds or action.kind in kinds)
            and (not ids or action.view["id"] in wanted_ids)
        ):
            yield action


def _action(seed: int, split: Split) -> Action:
    rate = Fraction(split.ratio).limit_denominator(RATE_MAX)
    day = split.ex_date.isoformat()
    kind = "forward_split" if split.ratio > 1 else "reverse_split"
    view: dict[str, Any] = {
        "id": derived_uuid(seed, "corporate-action", f"{split.symbol}:{day}"),
        "symbol": split.symbol,
        "new_rate": rate.numerator,
        "old_rate": rate.denominator,
        "process_date": day,
        "ex_date": day,
        "record_date": day,
        "payable_date": day,
    }
    # Identity numbers of securities are not among our bars; the fields are text all the same.
    if kind == "forward_split":
        return Action(kind, view | {"cusip": "", "due_bill_redemption_date": None})
    return Action(kind, view | {"old_cusip": "", "new_cusip": ""})


def _named(call: Call, name: str) -> set[str]:
    return {each for each in call.query.get(name, "").split(",") if each}


def _date(call: Call, name: str, default: dt.date) -> dt.date:
    text = call.query.get(name)
    if not text:
        return default
    try:
        return dt.date.fromisoformat(text[:10])
    except ValueError as error:
        raise bad(f"invalid {name}: {text}") from error


def _offset(call: Call) -> int:
    token = call.query.get("page_token") or "0"
    if not token.isascii() or not token.isdigit():
        raise bad("invalid page_token")
    return int(token)
