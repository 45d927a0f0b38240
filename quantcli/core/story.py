"""The story of a symbol in a session: why it was traded, or why it was not.

Every step that said something about the symbol tells it in turn, with what it observed and the
limit it held that against. A step that cannot be read says so; a step that said nothing about
a symbol in the universe is itself part of the story.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

from quantcli.contracts.decide import Decide, SignalVerdict
from quantcli.contracts.enforce import Enforce, EnforceVerdict
from quantcli.contracts.envelope import Artifact, Finding
from quantcli.contracts.execution import Execute, Exits, OrderReport
from quantcli.contracts.journal_rows import ActionRow, ReviewRow
from quantcli.contracts.orders import Fill
from quantcli.contracts.reconciliation import Reconcile
from quantcli.contracts.report import SignalOutcome
from quantcli.contracts.scalars import ZERO, instant_text, plain
from quantcli.contracts.scan import Scan, Signal
from quantcli.contracts.snapshot import Snapshot, TradeClosed
from quantcli.core.evidence import Evidence
from quantcli.core.report_model import outcomes_of
from quantcli.core.words import action_words, meaning, price_words

VerdictT = TypeVar("VerdictT", SignalVerdict, EnforceVerdict)


class Event(NamedTuple):
    """One thing that was said about a symbol.

    Attributes:
        cycle: The cycle, HHMMSS New York time.
        step: Who said it.
        what: What happened, in words.
        code: Reason code; empty if there is none.
        observed: What was seen; empty if nothing was measured.
        limit: What it was held against; empty if nothing.
    """

    cycle: str
    step: str
    what: str
    code: str = ""
    observed: str = ""
    limit: str = ""


class Story(NamedTuple):
    """All events in order, and where each of the symbol's signals ended."""

    symbol: str
    session: str
    events: tuple[Event, ...]
    outcomes: tuple[SignalOutcome, ...]

    def as_json(self) -> dict[str, object]:
        """Return the story for `--json`."""
        return {
            "symbol": self.symbol,
            "session": self.session,
            "summary": self.summary(),
            "events": [event._asdict() for event in self.events],
            "signals": [outcome.as_json() for outcome in self.outcomes],
        }

    def summary(self) -> str:
        """Return the story's end in one sentence for each signal, or why there was none."""
        if self.outcomes:
            return " ".join(_ending(outcome) for outcome in self.outcomes)
        skips = [event for event in self.events if event.step == "scan" and event.code]
        if skips:
            return f"{self.symbol} gave no signal: {meaning(skips[-1].code)}."
        if any(event.what.startswith("not in the universe") for event in self.events):
            return f"{self.symbol} was not scanned: it is not in the universe."
        return f"{self.symbol}: nothing was said about a signal in this session."


def story_of(evidence: Evidence, symbol: str) -> Story:
    """Return what the session's artifacts say about one symbol."""
    events: list[Event] = []
    for seen in evidence.seen:
        if seen.artifact is None:
            what = f"the artifact cannot be read: {seen.error_detail}"
            events.append(Event(seen.cycle, seen.step, what, seen.error_code))
        else:
            events.extend(_events(seen.artifact, symbol))
    outcomes = tuple(each for each in outcomes_of(evidence) if each.symbol == symbol)
    return Story(symbol, evidence.session.isoformat(), tuple(events), outcomes)


def _events(artifact: Artifact, symbol: str) -> Iterator[Event]:
    match artifact:
        case Scan():
            yield from _scan_events(artifact, symbol)
        case Decide():
            yield from _decide_events(artifact, symbol)
        case Enforce():
            yield from _enforce_events(artifact, symbol)
        case Execute():
            yield from _action_events(artifact, artifact.actions, symbol)
            yield from _order_events(artifact, artifact.orders, artifact.fills, symbol)
        case Exits():
            yield from _exits_events(artifact, symbol)
        case Reconcile():
            yield from _reconcile_events(artifact, symbol)
        case Snapshot():
            yield from _snapshot_events(artifact, symbol)
        case _:
            return


def _scan_events(scan: Scan, symbol: str) -> Iterator[Event]:
    place = (scan.cycle, scan.STEP)
    for signal in scan.signals:
        if signal.symbol == symbol:
            yield Event(*place, _signal_text(signal))
    for skipped in scan.skipped:
        if skipped.symbol == symbol:
            what = f"no signal of {skipped.strategy}: {meaning(skipped.code)}"
            yield Event(*place, what, skipped.code, skipped.observed or "", skipped.limit or "")
    if symbol not in scan.universe:
        yield Event(*place, "not in the universe of this scan")
    for code in scan.codes:
        yield Event(*place, f"the scan blocked new risk: {meaning(code)}", code)


def _decide_events(decide: Decide, symbol: str) -> Iterator[Event]:
    for verdict in _of(decide.verdicts, symbol):
        place = (decide.cycle, decide.STEP)
        yield Event(*place, _decision_text(verdict), verdict.reason)
        for finding in verdict.findings:
            if finding.observed is not None or finding.limit is not None:
                yield _finding_event(place, finding)


def _enforce_events(enforce: Enforce, symbol: str) -> Iterator[Event]:
    for verdict in _of(enforce.verdicts, symbol):
        place = (enforce.cycle, enforce.STEP)
        shadow = "" if verdict.enforced else ", decide's verdict not enforced"
        yield Event(*place, f"{verdict.decision} by {len(verdict.gates)} gates{shadow}")
        for gate in verdict.gates:
            what = f"gate {gate.gate}: {gate.verdict}"
            yield Event(*place, what, gate.code or "", gate.observed or "", gate.limit or "")


def _exits_events(exits: Exits, symbol: str) -> Iterator[Event]:
    place = (exits.cycle, exits.STEP)
    yield from _action_events(exits, exits.actions, symbol)
    for review in exits.reviews:
        if review.symbol == symbol:
            yield Event(*place, _review_text(review), review.code)
            for finding in review.findings:
                yield _finding_event(place, finding)
    yield from _order_events(exits, exits.orders, exits.fills, symbol)
    for row in exits.certificate:
        if row.symbol == symbol:
            covered = plain(row.quantity - row.uncovered)
            what = f"{covered} of {plain(row.quantity)} shares covered at the end of this pass"
            yield Event(*place, what, "share-uncovered" if row.uncovered > 0 else "")


def _action_events(
    artifact: Artifact, actions: Iterable[ActionRow], symbol: str
) -> Iterator[Event]:
    """Tell what happened to the shares themselves, under the old symbol and the new one."""
    for row in actions:
        if symbol in {row.symbol, row.new_symbol}:
            yield Event(artifact.cycle, artifact.STEP, action_words(row))


def _order_events(
    artifact: Artifact, orders: Iterable[OrderReport], fills: Iterable[Fill], symbol: str
) -> Iterator[Event]:
    place = (artifact.cycle, artifact.STEP)
    for order in orders:
        if order.symbol == symbol:
            yield Event(*place, _order_text(order), order.code or "", order.message or "")
    for fill in fills:
        if fill.symbol == symbol:
            shares, at = plain(fill.last_quantity), price_words(fill.last_price)
            what = f"fill: {fill.side} {shares} at {at}, {instant_text(fill.filled_at)}"
            yield Event(*place, what)


def _reconcile_events(reconcile: Reconcile, symbol: str) -> Iterator[Event]:
    for found in reconcile.breaks:
        if found.symbol == symbol:
            what = f"break: {meaning(found.code)}"
            ours, theirs = f"ours {found.ours or 'nothing'}", f"theirs {found.theirs or 'nothing'}"
            yield Event(reconcile.cycle, reconcile.STEP, what, found.code, ours, theirs)


def _snapshot_events(snapshot: Snapshot, symbol: str) -> Iterator[Event]:
    place = (snapshot.cycle, snapshot.STEP)
    for trade in snapshot.trades_closed:
        if trade.symbol == symbol:
            yield Event(*place, _trade_text(trade))
    for held in snapshot.positions:
        if held.symbol == symbol:
            stop = "none" if held.stop_price is None else price_words(held.stop_price)
            what = (
                f"held: {plain(held.quantity)} shares at {price_words(held.average_price)}, mark "
                f"{price_words(held.mark_price)} ({held.mark_source}), stop {stop}, unrealised "
                f"{plain(held.pnl_unrealised)} USD"
            )
            yield Event(*place, what)


def _finding_event(place: tuple[str, str], finding: Finding) -> Event:
    what = meaning(finding.code)
    return Event(*place, what, finding.code, finding.observed or "", finding.limit or "")


def _of(verdicts: Iterable[VerdictT], symbol: str) -> Iterator[VerdictT]:
    return (verdict for verdict in verdicts if verdict.symbol == symbol)


def _signal_text(signal: Signal) -> str:
    return (
        f"signal of {signal.strategy}, rank {signal.rank}: {signal.side} up to "
        f"{price_words(signal.limit_price)}, stop {price_words(signal.stop)}, anchor "
        f"{signal.anchor} of {signal.anchor_date}, triggering bar {signal.triggering_bar}"
    )


def _decision_text(verdict: SignalVerdict) -> str:
    if verdict.decision == "BLOCK":
        return f"BLOCK: {meaning(verdict.reason)}"
    return (
        f"ALLOW {plain(verdict.quantity)} shares up to {price_words(verdict.limit_price)}, stop "
        f"{price_words(verdict.stop)}: {plain(verdict.notional)} USD, {plain(verdict.risk)} at risk"
    )


def _review_text(review: ReviewRow) -> str:
    before = "none" if review.stop_before is None else price_words(review.stop_before)
    after = "none" if review.stop_after is None else price_words(review.stop_after)
    price = "no price" if review.price is None else f"price {price_words(review.price)}"
    return (
        f"review: {review.action}, {plain(review.quantity)} shares, {price} "
        f"({review.price_source}), stop {before} -> {after}"
    )


def _order_text(order: OrderReport) -> str:
    filled = ""
    if order.cumulative_quantity > ZERO and order.average_price is not None:
        filled = (
            f", {plain(order.cumulative_quantity)} filled at {price_words(order.average_price)}"
        )
    return (
        f"{order.purpose} order {order.action}: {order.side} {plain(order.ordered_quantity)}, "
        f"{order.state}{filled} ({order.client_order_id})"
    )


def _trade_text(trade: TradeClosed) -> str:
    return (
        f"trade closed by {trade.exit_purpose}: {plain(trade.quantity)} shares, "
        f"{price_words(trade.entry_price)} -> {price_words(trade.exit_price)}, "
        f"{plain(trade.pnl_net)} USD net of estimated fees"
    )


def _ending(outcome: SignalOutcome) -> str:
    state = outcome.state or "still open"
    seen = "" if outcome.primary.observed is None else f", observed {outcome.primary.observed}"
    limit = "" if outcome.primary.limit is None else f", limit {outcome.primary.limit}"
    return (
        f"{outcome.symbol} ({outcome.strategy}, rank {outcome.rank}) ended as {state}: "
        f"{meaning(outcome.primary.code)} [{outcome.primary.code}{seen}{limit}]."
    )
