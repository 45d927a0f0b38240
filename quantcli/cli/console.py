"""What a command prints: results on stdout, one line per error on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TextIO

#: Columns of a table that goes to a file or a pipe.
_WIDTH = 120


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

        write_out(_json_text(canonical_bytes(value)))
    elif not quiet:
        if isinstance(text, str):
            write_out(printable(text if text.endswith("\n") else text + "\n"))
        else:
            _print_rich(text())


def write_out(text: str) -> None:
    """Write to stdout; a reader that closed the pipe is no reason to fail.

    Raises:
        StorageError: stdout is a file on a disk that refuses.
    """
    if sys.stdout is None:
        return  # closed by whoever started us; what was promised is on disk
    try:
        _write(sys.stdout, text)
    except BrokenPipeError:
        _turn_away_stdout()
    except OSError as error:
        _turn_away_stdout()
        from quantcli.contracts.errors import StorageError

        raise StorageError(
            f"standard output cannot be written: {error.strerror}",
            hint="what the command promised is done; only its words are lost",
        ) from error


def warn(line: str) -> None:
    """Write a diagnostic line to stderr."""
    if sys.stderr is None:
        return
    with suppress(OSError):
        sys.stderr.write(printable(line.rstrip("\n")) + "\n")


def _json_text(document: bytes) -> str:
    """Return a JSON document as text that stdout can spell, in escapes if it must."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    text = document.decode()
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        import json

        text = json.dumps(json.loads(text), separators=(",", ":"), sort_keys=True) + "\n"
    return text


def printable(text: str) -> str:
    """Return text that no terminal obeys: what is not printable is spelled out, lines stay."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each == "\n" else _spelled(each) for each in text)


def _spelled(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def _turn_away_stdout() -> None:
    """Point stdout elsewhere, or the interpreter complains when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def is_terminal() -> bool:
    """Return whether progress may be shown."""
    return sys.stderr is not None and sys.stderr.isatty()


def _print_rich(renderable: Any) -> None:
    if sys.stdout is None:
        return
    from io import StringIO

    from rich.console import Console

    is_shown = sys.stdout.isatty()
    page = StringIO()
    console = Console(
        file=page,
        force_terminal=is_shown,
        width=None if is_shown else _WIDTH,
        highlight=False,
        markup=False,
        emoji=False,
    )
    console.print(renderable)
    write_out(page.getvalue())
