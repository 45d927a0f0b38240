"""`decide`: ALLOW or BLOCK per signal, sized, against one shared budget.

Reads the newest scan of this session, the newest snapshot of this session or of the one before,
and the journal. Any doubt about them blocks every signal; PAUSED and halts are `enforce`'s.
"""

from __future__ import annotations

import datetime as dt

from quantcli.contracts.decide import Budget, Decide, SignalVerdict
from quantcli.contracts.journal_rows import FillRow
from quantcli.contracts.scan import Scan
from quantcli.contracts.snapshot import Snapshot
from quantcli.core.allocation import Portfolio, allocate, block_all, budget_of
from quantcli.core.corporate_actions import terms_since
from quantcli.core.exposure import drawdown, exposure_gross, exposure_of
from quantcli.core.readings import Reading
from quantcli.core.sessions import cycle_name, hours, previous_session, sessions_apart
from quantcli.ports.artifact_store import Located
from quantcli.steps.book import book_of, entry_orders, reading
from quantcli.steps.corporate_actions import holdings
from quantcli.steps.desk import Desk

_LAST_CYCLE = "235959"


def decide(desk: Desk) -> Decide:
    """Return the decisions on this session's newest signals.

    The exit code is 4 when an input is missing, damaged or stale, else 0: verdicts are data.
    """
    scan = reading(desk, Scan, desk.find("scan"), missing="scan-missing", invalid="scan-invalid")
    located = _newest_snapshot(desk)
    snapshot = reading(
        desk, Snapshot, located, missing="snapshot-missing", invalid="snapshot-invalid"
    )
    desk.note_journal()
    faults = [
        *_scan_faults(scan, desk.stamp.session),
        *_snapshot_faults(snapshot, located, desk),
    ]
    codes = (*faults, *_doubts(scan, snapshot))
    budget, verdicts = _judged(desk, scan, snapshot, codes)
    return Decide(
        **desk.header(Decide, 4 if faults else 0),
        scan=scan.ref,
        snapshot=snapshot.ref,
        budget=budget,
        verdicts=verdicts,
        codes=codes,
    )


def _judged(
    desk: Desk, scan: Reading[Scan], snapshot: Reading[Snapshot], codes: tuple[str, ...]
) -> tuple[Budget | None, tuple[SignalVerdict, ...]]:
    """Return the budget, as far as it is known, and the verdicts on the signals that are."""
    limits, sizing = desk.config.limits, desk.config.sizing
    signals = scan.value.signals if scan.value is not None else ()
    portfolio = None if snapshot.value is None else _portfolio(desk, snapshot.value)
    budget = None if portfolio is None else budget_of(portfolio, limits)
    if codes or portfolio is None:
        return budget, block_all(signals, codes)
    return budget, allocate(signals, portfolio, limits, sizing)


def _doubts(scan: Reading[Scan], snapshot: Reading[Snapshot]) -> list[str]:
    """Return what readable inputs say against themselves."""
    is_scan_blocked = scan.value is not None and bool(scan.value.codes)
    # A snapshot with an exit code has codes that make its equity unfit to size entries on.
    is_snapshot_blocked = snapshot.value is not None and snapshot.value.exit_code != 0
    return [
        *(["scan-blocked"] if is_scan_blocked else []),
        *(["snapshot-blocked"] if is_snapshot_blocked else []),
    ]


def _scan_faults(scan: Reading[Scan], session: dt.date) -> list[str]:
    if scan.value is None:
        return [scan.fault or "scan-missing"]
    if scan.value.session != session:
        return ["session-mismatch"]
    signals = scan.value.signals
    ids = {signal.signal_id for signal in signals}
    ranks = {signal.rank for signal in signals}
    # Two signals of one name or one rank have no order, so the shared budget has none either.
    return ["scan-invalid"] if min(len(ids), len(ranks)) < len(signals) else []


def _snapshot_faults(snapshot: Reading[Snapshot], located: Located | None, desk: Desk) -> list[str]:
    if snapshot.value is None or located is None:
        return [snapshot.fault or "snapshot-missing"]
    session = desk.stamp.session
    previous = previous_session(session)
    is_last = located.session == previous and located.cycle >= _last_cycle_due(desk, previous)
    return [] if located.session == session or is_last else ["snapshot-stale"]


def _newest_snapshot(desk: Desk) -> Located | None:
    """Return the newest snapshot of this session up to now, else of the newest one before."""
    session = desk.stamp.session
    found = desk.find("snapshot")
    earlier = (day for day in reversed(desk.store.sessions()) if day < session)
    while found is None and (day := next(earlier, None)) is not None:
        found = desk.store.find(day, "snapshot", not_after=_LAST_CYCLE)
    return found


def _last_cycle_due(desk: Desk, session: dt.date) -> str:
    """Return the name of a session's last scheduled snapshot cycle; empty if none is scheduled."""
    opens_at, closes_at = hours(session)
    cycles = desk.config.schedule.offsets()
    due = (offset.of(opens_at, closes_at) for offset, steps in cycles if "snapshot" in steps)
    return max((cycle_name(instant) for instant in due), default="")


def _portfolio(desk: Desk, snapshot: Snapshot) -> Portfolio:
    """Return the snapshot's equity and marks over the journal's positions and entries.

    Shares bought since the snapshot have no mark in it: they count at what they cost.
    """
    entries = entry_orders(desk)
    now = holdings(desk)
    marks = {held.symbol: held.average_price for held in now.positions}
    for held in snapshot.positions:
        terms = terms_since(held.symbol, snapshot.session, now.actions)
        marks[terms.symbol] = terms.price(held.mark_price)
    book = book_of(desk, entries, marks)
    gross = exposure_gross(book)
    assert gross is not None, "every holding was given a mark"
    formed = [order.intent for order in entries if order.intent.session == desk.stamp.session]
    return Portfolio(
        snapshot_session=snapshot.session,
        equity=snapshot.equity,
        drawdown=max(snapshot.drawdown, drawdown(snapshot.equity, snapshot.high_water_mark)),
        exposure_gross=gross,
        exposure_by_symbol={symbol: exposure_of(book, symbol) for symbol in book.symbols()},
        symbols=book.symbols(),
        entries=len(formed),
        signals_consumed=frozenset(
            intent.signal_id for intent in formed if intent.signal_id is not None
        ),
        sessions_since_exit=_sessions_since_exit(desk, snapshot),
    )


def _sessions_since_exit(desk: Desk, snapshot: Snapshot) -> dict[str, int]:
    """Return how long ago each symbol was sold, by the snapshot and by this session's sells."""
    session = desk.stamp.session
    apart = {item.symbol: sessions_apart(item.session, session) for item in snapshot.recent_exits}
    for row in desk.journal.rows(session=session, kind="fill"):
        if isinstance(row.row, FillRow) and row.row.fill.side == "sell":
            apart[row.row.fill.symbol] = 0
    return apart
