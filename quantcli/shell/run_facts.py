"""What a run record says about the run itself: when, where, and which git revision.

None of this may reach an artifact.
"""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from quantcli.contracts.scalars import instant_text

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_REFERENCE = re.compile(r"ref: (refs/[\w-]+(/[\w-][\w.-]*)*)")
_GIT_SECONDS = 5


def run_facts(desk: Path, started_at: dt.datetime, ended_at: dt.datetime) -> dict[str, Any]:
    """Return start, end, duration, host and the desk's git revision of a run."""
    return {
        "started_at": instant_text(started_at),
        "ended_at": instant_text(ended_at),
        "duration_ms": int((ended_at - started_at) / dt.timedelta(milliseconds=1)),
        "host": platform.node(),
        "git_revision": git_revision(desk),
        "git_dirty": git_dirty(desk),
    }


def git_revision(desk: Path) -> str:
    """Return the desk's checked-out commit, read without starting git; empty if there is none."""
    folder = desk / ".git"
    head = _text(folder / "HEAD")
    match = _REFERENCE.fullmatch(head)
    if match is None:
        return head if _COMMIT.fullmatch(head) else ""
    loose = _text(folder / match[1])
    if _COMMIT.fullmatch(loose):
        return loose
    packed = (line.split(" ") for line in _text(folder / "packed-refs").splitlines())
    found = [words[0] for words in packed if words[1:] == [match[1]]]
    return found[0] if found and _COMMIT.fullmatch(found[0]) else ""


@lru_cache(maxsize=8)
def git_dirty(desk: Path) -> bool | None:
    """Return whether a tracked file differs from the commit; None: no repository, or no git.

    Asked once a process: it starts git.
    """
    if not (desk / ".git").is_dir():
        return None
    import subprocess

    words = ["git", "-C", str(desk), "--no-optional-locks", "status", "--porcelain"]
    try:
        done = subprocess.run(  # noqa: S603 - fixed words and the desk's own path
            [*words, "--untracked-files=no"],
            capture_output=True,
            timeout=_GIT_SECONDS,
            check=True,
            env=environment_for_git(),
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return bool(done.stdout.strip())


def environment_for_git() -> dict[str, str]:
    """Return the environment without what would point git at another repository."""
    variables = os.environ  # noqa: TID251 - passed on, not read
    return {name: value for name, value in variables.items() if not name.startswith("GIT_")}


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
