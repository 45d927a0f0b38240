"""What a person has to see to after the session, in the order of its gravity."""

from __future__ import annotations

from collections.abc import Iterator

from quantcli.contracts.execution import Execute, Exits
from quantcli.contracts.journal_rows import FillRow
from quantcli.contracts.reasons import REASONS
from quantcli.contracts.reconciliation import Reconcile
from quantcli.core.evidence import Evidence
from quantcli.core.incidents import damage_of, no_go_reasons
from quantcli.core.order_story import thing
from quantcli.core.words import cycle_words, meaning, shares_words

#: Reasons against new risk that the lines below name with their subject.
_NAMED = frozenset({"share-uncovered", "outcome-unknown", "paused", "reconcile-break", "halted"})


def left_to_do(evidence: Evidence) -> tuple[str, ...]:
    """Return what is left to do, each with the command or the page that helps."""
    lines = [
        *_uncovered(evidence),
        *_unknown(evidence),
        *_paused(evidence),
        *_halted(evidence),
        *_damage(evidence),
        *_other_reasons(evidence),
        *_questions(evidence),
    ]
    return tuple(dict.fromkeys(lines))


def _uncovered(evidence: Evidence) -> Iterator[str]:
    exits = evidence.newest(Exits)
    for row in exits.certificate if exits else ():
        if row.uncovered > 0:
            yield (
                f"Protect {shares_words(row.uncovered, row.symbol)}: run quantcli exits; see "
                "runbook/uncovered-share.md."
            )


def _unknown(evidence: Evidence) -> Iterator[str]:
    for order in evidence.unresolved():
        if order.state == "UNKNOWN":
            yield (
                f"Find out whether {thing(order.intent)} is at the broker: run quantcli execute, "
                "then exits; see runbook/unknown-order.md."
            )


def _paused(evidence: Evidence) -> Iterator[str]:
    newest = evidence.newest(Reconcile)
    if newest is not None and newest.breaks:
        count = len(newest.breaks)
        yield (
            f"Explain {count} difference{'s' if count > 1 else ''} between books and broker, "
            f"found at {cycle_words(newest.cycle)}: see runbook/paused.md. Purchases wait until "
            "a reconciliation is clean."
        )
        for each in newest.breaks:
            if each.code == "position-foreign" and (each.theirs or "-")[0] != "-":
                yield (
                    f"See to {each.theirs} {each.subject} at the broker: the desk places no stop "
                    "under shares that it did not buy."
                )
    elif newest is not None and newest.paused.is_set:
        yield "Run quantcli reconcile: the desk is PAUSED; see runbook/paused.md."


def _halted(evidence: Evidence) -> Iterator[str]:
    newest = evidence.newest(Reconcile)
    flags = [flag for flag in evidence.flags.values() if flag.name != "paused" and flag.is_set]
    if flags or (newest is not None and newest.halt is not None):
        reasons = [meaning(code) for flag in flags for code in flag.reasons]
        if newest is not None and newest.halt is not None and not reasons:
            reasons = [newest.halt.reason]
        yield (
            f"End the halt when its cause is gone ({'; '.join(reasons)}): quantcli resume "
            "--reason TEXT; see runbook/halt.md."
        )


def _damage(evidence: Evidence) -> Iterator[str]:
    for each in damage_of(evidence):
        yield f"See to {each.path} ({each.code}): runbook/damaged-artifact.md."


def _other_reasons(evidence: Evidence) -> Iterator[str]:
    damaged = {each.code for each in damage_of(evidence)}
    for code in no_go_reasons(evidence):
        if code not in _NAMED | damaged:
            reason = REASONS.get(code)
            remedy = reason.remedy if reason else "see the incidents"
            yield f"Before anything is bought ({meaning(code)}): {remedy}."


def _questions(evidence: Evidence) -> Iterator[str]:
    """Yield what nobody has to repair and somebody should ask about."""
    passes = [each.artifact for each in evidence.seen]
    for artifact in passes:
        for order in artifact.orders if isinstance(artifact, Execute | Exits) else ():
            if order.code == "stop-cancelled":
                yield f"Find out who cancelled a stop of {order.symbol} at the broker."
    late = {row.fill.symbol for row in evidence.booked(FillRow) if row.is_late}
    for symbol in sorted(late):
        yield f"Ask the broker about the late fill in {symbol}."
