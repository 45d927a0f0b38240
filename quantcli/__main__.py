"""Entry point: `quantcli` and `python -m quantcli`."""

from __future__ import annotations

import gc
import sys

#: New objects between two searches for unreachable ones. Importing makes them by the hundred
#: thousand and drops none: Python's 700 spends a twentieth of a command's time on searching.
_OBJECTS_BETWEEN_SEARCHES = 50_000


def main() -> None:
    """Run the command line and exit with its code."""
    gc.set_threshold(_OBJECTS_BETWEEN_SEARCHES, 10, 10)
    from quantcli.cli.app import main as run

    sys.exit(run())


if __name__ == "__main__":
    main()
