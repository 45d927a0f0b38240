"""INV-21: each signal ends in exactly one state, and the last word wins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantcli.contracts.envelope import Finding
from quantcli.contracts.reasons import REASONS, TERMINAL_STATES
from quantcli.core.terminal_states import counts_of, outcome_of, trails
from tests.core.day_facts import (
    SIGNAL_ID,
    decide,
    enforce,
    execute,
    gate,
    judgment,
    order,
    scan,
    signal,
    verdict,
)

GATES_OPEN = (gate("paused"), gate("halt"))


def ended(*, verdicts=(), judgments=(), orders=()):
    """Return the outcome of the one signal of a session."""
    decisions = [decide(*verdicts)] if verdicts else []
    enforcements = [enforce(*judgments)] if judgments else []
    (trail,) = trails([scan(signal())], decisions, enforcements, orders)
    return outcome_of(trail)


def codes(outcome):
    return [outcome.primary.code, *(finding.code for finding in outcome.further)]


# ---------------------------------------------------------------------------- by order


def test_filled_order_is_executed():
    outcome = ended(
        verdicts=[verdict()], judgments=[judgment(*GATES_OPEN)],
        orders=[order("FILLED", 30, average="99.5")],
    )  # fmt: skip

    assert outcome.state == "EXECUTED"
    assert codes(outcome) == ["filled"]
    assert (outcome.primary.observed, outcome.primary.limit) == ("30", "30")
    assert (outcome.quantity_ordered, outcome.quantity_filled) == (30, 30)
    assert outcome.average_price == 99.5


@pytest.mark.parametrize(
    ("state", "code", "rest"),
    [
        ("CANCELLED", "ttl-expired", "ttl-expired"),
        ("EXPIRED", None, "order-unfilled"),
        ("PARTIALLY_FILLED", None, "order-open"),
        ("UNKNOWN", None, "order-open"),
    ],
)
def test_any_filled_share_is_executed_and_the_rest_coded(state, code, rest):
    outcome = ended(orders=[order(state, 7, average="99", code=code)])

    assert outcome.state == "EXECUTED"
    assert codes(outcome) == ["filled-partly", rest]
    assert (outcome.primary.observed, outcome.primary.limit) == ("7", "30")


@pytest.mark.parametrize(
    ("state", "code", "ends", "primary"),
    [
        ("CANCELLED", "ttl-expired", "EXPIRED_UNFILLED", "ttl-expired"),
        ("CANCELLED", None, "EXPIRED_UNFILLED", "order-unfilled"),
        ("EXPIRED", "sent", "EXPIRED_UNFILLED", "order-unfilled"),
        ("EXPIRED", "intent-expired", "REJECTED_BY_GATE", "intent-expired"),
        ("EXPIRED", "halted", "REJECTED_BY_CIRCUIT_BREAKER", "halted"),
        ("REPLACED", None, "EXPIRED_UNFILLED", "order-unfilled"),
        ("REJECTED", "order-refused", "REJECTED_BY_BROKER", "order-refused"),
        ("REJECTED", "spending-power", "REJECTED_BY_BROKER", "order-refused"),
        ("REJECTED", None, "REJECTED_BY_BROKER", "order-refused"),
        ("CANCELLED", "filled", "EXPIRED_UNFILLED", "order-unfilled"),
    ],
)
def test_order_without_a_fill_ends_by_its_reason(state, code, ends, primary):
    outcome = ended(orders=[order(state, 0, code=code, message="said the broker")])

    assert (outcome.state, outcome.primary.code) == (ends, primary)
    assert outcome.primary.observed == "said the broker"
    assert code in {None, *codes(outcome)}
    assert outcome.average_price is None


@pytest.mark.parametrize(
    ("state", "code"),
    [("UNKNOWN", "outcome-unknown"), ("SUBMITTED", "order-open"), ("PENDING", "order-open")],
)
def test_order_that_may_still_be_filled_has_no_state(state, code):
    outcome = ended(orders=[order(state)])

    assert outcome.state is None
    assert codes(outcome) == [code]


def test_two_orders_of_one_signal_count_together():
    orders = [
        order("CANCELLED", 10, average="100", code="ttl-expired"),
        order("FILLED", 30, average="104", client_order_id="again", sequence=2),
    ]
    outcome = ended(orders=orders)

    assert codes(outcome) == ["filled-partly", "ttl-expired"]
    assert (outcome.quantity_filled, outcome.quantity_ordered) == (40, 60)
    assert outcome.average_price == 103


def test_average_price_is_known_or_absent():
    assert ended(orders=[order("CANCELLED", 1, average="99")]).average_price == 99
    assert ended(orders=[order("CANCELLED", 1)]).average_price is None


def test_only_entries_of_a_signal_count():
    stops = [
        order("REJECTED", purpose="stop", side="sell"),
        order("FILLED", 30, signal_id=None),
    ]
    assert codes(ended(orders=stops)) == ["step-missing"]


# ---------------------------------------------------------------------------- by gate


def test_first_blocking_gate_is_primary_and_the_others_follow():
    outcome = ended(
        verdicts=[verdict()],
        judgments=[
            judgment(
                gate("halt"), gate("paused", "paused", "fill-missing", "not paused"),
                gate("size", "size-zero", "0", "1"),
            )
        ],
    )  # fmt: skip

    assert outcome.state == "REJECTED_BY_CIRCUIT_BREAKER"
    assert codes(outcome) == ["paused", "size-zero"]
    assert (outcome.primary.observed, outcome.primary.limit) == ("fill-missing", "not paused")


@pytest.mark.parametrize("repeated", ["decision-block", "limit-gross-exposure"])
def test_gate_that_repeats_decide_gives_way_to_its_finding(repeated):
    blocked = verdict("BLOCK", "limit-gross-exposure")
    gates = (gate("decide-verdict", repeated, "BLOCK", "ALLOW"), gate("halt"))
    outcome = ended(verdicts=[blocked], judgments=[judgment(*gates, decided="BLOCK")])

    assert outcome.state == "REJECTED_BY_HEAT"
    assert outcome.primary == Finding(code="limit-gross-exposure", observed="11", limit="10")
    assert outcome.further == ()


def test_gate_that_repeats_decide_stands_when_decide_is_lost():
    outcome = ended(judgments=[judgment(gate("decide-verdict", "decision-block"))])

    assert (outcome.state, codes(outcome)) == ("REJECTED_BY_DECISION", ["decision-block"])


def test_gate_without_a_code_has_raised():
    silent = judgment(gate("size")).model_copy(update={"decision": "BLOCK"})
    nameless = judgment(gate("size", "x").model_copy(update={"code": None}))

    assert codes(ended(judgments=[silent])) == ["gate-raised"]
    assert codes(ended(judgments=[nameless])) == ["gate-raised"]
    assert ended(judgments=[silent]).state == "REJECTED_BY_GATE"


def test_decide_explains_a_signal_that_another_gate_stopped_too():
    blocked = verdict("BLOCK", "limit-positions")
    outcome = ended(verdicts=[blocked], judgments=[judgment(gate("halt", "halted"))])

    assert outcome.state == "REJECTED_BY_CIRCUIT_BREAKER"
    assert codes(outcome) == ["halted", "limit-positions"]


# ---------------------------------------------------------------------------- by a missing step


def test_missing_steps_are_named():
    assert ended().primary == Finding(code="step-missing", observed="decide")
    allowed = ended(verdicts=[verdict()])
    assert allowed.primary == Finding(code="step-missing", observed="enforce")
    approved = ended(verdicts=[verdict()], judgments=[judgment(*GATES_OPEN)])
    assert approved.primary == Finding(code="step-missing", observed="execute")
    assert {ended().state, allowed.state, approved.state} == {"REJECTED_BY_GATE"}


def test_decision_stands_when_enforce_never_ran():
    outcome = ended(verdicts=[verdict("BLOCK", "reentry-cooldown", findings=())])

    assert (outcome.state, codes(outcome)) == (
        "REJECTED_BY_DECISION", ["reentry-cooldown", "step-missing"]
    )  # fmt: skip


# ---------------------------------------------------------------------------- all together


def test_newest_word_on_a_repeated_signal_counts():
    again = signal(rank=4)
    found = trails(
        [scan(signal()), scan(again)],
        [decide(verdict("BLOCK")), decide(verdict())],
        [enforce(judgment(gate("halt", "halted"))), enforce(judgment(gate("size", "size-zero")))],
        [],
    )
    assert len(found) == 1
    assert outcome_of(found[0]).state == "REJECTED_BY_SIZING"
    assert outcome_of(found[0]).rank == 1


def test_signals_survive_a_lost_scan():
    other = "b" * 64
    found = trails(
        [], [decide(verdict(rank=3))], [],
        [order("FILLED", 30, average="1", signal_id=other, symbol="AMD")],
    )  # fmt: skip
    outcomes = [outcome_of(trail) for trail in found]

    assert [(o.rank, o.symbol, o.state) for o in outcomes] == [
        (0, "AMD", "EXECUTED"), (3, "NVDA", "REJECTED_BY_GATE")
    ]  # fmt: skip


def test_signal_named_by_enforce_alone_is_known():
    (trail,) = trails([], [], [enforce(judgment(gate("halt", "halted"), rank=5))], [])

    assert outcome_of(trail).rank == 5


def test_counts_follow_the_vocabulary():
    executed = ended(orders=[order("FILLED", 30, average="1")])
    unfilled = ended(orders=[order("EXPIRED")])
    missing = ended()
    open_still = ended(orders=[order("SUBMITTED")])

    assert list(counts_of([missing, unfilled, executed, missing, open_still]).items()) == [
        ("EXECUTED", 1), ("REJECTED_BY_GATE", 2), ("EXPIRED_UNFILLED", 1)
    ]  # fmt: skip


ORDERS = st.sampled_from([
    "PENDING", "SUBMITTED", "PARTIALLY_FILLED", "FILLED", "PENDING_CANCEL", "CANCELLED",
    "REJECTED", "EXPIRED", "REPLACED", "UNKNOWN",
])  # fmt: skip
FINAL = {"FILLED", "CANCELLED", "REJECTED", "EXPIRED", "REPLACED"}


@given(
    has_scan=st.booleans(),
    decided=st.sampled_from([None, "ALLOW", "BLOCK"]),
    reason=st.sampled_from(sorted(REASONS)),
    gated=st.lists(st.sampled_from([None, *sorted(REASONS)]), max_size=4),
    has_enforce=st.booleans(),
    placed=st.none() | st.tuples(ORDERS, st.integers(0, 30), st.sampled_from(sorted(REASONS))),
)
def test_inv21_every_signal_ends_exactly_once(
    has_scan, decided, reason, gated, has_enforce, placed
):
    orders = []
    if placed is not None:
        state, filled, code = placed
        orders = [order(state, filled, average="100" if filled else None, code=code)]
    gates = [gate(f"g{n}", code) for n, code in enumerate(gated)]
    found = trails(
        [scan(signal())] if has_scan else [],
        [decide(verdict(decided, reason))] if decided else [],
        [enforce(judgment(*gates))] if has_enforce else [],
        orders,
    )
    named = has_scan or decided or has_enforce or orders
    assert [trail.signal_id for trail in found] == ([SIGNAL_ID] if named else [])
    for outcome in map(outcome_of, found):
        is_final = placed is None or placed[0] in FINAL or placed[1] > 0
        assert (outcome.state in TERMINAL_STATES) == is_final
        assert (outcome.state == "EXECUTED") >= (outcome.quantity_filled > 0)
        assert len({outcome.primary, *outcome.further}) == 1 + len(outcome.further)


# ------------------------------------------------------------------ withheld at sending


def ended_after(*withheld, code="intent-expired"):
    """Return the outcome of an order that was never sent, held back for these reasons in turn."""
    never = order("EXPIRED", code=code)
    name = never.intent.client_order_id
    passes = [execute(withheld=[Finding(code=each, observed=name)]) for each in withheld]
    stranger = execute(withheld=[Finding(code="halted", observed="another-order")])
    (trail,) = trails([scan(signal())], [], [], [never], [stranger, *passes])
    return outcome_of(trail)


@pytest.mark.parametrize("code", ["halted", "paused"])
def test_what_a_halt_or_pause_kept_from_being_sent_ended_by_the_circuit_breaker(code):
    outcome = ended_after(code)
    assert outcome.state == "REJECTED_BY_CIRCUIT_BREAKER"
    assert codes(outcome) == [code, "intent-expired"]


def test_the_newest_reason_is_the_primary_one():
    assert codes(ended_after("halted", "halted", "paused")) == [
        "paused",
        "halted",
        "intent-expired",
    ]


def test_a_reason_that_ends_nothing_leaves_the_expiry():
    assert codes(ended_after("position-quantity")) == ["intent-expired"]


def test_what_was_sent_after_all_ends_by_itself():
    assert codes(ended_after("halted", code="ttl-expired")) == ["ttl-expired"]
