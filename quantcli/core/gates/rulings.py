"""What a gate is and how it answers.

A desk gate looks at the run alone and gives every signal the same answer; a signal gate looks at
one proposal against the tally. Both answer with a ruling: a reason code, or none for ALLOW, and
in either case what was observed and the limit it was held against.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from quantcli.contracts.enforce import GateResult
from quantcli.contracts.scalars import money, plain, ratio
from quantcli.core.gates.facts import Facts, Proposal, Tally


class Ruling(NamedTuple):
    """A gate's answer; `code` None is ALLOW."""

    code: str | None
    observed: str | None
    limit: str | None


class DeskGate(NamedTuple):
    """A gate that gives every signal of a run the same answer.

    Attributes:
        name: Kebab-case, as recorded.
        codes: Reason codes it may block with, besides `gate-raised`.
        doc: What it asks, in one sentence.
        function: The rule.
    """

    name: str
    codes: tuple[str, ...]
    doc: str
    function: Callable[[Facts], Ruling]


class SignalGate(NamedTuple):
    """A gate that looks at one proposal; the fields are those of `DeskGate`."""

    name: str
    codes: tuple[str, ...]
    doc: str
    function: Callable[[Facts, Proposal, Tally], Ruling]


Gate = DeskGate | SignalGate


def allow(observed: str | None = None, limit: str | None = None) -> Ruling:
    """Return an ALLOW."""
    return Ruling(None, observed, limit)


def block(code: str, observed: str | None = None, limit: str | None = None) -> Ruling:
    """Return a BLOCK with its reason code."""
    return Ruling(code, observed, limit)


def within(code: str, observed: Decimal, limit: Decimal) -> Ruling:
    """Return ALLOW if observed <= limit, both USD, else BLOCK; equality is within."""
    said = Ruling(None, usd(observed), usd(limit))
    return said if observed <= limit else said._replace(code=code)


def count_within(code: str, observed: int, limit: int) -> Ruling:
    """Return ALLOW if observed <= limit, else BLOCK."""
    return Ruling(code if observed > limit else None, str(observed), str(limit))


def result_of(gate: Gate, ruling: Ruling) -> GateResult:
    """Return the ruling as it stands in the artifact."""
    return GateResult(
        gate=gate.name,
        verdict="ALLOW" if ruling.code is None else "BLOCK",
        code=ruling.code,
        observed=ruling.observed,
        limit=ruling.limit,
    )


def usd(amount: Decimal) -> str:
    """Return an amount of money as text, to the cent."""
    return plain(money(amount))


def fraction(number: Decimal) -> str:
    """Return a ratio as text, six places."""
    return plain(ratio(number))
