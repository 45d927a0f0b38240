"""The sieve: first reasons, the unknown falls out, numbers as a reader wants them."""

from decimal import Decimal

import numpy as np
import pytest

from quantcli.core.sieve import Drop, Sieve, shown

NAN = float("nan")


def test_a_symbol_keeps_its_first_reason():
    sieve = Sieve(("A", "B", "C"))

    sieve.keep(("A", "B", "C"), np.array([True, False, True]), "first", np.array([1, 2, 3]), "5")
    sieve.keep(("B", "C"), np.array([False, False]), "second", lambda at: f"at {at}", "6")
    sieve.drop("B", Drop("third"))
    sieve.drop("C", Drop("third"))

    assert sieve.drops == {"B": Drop("first", "2", "5"), "C": Drop("second", "at 1", "6")}
    assert sieve.left() == ("A",)


def test_the_unknown_falls_out():
    sieve = Sieve(("A",))
    value = np.array([NAN])

    sieve.keep(("A",), value >= 3, "too-small", value, np.array([3.5]))

    assert sieve.drops == {"A": Drop("too-small", "unknown", "3.5")}


def test_what_is_returned_is_a_copy():
    sieve = Sieve(("A",))
    sieve.drops["A"] = Drop("slipped-in")

    assert sieve.left() == ("A",)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (3.0, "3"), (0.1, "0.1"), (1234.5678901, "1234.56789"), (-0.0000001, "0"),
        (-2.5, "-2.5"), (100, "100"), (Decimal("3.1000"), "3.1"), (NAN, "unknown"),
        (2.0**40, "1099511627776"), (0.0000004, "0"),
    ],
)  # fmt: skip
def test_numbers_are_shown_plainly(number, text):
    assert shown(number) == text
