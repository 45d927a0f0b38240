"""Whatever refuses an entry, nothing but a full halt keeps a share without its stop."""

import shutil

import pytest

from tests.acceptance.typed import (
    AFTER_OPEN,
    CLOSE,
    INDEXES,
    OPEN,
    STEPS_OF,
    Served,
    advance,
    artifact,
    difference,
    orders_in_book,
    path_of,
    run_cycle,
    tree,
    typed,
)  # fmt: skip

SESSION, EARLIER = "2024-11-27", "2024-11-26"


def halt_entries(desk):
    assert typed(desk, "halt", "--entries", "--reason", "drill").code == 0


def halt_record_gone(desk):
    (desk / "state" / "halt.json").unlink()


def halt_record_torn(desk):
    (desk / "state" / "halt.json").write_bytes(b'{"all":fal')


def paused(desk):
    order = {"symbol": "SYNA", "qty": "1", "side": "buy", "type": "limit", "limit_price": "1.00",
             "time_in_force": "day"}  # fmt: skip
    with Served(desk) as exchange:
        exchange.ask("POST", "/v2/orders", order)
    assert typed(desk, "reconcile").code == 8


def enforce_damaged(desk):
    path_of(desk, SESSION, OPEN, "enforce").write_bytes(b"{}\n")


def every_artifact_gone(desk):
    shutil.rmtree(desk / "artifacts" / SESSION)


def every_older_artifact_gone(desk):
    for folder in (desk / "artifacts").glob("2024-11-[12]*"):
        if folder.name != SESSION:
            shutil.rmtree(folder)


def previous_seal_gone(desk):
    (desk / "artifacts" / EARLIER / "manifest.json").unlink()


def run_records_gone(desk):
    shutil.rmtree(desk / "state" / "runs")


def bars_gone(desk):
    shutil.rmtree(desk / "data" / "bars")


def limits_of_nothing(desk):
    path = desk / "desk.toml"
    text = path.read_text()
    for name in ("positions_max = 10", "entries_per_session_max = 5"):
        text = text.replace(name, name.split(" = ")[0] + " = 1")
    path.write_text(text.replace("exposure_gross_usd_max = 100_000", "exposure_gross_usd_max = 1"))


TROUBLES = (
    halt_entries, halt_record_gone, halt_record_torn, paused, enforce_damaged, every_artifact_gone,
    every_older_artifact_gone, previous_seal_gone, run_records_gone, bars_gone, limits_of_nothing,
)  # fmt: skip


def stops_by_symbol(desk):
    """Return symbol -> shares under working stops, as the exchange's book has it."""
    found = {}
    for order in orders_in_book(desk):
        if order["type"] == "stop" and order["status"] in {"new", "accepted", "held"}:
            found[order["symbol"]] = found.get(order["symbol"], 0) + int(order["qty"])
    return found


@pytest.fixture
def opened(before):
    """Return a desk whose two entries have just been filled and have no stop yet."""
    run_cycle(before, SESSION, OPEN)
    advance(before, SESSION, AFTER_OPEN)
    return before


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)
def test_exits_place_and_keep_stops(trouble, opened):
    uncovered = stops_by_symbol(opened)
    trouble(opened)
    outcome = typed(opened, "exits")
    made = artifact(opened, SESSION, AFTER_OPEN, "exits")
    held = {row["symbol"]: int(row["quantity"]) for row in made["certificate"]}
    assert stops_by_symbol(opened) == held
    assert set(held) - set(uncovered) == {"SYNN", "SYNO"}
    assert all(row["uncovered"] == "0" for row in made["certificate"])
    # A broken data store is worth an exit code; nothing here is a share without a stop.
    assert outcome.code in {0, 4, 8}, outcome.err
    assert "share-uncovered" not in outcome.err


@pytest.mark.parametrize("trouble", [halt_entries, halt_record_gone, halt_record_torn, paused])
def test_the_same_troubles_do_stop_entries(trouble, before):
    """Trouble comes between the approval and the sending, in a cycle of its own."""
    run_cycle(before, SESSION, OPEN, through="enforce")
    advance(before, SESSION, "083600")
    trouble(before)
    outcome = typed(before, "execute")
    assert outcome.code == (8 if trouble is paused else 9)
    made = artifact(before, SESSION, "083600", "execute")
    assert {order["state"] for order in made["orders"]} == {"PENDING"}
    assert len(made["withheld"]) == 2
    assert not [o for o in orders_in_book(before) if o["symbol"] in {"SYNN", "SYNO"}]


def test_a_full_halt_stops_exits_and_says_so(opened):
    earlier = orders_in_book(opened)
    assert typed(opened, "halt", "--all", "--reason", "drill").code == 0
    outcome = typed(opened, "exits")
    assert outcome.code == 8  # two shares without a stop are graver than the halt
    assert "halted" in outcome.err
    made = artifact(opened, SESSION, AFTER_OPEN, "exits")
    assert {finding["code"] for finding in made["withheld"]} == {"halted"}
    assert "SYNN" in outcome.out
    assert "SYNO" in outcome.out
    assert orders_in_book(opened) == earlier
    assert typed(opened, "resume", "--reason", "drill over").code == 0
    advance(opened, SESSION, "094500")
    assert typed(opened, "exits").code == 0
    assert {"SYNN", "SYNO"} <= set(stops_by_symbol(opened))


@pytest.mark.parametrize(("scope", "told"), [("--entries", "entries"), ("--all", "everything")])
def test_the_report_tells_of_a_halt_that_stands(scope, told, before):
    """Nothing of it was withheld: the halt came after the last entry of the day."""
    for cycle in (OPEN, AFTER_OPEN):
        run_cycle(before, SESSION, cycle)
    assert typed(before, "halt", scope, "--reason", "fat finger").code == 0
    run_cycle(before, SESSION, CLOSE)
    report = artifact(before, SESSION, CLOSE, "report")
    assert (report["go_no_go"], report["no_go_reasons"][0]) == ("NO-GO", "halted")
    assert f"halted ({told}: fat finger)" in report["risk"]["circuit_breaker"]
    assert "halted" in {incident["code"] for incident in report["incidents"]}
    assert typed(before, "prove", SESSION).code == 0


def test_a_full_halt_with_every_share_covered_exits_9(before):
    run_cycle(before, SESSION, OPEN)
    run_cycle(before, SESSION, AFTER_OPEN)
    assert typed(before, "halt", "--all", "--reason", "drill").code == 0
    assert typed(before, "status", "--json").value["halt"]["all"] is True
    advance(before, SESSION, CLOSE)
    code = typed(before, "exits").code
    withheld = artifact(before, SESSION, CLOSE, "exits")["withheld"]
    assert code == (9 if withheld else 0)


def test_day_goes_on_past_a_step_that_fails(before):
    (before / "data" / "bars").rename(before / "data" / "elsewhere")
    advance(before, SESSION, OPEN)
    outcome = typed(before, "day", "--json")
    assert outcome.code == 4
    codes = {item["step"]: item["exit_code"] for item in outcome.value["steps"]}
    assert list(codes) == list(STEPS_OF[OPEN])
    assert codes["reconcile"] == 0
    (before / "data" / "elsewhere").rename(before / "data" / "bars")
    advance(before, SESSION, AFTER_OPEN)
    assert typed(before, "day").code in {0, 4}
    assert artifact(before, SESSION, AFTER_OPEN, "exits")["exit_code"] == 0


def test_exits_twice_moves_nothing_the_second_time(opened):
    assert typed(opened, "exits").code == 0
    book = orders_in_book(opened)
    advance(opened, SESSION, "093700")
    assert typed(opened, "exits").code == 0
    advance(opened, SESSION, "094500")
    assert typed(opened, "exits").code == 0
    assert artifact(opened, SESSION, "094500", "exits")["orders"] == []
    assert orders_in_book(opened) == book


def test_dry_run_leaves_the_desk_as_it_is(before):
    """Every command of two cycles, and the day command, on the shadow book."""
    earlier = tree(before, without=("dry-run", *INDEXES))
    for cycle in (OPEN, AFTER_OPEN):
        instant = f"{SESSION}T{int(cycle[:2]) + 5:02d}:{cycle[2:4]}:00Z"
        for step in STEPS_OF[cycle]:
            outcome = typed(before, step, "--dry-run", "--as-of", instant)
            assert outcome.code in {0, 4}, (step, outcome.err)
            assert difference(tree(before, without=("dry-run", *INDEXES)), earlier) == [], step
    assert path_of(before / "dry-run", SESSION, OPEN, "scan").is_file()


def test_dry_run_trades_on_the_shadow_book_only(before):
    """A dry run never has a line to the broker that desk.toml names, and trades all the same."""
    ours = orders_in_book(before)
    config = before / "desk.toml"
    config.write_text(config.read_text().replace('url = ""', 'url = "http://127.0.0.1:9"'))
    for minute in ("13:30", "14:35"):
        instant = f"{SESSION}T{minute}:00Z"
        assert typed(before, "day", "--dry-run", "--as-of", instant).code == 0
    shadow = orders_in_book(before, shadow=True)
    assert {"buy", "sell"} <= {order["side"] for order in shadow}
    assert orders_in_book(before) == ours
    fills = artifact(before / "dry-run", SESSION, AFTER_OPEN, "execute")["fills"]
    assert fills
    assert artifact(before / "dry-run", SESSION, AFTER_OPEN, "exits")["mode"] == "dry-run"
