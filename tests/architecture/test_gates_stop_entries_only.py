"""Nothing blocks an exit: only `enforce` may know the gates (INV-04)."""

import ast

import pytest

from quantcli.core.gates import GATES
from tests.docs.required import ROOT

GATES_ROOM = "quantcli.core.gates"
MAY_ASK = {"quantcli/steps/enforce.py", "quantcli/steps/facts.py"}
EXIT_STEPS = ("exits", "reconcile", "snapshot", "report", "execute", "sync")


def imports(path):
    """Return the modules that a file names in imports, wherever they stand."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def sources():
    return {path.relative_to(ROOT).as_posix(): path for path in (ROOT / "quantcli").rglob("*.py")}


def reached(start):
    """Return the modules of the package that importing a file leads to, itself included."""
    files = {
        name.removesuffix(".py").removesuffix("/__init__").replace("/", "."): path
        for name, path in sources().items()
    }
    seen, todo = set(), [start]
    while todo:
        name = todo.pop()
        if name in files and name not in seen:
            seen.add(name)
            todo.extend(imports(files[name]))
    return seen


def test_inv04_only_enforce_asks_the_gates():
    asking = {
        name
        for name, path in sources().items()
        if not name.startswith("quantcli/core/gates/")
        and any(each.startswith(GATES_ROOM) for each in imports(path))
    }

    assert asking == MAY_ASK


@pytest.mark.parametrize("step", EXIT_STEPS)
def test_inv04_no_gate_is_within_reach_of_the_steps_that_protect(step):
    modules = reached(f"quantcli.steps.{step}")

    assert f"quantcli.steps.{step}" in modules
    assert [name for name in modules if name.startswith(GATES_ROOM)] == []


def test_the_search_would_find_a_gate():
    assert GATES_ROOM in reached("quantcli.steps.enforce")
    assert len(GATES) > 12
