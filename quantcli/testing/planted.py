"""`python -m quantcli.testing.planted BUG [PLACE...]`: does the adversary find a known bug?

A bug is a few replacements in the program's source, made while its modules are imported in this
process; the files are not touched. A bug whose text is no longer there is an error, so that none
is ever "found" because it was never planted.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from quantcli.testing.planted_bugs import BUGS, Bug, Edit

#: Exit codes: the bug was found, it was not.
FOUND, NOT_FOUND = 0, 1


class NotPlantable(Exception):
    """The text to replace is not in the module exactly once, or the module is imported already."""


class _Planter(SourceFileLoader):
    """Loads one module with its edits."""

    edits: tuple[Edit, ...]

    def get_code(self, fullname: str) -> CodeType:
        """Compile the changed source; what was compiled before is of the sound one."""
        path = self.get_filename(fullname)
        text = self.get_data(path).decode()
        for edit in self.edits:
            text = edited(text, edit)
        code: CodeType = self.source_to_code(text, path)
        return code


class _Finder(MetaPathFinder):
    """Hands the modules of a bug to their planters."""

    def __init__(self, bug: Bug) -> None:
        self._bug = bug

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a module of the bug; None for any other."""
        edits = tuple(edit for edit in self._bug.edits if edit.module == fullname)
        found = PathFinder.find_spec(fullname, path, target) if edits else None
        if found is None or found.origin is None:
            return None
        loader = _Planter(fullname, found.origin)
        loader.edits = edits
        places = found.submodule_search_locations
        return importlib.util.spec_from_file_location(
            fullname, found.origin, loader=loader, submodule_search_locations=places
        )


def edited(text: str, edit: Edit) -> str:
    """Return a module's source with one edit made.

    Raises:
        NotPlantable: the sound text is not there exactly once.
    """
    count = text.count(edit.sound)
    if count != 1:
        raise NotPlantable(f"{edit.module} holds {count} times: {edit.sound!r}")
    return text.replace(edit.sound, edit.planted)


def plant(bug: Bug) -> None:
    """Put a bug into this process, before its modules are imported.

    Raises:
        NotPlantable: one of them is imported already.
    """
    for edit in bug.edits:
        if edit.module in sys.modules:
            raise NotPlantable(f"{edit.module} is imported already")
    sys.meta_path.insert(0, _Finder(bug))


def main(arguments: Sequence[str]) -> int:
    """Plant a bug and look where it may show; without places, where it is known to."""
    name, *places = arguments
    bug = BUGS[name]
    plant(bug)
    from quantcli.testing.sim import memory_folder

    with tempfile.TemporaryDirectory(prefix="quantcli-planted-", dir=memory_folder()) as folder:
        for place in places or (bug.place,):
            found = _broken(place, Path(folder))
            if found:
                print(f"{name}: found in {place}: {found[0]}")
                return FOUND
    print(f"{name}: not found in {' '.join(places or (bug.place,))}")
    return NOT_FOUND


def _broken(place: str, folder: Path) -> list[str]:
    """Return what is broken in a world, or in an enumeration of one day.

    Args:
        place: The name of a world; or `moments:<market>:<session>:<command>:<stride>:<first>`; or
            `choices:<market>:<session>:<faults>`; `twin:<world>`; or `drill:<name>`.
        folder: Where desks are made.
    """
    from quantcli.testing import enumerated, simulate

    kind, *numbers = place.split(":")
    if kind == "drill":
        from quantcli.testing.drills import DRILLS

        return DRILLS[numbers[0]](folder)
    if not numbers:
        return simulate.run_world(place, folder).violations
    if kind == "twin":
        elsewhere = folder / "in a folder of another name"
        elsewhere.mkdir()
        here, there = (simulate.run_world(numbers[0], each) for each in (folder, elsewhere))
        return [] if here.digest == there.digest else ["INV-24: other bytes elsewhere"]
    market, session, *rest = (int(each) for each in numbers)
    if kind == "choices":
        return enumerated.every_choice(folder, market, session, *rest).violations
    only, stride, first = rest
    return enumerated.every_moment(
        folder, market, session, only=only, stride=stride, part=first
    ).violations


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
