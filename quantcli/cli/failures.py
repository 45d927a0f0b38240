"""From an exception to one line on stderr and an exit code."""

from __future__ import annotations

import os

import typer

from quantcli.cli.console import warn, write_out
from quantcli.contracts.errors import QuantcliError, StorageError, UsageError


def report_failure(error: BaseException, as_json: bool) -> int:
    """Say what went wrong and return the exit code.

    A bug prints its type and message in one line; its traceback only when asked for with
    QUANTCLI_TRACEBACK=1, because a traceback is no message for an operator.
    """
    if isinstance(error, OSError):
        error = StorageError(
            f"{error.strerror or error}", value=error.filename,
            hint="free space or repair permissions, then run the command again",
        )  # fmt: skip
    if isinstance(error, typer.TyperException):
        error = _mistake(error)
    if isinstance(error, QuantcliError):
        details, exit_code = error.as_object(), error.exit_code
        line = error.line()
    elif isinstance(error, KeyboardInterrupt):
        exit_code, line = 1, "interrupted: run the command again; it resumes"
        details = {"error": "interrupted", "exit_code": 1, "message": line, "value": None,
                   "hint": ""}  # fmt: skip
    else:
        exit_code = 1
        line = f"bug: {type(error).__name__}: {' '.join(str(error).split())}"
        details = {"error": "bug", "exit_code": 1, "message": line, "value": None,
                   "hint": "set QUANTCLI_TRACEBACK=1 and report the traceback"}  # fmt: skip
        if os.environ.get("QUANTCLI_TRACEBACK") == "1":
            import traceback

            warn("".join(traceback.format_exception(error)))
    warn(line)
    if as_json:
        import orjson

        write_out(orjson.dumps(details, option=orjson.OPT_SORT_KEYS).decode() + "\n")
    return exit_code


def _mistake(error: typer.TyperException) -> UsageError:
    """Return what typer found wrong with the words as an error that names the page to read."""
    context = getattr(error, "ctx", None)
    page = f"{context.command_path} --help" if context is not None else "quantcli --help"
    return UsageError(error.format_message(), hint=f"see {page}")
