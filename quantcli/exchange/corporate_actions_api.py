"""/v1/corporate-actions: splits, dividends and renames, once they have taken effect.

Nothing is announced: an action is known from the morning of its ex-date on. Of other kinds
nothing is known, so their lists are absent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, NamedTuple

from quantcli.contracts.corporate_actions import CorporateAction
from quantcli.contracts.session_table import FIRST, LAST
from quantcli.exchange.calls import Answer, Call
from quantcli.exchange.data_requests import bad, row_limit
from quantcli.exchange.identities import canonical_uuid, derived_uuid
from quantcli.exchange.trading_hours import local_date

LIMIT_DEFAULT, LIMIT_MAX = 100, 1000

_TYPES = frozenset(
    {
        "reverse_split", "forward_split", "unit_split", "cash_dividend", "stock_dividend",
        "spin_off", "cash_merger", "stock_merger", "stock_and_cash_merger", "redemption",
        "name_change", "worthless_removal", "rights_distribution", "partial_call",
        "reorganization",
    }
)  # fmt: skip


class Action(NamedTuple):
    """One action as the wire shows it, with its type and the list it stands in."""

    kind: str
    view: dict[str, Any]

    @property
    def plural(self) -> str:
        """Name of the list."""
        return f"{self.kind}s"


def get_corporate_actions(call: Call) -> Answer:
    """Return actions by process date, in pages; the token is the place in the whole list."""
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
    for told in call.market.bars.actions(max(first, FIRST), last) if first <= last else ():
        if told.kind == "none":
            continue
        action = _action(call.seed, told)
        if (
            (not symbols or symbols & {told.symbol, told.new_symbol})
            and (not kinds or action.kind in kinds)
            and (not ids or action.view["id"] in wanted_ids)
        ):
            yield action


def _action(seed: int, told: CorporateAction) -> Action:
    day = told.ex_date.isoformat()
    kept = "" if told.kind == "split" else f":{told.kind}"
    view: dict[str, Any] = {
        "id": derived_uuid(seed, "corporate-action", f"{told.symbol}:{day}{kept}"),
        "process_date": day,
    }
    # Identity numbers of securities are not among our bars; the fields are text all the same.
    if told.kind == "rename":
        names = {"old_symbol": told.symbol, "new_symbol": told.new_symbol}
        return Action("name_change", view | names | {"old_cusip": "", "new_cusip": ""})
    view |= {"symbol": told.symbol} | dict.fromkeys(("ex_date", "record_date", "payable_date"), day)
    if told.kind == "dividend":
        paid = {"rate": float(told.amount or 0), "special": False, "foreign": False, "cusip": ""}
        return Action("cash_dividend", view | paid)
    view |= {"new_rate": told.new_rate, "old_rate": told.old_rate}
    if told.ratio > 1:
        return Action("forward_split", view | {"cusip": "", "due_bill_redemption_date": None})
    return Action("reverse_split", view | {"old_cusip": "", "new_cusip": ""})


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
