"""The session in plain sentences: what happened, when, to which order, and what the desk did.

Told step by step: what a step found in doubt, then each order in the order in which its changes
were journaled, then what the step concluded. Nothing here judges; the codes stay beside the
sentences as incidents.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from quantcli.contracts.envelope import STEPS, Artifact, BrokerArtifact, Finding, Frozen
from quantcli.contracts.journal_rows import AdoptRow, FillRow, FlagRow, OrderRow
from quantcli.contracts.orders import OrderIntent
from quantcli.contracts.report import Happening
from quantcli.contracts.scalars import ZERO
from quantcli.core.evidence import Evidence, Seen
from quantcli.core.order_story import OrderPass, Sentence, order_sentences
from quantcli.core.step_story import (
    certificate_sentences,
    drift_sentences,
    finding_sentences,
    flag_sentence,
    halt_sentence,
    withheld_sentences,
)
from quantcli.core.words import meaning

Place = tuple[str, str]


class _Told(NamedTuple):
    """A sentence and the symbol that it is about."""

    sentence: Sentence
    symbol: str | None = None


def day_story(evidence: Evidence) -> tuple[Happening, ...]:
    """Return what happened in the session so far, in the order in which it did."""
    found: list[Happening] = []
    told = _Teller(evidence)
    for place in _places(evidence):
        found.extend(
            Happening.model_validate(
                {
                    "cycle": place[0],
                    "step": place[1],
                    "symbol": each.symbol,
                    "is_trouble": each.sentence.is_trouble,
                    "text": each.sentence.text,
                }
            )
            for each in told.at(place)
        )
    return tuple(found)


def _places(evidence: Evidence) -> list[Place]:
    """Return (cycle, step) of all that left a trace, in the order in which it ran."""
    scheduled: dict[Place, int] = {
        (cycle, step): index
        for cycle, steps in evidence.expected
        for index, step in enumerate(steps)
    }
    found: set[Place] = {(each.cycle, each.step) for each in evidence.health()}
    found |= {(each.cycle, each.step) for each in evidence.rows}
    ranks: dict[str, int] = {step: rank for rank, step in enumerate(STEPS)}

    def key(place: Place) -> tuple[str, int, int, str]:
        cycle, step = place
        return (
            cycle, scheduled.get(place, len(STEPS)), ranks.get(step, len(STEPS)), step,
        )  # fmt: skip

    return sorted(found, key=key)


class _Teller:
    """Tells one step after the other; what was told before is not told again."""

    def __init__(self, evidence: Evidence) -> None:
        """Sort the evidence by place."""
        self._intents = {order.intent.client_order_id: order.intent for order in evidence.orders}
        self._session = evidence.session
        self._artifacts: dict[Place, Seen] = {
            (each.cycle, each.step): each for each in evidence.seen
        }
        self._rows: dict[Place, list[Frozen]] = {}
        for each in evidence.rows:
            self._rows.setdefault((each.cycle, each.step), []).append(each.row)
        self._booked: dict[str, Decimal] = {}
        self._uncovered: dict[str, str] = {}
        self._halt: str | None = None
        self._drift: list[Finding] = []

    def at(self, place: Place) -> Iterator[_Told]:
        """Yield what happened in one step of one cycle."""
        rows = self._rows.get(place, [])
        seen = self._artifacts.get(place)
        artifact = None if seen is None else seen.artifact
        if seen is None:
            if place[1] in STEPS:
                yield _Told(Sentence(_lost(self._session, has_rows=bool(rows)), is_trouble=True))
        elif artifact is None:
            what = f"Its artifact cannot be read: {seen.error_detail}."
            yield _Told(Sentence(what, is_trouble=True))
        else:
            yield from self._doubts(artifact)
        yield from self._orders(rows)
        yield from self._others(rows)
        if artifact is not None:
            yield from self._conclusions(artifact)

    def _doubts(self, artifact: Artifact) -> Iterator[_Told]:
        for sentence, symbol in finding_sentences(artifact):
            yield _Told(sentence, symbol)
        if isinstance(artifact, BrokerArtifact) and artifact.drift:
            fresh = [each for each in artifact.drift if each not in self._drift]
            self._drift.extend(fresh)
            for sentence in drift_sentences(fresh):
                yield _Told(sentence)

    def _orders(self, rows: Sequence[Frozen]) -> Iterator[_Told]:
        """Yield what became of each order of a step."""
        changes: dict[str, list[OrderRow]] = {}
        fills: dict[str, list[FillRow]] = {}
        for row in rows:
            if isinstance(row, OrderRow):
                changes.setdefault(row.client_order_id, []).append(row)
            elif isinstance(row, FillRow) and row.fill.client_order_id in self._intents:
                name = row.fill.client_order_id
                changes.setdefault(name, [])
                fills.setdefault(name, []).append(row)
                self._booked[name] = self._booked.get(name, ZERO) + row.fill.last_quantity
        for name, own in changes.items():
            intent = self._intents.get(name)
            if intent is None or _gives_way(own):
                continue
            told = OrderPass(
                intent,
                tuple(own),
                tuple(fills.get(name, ())),
                self._unbooked(intent, own),
                self._intents.get(intent.replaces or ""),
            )
            for sentence in order_sentences(told):
                yield _Told(sentence, intent.symbol)

    def _unbooked(self, intent: OrderIntent, own: Sequence[OrderRow]) -> Decimal:
        """Return the shares that no fill has booked; of older orders that cannot be told."""
        if not own or intent.session != self._session:
            return ZERO
        return own[-1].cumulative_quantity - self._booked.get(intent.client_order_id, ZERO)

    def _others(self, rows: Sequence[Frozen]) -> Iterator[_Told]:
        """Yield what was booked or set besides orders."""
        for row in rows:
            if isinstance(row, FlagRow):
                sentence = flag_sentence(row)
                if sentence is not None:
                    yield _Told(sentence)
            elif isinstance(row, AdoptRow):
                yield _Told(Sentence(f"An operator took {row.subject} into the books "
                                     f"({meaning(row.code)}): {row.reason}."))  # fmt: skip

    def _conclusions(self, artifact: Artifact) -> Iterator[_Told]:
        for sentence, symbol in withheld_sentences(artifact, self._intents):
            yield _Told(sentence, symbol)
        uncovered, sentences = certificate_sentences(artifact, self._uncovered)
        self._uncovered = uncovered
        for sentence, symbol in sentences:
            yield _Told(sentence, symbol)
        halt = halt_sentence(artifact)
        if halt is not None and halt.text != self._halt:
            yield _Told(halt)
        self._halt = halt.text if halt is not None else self._halt


def _lost(session: dt.date, *, has_rows: bool) -> str:
    """Return what is known of a step that was due and left no artifact.

    Whether one without rows ran at all cannot be told from here: a step that the broker did not
    answer leaves as little as one that cron forgot.
    """
    if has_rows:
        return "It left no artifact: it began, and did not come to its end."
    return f"It left no artifact: it was not run, or it failed; state/runs/{session}.jsonl has it."


def _gives_way(own: Sequence[OrderRow]) -> bool:
    """Return whether an order only made room for the one that replaces it, which tells of both."""
    return (
        bool(own)
        and own[-1].to_state in {"REPLACED", "PENDING_CANCEL"}
        and all(row.cause == "replace" for row in own)
    )
