"""Opens, closes, half days, clock changes: what time does to orders."""

import pytest

from quantcli.contracts.scalars import instant
from tests.exchange.market import customer


def states(someone, booked, *instants):
    """Return the order's state at each instant."""
    seen = []
    for text in instants:
        someone.to(text)
        seen.append(someone.order(booked)["status"])
    return seen


def test_queued_order_goes_live_at_the_open(queued):
    booked = queued.send("XYZ", 1, "buy", "limit", "50", tif="gtc")

    assert booked["status"] == "accepted"
    assert states(queued, booked, "2024-11-26T14:29:59.999999Z", "2024-11-26T14:30:00Z") == [
        "accepted", "new",
    ]  # fmt: skip
    assert queued.order(booked)["updated_at"] == "2024-11-26T14:30:00Z"


def test_day_order_ends_after_the_closing_print(holder):
    late = holder.send("XYZ", 10, "sell", "stop", "50")

    assert states(holder, late, "2024-11-26T20:59:59.5Z", "2024-11-26T21:00:00Z") == [
        "new", "expired",
    ]  # fmt: skip
    assert holder.order(late)["expired_at"] == "2024-11-26T21:00:00Z"


def test_closing_print_still_fills_a_day_order(queued):
    queued.to("2024-11-26T20:00:00Z")
    queued.send("XYZ", 1, "buy", "limit", "104")  # from 106 down to 102
    queued.to("2024-11-26T21:00:00Z")

    assert queued.fills() == [("2024-11-26T21:00:00Z", "buy", "1", "104")]


def test_day_order_of_the_evening_lives_through_the_next_session(queued):
    queued.to("2024-11-26T21:00:00Z")
    booked = queued.send("XYZ", 1, "buy", "limit", "50")

    assert (booked["status"], booked["expires_at"]) == ("accepted", "2024-11-27T21:00:00Z")
    assert states(queued, booked, "2024-11-27T20:59:59Z", "2024-11-27T21:00:00Z") == [
        "new", "expired",
    ]  # fmt: skip


def test_gtc_order_stays_until_it_fills(queued):
    booked = queued.send("XYZ", 1, "buy", "limit", "90.5", tif="gtc")

    assert states(queued, booked, "2024-11-26T22:00:00Z", "2024-11-27T16:39:00Z") == ["new", "new"]
    queued.to("2024-11-27T16:40:00Z")
    assert queued.fills() == [("2024-11-27T16:40:00Z", "buy", "1", "90.5")]


def test_half_day_prints_in_thirds_of_its_own_length(queued):
    """Friday after Thanksgiving: 14:30 to 18:00 UTC; thirds of 210 minutes are 70 minutes."""
    queued.to("2024-11-29T13:00:00Z")
    queued.send("XYZ", 1, "buy", "limit", "93")
    queued.send("XYZ", 2, "buy", "stop", "98")
    day = queued.send("XYZ", 1, "buy", "limit", "10")
    queued.to("2024-11-29T18:00:00Z")

    assert queued.fills() == [
        ("2024-11-29T15:40:00Z", "buy", "1", "93"),
        ("2024-11-29T16:50:00Z", "buy", "2", "98"),
    ]
    assert queued.order(day)["expired_at"] == "2024-11-29T18:00:00Z"


@pytest.mark.parametrize(
    ("session", "low_at"),
    [
        ("2024-03-08", "2024-03-08T16:40:00Z"),  # winter time: opens 14:30 UTC
        ("2024-03-11", "2024-03-11T15:40:00Z"),  # clocks went forward: opens 13:30 UTC
        ("2024-11-01", "2024-11-01T15:40:00Z"),
        ("2024-11-04", "2024-11-04T16:40:00Z"),  # and back
    ],
)
def test_prints_follow_new_york_through_clock_changes(session, low_at):
    someone = customer(
        {session: {"XYZ": (10, 12, 8, 11)}}, opening_at=instant(f"{session}T12:00:00Z")
    )
    someone.send("XYZ", 1, "buy", "limit", "8")
    someone.to(f"{session}T22:00:00Z")

    assert someone.fills() == [(low_at, "buy", "1", "8")]


def test_missing_bar_means_no_prints_and_the_order_expires(queued):
    queued.to("2024-11-26T22:00:00Z")
    del queued.exchange._market.bars.rows[instant("2024-11-27T00:00:00Z").date()]["ABC"]
    market_order = queued.send("ABC", 1, "buy")
    queued.to("2024-11-27T15:00:00Z")
    at_noon = queued.send("ABC", 1, "buy")  # nothing has traded today: it waits
    queued.to("2024-11-27T22:00:00Z")

    assert [queued.order(each)["status"] for each in (market_order, at_noon)] == ["expired"] * 2
    assert queued.fills() == []


def test_clock_never_goes_back(queued):
    queued.to("2024-11-26T15:00:00Z")

    with pytest.raises(ValueError, match="never goes back"):
        queued.to("2024-11-26T14:59:59Z")
    assert queued.ask("POST", "/_sim/clock", body={"to": "2024-11-26T14:59:59Z"})[0] == 422
    assert queued.get("/_sim/clock") == {"timestamp": "2024-11-26T15:00:00Z"}


@pytest.mark.parametrize("body", [{}, {"to": 5}, {"to": "soon"}, {"to": "2024-11-26T15:00:00"}])
def test_clock_wants_an_instant(queued, body):
    assert queued.ask("POST", "/_sim/clock", body=body)[0] == 422


def test_clock_moves_over_the_wire(queued):
    queued.send("XYZ", 1, "buy", "limit", "101")
    queued.send("ABC", 1, "buy", "limit", "1")

    status, summary = queued.ask("POST", "/_sim/clock", body={"to": "2024-11-27T00:00:00+00:00"})

    assert (status, summary["timestamp"]) == (200, "2024-11-27T00:00:00Z")
    assert (summary["sessions"], summary["fills"], summary["expired"]) == (1, 1, 1)


def test_sessions_beyond_the_bars_are_counted(queued):
    summary = queued.to("2024-12-04T22:00:00Z")

    assert (summary.sessions, summary.sessions_closed, summary.sessions_without_bars) == (6, 6, 2)


@pytest.mark.parametrize(
    ("at", "is_open", "next_open", "next_close"),
    [
        ("2024-11-26T14:29:59Z", False, "2024-11-26T09:30:00-05:00", "2024-11-26T16:00:00-05:00"),
        ("2024-11-26T14:30:00Z", True, "2024-11-27T09:30:00-05:00", "2024-11-26T16:00:00-05:00"),
        # Thanksgiving: both on the half day after it
        ("2024-11-27T21:00:00Z", False, "2024-11-29T09:30:00-05:00", "2024-11-29T13:00:00-05:00"),
        ("2024-11-29T17:59:59Z", True, "2024-12-02T09:30:00-05:00", "2024-11-29T13:00:00-05:00"),
    ],
)
def test_clock_tells_open_and_close(queued, at, is_open, next_open, next_close):
    queued.to(at)

    clock = queued.get("/v2/clock")
    assert (clock["is_open"], clock["next_open"], clock["next_close"]) == (
        is_open, next_open, next_close,
    )  # fmt: skip
    assert instant(clock["timestamp"]) == instant(at)


def test_years_pass_quickly_over_an_empty_account(market):
    someone = customer(market, opening_at=instant("2007-01-03T00:00:00Z"))
    reads = []
    row = someone.exchange._market.bars.session_row
    someone.exchange._market.bars.session_row = lambda day: reads.append(day) or row(day)

    someone.to("2024-11-26T15:00:00Z")

    assert len(reads) < 20
    assert someone.get("/v2/account")["last_equity"] == "100000"
    assert someone.send("XYZ", 1, "buy")["status"] == "new"
    assert someone.position("XYZ")["current_price"] == "100"
