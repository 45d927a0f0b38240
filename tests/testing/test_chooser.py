"""Every sequence of choices with so many faults, each once."""

import itertools

import pytest

from quantcli.testing.chooser import Chooser


def runs(sites, options, faults, part=0, parts=1):
    chooser = Chooser(faults, part=part, parts=parts)
    found = []
    while chooser.begin():
        found.append(tuple(chooser.choose(range(options)) for _ in range(sites)))
    return found


@pytest.mark.parametrize("faults", [0, 1, 2, 3, 9])
def test_all_sequences_within_the_number_of_faults_are_run_once(faults):
    wanted = {
        each
        for each in itertools.product(range(3), repeat=4)
        if sum(choice > 0 for choice in each) <= faults
    }

    found = runs(4, 3, faults)

    assert len(found) == len(wanted)
    assert set(found) == wanted


def test_parts_are_the_whole():
    whole = runs(5, 3, 2)
    parts = [runs(5, 3, 2, part, 3) for part in range(3)]

    assert set().union(*parts) == set(whole)
    # Only the run without a fault belongs to each of them.
    assert sum(map(len, parts)) == len(whole) + 2


def test_a_run_may_end_sooner_after_a_fault():
    chooser = Chooser(2)
    found = []
    while chooser.begin():
        taken = []
        while len(taken) < 3 and "death" not in taken:
            taken.append(chooser.choose(("well", "death")))
        found.append(taken)

    assert found == [
        ["well", "well", "well"],
        ["well", "well", "death"],
        ["well", "death"],
        ["death"],
    ]
