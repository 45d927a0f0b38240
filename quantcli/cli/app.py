"""The command line: a table of commands, each imported when it is typed.

`--help` reads the table only; a command pays for its own imports and no other's.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup

from quantcli.cli import interrupts
from quantcli.cli.common_options import complete
from quantcli.cli.console import warn
from quantcli.contracts.errors import UsageError


class Command(NamedTuple):
    """A command: the group it belongs to, its name, and one line of help."""

    group: str
    name: str
    help: str


_CHAIN = (
    Command("", "scan", "Scan the universe for signals."),
    Command("", "decide", "ALLOW or BLOCK each signal, and size it."),
    Command("", "enforce", "Judge each signal by every gate; approve order intents."),
    Command("", "execute", "Send what is due; cancel what has expired."),
    Command("", "exits", "Keep a stop under every share; sell what must go."),
    Command("", "reconcile", "Hold our book against the broker's."),
    Command("", "snapshot", "Write the portfolio's state and figures."),
    Command("", "report", "Write the session's report; the last one seals it."),
    Command("", "day", "Run the cycle that is due."),
)
_OPERATE = (
    Command("", "init", "Make a new desk."),
    Command("", "status", "Show what the desk is doing and why it may not trade."),
    Command("", "halt", "Stop entries, or everything, now."),
    Command("", "resume", "End a halt or PAUSED, with a reason."),
    Command("", "backup", "Copy the desk's state and verify the copy."),
    Command("", "restore", "Rebuild the journal from the desk's files, and prove it."),
    Command("", "schedule", "Print the schedule as a table or as crontab lines."),
    Command("config", "show", "Print the resolved configuration."),
)
_INVESTIGATE = (
    Command("", "ls", "List sessions, or a session's artifacts."),
    Command("", "show", "Print one artifact."),
    Command("", "why", "Tell the story of a symbol: a trade or a non-trade."),
    Command("", "diff", "Compare two artifacts."),
    Command("", "prove", "Derive a past session again, byte for byte."),
    Command("audit", "verify", "Check the chain over all sealed sessions."),
)
_DATA = (
    Command("data", "import", "Import bars or index values from files."),
    Command("data", "fetch", "Fetch bars and index values from their source."),
    Command("data", "check", "Check the bars; quarantine what is wrong."),
    Command("data", "ls", "List what the store holds."),
    Command("", "calendar", "Print sessions with their hours."),
)
_RESEARCH = (Command("", "replay", "Run past sessions on the local exchange."),)
_PARTS = (
    Command("exchange", "serve", "Serve the local exchange over HTTP on loopback."),
    Command("exchange", "advance", "Move the local exchange's clock."),
    Command("", "schema", "Print the JSON Schema of an artifact."),
    Command("", "demo", "Run a made-up market from start to report."),
)
PANELS: tuple[tuple[str, tuple[Command, ...]], ...] = (
    ("The chain", _CHAIN),
    ("Operate", _OPERATE),
    ("Investigate", _INVESTIGATE),
    ("Data", _DATA),
    ("Research", _RESEARCH),
    ("Parts", _PARTS),
)
_GROUP_HELP = {
    "config": "Read the configuration.",
    "audit": "Check the chain of sealed sessions.",
    "data": "Import, fetch, check and list bars.",
    "exchange": "Run the local exchange.",
}
_COMMANDS = {(c.group, c.name): c for _, commands in PANELS for c in commands}


class LazyGroup(TyperGroup):
    """A group whose commands are imported when they are called."""

    group_name = ""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words; none at all gets the table, as a mistake in usage."""
        if not args:
            warn(ctx.get_help())
            raise typer.Exit(UsageError.exit_code)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:
        """Return names in the table's order; a group stands where its first command does."""
        names: dict[str, None] = {}
        for group, name in _COMMANDS:
            if group == self.group_name:
                names[name] = None
            elif not self.group_name:
                names[group] = None
        return list(names)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return one command, imported now.

        Raises:
            UsageError: there is none of that name.
        """
        if not self.group_name and cmd_name in _GROUP_HELP:
            return _group(cmd_name)
        known = _COMMANDS.get((self.group_name, cmd_name))
        if known is None:
            near = get_close_matches(cmd_name, self.list_commands(ctx), n=1)
            hint = f"did you mean {near[0]}?" if near else f"see {ctx.command_path} --help"
            raise UsageError("no such command", value=cmd_name, hint=hint)
        return _load(known)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the table, without importing a single command."""
        for title, commands in PANELS:
            rows = [
                (f"{c.group} {c.name}".strip(), c.help)
                for c in commands
                if c.group == self.group_name or not self.group_name
            ]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def _group(name: str) -> Any:
    kind = type(f"{name.title()}Group", (LazyGroup,), {"group_name": name})
    return kind(name=name, help=_GROUP_HELP[name], rich_markup_mode=None)


def _load(command: Command) -> Any:
    module_name = "_".join(part for part in (command.group, command.name) if part)
    module = import_module(f"quantcli.cli.commands.{module_name}")
    application = typer.Typer(add_completion=False, rich_markup_mode=None)
    application.command(name=command.name, help=module.command.__doc__)(module.command)
    built = typer.main.get_command(application)
    built.short_help = command.help
    complete(built, command.group, command.name)
    return built


app = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="A trading desk made of small commands. Each reads JSON artifacts, decides with pure "
    "functions, and writes one JSON artifact into a dated directory.",
)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        from quantcli import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False,
        "--version",
        help="Print the version and exit.",
        callback=_show_version,
        is_eager=True,
    ),
) -> None:
    """Take the options that stand before a command's name."""


#: How typer tells of Ctrl-C when it may not exit by itself.
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: errors become one line here."""
    from quantcli.cli.failures import report_failure

    interrupts.listen()
    words = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in words
    command: Any = typer.main.get_command(app)
    try:
        result = command.main(args=words, prog_name="quantcli", standalone_mode=False)
    except typer.Abort:
        return report_failure(KeyboardInterrupt(), as_json)
    except Exception as error:  # noqa: BLE001 - the one place: any failure is a line and a code
        told = KeyboardInterrupt() if interrupts.was_interrupted() else error
        return report_failure(told, as_json)
    if result == _INTERRUPTED:
        return report_failure(KeyboardInterrupt(), as_json)
    return result if isinstance(result, int) else 0
