"""`decide` over the real store and journal: what it reads, what it counts, what it refuses."""

import datetime as dt
from decimal import Decimal

import pytest

from quantcli.contracts.canonical import canonical_bytes
from quantcli.contracts.corporate_actions import CorporateAction, split_of
from quantcli.contracts.snapshot import PositionHeld, RecentExit
from quantcli.core.readings import Reading
from quantcli.ports.journal import Place
from quantcli.steps.corporate_actions import follow
from quantcli.steps.decide import _scan_faults
from tests.core import gate_facts as built
from tests.steps import morning as made

D = Decimal


@pytest.fixture
def morning(tmp_path):
    return made.Morning(tmp_path).begin()


def verdicts(found):
    return [(each.symbol, each.decision, each.reason) for each in found.verdicts]


def held(symbol="MSFT", quantity=20, mark="400"):
    return PositionHeld(
        symbol=symbol, strategy="avwap", quantity=quantity, average_price="390", mark_price=mark,
        mark_source="bar", market_value=D(quantity) * D(mark), pnl_unrealised="200",
        stop_price=None, risk_at_stop="0", opened_session=made.PREVIOUS, entry_signal_id=None,
    )  # fmt: skip


def test_good_morning_gives_an_allow_sized_by_risk(morning):
    found = morning.decide()

    assert verdicts(found) == [("AAPL", "ALLOW", "within-limits")]
    # a tenth of 100 000 at 218 is 45.87 shares; half a percent over 10.87 would be 45.99
    assert (found.verdicts[0].quantity, found.verdicts[0].notional) == (45, D(9_810))
    assert (found.exit_code, found.codes) == (0, ())
    assert found.budget.equity == 100_000
    assert found.budget.snapshot_session == made.PREVIOUS


def test_everything_that_was_read_is_listed(morning):
    found = morning.decide()

    head = morning.journal.head()
    assert [ref.name for ref in found.inputs] == [
        "2024-07-31/160500/snapshot.json",
        "2024-08-01/083000/scan.json",
        next(ref.name for ref in found.inputs if ref.name.startswith("config/")),
        f"journal/{head.seq}",
    ]
    assert found.scan.name == "2024-08-01/083000/scan.json"
    assert found.snapshot.name == "2024-07-31/160500/snapshot.json"


def test_same_inputs_same_bytes(morning):
    assert morning.decide().to_bytes() == morning.decide().to_bytes()


def test_no_signals_are_an_artifact_too(tmp_path):
    morning = made.Morning(tmp_path).begin()
    morning.stamp = morning.stamp.model_copy(update={"cycle": "093500"})
    morning.publish(built.scan().model_copy(update={"signals": (), "cycle": "093500"}))

    found = morning.decide()

    assert (found.verdicts, found.exit_code, found.codes) == ((), 0, ())
    assert found.budget is not None


# ------------------------------------------------------------------------------ the scan


def test_missing_scan_blocks(tmp_path):
    morning = made.Morning(tmp_path).begin()
    morning.path("2024-08-01/083000/scan.json").unlink()

    found = morning.decide()

    assert (found.codes, found.exit_code, found.verdicts) == (("scan-missing",), 4, ())
    assert found.budget is not None  # what is known is still said
    assert ("2024-08-01/083000/scan.json", "0" * 64) in [
        (ref.name, ref.sha256) for ref in found.inputs
    ]


def test_scan_that_never_ran_blocks(tmp_path):
    morning = made.Morning(tmp_path)
    morning.publish(made.snapshot())

    assert (morning.decide().codes, morning.decide().exit_code) == (("scan-missing",), 4)


DAMAGE = {
    "truncated": lambda data: data[:-20],
    "edited": lambda data: data.replace(b'"218.0000"', b'"219.0000"'),
    "not canonical": lambda data: data.replace(b",", b", ", 1),
    "empty": lambda data: b"",
    "another session": lambda data: data.replace(
        b'"session":"2024-08-01"', b'"session":"2024-07-31"'
    ),
    "unknown schema": lambda data: data.replace(b'"version":1}', b'"version":99}'),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_damaged_scan_blocks(morning, how):
    path = morning.path("2024-08-01/083000/scan.json")
    before = path.read_bytes()
    path.write_bytes(DAMAGE[how](before))
    assert path.read_bytes() != before

    found = morning.decide()

    assert (found.codes, found.exit_code, found.verdicts) == (("scan-invalid",), 4, ())
    assert found.scan is None


@pytest.mark.parametrize("how", DAMAGE)
def test_damaged_snapshot_blocks_and_no_older_one_stands_in(morning, how):
    path = morning.path("2024-07-31/160500/snapshot.json")
    swapped = {
        "edited": lambda data: data.replace(b'"equity":"100000.00"', b'"equity":"900000.00"'),
        "another session": lambda data: data.replace(b'"2024-07-31"', b'"2024-07-30"'),
    }
    before = path.read_bytes()
    path.write_bytes(swapped.get(how, DAMAGE[how])(before))
    assert path.read_bytes() != before
    morning.publish(made.snapshot(cycle="093500"))

    found = morning.decide()

    assert (found.codes, found.exit_code) == (("snapshot-invalid",), 4)
    assert verdicts(found) == [("AAPL", "BLOCK", "snapshot-invalid")]
    assert found.budget is None


def test_scan_that_blocks_itself_blocks_all_and_is_no_missing_input(tmp_path):
    morning = made.Morning(tmp_path)
    morning.publish(made.snapshot())
    morning.publish(built.scan(codes=("index-missing",)))

    found = morning.decide()

    assert (found.codes, found.exit_code) == (("scan-blocked",), 0)
    assert verdicts(found) == [("AAPL", "BLOCK", "scan-blocked")]


def test_snapshot_in_doubt_about_itself_blocks_all(tmp_path):
    morning = made.Morning(tmp_path)
    morning.publish(made.snapshot(codes=("mark-missing",), exit_code=4))
    morning.publish(built.scan())

    found = morning.decide()

    assert (found.codes, found.exit_code) == (("snapshot-blocked",), 0)
    assert found.verdicts[0].quantity == 0


def test_snapshot_that_only_explains_does_not_block(tmp_path):
    morning = made.Morning(tmp_path)
    morning.publish(made.snapshot(codes=("history-gap",)))
    morning.publish(built.scan())

    assert morning.decide().codes == ()


@pytest.mark.parametrize(
    "pair",
    [
        (built.signal(), built.signal(symbol="NVDA", rank=2)),
        (built.signal(), built.signal(symbol="NVDA", signal_id="9" * 64)),
    ],
    ids=["one id", "one rank"],
)
def test_signals_without_an_order_among_them_are_no_scan(tmp_path, pair):
    morning = made.Morning(tmp_path)
    morning.publish(made.snapshot())
    morning.publish(built.scan(*pair))

    found = morning.decide()

    assert (found.codes, found.exit_code) == (("scan-invalid",), 4)
    assert {each.decision for each in found.verdicts} == {"BLOCK"}


def test_scan_of_another_session_is_refused_even_if_the_store_let_it_through():
    foreign = Reading(value=built.scan(session=made.PREVIOUS))

    assert _scan_faults(foreign, built.SESSION) == ["session-mismatch"]
    assert _scan_faults(Reading(value=built.scan()), built.SESSION) == []


# ------------------------------------------------------------------------------ the snapshot


def test_without_any_snapshot_all_is_blocked(tmp_path):
    morning = made.Morning(tmp_path)
    morning.publish(built.scan())

    found = morning.decide()

    assert (found.codes, found.exit_code) == (("snapshot-missing",), 4)
    assert verdicts(found) == [("AAPL", "BLOCK", "snapshot-missing")]


@pytest.mark.parametrize(
    ("session", "cycle", "codes"),
    [
        (dt.date(2024, 7, 30), "160500", ("snapshot-stale",)),  # two sessions back
        (dt.date(2024, 7, 31), "160459", ("snapshot-stale",)),  # not that session's last
        (dt.date(2024, 7, 31), "082500", ("snapshot-stale",)),
        (dt.date(2024, 7, 31), "160500", ()),
        (dt.date(2024, 7, 31), "173000", ()),
        (dt.date(2024, 8, 1), "082500", ()),  # genesis, or a later one of this session
        (dt.date(2024, 8, 1), "083001", ("snapshot-missing",)),  # after this cycle: not yet
    ],
)
def test_snapshot_must_be_the_previous_session_s_last_or_later(tmp_path, session, cycle, codes):
    morning = made.Morning(tmp_path)
    morning.publish(made.snapshot(session, cycle))
    morning.publish(built.scan())

    found = morning.decide()

    assert found.codes == codes
    assert found.exit_code == (4 if codes else 0)


def test_snapshot_of_this_session_is_newer_than_the_previous_session_s(morning):
    morning.publish(made.snapshot(built.SESSION, "080000", equity="50000", high_water_mark="50000"))

    assert morning.decide().budget.equity == 50_000


def test_after_a_half_day_its_own_last_cycle_counts(tmp_path):
    # 2024-11-29 closes at 13:00, so its last snapshot is due at 13:05.
    monday = built.STAMP.model_copy(
        update={
            "session": dt.date(2024, 12, 2),
            "as_of": dt.datetime(2024, 12, 2, 13, 30, tzinfo=dt.UTC),
        }
    )
    morning = made.Morning(tmp_path)
    morning.stamp = monday
    morning.publish(made.snapshot(dt.date(2024, 11, 29), "130500"))
    morning.publish(built.scan().model_copy(update={"session": monday.session}))

    assert morning.decide().codes == ()


def test_of_several_snapshots_a_day_the_last_one_due_counts(tmp_path):
    schedule = {"open+5min": ["snapshot"], "close+5min": ["snapshot"], "close-5min": ["snapshot"]}
    for number, (cycle, codes) in enumerate([("155500", ("snapshot-stale",)), ("160500", ())]):
        morning = made.Morning(tmp_path / str(number), schedule={"cycles": schedule})
        morning.publish(made.snapshot(cycle=cycle))
        morning.publish(built.scan())

        assert morning.decide().codes == codes


def test_schedule_without_a_snapshot_takes_any_of_the_previous_session(tmp_path):
    schedule = {"open-60min": ["reconcile", "scan", "decide", "enforce", "execute"]}
    morning = made.Morning(tmp_path, schedule={"cycles": schedule})
    morning.publish(made.snapshot(cycle="100000"))
    morning.publish(built.scan())

    assert morning.decide().codes == ()


def test_drawdown_is_the_worse_of_what_is_stated_and_what_follows(tmp_path):
    for number, changes in enumerate(
        [
            {"equity": "79999", "high_water_mark": "100000", "drawdown": "0"},
            {"equity": "100000", "high_water_mark": "100000", "drawdown": "0.2"},
        ]
    ):
        morning = made.Morning(tmp_path / str(number))
        morning.publish(made.snapshot(**changes))
        morning.publish(built.scan())

        assert verdicts(morning.decide()) == [("AAPL", "BLOCK", "limit-drawdown")]


# ------------------------------------------------------------------------------ the journal


def test_position_counts_at_the_snapshot_s_mark(tmp_path):
    morning = made.Morning(tmp_path).begin()
    bought = morning.intent("MSFT", made.PREVIOUS, quantity=20, signal_id="5" * 64)
    morning.moved(bought, "SUBMITTED", "FILLED", cumulative=20)
    morning.filled(bought, 20, "x1", price="390")
    morning.publish(made.snapshot(built.SESSION, "080000", positions=(held(),)))

    budget = morning.decide().budget

    assert (budget.exposure_gross, budget.positions, budget.entries) == (8_000, 1, 0)


SPLIT = split_of("MSFT", built.SESSION, 4)
RENAME = CorporateAction(symbol="MSFT", ex_date=built.SESSION, kind="rename", new_symbol="NEW")


@pytest.mark.parametrize("is_booked", [False, True])
@pytest.mark.parametrize(("action", "symbol"), [(SPLIT, "MSFT"), (RENAME, "NEW")])
def test_a_position_counts_the_same_on_the_morning_of_an_action(
    tmp_path, action, symbol, is_booked
):
    """The snapshot is told in the shares of the day before, whether or not execute has run."""
    morning = made.Morning(tmp_path).begin()
    bought = morning.intent("MSFT", made.PREVIOUS, quantity=20, signal_id="5" * 64)
    morning.moved(bought, "SUBMITTED", "FILLED", cumulative=20)
    morning.filled(bought, 20, "x1", price="390")
    morning.publish(made.snapshot(made.PREVIOUS, "170000", positions=(held(),)))
    morning.market.told = (action,)
    if is_booked:
        follow(morning.desk("execute"))
        assert [each.symbol for each in morning.journal.positions()] == [symbol]

    budget = morning.decide().budget

    assert (budget.exposure_gross, budget.positions) == (8_000, 1)
    assert morning.enforce(broker=False) is not None


def test_position_bought_since_the_snapshot_counts_at_cost(morning):
    bought = morning.intent("MSFT", quantity=20)
    morning.moved(bought, "SUBMITTED", "FILLED", cumulative=20)
    morning.filled(bought, 20, "x1", price="100")

    budget = morning.decide().budget

    assert (budget.exposure_gross, budget.positions, budget.entries) == (2_000, 1, 1)


def test_one_booked_share_counts_once(morning):
    bought = morning.intent("MSFT", quantity=1)
    morning.moved(bought, "SUBMITTED", "FILLED", cumulative=1)
    morning.filled(bought, 1, "x1", price="100")

    assert morning.decide().budget.exposure_gross == 100


@pytest.mark.parametrize("states", [(), ("SUBMITTED",), ("UNKNOWN",)])
def test_inv08_open_entries_count_at_their_limit_and_take_a_place(morning, states):
    morning.moved(morning.intent("MSFT", quantity=30), *states)

    budget = morning.decide().budget

    assert (budget.exposure_gross, budget.positions, budget.entries) == (3_000, 1, 1)


def test_unknown_entry_of_an_older_session_still_counts(morning):
    morning.moved(morning.intent("MSFT", made.PREVIOUS, quantity=30), "UNKNOWN")

    budget = morning.decide().budget

    assert (budget.exposure_gross, budget.positions, budget.entries) == (3_000, 1, 0)


def test_executions_that_are_not_booked_yet_still_count(morning):
    morning.moved(morning.intent("MSFT", quantity=30), "SUBMITTED", "FILLED", cumulative=30)

    assert morning.decide().budget.exposure_gross == 3_000


def test_symbol_with_an_open_entry_is_already_held(morning):
    morning.intent("AAPL")

    assert verdicts(morning.decide()) == [("AAPL", "BLOCK", "already-held")]


def test_signal_with_a_dead_intent_of_this_session_is_consumed(morning):
    morning.moved(morning.intent("AAPL", signal_id="a" * 64), "EXPIRED")

    found = morning.decide()

    assert verdicts(found) == [("AAPL", "BLOCK", "signal-consumed")]
    assert found.budget.exposure_gross == 0


def test_intent_without_a_signal_consumes_none(morning):
    morning.moved(morning.intent("AAPL", signal_id=None), "EXPIRED")

    assert verdicts(morning.decide()) == [("AAPL", "ALLOW", "within-limits")]


@pytest.mark.parametrize(
    ("session", "reason"),
    [
        (dt.date(2024, 7, 31), "reentry-cooldown"),  # 1 apart
        (dt.date(2024, 7, 26), "reentry-cooldown"),  # 4: 29, 30, 31 July, 1 August
        (dt.date(2024, 7, 25), "within-limits"),  # 5
    ],
)
def test_exit_of_the_snapshot_cools_down(tmp_path, session, reason):
    morning = made.Morning(tmp_path)
    morning.publish(made.snapshot(recent_exits=(RecentExit(symbol="AAPL", session=session),)))
    morning.publish(built.scan())

    assert morning.decide().verdicts[0].reason == reason


def test_exit_of_this_session_cools_down_although_no_snapshot_knows_it(morning):
    bought = morning.intent("AAPL", made.PREVIOUS, quantity=5)
    morning.moved(bought, "SUBMITTED", "FILLED", cumulative=5)
    morning.filled(bought, 5, "x1")
    morning.filled(bought, 5, "x2", side="sell", session=built.SESSION)

    found = morning.decide()

    assert verdicts(found) == [("AAPL", "BLOCK", "reentry-cooldown")]
    assert found.verdicts[0].findings[0].observed == "0"


def test_buys_of_this_session_are_no_exits(morning):
    bought = morning.intent("AAPL", quantity=5)
    morning.moved(bought, "SUBMITTED", "FILLED", cumulative=5)
    morning.filled(bought, 5, "x1")

    findings = morning.decide().verdicts[0].findings

    assert [finding.code for finding in findings] == ["already-held"]


def test_decide_writes_nothing(morning):
    before = morning.journal.head()
    files = sorted(path for path in morning.folder.rglob("*") if path.is_file())

    morning.decide()

    assert morning.journal.head() == before
    assert sorted(path for path in morning.folder.rglob("*") if path.is_file()) == files
    assert morning.line.asked == ["/account"]  # of `begin`: deciding asks no broker


def test_artifact_reads_back(morning):
    found = morning.decide()

    assert type(found).model_validate(found.as_json()).to_bytes() == found.to_bytes()
    assert canonical_bytes(found.as_json()) == found.to_bytes()
    assert Place(found.session, found.cycle, "decide") == morning.desk("decide").place
