"""`snapshot`: what the desk owns and what it has earned, at one instant.

Reads the journal, this session's bars or the newest reconciliation for marks, and the snapshot
before for the history of equity. It talks to no broker.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from quantcli.contracts.errors import (
    ArtifactError,
    ArtifactMissing,
    MarketDataError,
    StateMissing,
    UsageError,
)
from quantcli.contracts.journal_rows import CashRow, FillRow, GenesisRow
from quantcli.contracts.orders import OrderRecord
from quantcli.contracts.reconciliation import Reconcile
from quantcli.contracts.scalars import ZERO, price
from quantcli.contracts.snapshot import Pnl, PositionHeld, Snapshot, TradeClosed
from quantcli.core import metrics, portfolio
from quantcli.core.portfolio import Ledger, Mark
from quantcli.core.sessions import hours, previous_session
from quantcli.core.trades import FillBook, book_of, recent_exits, trades_of
from quantcli.ports.artifact_store import Located
from quantcli.steps.corporate_actions import Holdings, holdings
from quantcli.steps.desk import Desk

#: Codes that make the snapshot unfit to size new entries on; the others only explain.
INPUT_CODES: frozenset[str] = frozenset(
    {"mark-missing", "snapshot-missing", "snapshot-invalid", "reconcile-invalid"}
)


def snapshot(desk: Desk) -> Snapshot:
    """Return the portfolio of this cycle.

    Doubt about an input is a code and exit code 4; the artifact is still made, because the
    report needs to show what is known.

    Raises:
        StateMissing: the journal has no opening balance.
        LedgerError: fills, positions and cash contradict each other.
    """
    genesis = desk.journal.genesis()
    if genesis is None:
        raise StateMissing(
            "the journal has no opening balance", hint="run quantcli snapshot --genesis first"
        )
    desk.note_journal()
    now = holdings(desk)
    ledger = _ledger(desk, genesis, now)
    book = book_of(ledger.fills, desk.config.fees, now.actions)
    portfolio.check_ledger(ledger, book)
    codes: list[str] = []
    held = _positions(desk, now, book, codes)
    previous = _previous(desk, codes)
    return _artifact(desk, ledger, book, held, previous, codes)


def genesis_snapshot(desk: Desk) -> Snapshot:
    """Return the first snapshot: opening cash, no positions; journals it once.

    Raises:
        UsageError: the journal has begun, or the account is not empty.
        ArtifactError: there is no first reconciliation of this session, or it is damaged.
    """
    genesis = desk.journal.genesis()
    if genesis is not None and not _is_mine(desk, genesis):
        raise UsageError(
            "the journal has begun: its opening balance stands",
            value=genesis.first_session,
            hint="quantcli status shows the desk",
        )
    opening = _opening(desk)
    if genesis is None:
        desk.write([opening])
    desk.note_journal()
    return _empty(desk, opening.cash)


def _is_mine(desk: Desk, genesis: GenesisRow) -> bool:
    """Return whether an earlier attempt of this very step wrote the journal's newest row."""
    mine = desk.my_rows()
    is_newest = bool(mine) and mine[-1].seq == desk.journal.head().seq
    return is_newest and [each.row for each in mine] == [genesis]


def _opening(desk: Desk) -> GenesisRow:
    """Return the opening row that the first reconciliation tells; read in every attempt."""
    located = desk.find("reconcile")
    if located is None:
        raise ArtifactMissing(
            "no reconciliation in this session", hint="run quantcli reconcile first"
        )
    seen, _ = desk.read(Reconcile, located)
    if not seen.is_first_day or seen.breaks:
        raise UsageError(
            "the reconciliation does not show an empty account for an empty journal",
            value=located.path,
            hint="close or transfer positions and orders first, then reconcile again",
        )
    return GenesisRow(
        account_id=seen.broker.account_id,
        cash=seen.broker.cash,
        first_session=desk.stamp.session,
        activities_before=seen.activities_before,
    )


def _ledger(desk: Desk, genesis: GenesisRow, now: Holdings) -> Ledger:
    movements = desk.journal.rows(kind="cash")
    booked = desk.journal.rows(session=desk.stamp.session, kind="fill")
    return Ledger(
        opening_cash=genesis.cash,
        cash=desk.journal.cash(),
        positions=now.positions,
        fills=desk.journal.fills(),
        movements=tuple(each.row for each in movements if isinstance(each.row, CashRow)),
        booked=frozenset(
            each.row.fill.execution_id for each in booked if isinstance(each.row, FillRow)
        ),
    )


def _orders(desk: Desk, ids: set[str | None]) -> dict[str, OrderRecord]:
    found = {each: desk.journal.order(each) for each in sorted(filter(None, ids))}
    return {each: order for each, order in found.items() if order is not None}


def _positions(
    desk: Desk, now: Holdings, book: FillBook, codes: list[str]
) -> tuple[PositionHeld, ...]:
    """Return positions at their marks; a position without one is at cost, and a code says so."""
    records = now.positions
    if not records:
        return ()
    marks = _marks(desk, {record.symbol for record in records}, codes)
    orders = _orders(desk, {record.entry_client_order_id for record in records})
    held = []
    for record in records:
        mark = marks.get(record.symbol)
        if mark is None:
            codes.append("mark-missing")
            mark = Mark(price(book.cost(record.symbol) / record.quantity), "cost")
        entry = orders.get(record.entry_client_order_id or "")
        held.append(portfolio.held_at(record, mark, book, now.stops.get(record.symbol), entry))
    return tuple(held)


def _marks(desk: Desk, symbols: set[str], codes: list[str]) -> dict[str, Mark]:
    """Return marks: the complete bar's close, else the price of the newest reconciliation."""
    marks = _bar_marks(desk, symbols)
    if len(marks) == len(symbols):
        return marks
    located = desk.find("reconcile")
    if located is None:
        return marks
    try:
        seen, _ = desk.read(Reconcile, located)
    except ArtifactError:
        codes.append("reconcile-invalid")
        return marks
    for position in seen.broker.positions:
        if position.symbol in symbols and position.current_price is not None:
            marks.setdefault(position.symbol, Mark(position.current_price, "broker"))
    return marks


def _bar_marks(desk: Desk, symbols: set[str]) -> dict[str, Mark]:
    """Return closes of this session's bars, once the session is over and they are there."""
    session = desk.stamp.session
    if desk.stamp.as_of < hours(session).closes_at:
        return {}
    try:
        bars = desk.market.daily(session, 1)
    except MarketDataError:
        return {}
    desk.note(bars.refs)
    if not bars.sessions or bars.sessions[-1] != session:
        return {}
    closes = zip(bars.symbols, bars.close[-1].tolist(), strict=True)
    return {
        symbol: Mark(price(close), "bar")
        for symbol, close in closes
        if symbol in symbols and close == close  # noqa: PLR0124 - NaN: no bar
    }


def _previous(desk: Desk, codes: list[str]) -> Snapshot | None:
    """Return the snapshot that history continues from; codes say what is wrong with it."""
    for located in _earlier(desk):
        try:
            found, _ = desk.read(Snapshot, located)
        except ArtifactError:
            codes.append("snapshot-invalid")
            continue
        is_next = found.session == previous_session(desk.stamp.session)
        if not is_next and not found.is_genesis:
            codes.append("history-gap")
        return found
    codes.append("snapshot-missing")
    return None


def _earlier(desk: Desk) -> Iterator[Located]:
    """Yield each earlier session's last snapshot, newest first, then this session's first."""
    mine = desk.stamp.session
    for session in reversed(desk.store.sessions()):
        if session < mine:
            last = desk.store.find(session, "snapshot", not_after="235959")
            if last is not None:
                yield last
    own = (each for each in desk.store.list(mine) if each.step == "snapshot")
    first = next(own, None)
    if first is not None and first.cycle < desk.stamp.cycle:
        yield first


def _artifact(
    desk: Desk,
    ledger: Ledger,
    book: FillBook,
    held: tuple[PositionHeld, ...],
    previous: Snapshot | None,
    codes: list[str],
) -> Snapshot:
    pnl = portfolio.pnl_of(ledger, book, held, desk.config.fees)
    values = [position.market_value for position in held]
    net = metrics.exposure_net(values)
    equity = metrics.equity(ledger.cash, net)
    if equity <= 0:
        codes.append("equity-not-positive")
    moved = pnl.transfers - previous.pnl.transfers if previous else ZERO
    added = portfolio.contributions(book.matches, held)
    found = tuple(dict.fromkeys(codes))
    return Snapshot(
        **desk.header(Snapshot, 4 if INPUT_CODES.intersection(found) else 0),
        is_genesis=False,
        capital_starting=ledger.opening_cash,
        cash=ledger.cash,
        equity=equity,
        exposure_gross=metrics.exposure_gross(values),
        exposure_net=net,
        heat=metrics.heat([position.risk_at_stop for position in held], equity),
        positions=held,
        trades_closed=_trades(desk, ledger, book),
        pnl=pnl,
        **portfolio.standing(equity, previous, moved)._asdict(),
        contributions=added,
        contribution_rest=pnl.net - sum((each.total for each in added), ZERO),
        recent_exits=recent_exits(book),
        formulas=metrics.FORMULAS,
        codes=found,
    )


def _trades(desk: Desk, ledger: Ledger, book: FillBook) -> tuple[TradeClosed, ...]:
    closing = [match for match in book.matches if match.closing.execution_id in ledger.booked]
    ids = {fill.client_order_id for match in closing for fill in (match.opening, match.closing)}
    return trades_of(closing, _orders(desk, ids), ledger.booked)


def _empty(desk: Desk, cash: Decimal) -> Snapshot:
    zero = dict.fromkeys(Pnl.model_fields, ZERO)
    return Snapshot(
        **desk.header(Snapshot),
        is_genesis=True,
        capital_starting=cash,
        cash=cash,
        equity=cash,
        exposure_gross=ZERO,
        exposure_net=ZERO,
        heat=ZERO,
        positions=(),
        trades_closed=(),
        pnl=Pnl(**zero),
        high_water_mark=cash,
        drawdown=ZERO,
        drawdown_max=ZERO,
        equity_history=(cash,),
        return_session=None,
        volatility_5=None,
        contributions=(),
        contribution_rest=ZERO,
        recent_exits=(),
        formulas=metrics.FORMULAS,
        codes=(),
    )
