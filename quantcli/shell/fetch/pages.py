"""Pages kept until all that belongs to them is stored: what a killed fetch needs not ask again.

One folder for each question below `<data>/fetch-pages`, one file for each page, as it came.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from quantcli.contracts.canonical import canonical_bytes, sha256_hex
from quantcli.contracts.scalars import instant_text
from quantcli.shell.catalog import Shelf
from quantcli.shell.fetch.answers import Ask
from quantcli.shell.files import replace_file, storage


class Pages:
    """The pages of one source and shelf."""

    def __init__(self, data: Path, source: str, place: str, shelf: Shelf) -> None:
        """Name the folder; nothing is made."""
        self._folder = data / "fetch-pages" / f"{source}-{shelf.series}"
        self._identity = [source, place, *shelf]

    def held(self, ask: Ask) -> list[bytes]:
        """Return the pages of a question that came before, first to last."""
        folder = self._of(ask)
        found: list[bytes] = []
        with storage(folder):
            while (path := folder / f"{len(found) + 1}.page").is_file():
                found.append(path.read_bytes())
        return found

    def keep(self, ask: Ask, number: int, body: bytes) -> None:
        """Keep the n-th page of a question, counted from 1.

        Raises:
            StorageError: the disk refused.
        """
        replace_file(self._of(ask) / f"{number}.page", body)

    def drop(self, ask: Ask) -> None:
        """Forget the pages of a question: the next run asks it anew."""
        shutil.rmtree(self._of(ask), ignore_errors=True)

    def keep_only(self, asks: Iterable[Ask]) -> None:
        """Forget the pages of all other questions."""
        wanted = {self._of(ask).name for ask in asks}
        if self._folder.is_dir():
            for folder in self._folder.iterdir():
                if folder.name not in wanted:
                    shutil.rmtree(folder, ignore_errors=True)

    def _of(self, ask: Ask) -> Path:
        said = [*self._identity, *ask.symbols, instant_text(ask.first), instant_text(ask.last)]
        return self._folder / sha256_hex(canonical_bytes(said))[:32]
