"""`exits`: a stop under every share, raised when structure allows, and the ways out.

The only sender of exits. Books first, finishes what an earlier pass left open, then looks at
each position, and certifies what covers it. Run twice, the second run moves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from typing import TypeVar

from quantcli.contracts.envelope import Frozen
from quantcli.contracts.errors import BrokerError, BrokerUnreachable, LedgerError
from quantcli.contracts.execution import Exits, OrderReport
from quantcli.contracts.journal_rows import ExposedRow, ReviewRow
from quantcli.contracts.orders import OrderRecord, OrderState
from quantcli.contracts.positions import PositionRecord
from quantcli.contracts.scalars import ZERO
from quantcli.core.coverage import coverage, unprotected_seconds
from quantcli.core.ledger import quantity_filled
from quantcli.core.order_states import ended_row, own_row
from quantcli.core.sessions import hours
from quantcli.ports.journal import JournalRow
from quantcli.steps.desk import Desk
from quantcli.steps.entry_life import end_unsent
from quantcli.steps.exit_codes import exit_code_of
from quantcli.steps.exit_pass import Pass, symbols_reviewed
from quantcli.steps.order_protocol import (
    Patience,
    adopt,
    is_absent,
    is_own_account,
    learn,
    look_up,
    send,
    write,
)
from quantcli.steps.order_reports import actions_booked, changes, fills_booked, order_reports
from quantcli.steps.position_view import shares_held
from quantcli.steps.protection import protect
from quantcli.steps.structure import Structure
from quantcli.steps.sync import FAILURES_MAX, book_fills, sync

SymbolRowT = TypeVar("SymbolRowT", ReviewRow, ExposedRow)


def exits(desk: Desk) -> Exits:
    """Return one pass of `exits`."""
    patience = Patience(desk.sleep)
    codes: set[str] = set()
    synced = sync(desk, patience)
    codes.update(synced.codes)
    run = Pass(
        desk=desk,
        patience=patience,
        synced=synced,
        structure=Structure(desk),
        reviewed=symbols_reviewed(desk),
        codes=codes,
    )
    end_unsent(desk)
    if not synced.is_foreign:
        _attempt_all(run)
        _read_back(run)
    if run.has_sold:
        sold = [order for order in run.books().live if order.intent.purpose == "exit"]
        codes.update(book_fills(desk, sold))
    unbooked = _unbooked(run)
    _certify(run, unbooked)
    return _artifact(run, unbooked)


def _attempt_all(run: Pass) -> None:
    """Finish old business, then protect each position; one failure does not stop the others."""
    waiting = _waiting(run)
    promised = {change.client_order_id for change in changes(run.desk.my_rows())}
    old = [partial(_finish, run, order, promised) for order in waiting]
    failures = _attempt(run, [partial(_end_lost, run), *old])
    if any(order.intent.purpose == "exit" for order in waiting):
        # What has been sold by now needs no stop.
        failures = _attempt(run, [partial(_sync_again, run)], failures)
    positions = run.books().positions.values()
    _attempt(run, [partial(protect, run, position) for position in positions], failures)


def _attempt(run: Pass, tasks: Sequence[Callable[[], object]], failures: int = 0) -> int:
    """Run tasks until the broker has been silent too often; return how often it was.

    A task that fails for another reason concerns one order; the other shares still wait.
    """
    for task in tasks:
        if failures >= FAILURES_MAX:
            break
        try:
            task()
        except (BrokerError, LedgerError) as error:
            run.codes.add(error.code)
            failures += isinstance(error, BrokerUnreachable)
    return failures


def _end_lost(run: Pass) -> None:
    """After their session's close, end entries of unknown outcome that nobody knows of.

    The request is older than any time-out by then, and a DAY order would have ended anyway. That
    it is after the close the broker has to say as well: a pass may carry a wrong instant.
    """
    desk = run.desk
    lost = [order for order in run.books().live if _is_lost(order)]
    if not lost:
        return
    now = min(desk.stamp.as_of, desk.broker.clock().timestamp)
    # Shares that are not ours may be this order's: it was carried out, whatever a look-up says.
    strange = {item.subject for item in run.synced.differences}
    for order in lost:
        if now < hours(order.intent.session).closes_at:
            continue
        shown = desk.broker.order_by_client_id(order.intent.client_order_id)
        if shown is not None:
            adopt(desk, order, shown, "look-up")
        elif order.intent.symbol not in strange and is_own_account(desk):
            fills = desk.journal.fills(symbol=order.intent.symbol)
            write(desk, order, ended_row(order, fills))


def _is_lost(order: OrderRecord) -> bool:
    return order.intent.purpose == "entry" and order.state == "UNKNOWN"


def _waiting(run: Pass) -> list[OrderRecord]:
    """Return sells that an earlier pass, or attempt, left unsent or of unknown outcome."""
    return [
        order
        for order in run.books().live
        if order.intent.side == "sell" and order.state in {"PENDING", "UNKNOWN"}
    ]


def _finish(run: Pass, order: OrderRecord, promised: AbstractSet[str]) -> None:
    """Send again what is of unknown outcome, send what this pass promised, end an older promise.

    What was told in shares that are no more is not sent again: its price means something else.
    """
    is_spent = order.broker_order_id is not None or run.is_outdated(order)
    if order.state == "UNKNOWN" and is_spent:
        _end_vanished(run, order)
    elif order.state == "UNKNOWN" or order.intent.client_order_id in promised:
        send(run.desk, order, run.patience, run.may_send)
    else:
        write(run.desk, order, own_row(order, "EXPIRED", "expire", "intent-expired"))


def _sync_again(run: Pass) -> None:
    run.synced = sync(run.desk, run.patience)
    run.codes.update(run.synced.codes)


def _end_vanished(run: Pass, order: OrderRecord) -> None:
    """End a sell that the broker shows nowhere and that is not sent again: another can stand.

    That nothing is found proves nothing. The broker's position does: as long as shares are held
    for an order that nobody shows, this one stays unknown and its shares are named.
    """
    shown = look_up(run.desk, order.intent, run.patience)
    if shown is not None:
        adopt(run.desk, order, shown, "look-up")
    elif _holds_nothing(run, order) and is_absent(run.desk, order):
        ended: OrderState = "CANCELLED" if order.cumulative_quantity > 0 else "REJECTED"
        write(run.desk, order, own_row(order, ended, "look-up", "order-missing"))


def _holds_nothing(run: Pass, order: OrderRecord) -> bool:
    """Return whether the broker shows as free all shares that no other open sell is for.

    Its fills must be booked as far as it told of them, or its shares are not what is held.
    """
    symbol = order.intent.symbol
    booked = quantity_filled(run.desk.journal.fills(symbol=symbol), order.intent.client_order_id)
    theirs = {item.symbol: item for item in run.synced.positions or ()}.get(symbol)
    ours = run.books().positions.get(symbol)
    if booked != order.cumulative_quantity or theirs is None or ours is None:
        return False
    open_sells = [
        other
        for other in run.synced.open_orders or ()
        if (other.symbol, other.side) == (symbol, "sell")
    ]
    taken = sum(
        ((other.quantity or ZERO) - other.cumulative_quantity for other in open_sells), ZERO
    )
    free = theirs.quantity_available
    is_read = run.synced.open_orders is not None and theirs.quantity == ours.quantity
    return is_read and free is not None and free == theirs.quantity - taken


def _read_back(run: Pass) -> None:
    """Ask once more about the stops that this pass placed: one that was taken may be rejected.

    Until it is asked for again, at the end of the pass, its word counts; a look-up that fails
    changes nothing. One that the broker took and now does not know covers nothing in this pass.
    """
    desk = run.desk
    mine = {change.client_order_id for change in changes(desk.my_rows()) if change.was_sent}
    placed = [
        order
        for order in run.books().live
        if order.intent.client_order_id in mine and order.intent.purpose == "stop"
    ]
    for order in placed:
        _attempt(run, [partial(_confirm, run, order)])
        after = desk.journal.order(order.intent.client_order_id)
        if after is not None and after.state == "REJECTED":
            run.codes.add("stop-refused")


def _confirm(run: Pass, order: OrderRecord) -> None:
    """Look a stop up until it is shown or the waits are spent; note one that is not there."""
    shown = run.desk.broker.order_by_client_id(order.intent.client_order_id)
    if shown is None:
        shown = look_up(run.desk, order.intent, run.patience)
    if shown is not None:
        learn(run.desk, order, shown, "look-up")
    elif is_absent(run.desk, order):
        run.unconfirmed.add(order.intent.client_order_id)


def _unbooked(run: Pass) -> dict[str, ExposedRow]:
    """Return a certificate for shares that our orders tell of and no fill has booked, by symbol.

    They are in nobody's position yet, so nothing protects them; they are looked for only when
    the broker's fills could not be read or its positions are not ours.
    """
    desk, found = run.desk, dict[str, ExposedRow]()
    if run.synced.activities is not None and not run.synced.differences:
        return found
    for order in desk.journal.orders(purpose="entry", session=desk.stamp.session):
        symbol = order.intent.symbol
        fills = desk.journal.fills(symbol=symbol)
        missing = order.cumulative_quantity - quantity_filled(fills, order.intent.client_order_id)
        if missing <= 0 or symbol in run.books().positions:
            continue
        since = max(order.submitted_at or desk.stamp.as_of, hours(desk.stamp.session).opens_at)
        waited = max(int((desk.stamp.as_of - since).total_seconds()), 0)
        found[symbol] = ExposedRow(
            symbol=symbol,
            quantity=missing,
            covered_by=(),
            uncovered=missing,
            unprotected_seconds=waited,
        )
    return found


def _certify(run: Pass, unbooked: Mapping[str, ExposedRow]) -> None:
    """Journal what is left to say: conclusions, and the certificate of each position held."""
    desk = run.desk
    written = {row.symbol: row for row in _newest(desk.my_rows(), ExposedRow)}
    rows: list[Frozen] = [*run.conclusions]
    held = [_exposed(run, position) for position in run.books().positions.values()]
    for row in [*held, *unbooked.values()]:
        rows.extend([] if written.get(row.symbol) == row else [row])
    desk.write(rows)


def _exposed(run: Pass, position: PositionRecord) -> ExposedRow:
    """Return the stop-coverage certificate of one position."""
    desk = run.desk
    orders = desk.journal.orders(symbol=position.symbol, since=position.opened_session)
    sells = [order for order in orders if order.intent.side == "sell"]
    quantity = shares_held(run, position)
    now = coverage(quantity, [order for order in sells if run.is_believed(order)])
    seconds = unprotected_seconds(
        position.opened_at,
        desk.journal.fills(symbol=position.symbol),
        sells,
        now.uncovered,
        desk.stamp.as_of,
    )
    return ExposedRow(
        symbol=position.symbol,
        quantity=quantity,
        covered_by=now.covered_by,
        uncovered=now.uncovered,
        unprotected_seconds=seconds,
    )


def _newest(rows: Sequence[JournalRow], model: type[SymbolRowT]) -> tuple[SymbolRowT, ...]:
    """Return the newest row of a kind for each symbol, by symbol."""
    found = {entry.row.symbol: entry.row for entry in rows if isinstance(entry.row, model)}
    return tuple(found[symbol] for symbol in sorted(found))


def _artifact(run: Pass, unbooked: Mapping[str, ExposedRow]) -> Exits:
    desk, books, rows = run.desk, run.books(), run.desk.my_rows()
    held = {*books.positions, *unbooked}
    certificate = tuple(row for row in _newest(rows, ExposedRow) if row.symbol in held)
    codes = run.codes | {item.code for item in run.synced.differences} | {*run.structure.codes}
    codes |= {item.code for item in run.withheld.values()}
    codes |= {"position-oversold" for item in books.positions.values() if item.quantity < 0}
    if any(row.uncovered > 0 for row in certificate):
        codes.add("share-uncovered")
    if any(order.state == "UNKNOWN" for order in books.live):
        codes.add("outcome-unknown")
    reports = order_reports(desk, rows)
    return Exits(
        **desk.header(Exits, exit_code_of(codes)),
        reviews=tuple(_told(row, reports) for row in _newest(rows, ReviewRow)),
        orders=reports,
        fills=fills_booked(rows),
        actions=actions_booked(rows),
        certificate=certificate,
        differences=run.synced.differences,
        withheld=tuple(run.withheld[symbol] for symbol in sorted(run.withheld)),
        codes=tuple(sorted(codes)),
    )


def _told(review: ReviewRow, reports: Sequence[OrderReport]) -> ReviewRow:
    """Return a conclusion as it turned out: a stop that was refused is not a stop placed."""
    mine = [
        report
        for report in reports
        if (report.symbol, report.purpose) == (review.symbol, "stop")
        and report.action != "replaced"
    ]
    was_refused = any(report.state == "REJECTED" for report in mine)
    stands = any(
        report.state != "REJECTED" and report.stop_price == review.stop_after for report in mine
    )
    if review.action not in {"place", "raise", "resize"} or not was_refused or stands:
        return review
    return review.model_copy(update={"code": "stop-refused", "stop_after": review.stop_before})
