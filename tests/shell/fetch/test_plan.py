"""What is asked for: from the newest bar held to the newest complete one, and nothing twice."""

import datetime as dt

import pytest

from quantcli.contracts.scalars import instant, instant_text
from quantcli.shell.catalog import Shelf
from quantcli.shell.fetch.answers import midnight
from quantcli.shell.fetch.plan import asks_of, target_of, wants_of
from quantcli.shell.fetch.record import FetchEntry
from quantcli.shell.fetch.stored import Held

RAW, SPLIT = Shelf("1Day", "iex", "raw"), Shelf("1Day", "iex", "split")
MINUTES, INDEX = Shelf("1Min", "iex", "raw"), Shelf("index", "iex", "none")
FRIDAY, MONDAY = dt.date(2024, 11, 29), dt.date(2024, 12, 2)  # a half day; closes 21:00Z
BEFORE_OPEN, RUNNING, CLOSED, SETTLED = (
    instant(f"2024-12-02T{at}Z") for at in ("12:15:00", "20:59:59", "21:00:00", "21:20:00")
)


@pytest.mark.parametrize(
    ("shelf", "as_of", "session", "last", "through"),
    [
        (RAW, BEFORE_OPEN, FRIDAY, "2024-11-29T05:00:00Z", "2024-11-29T18:00:00Z"),
        (INDEX, RUNNING, FRIDAY, "2024-11-29T05:00:00Z", "2024-11-29T18:00:00Z"),
        (RAW, CLOSED, MONDAY, "2024-12-02T05:00:00Z", "2024-12-02T21:00:00Z"),
        (MINUTES, BEFORE_OPEN, FRIDAY, "2024-11-29T17:59:00Z", "2024-11-29T18:00:00Z"),
        (MINUTES, instant("2024-12-02T14:30:59Z"), FRIDAY, "2024-11-29T17:59:00Z",
         "2024-11-29T18:00:00Z"),
        (MINUTES, instant("2024-12-02T14:31:00Z"), MONDAY, "2024-12-02T14:30:00Z",
         "2024-12-02T14:31:00Z"),
        (MINUTES, RUNNING, MONDAY, "2024-12-02T20:58:00Z", "2024-12-02T20:59:00Z"),
        (MINUTES, CLOSED, MONDAY, "2024-12-02T20:59:00Z", "2024-12-02T21:00:00Z"),
    ],
)  # fmt: skip
def test_the_newest_complete_bar(shelf, as_of, session, last, through):
    target = target_of(shelf, as_of)

    assert (target.session, instant_text(target.last)) == (session, last)
    assert instant_text(target.through) == through
    assert target.is_whole == (target.through in {CLOSED, instant("2024-11-29T18:00:00Z")})


def entry(shelf, as_of, last, **fields):
    usual = {"symbol": "AAA", "source": "alpaca", "as_of": as_of, "first": last, "last": last,
             "through": target_of(shelf, as_of).through}  # fmt: skip
    return FetchEntry(**shelf._asdict(), **{**usual, **fields})


def first_asked(shelf, as_of, newest=None, known=None, **options):
    """Return where AAA's bars are asked from; None if they are not."""
    held = {} if newest is None else {"AAA": Held(dt.date(2024, 1, 2), newest)}
    entries = {} if known is None else {"AAA": known}
    usual = {"history_sessions": 3}
    wants = wants_of(shelf, ["AAA"], held, entries, as_of, **{**usual, **options})
    return wants[0].first if wants else None


def test_with_nothing_held_the_history_is_asked_for():
    assert first_asked(RAW, BEFORE_OPEN) == midnight(dt.date(2024, 11, 26))
    assert first_asked(MINUTES, CLOSED) == instant("2024-11-27T14:30:00Z")
    held = {"AAA": Held(FRIDAY, None)}  # everything in quarantine
    (want,) = wants_of(RAW, ["AAA"], held, {}, BEFORE_OPEN, history_sessions=1)
    assert want == ("AAA", midnight(FRIDAY), midnight(FRIDAY))


def test_from_the_newest_bar_on():
    assert first_asked(RAW, CLOSED, midnight(FRIDAY)) == midnight(MONDAY)
    assert first_asked(INDEX, CLOSED, midnight(FRIDAY)) == midnight(MONDAY)
    newest = instant("2024-12-02T14:35:00Z")
    assert first_asked(MINUTES, RUNNING, newest) == instant("2024-12-02T14:36:00Z")


def test_adjusted_bars_are_asked_for_with_the_newest_once_more():
    assert first_asked(SPLIT, CLOSED, midnight(FRIDAY)) == midnight(FRIDAY)


@pytest.mark.parametrize("shelf", [RAW, SPLIT, INDEX])
def test_what_is_complete_is_not_asked_for(shelf):
    assert first_asked(shelf, BEFORE_OPEN, midnight(FRIDAY)) is None
    assert first_asked(shelf, BEFORE_OPEN, midnight(MONDAY)) is None  # ahead of the instant


def test_a_date_that_is_named_wins():
    assert first_asked(RAW, CLOSED, midnight(MONDAY), first=FRIDAY) == midnight(FRIDAY)
    assert first_asked(RAW, BEFORE_OPEN, first=MONDAY) is None


def test_a_bar_fetched_before_it_settled_is_fetched_once_more():
    early = entry(RAW, CLOSED, MONDAY)

    assert first_asked(RAW, CLOSED, midnight(MONDAY), early) is None
    assert first_asked(RAW, SETTLED, midnight(MONDAY), early) == midnight(MONDAY)
    late = entry(RAW, SETTLED, MONDAY)
    assert first_asked(RAW, instant("2024-12-03T12:15:00Z"), midnight(MONDAY), late) is None
    # Also when the next session is fetched.
    assert first_asked(RAW, instant("2024-12-03T21:30:00Z"), midnight(MONDAY), early) == (
        midnight(MONDAY)
    )


def test_minutes_without_a_trade_are_not_asked_for_again():
    newest = instant("2024-12-02T14:35:00Z")
    known = entry(MINUTES, RUNNING, MONDAY)

    assert first_asked(MINUTES, RUNNING, newest, known) is None
    assert first_asked(MINUTES, CLOSED, newest, known) == instant("2024-12-02T14:36:00Z")
    failed = entry(MINUTES, RUNNING, MONDAY, code="source-unreachable")
    assert first_asked(MINUTES, RUNNING, newest, failed) is not None
    # The record alone is no proof: the store may have been restored from before.
    older = instant("2024-11-29T17:00:00Z")
    assert first_asked(MINUTES, RUNNING, older, known) == instant("2024-11-29T17:01:00Z")


def test_symbols_with_the_same_range_share_a_question():
    held = {"AAA": Held(FRIDAY, midnight(FRIDAY)), "BBB": Held(FRIDAY, midnight(FRIDAY))}
    wants = wants_of(RAW, ["CCC", "BBB", "AAA", "AAA"], held, {}, CLOSED, history_sessions=2)

    asks = asks_of(RAW, wants, 100)
    assert [(ask.symbols, ask.first) for ask in asks] == [
        (("CCC",), midnight(FRIDAY)), (("AAA", "BBB"), midnight(MONDAY)),
    ]  # fmt: skip
    assert [ask.symbols for ask in asks_of(RAW, wants, 1)] == [("CCC",), ("AAA",), ("BBB",)]
