"""The halt record: in doubt entries are halted, exits are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantcli.ports.halts import HaltReading
from quantcli.shell.halt_file import HaltFile

CLEAR = HaltReading(entries=False, all=False, reason="")
RECORDS = [
    CLEAR,
    HaltReading(entries=True, all=False, reason="looks odd"),
    HaltReading(entries=True, all=True, reason="Ärger\n"),
]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "halt.json"


@pytest.mark.parametrize("record", RECORDS)
def test_what_is_written_is_read(path, record):
    HaltFile(path).write(record)

    assert HaltFile(path).read() == record


def test_a_halt_of_everything_halts_entries(path):
    HaltFile(path).write(HaltReading(entries=False, all=True, reason="x"))

    assert HaltFile(path).read().entries is True


def test_a_missing_record_halts_entries_only(path):
    assert HaltFile(path).read() == HaltReading(
        entries=True, all=False, reason="the halt record is missing"
    )


MALFORMED = [
    b"",
    b"{}",
    b"null",
    b"[]",
    b"false",
    b"\xff",
    b'{"entries":false,"all":false}',
    b'{"entries":false,"reason":""}',
    b'{"entries":0,"all":0,"reason":""}',
    b'{"entries":"false","all":"false","reason":""}',
    b'{"entries":null,"all":null,"reason":""}',
    b'{"entries":false,"all":false,"reason":null}',
    b'{"entries":false,"all":false,"reason":"","until":"noon"}',
    b'{"entries":false,"all":false,"reason":""',
]


@pytest.mark.parametrize("data", MALFORMED)
def test_a_malformed_record_halts_entries_only(path, data):
    path.parent.mkdir()
    path.write_bytes(data)

    assert HaltFile(path).read() == HaltReading(
        entries=True, all=False, reason="the halt record cannot be read"
    )


@pytest.mark.parametrize("record", RECORDS[1:])
def test_no_flipped_bit_ends_a_halt(path, record):
    HaltFile(path).write(record)
    whole = path.read_bytes()
    for place in range(len(whole)):
        for bit in range(8):
            flipped = bytearray(whole)
            flipped[place] ^= 1 << bit
            path.write_bytes(bytes(flipped))
            assert HaltFile(path).read().entries, (place, bit)


def test_a_record_that_cannot_be_opened_halts_entries_only(path):
    path.mkdir(parents=True)

    assert HaltFile(path).read()[:2] == (True, False)


@given(st.binary(max_size=80))
def test_no_bytes_ever_halt_exits_by_accident(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("halt") / "halt.json"
    path.write_bytes(data)
    reading = HaltFile(path).read()

    assert reading.entries
    assert not reading.all
