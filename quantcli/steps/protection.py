"""Protecting one position: look, plan, write the conclusion down, act, remember.

A conclusion that leads to an order is journaled with it, before anything is sent; the others
wait for the end of the pass. What an interrupted pass left undone is planned afresh from what is
then true. Nothing here asks for PAUSED, a gate or a halt of entries: only a full halt stops it
(INV-04).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from quantcli.contracts.envelope import Frozen
from quantcli.contracts.journal_rows import Basis, IntentRow, ReviewRow, StopRow
from quantcli.contracts.orders import TERMINAL_ORDER_STATES, OrderRecord, Purpose
from quantcli.contracts.positions import PositionRecord
from quantcli.contracts.scalars import ZERO
from quantcli.core.coverage import is_covering
from quantcli.core.exit_plan import Move, Plan, plan_of
from quantcli.core.intents import form_intent
from quantcli.core.order_ids import IntentKey
from quantcli.steps.exit_pass import Pass
from quantcli.steps.order_protocol import cancel, refresh, send
from quantcli.steps.position_view import Look, look_at
from quantcli.steps.sync import book_fills


def protect(run: Pass, position: PositionRecord) -> None:
    """Bring one position under cover, or out of the market.

    At most two rounds: the second one only if the broker refused to replace or to sell.
    """
    _finish_cancels(run, position.symbol)
    _end_outdated(run, position.symbol)
    rows: list[Frozen] = []
    may_replace = may_exit = True
    for number in range(2):
        look = look_at(run, position, may_replace=may_replace, may_exit=may_exit)
        if _is_sale_blocked(look) and run.may_act(position.symbol):
            _cancel_buys(run, position.symbol)
            look = look_at(run, position, may_replace=may_replace, may_exit=may_exit)
        plan = plan_of(look.situation) if look.problem is None else Plan("wait", look.problem)
        if number == 0 and position.symbol not in run.reviewed:
            rows = [review_of(look, plan)]
        if plan.action == "exit":
            is_done = _exit(run, look, rows)
            may_exit = False
        else:
            is_done = _move(run, look, plan, rows)
            may_replace = False
        _remember(run, look)
        rows = []
        if is_done:
            return


def review_of(look: Look, plan: Plan) -> ReviewRow:
    """Return the conclusion about a position, before anything is done about it."""
    level = plan.moves[0].level if plan.moves else look.situation.level
    after = {"wait": look.stop_before, "exit": None}.get(plan.action, level.price)
    return ReviewRow(
        symbol=look.position.symbol,
        quantity=look.position.quantity,
        entry_price=look.position.average_price,
        price=look.situation.price,
        price_source=look.price_source,
        stop_before=look.stop_before,
        stop_after=after,
        basis=level.basis,
        action=plan.action,
        code=plan.code,
        findings=look.findings,
    )


def _move(run: Pass, look: Look, plan: Plan, rows: list[Frozen]) -> bool:
    """Carry out the moves on stops; False if the broker refused a replacement."""
    if not plan.moves or not run.may_act(look.position.symbol):
        run.conclusions += rows
        return True
    is_done = True
    for move in plan.moves:
        if move.kind == "cancel":
            run.desk.write(rows)
            if not _cancelled(run, move.client_order_id or ""):
                return True
        else:
            is_done = _place(run, look, move, rows) and is_done
        rows = []
    return is_done


def _place(run: Pass, look: Look, move: Move, rows: list[Frozen]) -> bool:
    """Place a stop, or replace one; False if a replacement was refused: there is another way."""
    terms = {
        "quantity": move.quantity,
        "order_type": "stop",
        "stop_price": move.level.price,
        "time_in_force": "gtc",
        "replaces": move.client_order_id,
    }
    order = _promise_and_send(run, look, "stop", terms, rows)
    if order.state != "REJECTED":
        return True
    run.codes.add("stop-refused")
    before = run.desk.journal.order(move.client_order_id or "")
    if before is not None and before.state not in TERMINAL_ORDER_STATES:
        refresh(run.desk, before, "sync")
    return move.kind == "place"


def _exit(run: Pass, look: Look, rows: list[Frozen]) -> bool:
    """Free the shares from their stops, confirm, and sell them; False if selling was refused."""
    desk, symbol = run.desk, look.position.symbol
    if not run.may_act(symbol):
        run.conclusions += rows
        return True
    desk.write(rows)
    for stop in look.situation.stops:
        if not _cancelled(run, stop.client_order_id):
            return True
    quantity = _sellable(run, look)
    if quantity <= 0:
        return True
    terms = {"quantity": quantity, "order_type": "market", "time_in_force": "day"}
    order = _promise_and_send(run, look, "exit", terms, [])
    run.has_sold = True
    if order.state == "REJECTED":
        run.codes.add("exit-refused")
    return order.state != "REJECTED"


def _sellable(run: Pass, look: Look) -> Decimal:
    """Return the shares to sell; a stop that was filled while being cancelled is booked first."""
    desk, situation = run.desk, look.situation
    stops = [desk.journal.order(stop.client_order_id) for stop in situation.stops]
    if any(order is not None and order.cumulative_quantity > 0 for order in stops):
        run.codes.update(book_fills(desk))
    held = run.books().positions.get(look.position.symbol)
    sold = look.position.quantity - (ZERO if held is None else held.quantity)
    return situation.shares - max(sold, ZERO) - situation.exiting


def _cancelled(run: Pass, client_order_id: str) -> bool:
    """Cancel one stop; True if it can sell no more."""
    order = run.desk.journal.order(client_order_id)
    assert order is not None
    return cancel(run.desk, order, run.patience).state in TERMINAL_ORDER_STATES


def _is_sale_blocked(look: Look) -> bool:
    """Return whether nothing but a buy that rests keeps a sale from being sent."""
    now = look.situation
    is_due = look.problem is None and plan_of(now._replace(is_buy_resting=False)).action == "exit"
    return now.is_buy_resting and is_due


def _cancel_buys(run: Pass, symbol: str) -> None:
    """End our own buys, however long they still have: what is to be sold now is not bought."""
    for order in run.live(symbol, "buy"):
        if order.state in {"SUBMITTED", "PARTIALLY_FILLED", "PENDING_CANCEL"}:
            cancel(run.desk, order, run.patience)


def _finish_cancels(run: Pass, symbol: str) -> None:
    """Ask again about stops whose cancel was never confirmed, if their shares may be sold then."""
    for order in run.live(symbol, "sell"):
        if order.state == "PENDING_CANCEL" and run.may_act(symbol):
            cancel(run.desk, order, run.patience)


def _end_outdated(run: Pass, symbol: str) -> None:
    """Cancel sells that were formed in shares that are no more, if the broker has not done so."""
    for order in run.outdated(symbol):
        if order.state in {"SUBMITTED", "PARTIALLY_FILLED"} and run.may_act(symbol):
            cancel(run.desk, order, run.patience)


def _promise_and_send(
    run: Pass, look: Look, purpose: Purpose, terms: dict[str, Any], rows: list[Frozen]
) -> OrderRecord:
    """Send an order; conclusion, intent and mark become durable together, just before."""
    desk, symbol = run.desk, look.position.symbol
    genesis = desk.journal.genesis()
    assert genesis is not None
    strategy = "exits" if look.entry is None else look.entry.strategy
    session = desk.stamp.session
    sequence = desk.journal.sequence_max(session, strategy, symbol, purpose) + 1
    intent = form_intent(
        IntentKey(genesis.account_id, strategy, session, symbol, purpose, sequence),
        signal_id=None if look.entry is None else look.entry.signal_id,
        side="sell",
        reference_price=look.situation.price,
        expires_at=None,
        **terms,
    )
    order = OrderRecord(intent=intent, state="PENDING")
    promise = [*rows, IntentRow(intent=intent)]
    sent = send(desk, order, run.patience, run.may_send, promise)
    if sent.state == "PENDING":
        run.conclusions += rows
    return sent


def _remember(run: Pass, look: Look) -> None:
    """Write stop memory when the highest working stop is not what is remembered."""
    symbol = look.position.symbol
    stops = [
        order
        for order in run.sells(symbol)
        if is_covering(order) and order.intent.stop_price is not None
    ]
    if not stops or symbol not in run.books().positions:
        return
    newest = max(stops, key=lambda order: order.intent.stop_price or ZERO)
    price = newest.intent.stop_price or ZERO
    row = run.books().stops.get(symbol)
    if row is not None and row.stop_price > price:
        return
    basis: Basis = "intent"
    for level in (look.situation.base, look.situation.level):
        basis = level.basis if level.price == price else basis
    memory = StopRow(
        symbol=symbol,
        stop_price=price,
        basis=basis,
        client_order_id=newest.intent.client_order_id,
    )
    run.desk.write([] if memory == row else [memory])
