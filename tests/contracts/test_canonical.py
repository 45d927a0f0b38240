"""One value, one spelling; anything else is refused before it is believed."""

import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantcli.contracts import canonical
from quantcli.contracts.canonical import (
    canonical_bytes,
    canonical_line,
    dump,
    parse_canonical,
    sha256_hex,
)
from quantcli.contracts.errors import ArtifactCorrupt

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_round_trip(value):
    data = canonical_bytes(value)

    assert parse_canonical(data, what="x") == value
    assert canonical_bytes(parse_canonical(data, what="x")) == data
    assert data.endswith(b"\n")
    assert data.count(b"\n") == 1


@given(VALUES)
def test_another_json_library_reads_the_same_value(value):
    assert json.loads(canonical_bytes(value)) == value


@given(st.dictionaries(TEXT, VALUES, min_size=2, max_size=5))
def test_order_of_insertion_leaves_no_trace(value):
    turned = dict(reversed(value.items()))

    assert canonical_bytes(turned) == canonical_bytes(value)


def test_spelling_by_hand():
    value = {"b": [1, "é\n", None], "a": {"z": True, "y": ""}}

    assert canonical_bytes(value) == '{"a":{"y":"","z":true},"b":[1,"é\\n",null]}\n'.encode()


def test_a_line_is_a_document():
    assert canonical_line({"b": 1, "a": []}) == b'{"a":[],"b":1}\n'


NOT_CANONICAL = {
    "duplicate key": b'{"a":1,"a":1}\n',
    "duplicate key further down": b'[{"a":1,"a":2}]\n',
    "unsorted keys": b'{"b":1,"a":1}\n',
    "no newline": b'{"a":1}',
    "two newlines": b'{"a":1}\n\n',
    "carriage return": b'{"a":1}\r\n',
    "blank": b'{"a": 1}\n',
    "leading blank": b' {"a":1}\n',
    "needless escape": b'{"a":"\\u0041"}\n',
    "negative zero": b'{"a":-0}\n',
    "exponent": b'{"a":1e2}\n',
    "integer beyond 64 bits": b'{"a":18446744073709551616}\n',
}
NOT_JSON = {
    "empty": b"",
    "NaN": b'{"a":NaN}\n',
    "infinity": b'{"a":-Infinity}\n',
    "truncated": b'{"a":',
    "comment": b'{"a":1} // x\n',
    "byte order mark": b'\xef\xbb\xbf{"a":1}\n',
    "not UTF-8": b'{"a":"\xff"}\n',
    "lone surrogate": b'{"a":"\\ud800"}\n',
    "too deep": b"[" * 2000 + b"]" * 2000 + b"\n",
    "two documents": b"{}\n{}\n",
}


@pytest.mark.parametrize("data", NOT_CANONICAL.values(), ids=NOT_CANONICAL)
def test_other_spellings_are_refused(data):
    with pytest.raises(ArtifactCorrupt, match=r"^scan\.json is not in canonical form"):
        parse_canonical(data, what="scan.json")


@pytest.mark.parametrize("data", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_json_is_refused(data):
    with pytest.raises(ArtifactCorrupt, match=r"^scan\.json is not JSON"):
        parse_canonical(data, what="scan.json")


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(data):
    try:
        value = parse_canonical(data, what="x")
    except ArtifactCorrupt:
        return
    assert dump(value) == data


def test_a_huge_document_is_refused_before_it_is_parsed(monkeypatch):
    monkeypatch.setattr(canonical, "DOCUMENT_BYTES_MAX", 10)

    assert parse_canonical(b'"1234567"\n', what="x") == "1234567"
    with pytest.raises(ArtifactCorrupt, match="larger than 10 bytes"):
        parse_canonical(b'"12345678"\n', what="x")


NOT_SAYABLE = {
    "float": 1.5,
    "float in a list": {"a": [1, 2.0]},
    "float in a tuple": (1.0,),
    "NaN": float("nan"),
    "date": dt.date(2024, 8, 1),
    "instant": dt.datetime(2024, 8, 1, tzinfo=dt.UTC),
    "key that is no text": {1: "a"},
    "integer beyond 64 bits": 2**64,
    "lone surrogate": "\ud800",
    "set": {1},
    "bytes": b"a",
}


@pytest.mark.parametrize("value", NOT_SAYABLE.values(), ids=NOT_SAYABLE)
def test_only_json_values_without_floats_are_written(value):
    with pytest.raises(ArtifactCorrupt):
        canonical_bytes(value)


def test_nesting_without_end_is_refused():
    value = []
    for _ in range(100_000):
        value = [value]

    with pytest.raises(ArtifactCorrupt, match="nested too deeply"):
        canonical_bytes(value)
    with pytest.raises(ArtifactCorrupt):
        dump(value)


def test_digest_of_known_bytes():
    # echo | sha256sum
    expected = "01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b"

    assert sha256_hex(b"\n") == expected
