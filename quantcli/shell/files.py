"""Files that survive a crash: written whole, flushed, and named only then.

A published path never changes bytes: temp file, fsync, link, unlink, fsync of the directory.
A failed fsync is final for that file: the kernel may have dropped the pages. Temp files carry
the process id, so that two processes never write into one; those of the dead are swept away by
the next who writes there.
"""

from __future__ import annotations

import os
import stat
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


def sync_path(path: Path) -> None:
    """Flush a file that another process may have left behind unflushed."""
    with storage(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            sync_file(descriptor)
        finally:
            os.close(descriptor)


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
    with storage(path):
        if path.is_dir():
            _settle_name(path)
            return
        make_directory(path.parent)
        try:
            path.mkdir(mode=_DIRECTORY_MODE)
        except FileExistsError:
            if not path.is_dir():
                raise
            return  # another process was faster
        path.chmod(_DIRECTORY_MODE)
        sync_directory(path.parent)


#: Directories whose names are known to be durable: nobody takes them back while we run.
_SETTLED: set[Path] = set()


def _settle_name(path: Path) -> None:
    """Flush the name of a directory found, and of those above it that are ours.

    Whoever made it may have been killed before the flush; what is put into it would then be lost
    with it in a power cut, however well it is flushed itself. Ours are known by owner and mode.
    """
    while path not in _SETTLED and _is_ours(path):
        if os.access(path.parent, os.R_OK):
            sync_directory(path.parent)
        if _Syncing.is_immediate:
            _SETTLED.add(path)
        path = path.parent


def _is_ours(path: Path) -> bool:
    found = path.stat()
    return stat.S_IMODE(found.st_mode) == _DIRECTORY_MODE and found.st_uid == os.geteuid()


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
        is_new = not os.path.lexists(path) and _link_new(path, data)
        _sweep(path)
        if not is_new and _read_no_link(path) != data:
            raise ArtifactConflict(
                f"{path.name} is published with other bytes",
                value=path,
                hint="a published artifact never changes; see runbook/damaged-artifact.md",
            )
        # Also for a file found there: the attempt that linked it may have died before this.
        sync_directory(path.parent)
    return is_new


def replace_file(path: Path, data: bytes) -> None:
    """Replace a file's content atomically and durably."""
    make_directory(path.parent)
    with storage(path):
        _write_temporary(path, data).replace(path)
        _sweep(path)
        sync_directory(path.parent)


def append_durably(path: Path, line: bytes) -> None:
    """Append one line with a single write, and flush it."""
    make_directory(path.parent)
    with storage(path):
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, _FILE_MODE)
        try:
            is_new = os.fstat(descriptor).st_size == 0
            _write_all(descriptor, line)
            sync_file(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            sync_directory(path.parent)


def _link_new(path: Path, data: bytes) -> bool:
    """Write a temp file and give it its name; False if that name was taken meanwhile."""
    temporary = _write_temporary(path, data)
    try:
        os.link(temporary, path)
    except (FileExistsError, FileNotFoundError):
        return False  # published, and maybe swept, by another process
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _write_temporary(path: Path, data: bytes) -> Path:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    # A crash may have left one; a planted link must not be followed.
    temporary.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, _FILE_MODE)
    try:
        os.fchmod(descriptor, _FILE_MODE)
        _write_all(descriptor, data)
        sync_file(descriptor)
    except OSError:
        # On a full disk every attempt would leave its part.
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    return temporary


def _sweep(path: Path) -> None:
    """Remove temp files that dead processes, or this one, left beside a file."""
    prefix = f".{path.name}."
    with os.scandir(path.parent) as entries:
        names = [item.name for item in entries if item.name.startswith(prefix)]
    for name in names:
        number = name.removeprefix(prefix).removesuffix(".part")
        if name.endswith(".part") and number.isdecimal() and not _is_other(int(number)):
            path.with_name(name).unlink(missing_ok=True)


def _is_other(process_id: int) -> bool:
    """Return whether another process with that id is alive."""
    if process_id == os.getpid():
        return False
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _read_no_link(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
        return file.read()


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
