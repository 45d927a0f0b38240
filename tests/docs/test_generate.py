"""The page generator: what it renders of a command tree and what it calls out of date."""

import re
from typing import Annotated

import pytest
import typer
from typer.main import get_command

from tests.docs import generate


@pytest.fixture
def tree():
    """Return a command tree with one plain and one nested command."""
    quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say less.")]
    app, data = typer.Typer(), typer.Typer()

    @app.callback()
    def top():
        """Top."""

    @app.command()
    def show(
        step: Annotated[str, typer.Argument(help="Which step.")],
        cycle: Annotated[str | None, typer.Argument(help="Which cycle.")] = None,
        quiet: quiet = False,
    ):
        """Print an artifact."""

    @data.command("import")
    def import_(files: list[str], feed: str = "iex", quiet: quiet = False):
        """Read bars | files."""

    @data.command(hidden=True)
    def secret():
        """Nobody sees this."""

    app.add_typer(data, name="data")
    return get_command(app)


def test_walk_names_visible_leaves_by_their_typed_path(tree):
    assert [path for path, _ in generate.walk(tree, "desk")] == ["desk data import", "desk show"]


def test_usage_marks_optional_and_repeated_arguments(tree):
    leaves = dict(generate.walk(tree, "desk"))

    assert (
        "desk show [OPTIONS] STEP [CYCLE]"
        in generate.command_blocks("desk show", leaves["desk show"], [])[1]
    )
    assert (
        "desk data import [OPTIONS] FILES..."
        in generate.command_blocks("desk data import", leaves["desk data import"], [])[1]
    )


def test_shared_options_are_told_once(tree):
    leaves = dict(generate.walk(tree, "desk"))
    shared = generate.common_options(leaves.values())

    assert shared == [("`--quiet, -q`", "", "Say less.")]
    listed = generate.command_blocks("desk data import", leaves["desk data import"], shared)[-1]
    assert "--quiet" not in listed
    assert "| `--feed FEED` | `iex` |" in listed


def test_cell_cannot_break_the_table():
    assert generate.cell("a | b\n c") == "a \\| b c"


def test_check_tells_missing_stale_and_leftover_pages_apart(tmp_path):
    reference = generate.REFERENCE
    built = {reference / name: "text\n" for name in ("fresh.md", "stale.md", "absent.md")}
    generate.write({reference / name: "text\n" for name in ("fresh.md", "orphan.md")}, tmp_path)
    (tmp_path / reference / "stale.md").write_text("edited by hand\n")

    assert generate.differences(built, tmp_path) == [
        f"{reference}/absent.md: missing",
        f"{reference}/stale.md: out of date",
        f"{reference}/orphan.md: derived from nothing",
    ]

    generate.write(built, tmp_path)
    assert generate.differences(built, tmp_path) == []
    assert not (tmp_path / reference / "orphan.md").exists()


def test_every_exit_code_has_pages_that_exist():
    from quantcli.contracts.errors import EXIT_CODES

    assert set(generate.EXIT_PAGES) == set(EXIT_CODES) - {0}
    named = {name for names in generate.EXIT_PAGES.values() for name in names}
    assert {name for name in named if not (generate.ROOT / "runbook" / name).is_file()} == set()


# ------------------------------------------------------------------------------ invariants


def test_the_page_of_invariants_shows_the_table_that_the_journal_applies():
    from quantcli.core.order_states import TRANSITIONS

    lines = [line for line in generate.execution_invariants().splitlines() if line.count("|") == 12]
    head, _, *rows = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in lines]
    shown = {
        (row[0], after): word
        for row in rows
        for after, word in zip(head[1:], row[1:], strict=True)
        if word
    }
    assert shown == {pair: "id" if needs_id else "yes" for pair, needs_id in TRANSITIONS.items()}


def test_every_contradiction_that_pauses_is_on_the_page():
    steps = "".join(path.read_text() for path in (generate.ROOT / "quantcli/steps").glob("*.py"))
    ledger = (generate.ROOT / "quantcli/core/ledger.py").read_text()
    codes = {*re.findall(r'stop_entries\(desk, [\w.()]+, "([a-z-]+)"', steps)}
    codes |= {*re.findall(r'broken\.append\("([a-z-]+)"\)', ledger)}
    assert len(codes) > 3
    assert codes == {*generate.PAUSING}


def test_every_violation_that_halts_is_one_that_pauses():
    from quantcli.core.halts import VIOLATIONS

    page = generate.execution_invariants().split("## What halts entries as well")[1]
    assert {*generate.PAUSING} > VIOLATIONS
    assert all(f"| `{code}` |" in page for code in VIOLATIONS)
