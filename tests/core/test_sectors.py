"""Sectors: the strongest few trade, the uncovered do not."""

import numpy as np

from quantcli.core.sectors import screen_sectors, strongest
from quantcli.core.sieve import Drop, Sieve

SECTORS = {"A": "Tech", "B": "Tech", "C": "Energy", "D": "Energy", "E": "Banks"}


def test_sectors_are_ranked_by_mean_and_then_by_name():
    scores = {"A": 1.0, "B": 3.0, "C": 2.0, "E": 5.0, "X": 99.0}

    assert strongest(scores, SECTORS) == ["Banks", "Energy", "Tech"]


def test_the_weak_and_the_uncovered_are_dropped():
    sieve = Sieve("ABCDEX")
    sieve.drop("D", Drop("price-too-low"))  # must not speak for its sector
    trend = np.array([1.0, 3.0, 1.0, 500.0, 5.0, 9.0])

    screen_sectors(sieve, "ABCDEX", trend, SECTORS, 2)

    assert sieve.drops == {
        "D": Drop("price-too-low"),
        "C": Drop("sector-weak", "Energy is number 3", "2 sectors"),
        "X": Drop("sector-missing", None, "a row in the sector file"),
    }
