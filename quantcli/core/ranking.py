"""The order of all strategies' proposals, and how many of them a session takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from quantcli.core.strategies.candidate import Candidate


class Ranking(NamedTuple):
    """Proposals in order, best first, and those beyond their strategy's cap."""

    ranked: tuple[Candidate, ...]
    capped: tuple[Candidate, ...]


def rank(candidates: Iterable[Candidate], signals_max: Mapping[str, int]) -> Ranking:
    """Return the candidates by tier, then by falling trend score, then by symbol.

    Args:
        candidates: Of any strategies, in any order.
        signals_max: How many signals each strategy may give.

    The order is total (symbol and strategy end every tie) and reads only values that the
    artifact shows, so that anyone can check it.
    """
    ordered = sorted(
        candidates, key=lambda each: (each.tier, -each.trend_score, each.symbol, each.strategy)
    )
    ranked: list[Candidate] = []
    capped: list[Candidate] = []
    taken: dict[str, int] = {}
    for candidate in ordered:
        place = taken[candidate.strategy] = taken.get(candidate.strategy, 0) + 1
        (ranked if place <= signals_max[candidate.strategy] else capped).append(candidate)
    return Ranking(tuple(ranked), tuple(capped))
