"""Entry point: `quantcli` and `python -m quantcli`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    from quantcli.cli.app import main as run

    sys.exit(run())


if __name__ == "__main__":
    main()
