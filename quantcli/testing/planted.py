"""Planted bugs: known ways to lose money, put into the program to see the adversary find them.

Each is one replacement in one module's source, made while the module is imported in a process of
its own; the files are not touched. A bug whose text is no longer in the module is an error, so
that none is ever "caught" because it was never there.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import NamedTuple

from quantcli.testing.planted_bugs import BUGS, Bug


class NotPlantable(Exception):
    """The text to replace is not in the module exactly once."""


class _Planter(SourceFileLoader):
    """Loads one module with its bug."""

    bug: Bug

    def get_data(self, path: str) -> bytes:
        """Return the module's source, changed."""
        text = super().get_data(path).decode()
        if text.count(self.bug.sound) != 1:
            raise NotPlantable(f"{self.bug.name}: {text.count(self.bug.sound)} times in {path}")
        return text.replace(self.bug.sound, self.bug.planted).encode()

    def get_code(self, fullname: str) -> object:
        """Compile the changed source; what was compiled before is of the sound one."""
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class _Finder(MetaPathFinder):
    """Hands the module of one bug to its planter."""

    def __init__(self, bug: Bug) -> None:
        self._bug = bug

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of the bug's module only."""
        if fullname != self._bug.module:
            return None
        found = PathFinder.find_spec(fullname, path, target)
        assert found is not None
        assert found.origin is not None
        loader = _Planter(fullname, found.origin)
        loader.bug = self._bug
        return importlib.util.spec_from_file_location(fullname, found.origin, loader=loader)


class Planted(NamedTuple):
    """A bug that is in force in this process."""

    bug: Bug


def plant(name: str) -> Planted:
    """Put a bug into this process, before its module is imported.

    Raises:
        KeyError: there is no such bug.
        NotPlantable: its module is imported already.
    """
    bug = BUGS[name]
    if bug.module in sys.modules:
        raise NotPlantable(f"{bug.module} is imported already")
    sys.meta_path.insert(0, _Finder(bug))
    return Planted(bug)
