"""Commands as they are typed: in this process, or in one of their own."""

import contextlib
import io
import json
import os
import subprocess
import sys
from typing import NamedTuple

from quantcli.cli.app import main


class Said(NamedTuple):
    """What a command printed and returned."""

    code: int
    out: str
    err: str

    @property
    def value(self):
        """The JSON object on stdout."""
        return json.loads(self.out)


def say(*words):
    """Type a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(word) for word in words])
    return Said(code, out.getvalue(), err.getvalue())


def spawn(*words, cwd=None, env=None, **options):
    """Type a command in a process of its own."""
    environment = {**os.environ, **(env or {})}
    done = subprocess.run(
        [sys.executable, "-m", "quantcli", *[str(word) for word in words]],
        cwd=cwd,
        env=environment,
        capture_output=not options,
        text=True,
        timeout=60,
        check=False,
        **options,
    )
    return Said(done.returncode, done.stdout or "", done.stderr or "")
