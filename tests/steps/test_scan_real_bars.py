"""`scan` on real bars: against plain loops, against a store without a future, against the record.

The bars are not ours to copy: they are imported from where they lie into a temporary store.
"""

import datetime as dt
import hashlib
from decimal import Decimal

import pytest

from quantcli.core.sessions import previous_session, sessions_between
from quantcli.shell.bar_import import import_file
from quantcli.shell.bar_store import BarStore
from quantcli.steps.scan import scan
from tests.core.strategies.plain_avwap import Bar, judge
from tests.steps.scan_desk import config_of, desk_of

pytestmark = pytest.mark.data

BARS = "daily/us_daily_split_adjusted_20111128_20250131.parquet"
INDEX = "vix/vix_daily_20110103_20250131.parquet"
#: A quiet day, the day after a rush, the half day after Thanksgiving, New Year, a late one.
SESSIONS = ("2024-08-01", "2024-08-06", "2024-11-29", "2025-01-02", "2025-01-31")


def cut(data_dir, folder, last):
    """Import the bars from June 2023 through `last` and return their store."""
    import polars as pl

    folder.mkdir(parents=True, exist_ok=True)
    for name, kind in ((BARS, "bars"), (INDEX, "index")):
        source = folder / f"{kind}.parquet"
        window = pl.col("date").is_between(dt.date(2023, 6, 1), last)
        pl.read_parquet(data_dir / name).filter(window).write_parquet(source)
        import_file(folder / "data", source, kind=kind, adjustment="split", feed="local")
    return BarStore(folder / "data", "local", "split")


@pytest.fixture(scope="module")
def store(data_dir, tmp_path_factory):
    return cut(data_dir, tmp_path_factory.mktemp("whole"), dt.date(2025, 1, 31))


@pytest.fixture(scope="module")
def artifacts(store):
    return {session: scan(desk_of(store, session)) for session in SESSIONS}


def bars_of(matrix, symbol):
    """Return one symbol's bars as plain tuples, through the matrix's last session."""
    column = matrix.symbols.index(symbol)
    fields = (matrix.open, matrix.high, matrix.low, matrix.close, matrix.volume)
    rows = zip(matrix.sessions, *(field[:, column].tolist() for field in fields), strict=True)
    return [Bar(*row) for row in rows]


@pytest.mark.parametrize("session", SESSIONS)
def test_plain_loops_reach_the_same_verdicts(store, artifacts, session):
    artifact = artifacts[session]
    matrix = store.daily(previous_session(dt.date.fromisoformat(session)), 257)
    signals = {each.symbol: each for each in artifact.signals}
    skipped = {each.symbol: each.code for each in artifact.skipped}
    seen = 0
    for symbol in artifact.universe:
        if skipped.get(symbol) in {"volume-too-low", "dollar-volume-too-low", "price-too-low"}:
            continue
        bars = bars_of(matrix, symbol)
        verdict = judge(bars[1:])
        expected = verdict.code
        if expected is None and judge(bars[:-1]).code is None:
            expected = "setup-not-new"
        assert skipped.get(symbol) == expected, symbol
        if expected is None:
            signal = signals[symbol]
            assert (signal.anchor, signal.anchor_date) == (verdict.anchor, verdict.anchor_date)
            assert signal.stop == Decimal(str(verdict.stop)).quantize(Decimal("0.01"), "ROUND_DOWN")
            assert float(signal.features["trend_score"]) == pytest.approx(verdict.trend, abs=2e-6)
        seen += 1
    assert seen > 100


@pytest.mark.parametrize("session", ["2024-08-06", "2025-01-02"])
def test_a_store_without_a_future_gives_the_same_scan(data_dir, tmp_path, artifacts, session):
    last = previous_session(dt.date.fromisoformat(session))

    then = scan(desk_of(cut(data_dir, tmp_path, last), session))

    assert then.model_copy(update={"inputs": ()}) == artifacts[session].model_copy(
        update={"inputs": ()}
    )


def test_reading_again_gives_the_same_bytes(store, artifacts):
    again = BarStore(store._data, "local", "split")

    assert scan(desk_of(again, SESSIONS[0])).to_bytes() == artifacts[SESSIONS[0]].to_bytes()


def test_the_year_begins_with_the_data_sessions_year(artifacts):
    turn = artifacts["2025-01-02"]  # sees 2024-12-31: the old year's lines
    later = artifacts["2025-01-31"]

    assert turn.bars.data_session == dt.date(2024, 12, 31)
    starts = {(each.anchor, each.anchor_date) for each in later.signals}
    assert {when for name, when in starts if name.endswith("-start")} <= {dt.date(2025, 1, 2)}


def test_signals_of_half_a_year_are_few_and_each_session_accounts_for_every_symbol(store):
    sessions = sessions_between(dt.date(2024, 8, 1), dt.date(2025, 1, 31))
    found = [scan(desk_of(store, session)) for session in sessions]

    assert len(found) == 126
    assert all(len(each.signals) + len(each.skipped) == 132 for each in found)
    counts = [len(each.signals) for each in found]
    assert sum(counts) == 610  # 4.8 a session
    assert (min(counts), sorted(counts)[63], max(counts)) == (0, 4, 17)
    assert all(each.codes == () for each in found)


@pytest.mark.parametrize(
    ("session", "signals", "digest"),
    [
        ("2024-08-06", {"AMT": "swing-low"}, "c116ed1fe2365099"),
        (
            "2024-11-29",
            {
                "SRE": "volume-breakout",
                "GILD": "volume-breakout",
                "HD": "month-start",
                "CTSH": "gap",
                "GOOGL": "year-start",
                "GOOG": "year-start",
            },
            "449f2f2d41dbdd75",
        ),
        (
            "2025-01-31",
            {"CSCO": "year-start", "TSLA": "volume-breakout", "ROST": "gap"},
            "8cc9b478c14ee028",
        ),
    ],
)
def test_the_record(artifacts, session, signals, digest):
    """Names are for the reader, in order of rank; the digest covers all that the scan says."""
    artifact = artifacts[session]

    assert [(each.symbol, each.anchor) for each in artifact.signals] == list(signals.items())
    told = artifact.as_json()
    text = repr((told["signals"], told["skipped"], told["regime"]))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == digest


def test_a_missing_index_blocks(data_dir, tmp_path, store):
    artifact = scan(desk_of(store, SESSIONS[0], config_of(data={"volatility_index": "VXN"})))

    assert artifact.codes == ("index-missing",)
    assert artifact.signals == ()
    assert artifact.exit_code == 4
