"""`data fetch` as it is typed: against `exchange serve`, and vendors on loopback."""

import csv
import json
import shutil
import signal
import subprocess
import sys
import threading

import pytest
import requests

from quantcli.cli.init_desk import make_desk
from quantcli.lab.demo_desk import fill_desk
from quantcli.shell.catalog import load_catalog
from quantcli.shell.lock import FileLock
from tests.cli.typing import say
from tests.shell.alpaca.servers import Broker, says
from tests.shell.bar_files import write_csv
from tests.shell.fetch.vendors import Vendor, daily

FRIDAY, MONDAY = "2024-12-06", "2024-12-09"
AS_OF = f"{FRIDAY}T22:00:00Z"
DESK_VIX = '"https://cdn.cboe.com/api/global/us_indices/daily_prices/VIX_History.csv"'


def minute_file(folder):
    starts = [f"{FRIDAY}T{14 + (30 + at) // 60:02}:{(30 + at) % 60:02}:00Z" for at in range(390)]
    lines = [f"{at},SYNA,50,51,49,50,10" for at in starts]
    return write_csv(folder, lines, name="minutes.csv")


@pytest.fixture(scope="module")
def exchange(tmp_path_factory):
    """Serve a desk's exchange on made-up bars, its clock an hour after Friday's close."""
    root = tmp_path_factory.mktemp("served") / "desk"
    make_desk(root, name="served", feed="synthetic", git=False)
    fill_desk(root, 2, 2)
    assert say("data", "import", minute_file(root), "--timeframe", "1Min", "-C", root).code == 0
    assert say("exchange", "advance", "--to", AS_OF, "-C", root).code == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "quantcli", "exchange", "serve", "-C", str(root)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    yield Served(root, json.loads(process.stdout.readline())["url"])
    process.terminate()
    assert process.communicate(timeout=20)[1] == ""


class Served:
    """The served exchange: its address, its keys, its faults."""

    def __init__(self, root, url):
        self.root, self.url = root, url
        keys = json.loads((root / "exchange" / "keys.json").read_bytes())
        self.headers = {
            "APCA-API-KEY-ID": keys["key_id"], "APCA-API-SECRET-KEY": keys["secret"],
        }  # fmt: skip

    def fault(self, kind, **more):
        body = {"kind": kind, "path": "/v2/stocks/bars", "nth": "every", **more}
        answer = requests.post(f"{self.url}/_sim/faults", json=body, headers=self.headers,
                               timeout=5)  # fmt: skip
        assert answer.status_code == 200, answer.text

    def mend(self):
        requests.delete(f"{self.url}/_sim/faults", headers=self.headers, timeout=5)


@pytest.fixture
def desk(tmp_path, exchange):
    """A desk of feed iex that fetches from the served exchange, and its index from a file."""
    root = tmp_path / "desk"
    make_desk(root, name="desk", feed="iex", git=False)
    shutil.copy(exchange.root / "exchange" / "keys.json", root / "exchange" / "keys.json")
    with (exchange.root / "data" / "synthetic-bars.csv").open() as file:
        names = sorted({row["symbol"] for row in csv.DictReader(file)} - {"SYNMK"})
    edit(root, 'benchmark = "SPY"', 'benchmark = "SYNMK"')
    edit(root, 'symbols = "imported"', f"symbols = {json.dumps(names)}")
    edit(root, DESK_VIX, f'"vix.csv"\nfetch_alpaca_url = "{exchange.url}"')
    (root / "vix.csv").write_text(cboe(exchange.root))
    yield root
    exchange.mend()


def cboe(served):
    """Return the served desk's index in Cboe's form."""
    lines = ["DATE,OPEN,HIGH,LOW,CLOSE"]
    with (served / "data" / "synthetic-index.csv").open() as file:
        for row in csv.DictReader(file):
            year, month, day = row["date"].split("-")
            lines.append(",".join([f"{month}/{day}/{year}", *[row["close"]] * 4]))
    return "\n".join(lines) + "\n"


def edit(root, old, new):
    file = root / "desk.toml"
    text = file.read_text()
    assert text.count(old) == 1, old
    file.write_text(text.replace(old, new))


@pytest.fixture
def waits(monkeypatch):
    """Do not really wait; return how long would have been waited."""
    found = []
    monkeypatch.setattr("quantcli.shell.clock.WallClock.sleep", lambda _, s: found.append(s))
    return found


def bring(desk, *words):
    return say("data", "fetch", "-C", desk, "--as-of", AS_OF, *words)


def tree(folder):
    """Return every file with its bytes, but for what SQLite keeps beside a journal it reads."""
    return {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


# ------------------------------------------------------------------------------ the exchange


def test_bars_and_the_index_are_brought_once(desk):
    first, second = bring(desk), bring(desk)

    assert (first.code, first.err) == (0, "")
    bars, index = first.out.splitlines()
    assert bars.startswith("alpaca 1Day, feed iex, adjustment split: 25 symbols, 20")
    assert bars.endswith(f" to {FRIDAY}: 8025 bars added, 0 changed, 0 already held")
    assert index.startswith("vix index, feed iex: 1 symbols, ")
    assert (second.code, second.err) == (0, "")
    assert second.out.splitlines() == [
        f"{head}: nothing to fetch: {count} symbols are complete to {FRIDAY}"
        for head, count in (
            ("alpaca 1Day, feed iex, adjustment split", 25), ("vix index, feed iex", 1),
        )
    ]  # fmt: skip
    listed = say("data", "ls", "-C", desk, "--json").value
    assert [(row["series"], row["feed"], row["adjustment"]) for row in listed["series"]] == [
        ("1Day", "iex", "split"), ("index", "iex", "none"),
    ]  # fmt: skip
    assert listed["undelivered"] == []


def test_the_bars_are_those_that_the_exchange_trades_on(desk, exchange):
    """To the digest: a store that was fetched holds what a store that was imported does."""
    bring(desk)
    imported = {item.period: item for item in load_catalog(exchange.root / "data").partitions
                if item.series == "1Day"}  # fmt: skip
    fetched = {item.period: item for item in load_catalog(desk / "data").partitions
               if item.series == "1Day"}  # fmt: skip

    # The imported store goes on to Monday, in the newest year.
    assert fetched["2023"].sha256 == imported["2023"].sha256
    assert fetched["2024"].last.isoformat() == FRIDAY


def test_what_machines_are_told(desk):
    value = bring(desk, "--json", "--symbol", "SYNA", "--from", "2024-12-02").value

    (fetch,) = value["fetches"]
    assert (value["exit_code"], value["as_of"], value["is_dry_run"]) == (0, AS_OF, False)
    assert (fetch["source"], fetch["asked"], fetch["bars_added"]) == ("alpaca", ["SYNA"], 5)
    assert (fetch["through"], fetch["failed"], fetch["drift"]) == (f"{FRIDAY}T21:00:00Z", [], [])


def test_an_empty_store_has_no_universe_of_its_own(desk):
    lines = (desk / "desk.toml").read_text().splitlines()
    changed = ['symbols = "imported"' if line.startswith("symbols =") else line for line in lines]
    (desk / "desk.toml").write_text("\n".join(changed))
    said = bring(desk)

    assert (said.code, "1 symbols, " in said.out) == (0, True)
    assert said.err.startswith("the universe is what is imported, and nothing is: ")


def test_what_is_held_is_fetched_too(tmp_path, exchange):
    """Its stops lean on bars, whether or not the universe still names it."""
    root = tmp_path / "holder"
    make_desk(root, name="holder", feed="synthetic", git=False)
    fill_desk(root, 2, 15)
    assert say("replay", "-C", root, "--from", "2024-11-18", "--to", "2024-11-20", "-q").code == 0
    held = {each["symbol"] for each in say("status", "-C", root, "--json").value["positions"]}
    assert held
    edit(root, 'feed = "synthetic"', f'feed = "iex"\nfetch_alpaca_url = "{exchange.url}"')
    edit(root, 'symbols = "imported"', "symbols = []")
    value = bring(root, "--dry-run", "--json").value

    assert set(value["fetches"][0]["asked"]) == held | {"SYNMK"}


def test_minutes_up_to_the_instant(desk):
    def minutes(at):
        words = ("--timeframe", "1Min", "--symbol", "SYNA", "--from", FRIDAY)
        return say("data", "fetch", "-C", desk, "--as-of", f"{FRIDAY}T{at}Z", *words)

    assert "15 bars added, 0 changed" in minutes("14:45:59").out
    assert "1 bars added, 0 changed, 15 already held" in minutes("14:46:00").out
    assert "374 bars added" in minutes("22:00:00").out


def test_a_source_that_fails_is_named_recorded_and_shown(desk, exchange, waits):
    exchange.fault("bad-gateway")
    said = bring(desk, "--symbol", "SYNA", "--symbol", "SYNB")

    assert said.code == 6
    assert said.err.splitlines()[-1].startswith(
        "data fetch: exit 6: 2 of 2 symbols did not arrive: SYNA 20"
    )
    assert f" to {FRIDAY} source-failing: HTTP 502; SYNB " in said.err
    assert waits == [1, 2, 4]
    assert said.err.count("asked again") == 3
    shown = say("data", "ls", "-C", desk)
    assert shown.out.count("did not arrive: 1Day iex split: SYN") == 2
    assert say("status", "-C", desk).out.count("Did not arrive: 1Day: SYN") == 2
    (entry, _) = say("data", "ls", "-C", desk, "--json").value["undelivered"]
    assert (entry["symbol"], entry["last"], entry["code"]) == ("SYNA", FRIDAY, "source-failing")

    exchange.mend()
    assert bring(desk, "--symbol", "SYNA", "--symbol", "SYNB").code == 0
    assert say("data", "ls", "-C", desk, "--json").value["undelivered"] == []


@pytest.mark.parametrize(
    ("kind", "more", "code", "told"),
    [
        ("truncated-json", {}, 4, "answer-malformed: not JSON"),
        ("malformed-json", {}, 4, "answer-malformed: not JSON"),
        ("rate-limited", {"retry_after": "3"}, 6, "source-rate-limited: HTTP 429"),
        ("rate-limited", {"retry_after": "3600"}, 6, "wait 3600 s, of 60 at most"),
        ("drop-before-accept", {}, 6, "source-unreachable: connection-lost"),
        ("gateway-timeout-after-accept", {}, 6, "source-failing: HTTP 504"),
    ],
)
def test_faults_of_the_exchange(desk, exchange, waits, kind, more, code, told):
    exchange.fault(kind, **more)
    said = bring(desk, "--symbol", "SYNA")

    assert (said.code, told in said.err.splitlines()[-1]) == (code, True), said.err
    assert not (desk / "data" / "catalog.json").exists()

    exchange.mend()
    exchange.fault(kind, nth=1, **more)
    again = bring(desk, "--symbol", "SYNA")
    if "3600" in told:
        assert again.code == 6
    else:
        assert (again.code, again.err.count("asked again")) == (0, 1)
        assert "321 bars added" in again.out


def test_fields_that_nobody_told_us_of_are_named(desk, exchange):
    exchange.fault("extra-fields", count=2)
    said = bring(desk, "--symbol", "SYNA")

    assert said.code == 0
    assert said.err.startswith("alpaca: fields that nobody told us of, left unread: ")


# ------------------------------------------------------------------------------ one at a time


def test_of_two_at_once_one_gives_way(desk):
    with FileLock(desk / "data" / "fetch.lock").hold():
        before = tree(desk)
        said = bring(desk)
        assert (said.code, said.out) == (5, "")
        assert said.err.startswith("lock-held: ")
        assert tree(desk) == before


def test_a_killed_fetch_goes_on_with_the_page_it_was_at(desk, tmp_path):
    bars = {"SYNA": daily("2024-10-01", FRIDAY), "SYNB": daily("2024-10-01", FRIDAY)}
    reached, go_on = threading.Event(), threading.Event()

    def stall(number, query, value):
        if "page_token" in query:
            reached.set()
            go_on.wait(20)

    with Vendor(bars, limit=50, spoil=stall) as vendor:
        edit_url(desk, vendor.url)
        words = ("data", "fetch", "-C", str(desk), "--as-of", AS_OF, "--from", "2024-10-01",
                 "--symbol", "SYNA", "--symbol", "SYNB")  # fmt: skip
        process = subprocess.Popen([sys.executable, "-m", "quantcli", *words])
        assert reached.wait(20)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        go_on.set()
        assert not (desk / "data" / "catalog.json").exists()
        vendor.spoil, asked = None, len(vendor.asked)
        assert say(*words).code == 0
        assert [query.get("page_token") for query in vendor.asked[asked:]] == ["50"]

        other = tmp_path / "other"
        shutil.copytree(desk, other, ignore=shutil.ignore_patterns("data"))
        assert say(*[str(other) if word == str(desk) else word for word in words]).code == 0
    digests = [
        [item.sha256 for item in load_catalog(root / "data").partitions] for root in (desk, other)
    ]
    assert digests[0] == digests[1]


def edit_url(desk, url):
    file = desk / "desk.toml"
    lines = [line for line in file.read_text().splitlines() if "fetch_alpaca_url" not in line]
    text = "\n".join(lines) + "\n"
    file.write_text(text.replace('"vix.csv"', f'"vix.csv"\nfetch_alpaca_url = "{url}"'))


def test_a_dry_run_asks_nobody_and_writes_nothing(desk):
    with Vendor({}) as vendor:
        edit_url(desk, vendor.url)
        before = tree(desk)
        said = bring(desk, "--dry-run")
        assert (said.code, said.err, vendor.asked) == (0, "", [])
    assert said.out.startswith(
        "DRY RUN alpaca 1Day, feed iex, adjustment split: would ask 127.0.0.1 for 25 symbols, "
    )
    assert tree(desk) == before


def test_a_bar_of_progress_stays_off_stdout(desk, monkeypatch):
    monkeypatch.setattr("quantcli.cli.fetching.is_terminal", lambda: True)
    said = bring(desk)

    assert (said.code, said.out.count("\n")) == (0, 2)
    assert bring(desk, "--quiet") == (0, "", "")


# ------------------------------------------------------------------------------ other sources


def test_bars_from_polygon(desk):
    results = [
        {"t": 1733461200000, "o": 9.5, "h": 12.5, "l": 7.5, "c": 10.5, "v": 1000, "vw": 10, "n": 1}
    ]

    def answer(method, path, headers, body):
        symbol = path.split("/")[4]
        value = {"ticker": symbol, "adjusted": True, "status": "OK", "results": results}
        return 200, {}, json.dumps(value).encode()

    with Broker(answer) as broker:
        edit(desk, 'feed = "iex"', f'feed = "polygon"\nfetch_polygon_url = "{broker.url}"')
        said = bring(desk, "--symbol", "SYNA", "--symbol", "SYNB", "--from", FRIDAY)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("polygon 1Day, feed polygon, adjustment split: 2 symbols, ")
    assert load_catalog(desk / "data").partitions[0].feed == "polygon"


def test_the_index_from_an_address(desk, exchange):
    body = cboe(exchange.root).encode()
    with Broker(says(200, body)) as broker:
        edit(desk, '"vix.csv"', f'"{broker.url}/VIX_History.csv"')
        said = bring(desk, "--source", "vix")
    assert (said.code, said.err) == (0, "")
    assert load_catalog(desk / "data").partitions[0].symbols == ("VIX",)


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [
        ("DATE,OPEN,HIGH,LOW,CLOSE\n12/05/2024,13,13,13,13\n", 4,
         f"bars-absent: the newest is of 2024-12-05, not {FRIDAY}"),
        (f"DATE,VIXCLS\n2024-12-05,13\n{FRIDAY},.\n", 4, "bars-absent"),
        (f"DATE,VIXCLS\n{FRIDAY},0\n", 4, "bars-quarantined: price-invalid"),
        (f"DATE,VIXCLS\n{FRIDAY},13\n{FRIDAY},14\n", 4, "answer-duplicate"),
        (f"DATE,VIXCLS\n{FRIDAY},13\n2024-12-05,14\n", 4, "answer-unsorted"),
        ("<html></html>", 4, "answer-malformed"),
        (None, 6, "source-unreachable: vix.csv: No such file"),
    ],
)  # fmt: skip
def test_an_index_that_is_not_there_is_named(desk, content, code, told):
    (desk / "vix.csv").unlink()
    if content is not None:
        (desk / "vix.csv").write_text(content)
    said = bring(desk, "--source", "vix")

    assert (said.code, told in said.err) == (code, True), said.err
    assert said.err.count("\n") == 1


# ------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("change", "words", "code", "told"),
    [
        (('feed = "iex"', 'feed = "local"'), (), 3, "data.feed names no source"),
        (None, ("--source", "polygon"), 2, "bars of feed iex come from alpaca"),
        (None, ("--source", "yahoo"), 2, "--source is alpaca, polygon or vix"),
        (None, ("--timeframe", "5Min"), 2, "--timeframe is 1Day or 1Min"),
        (None, ("--symbol", "aaa"), 2, "not a symbol"),
        (None, ("--from", "yesterday"), 2, "--from is not a date"),
        (('"vix.csv"', '""'), ("--source", "vix"), 3, "there is nothing to fetch"),
        (('"vix.csv"', '"https://example.org/VIX.csv?token=word"'), (), 3,
         "data.fetch_index_from names neither a known source nor this machine"),
        (('"vix.csv"', '"https://me:word@cdn.cboe.com/x"'), (), 3, "data.fetch_index_from"),
    ],
)  # fmt: skip
def test_what_cannot_be_fetched(desk, change, words, code, told):
    if change:
        edit(desk, *change)
    said = bring(desk, *words)

    assert (said.code, said.out) == (code, "")
    assert told in said.err
    assert said.err.count("\n") == 1
    assert "word" not in said.err


def test_keys_go_to_their_own_host_only(desk, monkeypatch):
    """The broker's keys never leave for this machine, nor the exchange's for the broker."""
    monkeypatch.setenv("APCA_API_KEY_ID", "PKREAL")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "real-secret")
    with Broker(says(401)) as broker:
        edit_url(desk, broker.url)
        assert bring(desk, "--symbol", "SYNA").code == 6
    keys = json.loads((desk / "exchange" / "keys.json").read_bytes())
    assert broker.requests[0][2]["APCA-API-KEY-ID"] == keys["key_id"]
    assert "real-secret" not in str(broker.requests)


def test_without_keys_and_before_its_time_nobody_is_asked(desk, monkeypatch):
    edit_url(desk, "https://data.alpaca.markets")
    assert bring(desk).err.startswith("credential-missing: no broker keys")
    monkeypatch.setenv("APCA_API_KEY_ID", "PK")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "secret")
    said = say("data", "fetch", "-C", desk, "--as-of", "2027-12-01T12:00:00Z")

    assert (said.code, said.err.startswith("usage: that instant has not come yet")) == (2, True)


def test_nothing_heavy_that_is_not_needed(desk):
    code = (
        "import sys; from quantcli.cli.app import main; main(sys.argv[1:]); "
        "print({n.split('.')[0] for n in sys.modules} & "
        "{'pandas','alpaca','starlette','uvicorn','exchange_calendars'})"
    )
    words = ["data", "fetch", "--dry-run", "--quiet", "-C", str(desk), "--as-of", AS_OF]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True,
                          timeout=60, check=True)  # fmt: skip

    assert done.stdout.strip() == "set()"


# ------------------------------------------------------------------------------ in the day


@pytest.fixture
def paper(desk):
    edit(desk, 'mode = "local"', 'mode = "paper"')
    return desk


def test_day_fetches_before_the_first_cycle_of_a_paper_desk(paper):
    early = say("day", "-C", paper, "--as-of", f"{MONDAY}T13:14:59Z")
    assert (early.code, early.err.split(" [")[0]) == (5, "outside-window: no cycle is due yet")

    said = say("day", "-C", paper, "--as-of", f"{MONDAY}T13:15:00Z")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("[0] alpaca 1Day, feed iex, adjustment split: 25 symbols, ")
    value = say("day", "-C", paper, "--as-of", f"{MONDAY}T13:29:59Z", "--json").value
    assert (value["cycle"], value["steps"]) == (
        "082959", [{"step": "data fetch", "exit_code": 0}],
    )  # fmt: skip
    assert [fetch["bars_added"] for fetch in value["fetch"]["fetches"]] == [0, 0]
    assert not (paper / "artifacts").exists()


def test_day_tells_what_the_fetch_did_not_bring(paper, exchange, waits):
    exchange.fault("bad-gateway")
    said = say("day", "-C", paper, "--as-of", f"{MONDAY}T13:15:00Z", "--quiet")

    assert (said.code, said.out) == (6, "")
    assert "and 22 more: quantcli data ls" in say("status", "-C", paper).out
    assert said.err.splitlines()[-1].startswith("data fetch: exit 6: 25 of 26 symbols did not")


@pytest.mark.parametrize(
    "change",
    [('mode = "paper"', 'mode = "local"'), ('fetch_at = "open-75min"', 'fetch_at = ""')],
)
def test_a_local_desk_and_one_that_says_never_do_not_fetch(paper, change):
    edit(paper, *change)
    assert say("day", "-C", paper, "--as-of", f"{MONDAY}T13:20:00Z").code == 5
    assert "data fetch" not in say("schedule", "-C", paper).out


def test_a_dry_run_of_the_day_does_not_fetch(paper):
    with Vendor({}) as vendor:
        edit_url(paper, vendor.url)
        said = say("day", "-C", paper, "--as-of", f"{MONDAY}T13:20:00Z", "--dry-run")
        assert (said.code, vendor.asked) == (5, [])


def test_the_schedule_of_a_paper_desk_begins_with_the_fetch(paper):
    table = say("schedule", "-C", paper).out.splitlines()
    assert table[1] == "open-75min    08:15     08:15     data fetch"
    lines = say("schedule", "--cron", "-C", paper).out.splitlines()
    assert [line.split(" * *")[0] for line in lines[2:]] == [
        "15 8", "30 8", "35 9", "5 13", "5 16",
    ]  # fmt: skip
    assert lines[2].endswith(f" day --quiet -C {paper}")


def test_a_fetch_on_the_instant_of_a_cycle_is_refused(paper):
    edit(paper, 'fetch_at = "open-75min"', 'fetch_at = "open-60min"')
    said = say("schedule", "-C", paper)

    assert (said.code, said.err) == (
        3, "config-invalid: desk.toml: data.fetch_at lies on the cycle open-60min\n",
    )  # fmt: skip


def scan_of(desk):
    folder = desk / "artifacts" / MONDAY / "083000"
    return json.loads((folder / "scan.json").read_bytes())


def morning(desk):
    """Begin the desk on Monday morning and run the first cycle."""
    say("exchange", "advance", "-C", desk, "--to", f"{MONDAY}T13:25:00Z")
    assert say("reconcile", "-C", desk).code == 0
    assert say("snapshot", "--genesis", "-C", desk).code == 0
    say("exchange", "advance", "-C", desk, "--to", f"{MONDAY}T13:30:00Z")
    return say("day", "-C", desk)


def test_scan_skips_what_did_not_arrive_and_the_day_proves_afterwards(desk, exchange, waits):
    names = [f"SYN{letter}" for letter in "ACDEFGHIJKLMNOPQRSTUVWX"]
    others = [word for name in (*names, "SYNMK", "VIX") for word in ("--symbol", name)]
    assert bring(desk, *others).code == 0
    exchange.fault("bad-gateway")
    assert bring(desk).code == 6
    assert morning(desk).code == 0

    scan = scan_of(desk)
    assert (scan["exit_code"], scan["codes"]) == (0, [])
    (skipped,) = [each for each in scan["skipped"] if each["symbol"] == "SYNB"]
    assert (skipped["code"], skipped["observed"], skipped["limit"]) == (
        "fetch-failed", "source-failing: HTTP 502", f"a bar in {FRIDAY}",
    )  # fmt: skip
    assert [ref for ref in scan["inputs"] if ref["name"].startswith("fetches/")]

    exchange.mend()
    assert bring(desk).code == 0
    proof = say("prove", MONDAY, "-C", desk)
    assert (proof.code, proof.err) == (0, "")
    assert "every byte was derived again" in proof.out


def test_a_benchmark_and_an_index_that_did_not_arrive_block(desk, exchange, waits):
    names = [word for letter in "ABCDEF" for word in ("--symbol", f"SYN{letter}")]
    assert bring(desk, *names).code == 0
    exchange.fault("bad-gateway")
    (desk / "vix.csv").write_text("DATE,CLOSE\n12/05/2024,14\n")
    assert bring(desk).code == 6
    assert morning(desk).code == 4

    scan = scan_of(desk)
    assert scan["codes"] == ["benchmark-missing", "index-missing"]
    assert (scan["exit_code"], scan["signals"]) == (4, [])
    enforce = json.loads((desk / "artifacts" / MONDAY / "083000" / "enforce.json").read_bytes())
    assert enforce["intents"] == []
    blocked = {each["code"]: each["observed"] for each in scan["skipped"]}
    # Whatever passed every check of its own fell to the benchmark, and its cause is named.
    assert all(
        "source-failing: HTTP 502" in told
        for code, told in blocked.items()
        if code in {"benchmark-missing", "fetch-failed"}
    )
