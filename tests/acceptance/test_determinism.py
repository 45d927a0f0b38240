"""Same inputs, same bytes: in another folder, time zone, language and order of hashing."""

import shutil

import pytest

from quantcli.cli.init_desk import make_state
from tests.acceptance.made import FIRST, LAST, make_synthetic_desk
from tests.acceptance.typed import difference, spawned, tree, typed

ELSEWHERE = {"TZ": "Pacific/Auckland", "PYTHONHASHSEED": "7", "LC_ALL": "C"}


def test_the_same_replay_elsewhere_gives_the_same_tree(desks, tmp_path):
    desk = tmp_path / "a folder elsewhere" / "desk"
    make_synthetic_desk(desk)
    outcome = spawned(desk, "replay", "--from", FIRST, "--to", LAST, "-q", **ELSEWHERE)
    assert outcome.code == 0, outcome.err
    ours, theirs = tree(desk / "artifacts"), tree(desks.whole / "artifacts")
    assert difference(ours, theirs) == []
    assert len(ours) > 200


def test_views_are_the_same_however_the_replay_was_cut(desks, tmp_path):
    """The kept desk was replayed in two pieces, by two commands."""
    desk = tmp_path / "desk"
    make_synthetic_desk(desk)
    assert typed(desk, "replay", "--from", FIRST, "--to", LAST, "-q").code == 0
    assert difference(tree(desk / "views"), tree(desks.whole / "views")) == []
    assert difference(tree(desk / "artifacts"), tree(desks.whole / "artifacts")) == []


def test_a_replay_of_sealed_sessions_adds_nothing(whole):
    earlier = tree(whole, without=("state/lock", "exchange"))
    outcome = typed(whole, "replay", "--from", FIRST, "--to", LAST, "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.value["sessions"] == 0
    assert outcome.value["passed_over"] == 10
    assert difference(tree(whole, without=("state/lock", "exchange")), earlier) == []


@pytest.mark.data
def test_the_same_replay_of_real_bars_elsewhere(real_desks, tmp_path):
    desk = tmp_path / "elsewhere"
    untraded = shutil.ignore_patterns("artifacts", "views", "state", "book.sqlite3")
    shutil.copytree(real_desks.before, desk, ignore=untraded)
    make_state(desk)
    outcome = spawned(desk, "replay", "--from", FIRST, "--to", LAST, "-q", **ELSEWHERE)
    assert outcome.code == 0, outcome.err
    assert difference(tree(desk / "artifacts"), tree(real_desks.whole / "artifacts")) == []
