"""`quantcli prove`."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from quantcli.cli.console import emit, warn
from quantcli.cli.instants import typed_date, typed_range
from quantcli.cli.options import DeskOption, JsonOption, QuietOption, ShadowOption
from quantcli.cli.wiring import Workspace, find_desk
from quantcli.contracts.errors import ArtifactMissing, UsageError
from quantcli.lab.prove import Proof, prove

#: Files of a session whose first difference is printed.
_SHOWN_MAX = 3


def command(
    session: Annotated[str, typer.Argument(help="The session, YYYY-MM-DD.")] = "",
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="First of a range.")] = "",
    last: Annotated[str, typer.Option("--to", metavar="DATE", help="Last of a range.")] = "",
    desk: DeskOption = None,
    dry_run: ShadowOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Derive past sessions again from their recorded inputs, byte for byte.

    Exit 4 names the first JSON pointer that differs. Artifacts of another program version are
    named; if their decisions come out the same, that alone is exit 0.
    """
    with Workspace(find_desk(desk), dry_run=dry_run, read_only=True) as workspace:
        wanted = _wanted(workspace.store.sessions(), session, first, last)
        proofs = []
        for proof in prove(workspace, wanted, workspace.code):
            proofs.append(proof)
            for line in _findings(proof):
                warn(line)
    failed = [proof for proof in proofs if not proof.holds]
    value = {
        "sessions": len(proofs),
        "artifacts": sum(proof.artifacts for proof in proofs),
        "attempts": sum(proof.attempts for proof in proofs),
        "failed": [proof.session.isoformat() for proof in failed],
        "other_code": sorted({code for proof in proofs for code in proof.other_code}),
    }
    emit(value, _text(value, failed), as_json, quiet)
    return 4 if failed else 0


def _findings(proof: Proof) -> list[str]:
    """Return the first difference of each file, a line each; the rest follows from them."""
    firsts = {finding.path: finding for finding in reversed(proof.findings)}
    shown = [firsts[path] for path in dict.fromkeys(item.path for item in proof.findings)]
    lines = [
        f"{item.path}{item.pointer}: recorded {item.recorded[:120]}, derived {item.derived[:200]}"
        for item in shown[:_SHOWN_MAX]
    ]
    if len(shown) > _SHOWN_MAX:
        lines.append(f"{proof.session}: {len(shown) - _SHOWN_MAX} more files differ")
    return lines


def _text(value: dict[str, object], failed: list[Proof]) -> str:
    state = f"{len(failed)} sessions differ" if failed else "every byte was derived again"
    counts = ", ".join(f"{value[name]} {name}" for name in ("sessions", "artifacts", "attempts"))
    lines = [f"{counts}: {state}"]
    if value["other_code"]:
        lines.append(f"made by other code: {value['other_code']}")
    return "\n".join(lines)


def _wanted(known: tuple[dt.date, ...], session: str, first: str, last: str) -> tuple[dt.date, ...]:
    if bool(session) == bool(first and last) or bool(first) != bool(last):
        raise UsageError(
            "name one session, or a range with --from and --to",
            hint="quantcli prove 2024-08-01, or quantcli prove --from 2024-08-01 --to 2024-08-30",
        )
    if session:
        low = high = typed_date(session, "the session")
    else:
        low, high = typed_range(first, last)
    found = tuple(day for day in known if low <= day <= high)
    if not found:
        raise ArtifactMissing(
            "the desk has no such session", value=session or f"{first} to {last}",
            hint="quantcli ls lists them",
        )  # fmt: skip
    return found
