"""What a run record says about the run itself: when, where, and which git revision.

None of this may reach an artifact.
"""

from __future__ import annotations

import datetime as dt
import platform
from pathlib import Path
from typing import Any

from quantcli.contracts.scalars import instant_text


def run_facts(desk: Path, started_at: dt.datetime, ended_at: dt.datetime) -> dict[str, Any]:
    """Return start, end, duration, host and git revision of a run."""
    return {
        "started_at": instant_text(started_at),
        "ended_at": instant_text(ended_at),
        "duration_ms": int((ended_at - started_at) / dt.timedelta(milliseconds=1)),
        "host": platform.node(),
        "git_revision": git_revision(desk),
    }


def git_revision(desk: Path) -> str:
    """Return the desk's checked-out commit, read without starting git; empty if there is none."""
    folder = desk / ".git"
    try:
        head = (folder / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head
        reference = folder / head.removeprefix("ref: ")
        return reference.read_text().strip() if reference.exists() else ""
    except OSError:
        return ""
