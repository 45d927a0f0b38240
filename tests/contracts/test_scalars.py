"""Numbers are quantised the same way everywhere, names and instants have one grammar."""

import datetime as dt
import json
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from quantcli.contracts import scalars
from quantcli.contracts.scalars import (
    decimal_of,
    instant,
    instant_text,
    money,
    plain,
    price,
    quantity,
    ratio,
    session_date,
)

NUMBERS = st.decimals(
    min_value=-1_000_000, max_value=1_000_000, allow_nan=False, allow_infinity=False, places=9
)


class Everything(BaseModel):
    """One field of each scalar type."""

    price: scalars.Price = Decimal(0)
    money: scalars.Money = Decimal(0)
    ratio: scalars.Ratio = Decimal(0)
    quantity: scalars.Quantity = Decimal(0)
    at: scalars.Instant = dt.datetime(2024, 8, 1, tzinfo=dt.UTC)
    session: scalars.SessionDate = dt.date(2024, 8, 1)
    symbol: scalars.Symbol = "AAPL"
    digest: scalars.Digest = "0" * 64
    cycle: scalars.CycleName = "083000"
    client_order_id: scalars.ClientOrderId = "q-1"


def written(**fields):
    return json.loads(Everything(**fields).model_dump_json())


# ------------------------------------------------------------------------------ rounding, by hand

HALF_EVEN = [
    (price, "1.00005", "1.0000"),
    (price, "1.00015", "1.0002"),
    (price, "1.000151", "1.0002"),
    (price, "-1.00005", "-1.0000"),
    (money, "0.005", "0.00"),
    (money, "0.015", "0.02"),
    (money, "2.675", "2.68"),
    (money, "-0.005", "0.00"),
    (money, "1E+2", "100.00"),
    (ratio, "0.0000005", "0.000000"),
    (ratio, "0.0000015", "0.000002"),
    (ratio, "1", "1.000000"),
    (quantity, "1E+2", "100"),
    (quantity, "100.000", "100"),
    (quantity, "0.10", "0.1"),
    (quantity, "0.000000001", "0.000000001"),
    (quantity, "-3.50", "-3.5"),
    (quantity, "0E+3", "0"),
]


@pytest.mark.parametrize(("make", "text", "expected"), HALF_EVEN)
def test_half_even(make, text, expected):
    assert plain(make(text)) == expected


@pytest.mark.parametrize("make", [price, money, ratio, quantity])
@pytest.mark.parametrize("zero", ["-0", "-0.0", "0E-20", "-0E+5"])
def test_there_is_one_zero(make, zero):
    assert not plain(make(zero)).startswith("-")
    assert make(zero).as_tuple() == make("0").as_tuple()


@given(NUMBERS, st.sampled_from([(price, 4), (money, 2), (ratio, 6)]))
def test_nearest_with_ties_to_the_even_neighbour(number, kind):
    make, places = kind
    step = Fraction(1, 10**places)
    exact = Fraction(number)

    found = Fraction(make(number))

    assert abs(found - exact) <= step / 2
    if abs(found - exact) == step / 2:
        assert (found / step) % 2 == 0


@given(NUMBERS)
def test_equal_numbers_have_equal_spellings(number):
    for make in (price, money, ratio, quantity):
        assert plain(make(number)) == plain(make(f"{number:f}0"))
        assert plain(make(plain(make(number)))) == plain(make(number))


@given(NUMBERS)
def test_quantities_are_never_rounded(number):
    assert quantity(number) == number
    assert "E" not in str(plain(quantity(number)))


@pytest.mark.parametrize("text", ["0.0000000001", "1.0000000001", "1." + "0" * 28 + "1", "1e-400"])
def test_a_quantity_with_too_many_places_is_refused(text):
    with pytest.raises(ValueError, match="more than 9 decimal places"):
        quantity(text)


def test_floats_go_by_their_shortest_spelling():
    assert decimal_of(0.1) == Decimal("0.1")
    assert decimal_of(np.float64(0.1)) == Decimal("0.1")
    assert money(2.675) == Decimal("2.68")


NOT_NUMBERS = [
    "",
    " 1",
    "1 ",
    "1_000",
    "1,000",
    "\uff11\uff12",
    "\u0663",
    "0x10",
    "ten",
    "--1",
    "NaN",
    "sNaN",
    "inf",
    "-Infinity",
    "1e16",
    "-1e400",
    "1e99999999999999999999",
    float("nan"),
    float("inf"),
    True,
    None,
    b"1",
    (0, (1,), 0),
    [1],
    1 + 0j,
]


@pytest.mark.parametrize("value", NOT_NUMBERS, ids=repr)
def test_what_is_no_number(value):
    for make in (decimal_of, price, money, ratio, quantity):
        with pytest.raises(ValueError, match="not a"):
            make(value)


def test_the_largest_number():
    assert decimal_of("1e15") == 10**15
    assert price("-1000000000000000") == -(10**15)
    with pytest.raises(ValueError, match="sensible size"):
        decimal_of("1000000000000000.01")


# ------------------------------------------------------------------------------ instants

INSTANTS = [
    ("2024-08-01T12:30:00Z", "2024-08-01T12:30:00Z"),
    ("2024-08-01T08:30:00-04:00", "2024-08-01T12:30:00Z"),
    ("2024-08-01T18:00:00+05:30", "2024-08-01T12:30:00Z"),
    ("2024-08-01T12:30:00.5Z", "2024-08-01T12:30:00.5Z"),
    ("2024-08-01T12:30:00.000001+00:00", "2024-08-01T12:30:00.000001Z"),
    ("2024-08-01T12:30:00.120000Z", "2024-08-01T12:30:00.12Z"),
    ("2024-12-31T23:59:59-00:01", "2025-01-01T00:00:59Z"),
]


@pytest.mark.parametrize(("text", "expected"), INSTANTS)
def test_instants_are_utc(text, expected):
    assert instant_text(instant(text)) == expected
    assert instant(text).tzinfo is dt.UTC
    assert written(at=text)["at"] == expected


NOT_INSTANTS = [
    "2024-08-01T12:30:00",
    "2024-08-01",
    "12:30",
    "",
    "now",
    "2024-13-01T00:00:00Z",
    "2024-08-01T24:30:00Z",
    "0001-01-01T00:00:00+10:00",
    "9999-12-31T23:59:59-10:00",
    1722515400,
    dt.datetime(2024, 8, 1),  # noqa: DTZ001 - naive is what must be refused
    dt.date(2024, 8, 1),
    None,
]


@pytest.mark.parametrize("value", NOT_INSTANTS, ids=repr)
def test_what_is_no_instant(value):
    with pytest.raises(ValueError, match=r"instant|isoformat|month|hour"):
        instant(value)
    with pytest.raises(ValidationError):
        Everything(at=value)


def test_a_naive_instant_is_not_taken_for_local_time():
    with pytest.raises(ValueError, match="time zone"):
        instant_text(dt.datetime(2024, 8, 1))  # noqa: DTZ001


@given(st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2100, 1, 1), timezones=st.just(dt.UTC)))  # noqa: DTZ001
def test_instants_survive_writing(at):
    assert instant(instant_text(at)) == at
    assert "+" not in instant_text(at)


@pytest.mark.parametrize(
    "value",
    [
        "2024-W31-4",
        "20240801",
        "2024/08/01",
        "2024-8-1",
        "2024-02-30",
        "\uff12\uff10\uff12\uff14-08-01",
        dt.datetime(2024, 8, 1, tzinfo=dt.UTC),
        20240801,
    ],
    ids=repr,
)
def test_what_is_no_session_date(value):
    with pytest.raises(ValueError, match=r"date|isoformat|day"):
        session_date(value)


def test_session_dates():
    assert session_date("2024-08-01") == dt.date(2024, 8, 1)
    assert session_date(dt.date(2024, 8, 1)) == dt.date(2024, 8, 1)


# ------------------------------------------------------------------------------ names

HOSTILE = [
    "",
    "AAPL\n",
    "AAPL\r\n",
    "\nAAPL",
    " AAPL",
    "AAPL ",
    "aapl",
    "../x",
    "A/B",
    "A\\B",
    "A\x00",
    "\uff21\uff21\uff30\uff2c",
    "\u0410APL",
    "BRK.",
    ".B",
    "BRK.ABC",
    "BRK..B",
    "ABCDEFG",
    "BRK-B",
    "=A1",
    "[red]A",
    "<b>",
    "A\u202eB",
    "A\x1b[2J",
    "1A",
]


@pytest.mark.parametrize("symbol", HOSTILE, ids=ascii)
def test_hostile_symbols_are_refused(symbol):
    with pytest.raises(ValidationError):
        Everything(symbol=symbol)


@pytest.mark.parametrize("symbol", ["A", "AAPL", "BRK.B", "BF.AB", "CON", "NULL", "SYNVIX"])
def test_symbols(symbol):
    assert written(symbol=symbol)["symbol"] == symbol


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("digest", "0" * 63),
        ("digest", "0" * 65),
        ("digest", "A" * 64),
        ("digest", "0" * 64 + "\n"),
        ("cycle", "240000"),
        ("cycle", "086000"),
        ("cycle", "08300"),
        ("cycle", "083000\n"),
        ("client_order_id", ""),
        ("client_order_id", "a" * 49),
        ("client_order_id", "A"),
        ("client_order_id", "a/b"),
        ("client_order_id", "a\n"),
    ],
)
def test_other_names_have_their_grammar(field, value):
    with pytest.raises(ValidationError):
        Everything(**{field: value})


def test_numbers_are_written_as_text():
    found = written(price="1.5", money=2, ratio=0.25, quantity="10.0")

    assert [found[name] for name in ("price", "money", "ratio", "quantity")] == [
        "1.5000",
        "2.00",
        "0.250000",
        "10",
    ]
    assert (
        Everything.model_json_schema(mode="serialization")["properties"]["price"]["type"]
        == "string"
    )
