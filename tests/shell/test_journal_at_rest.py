"""The journal of a desk whose folder may be read and not written: a copy, a medium, a mount."""

import ctypes
import datetime as dt
import os
import shutil
import sqlite3
from contextlib import contextmanager
from decimal import Decimal

import pytest

from quantcli.contracts.errors import StateMissing, StorageError
from quantcli.contracts.journal_rows import FlagRow, GenesisRow
from quantcli.ports.journal import Place
from quantcli.shell.journal import SqliteJournal

DAY = dt.date(2024, 8, 1)
GENESIS = GenesisRow(account_id="a", cash=Decimal(10), first_session=DAY)
PAUSED = FlagRow(name="paused", is_set=True, reasons=(), by="operator")
# linux/capability.h: of version 3; CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH.
VERSION, ANY_FILE = 0x20080522, 1 << 1 | 1 << 2


@contextmanager
def minding_permissions():
    """Be someone whom file modes bind: the superuser lays down what lets it pass them by."""
    if os.geteuid() != 0:
        yield
        return
    kernel = ctypes.CDLL(None, use_errno=True)
    who = (ctypes.c_uint32 * 2)(VERSION, 0)
    held = (ctypes.c_uint32 * 6)()
    assert kernel.capget(who, held) == 0
    fewer = (ctypes.c_uint32 * 6)(*held)
    fewer[0] &= ~ANY_FILE
    assert kernel.capset(who, fewer) == 0
    try:
        yield
    finally:
        assert kernel.capset(who, held) == 0


@pytest.fixture
def state(tmp_path):
    """A desk's state: a journal with one row, closed, in a folder that nobody may write."""
    folder = tmp_path / "state"
    journal = SqliteJournal.create(folder / "desk.sqlite3")
    journal.append(Place(DAY, "083000", "snapshot"), [GENESIS])
    journal.close()
    yield folder
    folder.chmod(0o700)


def closed(folder):
    for file in folder.iterdir():
        file.chmod(0o400)
    folder.chmod(0o500)
    return folder / "desk.sqlite3"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_it_is_read_and_nothing_appears_beside_it(state):
    with minding_permissions():
        journal = SqliteJournal.open(closed(state), read_only=True)
        journal.verify()
        journal.verify_tables()
        with journal.copy() as trial:
            trial.append(Place(DAY, "083000", "exits"), [PAUSED])
        assert journal.genesis() == GENESIS
        with pytest.raises(StorageError):
            journal.append(Place(DAY, "083000", "exits"), [PAUSED])
        journal.close()

    assert names(state) == ["desk.sqlite3"]


def test_rows_that_lie_in_the_log_are_never_left_out(state, tmp_path):
    """As a killed writer leaves it: without the log the newest row would be missing."""
    writer = SqliteJournal.open(state / "desk.sqlite3")
    writer.append(Place(DAY, "083000", "exits"), [PAUSED])
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("desk.sqlite3", "desk.sqlite3-wal"):
        shutil.copy(state / name, copy / name)
    writer.close()
    try:
        with minding_permissions(), pytest.raises(StorageError, match="unable to open") as caught:
            SqliteJournal.open(closed(copy), read_only=True)
    finally:
        copy.chmod(0o700)

    assert not isinstance(caught.value, StateMissing)


def test_what_a_reader_left_behind_does_not_matter(state):
    """A reader that may write the folder leaves an empty log and its shared memory."""
    reader = sqlite3.connect(f"file:{state / 'desk.sqlite3'}?mode=ro", uri=True)
    reader.execute("SELECT count(*) FROM journal").fetchone()
    reader.close()
    with minding_permissions():
        journal = SqliteJournal.open(closed(state), read_only=True)
        assert journal.head().seq == 1
        journal.close()


def test_while_someone_writes_the_log_is_read(state):
    writer = SqliteJournal.open(state / "desk.sqlite3")
    writer.append(Place(DAY, "083000", "exits"), [PAUSED])
    with minding_permissions():
        journal = SqliteJournal.open(closed(state), read_only=True)
        assert journal.head().seq == 2
        journal.close()
    state.chmod(0o700)
    writer.close()


@pytest.mark.parametrize("mode", [0o600, 0o000])
def test_a_folder_that_may_not_be_entered_is_not_called_empty(state, mode):
    path = closed(state)
    state.chmod(mode)
    with minding_permissions(), pytest.raises(StorageError, match="Permission denied") as caught:
        SqliteJournal.open(path, read_only=True)

    assert not isinstance(caught.value, StateMissing)


def test_a_journal_that_may_not_be_read_is_not_called_gone(state):
    path = closed(state)
    path.chmod(0)
    with minding_permissions(), pytest.raises(StorageError, match="unable to open") as caught:
        SqliteJournal.open(path, read_only=True)

    assert not isinstance(caught.value, StateMissing)


def test_a_writer_is_told_that_it_may_not_write(state):
    with minding_permissions(), pytest.raises(StorageError) as caught:
        SqliteJournal.open(closed(state)).append(Place(DAY, "083000", "exits"), [PAUSED])

    assert not isinstance(caught.value, StateMissing)
