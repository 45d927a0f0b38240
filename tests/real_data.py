"""Where the real bars lie. They are not part of the repository: their owners did not license it."""

from collections.abc import Mapping
from pathlib import Path

VARIABLE = "QUANTCLI_TEST_DATA"


class NamedFolderAbsent(Exception):
    """The environment names a folder that is not there: a mistake, never a reason to skip."""


def locate(environment: Mapping[str, str], repository: Path) -> Path | None:
    """Return the folder of real bars: the one named, else the one beside the repository.

    Returns:
        The folder, or None where none was named and none lies beside the repository.

    Raises:
        NamedFolderAbsent: a folder was named and does not exist.
    """
    named = environment.get(VARIABLE)
    if named:
        if not Path(named).is_dir():
            raise NamedFolderAbsent(f"{VARIABLE} names {named}, which is not a folder")
        return Path(named).resolve()
    beside = repository.parent / "shared" / "data"
    return beside if beside.is_dir() else None
