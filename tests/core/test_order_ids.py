"""Ids of orders: a pure function of the key, the same in every process and on every machine."""

import datetime as dt
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantcli.core.order_ids import IntentKey, client_order_id, intent_id

KEY = IntentKey("a1", "avwap", dt.date(2024, 8, 1), "AAPL", "entry", 1)


def test_intent_id_is_the_digest_that_sha256sum_gives():
    # printf 'a1|avwap|2024-08-01|AAPL|entry|1' | sha256sum
    expected = "23ad66ee6200f97833c1499f4e931bf44bd5e144c016db8abe33eec18ba809b8"

    assert intent_id(KEY) == expected


def test_client_order_id_is_the_name_that_base32_gives():
    # the same digest: ... | head -c 10 | base32 | tr A-Z a-z
    assert client_order_id(KEY) == "q1-20240801-e-1-eowwn3tcad4xqm6b"


@pytest.mark.parametrize(("purpose", "letter"), [("entry", "e"), ("stop", "s"), ("exit", "x")])
def test_purpose_shows_in_the_name(purpose, letter):
    name = client_order_id(KEY._replace(purpose=purpose, sequence=12))

    assert re.fullmatch(rf"q1-20240801-{letter}-12-[a-z2-7]{{16}}", name)


@pytest.mark.parametrize(
    "change",
    [
        {"account": "a2"},
        {"strategy": "other"},
        {"session": dt.date(2024, 8, 2)},
        {"symbol": "MSFT"},
        {"purpose": "exit"},
        {"sequence": 2},
    ],
)
def test_inv11_each_part_of_the_key_changes_both_ids(change):
    other = KEY._replace(**change)

    assert intent_id(other) != intent_id(KEY)
    assert client_order_id(other) != client_order_id(KEY)


@pytest.mark.parametrize(
    "change",
    [{"account": ""}, {"strategy": "a|b"}, {"symbol": ""}, {"sequence": 0}, {"sequence": -1}],
)
def test_ambiguous_keys_are_refused(change):
    with pytest.raises(ValueError, match=r"intent key|count from 1"):
        intent_id(KEY._replace(**change))


def test_longest_name_fits_and_a_longer_one_is_refused():
    assert len(client_order_id(KEY._replace(sequence=10**16))) == 48
    with pytest.raises(ValueError, match="too long"):
        client_order_id(KEY._replace(sequence=10**17))


@given(
    st.builds(
        IntentKey,
        st.text("abcdef0123456789-", min_size=1),
        st.text("abc-", min_size=1),
        st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31)),
        st.from_regex(r"[A-Z]{1,6}", fullmatch=True),
        st.sampled_from(["entry", "stop", "exit"]),
        st.integers(1, 99_999),
    )
)
def test_every_key_has_a_name_that_brokers_take(key):
    assert re.fullmatch(r"[a-z0-9.-]{1,48}", client_order_id(key))
