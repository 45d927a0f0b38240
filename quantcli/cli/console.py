"""What a command prints: results on stdout, one line per error on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any


def emit(value: Any, text: str | Callable[[], Any], as_json: bool, quiet: bool = False) -> None:
    """Print a command's result.

    Args:
        value: JSON value for `--json`.
        text: The text for people, or a function that returns a rich renderable.
        as_json: Print the value instead of the text.
        quiet: Print nothing, unless the value was asked for.
    """
    if as_json:
        from quantcli.contracts.canonical import canonical_bytes

        write_out(canonical_bytes(value).decode())
    elif not quiet:
        if isinstance(text, str):
            write_out(text if text.endswith("\n") else text + "\n")
        else:
            _print_rich(text())


def write_out(text: str) -> None:
    """Write to stdout; a reader that closed the pipe is no reason to fail."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # What was promised is on disk already. Point stdout elsewhere, or the interpreter
        # complains when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def warn(line: str) -> None:
    """Write one diagnostic line to stderr."""
    try:
        sys.stderr.write(line.rstrip("\n") + "\n")
    except OSError:
        return


def is_terminal() -> bool:
    """Return whether progress may be shown."""
    return sys.stderr.isatty()


def _print_rich(renderable: Any) -> None:
    from rich.console import Console

    width = None if sys.stdout.isatty() else 120
    console = Console(width=width, highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        console.print(renderable)
    write_out(capture.get())
