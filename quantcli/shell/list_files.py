"""Lists that the operator keeps beside the desk: CSV files such as earnings dates or sectors.

The file itself may change at any time, so its bytes are kept, named by their digest, before
anything is decided on them: `<data>/lists/<path>/<sha256>.csv`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from quantcli.contracts.canonical import sha256_hex
from quantcli.contracts.envelope import InputRef
from quantcli.contracts.errors import MarketDataError
from quantcli.shell.files import publish_once, storage

Table = tuple[tuple[str, ...], ...]
BYTES_MAX = 16 * 1024 * 1024

_NAME = re.compile(r"lists/(?P<file>.+)/(?P<sha256>[0-9a-f]{64})\.csv")


def read_list(desk: Path, data: Path, file: str, *, is_kept: bool) -> tuple[Table, InputRef]:
    """Return the rows of a CSV file of the desk, and its reference.

    Args:
        desk: The desk's folder, which the file's path is relative to.
        data: The data folder, where a copy is kept.
        file: The path as written in desk.toml.
        is_kept: Keep a copy (not when nothing but the shadow book may be written).

    Raises:
        MarketDataError: the path leaves the desk, or the file is missing, too large or not CSV
            in UTF-8.
    """
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise MarketDataError(
            "a list must lie in the desk's folder", value=file, hint="give a path relative to it"
        )
    source = desk / path
    if not source.resolve().is_relative_to(desk.resolve()):
        raise MarketDataError("a list must not be a link out of the desk's folder", value=file)
    if not source.is_file():
        raise MarketDataError(
            "a list named in desk.toml is missing", value=file, hint="restore it, or unset it"
        )
    with storage(source):
        content = source.read_bytes()
    rows = _parsed(content, file)
    sha256 = sha256_hex(content)
    ref = InputRef(name=f"lists/{path}/{sha256}.csv", sha256=sha256)
    if is_kept:
        publish_once(data / ref.name, content)
    return rows, ref


def pinned_list(data: Path, file: str, pins: Iterable[InputRef]) -> tuple[Table, InputRef]:
    """Return the rows of a list as it was when an artifact named it.

    Raises:
        MarketDataError: the artifact names no such list, or the copy is missing or changed.
    """
    for ref in pins:
        match = _NAME.fullmatch(ref.name)
        if match is None or match["file"] != str(PurePosixPath(file)):
            continue
        path = data / ref.name
        content = path.read_bytes() if path.is_file() else b""
        if match["sha256"] != ref.sha256 or sha256_hex(content) != ref.sha256:
            raise MarketDataError(
                "the kept copy of a list is missing or changed", value=ref.name,
                hint="restore it from a backup",
            )  # fmt: skip
        return _parsed(content, file), ref
    raise MarketDataError("no copy of the list is among the recorded inputs", value=file)


def _parsed(content: bytes, file: str) -> Table:
    if len(content) > BYTES_MAX:
        raise MarketDataError(f"the list {file} is too large", value=len(content))
    try:
        lines = content.decode("utf-8-sig").splitlines()
        return tuple(tuple(row) for row in csv.reader(lines, strict=True) if row)
    except (UnicodeDecodeError, csv.Error) as error:
        raise MarketDataError(
            f"the list {file} is not CSV in UTF-8: {error}", value=file
        ) from error
