"""`enforce` over the real store, journal, halt record and exchange."""

import datetime as dt
import hashlib
from decimal import Decimal

import pytest

from quantcli.contracts.envelope import InputRef
from quantcli.contracts.errors import BrokerUnreachable
from quantcli.contracts.reasons import terminal_state_of
from quantcli.contracts.reconciliation import Paused, PositionSeen
from quantcli.core.gates import GATES
from quantcli.core.order_payload import request_body
from quantcli.ports.halts import HaltReading
from quantcli.steps.desk import ABSENT
from tests.core import gate_facts as built
from tests.steps import morning as made

D = Decimal


@pytest.fixture
def morning(tmp_path):
    return made.Morning(tmp_path).begin()


def decided(tmp_path, **config):
    """Return a good morning, decided, under other settings."""
    morning = made.Morning(tmp_path, **config).begin()
    morning.decided()
    return morning


def blocked_by(found, symbol="AAPL"):
    """Return gate -> code of one symbol's blocking gates, in order."""
    (verdict,) = [each for each in found.verdicts if each.symbol == symbol]
    assert (verdict.decision == "BLOCK") == any(each.code for each in verdict.gates)
    return {each.gate: each.code for each in verdict.gates if each.verdict == "BLOCK"}


# ------------------------------------------------------------------------------ the good morning


def test_good_morning_forms_one_intent(morning):
    morning.decided()

    found = morning.enforce()

    (verdict,) = found.verdicts
    (intent,) = found.intents
    assert (verdict.decision, verdict.decided, verdict.enforced) == ("ALLOW", "ALLOW", True)
    assert verdict.primary is None
    assert [each.gate for each in verdict.gates] == [gate.name for gate in GATES]
    assert verdict.intent_id == intent.intent_id
    assert (found.exit_code, found.codes, found.is_enforced) == (0, (), True)
    assert found.account.model_dump() == {
        "status": "tradable", "equity": D(100_000), "cash": D(100_000),
        "spending_power": D(100_000),
    }  # fmt: skip


def test_intent_says_all_that_will_be_sent(morning):
    morning.decided()

    (intent,) = morning.enforce().intents

    account_id = morning.journal.genesis().account_id
    text = f"{account_id}|avwap|2024-08-01|AAPL|entry|1"
    assert intent.intent_id == hashlib.sha256(text.encode()).hexdigest()
    assert intent.client_order_id.startswith("q1-20240801-e-1-")
    assert (intent.purpose, intent.side, intent.order_type) == ("entry", "buy", "limit")
    assert (intent.symbol, intent.quantity, intent.limit_price) == ("AAPL", 45, 218)
    assert (intent.protective_stop, intent.target) == (D("207.13"), 240)
    assert (intent.time_in_force, intent.signal_id) == ("day", "a" * 64)
    assert intent.expires_at == dt.datetime(2024, 8, 1, 13, 35, tzinfo=dt.UTC)
    assert intent.payload_sha256 == hashlib.sha256(request_body(intent)).hexdigest()


def test_everything_that_was_read_is_listed(morning):
    morning.decided()

    found = morning.enforce()

    names = [ref.name for ref in found.inputs]
    assert [name for name in names if not name.startswith("config/")] == [
        "2024-07-31/manifest.json",
        "2024-08-01/083000/decide.json",
        "2024-08-01/083000/reconcile.json",
        "2024-08-01/083000/scan.json",
        "tape",
    ]
    assert found.decision.name == "2024-08-01/083000/decide.json"
    assert found.reconcile.name == "2024-08-01/083000/reconcile.json"


def test_enforce_writes_nothing_and_sends_nothing(morning):
    morning.decided()
    before = morning.journal.head()
    files = sorted(path for path in morning.folder.rglob("*") if path.is_file())
    morning.line.asked.clear()

    morning.enforce()

    assert morning.journal.head() == before
    assert sorted(path for path in morning.folder.rglob("*") if path.is_file()) == files
    assert morning.line.asked == ["/account", "/clock", "/calendar", "/assets/AAPL"]


def test_same_inputs_same_bytes(morning):
    morning.decided()

    assert morning.enforce().to_bytes() == morning.enforce().to_bytes()


# ------------------------------------------------------------------------------ inputs


def test_without_a_decision_every_signal_is_blocked(morning):
    found = morning.enforce()

    assert blocked_by(found) == {
        "decision-present": "decision-missing",
        "decision-covers": "decision-mismatch",
        "decide-verdict": "decision-mismatch",
        "size": "size-zero",
    }
    assert (found.verdicts[0].decided, found.decision, found.intents) == (None, None, ())
    assert (found.exit_code, found.codes) == (4, ("decision-missing",))


STEPS = {
    "decide": ("decision-present", "decision-missing", "decision-invalid"),
    "reconcile": ("reconciled", "reconcile-absent", "reconcile-invalid"),
    "scan": ("data-fresh", "scan-missing", "scan-invalid"),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("how", ["gone", "truncated", "edited"])
def test_damaged_input_blocks_with_its_code(morning, step, how):
    morning.decided()
    path = morning.path(f"2024-08-01/083000/{step}.json")
    gate, missing, invalid = STEPS[step]
    if how == "gone":
        path.unlink()
    else:
        data = path.read_bytes()
        path.write_bytes(data[:-9] if how == "truncated" else data.replace(b'"local"', b'"paper"'))
        assert path.read_bytes() != data

    found = morning.enforce()

    code = missing if how == "gone" else invalid
    assert blocked_by(found)[gate] == code
    assert code in found.codes
    assert (found.exit_code, found.intents) == (4, ())


def test_two_verdicts_on_one_signal_are_no_decision(morning):
    found = morning.decide()
    morning.publish(found.model_copy(update={"verdicts": found.verdicts * 2}))

    assert morning.enforce().codes == ("decision-invalid",)


def test_decision_on_an_older_scan_does_not_cover_the_new_one(morning):
    morning.decided()
    later = built.AS_OF + dt.timedelta(minutes=5)
    newer = built.scan(built.signal(symbol="NVDA", signal_id="9" * 64))
    morning.at("083500", later)
    morning.publish(newer.model_copy(update={"cycle": "083500", "as_of": later}))

    found = morning.enforce()

    assert found.codes == ("decision-mismatch",)
    assert blocked_by(found, "NVDA")["decision-covers"] == "decision-mismatch"
    assert blocked_by(found, "AAPL")["decision-covers"] == "decision-mismatch"
    assert found.exit_code == 4


def test_breaks_block_and_pause(tmp_path):
    morning = made.Morning(tmp_path)
    morning.reconciled = None
    morning.write(
        made.GenesisRow(
            account_id=morning.broker.account().account_id, cash="1", first_session=made.PREVIOUS
        )
    )
    morning.publish(made.snapshot())
    morning.seal(made.PREVIOUS)
    morning.publish(
        made.reconciled(
            breaks=(built.one_break(),), exit_code=8,
            paused=Paused(is_set=True, reasons=("position-foreign",)),
        )
    )  # fmt: skip
    morning.publish(built.scan())
    morning.decided()

    found = morning.enforce()

    assert blocked_by(found) == {"paused": "paused", "reconciled": "reconcile-break"}
    assert terminal_state_of(found.verdicts[0].primary.code) == "REJECTED_BY_CIRCUIT_BREAKER"
    assert found.exit_code == 0  # verdicts are data


def test_reconciliation_too_old_blocks(morning):
    morning.decided()
    morning.at("093001", built.AS_OF + dt.timedelta(minutes=60, seconds=1))

    found = morning.enforce()

    assert blocked_by(found) == {"reconciled": "reconcile-stale"}
    assert found.exit_code == 4


# ------------------------------------------------------------------------------ halts and flags


@pytest.mark.parametrize(
    "reading",
    [
        HaltReading(entries=True, all=False, reason="news"),
        HaltReading(entries=False, all=True, reason="news"),
    ],
)
def test_inv09_halt_blocks_entries(morning, reading):
    morning.decided()
    morning.halts.write(reading)

    found = morning.enforce()

    assert blocked_by(found) == {"halt": "halted"}
    assert (found.verdicts[0].primary.observed, found.exit_code) == ("news", 0)


@pytest.mark.parametrize("how", ["gone", "garbage"])
def test_inv09_unreadable_halt_record_is_a_halt(morning, how):
    morning.decided()
    path = morning.folder / "state" / "halt.json"
    path.unlink() if how == "gone" else path.write_bytes(b"{")

    assert blocked_by(morning.enforce()) == {"halt": "halted"}


@pytest.mark.parametrize("name", ["halt-entries", "halt-all"])
def test_halt_flag_of_the_journal_blocks_until_it_is_cleared(morning, name):
    morning.decided()
    morning.flagged(name, "overfill")
    assert morning.enforce().codes == ("halted",)

    morning.flagged(name, is_set=False)

    assert morning.enforce().codes == ()


def test_paused_flag_of_the_journal_blocks_until_it_is_cleared(morning):
    morning.decided()
    morning.flagged("paused", "cash-difference")
    found = morning.enforce()
    assert blocked_by(found) == {"paused": "paused"}
    assert found.verdicts[0].primary.observed == "cash-difference"

    morning.flagged("paused", is_set=False)

    assert morning.enforce().codes == ()


def test_unsealed_previous_session_blocks(tmp_path):
    morning = made.Morning(tmp_path).begin(is_sealed=False)
    morning.decided()

    found = morning.enforce()

    assert blocked_by(found) == {"previous-sealed": "session-unsealed"}
    assert "2024-07-31/manifest.json" not in [ref.name for ref in found.inputs]


def test_a_seal_that_is_gone_blocks_and_is_noted_as_absent(morning):
    morning.decided()
    morning.path("2024-07-31/manifest.json").unlink()

    found = morning.enforce()

    assert blocked_by(found) == {"previous-sealed": "session-unsealed"}
    assert InputRef(name="2024-07-31/manifest.json", sha256=ABSENT) in found.inputs


SPOILT = {
    "emptied": (lambda data: b"", "artifact-corrupt"),
    "truncated": (lambda data: data[:200], "artifact-corrupt"),
    "edited": (lambda data: data.replace(b'"journal_seq":1', b'"journal_seq":2'),
               "artifact-tampered"),
    "foreign": (lambda data: data.replace(b"2024-07-31", b"2024-07-30"), "artifact-foreign"),
}  # fmt: skip


@pytest.mark.parametrize("is_recorded", [True, False])
@pytest.mark.parametrize("kind", SPOILT)
def test_a_seal_that_is_not_what_was_published_blocks(tmp_path, kind, is_recorded):
    """Without a run record a seal must at least parse and be this session's."""
    morning = made.Morning(tmp_path).begin(is_recorded=is_recorded)
    morning.decided()
    path = morning.path("2024-07-31/manifest.json")
    spoil, code = SPOILT[kind]
    spoilt = spoil(path.read_bytes())
    assert spoilt != path.read_bytes()
    path.write_bytes(spoilt)

    found = morning.enforce()

    if kind == "edited" and not is_recorded:
        assert found.codes == ()
    else:
        assert blocked_by(found) == {"previous-sealed": "seal-invalid"}
        (gate,) = [each for each in found.verdicts[0].gates if each.gate == "previous-sealed"]
        assert gate.observed == f"2024-07-31/manifest.json: {code}"
    digest = hashlib.sha256(spoilt).hexdigest()
    assert InputRef(name="2024-07-31/manifest.json", sha256=digest) in found.inputs


def test_older_seal_does_not_stand_in_for_the_previous_session_s(morning):
    morning.decided()
    morning.publish(made.snapshot(dt.date(2024, 7, 30)))
    morning.seal(dt.date(2024, 7, 30))
    morning.path("2024-07-31/manifest.json").unlink()

    assert morning.enforce().codes == ("session-unsealed",)


def test_first_day_has_no_session_to_seal(tmp_path):
    morning = made.Morning(tmp_path)
    account = morning.broker.account()
    morning.write(
        made.GenesisRow(account_id=account.account_id, cash="100000", first_session=built.SESSION)
    )
    morning.publish(made.snapshot(built.SESSION, "082500", is_genesis=True))
    morning.publish(made.reconciled())
    morning.publish(built.scan())
    morning.decided()

    assert morning.enforce().codes == ()


# ------------------------------------------------------------------------------ the broker


@pytest.mark.parametrize(
    ("lost", "gates"),
    [
        ("/account", ["clock-skew", "broker-calendar", "account", "risk-per-trade",
                      "exposure-gross", "spending-power", "tradable"]),
        ("/clock", ["clock-skew", "broker-calendar", "tradable"]),
        ("/calendar", ["broker-calendar", "tradable"]),
    ],
)  # fmt: skip
def test_silent_broker_blocks_and_is_not_asked_again(morning, lost, gates):
    morning.decided()
    morning.line.lost.add(lost)
    morning.line.asked.clear()

    found = morning.enforce()

    assert blocked_by(found) == dict.fromkeys(gates, "broker-unavailable")
    assert (found.exit_code, found.codes) == (6, ("broker-unavailable",))
    assert morning.line.asked[-1] == lost
    assert (found.account.status == "unreadable") == (lost == "/account")


def test_silence_about_the_symbol_blocks_and_is_told(morning):
    morning.decided()
    morning.line.lost.add("/assets/AAPL")

    found = morning.enforce()

    assert blocked_by(found) == {"tradable": "broker-unavailable"}
    assert (found.exit_code, found.intents) == (6, ())


@pytest.mark.parametrize(
    "halted", [{"tradable": False}, {"status": "inactive"}, {"tradable": "yes"}, {"tradable": None}]
)
def test_symbol_that_takes_no_orders_is_not_sent_for(morning, halted):
    morning.decided()
    morning.line.bent["/assets/AAPL"] = halted

    found = morning.enforce()

    assert blocked_by(found) == {"tradable": "asset-not-tradable"}
    assert (found.exit_code, found.intents) == (0, ())


def test_without_a_line_to_a_broker_all_is_blocked(morning):
    morning.decided()
    with pytest.raises(BrokerUnreachable):
        _ = morning.desk("enforce").broker

    found = morning.enforce(broker=False)

    assert (found.exit_code, found.codes) == (6, ("broker-unavailable",))
    assert found.account.model_dump() == {
        "status": "unreadable", "equity": None, "cash": None, "spending_power": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "changes", "gate", "code"),
    [
        ("/account", {"trading_blocked": True}, "account", "account-not-tradable"),
        ("/account", {"status": "INACTIVE"}, "account", "account-not-tradable"),
        ("/account", {"id": "someone else"}, "account", "account-foreign"),
        ("/account", {"equity": "40000"}, "risk-per-trade", "risk-per-trade"),
        ("/account", {"buying_power": "9809.99"}, "spending-power", "spending-power"),
        ("/account", {"non_marginable_buying_power": "0"}, "spending-power", "spending-power"),
        ("/clock", {"timestamp": "2024-08-01T08:30:31-04:00"}, "clock-skew", "clock-skew"),
        ("/calendar", [], "broker-calendar", "calendar-disagrees"),
        (
            "/calendar", [{"date": "2024-08-01", "open": "09:30", "close": "13:00"}],
            "broker-calendar", "calendar-disagrees",
        ),
    ],
)  # fmt: skip
def test_what_the_broker_says_counts(morning, path, changes, gate, code):
    morning.decided()
    morning.line.bent[path] = changes

    assert blocked_by(morning.enforce()) == {gate: code}


def test_blocked_account_is_recorded(morning):
    morning.decided()
    morning.line.bent["/account"] = {"account_blocked": True}

    assert morning.enforce().account.status == "blocked"


def test_journal_without_a_first_row_blocks(tmp_path):
    morning = made.Morning(tmp_path)
    morning.publish(made.snapshot())
    morning.seal(made.PREVIOUS)
    morning.publish(made.reconciled())
    morning.publish(built.scan())
    morning.decided()

    found = morning.enforce()

    assert (found.codes, found.intents) == (("genesis-missing",), ())
    assert blocked_by(found) == {"account": "genesis-missing"}


# ------------------------------------------------------------------------------ the desk's book


def test_position_of_the_journal_blocks_its_symbol_and_counts_at_the_broker_s_price(morning):
    for symbol, quantity, number in (("MSFT", 20, "x1"), ("AAPL", 1, "x2")):
        bought = morning.intent(symbol, made.PREVIOUS, quantity=quantity, signal_id=number[1] * 64)
        morning.moved(bought, "SUBMITTED", "FILLED", cumulative=quantity)
        morning.filled(bought, quantity, number, price="390")
    morning.decided()
    seen = [
        PositionSeen(symbol="MSFT", quantity=20, average_price="390", current_price="400"),
        PositionSeen(symbol="AAPL", quantity=1, average_price="390", current_price=None),
    ]
    path = morning.path("2024-08-01/083000/reconcile.json")
    assert path.exists()
    later = built.AS_OF + dt.timedelta(minutes=1)
    morning.at("083100", later)
    broker = made.reconciled().broker.model_copy(update={"positions": tuple(seen)})
    morning.publish(made.reconciled(broker=broker, cycle="083100", as_of=later))

    found = morning.enforce()

    codes = blocked_by(found)
    assert codes["existing-position"] == "position-exists"
    assert codes["exposure-gross"] == "mark-missing"  # nobody knows what the one AAPL is worth


def test_position_counts_at_the_price_that_the_reconciliation_saw(tmp_path):
    morning = made.Morning(tmp_path)
    morning.write(
        made.GenesisRow(
            account_id=morning.broker.account().account_id, cash="1", first_session=made.PREVIOUS
        )
    )
    bought = morning.intent("MSFT", made.PREVIOUS, quantity=20, signal_id="5" * 64)
    morning.moved(bought, "SUBMITTED", "FILLED", cumulative=20)
    morning.filled(bought, 20, "x1", price="390")
    seen = PositionSeen(symbol="MSFT", quantity=20, average_price="390", current_price="400")
    broker = made.reconciled().broker.model_copy(update={"positions": (seen,)})
    morning.publish(made.snapshot())
    morning.seal(made.PREVIOUS)
    morning.publish(made.reconciled(broker=broker))
    morning.publish(built.scan())
    morning.decided()

    found = morning.enforce()

    gates = {each.gate: each for each in found.verdicts[0].gates}
    assert gates["exposure-gross"].observed == "17810.00"  # 20 x 400 + 45 x 218
    assert gates["positions-open"].observed == "2"
    assert found.verdicts[0].decision == "ALLOW"


def test_position_that_only_the_journal_shows_blocks_its_symbol(morning):
    bought = morning.intent("AAPL", made.PREVIOUS, quantity=1, signal_id="5" * 64)
    morning.moved(bought, "SUBMITTED", "FILLED", cumulative=1)
    morning.filled(bought, 1, "x1")
    morning.decided()

    codes = blocked_by(morning.enforce())

    assert codes["existing-position"] == "position-exists"


def test_position_that_only_the_broker_shows_blocks_its_symbol(tmp_path):
    morning = made.Morning(tmp_path)
    morning.write(
        made.GenesisRow(
            account_id=morning.broker.account().account_id, cash="1", first_session=made.PREVIOUS
        )
    )
    foreign = PositionSeen(symbol="AAPL", quantity=1, average_price="1", current_price="1")
    broker = made.reconciled().broker.model_copy(update={"positions": (foreign,)})
    morning.publish(made.snapshot())
    morning.seal(made.PREVIOUS)
    morning.publish(made.reconciled(broker=broker))
    morning.publish(built.scan())
    morning.decided()

    assert blocked_by(morning.enforce()) == {"existing-position": "position-exists"}


def test_inv08_unseen_entries_count_as_exposure_and_are_not_spent_twice(tmp_path):
    limits = {"exposure_gross_usd_max": "15000"}
    morning = made.Morning(tmp_path, limits=limits).begin()
    morning.moved(morning.intent("MSFT", quantity=60), "UNKNOWN")  # 6 000
    morning.decided()

    found = morning.enforce()

    gates = {each.gate: each for each in found.verdicts[0].gates}
    # decide sized into the 9 000 that are left: 41 x 218 = 8 938
    assert found.intents[0].quantity == 41
    assert (gates["exposure-gross"].observed, gates["exposure-gross"].limit) == (
        "14938.00", "15000.00",
    )  # fmt: skip
    assert gates["spending-power"].limit == "94000.00"
    assert gates["positions-open"].observed == "2"
    assert gates["entries-per-session"].observed == "2"
    assert found.account.spending_power == 94_000


def test_inv13_unknown_outcome_bars_its_symbol(morning):
    morning.decided()
    morning.moved(morning.intent("AAPL"), "UNKNOWN")

    assert blocked_by(morning.enforce()) == {"unknown-outcome": "outcome-unknown"}


def test_resting_order_bars_its_symbol(morning):
    morning.decided()
    morning.intent("AAPL")

    assert blocked_by(morning.enforce()) == {"existing-order": "order-exists"}


def test_inv11_signal_with_an_intent_forms_no_second_one_and_refers_to_the_first(morning):
    morning.decided()
    first = morning.enforce().intents[0]
    morning.write(
        made.IntentRow(intent=first), place=made.Place(built.SESSION, "083000", "execute")
    )
    morning.moved(first, "EXPIRED")

    found = morning.enforce()

    assert blocked_by(found) == {"signal-unused": "signal-consumed"}
    assert found.verdicts[0].intent_id == first.intent_id
    assert found.intents == ()


def test_second_entry_in_a_symbol_is_the_next_of_its_sequence(morning):
    morning.moved(morning.intent("AAPL", signal_id="5" * 64), "EXPIRED")
    morning.decided()

    (intent,) = morning.enforce().intents

    assert intent.sequence == 2
    assert intent.client_order_id.startswith("q1-20240801-e-2-")


# ------------------------------------------------------------------------------ shadow mode


def test_shadow_mode_lets_a_decision_pass_and_records_that_it_did(tmp_path):
    morning = decided(tmp_path, enforce={"enabled": False}, limits={"drawdown_fraction_max": "0.2"})
    wounded = morning.decide()
    path = morning.path("2024-08-01/083000/decide.json")
    assert path.exists()
    verdict = wounded.verdicts[0].model_copy(
        update={"decision": "BLOCK", "reason": "limit-drawdown"}
    )
    morning.at("083100", built.AS_OF + dt.timedelta(minutes=1))
    later = {"cycle": "083100", "as_of": morning.stamp.as_of, "verdicts": (verdict,)}
    morning.publish(wounded.model_copy(update=later))

    found = morning.enforce()

    (each,) = found.verdicts
    assert (each.decision, each.decided, each.enforced) == ("ALLOW", "BLOCK", False)
    assert (found.is_enforced, len(found.intents), found.intents[0].quantity) == (False, 1, 45)


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"positions_max": 0}, {"positions-open": "limit-positions"}),
        ({"entries_per_session_max": 0}, {"entries-per-session": "limit-entries"}),
        ({"allowlist": ["MSFT"]}, {"allowlist": "not-on-allowlist"}),
        ({"price_collar_fraction_max": "0.001"}, {"price-collar": "price-outside-collar"}),
        ({"risk_per_trade_usd_max": "10"}, {"risk-per-trade": "risk-per-trade"}),
        ({"exposure_gross_usd_max": "100"}, {"size": "limit-gross-exposure"}),
    ],
)
def test_other_gates_stop_entries_in_shadow_mode_too(tmp_path, limits, code):
    morning = decided(tmp_path, enforce={"enabled": False}, limits=limits)

    assert blocked_by(morning.enforce()) == code


def test_enforced_decision_stops_the_entry_with_decide_s_own_reason(tmp_path):
    morning = decided(tmp_path, limits={"exposure_gross_usd_max": "100"})

    found = morning.enforce()

    assert blocked_by(found)["decide-verdict"] == "limit-gross-exposure"
    primary = found.verdicts[0].primary
    assert (primary.code, primary.observed, primary.limit) == (
        "limit-gross-exposure", "500.00", "100.00",
    )  # fmt: skip
    assert terminal_state_of(primary.code) == "REJECTED_BY_HEAT"


def test_orders_are_not_formed_outside_the_window(tmp_path):
    morning = decided(
        tmp_path, window={"entries_from": "open-30min", "entries_until": "close-15min"}
    )

    assert blocked_by(morning.enforce()) == {"order-window": "outside-order-window"}


def test_no_signals_are_an_artifact_too_and_say_what_would_block(tmp_path):
    morning = made.Morning(tmp_path).begin()
    later = built.AS_OF + dt.timedelta(minutes=1)
    morning.at("083100", later)
    morning.publish(
        built.scan().model_copy(update={"signals": (), "cycle": "083100", "as_of": later})
    )
    morning.decided()
    morning.flagged("paused", "cash-difference")

    found = morning.enforce()

    assert (found.verdicts, found.intents, found.codes) == ((), (), ("paused",))


def test_artifact_reads_back(morning):
    morning.decided()
    found = morning.enforce()

    assert type(found).model_validate(found.as_json()).to_bytes() == found.to_bytes()
