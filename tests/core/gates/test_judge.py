"""All gates together: order, sequence, doubt, and tightening that never loosens."""

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantcli.contracts.reasons import REASONS, terminal_state_of
from quantcli.core.gates import GATES, desk_codes, judge
from quantcli.core.gates.facts import Proposal
from quantcli.core.gates.rulings import DeskGate, SignalGate, allow
from quantcli.core.readings import Reading
from tests.core import gate_facts as built

NAMES = [gate.name for gate in GATES]


def one(facts, proposal=None, tally=None, gates=GATES):
    (judgment,) = judge(facts, [proposal or built.proposal()], tally or built.tally(), gates)
    return judgment


# ------------------------------------------------------------------------------ the registry


def test_gates_stand_in_their_documented_order():
    assert NAMES == [
        "decision-present", "decision-covers", "decide-verdict", "mode", "halt", "paused",
        "reconciled", "data-fresh", "previous-sealed", "order-window", "clock-skew",
        "broker-calendar", "account", "allowlist", "tradable", "signal-unused", "existing-position",
        "existing-order", "unknown-outcome", "price-collar", "size", "risk-per-trade",
        "exposure-gross", "positions-open", "entries-per-session", "spending-power",
    ]  # fmt: skip


def test_every_gate_file_is_asked(root):
    files = {path.stem for path in (root / "quantcli/core/gates").glob("*.py")}

    assert files - {"__init__", "facts", "rulings"} == {name.replace("-", "_") for name in NAMES}


@pytest.mark.parametrize("gate", GATES, ids=NAMES)
def test_each_code_is_registered_and_each_gate_asks_a_question(gate):
    assert gate.codes
    assert [code for code in gate.codes if code not in REASONS] == []
    assert "?" in gate.doc


@pytest.mark.parametrize(
    ("state", "codes"),
    [
        (
            "REJECTED_BY_CIRCUIT_BREAKER",
            "halted paused reconcile-absent reconcile-stale reconcile-invalid reconcile-break",
        ),
        ("REJECTED_BY_HEAT", "limit-gross-exposure mark-missing"),
        (
            "REJECTED_BY_SIZING",
            """size-zero notional-too-small quantity-not-whole stop-not-below-entry
            risk-per-trade spending-power""",
        ),
        (
            "REJECTED_BY_DECISION",
            """limit-positions limit-entries limit-symbol-concentration limit-drawdown
            reentry-cooldown already-held equity-not-positive decision-block""",
        ),
        (
            "REJECTED_BY_GATE",
            """decision-missing decision-invalid decision-mismatch mode-forbids bars-stale
            session-unsealed seal-invalid outside-order-window clock-skew calendar-disagrees
            account-not-tradable account-foreign genesis-missing broker-unavailable
            not-on-allowlist position-exists order-exists outcome-unknown
            price-outside-collar gate-raised step-missing""",
        ),
        ("REJECTED_BY_BROKER", "order-refused"),
    ],
)
def test_each_reason_leads_to_its_terminal_state(state, codes):
    assert {code: terminal_state_of(code) for code in codes.split()} == dict.fromkeys(
        codes.split(), state
    )


# ------------------------------------------------------------------------------ judging


def test_good_morning_is_allowed_and_every_answer_is_kept():
    judgment = one(built.facts())

    assert judgment.is_allowed
    assert judgment.primary is None
    assert [result.gate for result in judgment.results] == NAMES
    assert {result.verdict for result in judgment.results} == {"ALLOW"}


def test_all_gates_are_asked_after_the_first_block_and_the_first_is_primary():
    judgment = one(
        built.facts(halt="stop", as_of=built.CLOSES, limits=built.limits(positions_max=1))
    )

    blocked = {result.gate: result.code for result in judgment.results if result.code}
    assert blocked == {
        "halt": "halted",
        "reconciled": "reconcile-stale",
        "order-window": "outside-order-window",
        "clock-skew": "clock-skew",
        "positions-open": "limit-positions",
    }
    assert (judgment.primary.code, judgment.primary.observed) == ("halted", "stop")
    assert len(judgment.results) == len(GATES)


def test_inv02_gate_that_raises_blocks_and_the_others_are_still_asked():
    def raising(facts, proposal, tally):
        raise ZeroDivisionError("/a/path/that/must/not/be/recorded")

    def raising_for_all(facts):
        raise KeyError("x")

    gates = (
        DeskGate("first", ("x",), "?", raising_for_all),
        SignalGate("second", ("x",), "?", raising),
        SignalGate("third", ("x",), "?", lambda facts, proposal, tally: allow("seen")),
    )

    judgment = one(built.facts(), gates=gates)

    assert [(each.verdict, each.code, each.observed) for each in judgment.results] == [
        ("BLOCK", "gate-raised", "KeyError"),
        ("BLOCK", "gate-raised", "ZeroDivisionError"),
        ("ALLOW", None, "seen"),
    ]
    assert not judgment.is_allowed
    assert judgment.primary.code == "gate-raised"


def test_no_gates_allow_nothing():
    judgment = one(built.facts(), gates=())

    assert not judgment.is_allowed
    assert judgment.primary is None


def test_reasons_of_the_whole_desk_are_known_without_a_signal():
    assert desk_codes(built.facts()) == ()
    assert desk_codes(
        built.facts(
            halt="stop",
            clock=Reading(fault="broker-unavailable"),
            calendar=Reading(fault="broker-unavailable"),
        )
    ) == ("halted", "broker-unavailable")


def test_signals_are_judged_in_sequence_against_what_is_left():
    # Gross limit 30 000: MSFT 8 000, then 10 028 + 10 028 leave 1 944, too little for the third
    # at 218 x 46, enough for the fourth: 8 x 218 = 1 744.
    signals = [
        built.proposal(signal_id=str(rank) * 64, rank=rank, symbol=symbol, quantity=quantity)
        for rank, symbol, quantity in [
            (1, "AAPL", 46), (2, "NVDA", 46), (3, "AMD", 46), (4, "INTC", 8),
        ]
    ]  # fmt: skip
    facts = built.facts(
        limits=built.limits(
            exposure_gross_usd_max="30000", allowlist=("AAPL", "NVDA", "AMD", "INTC")
        ),
        assets={each.symbol: Reading(value=built.asset(symbol=each.symbol)) for each in signals},
    )

    judgments = judge(facts, signals, built.tally())

    assert [judgment.is_allowed for judgment in judgments] == [True, True, False, True]
    (reason,) = [result for result in judgments[2].results if result.code]
    assert (reason.gate, reason.observed, reason.limit) == (
        "exposure-gross", "38084.00", "30000.00",
    )  # fmt: skip
    counted = [result for result in judgments[3].results if result.gate == "positions-open"]
    assert counted[0].observed == "4"  # MSFT, AAPL, NVDA and this one; the blocked one is not held


def test_symbol_of_two_strategies_is_approved_once():
    first = built.proposal()
    second = built.proposal(signal_id="9" * 64, rank=2, strategy="other")

    judgments = judge(built.facts(), [first, second], built.tally())

    assert [judgment.is_allowed for judgment in judgments] == [True, False]
    assert judgments[1].primary.code == "order-exists"


# ------------------------------------------------------------------------------ properties

TIGHTER = st.fixed_dictionaries(
    {},
    optional={
        "positions_max": st.integers(0, 10),
        "entries_per_session_max": st.integers(0, 5),
        "exposure_gross_usd_max": st.integers(0, 200_000),
        "exposure_gross_fraction_max": st.decimals(0, 1, places=3),
        "risk_per_trade_usd_max": st.integers(0, 1_000),
        "risk_per_trade_fraction_max": st.decimals(0, Decimal("0.01"), places=4),
        "price_collar_fraction_max": st.decimals(Decimal("0.0001"), Decimal("0.02"), places=4),
        "reconcile_age_minutes_max": st.integers(1, 60),
        "allowlist": st.sets(st.sampled_from(["AAPL", "NVDA"])).map(lambda s: tuple(sorted(s))),
    },
)
LOOSE = {"allowlist": ("AAPL", "NVDA", "TSLA")}
REMOVALS = {
    "decision": Reading(fault="decision-missing"),
    "scan": Reading(fault="scan-missing"),
    "reconcile": Reading(fault="reconcile-absent"),
    "account": Reading(fault="broker-unavailable"),
    "clock": Reading(fault="broker-unavailable"),
    "calendar": Reading(fault="broker-unavailable"),
    "account_id": None,
}
MORNINGS = st.fixed_dictionaries(
    {
        "quantity": st.integers(0, 500),
        "decision": st.sampled_from(["ALLOW", "BLOCK"]),
        "symbol": st.sampled_from(["AAPL", "MSFT", "TSLA"]),
        "limit_price": st.decimals(Decimal(200), Decimal(240), places=2),
        "stop": st.decimals(Decimal(190), Decimal(230), places=2),
        "exposure": st.integers(0, 120_000),
        "power": st.integers(-10, 120_000),
        "entries": st.integers(0, 6),
        "is_enforced": st.booleans(),
        "age_minutes": st.integers(0, 90),
    }
)


def morning(drawn):
    """Return facts, proposal and tally of a drawn morning."""
    old = built.AS_OF - dt.timedelta(minutes=drawn["age_minutes"])
    facts = built.facts(
        is_enforced=drawn["is_enforced"], reconcile=Reading(value=built.reconcile(as_of=old))
    )
    proposal = built.proposal(
        symbol=drawn["symbol"], limit_price=drawn["limit_price"], stop=drawn["stop"],
        quantity=drawn["quantity"], decision=drawn["decision"], reason="limit-positions",
    )  # fmt: skip
    tally = built.tally(
        exposure_gross=Decimal(drawn["exposure"]),
        spending_power=Decimal(drawn["power"]),
        entries=drawn["entries"],
    )
    return facts, proposal, tally


def assert_never_looser(before, after):
    for old, new in zip(before.results, after.results, strict=True):
        assert (old.verdict, new.verdict) != ("BLOCK", "ALLOW"), (old, new)
    assert before.is_allowed or not after.is_allowed


@given(MORNINGS, TIGHTER)
def test_inv03_lower_limits_never_turn_a_block_into_an_allow(drawn, tighter):
    facts, proposal, tally = morning(drawn)
    loose = dataclasses.replace(facts, limits=built.limits(**LOOSE))
    tight = dataclasses.replace(facts, limits=built.limits(**(LOOSE | tighter)))

    assert_never_looser(one(loose, proposal, tally), one(tight, proposal, tally))


@given(MORNINGS, st.sets(st.sampled_from(sorted(REMOVALS)), min_size=1))
def test_inv02_inv03_missing_data_never_turns_a_block_into_an_allow(drawn, fields):
    facts, proposal, tally = morning(drawn)
    poorer = dataclasses.replace(facts, **{field: REMOVALS[field] for field in fields})

    assert not one(poorer, proposal, tally).is_allowed


@given(MORNINGS, st.integers(1, 90))
def test_inv03_older_reconciliation_never_turns_a_block_into_an_allow(drawn, minutes):
    facts, proposal, tally = morning(drawn)
    found = facts.reconcile.value
    older = found.model_copy(update={"as_of": found.as_of - dt.timedelta(minutes=minutes)})
    aged = dataclasses.replace(facts, reconcile=Reading(value=older))

    assert_never_looser(one(facts, proposal, tally), one(aged, proposal, tally))


@given(MORNINGS)
def test_inv03_one_more_gate_never_turns_a_block_into_an_allow(drawn):
    facts, proposal, tally = morning(drawn)
    never = SignalGate("never", ("gate-raised",), "?", lambda *_: 1 / 0)

    assert not one(facts, proposal, tally, (*GATES, never)).is_allowed


@given(MORNINGS, st.sets(st.sampled_from(sorted(REMOVALS))))
def test_gates_block_with_codes_they_declare(drawn, fields):
    facts, proposal, tally = morning(drawn)
    poorer = dataclasses.replace(facts, **{field: REMOVALS[field] for field in fields})
    declared = {gate.name: {*gate.codes, None} for gate in GATES}

    for bare in (proposal, Proposal(proposal.signal, None), Proposal(None, proposal.verdict)):
        results = one(poorer, bare, tally).results
        assert [each for each in results if each.code not in declared[each.gate]] == []


@given(st.lists(MORNINGS, max_size=6), st.integers(0, 60_000), st.integers(0, 5))
def test_inv08_approvals_together_stay_within_the_limits(mornings, gross_max, entries_max):
    proposals = [
        built.proposal(
            signal_id=f"{rank:064x}", rank=rank, symbol="ABCDEF"[rank - 1] * 3,
            quantity=drawn["quantity"], limit_price=drawn["limit_price"], stop=190,
        )
        for rank, drawn in enumerate(mornings, start=1)
    ]  # fmt: skip
    allowed = tuple(proposal.symbol for proposal in proposals)
    loose = {"risk_per_trade_usd_max": 99_999, "risk_per_trade_fraction_max": 1}
    limits = built.limits(
        exposure_gross_usd_max=gross_max, entries_per_session_max=entries_max, allowlist=allowed,
        price_collar_fraction_max="0.5", **loose,
    )  # fmt: skip

    judgments = judge(built.facts(limits=limits), proposals, built.tally())

    passed = [judgment.proposal for judgment in judgments if judgment.is_allowed]
    spent = sum(proposal.quantity * proposal.signal.limit_price for proposal in passed)
    assert len(passed) <= entries_max
    assert spent <= 92_000  # what may be spent
    assert not passed or 8_000 + spent <= min(gross_max, 100_000)
