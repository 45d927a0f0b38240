"""The shared budget: sequences worked by hand, and what must hold for any of them."""

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantcli.contracts.config import SizingSection
from quantcli.contracts.reasons import REASONS
from quantcli.core.allocation import DECIDE_REASONS, Portfolio, allocate, block_all, budget_of
from tests.core.gate_facts import limits, signal

D = Decimal


def portfolio(**changes):
    values = {
        "snapshot_session": dt.date(2024, 7, 31),
        "equity": D(100_000),
        "drawdown": D(0),
    }
    return Portfolio(**{**values, **changes})


def ranked(*symbols, limit_price="50", stop="47.50"):
    """Return signals by rank: 200 shares, 10 000 each, unless something binds."""
    return [
        signal(
            signal_id=f"{rank:064x}", rank=rank, symbol=symbol, limit_price=limit_price, stop=stop,
            reference_price=limit_price,
        )
        for rank, symbol in enumerate(symbols, start=1)
    ]  # fmt: skip


def one(found=None, sizing=None, **limit_changes):
    (verdict,) = allocate(
        ranked("AAPL"), found or portfolio(), limits(**limit_changes), sizing or SizingSection()
    )
    return verdict


def test_good_signal_is_allowed_with_its_size():
    verdict = one()

    assert (verdict.decision, verdict.reason) == ("ALLOW", "within-limits")
    assert [finding.code for finding in verdict.findings] == ["within-limits"]
    assert (verdict.quantity, verdict.notional, verdict.risk) == (200, D(10_000), D(500))
    assert (verdict.risk_per_share, verdict.target) == (D("2.5"), D(240))
    assert verdict.budget_after.model_dump() == {
        "exposure_gross": D(10_000), "positions": 1, "entries": 1,
    }  # fmt: skip


def test_each_allow_leaves_less_for_the_next():
    # Gross limit 25 000 and 3 000 held: 10 000, 10 000, then 2 000 is 40 shares, then nothing.
    verdicts = allocate(
        ranked("AAPL", "NVDA", "AMD", "INTC"),
        portfolio(
            exposure_gross=D(3_000), exposure_by_symbol={"MSFT": D(3_000)},
            symbols=frozenset({"MSFT"}),
        ),
        limits(exposure_gross_usd_max="25000"),
        SizingSection(),
    )  # fmt: skip

    assert [(each.decision, each.reason, each.quantity) for each in verdicts] == [
        ("ALLOW", "within-limits", 200),
        ("ALLOW", "within-limits", 200),
        ("ALLOW", "within-limits", 40),
        ("BLOCK", "limit-gross-exposure", 0),
    ]
    assert [each.budget_after.exposure_gross for each in verdicts] == [
        13_000, 23_000, 25_000, 25_000,
    ]  # fmt: skip
    assert [each.budget_after.positions for each in verdicts] == [2, 3, 4, 4]
    assert [each.budget_after.entries for each in verdicts] == [1, 2, 3, 3]


def test_rank_decides_who_comes_first_whatever_the_order_of_the_list():
    signals = ranked("AAPL", "NVDA")

    verdicts = allocate(
        reversed(signals), portfolio(), limits(entries_per_session_max=1), SizingSection()
    )

    assert [(each.rank, each.symbol, each.decision) for each in verdicts] == [
        (1, "AAPL", "ALLOW"),
        (2, "NVDA", "BLOCK"),
    ]


def test_blocked_signal_spends_nothing():
    verdicts = allocate(
        ranked("MSFT", "NVDA"), portfolio(symbols=frozenset({"MSFT"})),
        limits(positions_max=2), SizingSection(),
    )  # fmt: skip

    assert [each.decision for each in verdicts] == ["BLOCK", "ALLOW"]
    assert verdicts[0].budget_after.entries == 0


def test_symbol_signalled_twice_is_allowed_once():
    verdicts = allocate(ranked("AAPL", "AAPL"), portfolio(), limits(), SizingSection())

    assert [(each.decision, each.reason) for each in verdicts] == [
        ("ALLOW", "within-limits"),
        ("BLOCK", "already-held"),
    ]


def test_signal_of_an_earlier_cycle_is_not_decided_on_again():
    verdict = one(portfolio(signals_consumed=frozenset({f"{1:064x}"})))

    assert (verdict.decision, verdict.reason) == ("BLOCK", "signal-consumed")


@pytest.mark.parametrize(
    ("apart", "decision"), [(0, "BLOCK"), (4, "BLOCK"), (5, "ALLOW"), (6, "ALLOW")]
)
def test_five_sessions_pass_before_an_exited_symbol_is_bought_again(apart, decision):
    verdict = one(portfolio(sessions_since_exit={"AAPL": apart}))

    assert verdict.decision == decision
    if decision == "BLOCK":
        (finding,) = verdict.findings
        assert (finding.code, finding.observed, finding.limit) == (
            "reentry-cooldown", str(apart), "5",
        )  # fmt: skip


def test_cooldown_of_none_lets_an_exit_of_this_session_be_bought_again():
    off = SizingSection(reentry_cooldown_sessions=0)

    assert one(portfolio(sessions_since_exit={"AAPL": 0}), off).decision == "ALLOW"


@pytest.mark.parametrize(
    ("drawdown", "decision"), [("0.199999", "ALLOW"), ("0.2", "BLOCK"), ("0.200001", "BLOCK")]
)
def test_drawdown_throttle_fires_at_its_limit(drawdown, decision):
    verdict = one(portfolio(drawdown=D(drawdown)))

    assert verdict.decision == decision
    assert decision == "ALLOW" or verdict.reason == "limit-drawdown"


@pytest.mark.parametrize(
    ("held", "decision"), [(8, "ALLOW"), (9, "ALLOW"), (10, "BLOCK"), (11, "BLOCK")]
)
def test_positions_are_counted_after_the_trade(held, decision):
    symbols = frozenset("ABCDEFGHIJK"[:held])
    verdict = one(portfolio(symbols=symbols))

    assert verdict.decision == decision
    if decision == "BLOCK":
        assert (verdict.findings[0].code, verdict.findings[0].observed) == (
            "limit-positions", str(held + 1),
        )  # fmt: skip


@pytest.mark.parametrize(("formed", "decision"), [(4, "ALLOW"), (5, "BLOCK")])
def test_entries_are_counted_after_the_trade(formed, decision):
    assert one(portfolio(entries=formed)).decision == decision


@pytest.mark.parametrize(
    ("share", "quantity"), [("0.0499", 99), ("0.05", 100), ("0.0505", 101), ("0.004", 0)]
)
def test_symbol_s_share_of_equity_caps_its_size(share, quantity):
    verdict = one(symbol_concentration_fraction_max=share)

    assert verdict.quantity == quantity
    assert verdict.reason == ("within-limits" if quantity else "limit-symbol-concentration")


def test_what_a_symbol_has_already_counts_to_its_share():
    found = portfolio(exposure_by_symbol={"AAPL": D(15_000)}, exposure_gross=D(15_000))

    assert one(found).quantity == 100  # 20 000 less 15 000


@pytest.mark.parametrize("equity", [D(0), D(-1)])
def test_without_equity_nothing_is_allowed(equity):
    verdict = one(portfolio(equity=equity))

    assert (verdict.decision, verdict.reason, verdict.quantity) == (
        "BLOCK", "equity-not-positive", 0,
    )  # fmt: skip


def test_one_cent_of_equity_is_too_little_but_positive():
    assert "equity-not-positive" not in [
        finding.code for finding in one(portfolio(equity=D("0.01"))).findings
    ]


def test_all_reasons_are_recorded_in_their_order():
    verdict = one(
        portfolio(
            equity=D(-1), drawdown=D(1), symbols=frozenset({"AAPL"}), entries=5,
            signals_consumed=frozenset({f"{1:064x}"}), sessions_since_exit={"AAPL": 0},
        ),
        positions_max=1,
    )  # fmt: skip

    assert [finding.code for finding in verdict.findings] == [
        "equity-not-positive", "already-held", "signal-consumed", "reentry-cooldown",
        "limit-drawdown", "limit-positions", "limit-entries",
        "size-zero", "limit-symbol-concentration", "limit-gross-exposure",
    ]  # fmt: skip


def test_block_for_other_reasons_keeps_the_size_for_shadow_mode():
    held = one(portfolio(symbols=frozenset({"AAPL"})))
    small = one(exposure_gross_usd_max="400")

    assert (held.decision, held.quantity, held.notional, held.risk) == (
        "BLOCK", 200, D(10_000), D(500),
    )  # fmt: skip
    assert (small.decision, small.quantity, small.notional) == ("BLOCK", 0, 0)


def test_doubt_about_an_input_blocks_all_with_its_codes():
    verdicts = block_all(reversed(ranked("AAPL", "NVDA")), ("snapshot-missing", "scan-blocked"))

    assert [(each.symbol, each.decision, each.reason, each.quantity) for each in verdicts] == [
        ("AAPL", "BLOCK", "snapshot-missing", 0),
        ("NVDA", "BLOCK", "snapshot-missing", 0),
    ]
    assert [finding.code for finding in verdicts[0].findings] == [
        "snapshot-missing", "scan-blocked",
    ]  # fmt: skip
    assert verdicts[0].budget_after is None


def test_budget_says_what_is_shared():
    found = portfolio(
        equity=D(80_000), drawdown=D("0.1"), exposure_gross=D(3_000), entries=2,
        symbols=frozenset({"MSFT", "AMD"}),
    )  # fmt: skip

    assert budget_of(found, limits(exposure_gross_fraction_max="0.75")).model_dump() == {
        "equity": D(80_000),
        "exposure_gross": D(3_000),
        "exposure_gross_max": D(60_000),
        "positions": 2,
        "positions_max": 10,
        "entries": 2,
        "entries_max": 5,
        "drawdown": D("0.1"),
        "drawdown_max": D("0.2"),
        "snapshot_session": dt.date(2024, 7, 31),
    }


def test_every_reason_of_decide_is_registered_once():
    assert len(set(DECIDE_REASONS)) == len(DECIDE_REASONS)
    assert [code for code in DECIDE_REASONS if code not in REASONS] == []


# ------------------------------------------------------------------------------ properties

SIGNALS = st.lists(
    st.tuples(
        st.sampled_from(["AAPL", "NVDA", "AMD", "INTC", "MSFT", "TSLA"]),
        st.decimals(D(5), D(900), places=2),
        st.decimals(D("0.01"), D(80), places=2),
    ),
    max_size=8,
)
PORTFOLIOS = st.builds(
    portfolio,
    equity=st.decimals(D(-100), D(200_000), places=2),
    drawdown=st.decimals(0, D("0.3"), places=3),
    exposure_gross=st.decimals(0, D(120_000), places=2),
    entries=st.integers(0, 6),
    symbols=st.frozensets(st.sampled_from(["MSFT", "AMD", "QQQ"])),
    sessions_since_exit=st.dictionaries(
        st.sampled_from(["NVDA", "INTC"]), st.integers(0, 7), max_size=2
    ),
)


def drawn_signals(rows):
    return [
        signal(
            signal_id=f"{rank:064x}", rank=rank, symbol=symbol, limit_price=price,
            stop=max(price - risk, D("0.01")), reference_price=price,
        )
        for rank, (symbol, price, risk) in enumerate(rows, start=1)
    ]  # fmt: skip


@given(SIGNALS, PORTFOLIOS, st.integers(0, 90_000), st.integers(0, 8), st.integers(0, 6))
def test_inv08_allowed_entries_together_stay_within_every_limit(
    rows, found, gross_max, positions_max, entries_max
):
    bounds = limits(
        exposure_gross_usd_max=gross_max, positions_max=positions_max,
        entries_per_session_max=entries_max,
    )  # fmt: skip
    verdicts = allocate(drawn_signals(rows), found, bounds, SizingSection())
    allowed = [each for each in verdicts if each.decision == "ALLOW"]

    assert len(verdicts) == len(rows)
    for each in allowed:
        assert each.quantity == int(each.quantity) >= 1
        assert each.quantity * (each.limit_price - each.stop) <= found.equity * D("0.005")
        assert each.quantity * each.limit_price <= found.equity / 10
    if allowed:
        spent = sum(each.quantity * each.limit_price for each in allowed)
        assert found.exposure_gross + spent <= min(D(gross_max), found.equity)
        assert len(found.symbols | {each.symbol for each in allowed}) <= positions_max
        assert found.entries + len(allowed) <= entries_max
        assert len({each.symbol for each in allowed}) == len(allowed)
        assert found.drawdown < D("0.2")


TIGHTER = st.sampled_from(
    [
        {"positions_max": 0}, {"positions_max": 3}, {"entries_per_session_max": 2},
        {"symbol_concentration_fraction_max": "0.02"}, {"exposure_gross_usd_max": 20_000},
        {"exposure_gross_fraction_max": "0.3"}, {"drawdown_fraction_max": "0.05"},
    ]
)  # fmt: skip


@given(SIGNALS.filter(bool), PORTFOLIOS, TIGHTER)
def test_inv03_lower_limits_never_turn_a_block_into_an_allow(rows, found, tighter):
    # One signal against one budget: in a sequence a signal that is blocked leaves the budget to
    # the next one, which may then be allowed, within the same limits.
    (lone,) = drawn_signals(rows[:1])

    (before,) = allocate([lone], found, limits(), SizingSection())
    (after,) = allocate([lone], found, limits(**tighter), SizingSection())

    assert before.decision == "ALLOW" or after.decision == "BLOCK"
    assert after.quantity <= before.quantity


@given(SIGNALS.filter(bool), PORTFOLIOS, st.integers(1, 5))
def test_inv03_longer_cooldown_or_an_exit_more_never_allows(rows, found, more):
    (lone,) = drawn_signals(rows[:1])
    longer = SizingSection(reentry_cooldown_sessions=5 + more)
    exited = dataclasses.replace(found, sessions_since_exit={lone.symbol: 0})

    (before,) = allocate([lone], found, limits(), SizingSection())
    (slower,) = allocate([lone], found, limits(), longer)
    (after,) = allocate([lone], exited, limits(), SizingSection())

    assert before.decision == "ALLOW" or slower.decision == "BLOCK"
    assert after.decision == "BLOCK"
