"""Another order stands under our name: typed out, from the alarm to the day after `resume`."""

import json

from quantcli.cli.venue import exchange_keys
from quantcli.cli.wiring import Workspace
from quantcli.contracts.canonical import canonical_bytes
from tests.acceptance.typed import (
    AFTER_OPEN,
    CLOSE,
    OPEN,
    STEPS_OF,
    advance,
    artifact,
    run_cycle,
    typed,
)

DAY, NEXT = "2024-11-27", "2024-11-29"


def take_the_name(desk, intent):
    """Place something else under the id of an intent, as a broken program would."""
    key_id, secret = exchange_keys(desk)
    keys = {"APCA-API-KEY-ID": key_id, "APCA-API-SECRET-KEY": secret}
    order = {"symbol": intent["symbol"], "qty": "3", "side": "buy", "type": "limit",
             "limit_price": "1", "time_in_force": "day",
             "client_order_id": intent["client_order_id"]}  # fmt: skip
    with Workspace(desk) as workspace:
        status, _, answer = workspace.exchange.handle(
            "POST", "/v2/orders", "", canonical_bytes(order), keys
        )
    assert status == 200, answer


def run_records(desk, session):
    lines = (desk / "state" / "runs" / f"{session}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_inv16_the_alarm_the_incident_the_halt_and_its_end(before):
    run_cycle(before, DAY, OPEN, through="enforce")
    first, second = artifact(before, DAY, OPEN, "enforce")["intents"]
    take_the_name(before, first)

    said = typed(before, "execute")
    alarm = [line for line in said.err.splitlines() if line.startswith("CRITICAL ")]
    assert len(alarm) == 1
    assert alarm[0].startswith("CRITICAL order-differs: the broker has buy 3")
    assert alarm[0].endswith("entries are halted; quantcli resume --reason TEXT ends it")
    assert any(
        "order-differs" in line
        for record in run_records(before, DAY)
        for line in record.get("critical", [])
    )
    told = artifact(before, DAY, OPEN, "execute")
    assert [each["state"] for each in told["orders"] if each["symbol"] == first["symbol"]] == [
        "REJECTED"
    ]
    assert [each["observed"] for each in told["withheld"]] == [second["client_order_id"]]
    assert "in the journal: order-differs" in typed(before, "status").out

    assert run_cycle(before, DAY, AFTER_OPEN)["exits"].code == 0
    run_cycle(before, DAY, CLOSE)
    report = artifact(before, DAY, CLOSE, "report")
    assert report["go_no_go"] == "NO-GO"
    assert "halted" in report["no_go_reasons"]
    incidents = [(each["code"], each["detail"]) for each in report["incidents"]]
    assert ("halted", "halt-entries set by invariant: order-differs") in incidents
    assert typed(before, "prove", DAY).code == 0

    # Books and broker agree again; that alone ends PAUSED, never the halt.
    advance(before, NEXT, OPEN)
    assert typed(before, "reconcile").code == 0
    assert artifact(before, NEXT, OPEN, "reconcile")["halt"]["reason"] == "order-differs"
    for step in STEPS_OF[OPEN][1:-1]:
        assert typed(before, step).code == 0
    codes = {code for each in artifact(before, NEXT, OPEN, "enforce")["verdicts"]
             for gate in each["gates"] if (code := gate["code"])}  # fmt: skip
    assert codes in (set(), {"halted"})
    assert "halted" in artifact(before, NEXT, OPEN, "enforce")["codes"]
    assert typed(before, "resume", "--reason", "their order was cancelled").code == 0
    assert "HALTED" not in typed(before, "status").out
