"""Ranking: tier before score before symbol, and a cap for each strategy."""

import datetime as dt
import itertools
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from quantcli.core.ranking import rank
from quantcli.core.strategies.candidate import Candidate


def candidate(symbol, tier=1, score="1", strategy="avwap"):
    return Candidate(
        strategy=strategy, symbol=symbol, tier=tier, trend_score=Decimal(score),
        triggering_bar=dt.date(2024, 8, 1), reference_price=Decimal(10),
        limit_price=Decimal(10), stop=Decimal(9), targets=(Decimal(11), Decimal(12)),
        anchor="gap", anchor_date=dt.date(2024, 7, 1), labels={}, features={},
    )  # fmt: skip


def names(candidates):
    return [each.symbol for each in candidates]


def test_tier_then_score_then_symbol():
    given_ = [
        candidate("E", 2, "99"), candidate("D", 1, "3"), candidate("C", 1, "-4"),
        candidate("B", 1, "3"), candidate("A", 1, "2.999999"),
    ]  # fmt: skip

    for order in itertools.permutations(given_):
        assert names(rank(order, {"avwap": 9}).ranked) == ["B", "D", "A", "C", "E"]


def test_a_cap_binds_its_own_strategy_only():
    given_ = [
        candidate("A", score="5"), candidate("B", score="4"), candidate("C", score="3"),
        candidate("Z", score="4.5", strategy="other"),
    ]  # fmt: skip

    ranking = rank(given_, {"avwap": 2, "other": 1})

    assert names(ranking.ranked) == ["A", "Z", "B"]
    assert names(ranking.capped) == ["C"]


CANDIDATES = st.lists(
    st.builds(
        candidate,
        st.from_regex(r"[A-E]{1,3}", fullmatch=True),
        st.integers(1, 2),
        st.integers(-3, 3).map(str),
        st.sampled_from(["avwap", "other"]),
    ),
    unique_by=lambda each: (each.symbol, each.strategy),
)


@given(CANDIDATES, st.randoms(use_true_random=False))
def test_ranking_is_a_permutation_and_does_not_depend_on_the_order_of_arrival(given_, chance):
    ranking = rank(given_, {"avwap": 3, "other": 2})
    shuffled = list(given_)
    chance.shuffle(shuffled)

    assert rank(shuffled, {"avwap": 3, "other": 2}) == ranking
    assert sorted(map(str, ranking.ranked + ranking.capped)) == sorted(map(str, given_))
    assert sum(each.strategy == "avwap" for each in ranking.ranked) <= 3
    assert all(a.tier <= b.tier for a, b in itertools.pairwise(ranking.ranked))
