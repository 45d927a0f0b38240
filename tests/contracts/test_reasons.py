"""The registry of reason codes and the program agree: none is missing, none is idle."""

import ast
import re
from pathlib import Path

import pytest

import quantcli
from quantcli.contracts.errors import ERRORS
from quantcli.contracts.reasons import REASONS, TERMINAL_STATES, terminal_state_of

PACKAGE = Path(quantcli.__file__).parent
#: Calls whose first argument is a reason code.
CODE_FIRST = {"block", "within", "count_within"}
#: Keywords that carry reason codes; `cli` also uses the word for other things.
CODE_KEYWORDS = {"code", "codes", "reason", "reasons"}
#: Methods that add to a collection of codes.
ADDING = {"add", "append", "insert"}
ROOMS = ("core", "steps")


def trees(*rooms):
    for room in rooms:
        for path in sorted((PACKAGE / room).rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def texts(node):
    """Return the string constants of an expression that may be a tuple or a choice."""
    return [
        each.value
        for each in ast.walk(node)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    ]


def is_collection_of_codes(function):
    """Return whether a call adds to something that is called codes."""
    owner = getattr(function, "value", None)
    name = getattr(owner, "attr", getattr(owner, "id", ""))
    return isinstance(function, ast.Attribute) and function.attr in ADDING and name == "codes"


def passed_as_codes(tree):
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", "")
        if (name in CODE_FIRST or is_collection_of_codes(node.func)) and node.args:
            yield from texts(node.args[0])
        if name in {"DeskGate", "SignalGate"}:
            yield from texts(node.args[1])
        for keyword in node.keywords:
            if keyword.arg in CODE_KEYWORDS and isinstance(
                keyword.value, ast.Constant | ast.Tuple | ast.List
            ):
                yield from texts(keyword.value)


def test_the_search_finds_what_it_looks_for():
    source = """
block("a", "no"); within("b", x, y); run.codes.add("c"); codes.append("d"); other.add("no")
DeskGate("no", ("e", "f"), "no", function); Finding(code="g", observed="no")
FlagRow(reasons=("h",)); f(code=variable)
"""
    assert sorted(passed_as_codes(ast.parse(source))) == list("abcdefgh")


def test_every_code_that_is_passed_is_registered():
    known = {*REASONS, *ERRORS}
    unknown = {
        f"{path.relative_to(PACKAGE)}: {code}"
        for path, tree in trees(*ROOMS)
        for code in passed_as_codes(tree)
        if code not in known
    }

    assert unknown == set()


def test_every_registered_code_is_used():
    used = {text for path, tree in trees(*ROOMS, "shell", "cli") for text in texts(tree)} | set(
        ERRORS
    )

    assert set(REASONS) - used == set()


@pytest.mark.parametrize("reason", REASONS.values(), ids=lambda reason: reason.code)
def test_each_entry_is_whole(reason):
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", reason.code)
    assert reason.terminal_state in {None, *TERMINAL_STATES}
    assert reason.summary
    assert not reason.summary.endswith(".")
    assert reason.remedy


def test_no_code_stands_twice():
    tree = ast.parse((PACKAGE / "contracts" / "reasons.py").read_text(encoding="utf-8"))
    codes = [
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Reason"
    ]

    assert sorted(codes) == sorted(REASONS)


def test_remedies_name_pages_and_commands_that_exist(root):
    from quantcli.cli.app import PANELS

    commands = {f"{c.group} {c.name}".strip() for _, panel in PANELS for c in panel}
    for reason in REASONS.values():
        for page in re.findall(r"runbook/[\w-]+\.md", reason.remedy):
            assert (root / page).is_file(), reason
        for words in re.findall(
            r"(?:^|run )quantcli ((?:data |config |audit )?[a-z]+)", reason.remedy
        ):
            assert words in commands, reason


def test_terminal_states_of_codes():
    assert terminal_state_of("halted") == "REJECTED_BY_CIRCUIT_BREAKER"
    assert terminal_state_of("limit-gross-exposure") == "REJECTED_BY_HEAT"
    assert terminal_state_of("size-zero") == "REJECTED_BY_SIZING"
    assert terminal_state_of("filled-partly") == "EXECUTED"
    # What only explains, and what nobody registered, never looks like a success.
    assert terminal_state_of("within-limits") == "REJECTED_BY_GATE"
    assert terminal_state_of("never-heard-of") == "REJECTED_BY_GATE"


@pytest.mark.parametrize(
    ("codes", "state"),
    [
        (("halted", "paused", "reconcile-absent", "reconcile-stale", "reconcile-break"),
         "REJECTED_BY_CIRCUIT_BREAKER"),
        (("limit-gross-exposure",), "REJECTED_BY_HEAT"),
        (("size-zero", "risk-per-trade", "spending-power", "notional-too-small"),
         "REJECTED_BY_SIZING"),
        (("limit-positions", "limit-entries", "limit-drawdown", "limit-symbol-concentration"),
         "REJECTED_BY_DECISION"),
        (("order-refused",), "REJECTED_BY_BROKER"),
        (("not-on-allowlist", "outside-order-window", "price-outside-collar", "step-missing",
          "decision-missing", "snapshot-missing", "snapshot-invalid", "snapshot-stale",
          "position-exists", "order-exists", "clock-skew"),
         "REJECTED_BY_GATE"),
        (("order-unfilled", "ttl-expired"), "EXPIRED_UNFILLED"),
        (("filled", "filled-partly"), "EXECUTED"),
    ],
)  # fmt: skip
def test_states_that_the_design_fixes(codes, state):
    assert {REASONS[code].terminal_state for code in codes} == {state}
