"""The roadmap is kept: every phase is there, and a ticked box names tests that exist."""

import ast
import re

import pytest

PHASES = (
    "Phase 5: the paper-trading audit",
    "MaxTrader",
    "AVWAP A: a reliable paper loop",
    "AVWAP B: execution safety and the live gate",
    "AVWAP C: one strategy live, under control",
    "AVWAP C': exits managed by the desk",
    "AVWAP D0: data contracts",
    "AVWAP D1: observing exits, reconstructing trades",
    "AVWAP D2: allocation and portfolio metrics",
    "AVWAP D3: deterministic reporting",
    "AVWAP 2A: shadow decisions",
    "AVWAP 2B: enforcement",
    "AVWAP E: the regime layer",
    "AVWAP F: advice",
    "AVWAP G: operation, audit and handover",
    "MiniQuantDesk 1: execution integrity",
    "MiniQuantDesk 2: strategy correctness",
    "MiniQuantDesk 3: risk, survival, consistency",
    "MiniQuantDesk 4: intelligence, advisory only",
    "MiniQuantDesk 5: scale and hardening",
)
PARTS = ("Blocking", "Nice to have", "Optimisation")
#: Boxes of each phase when the roadmap was drawn up: a promise is ticked or kept, never dropped.
LEAST_BOXES = 307

BOX = re.compile(r"^\s*[-*] \[")
OPEN = re.compile(r"^- \[ \] \S")
TICKED = re.compile(r"^- \[x\] \S.* -> (?P<tests>\S.*)$")
TEST = re.compile(r"^(?P<path>tests/\S+\.py)::(?P<name>test_\w+)$")


def boxes(text):
    """Return the lines that are boxes, outside of code blocks."""
    return [line for line in without_code(text) if BOX.match(line)]


def without_code(text):
    """Return the lines of a markdown text that stand outside of fenced blocks."""
    lines, fenced = [], False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced:
            lines.append(line)
    return lines


def functions(path):
    """Return the names of the test functions of a file, also those inside of classes."""
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def faults(lines, root):
    """Return a line for each box that is malformed or that names no existing test."""
    found = []
    for line in lines:
        ticked = TICKED.match(line)
        if ticked is None:
            if not OPEN.match(line):
                found.append(f"neither open nor ticked with a test: {line}")
            continue
        for name in ticked["tests"].split(","):
            test = TEST.match(name.strip())
            path = root / test["path"] if test else None
            if path is None or not path.is_file() or test["name"] not in functions(path):
                found.append(f"no such test: {name.strip()}")
    return found


@pytest.fixture
def text(root):
    return (root / "ROADMAP.md").read_text(encoding="utf-8")


def test_every_phase_is_there(text):
    headings = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]

    assert headings == list(PHASES)


@pytest.mark.parametrize("phase", [name for name in PHASES if name.startswith("MiniQuantDesk")])
def test_checklist_phases_keep_their_three_parts(text, phase):
    section = text.split(f"## {phase}\n")[1].split("\n## ")[0]

    assert re.findall(r"^### (.+)$", section, flags=re.MULTILINE) == list(PARTS)


def test_no_box_was_dropped(text):
    assert len(boxes(text)) >= LEAST_BOXES


def test_boxes_are_open_or_name_existing_tests(text, root):
    assert faults(boxes(text), root) == []


@pytest.mark.parametrize(
    "line",
    [
        "- [x] done",
        "- [x] done -> ",
        "- [X] done -> tests/sample_test.py::test_there",
        "- [ ]",
        "* [ ] wrong bullet",
        "- [x] done -> tests/sample_test.py::test_absent",
        "- [x] done -> tests/sample_test.py::test_there, tests/gone.py::test_there",
        "- [x] done -> by hand",
    ],
)
def test_unsupported_tick_is_found(tmp_path, line):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/sample_test.py").write_text("def test_there():\n    pass\n")

    assert boxes(line) == [line]
    assert len(faults([line], tmp_path)) == 1


def test_supported_tick_is_accepted(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/sample_test.py").write_text(
        "class TestCase:\n    def test_there(self):\n        pass\n"
    )

    line = "- [x] a -> b -> tests/sample_test.py::test_there, tests/sample_test.py::test_there"
    assert faults([line], tmp_path) == []
