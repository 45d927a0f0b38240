"""What a step found in doubt, withheld or concluded, in plain sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from quantcli.contracts.enforce import Enforce
from quantcli.contracts.envelope import Artifact, Finding
from quantcli.contracts.execution import Execute, Exits
from quantcli.contracts.journal_rows import FlagRow
from quantcli.contracts.orders import OrderIntent
from quantcli.contracts.reconciliation import Break, Reconcile
from quantcli.core.order_story import Sentence, thing
from quantcli.core.words import action_words, cycle_words, meaning, shares_words

About = tuple[Sentence, str | None]

#: Codes that the sentences on orders, shares and breaks tell with more to them.
_TOLD_ELSEWHERE = frozenset(
    {
        "cancel-unconfirmed", "exit-refused", "halted", "order-refused", "outcome-unknown",
        "paused", "position-missing", "position-quantity", "share-uncovered", "stop-refused",
    }
)  # fmt: skip
#: Reasons to leave a position as it is that are part of a good day.
_QUIET_WAITS = frozenset({"exit-working", "replace-needs-open-market"})
_SUBJECTS_MAX = 3
#: Errors whose first line speaks to a programmer.
_IN_SHORT = {
    "broker-unreachable": "the broker left something unanswered",
    "broker-refused": "the broker refused to answer something",
    "broker-contract-drift": "an answer of the broker could not be used",
}


def finding_sentences(artifact: Artifact) -> Iterator[About]:
    """Yield what a step could not rely on, before anything that it did."""
    if isinstance(artifact, Reconcile):
        for sentence in _break_sentences(artifact.breaks):
            yield sentence, None
        return
    if isinstance(artifact, Execute | Exits):
        for row in artifact.actions:
            yield Sentence(f"{action_words(row)}."), row.new_symbol
    codes = getattr(artifact, "codes", ())
    if isinstance(artifact, Enforce):
        if codes:
            why = "; ".join(meaning(code) for code in codes)
            yield Sentence(f"No purchase could be approved: {why}.", is_trouble=True), None
        return
    differences = artifact.differences if isinstance(artifact, Exits) else ()
    named = _TOLD_ELSEWHERE | {each.code for each in differences}
    for code in codes:
        if code not in named:
            yield Sentence(f"{_because(code)}.", is_trouble=True), None
    if isinstance(artifact, Exits):
        yield from _position_sentences(artifact)


def drift_sentences(drift: Sequence[Finding]) -> Iterator[Sentence]:
    """Yield how the broker's answers differ from what was agreed, the graver part first.

    A word that nobody knows, or a field that is gone, is not to be lost among fields that are
    merely new: those were left unread, and are told of as a number.
    """
    new = [f"{each.observed}" for each in drift if each.code == "broker-field-unknown"]
    grave = [f"{each.observed}" for each in drift if each.code != "broker-field-unknown"]
    if grave:
        yield Sentence(f"The broker's answers differ from what was agreed: {_some(grave)}.")
    if new:
        fields = "a field" if len(new) == 1 else f"{len(new)} fields"
        yield Sentence(f"The broker sent {fields} that nobody told us of, left unread: "
                       f"{_some(new)}.")  # fmt: skip


def _some(names: Sequence[str]) -> str:
    more = len(names) - _SUBJECTS_MAX
    return "; ".join(names[:_SUBJECTS_MAX]) + (f"; and {more} more" if more > 0 else "")


def _position_sentences(artifact: Exits) -> Iterator[About]:
    for each in artifact.differences:
        ours, theirs = each.ours or "none", each.theirs or "none"
        text = f"Shares of {each.subject} at the broker: {theirs}; by our fills: {ours}."
        yield Sentence(text, is_trouble=True), each.symbol
    for review in artifact.reviews:
        if review.action == "wait" and review.code not in _QUIET_WAITS:
            held = shares_words(review.quantity, review.symbol)
            text = f"Nothing was done about {held}: {meaning(review.code)}."
            yield Sentence(text, is_trouble=True), review.symbol
        elif review.action == "exit":
            held = shares_words(review.quantity, review.symbol)
            yield Sentence(f"Leaving {held}: {meaning(review.code)}."), review.symbol


def _break_sentences(breaks: Iterable[Break]) -> Iterator[Sentence]:
    """Yield one sentence for each kind of break, with the first of its subjects."""
    by_code: dict[str, list[Break]] = {}
    for each in breaks:
        by_code.setdefault(each.code, []).append(each)
    for code, found in by_code.items():
        named = "; ".join(
            f"{each.subject}: ours {each.ours or 'nothing'}, theirs {each.theirs or 'nothing'}"
            for each in found[:_SUBJECTS_MAX]
        )
        more = len(found) - _SUBJECTS_MAX
        tail = f"; and {more} more" if more > 0 else ""
        yield Sentence(f"Books and broker differ: {meaning(code)} ({code}). {named}{tail}.",
                       is_trouble=True)  # fmt: skip


def withheld_sentences(artifact: Artifact, intents: Mapping[str, OrderIntent]) -> Iterator[About]:
    """Yield what was ready to go out and was held back."""
    if not isinstance(artifact, Execute | Exits):
        return
    for finding in artifact.withheld:
        intent = intents.get(finding.observed or "")
        what = thing(intent) if intent is not None else f"what {finding.observed} needed"
        symbol = intent.symbol if intent is not None else None
        yield Sentence(f"Not sent: {what}. {_because(finding.code)}.", is_trouble=True), symbol


def certificate_sentences(
    artifact: Artifact, before: Mapping[str, str]
) -> tuple[dict[str, str], list[About]]:
    """Return since which cycle symbols have shares that nothing protects, and what to say.

    Args:
        artifact: Any; one of another step changes nothing.
        before: The same of the last certificate, by symbol.
    """
    if not isinstance(artifact, Exits):
        return dict(before), []
    found: list[About] = []
    uncovered: dict[str, str] = {}
    for row in artifact.certificate:
        if row.uncovered > 0:
            uncovered[row.symbol] = before.get(row.symbol, artifact.cycle)
            text = f"{shares_words(row.uncovered, row.symbol)} had no stop when this pass ended."
            found.append((Sentence(text, is_trouble=True), row.symbol))
        elif row.symbol in before:
            held = shares_words(row.quantity, row.symbol)
            since = cycle_words(before[row.symbol])
            text = f"All {held} are under a stop again; since {since} some had none."
            found.append((Sentence(text), row.symbol))
    gone = sorted({*before} - {row.symbol for row in artifact.certificate})
    found += [(Sentence(f"No share of {symbol} is held any more."), symbol) for symbol in gone]
    return uncovered, found


def flag_sentence(row: FlagRow) -> Sentence | None:
    """Return what setting or ending PAUSED or a halt means; None: it ended with another flag."""
    reasons = "; ".join(meaning(code) for code in row.reasons)
    if row.by == "operator":
        if row.name != "paused":
            return None
        return Sentence(f"An operator resumed: {', '.join(row.reasons)}.")
    if not row.is_set:
        return Sentence("Books and broker agree again: PAUSED is over.")
    if row.name == "paused":
        return Sentence(f"No purchase from now on, PAUSED: {reasons}.", is_trouble=True)
    return Sentence(f"Purchases are HALTED until an operator resumes: {reasons}.", is_trouble=True)


def halt_sentence(artifact: Artifact) -> Sentence | None:
    """Return the halt that a reconciliation found to stand."""
    if not isinstance(artifact, Reconcile) or artifact.halt is None:
        return None
    what = "Everything is" if artifact.halt.all else "Purchases are"
    return Sentence(f"{what} halted: {artifact.halt.reason}.", is_trouble=True)


def _because(code: str) -> str:
    text = _IN_SHORT.get(code) or meaning(code)
    return f"{text[:1].upper()}{text[1:]} ({code})"
