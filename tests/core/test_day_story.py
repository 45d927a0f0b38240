"""The session in sentences, and what is left to do after it."""

from decimal import Decimal

import pytest

from quantcli.contracts.envelope import Finding
from quantcli.contracts.journal_rows import AdoptRow, ExposedRow, FillRow, FlagRow
from quantcli.contracts.reconciliation import Halted
from quantcli.core.day_story import day_story
from quantcli.core.evidence import Written
from quantcli.core.left_to_do import left_to_do
from quantcli.core.step_story import flag_sentence
from tests.core.day_facts import (
    CLOSE,
    MORNING,
    OPEN,
    damaged,
    difference,
    enforce,
    evidence,
    execute,
    exits,
    reconcile,
    review,
    scan,
    snapshot,
)
from tests.core.made_orders import fill, intent, order, row

CLEAN = (reconcile(), snapshot())
STOP = intent("NVDA", "stop")


def told(*artifacts, **more):
    """Return (cycle, step, sentence, is trouble) of a day."""
    found = day_story(evidence(*artifacts, **more))
    return [(each.cycle, each.step, each.text, each.is_trouble) for each in found]


def texts(*artifacts, **more):
    return [text for _, _, text, _ in told(*artifacts, **more)]


def bare(symbol="NVDA", uncovered=2, quantity=2):
    return ExposedRow(
        symbol=symbol, quantity=quantity, covered_by=(), uncovered=uncovered, unprotected_seconds=0
    )


def covered(certificate, *reviews, **more):
    """Return a pass of `exits` with this certificate."""
    return exits(*reviews, **more).model_copy(update={"certificate": certificate})


def flag(name="paused", is_set=True, by="reconcile", reasons=("cash-difference",)):
    return FlagRow(name=name, is_set=is_set, reasons=reasons, by=by)


def test_a_day_without_anything_has_no_story_and_nothing_to_do():
    day = evidence(*CLEAN)
    assert day_story(day) == ()
    assert left_to_do(day) == ()


def test_sentences_come_in_the_order_in_which_things_happened():
    record = order("PENDING", of=STOP, broker_order_id=None)
    sent = [
        Written(OPEN, "exits", row(record, "UNKNOWN", cause="send")),
        Written(
            OPEN,
            "exits",
            row(order("UNKNOWN", of=STOP), "SUBMITTED", broker_order_id="b", cause="send"),
        ),
    ]
    day = (
        reconcile(difference()), covered((bare(),), review(), cycle=OPEN),
        execute(cycle=OPEN, codes=("broker-unreachable",)),
    )  # fmt: skip
    expected = [(MORNING, ("reconcile",)), (OPEN, ("execute", "exits"))]
    paused = Written(MORNING, "reconcile", flag())
    found = told(*day, rows=(paused, *sent), orders=(record,), expected=expected)
    assert [(cycle, step) for cycle, step, _, _ in found] == [
        (MORNING, "reconcile"), (MORNING, "reconcile"), (OPEN, "execute"), (OPEN, "exits"),
        (OPEN, "exits"),
    ]  # fmt: skip
    assert [text for _, _, text, _ in found] == [
        (
            "Books and broker differ: the broker shows shares that we did not buy "
            "(position-foreign). "
            f"NVDA: ours {difference().ours or 'nothing'}, theirs {difference().theirs}."
        ),
        "No purchase from now on, PAUSED: cash differs.",
        "The broker left something unanswered (broker-unreachable).",
        "Placed the stop under 10 NVDA at 95.00.",
        "2 NVDA had no stop when this pass ended.",
    ]


def test_shares_that_are_covered_again_are_told_with_since_when():
    day = (
        covered((bare(), bare("AMD")), cycle=MORNING),
        covered((bare(), bare("AMD", 0)), cycle=OPEN),
        covered((bare(uncovered=0),), cycle=CLOSE),
    )
    assert texts(*day)[2:] == [
        "2 NVDA had no stop when this pass ended.",
        "All 2 AMD are under a stop again; since 08:30 some had none.",
        "All 2 NVDA are under a stop again; since 08:30 some had none.",
    ]
    sold = (covered((bare(),), cycle=OPEN), exits(cycle=CLOSE))
    assert texts(*sold)[1:] == ["No share of NVDA is held any more."]


def test_many_breaks_of_a_kind_are_one_sentence():
    (text,) = texts(reconcile(*[difference(symbol=name) for name in ("A", "B", "C", "D", "E")]))
    assert text.count("; ") == 3
    assert text.endswith("; and 2 more.")


def test_what_was_withheld_is_named_with_the_reason():
    entry = intent("AMD")
    name = entry.client_order_id
    day = execute(withheld=(Finding(code="halted", observed=name),), codes=("halted",))
    assert told(day, orders=(order("PENDING", of=entry),)) == [
        (MORNING, "execute", ("Not sent: the purchase of 10 AMD at up to 100.00. The desk is "
         "halted (halted)."), True)
    ]  # fmt: skip
    stop = exits(cycle=OPEN).model_copy(
        update={"withheld": (Finding(code="halted", observed="NVDA"),)}
    )
    assert texts(stop) == ["Not sent: what NVDA needed. The desk is halted (halted)."]


def test_a_word_that_nobody_knows_is_not_lost_among_new_fields_and_nothing_is_told_twice():
    new = tuple(Finding(code="broker-field-unknown", observed=f"account.n{i}") for i in range(9))
    word = Finding(code="broker-status-unknown", observed="order.status = sideways")
    first = execute().model_copy(update={"drift": (*new, word)})
    again = exits(cycle=OPEN).model_copy(update={"drift": (*new[:1], word)})
    assert texts(first, again) == [
        "The broker's answers differ from what was agreed: order.status = sideways.",
        ("The broker sent 9 fields that nobody told us of, left unread: account.n0; account.n1; "
         "account.n2; and 6 more."),
    ]  # fmt: skip


def test_an_order_of_which_nothing_can_be_read_any_more_is_told_when_it_happens():
    record = order("SUBMITTED", of=STOP)
    lost = row(record, "UNKNOWN", 0, "b-1", cause="sync", code="outcome-unknown")
    (text,) = texts(execute(), rows=(Written(MORNING, "execute", lost),),
                    orders=(order("UNKNOWN", of=STOP),))  # fmt: skip
    assert text.startswith("What the broker said of the stop under ")
    assert "nobody knows whether it still stands" in text


def test_a_position_left_alone_says_why_unless_it_is_usual():
    day = exits(review("wait", code="position-missing"), review("wait", code="exit-working"))
    (text,) = texts(day)
    assert text.startswith("Nothing was done about ")
    assert text.endswith(" NVDA: we hold shares that the broker does not show.")


def test_blocked_enforcement_and_a_scan_in_doubt():
    assert texts(scan(codes=("bars-stale",)), enforce(codes=("paused", "reconcile-break"))) == [
        "The newest complete bar is older than the session before (bars-stale).",
        ("No purchase could be approved: reconciliation found a break and paused entries; the "
         "newest reconciliation found breaks."),
    ]  # fmt: skip


def test_steps_that_failed_are_named():
    expected = [(MORNING, ("scan", "decide")), (OPEN, ("execute",))]
    rows = (Written(MORNING, "decide", flag()),)
    found = told(damaged("scan"), rows=rows, expected=expected)
    assert [(step, text.split(":")[0]) for _, step, text, _ in found] == [
        ("scan", "Its artifact cannot be read"),
        ("decide", "It left no artifact"),
        ("decide", "No purchase from now on, PAUSED"),
        ("execute", "It left no artifact"),
    ]
    assert found[1][2].endswith("it began, and did not come to its end.")
    # A reconcile that the broker did not answer leaves as little as one that cron forgot.
    assert found[-1][2].endswith("or it failed; state/runs/2024-08-01.jsonl has it.")
    assert all(is_trouble for *_, is_trouble in found)


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (flag(), "No purchase from now on, PAUSED: cash differs."),
        (flag(is_set=False, reasons=()), "Books and broker agree again: PAUSED is over."),
        (flag("halt-entries", by="invariant", reasons=("order-differs",)),
         ("Purchases are HALTED until an operator resumes: an order at the broker differs from its "
         "intent.")),
        (flag(is_set=False, by="operator", reasons=("looked at it",)),
         "An operator resumed: looked at it."),
    ],
)  # fmt: skip
def test_flags(row, text):
    assert flag_sentence(row).text == text


def test_the_end_of_a_halt_is_told_once():
    assert flag_sentence(flag("halt-entries", is_set=False, by="operator")) is None


def test_a_halt_that_stands_is_told_once_and_an_adoption_with_its_reason():
    halt = Halted(entries=True, all=False, reason="earnings season")
    day = [reconcile(halt=halt, cycle=cycle) for cycle in (MORNING, CLOSE)]
    taken = AdoptRow(break_id="b" * 64, code="fill-foreign", subject="f-7", reason="mine")
    assert texts(*day, rows=(Written(MORNING, "adopt", taken),)) == [
        "Purchases are halted: earnings season.",
        ("An operator took f-7 into the books (the broker shows a fill of an order that is not "
        "ours): mine."),
    ]  # fmt: skip


def test_fills_without_a_change_of_the_order_are_told_and_missing_ones_too():
    entry = intent("NVDA")
    record = order("SUBMITTED", of=entry)
    change = row(record, "FILLED", 10, "b-1")
    booked = FillRow(fill=fill(10, 99, symbol="NVDA", of=entry))
    later = (Written(OPEN, "execute", change), Written(CLOSE, "exits", booked))
    known = (order("FILLED", of=entry, cumulative=10),)
    day = evidence(execute(cycle=OPEN), exits(cycle=CLOSE), rows=later, orders=known)
    assert [each.text for each in day_story(day)] == [
        ("The broker's order tells of 10 NVDA that its list of fills does not show yet: they are "
        "not booked."),
        "Bought 10 NVDA at 99.00 (09:30:00).",
    ]  # fmt: skip


def test_what_is_left_to_do_names_its_subject_and_its_page():
    flags = {"halt-entries": flag("halt-entries", by="invariant", reasons=("order-differs",))}
    day = evidence(
        reconcile(difference(), paused=("position-foreign",), cycle=CLOSE),
        covered((bare(),), cycle=CLOSE),
        snapshot(),
        damaged("scan"),
        orders=(order("UNKNOWN", of=intent("AMD")),),
        flags=flags,
    )
    assert left_to_do(day) == (
        "Protect 2 NVDA: run quantcli exits; see runbook/uncovered-share.md.",
        (
            "Find out whether the purchase of 10 AMD at up to 100.00 is at the broker: run "
            "quantcli execute, then exits; see runbook/unknown-order.md."
        ),
        (
            "Explain 1 difference between books and broker, found at 16:05: see runbook/paused.md. "
            "Purchases wait until a reconciliation is clean."
        ),
        "See to 20 NVDA at the broker: the desk places no stop under shares that it did not buy.",
        (
            "End the halt when its cause is gone (an order at the broker differs from its intent): "
            "quantcli resume --reason TEXT; see runbook/halt.md."
        ),
        f"See to {damaged('scan').path} (artifact-tampered): runbook/damaged-artifact.md.",
    )


def test_shares_that_we_did_not_buy_are_left_to_whoever_reads():
    short = difference(symbol="AMD").model_copy(update={"theirs": "-2"})
    other = difference("position-quantity", "TSLA")
    day = evidence(reconcile(difference(), short, other))
    assert [line for line in left_to_do(day) if "stop" in line] == [
        "See to 20 NVDA at the broker: the desk places no stop under shares that it did not buy."
    ]


def test_other_reasons_against_new_risk_come_with_their_remedy():
    assert left_to_do(evidence(snapshot())) == (
        "Before anything is bought (no reconciliation in this session): run quantcli reconcile.",
    )


def test_questions_for_people():
    gone = order("CANCELLED", of=STOP)
    report = execute(cycle=OPEN).model_copy(
        update={"orders": (order_report_of(gone, "stop-cancelled"),)}
    )
    late = FillRow(fill=fill(3, 99, symbol="NVDA", of=STOP), is_late=True)
    day = evidence(*CLEAN, report, rows=(Written(OPEN, "execute", late),))
    assert left_to_do(day) == (
        "Find out who cancelled a stop of NVDA at the broker.",
        "Ask the broker about the late fill in NVDA.",
    )


def order_report_of(record, code):
    from quantcli.core.order_reports import order_report

    return order_report(record, "cancelled", code)


def test_quantities_are_plain():
    day = covered((bare(uncovered=Decimal("2.000000")),), cycle=OPEN)
    assert texts(day) == ["2 NVDA had no stop when this pass ended."]
