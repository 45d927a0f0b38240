"""Making a desk: folder, desk.toml, state, exchange keys, git repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

from quantcli.cli.desk_template import DESK_TOML, GITIGNORE
from quantcli.cli.venue import make_exchange_keys
from quantcli.contracts.errors import UsageError
from quantcli.ports.halts import HaltReading
from quantcli.shell.files import make_directory, replace_file
from quantcli.shell.halt_file import HaltFile
from quantcli.shell.journal import SqliteJournal
from quantcli.shell.run_facts import environment_for_git


def make_desk(root: Path, *, name: str, feed: str = "local", git: bool = True) -> None:
    """Make a desk in an empty or new folder.

    Raises:
        UsageError: the folder holds a desk already.
        StorageError: the disk refused.
    """
    if (root / "desk.toml").exists() or (root / "state").exists():
        raise UsageError("a desk is there already", value=root, hint="nothing was changed")
    make_directory(root)
    make_state(root)
    make_exchange_keys(root)
    replace_file(root / ".gitignore", GITIGNORE.encode())
    text = DESK_TOML.replace("@NAME@", name).replace("@FEED@", feed)
    replace_file(root / "desk.toml", text.encode())
    if git:
        make_repository(root)


def make_state(home: Path) -> None:
    """Make an empty journal and, unless there is one, a halt record that halts nothing."""
    SqliteJournal.create(home / "state" / "desk.sqlite3").close()
    record = home / "state" / "halt.json"
    if not record.exists():
        HaltFile(record).write(HaltReading(False, False, ""))


def make_repository(root: Path) -> bool:
    """Make the desk a git repository with one commit; False if git is not there.

    The commit carries a neutral identity if the machine has none configured.
    """
    commands = (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "desk.toml", ".gitignore"),
        ("-c", "user.name=quantcli", "-c", "user.email=quantcli@localhost", "-c",
         "commit.gpgsign=false", "commit", "--quiet", "--message", "New desk"),
    )  # fmt: skip
    try:
        for words in commands:
            subprocess.run(  # noqa: S603 - the words are ours
                ["git", "-C", str(root), "-c", "core.hooksPath=/dev/null", *words],  # noqa: S607
                check=True, capture_output=True, timeout=30, env=environment_for_git(),
            )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return False
    return True
