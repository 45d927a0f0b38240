"""Style that a linter cannot see, held as tests: sizes, names, words, addresses, paths."""

import ast
import os
import re
from pathlib import Path

import pytest

from tests.docs.required import ROOT, tracked

MODULE_LINES = 400
FUNCTION_LINES = 60
FILE_BYTES = 1024 * 1024

#: Bars are columns for computing; everything else that is said is exact.
FLOATS_ALLOWED = {"quantcli/contracts/bars.py"}

VAGUE_NAME = re.compile(r"^(utils?|helpers?|commons?|misc|.*_?managers?)$")

# Written so that this file does not contain what it forbids.
FORBIDDEN = {
    "unfinished work": re.compile(r"\b(FIX[M]E|TO[D]O|XX[X]|HA[C]K)\b"),
    "address of a package registry": re.compile(
        r"(py[p]i\.org|python[h]osted|registry\.np[m]js|https?://\S+/sim[p]le\b)"
    ),
    "path of a machine": re.compile(r"(?<![\w./~-])/(w[o]rk|f[a]rm|r[o]ot|h[o]me|U[s]ers)/"),
    "word about how the work is organised": re.compile(
        r"\b(issue[ #]+\d+|session w[o]rk|sub-?ag[e]nts?|cl[a]ude|anthr[o]pic|chatg[p]t|co-?p[i]lot"
        r"|co[d]ex|co-auth[o]red-by)\b",
        re.IGNORECASE,
    ),
    "document that is not part of the repository": re.compile(
        r"(\bDESI[G]N\.md|\bse[e]ds/|reference/(style|reliab[i]lity|peers|performance|alpaca)\b)"
    ),
}

NAMES = tracked()
PACKAGE = [name for name in NAMES if name.startswith("quantcli/") and name.endswith(".py")]
PAGES = [name for name in NAMES if name.endswith(".md")]


def source(name):
    return (ROOT / name).read_text(encoding="utf-8")


def long_functions(text):
    """Return name and length of each function over the limit, docstring and decorators included."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *[each.lineno for each in node.decorator_list]])
            if node.end_lineno - first + 1 > FUNCTION_LINES:
                found.append((node.name, node.end_lineno - first + 1))
    return found


def greedy_handlers(text):
    """Return the lines of handlers that catch everything: crashes must pass through."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ExceptHandler) and catches_everything(node.type)
    ]


def catches_everything(kind):
    if kind is None:
        return True
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(isinstance(each, ast.Name) and each.id == "BaseException" for each in kinds)


def titles(text):
    """Return the first-level headings of a markdown text, code blocks left out."""
    found, fenced = [], False
    for line in text.splitlines():
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif not fenced and line.startswith("# "):
            found.append(line)
    return found


def forbidden_words(name, text):
    """Return one line for each forbidden thing in a text."""
    return [
        f"{name}:{number}: {what}: {match[0]}"
        for number, line in enumerate(text.splitlines(), start=1)
        for what, pattern in FORBIDDEN.items()
        if (match := pattern.search(line))
    ]


def float_annotations(text):
    """Return the lines on which an annotation names float."""
    annotations = [
        getattr(node, "annotation", None) or getattr(node, "returns", None)
        for node in ast.walk(ast.parse(text))
    ]
    return [
        inner.lineno
        for each in annotations
        if isinstance(each, ast.AST)
        for inner in ast.walk(each)
        if isinstance(inner, ast.Name) and inner.id == "float"
    ]


# ------------------------------------------------------------------------------ the repository


def test_modules_stay_short():
    sizes = {name: len(source(name).splitlines()) for name in PACKAGE}

    assert {name: size for name, size in sizes.items() if size > MODULE_LINES} == {}


def test_functions_stay_short():
    assert {name: found for name in PACKAGE if (found := long_functions(source(name)))} == {}


def test_nothing_catches_everything():
    assert {name: found for name in PACKAGE if (found := greedy_handlers(source(name)))} == {}


def test_contracts_hold_no_floats():
    contracts = {name for name in PACKAGE if name.startswith("quantcli/contracts/")}
    contracts -= FLOATS_ALLOWED

    assert {name: found for name in contracts if (found := float_annotations(source(name)))} == {}


def test_module_names_say_something():
    parts = {name: [Path(part).stem for part in Path(name).parts] for name in PACKAGE}

    assert [name for name, stems in parts.items() if any(map(VAGUE_NAME.match, stems))] == []


def test_pages_have_one_title():
    assert {
        name: len(titles(source(name))) for name in PAGES if len(titles(source(name))) != 1
    } == {}


def test_each_gate_is_tested():
    folder = ROOT / "quantcli/core/gates"
    gates = [path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")]
    tests = "\n".join(source(name) for name in NAMES if re.match(r"tests/.*test_\w+\.py$", name))

    assert [gate for gate in gates if not re.search(rf"\b{gate}\b", tests)] == []


def test_no_forbidden_words():
    found = []
    for name in NAMES:
        try:
            found += forbidden_words(name, source(name))
        except UnicodeDecodeError:
            continue  # a recorded binary file has no words
    assert found == []


def test_files_stay_small():
    sizes = {name: (ROOT / name).stat().st_size for name in NAMES}

    assert {name: size for name, size in sizes.items() if size > FILE_BYTES} == {}


def test_machine_entry_point_is_executable():
    assert os.access(ROOT / ".ci/run", os.X_OK)


# ------------------------------------------------------------------------------ the rules


@pytest.mark.parametrize(
    "line",
    [
        "x = 1  # TO" + "DO later",
        "index = 'https://pkgs.example/sim" + "ple'",
        "see /ro" + "ot/notes",
        "done for issue #" + "12",
        "as DESI" + "GN.md says",
    ],
)
def test_forbidden_word_is_found(line):
    assert len(forbidden_words("sample", line)) == 1


@pytest.mark.parametrize(
    "line", ["state/runs/home/", "open issues", "https://example.org/work/", "seeds the generator"]
)
def test_ordinary_words_pass(line):
    assert forbidden_words("sample", line) == []


def test_long_function_is_found():
    body = "\n".join("    pass" for _ in range(FUNCTION_LINES))

    assert long_functions(f"def f():\n{body}\n") == [("f", FUNCTION_LINES + 1)]
    assert long_functions(f"def f():\n{body[9:]}\n") == []


@pytest.mark.parametrize(
    "handler", ["except:", "except BaseException:", "except (BaseException, OSError):"]
)
def test_greedy_handler_is_found(handler):
    assert greedy_handlers(f"try:\n    pass\n{handler}\n    pass\n") == [3]


def test_named_handler_passes():
    assert greedy_handlers("try:\n    pass\nexcept (OSError, ValueError):\n    pass\n") == []


def test_float_annotation_is_found_and_text_about_floats_is_not():
    assert float_annotations("def f(x: list[float]) -> str:\n    return 'float'\n") == [1]


@pytest.mark.parametrize("stem", ["utils", "helper", "common", "order_manager", "manager"])
def test_vague_name_is_found(stem):
    assert VAGUE_NAME.match(stem)


def test_titles_ignore_code():
    assert titles("# One\n\n```\n# a comment\n```\n## Two\n") == ["# One"]
