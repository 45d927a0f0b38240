"""The AVWAP strategy as a whole: new setups are proposed, everything else has its reason."""

import dataclasses
import datetime as dt
from decimal import Decimal

import numpy as np
import pytest

from quantcli.contracts.config import AvwapSection
from quantcli.core.history import columns_of, rows_of
from quantcli.core.sieve import Drop, Sieve
from quantcli.core.strategies.avwap import propose, rows_needed
from quantcli.core.strategies.avwap_candidate import trend_score
from quantcli.core.strategies.avwap_setup import choose_anchor, quality_of, rules_of
from tests.core.strategies.steady import ROWS, SECTION, excited, steady


def run(bars, section=SECTION, sectors=None):
    sieve = Sieve(bars.symbols)
    return propose(bars, section, sectors, sieve), sieve.drops


def test_a_scan_reads_a_year_and_one_session_more():
    assert rows_needed(SECTION) == 257
    assert rows_needed(AvwapSection(history_bars_min=400)) == 411
    assert rows_needed(AvwapSection(anchor_lookback_bars=500)) == 525


def test_a_setup_is_proposed_on_its_first_bar_only():
    fresh, none = run(excited(steady(), -15))
    stale, drops = run(excited(steady(), -16))

    assert [each.symbol for each in fresh] == ["AAA"]
    assert none == {}
    assert stale == ()
    assert drops == {"AAA": Drop("setup-not-new", "held on 2024-06-13", "a triggering bar")}


def test_a_reclaim_while_the_setup_held_is_no_new_trigger():
    # the close before lay below the month's line (125.1), not below the year's
    bars = steady()
    bars.close[-2] = bars.low[-2] = 125.0
    choice = choose_anchor(rows_of(bars, 1, None), rules_of(SECTION))

    candidates, drops = run(bars)

    assert choice.names[choice.index[0]] == "month-start"
    assert choice.is_reclaim.tolist() == [True]
    assert candidates == ()
    assert drops["AAA"].code == "setup-not-new"


def test_a_proposal_in_full():
    bars = excited(steady(), -15)
    last = 100 + 0.1 * (ROWS - 1)  # 125.6

    (candidate,), _ = run(bars)

    assert (candidate.strategy, candidate.symbol, candidate.tier) == ("avwap", "AAA", 1)
    assert candidate.triggering_bar == dt.date(2024, 6, 14)
    assert candidate.reference_price == Decimal("125.6") == Decimal(str(round(last, 4)))
    assert candidate.limit_price == Decimal("126.22")  # 125.6 x 1.005 = 126.228
    # every line rises evenly: month-start (2024-06-03, row -10) has typical prices 124.7 to 125.6
    assert candidate.anchor == "month-start"
    assert candidate.anchor_date == dt.date(2024, 6, 3)
    assert candidate.features["avwap_usd"] == Decimal("125.15")
    assert candidate.features["avwap_distance_percent"] == Decimal("0.359569")
    assert candidate.features["avwap_slope"] == Decimal("0.002002")  # from 124.9
    assert candidate.stop == Decimal("123.27")  # 125.15 x 0.985 = 123.27275
    assert candidate.targets == (Decimal("126.1"), Decimal("126.6"))  # pivot 125.6, range 1
    assert candidate.features["atr_usd"] == Decimal(1)
    assert candidate.features["average_20_usd"] == Decimal("124.65")
    assert candidate.trend_score == candidate.features["trend_score"]
    assert candidate.labels == {
        "tier": "A",
        "vwap_control": "bullish",
        "vwap_reclaim": "none",
        "vwap_acceptance": "bullish",
        "avwap_control": "bullish",
        "avwap_reclaim": "none",
        "avwap_acceptance": "bullish",
        "extension": "balanced",
        "gap_reset": "none",
        "structure": "bullish",
    }


def test_the_trend_score_is_made_of_change_strength_and_calm():
    (candidate,), _ = run(excited(steady(), -15))
    features = {name: float(value) for name, value in candidate.features.items()}

    assert features["average_50_change_percent"] == pytest.approx(100 / 122.15, abs=1e-6)
    assert features["trend_score"] == pytest.approx(
        2 * features["average_50_change_percent"]
        + 0.7 * features["adx"]
        - 10 * features["atr_percent"] / features["atr_percent_median"],
        abs=1e-4,
    )
    assert features["anchor_score"] == pytest.approx(
        70 - features["avwap_distance_percent"] + 50 + 1.5 * features["trend_score"], abs=1e-4
    )


def test_a_falling_average_counts_its_strength_against_it():
    quality = dataclasses.replace(
        quality_of(steady()), change_percent=np.array([-2.0]), atr_percent=np.array([1.5]),
        atr_percent_median=np.array([1.0]),
    )  # fmt: skip

    assert trend_score(quality, np.array([30.0])) == pytest.approx([-4 - 21 - 15])
    unknown = dataclasses.replace(quality, atr_percent_median=np.array([0.0]))
    assert np.isnan(trend_score(unknown, np.array([30.0]))).all()


def test_the_stop_leans_on_the_newest_swing_low():
    bars = excited(steady(), -15)
    bars.low[-8] = 123.0

    (candidate,), _ = run(bars)

    assert candidate.stop == Decimal("122.38")  # 123 x 0.995 = 122.385


def disturbed(symbol):
    """Return fresh bars of one symbol with one part of the setup spoiled."""
    bars = excited(steady((symbol,)), -15)
    if symbol == "WEEKLY":
        bars.close[:-60] += 50.0
    elif symbol == "QUIET":
        for values in (bars.open, bars.high, bars.low, bars.close):
            np.multiply(values, 0.45, out=values)
    elif symbol == "WEAK":
        bars.close[-1] = bars.low[-1] = 121.0
    elif symbol == "WILD":
        bars.high[-3] += 10.0
    elif symbol == "FAR":
        bars.volume[-60:-1] = 0.0
        for values in (bars.open, bars.high, bars.low, bars.close):
            values[-60:] += np.linspace(0, 11.0, 60)[:, None]
    return bars


@pytest.mark.parametrize(
    ("symbol", "code"),
    [
        ("FINE", None),
        ("WEEKLY", "weekly-trend-down"),
        ("QUIET", "atr-too-small"),
        ("WEAK", "trend-too-weak"),
        ("WILD", "volatility-too-high"),
        ("FAR", "no-anchor-passes"),
    ],
)
def test_each_part_has_its_reason(symbol, code):
    candidates, drops = run(disturbed(symbol))

    if code is None:
        assert len(candidates) == 1
    else:
        assert candidates == ()
        assert drops[symbol].code == code
        assert drops[symbol].observed
        assert drops[symbol].limit


def test_distances_of_all_lines_are_told_when_none_passes():
    bars = steady()
    bars.close[-1] = 125.0
    strict = AvwapSection(distance_percent_max=Decimal("0.01"))

    _, drops = run(bars, strict)

    assert drops["AAA"].limit == "above 0 and at most 0.01 percent"
    assert "year-start " in drops["AAA"].observed
    assert "month-start " in drops["AAA"].observed


def test_without_a_line_there_is_no_anchor():
    # everything traded before the year began: no line has a share behind it
    bars = steady()
    bars.volume[:] = 0.0

    _, drops = run(bars)

    assert drops["AAA"] == Drop("no-anchor-passes", "no anchor", "above 0 and at most 8 percent")


def test_a_stop_at_nothing_is_no_stop():
    # a price of under one cent has no whole cent below it
    bars = excited(steady(), -15)
    for values in (bars.open, bars.high, bars.low, bars.close):
        np.multiply(values, 0.00008, out=values)
    section = AvwapSection(atr_usd_min=0)

    candidates, drops = run(bars, section)

    assert candidates == ()
    assert drops == {"AAA": Drop("stop-not-below-entry", "0", "0.01")}


def test_sectors_bind_when_they_are_known():
    bars = excited(excited(steady(("AAA", "BBB", "CCC")), -15, 0), -15, 1)
    sectors = {"AAA": "Tech", "BBB": "Energy"}

    candidates, drops = run(bars, sectors=sectors)
    assert [each.symbol for each in candidates] == ["AAA", "BBB"]
    assert drops["CCC"].code == "sector-missing"

    candidates, drops = run(bars, AvwapSection(sectors_kept=1), sectors)
    assert [each.symbol for each in candidates] == ["BBB"]  # equal scores: by name
    assert drops["AAA"] == Drop("sector-weak", "Tech is number 2", "1 sectors")


def test_a_proposal_does_not_depend_on_other_symbols():
    names = ("FINE", "WEEKLY", "QUIET", "WEAK", "WILD", "FAR")
    parts = [disturbed(name) for name in names]
    joined = rows_of(parts[0], None, None)
    for field in ("open", "high", "low", "close", "volume"):
        object.__setattr__(joined, field, np.hstack([getattr(each, field) for each in parts]))
    object.__setattr__(joined, "symbols", names)

    together, drops = run(joined)
    reverse, drops_reverse = run(columns_of(joined, names[::-1]))

    assert together == run(parts[0])[0] == reverse
    assert drops == drops_reverse
    for name, part in zip(names[1:], parts[1:], strict=True):
        assert drops[name] == run(part)[1][name]


def test_no_symbols_no_proposals():
    assert run(columns_of(steady(), ())) == ((), {})
