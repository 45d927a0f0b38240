"""Files that survive a crash: written whole, flushed, and named only then.

A published path never changes bytes: temp file, fsync, link, unlink, fsync of the directory.
A failed fsync is final for that file: the kernel may have dropped the pages.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quantcli.contracts.errors import ArtifactConflict, StorageError

_FILE_MODE = 0o600
_DIRECTORY_MODE = 0o700


class _Syncing:
    """Whether each file is synced by itself: always, except within `synced_together`."""

    is_immediate = True


@contextmanager
def synced_together() -> Iterator[None]:
    """Within the context files are synced by `settle` only.

    For replays: a killed process still loses nothing; a power cut may lose or spoil the session
    under way, whose desk is then made again from the bars.
    """
    _Syncing.is_immediate = False
    try:
        yield
    finally:
        _Syncing.is_immediate = True
        settle()


def settle() -> None:
    """Make everything written so far durable, with one call for the whole file system."""
    os.sync()


def sync_file(descriptor: int) -> None:
    """Flush one file, unless files are synced together."""
    if _Syncing.is_immediate:
        os.fsync(descriptor)


@contextmanager
def storage(path: Path) -> Iterator[None]:
    """Turn an OSError on `path` into a StorageError that says what to do."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{error.strerror or error} ({path.name})",
            value=path,
            hint="free space or repair permissions, then run the command again",
        ) from error


def make_directory(path: Path) -> None:
    """Create a directory and its parents, durably, readable by the owner only."""
    if path.is_dir():
        return
    with storage(path):
        make_directory(path.parent)
        try:
            path.mkdir(mode=_DIRECTORY_MODE)
        except FileExistsError:
            return
        path.chmod(_DIRECTORY_MODE)
        sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Flush a directory's entries, unless files are synced together."""
    if not _Syncing.is_immediate:
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def publish_once(path: Path, data: bytes) -> bool:
    """Write a file that must not exist yet, or must hold the same bytes.

    Returns:
        True if it was written, False if the same bytes were there.

    Raises:
        ArtifactConflict: other bytes are published there.
        StorageError: the disk refused.
    """
    make_directory(path.parent)
    with storage(path):
        temporary = _write_temporary(path, data)
        try:
            os.link(temporary, path)
        except FileExistsError:
            if path.read_bytes() != data:
                raise ArtifactConflict(
                    f"{path.name} is published with other bytes",
                    value=path,
                    hint="a published artifact never changes; see runbook/damaged-artifact.md",
                ) from None
            return False
        finally:
            temporary.unlink()
        sync_directory(path.parent)
    return True


def replace_file(path: Path, data: bytes) -> None:
    """Replace a file's content atomically and durably."""
    make_directory(path.parent)
    with storage(path):
        os.replace(_write_temporary(path, data), path)
        sync_directory(path.parent)


def append_durably(path: Path, line: bytes) -> None:
    """Append one line with a single write, and flush it."""
    make_directory(path.parent)
    with storage(path):
        is_new = not path.exists()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, _FILE_MODE)
        try:
            _write_all(descriptor, line)
            sync_file(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            sync_directory(path.parent)


def _write_temporary(path: Path, data: bytes) -> Path:
    temporary = path.with_name(f".{path.name}.part")
    # A crash may have left one; a planted link must not be followed.
    temporary.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, _FILE_MODE)
    try:
        os.fchmod(descriptor, _FILE_MODE)
        _write_all(descriptor, data)
        sync_file(descriptor)
    finally:
        os.close(descriptor)
    return temporary


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
