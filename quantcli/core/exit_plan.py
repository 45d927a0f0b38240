"""What to do about one position: keep, place, raise or resize its stop, or sell it now.

Pure and total: every situation has a plan. A plan never lowers a stop and never asks to sell
more than is held; it is carried out elsewhere (INV-05, INV-06, INV-07).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal
from typing import Literal, NamedTuple

from quantcli.contracts.journal_rows import Action
from quantcli.contracts.scalars import ZERO
from quantcli.core.stops import Level


class Standing(NamedTuple):
    """A working stop: its id, the shares it would sell, its price in USD per share."""

    client_order_id: str
    quantity: Decimal
    price: Decimal


class Situation(NamedTuple):
    """All that a plan depends on.

    Attributes:
        shares: Shares that we hold and the broker shows.
        price: Current price in USD per share; None: not known.
        level: Where the stop belongs.
        base: Where a stop may stand without new structure; never above `level`.
        stops: Working stops, oldest first.
        exiting: Shares that working exits and triggered stops are selling.
        exit_code: Why to leave besides the stop (target, time); None: no reason.
        is_open: Regular hours now.
        may_replace: The broker would replace a working stop now.
        may_shrink: The stops are known as of now: one that seems too large may be reduced.
        may_exit: False once the broker refused to sell in this pass.
        is_buy_resting: A buy rests in the symbol: a plain sell would be a wash trade.
        is_sell_unknown: A sell in the symbol has an unknown outcome.
    """

    shares: Decimal
    price: Decimal | None
    level: Level
    base: Level
    stops: tuple[Standing, ...]
    exiting: Decimal
    exit_code: str | None
    is_open: bool
    may_replace: bool
    may_shrink: bool
    may_exit: bool
    is_buy_resting: bool
    is_sell_unknown: bool


class Move(NamedTuple):
    """One step of a plan.

    Attributes:
        kind: `place` a stop, `replace` one atomically, or `cancel` one.
        client_order_id: The stop replaced or cancelled; None for a new one.
        quantity: Shares of the stop afterwards.
        level: Its price and basis afterwards.
    """

    kind: Literal["place", "replace", "cancel"]
    client_order_id: str | None
    quantity: Decimal
    level: Level


class Plan(NamedTuple):
    """What to do, why, and the moves on stops. An exit cancels all stops by itself."""

    action: Action
    code: str
    moves: tuple[Move, ...] = ()


def plan_of(now: Situation) -> Plan:
    """Return what to do about a position."""
    to_protect = now.shares - now.exiting
    if now.is_sell_unknown:
        return Plan("wait", "outcome-unknown")
    if to_protect <= 0:
        return Plan("wait", "exit-working")
    is_covered = _total(now.stops) >= to_protect
    reason = exit_reason(now) if now.may_exit else None
    if reason is None:
        level = now.level if _is_below(now.level, now.price) else now.base
        plan = _protect(now, level, to_protect)
    elif now.is_open:
        plan = Plan("exit", reason)
    elif is_covered:
        plan = Plan("wait", reason)
    elif _is_below(now.base, now.price):
        plan = _protect(now, now.base, to_protect)
    else:
        plan = Plan("exit", reason)
    may_need_sell = plan.action == "exit" or plan.moves
    return Plan("wait", "buy-resting") if now.is_buy_resting and may_need_sell else plan


def exit_reason(now: Situation) -> str | None:
    """Return why the position should be left at market; None: it should not."""
    if not _is_below(now.level, now.price):
        return "stop-at-market"
    return now.exit_code


def _is_below(level: Level, price: Decimal | None) -> bool:
    return price is None or level.price < price


def _total(stops: Sequence[Standing]) -> Decimal:
    return sum((stop.quantity for stop in stops), ZERO)


def _protect(now: Situation, level: Level, to_protect: Decimal) -> Plan:
    """Return the plan that leaves the whole shares of `to_protect` under stops, at `level`.

    No stop is lowered, whatever level is asked for (INV-06). The broker takes no stop for a
    fraction of a share; the certificate names it as uncovered.
    """
    highest = max((stop.price for stop in now.stops), default=level.price)
    if level.price < highest:
        level = Level(highest, "intent")
    to_protect = to_protect.to_integral_value(ROUND_DOWN)
    if not now.may_shrink:
        to_protect = max(to_protect, _total(now.stops))
    if not now.stops and to_protect == 0:
        return Plan("wait", "quantity-not-whole")
    if not now.stops:
        if _is_below(level, now.price):
            return Plan("place", "stop-placed", (Move("place", None, to_protect, level),))
        # Selling was refused and a stop there would be refused too: the certificate says so.
        return Plan("wait", "stop-at-market")
    if now.may_replace:
        return _fit(now.stops, level, to_protect)
    missing = to_protect - _total(now.stops)
    if missing > 0:
        return Plan("resize", "stop-resized", (Move("place", None, missing, level),))
    if missing < 0:
        moves = _fit(now.stops, level, to_protect).moves
        return Plan("resize", "stop-resized", _without_replacing(moves))
    if any(stop.price < level.price for stop in now.stops):
        return Plan("wait", "replace-needs-open-market")
    return Plan("keep", "stop-kept")


def _fit(stops: Sequence[Standing], level: Level, to_protect: Decimal) -> Plan:
    """Return the plan that gives each share one stop at `level`; the newest stop takes the rest."""
    moves: list[Move] = []
    left = to_protect
    for stop in stops:
        share = left if stop is stops[-1] else min(stop.quantity, left)
        left -= share
        if share == 0:
            moves.append(Move("cancel", stop.client_order_id, ZERO, level))
        elif share != stop.quantity or stop.price != level.price:
            moves.append(Move("replace", stop.client_order_id, share, level))
    if any(stop.price < level.price for stop in stops):
        return Plan("raise", "stop-raised", tuple(moves))
    return Plan("resize", "stop-resized", tuple(moves)) if moves else Plan("keep", "stop-kept")


def _without_replacing(moves: Sequence[Move]) -> tuple[Move, ...]:
    """Return moves that cancel and at once place anew, for hours in which nothing trades."""
    changed: list[Move] = []
    for move in moves:
        if move.kind == "replace":
            changed.append(move._replace(kind="cancel", quantity=ZERO))
            changed.append(move._replace(kind="place", client_order_id=None))
        else:
            changed.append(move)
    return tuple(changed)
