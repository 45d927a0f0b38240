"""What each source is asked, and what is made of its words."""

import datetime as dt
import json

import pytest

from quantcli.shell.fetch.alpaca_bars import AlpacaBars
from quantcli.shell.fetch.answers import CAUSES, HOPELESS, Ask, SourceFailed, midnight
from quantcli.shell.fetch.index_values import IndexAddress, IndexFile
from quantcli.shell.fetch.polygon_bars import PolygonBars
from quantcli.shell.secrets import Keys
from tests.shell.alpaca.servers import Broker, says
from tests.shell.fetch.vendors import line, row

FRIDAY, MONDAY = dt.date(2024, 11, 29), dt.date(2024, 12, 2)
ASK = Ask("1Day", ("AAA", "BRK.B"), midnight(FRIDAY), midnight(MONDAY))
ONE = ASK._replace(symbols=("AAA",))
VIX = Ask("index", ("VIX",), midnight(FRIDAY), midnight(MONDAY))


def failure(read):
    with pytest.raises(SourceFailed) as caught:
        read()
    return caught.value.fault


# ------------------------------------------------------------------------------ Alpaca


def alpaca(url="http://127.0.0.1:1"):
    return AlpacaBars(line(), url, Keys("PK", "secret"), "iex", "split")


def test_alpaca_is_asked_in_its_own_words():
    with Broker(says(200, b'{"bars":{},"next_page_token":null}')) as broker:
        alpaca(broker.url).fetch(ASK, "")
        alpaca(broker.url).fetch(ASK, "a|b=")

    paths = [path for _, path, _, _ in broker.requests]
    assert paths[0] == (
        "/v2/stocks/bars?symbols=AAA%2CBRK.B&timeframe=1Day&start=2024-11-29T05%3A00%3A00Z"
        "&end=2024-12-02T05%3A00%3A00Z&limit=10000&adjustment=split&feed=iex&sort=asc"
    )
    assert paths[1] == paths[0] + "&page_token=a%7Cb%3D"
    headers = broker.requests[0][2]
    assert (headers["APCA-API-KEY-ID"], headers["APCA-API-SECRET-KEY"]) == ("PK", "secret")


def page(value):
    return alpaca().read(ASK, json.dumps(value).encode())


def test_alpacas_page():
    read = page({"bars": {"AAA": [row(midnight(FRIDAY), 10.5)]}, "next_page_token": "x"})

    assert read.bars == {"AAA": [(midnight(FRIDAY), 9.5, 12.5, 7.5, 10.5, 1000.0)]}
    assert (read.faults, read.token, read.drift) == ({}, "x", ())
    assert page({"bars": None, "next_page_token": None}) == ({}, {}, "", ())


def test_fields_that_nobody_told_us_of_are_named():
    bar = row(midnight(FRIDAY), z=1)
    assert page({"bars": {"AAA": [bar]}, "next_page_token": None, "q": 1}).drift == ("bar z", "q")


@pytest.mark.parametrize(
    ("bar", "told"),
    [
        ({"c": None}, "field missing: c"),
        ({"c": "100"}, "not a number: '100'"),
        ({"v": True}, "not a number: True"),
        ({"t": 1732856400}, "not an instant: 1732856400"),
        ({"t": "2024-11-29T05:00:00"}, "an instant needs a time zone"),
        ({"t": "yesterday"}, "Invalid isoformat"),
    ],
)
def test_a_bar_that_is_none_spoils_its_symbol_only(bar, told):
    rows = {"AAA": [row(midnight(FRIDAY), **bar)], "BRK.B": [row(midnight(FRIDAY))]}
    read = page({"bars": rows, "next_page_token": None})

    assert read.faults["AAA"].code == "answer-malformed"
    assert told in read.faults["AAA"].detail
    assert (read.bars["AAA"], len(read.bars["BRK.B"])) == ([], 1)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([], "no object of bars"),
        ({"bars": []}, "no object of bars"),
        ({"bars": {}}, "field missing: next_page_token"),
        ({"next_page_token": None}, "field missing: bars"),
        ({"bars": {}, "next_page_token": 5}, "the page token is no text"),
    ],
)
def test_what_is_no_page_is_refused(value, told):
    assert failure(lambda: page(value)) == ("answer-malformed", told)


def test_rows_that_are_no_list():
    assert page({"bars": {"AAA": 5}, "next_page_token": None}).faults["AAA"].code == (
        "answer-malformed"
    )
    assert page({"bars": {"AAA": ["x"]}, "next_page_token": None}).faults["AAA"] == (
        "answer-malformed", "not a bar: 'x'",
    )  # fmt: skip


# ------------------------------------------------------------------------------ Polygon

MILLIS = 1732856400000  # midnight of FRIDAY in New York
AGGREGATE = {"t": MILLIS, "o": 9.5, "h": 12.5, "l": 7.5, "c": 10.5, "v": 1000, "n": 3, "vw": 10}


def polygon(url="http://127.0.0.1:1", adjustment="split"):
    return PolygonBars(line(), url, "POLYKEY", adjustment)


def aggregates(**fields):
    usual = {"ticker": "AAA", "adjusted": True, "status": "OK", "results": [AGGREGATE],
             "resultsCount": 1, "queryCount": 1, "request_id": "r", "count": 1}  # fmt: skip
    return json.dumps({**usual, **fields}).encode()


def test_polygon_is_asked_in_its_own_words():
    with Broker(says(200)) as broker:
        polygon(broker.url).fetch(ONE, "")
        polygon(broker.url, "raw").fetch(ONE._replace(series="1Min"), "")
        polygon(broker.url).fetch(ONE, "/v2/aggs/ticker/AAA?cursor=c")

    paths = [path for _, path, _, _ in broker.requests]
    span = f"{MILLIS}/1733115600000"
    assert paths == [
        f"/v2/aggs/ticker/AAA/range/1/day/{span}?adjusted=true&sort=asc&limit=50000",
        f"/v2/aggs/ticker/AAA/range/1/minute/{span}?adjusted=false&sort=asc&limit=50000",
        "/v2/aggs/ticker/AAA?cursor=c",
    ]
    assert broker.requests[0][2]["Authorization"] == "Bearer POLYKEY"


def test_polygons_page():
    read = polygon().read(ONE, aggregates(next_url="https://api.polygon.io/v2/aggs/x?cursor=c"))

    assert read.bars == {"AAA": [(midnight(FRIDAY), 9.5, 12.5, 7.5, 10.5, 1000.0)]}
    assert (read.faults, read.token, read.drift) == ({}, "/v2/aggs/x?cursor=c", ())
    assert polygon().read(ONE, aggregates(results=None)).bars == {"AAA": []}
    strange = polygon().read(ONE, aggregates(results=[{**AGGREGATE, "z": 1}], q=1))
    assert strange.drift == ("bar z", "q")
    for bad in ({"c": None}, {"c": "1"}, {"t": 1e300}):
        assert polygon().read(ONE, aggregates(results=[{**AGGREGATE, **bad}])).faults


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"ticker": "BBB"}, "answer-foreign"),
        ({"adjusted": False}, "answer-foreign"),
        ({"status": "ERROR"}, "answer-malformed"),
        ({"results": {}}, "answer-malformed"),
        ({"next_url": "https://example.org/v2/aggs/x"}, "answer-malformed"),
        ({"next_url": "https://api.polygon.io/v1/other"}, "answer-malformed"),
        ({"next_url": 7}, "answer-malformed"),
    ],
)
def test_what_is_not_polygons_answer_to_us(fields, code):
    assert failure(lambda: polygon().read(ONE, aggregates(**fields))).code == code


# ------------------------------------------------------------------------------ the index

CBOE = b"""DATE,OPEN,HIGH,LOW,CLOSE
01/02/1990,17.240000,17.240000,17.240000,17.240000
11/27/2024,14.1,14.5,13.9,14.1
11/29/2024,13.5,13.8,13.2,13.51
12/02/2024,13.6,14.0,13.1,13.34
12/03/2024,13.3,13.5,13.0,13.3
"""
FRED = b"""observation_date,VIXCLS
2024-11-27,14.10
2024-11-28,.
2024-11-29,13.51
2024-12-02,
"""


def values(body):
    read = IndexFile.read(IndexFile.__new__(IndexFile), VIX, body)
    return [(bar.at, bar.open, bar.close) for bar in read.bars["VIX"]], read.drift


def test_cboes_file_within_the_range_asked_for():
    assert values(CBOE) == (
        [(midnight(FRIDAY), 13.5, 13.51), (midnight(MONDAY), 13.6, 13.34)], (),
    )  # fmt: skip
    assert values(b"\xef\xbb\xbf" + CBOE.replace(b"\n", b"\r\n")) == values(CBOE)


def test_freds_file_and_its_missing_values():
    assert values(FRED) == ([(midnight(FRIDAY), None, 13.51)], ())


def test_columns_that_nobody_told_us_of_are_named():
    assert values(b"date,close,mood\n2024-11-29,13.5,calm\n") == (
        [(midnight(FRIDAY), None, 13.5)], ("column mood",),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<!doctype html><html></html>", "no columns for a date and a close"),
        (b"\xff\xfe", "not CSV in UTF-8"),
        (b"", "no columns"),
        (b"DATE,OPEN\n", "no columns"),
        (b"DATE,CLOSE,VALUE\n", "two columns for close"),
        (b"DATE,CLOSE\n11/29/2024\n", "a row of 1 columns, of 2"),
        (b"DATE,CLOSE\n13/29/2024,1\n", "not a date: '13/29/2024'"),
        (b"DATE,CLOSE\n29.11.2024,1\n", "not a date: '29.11.2024'"),
        (b"DATE,CLOSE\n11/29/2024,high\n", "not a number: 'high'"),
    ],
)
def test_what_is_no_file_of_values(body, told):
    fault = failure(lambda: values(body))

    assert fault.code == "answer-malformed"
    assert told in fault.detail


def test_an_index_from_an_address_and_from_a_file(tmp_path):
    with Broker(says(200, CBOE)) as broker:
        assert IndexAddress(line(), f"{broker.url}/VIX.csv").fetch(VIX, "") == CBOE
    with Broker(says(200, b"<html>blocked</html>")) as broker:
        fault = failure(lambda: IndexAddress(line(), broker.url).fetch(VIX, ""))
        assert fault == ("answer-malformed", "HTML in place of data")

    path = tmp_path / "vix.csv"
    fault = failure(lambda: IndexFile(path).fetch(VIX, ""))
    assert fault == ("source-unreachable", "vix.csv: No such file or directory")
    path.write_bytes(CBOE)
    assert IndexFile(path).fetch(VIX, "") == CBOE
    with path.open("r+b") as file:
        file.truncate(11 * 1024 * 1024)
    assert failure(lambda: IndexFile(path).fetch(VIX, "")).detail == "vix.csv is too large"


# ------------------------------------------------------------------------------ causes


def test_each_cause_stands_in_the_runbook_with_its_exit_code(root):
    page = (root / "runbook" / "data-fetch.md").read_text()
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| `")]
    told = {code: int(cells[2]) for cells in rows for code in CAUSES if f"`{code}`" in cells[1]}

    assert told == {code: exit_code for code, (exit_code, _) in CAUSES.items()}
    assert set(CAUSES) > HOPELESS
