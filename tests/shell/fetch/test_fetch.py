"""One fetch of a shelf against a vendor on loopback: stored, resumed, adjusted anew, recorded."""

import datetime as dt
import json
import os

import polars as pl
import pytest

from quantcli.contracts.errors import BarsMissing, LockHeld, MarketDataError
from quantcli.contracts.scalars import instant
from quantcli.shell.bar_check import check_store
from quantcli.shell.bar_store import BarStore
from quantcli.shell.catalog import Shelf, load_catalog
from quantcli.shell.fetch.answers import midnight
from quantcli.shell.fetch.polygon_bars import PolygonBars
from quantcli.shell.fetch.record import load_record
from quantcli.shell.fetch.run import Job, fetch, planned
from quantcli.shell.lock import FileLock
from tests.shell.alpaca.servers import Broker
from tests.shell.bar_files import daily_file, take
from tests.shell.fetch.vendors import Vendor, alpaca, daily, line, minutes, row

SHELF = Shelf("1Day", "iex", "split")
AS_OF = instant("2024-12-02T21:30:00Z")
FIRST, LAST = "2024-11-26", "2024-12-02"  # four sessions
NAMES = ("AAA", "BBB", "CCC")


def market(last=LAST, names=NAMES):
    return {name: daily(FIRST, last, 100.0 * (at + 1)) for at, name in enumerate(names)}


def bring(data, vendor, *, names=NAMES, as_of=AS_OF, shelf=SHELF, history=4, **options):
    source = alpaca(vendor, adjustment=shelf.adjustment)
    return fetch(data, Job(source, shelf, names, history), as_of, **options)


def held(data, shelf=SHELF):
    """Return symbol -> closes of everything that is stored."""
    frames = [pl.read_parquet(data / item.ref.name) for item in load_catalog(data).of(shelf)]
    rows = pl.concat(frames).sort("symbol", "session").select("symbol", "close").iter_rows()
    found = {}
    for symbol, close in rows:
        found.setdefault(symbol, []).append(close)
    return found


def failed(data):
    return {entry.symbol: entry.code for entry in load_record(data).failed()}


def digests(data):
    return [item.sha256 for item in load_catalog(data).partitions]


def test_what_is_missing_is_brought_once(tmp_path):
    with Vendor(market()) as vendor:
        first = bring(tmp_path, vendor)
        second = bring(tmp_path, vendor)
        assert len(vendor.asked) == 1

    assert (first.exit_code, first.summary.bars_added, first.up_to_date) == (0, 12, ())
    assert (second.wants, second.summary, second.up_to_date) == ((), None, NAMES)
    assert held(tmp_path)["BBB"] == [200.0, 201.0, 202.0, 203.0]
    (partition,) = load_catalog(tmp_path).of(SHELF)
    assert (partition.feed, partition.adjustment) == ("iex", "split")
    (done,) = load_catalog(tmp_path).imports
    assert (done.file, done.rows) == ("alpaca 1Day", 12)
    assert not list((tmp_path / "fetch-pages").rglob("*.page"))


def test_the_same_answers_make_the_same_partitions(tmp_path):
    """However they are cut into pages, and whether they came at once or day by day."""
    made = []
    for number, limit in enumerate((1000, 5, 1)):
        with Vendor(market(), limit=limit) as vendor:
            bring(tmp_path / str(number), vendor)
            assert len(vendor.asked) == -(-12 // limit)
        made.append(digests(tmp_path / str(number)))
    with Vendor(market()) as vendor:
        for as_of in ("2024-11-27T21:30:00Z", "2024-11-29T21:30:00Z", "2024-12-02T21:30:00Z"):
            history = 2 if as_of.startswith("2024-11-27") else 4
            bring(tmp_path / "daily", vendor, as_of=instant(as_of), history=history)
    made.append(digests(tmp_path / "daily"))

    assert made == [made[0]] * 4


def test_a_running_sessions_bar_is_not_stored(tmp_path):
    def spoil(number, query, value):
        value["bars"]["AAA"].append(row(midnight(dt.date(2024, 12, 2)), 1.0))

    with Vendor(market("2024-11-29"), spoil=spoil) as vendor:
        outcome = bring(tmp_path, vendor, as_of=instant("2024-12-02T20:59:59Z"), history=3)

    assert (outcome.exit_code, outcome.dropped) == (0, 1)
    assert held(tmp_path)["AAA"] == [100.0, 101.0, 102.0]


def test_a_fetch_that_broke_off_goes_on_where_it_was(tmp_path):
    def spoil(number, query, value):
        if query.get("page_token") == "10" and number < 9:
            return 503, {}, b"<html>"
        return None

    with Vendor(market(), limit=5, spoil=spoil) as vendor:
        first = bring(tmp_path, vendor)
        asked = [query.get("page_token") for query in vendor.asked]
        assert asked == [None, "5", "10", "10", "10", "10"]
        assert (first.exit_code, first.summary) == (6, None)
        assert failed(tmp_path) == dict.fromkeys(NAMES, "source-failing")

        vendor.spoil = None
        assert bring(tmp_path, vendor).summary.bars_added == 12
        assert [query.get("page_token") for query in vendor.asked[6:]] == ["10"]
    assert failed(tmp_path) == {}


class Died(BaseException):
    """The process is gone: nothing after it runs."""


def dying_at(number, sync=os.fsync):
    """Return an fsync that dies at its n-th call, and the list of its calls."""
    calls = []

    def fsync(descriptor):
        calls.append(descriptor)
        if len(calls) == number:
            raise Died
        sync(descriptor)

    return fsync, calls


def test_a_fetch_may_die_at_any_write(tmp_path, monkeypatch):
    counting, writes = dying_at(0)
    with Vendor(market(), limit=5) as vendor:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", counting)
            bring(tmp_path / "whole", vendor)
        assert len(writes) > 10
        for number in range(1, len(writes) + 1):
            data = tmp_path / str(number)
            with monkeypatch.context() as patch:
                patch.setattr(os, "fsync", dying_at(number)[0])
                with pytest.raises(Died):
                    bring(data, vendor)
            assert bring(data, vendor).exit_code == 0
            assert digests(data) == digests(tmp_path / "whole"), number
            assert failed(data) == {}
            assert check_store(data).exit_code == 0
            assert not list((data / "fetch-pages").rglob("*.page"))
            assert bring(data, vendor).wants == ()


def test_a_token_that_has_expired_begins_anew(tmp_path):
    def break_off(number, query, value):
        return (503, {}, b"") if "page_token" in query else None

    def expired(number, query, value):
        return (400, {}, b'{"message":"invalid page_token"}') if number == 6 else None

    with Vendor(market(), limit=5, spoil=break_off) as vendor:
        bring(tmp_path, vendor)
        vendor.spoil = expired
        assert bring(tmp_path, vendor).exit_code == 0
    assert [query.get("page_token") for query in vendor.asked[5:]] == ["5", None, "5", "10"]
    assert held(tmp_path)["CCC"] == [300.0, 301.0, 302.0, 303.0]


def test_a_source_that_is_gone_is_asked_no_more(tmp_path):
    with Vendor(market(), spoil=lambda *_: (401, {}, b"")) as vendor:
        source = alpaca(vendor)
        source.symbols_max = 1
        outcome = fetch(tmp_path, Job(source, SHELF, NAMES, 4), AS_OF)
        assert len(vendor.asked) == 1

    assert [(entry.symbol, entry.code, entry.detail) for entry in outcome.failed] == [
        ("AAA", "source-refused", "HTTP 401"),
        ("BBB", "source-refused", "not asked; HTTP 401"),
        ("CCC", "source-refused", "not asked; HTTP 401"),
    ]


def test_one_symbol_that_the_source_refuses_does_not_keep_the_others(tmp_path):
    def spoil(number, query, value):
        if "BBB" in query["symbols"]:
            return 400, {}, b'{"message":"invalid symbol: BBB"}'
        return None

    with Vendor(market(), spoil=spoil) as vendor:
        outcome = bring(tmp_path, vendor)

    assert failed(tmp_path) == {"BBB": "question-refused"}
    assert outcome.failed[0].detail == "HTTP 400: invalid symbol: BBB"
    assert sorted(held(tmp_path)) == ["AAA", "CCC"]


SPOILED = {
    "foreign": (lambda bars: bars.update(ZZZ=bars["AAA"]), "answer-foreign", NAMES),
    "duplicate": (lambda bars: bars["BBB"].insert(1, bars["BBB"][0]), "answer-duplicate", ("BBB",)),
    "unsorted": (lambda bars: bars["BBB"].reverse(), "answer-unsorted", ("BBB",)),
    "text": (lambda bars: bars["BBB"][1].update(c="201"), "answer-malformed", ("BBB",)),
    "hole": (lambda bars: bars["BBB"][1].pop("c"), "answer-malformed", ("BBB",)),
    "old": (
        lambda bars: bars["BBB"].insert(0, row(midnight(dt.date(2024, 11, 1)))),
        "answer-outside-range", ("BBB",),
    ),
    "short": (lambda bars: bars["BBB"].pop(), "bars-absent", ("BBB",)),
    "gone": (lambda bars: bars.pop("BBB"), "bars-absent", ("BBB",)),
}  # fmt: skip


@pytest.mark.parametrize("case", SPOILED)
def test_an_answer_that_cannot_be_believed_is_named_and_asked_for_again(tmp_path, case):
    change, code, names = SPOILED[case]

    def spoil(number, query, value):
        change(value["bars"])

    with Vendor(json.loads(json.dumps(market())), spoil=spoil) as vendor:
        outcome = bring(tmp_path, vendor)
        assert failed(tmp_path) == dict.fromkeys(names, code)
        assert outcome.exit_code == 4
        stored = held(tmp_path) if load_catalog(tmp_path).partitions else {}
        assert set(stored) == set(NAMES) - set(names) | ({"BBB"} if case == "short" else set())

        vendor.bars, vendor.spoil = market(), None
        assert bring(tmp_path, vendor).exit_code == 0
    assert failed(tmp_path) == {}
    assert held(tmp_path)["BBB"] == [200.0, 201.0, 202.0, 203.0]


@pytest.mark.parametrize("price", [0, -5])
def test_a_price_of_nothing_is_quarantined_and_asked_for_again(tmp_path, price):
    wrong = market()
    wrong["BBB"][3] = row(midnight(dt.date(2024, 12, 2)), 203.0, l=price)
    with Vendor(wrong) as vendor:
        first = bring(tmp_path, vendor)
        assert (first.exit_code, failed(tmp_path)) == (4, {"BBB": "bars-quarantined"})
        assert first.failed[0].detail.startswith("price-invalid 2024-12-02: ")
        assert BarStore(tmp_path, "iex", "split").quarantined() == {"BBB": [dt.date(2024, 12, 2)]}
        assert bring(tmp_path, vendor).exit_code == 4

        vendor.bars = market()
        assert bring(tmp_path, vendor).exit_code == 0
        assert [query["symbols"] for query in vendor.asked] == ["AAA,BBB,CCC", "BBB", "BBB"]
    assert BarStore(tmp_path, "iex", "split").quarantined() == {}


def test_a_field_that_nobody_told_us_of_is_named_and_left_unread(tmp_path):
    with Vendor({"AAA": [{**bar, "zz": 1} for bar in daily(FIRST, LAST)]}) as vendor:
        outcome = bring(tmp_path, vendor, names=("AAA",))

    assert (outcome.exit_code, outcome.drift) == (0, {"bar zz"})
    assert held(tmp_path)["AAA"] == [100.0, 101.0, 102.0, 103.0]


def test_polygons_pages_are_followed_to_the_last(tmp_path):
    bars = [{"t": int(instant(bar["t"]).timestamp() * 1000), **{k: bar[k] for k in "ohlcv"}}
            for bar in daily(FIRST, LAST)]  # fmt: skip
    asked = []

    def answer(method, path, headers, body):
        asked.append(path)
        begin = int(path.partition("cursor=")[2] or 0)
        value = {"ticker": "AAA", "adjusted": True, "status": "DELAYED",
                 "results": bars[begin : begin + 3]}  # fmt: skip
        if begin + 3 < len(bars):
            value["next_url"] = f"https://api.polygon.io/v2/aggs/next?cursor={begin + 3}"
        return 200, {}, json.dumps(value).encode()

    shelf = SHELF._replace(feed="polygon")
    with Broker(answer) as broker:
        source = PolygonBars(line(), broker.url, "key", "split")
        outcome = fetch(tmp_path, Job(source, shelf, ("AAA",), 4), AS_OF)

    assert (outcome.exit_code, held(tmp_path, shelf)) == (0, {"AAA": [100.0, 101.0, 102.0, 103.0]})
    # The next page is asked for where the first one was, whatever host it names.
    assert [path.partition("?")[2] for path in asked][1:] == ["cursor=3"]


# ------------------------------------------------------------------------------ adjustments


def halved(bars):
    return [row(instant(bar["t"]), bar["c"] / 2) for bar in bars]


def test_a_split_brings_the_whole_history_anew(tmp_path):
    with Vendor(market("2024-11-29")) as vendor:
        bring(tmp_path, vendor, as_of=instant("2024-11-29T21:30:00Z"), history=3)
        before = digests(tmp_path)
        vendor.bars = {**market(), "BBB": halved(daily(FIRST, LAST, 200.0))}
        assert bring(tmp_path, vendor).exit_code == 0

    asked = [(query["symbols"], query["start"][:10]) for query in vendor.asked[1:]]
    assert asked == [("AAA,BBB,CCC", "2024-11-29"), ("BBB", FIRST)]
    assert held(tmp_path)["BBB"] == [100.0, 100.5, 101.0, 101.5]
    assert held(tmp_path)["AAA"] == [100.0, 101.0, 102.0, 103.0]
    (partition,) = load_catalog(tmp_path).of(SHELF)
    assert partition.superseded == tuple(before)
    assert check_store(tmp_path).exit_code == 0


def test_raw_bars_do_not_change_backwards(tmp_path):
    shelf = SHELF._replace(adjustment="raw")
    with Vendor(market("2024-11-29")) as vendor:
        bring(tmp_path, vendor, as_of=instant("2024-11-29T21:30:00Z"), history=3, shelf=shelf)
        vendor.bars = {name: halved(rows) for name, rows in market().items()}
        bring(tmp_path, vendor, shelf=shelf)

    assert [query["start"][:10] for query in vendor.asked] == [FIRST, "2024-12-02"]
    assert held(tmp_path, shelf)["BBB"] == [200.0, 201.0, 202.0, 101.5]


def test_a_history_that_comes_back_in_part_is_not_mixed_with_the_old(tmp_path):
    with Vendor(market("2024-11-29")) as vendor:
        bring(tmp_path, vendor, as_of=instant("2024-11-29T21:30:00Z"), history=3)
        vendor.bars = {**market(), "BBB": halved(daily("2024-11-27", LAST, 201.0))}
        outcome = bring(tmp_path, vendor)

    assert failed(tmp_path) == {"BBB": "answer-partial"}
    assert outcome.failed[0].detail == "1 of 3 held bars, the first of 2024-11-26"
    assert held(tmp_path)["BBB"] == [200.0, 201.0, 202.0]


# ------------------------------------------------------------------------------ minutes

MINUTES = Shelf("1Min", "iex", "raw")


def test_minutes_are_brought_when_they_are_over(tmp_path):
    bars = {"AAA": minutes("2024-12-02", 10), "BBB": minutes("2024-12-02", 10)[::3]}
    names = ("AAA", "BBB")
    with Vendor(bars) as vendor:
        for at, added in (("14:35:59", 7), ("14:35:59", None), ("14:40:00", 7)):
            outcome = bring(tmp_path, vendor, names=names, shelf=MINUTES, history=1,
                            as_of=instant(f"2024-12-02T{at}Z"))  # fmt: skip
            assert outcome.exit_code == 0
            assert (outcome.summary.bars_added if outcome.summary else None) == added

    assert [(query["symbols"], query["start"][11:19], query["end"][11:19])
            for query in vendor.asked] == [
        ("AAA,BBB", "14:30:00", "14:34:00"),
        ("BBB", "14:34:00", "14:39:00"),
        ("AAA", "14:35:00", "14:39:00"),
    ]  # fmt: skip


def test_a_session_without_a_minute_is_named(tmp_path):
    with Vendor({"AAA": minutes("2024-12-02", 3)}) as vendor:
        outcome = bring(tmp_path, vendor, names=("AAA", "BBB"), shelf=MINUTES, history=1)

    assert failed(tmp_path) == {"BBB": "bars-absent"}
    assert outcome.failed[0].told() == ("BBB 2024-12-02 bars-absent: none at all, not 2024-12-02")


# ------------------------------------------------------------------------------ the record


def test_the_record_names_symbol_range_and_cause(tmp_path):
    with Vendor(market(names=("AAA",))) as vendor:
        bring(tmp_path, vendor)
    record = load_record(tmp_path)

    assert [(e.symbol, e.source, e.code) for e in record.entries] == [
        ("AAA", "alpaca", ""), ("BBB", "alpaca", "bars-absent"), ("CCC", "alpaca", "bars-absent"),
    ]  # fmt: skip
    assert record.failed()[0].told() == (
        "BBB 2024-11-26 to 2024-12-02 bars-absent: none at all, not 2024-12-02"
    )
    (finding, _) = check_store(tmp_path).findings
    assert (finding.severity, finding.code, finding.subject) == ("warning", "fetch-failed", "BBB")


def test_bars_from_a_file_settle_what_was_not_delivered(tmp_path):
    with Vendor(market(names=("AAA",))) as vendor:
        bring(tmp_path, vendor)
        for name in ("BBB", "CCC"):
            take(tmp_path, daily_file(tmp_path, [100.0] * 5, name), feed="iex")
        outcome = bring(tmp_path, vendor)
        assert len(vendor.asked) == 1

    assert (outcome.exit_code, failed(tmp_path)) == (0, {})


@pytest.mark.parametrize("content", [b"{}\n", b"", b'{"entries":[],"schema":{"name":"x"}}\n'])
def test_a_record_that_was_tampered_with_stops_the_fetch_and_the_scan(tmp_path, content):
    with Vendor(market()) as vendor:
        bring(tmp_path, vendor)
        (tmp_path / "fetch.json").write_bytes(content)
        with pytest.raises(MarketDataError, match="fetch record cannot be believed"):
            bring(tmp_path, vendor)
    with pytest.raises(MarketDataError, match="fetch record"):
        BarStore(tmp_path, "iex", "split").fetch_faults(dt.date(2024, 12, 2))
    assert check_store(tmp_path).exit_code == 4


def test_faults_of_a_session_and_of_the_record_that_was_read(tmp_path):
    with Vendor(market(names=("AAA",))) as vendor:
        bring(tmp_path, vendor)
    store = BarStore(tmp_path, "iex", "split")
    found = store.fetch_faults(dt.date(2024, 12, 2))

    assert set(found.daily) == {"BBB", "CCC"}
    assert found.indices == {}
    assert store.fetch_faults(dt.date(2024, 12, 3)).daily == {}
    assert BarStore(tmp_path, "sip", "split").fetch_faults(dt.date(2024, 12, 2)).daily == {}
    assert BarStore(tmp_path, "iex", "raw").fetch_faults(dt.date(2024, 12, 2)).daily == {}
    with Vendor(market()) as vendor:
        bring(tmp_path, vendor)
    assert BarStore(tmp_path, "iex", "split").fetch_faults(dt.date(2024, 12, 2)).daily == {}
    pinned = store.pinned(found.refs)
    assert pinned.fetch_faults(dt.date(2024, 12, 2)) == found
    (tmp_path / found.refs[0].name).write_bytes(b"{}\n")
    with pytest.raises(MarketDataError):
        pinned.fetch_faults(dt.date(2024, 12, 2))


def test_without_a_fetch_there_is_no_record_and_nothing_to_check(tmp_path):
    assert BarStore(tmp_path, "iex", "split").fetch_faults(dt.date(2024, 12, 2)) == ({}, {}, ())
    with pytest.raises(BarsMissing):
        check_store(tmp_path)


def test_while_an_import_runs_what_came_is_kept(tmp_path):
    with Vendor(market()) as vendor:
        with FileLock(tmp_path / "catalog.lock").hold(), pytest.raises(LockHeld):
            bring(tmp_path, vendor)
        assert not (tmp_path / "fetch.json").exists()
        assert bring(tmp_path, vendor).summary.bars_added == 12
        assert len(vendor.asked) == 1


def test_a_plan_asks_nobody(tmp_path):
    with Vendor(market()) as vendor:
        source = alpaca(vendor)
        outcome, _ = planned(tmp_path, Job(source, SHELF, NAMES, 4), AS_OF, None)
        assert vendor.asked == []
    assert [want.symbol for want in outcome.wants] == [*NAMES]
