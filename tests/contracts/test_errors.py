"""Every way in which a command fails has one code, one exit code and one line."""

import inspect
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantcli.contracts import errors
from quantcli.contracts.errors import (
    ERRORS,
    EXIT_CODES,
    EXIT_PRECEDENCE,
    ArtifactCorrupt,
    LockHeld,
    QuantcliError,
    gravest,
)

CLASSES = {
    name: each
    for name, each in inspect.getmembers(errors, inspect.isclass)
    if issubclass(each, QuantcliError) and each is not QuantcliError
}


def drawn():
    """Return (class, exit code, code, parent) for each line of the tree in the docstring."""
    found, parents = [], ["QuantcliError"]
    for line in errors.__doc__.splitlines():
        match = re.fullmatch(r"    ([|` ]*)(?:\|--|`--) (\w+) +(\d+) +([\w-]+)", line)
        if match:
            depth = len(match[1]) // 4 + 1
            found.append((match[2], int(match[3]), match[4], parents[depth - 1]))
            parents[depth:] = [match[2]]
    return found


def test_the_drawn_tree_is_the_tree():
    real = sorted(
        (name, each.exit_code, each.code, each.__mro__[1].__name__)
        for name, each in CLASSES.items()
    )

    assert sorted(drawn()) == real


def test_codes_are_unique_kebab_case_and_registered():
    codes = [each.code for each in CLASSES.values()]

    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)
    assert {each.code: each for each in CLASSES.values()} == ERRORS


def test_two_classes_cannot_share_a_code():
    with pytest.raises(TypeError, match="lock-held is taken by LockHeld"):
        type("Copycat", (QuantcliError,), {"code": "lock-held"})
    with pytest.raises(TypeError, match="artifact-corrupt is taken"):
        type("Nameless", (ArtifactCorrupt,), {})


def test_exit_codes_are_zero_to_ten_and_ranked():
    assert list(EXIT_CODES) == list(range(11))
    assert EXIT_PRECEDENCE == (1, 2, 3, 10, 7, 8, 9, 6, 4, 5, 0)
    assert {each.exit_code for each in CLASSES.values()} == set(EXIT_CODES) - {0}


@pytest.mark.parametrize(
    ("codes", "expected"),
    [([], 0), ([0, 0], 0), ([5, 4], 4), ([4, 6, 0], 6), ([6, 9], 9), ([9, 8], 8), ([8, 7], 7),
     ([7, 10], 10), ([10, 3], 3), ([3, 2], 2), ([2, 1], 1), ([0, 5], 5)],
)  # fmt: skip
def test_the_gravest_wins(codes, expected):
    assert gravest(codes) == expected
    assert gravest(codes[::-1]) == expected


def test_the_line_says_code_message_value_and_hint():
    error = LockHeld("somebody\n works  here", value=7, hint="wait")

    assert error.line() == "lock-held: somebody works here [7] -> wait"
    assert LockHeld("x").line() == "lock-held: x"
    assert error.as_object() == {
        "error": "lock-held",
        "exit_code": 5,
        "message": "somebody\n works  here",
        "value": "7",
        "hint": "wait",
    }
    assert str(error) == "somebody\n works  here"


@given(st.text(), st.text(), st.text())
def test_whatever_is_in_it_an_error_is_one_printable_line(message, value, hint):
    line = QuantcliError(message, value=value, hint=hint).line()

    assert line.isprintable()
    assert len(line.splitlines()) == 1


def test_a_terminal_finds_nothing_to_obey():
    line = QuantcliError("a\x1b[2Jb\u202ec\u2028d\x07", value="x\x00y").line()

    assert line == r"quantcli-error: a\x1b[2Jb\u202ec d\x07 [x\x00y]"


def test_letters_of_any_script_stay_readable():
    assert QuantcliError("Börse geschlossen, 東京").line().endswith("Börse geschlossen, 東京")
