"""What `enforce` gathers before the gates are asked: artifacts, journal, halts, broker.

Every source that does not answer becomes a reading with a fault; nothing here decides.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TypeVar

from quantcli.contracts.broker_views import Asset
from quantcli.contracts.config import Offset
from quantcli.contracts.decide import Decide
from quantcli.contracts.errors import BrokerError
from quantcli.contracts.orders import OrderRecord
from quantcli.contracts.reconciliation import Reconcile
from quantcli.contracts.scan import Scan
from quantcli.core.exposure import Book, exposure_gross, spending_power
from quantcli.core.gates.facts import Facts, Proposal, Span, Tally
from quantcli.core.halts import journal_halt
from quantcli.core.readings import Reading
from quantcli.core.sessions import hours, previous_session
from quantcli.ports.broker import Broker
from quantcli.steps.book import book_of, entry_orders, reading
from quantcli.steps.desk import Desk

T = TypeVar("T")
_UNAVAILABLE = "broker-unavailable"


def gather(desk: Desk) -> tuple[Facts, Tally]:
    """Return what the gates look at, and the tally before the first signal.

    The halt record is read last, so that a halt during the broker's answers still counts.
    """
    scan = reading(desk, Scan, desk.find("scan"), missing="scan-missing", invalid="scan-invalid")
    decision = _decision(desk)
    reconcile = reading(
        desk,
        Reconcile,
        desk.find("reconcile"),
        missing="reconcile-absent",
        invalid="reconcile-invalid",
    )
    entries = entry_orders(desk)
    book = _book(desk, entries, reconcile)
    session = desk.stamp.session
    genesis = desk.journal.genesis()
    account = _asked(desk, lambda broker: broker.account())
    clock = _asked(desk, lambda broker: broker.clock(), is_silent=account.value is None)
    calendar = _asked(
        desk, lambda broker: broker.calendar(session, session), is_silent=clock.value is None
    )
    assets = _assets(desk, scan.value, decision.value, is_silent=calendar.value is None)
    facts = Facts(
        session=session,
        as_of=desk.stamp.as_of,
        mode=desk.stamp.mode,
        is_enforced=desk.config.enforce.enabled,
        limits=desk.config.limits,
        hours=Span(*hours(session)),
        window=_window(desk),
        previous_session=previous_session(session),
        unsealed_session=_unsealed(desk),
        seal_damage=desk.seal_damage(),
        halt=_halt(desk),
        paused=_paused(desk),
        scan=scan,
        decision=decision,
        reconcile=reconcile,
        account_id=None if genesis is None else genesis.account_id,
        account=account,
        clock=clock,
        calendar=calendar,
        symbols_held=_symbols_held(book, reconcile),
        orders=desk.journal.orders(live_only=True),
        intents=_intents(entries, session),
        assets=assets,
    )
    return facts, _tally(facts, book)


def proposals_of(facts: Facts) -> tuple[Proposal, ...]:
    """Return every signal that the scan or the decision names, by rank, then id."""
    scan, decision = facts.scan.value, facts.decision.value
    signals = {} if scan is None else {each.signal_id: each for each in scan.signals}
    verdicts = {} if decision is None else {each.signal_id: each for each in decision.verdicts}
    found = {
        signal_id: Proposal(signals.get(signal_id), verdicts.get(signal_id))
        for signal_id in {**signals, **verdicts}
    }
    return tuple(
        proposal
        for _, proposal in sorted(found.items(), key=lambda item: (item[1].terms.rank, item[0]))
    )


def _assets(
    desk: Desk, scan: Scan | None, decision: Decide | None, *, is_silent: bool
) -> dict[str, Reading[Asset]]:
    """Return what the broker says of each symbol proposed; of a silent one, that it is silent."""
    found: dict[str, Reading[Asset]] = {}
    symbols = {each.symbol for each in (() if scan is None else scan.signals)}
    symbols |= {each.symbol for each in (() if decision is None else decision.verdicts)}
    for symbol in sorted(symbols):
        found[symbol] = _asset(desk, symbol, is_silent=is_silent)
        is_silent = found[symbol].fault == _UNAVAILABLE
    return found


def _asset(desk: Desk, symbol: str, *, is_silent: bool) -> Reading[Asset]:
    if is_silent:
        return Reading(fault=_UNAVAILABLE)
    try:
        asset = desk.broker.asset(symbol)
    except BrokerError:
        return Reading(fault=_UNAVAILABLE)
    return Reading(fault="asset-not-tradable") if asset is None else Reading(value=asset)


def _decision(desk: Desk) -> Reading[Decide]:
    found = reading(
        desk, Decide, desk.find("decide"), missing="decision-missing", invalid="decision-invalid"
    )
    if found.value is None:
        return found
    ids = [verdict.signal_id for verdict in found.value.verdicts]
    # Two verdicts on one signal contradict each other, whatever they say.
    return found if len(set(ids)) == len(ids) else Reading(fault="decision-invalid")


def _asked(desk: Desk, ask: Callable[[Broker], T], *, is_silent: bool = False) -> Reading[T]:
    """Return the broker's answer; a broker that fell silent is not asked again."""
    if is_silent:
        return Reading(fault=_UNAVAILABLE)
    try:
        return Reading(value=ask(desk.broker))
    except BrokerError:
        return Reading(fault=_UNAVAILABLE)


def _book(desk: Desk, entries: tuple[OrderRecord, ...], reconcile: Reading[Reconcile]) -> Book:
    """Return the book at the prices that the reconciliation saw."""
    seen = () if reconcile.value is None else reconcile.value.broker.positions
    marks = {held.symbol: held.current_price for held in seen if held.current_price is not None}
    return book_of(desk, entries, marks)


def _symbols_held(book: Book, reconcile: Reading[Reconcile]) -> frozenset[str]:
    seen = () if reconcile.value is None else reconcile.value.broker.positions
    return frozenset([*(held.symbol for held in book.holdings), *(held.symbol for held in seen)])


def _tally(facts: Facts, book: Book) -> Tally:
    account = facts.account.value
    return Tally(
        exposure_gross=exposure_gross(book),
        spending_power=None if account is None else spending_power(account, book.entries),
        symbols=book.symbols() | facts.symbols_held,
        entries=len(facts.intents),
    )


def _intents(entries: tuple[OrderRecord, ...], session: dt.date) -> dict[str, str]:
    """Return signal -> intent of this session; an entry without a signal counts under its own."""
    formed = (order.intent for order in entries if order.intent.session == session)
    return {intent.signal_id or intent.intent_id: intent.intent_id for intent in formed}


def _window(desk: Desk) -> Span:
    window, (opens_at, closes_at) = desk.config.window, hours(desk.stamp.session)
    return Span(
        Offset.parse(window.entries_from).of(opens_at, closes_at),
        Offset.parse(window.entries_until).of(opens_at, closes_at),
    )


def _unsealed(desk: Desk) -> dt.date | None:
    """Return the newest earlier session with a folder if it has no seal."""
    earlier = [day for day in desk.store.sessions() if day < desk.stamp.session]
    if not earlier:
        return None
    seal = desk.last_seal()
    return earlier[-1] if seal is None or seal.session != earlier[-1] else None


def _halt(desk: Desk) -> str | None:
    halts = desk.halts.read()
    if halts.entries or halts.all:
        return halts.reason
    reasons = journal_halt(desk.journal.flags())
    return None if reasons is None else ", ".join(reasons)


def _paused(desk: Desk) -> tuple[str, ...] | None:
    flag = desk.journal.flags().get("paused")
    return flag.reasons if flag is not None and flag.is_set else None
