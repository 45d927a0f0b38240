"""`why`: the story of a trade and of a non-trade."""

import pytest

from quantcli.contracts.envelope import Finding
from quantcli.core.story import story_of
from tests.core.day_facts import (
    CLOSE,
    OPEN,
    damaged,
    decide,
    difference,
    enforce,
    evidence,
    execute,
    exits,
    fill,
    gate,
    held,
    judgment,
    order,
    order_report,
    reconcile,
    review,
    scan,
    signal,
    skip,
    snapshot,
    verdict,
)
from tests.core.test_trades import FREE, book_of, trades_of


def lines(story):
    return [f"{event.step}: {event.what}" for event in story.events]


def test_trade_is_told_from_signal_to_close():
    fills = (fill(1, "buy", 30, "99"), fill(2, "sell", 30, "97"))
    closed = trades_of(book_of(fills, FREE).matches, {}, {"x2"})
    sold = order_report(
        client_order_id="stop-order", purpose="stop", side="sell", action="updated",
        state="FILLED", cumulative_quantity=30, average_price="97", code="sold",
    )  # fmt: skip
    story = story_of(
        evidence(
            reconcile(),
            scan(signal(), skipped=(skip(),)),
            decide(verdict()),
            enforce(judgment(gate("halt", None, "no halt", "no halt"))),
            execute(order_report(action="updated", state="FILLED", cumulative_quantity=30,
                                 average_price="99", code="filled"), fills=fills[:1], cycle=OPEN),
            exits(review(findings=(Finding(code="stop-kept", observed="95", limit="94"),)),
                  orders=(sold,), fills=fills[1:]),
            snapshot(trades_closed=closed, positions=(held(stop_price=None),)),
            orders=(order("FILLED", 30, average="99"),),
        ),
        "NVDA",
    )  # fmt: skip

    assert lines(story) == [
        (
            "scan: signal of avwap, rank 1: buy up to 100.00, stop 95.00, anchor month-start of "
            "2024-07-01, triggering bar 2024-07-31"
        ),
        "decide: ALLOW 30 shares up to 100.00, stop 95.00: 3000.00 USD, 150.00 at risk",
        "decide: every portfolio limit allows the entry",
        "enforce: ALLOW by 1 gates",
        "enforce: gate halt: ALLOW",
        "execute: entry order updated: buy 30, FILLED, 30 filled at 99.00 (buy-order)",
        "execute: fill: buy 30 at 99.00, 2024-08-01T13:31:00Z",
        "exits: review: place, 30 shares, price 101.00 (broker), stop none -> 95.00",
        "exits: the stop stands where it is",
        "exits: stop order updated: sell 30, FILLED, 30 filled at 97.00 (stop-order)",
        "exits: fill: sell 30 at 97.00, 2024-08-01T13:32:00Z",
        "exits: 30 of 30 shares covered at the end of this pass",
        (
            "snapshot: trade closed by foreign: 30 shares, 99.00 -> 97.00, -60.00 USD net of "
            "estimated fees"
        ),
        ("snapshot: held: 20 shares at 100.00, mark 103.00 (bar), stop none, unrealised 60.00 USD"),
    ]
    assert story.summary() == (
        "NVDA (avwap, rank 1) ended as EXECUTED: shares were bought "
        "[filled, observed 30, limit 30]."
    )


def test_non_trade_is_told_by_its_skip():
    story = story_of(evidence(scan(skipped=(skip(),))), "AMD")

    assert story.summary() == "AMD gave no signal: neither trend tier holds."
    (event,) = story.events
    assert (event.code, event.observed, event.limit) == ("trend-too-weak", "0.2", "0.5")


def test_blocked_signal_is_told_with_its_limit():
    gates = (gate("decide-verdict", "limit-positions", "BLOCK", "ALLOW"),)
    story = story_of(
        evidence(
            scan(signal()),
            decide(verdict("BLOCK")),
            enforce(judgment(*gates, decided="BLOCK", enforced=False)),
        ),
        "NVDA",
    )
    assert "decide: BLOCK: the number of open positions is at its limit" in lines(story)
    assert "enforce: BLOCK by 1 gates, decide's verdict not enforced" in lines(story)
    assert story.summary().endswith("[limit-positions, observed 11, limit 10].")


def test_finding_without_figures_adds_no_line():
    bare = verdict(findings=(Finding(code="within-limits"),))

    assert len(story_of(evidence(decide(bare)), "NVDA").events) == 1


def test_symbol_outside_the_universe_was_not_scanned():
    story = story_of(evidence(scan()), "ZZZ")

    assert story.summary() == "ZZZ was not scanned: it is not in the universe."
    assert lines(story) == ["scan: not in the universe of this scan"]


def test_scan_that_blocked_everything_says_so():
    story = story_of(evidence(scan(codes=("bars-stale",))), "AMD")

    assert "the scan blocked new risk" in story.events[0].what
    assert story.summary().startswith("AMD gave no signal: the newest complete bar is older")


def test_symbol_that_nobody_names_has_no_story():
    story = story_of(evidence(execute()), "NVDA")

    assert story.events == ()
    assert story.summary() == "NVDA: nothing was said about a signal in this session."


def test_damaged_step_is_part_of_the_story():
    story = story_of(evidence(damaged("scan"), decide(verdict())), "NVDA")

    assert lines(story)[0].startswith("scan: the artifact cannot be read: 2024-08-01/083000/")
    assert story.events[0].code == "artifact-tampered"
    assert "step-missing" in story.summary()


def test_open_signal_and_breaks_are_told():
    story = story_of(
        evidence(
            scan(signal()), reconcile(difference(), difference("fill-missing", "AMD"), cycle=CLOSE),
            orders=(order("UNKNOWN"),),
        ),
        "NVDA",
    )  # fmt: skip
    assert "ended as still open" in story.summary()
    event = story.events[-1]
    assert (event.code, event.observed, event.limit) == (
        "position-foreign", "ours nothing", "theirs 20"
    )  # fmt: skip


def test_uncovered_and_priceless_reviews_are_told():
    pending = review("wait", price=None, price_source="none", stop_before="95", stop_after=None)
    story = story_of(evidence(exits(pending, uncovered=10)), "NVDA")

    assert lines(story) == [
        "exits: review: wait, 30 shares, no price (none), stop 95.00 -> none",
        "exits: 20 of 30 shares covered at the end of this pass",
    ]
    assert story.events[-1].code == "share-uncovered"


@pytest.mark.parametrize("symbol", ["AMD", "NVDA"])
def test_story_is_a_json_value(symbol):
    from quantcli.contracts.canonical import canonical_bytes

    artifacts = (
        scan(signal(), skipped=(skip(),)),
        exits(review(symbol="T"), orders=(order_report(symbol="T"),),
              fills=(fill(9, "buy", 1, "5", symbol="T"),)),
        snapshot(positions=(held(symbol="T"),),
                 trades_closed=trades_of(book_of([fill(1, "buy", 1, "5", symbol="T"),
                                                  fill(2, "sell", 1, "6", symbol="T")],
                                                 FREE).matches, {}, {"x2"})),
        decide(verdict(symbol="T", signal_id="7" * 64)),
        damaged("report", cycle=CLOSE),
    )  # fmt: skip
    value = story_of(evidence(*artifacts), symbol).as_json()

    assert value["symbol"] == symbol
    assert canonical_bytes(value)
    assert all("T:" not in event["what"] for event in value["events"])


def test_report_of_an_earlier_cycle_tells_nothing_new():
    from quantcli.contracts.report import Report
    from quantcli.core.report_model import report_fields
    from tests.core.day_facts import stamp

    day = evidence(scan())
    earlier = Report(
        **Report.header(stamp(OPEN), (), 0), **report_fields(day, "local"), previous_seal=None
    )
    assert story_of(evidence(earlier), "NVDA").events == ()
