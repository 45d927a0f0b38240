"""An answer must be an answer to the question: symbols, times, order, completeness."""

import datetime as dt

import pytest

from quantcli.shell.fetch.answers import Ask, Bar, Fault, Page, SourceFailed, midnight
from quantcli.shell.fetch.judge import judged

DAYS = [midnight(dt.date(2024, 12, day)) for day in (2, 3, 4, 5)]
ASK = Ask("1Day", ("AAA", "BBB"), DAYS[0], DAYS[2])
OPENS = dt.datetime(2024, 12, 2, 14, 30, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
MINUTES = Ask("1Min", ("AAA",), OPENS, OPENS + 5 * MINUTE)


def bars(*times, close=10.0):
    return [Bar(at, close, close, close, close, 1.0) for at in times]


def page(aaa, bbb=(), faults=(), drift=()):
    rows = {"AAA": bars(*aaa), **({"BBB": bars(*bbb)} if bbb else {})}
    return Page(rows, dict(faults), "", tuple(drift))


def fault(*pages, ask=ASK):
    return judged(ask, pages).faults.get("AAA")


def test_pages_are_put_together_in_their_order():
    found = judged(ASK, [page(DAYS[:2], drift=["x"]), page(DAYS[2:3], DAYS[:1], drift=["q"])])

    assert [bar.at for bar in found.bars["AAA"]] == DAYS[:3]
    assert [bar.at for bar in found.bars["BBB"]] == DAYS[:1]
    assert (found.faults, found.drift, found.dropped) == ({}, ("q", "x"), 0)


def test_bars_of_another_symbol_make_all_of_it_doubtful():
    strange = Page({"AAA": bars(DAYS[0]), "ZZZ": bars(DAYS[0])}, {}, "", ())

    with pytest.raises(SourceFailed) as caught:
        judged(ASK, [page(DAYS[:1]), strange])
    assert caught.value.fault == ("answer-foreign", "bars of ZZZ")


def test_the_bar_of_a_session_that_is_running_is_dropped():
    found = judged(ASK, [page(DAYS, DAYS[:1])])

    assert ([bar.at for bar in found.bars["AAA"]], found.dropped) == (DAYS[:3], 1)


@pytest.mark.parametrize(
    ("pages", "code"),
    [
        ([page([DAYS[0], DAYS[0]])], "answer-duplicate"),
        ([page([DAYS[0], DAYS[1]]), page([DAYS[1]])], "answer-duplicate"),
        ([page([DAYS[1], DAYS[0]])], "answer-unsorted"),
        ([page([DAYS[1]]), page([DAYS[0]])], "answer-unsorted"),
        ([page([DAYS[0] - dt.timedelta(days=3), DAYS[0]])], "answer-outside-range"),
        ([page([DAYS[0] + dt.timedelta(hours=1)])], "answer-malformed"),
    ],
)
def test_times_that_cannot_be_leave_out_the_symbol(pages, code):
    found = judged(ASK, [*pages, page((), DAYS[:1])])

    assert found.faults["AAA"].code == code
    assert (found.bars["AAA"], len(found.bars["BBB"])) == ([], 1)


def test_what_a_page_found_wrong_stays_wrong():
    told = Fault("answer-malformed", "field missing: c")

    assert fault(page(DAYS[:1], faults=[("AAA", told)]), page(DAYS[1:2])) == told


def test_minutes_begin_on_the_minute_at_any_hour():
    assert fault(page([OPENS, OPENS + MINUTE]), ask=MINUTES) is None
    found = fault(page([OPENS + MINUTE / 2]), ask=MINUTES)
    assert found == (
        "answer-malformed",
        "2024-12-02T14:30:30Z is no time at which such a bar begins",
    )


def test_a_year_that_no_calendar_knows():
    ask = ASK._replace(first=dt.datetime(1800, 1, 1, tzinfo=dt.UTC))

    assert fault(page([dt.datetime(1800, 1, 2, 5, tzinfo=dt.UTC)]), ask=ask).code == (
        "answer-malformed"
    )
