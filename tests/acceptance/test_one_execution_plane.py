"""Typed command by command against an exchange in another process: the bytes of replay.

Three sessions, the half day among them, go on from copies of desk and book.
"""

import shutil

import pytest

from tests.acceptance.typed import (
    AFTER_OPEN,
    CLOSE,
    HALF_DAY_CLOSE,
    OPEN,
    STEPS_OF,
    Served,
    advance,
    artifact,
    difference,
    spawned,
    tree,
    typed,
)  # fmt: skip

SESSIONS = (("2024-11-27", CLOSE), ("2024-11-29", HALF_DAY_CLOSE), ("2024-12-02", CLOSE))
DAYS = tuple(session for session, _ in SESSIONS)


def point_at(desk, url):
    """Write the exchange's address into desk.toml, as an operator would."""
    path = desk / "desk.toml"
    text = path.read_text()
    assert 'url = ""' in text
    path.write_text(text.replace('url = ""', f'url = "{url}"', 1))


def sessions_of(desk, days=DAYS):
    return {day: tree(desk / "artifacts" / day) for day in days}


def assert_same(ours, theirs):
    for day in ours:
        assert difference(ours[day], theirs[day]) == [], day
        assert len(ours[day]) > 15


def type_sessions(desk, type_one):
    for session, close in SESSIONS:
        for cycle in (OPEN, AFTER_OPEN, close):
            advance(desk, session, cycle)
            for words in type_one(cycle):
                outcome = typed(desk, *words)
                assert outcome.code == 0, (session, cycle, words, outcome.err)


def test_each_command_typed_over_http(before, desks):
    with Served(before) as exchange:
        point_at(before, exchange.url)
        type_sessions(before, lambda cycle: [(step,) for step in STEPS_OF[cycle]])
    assert_same(sessions_of(before), sessions_of(desks.whole))


def test_day_typed_over_http(before, desks):
    with Served(before) as exchange:
        point_at(before, exchange.url)
        type_sessions(before, lambda cycle: [("day",)])
    assert_same(sessions_of(before), sessions_of(desks.whole))


def test_each_command_typed_in_process(before, desks):
    type_sessions(before, lambda cycle: [(step,) for step in STEPS_OF[cycle]])
    assert_same(sessions_of(before), sessions_of(desks.whole))


def test_replay_over_http(before, desks):
    with Served(before) as exchange:
        words = ("replay", "--from", DAYS[0], "--to", DAYS[-1], "--url", exchange.url, "-q")
        assert spawned(before, *words).code == 0
    assert_same(sessions_of(before), sessions_of(desks.whole))


def test_a_cron_that_is_minutes_late_names_the_same_cycle(before, desks):
    """The instant differs, so the bytes do; the cycle's name and every decision do not."""
    advance(before, DAYS[0], "083200")
    for step in STEPS_OF[OPEN]:
        assert typed(before, step).code == 0
    for step, field in (("scan", "signals"), ("decide", "verdicts"), ("execute", "orders")):
        late = artifact(before, DAYS[0], OPEN, step)
        assert late["as_of"] == "2024-11-27T13:32:00Z"
        assert late[field] == artifact(desks.whole, DAYS[0], OPEN, step)[field]


@pytest.mark.data
def test_real_bars_typed_over_http(real_desks, tmp_path):
    desk = tmp_path / "desk"
    shutil.copytree(real_desks.before, desk)
    with Served(desk) as exchange:
        point_at(desk, exchange.url)
        type_sessions(desk, lambda cycle: [(step,) for step in STEPS_OF[cycle]])
    assert_same(sessions_of(desk), sessions_of(real_desks.whole))
