"""`exits`: a stop under every share, raised when structure allows, and the ways out.

The only sender of exits. Books first, finishes what an earlier pass left open, then looks at
each position, and certifies what covers it. Run twice, the second run moves nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from quantcli.contracts.envelope import Frozen
from quantcli.contracts.errors import BrokerError
from quantcli.contracts.execution import Exits
from quantcli.contracts.journal_rows import ExposedRow, IntentRow, ReviewRow
from quantcli.contracts.scalars import ZERO
from quantcli.core.coverage import coverage, unprotected_seconds
from quantcli.core.order_states import own_row
from quantcli.core.sessions import hours
from quantcli.steps.desk import Desk
from quantcli.steps.execute import end_unsent
from quantcli.steps.exit_codes import exit_code_of
from quantcli.steps.exit_pass import Pass, symbols_reviewed
from quantcli.steps.order_protocol import Patience, adopt, send, write
from quantcli.steps.order_reports import changes, fills_booked, order_reports
from quantcli.steps.protection import protect
from quantcli.steps.structure import Structure
from quantcli.steps.sync import sync

#: A broker that does not answer this often in one pass is left alone until the next.
FAILURES_MAX = 3


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
    _attempt_all(run)
    if run.has_sold:
        codes.update(sync(desk, patience).codes)
    _certify(run)
    return _artifact(run)


def _attempt_all(run: Pass) -> None:
    """Finish old business, then protect each position; one failure does not stop the others."""
    failures = 0
    tasks: list[Callable[[], None]] = [partial(_end_lost, run), partial(_finish, run)]
    tasks += [partial(protect, run, position) for position in run.desk.journal.positions()]
    for task in tasks:
        if failures >= FAILURES_MAX:
            return
        try:
            task()
        except BrokerError as error:
            run.codes.add(error.code)
            failures += 1


def _end_lost(run: Pass) -> None:
    """After the close, end entries whose unknown outcome a last look-up finds nowhere.

    The request is older than any time-out by then, and a DAY order would have ended anyway.
    """
    desk = run.desk
    if desk.stamp.as_of < hours(desk.stamp.session).closes_at:
        return
    for order in desk.journal.orders(purpose="entry", live_only=True):
        if order.state != "UNKNOWN":
            continue
        shown = desk.broker.order_by_client_id(order.intent.client_order_id)
        if shown is None:
            write(desk, order, own_row(order, "EXPIRED", "expire", "outcome-unknown"))
        else:
            adopt(desk, order, shown, "look-up")


def _finish(run: Pass) -> None:
    """Send again what is of unknown outcome, send what this pass promised, end older promises."""
    promised = {
        entry.row.intent.client_order_id
        for entry in run.desk.my_rows()
        if isinstance(entry.row, IntentRow)
    }
    for order in run.desk.journal.orders(live_only=True):
        if order.intent.side != "sell" or order.state not in {"PENDING", "UNKNOWN"}:
            continue
        if order.state == "UNKNOWN" or order.intent.client_order_id in promised:
            send(run.desk, order, run.patience, run.may_send)
            run.has_sold = run.has_sold or order.intent.purpose == "exit"
        else:
            write(run.desk, order, own_row(order, "EXPIRED", "expire", "intent-expired"))


def _certify(run: Pass) -> None:
    """Journal what is left to say: conclusions, and the certificate of each position held."""
    desk = run.desk
    written = {row.symbol: row for row in _certificate(desk)}
    rows: list[Frozen] = [*run.conclusions]
    for position in desk.journal.positions():
        orders = desk.journal.orders(symbol=position.symbol, since=position.opened_session)
        sells = [order for order in orders if order.intent.side == "sell"]
        quantity = max(position.quantity, ZERO)
        now = coverage(quantity, sells)
        seconds = unprotected_seconds(
            position.opened_at,
            desk.journal.fills(symbol=position.symbol),
            sells,
            now.uncovered,
            desk.stamp.as_of,
        )
        row = ExposedRow(
            symbol=position.symbol,
            quantity=quantity,
            covered_by=now.covered_by,
            uncovered=now.uncovered,
            unprotected_seconds=seconds,
        )
        rows.extend([] if written.get(position.symbol) == row else [row])
    desk.write(rows)


def _certificate(desk: Desk) -> tuple[ExposedRow, ...]:
    """Return the newest certificate of each symbol still held, by symbol."""
    held = {position.symbol for position in desk.journal.positions()}
    rows = [entry.row for entry in desk.my_rows() if isinstance(entry.row, ExposedRow)]
    newest = {row.symbol: row for row in rows if row.symbol in held}
    return tuple(newest[symbol] for symbol in sorted(newest))


def _artifact(run: Pass) -> Exits:
    desk = run.desk
    reviews = [entry.row for entry in desk.my_rows() if isinstance(entry.row, ReviewRow)]
    certificate = _certificate(desk)
    codes = run.codes | {item.code for item in run.synced.differences} | {*run.structure.codes}
    codes |= {item.code for item in run.withheld.values()}
    codes |= {"position-oversold" for item in desk.journal.positions() if item.quantity < 0}
    if any(row.uncovered > 0 for row in certificate):
        codes.add("share-uncovered")
    if any(order.state == "UNKNOWN" for order in desk.journal.orders(live_only=True)):
        codes.add("outcome-unknown")
    return Exits(
        **desk.header(Exits, exit_code_of(codes)),
        reviews=tuple(_told(run, row) for row in sorted(reviews, key=lambda row: row.symbol)),
        orders=order_reports(desk),
        fills=fills_booked(desk),
        certificate=certificate,
        withheld=tuple(run.withheld[symbol] for symbol in sorted(run.withheld)),
        codes=tuple(sorted(codes)),
    )


def _told(run: Pass, review: ReviewRow) -> ReviewRow:
    """Return a conclusion as it turned out: a stop that was refused is not a stop placed."""
    if review.action not in {"place", "raise", "resize"}:
        return review
    desk = run.desk
    names = {change.client_order_id for change in changes(desk)}
    stops = desk.journal.orders(purpose="stop", symbol=review.symbol, session=desk.stamp.session)
    mine = [order for order in stops if order.intent.client_order_id in names]
    was_refused = any(order.state == "REJECTED" for order in mine)
    stands = any(
        order.state != "REJECTED" and order.intent.stop_price == review.stop_after for order in mine
    )
    if not was_refused or stands:
        return review
    return review.model_copy(update={"code": "stop-refused", "stop_after": review.stop_before})
