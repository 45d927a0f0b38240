"""desk.toml as values: strict, finite, complete; one line says what is wrong with it."""

import datetime as dt
import tomllib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from quantcli.cli.desk_file import load_config, parse_config
from quantcli.cli.desk_template import DESK_TOML
from quantcli.contracts.canonical import canonical_bytes, parse_canonical
from quantcli.contracts.config import DeskConfig, LimitsSection, Offset, ScheduleSection
from quantcli.contracts.errors import ConfigError

TEXT = DESK_TOML.replace("@NAME@", "desk").replace("@FEED@", "local")


def read(*changes):
    """Return the configuration of the desk.toml that `init` writes, changed here and there."""
    text = TEXT
    for old, new in changes:
        assert text.count(old) == 1, f"{text.count(old)} times: {old}"
        text = text.replace(old, new)
    return parse_config(tomllib.loads(text, parse_float=Decimal))


def refused(*changes):
    with pytest.raises(ConfigError) as caught:
        read(*changes)
    assert caught.value.exit_code == 3
    return caught.value


# ------------------------------------------------------------------------------ what init writes


def test_the_template_is_what_the_defaults_are():
    """Nobody can read one number in desk.toml and be ruled by another."""
    from_template = read().decision_view()
    limits = from_template["limits"]
    from_defaults = DeskConfig(limits=LimitsSection(**limits)).decision_view()

    # The two that `init` chooses for a desk that trades at once.
    from_template["enforce"]["enabled"] = from_defaults["enforce"]["enabled"]
    from_template["universe"]["exclude"] = from_defaults["universe"]["exclude"]
    assert from_template == from_defaults


def test_an_unedited_desk_trades_and_enforces():
    config = read()

    assert config.desk.mode == "local"
    assert config.enforce.enabled is True
    assert config.broker.url == ""


def test_unset_means_dry_run_and_shadow_mode():
    config = DeskConfig(limits=read().limits)

    assert config.desk.mode == "dry-run"
    assert config.enforce.enabled is False


# ------------------------------------------------------------------------------ strictness

UNKNOWN = [
    ("positions_max = 10", "position_max = 10", "limits.position_max", "positions_max"),
    ("[limits]", "[limit]", "limit", "limits"),
    ("[strategy.avwap]", "[strategy.avwapp]", "strategy.avwapp", "avwap"),
    ("risk_fraction = 0.005", "risk_fractions = 0.005", "sizing.risk_fractions", "risk_fraction"),
    ('mode = "local"', 'modes = "local"', "desk.modes", "mode"),
]


@pytest.mark.parametrize(("old", "new", "path", "near"), UNKNOWN)
def test_an_unknown_key_is_named_with_its_nearest(old, new, path, near):
    assert refused((old, new)).line() == (
        f"config-invalid: unknown key {path} in desk.toml -> did you mean {near}?"
    )


def test_a_key_like_no_other_gets_the_list():
    error = refused(('mode = "local"', 'mode = "local"\nzzz = 1'))

    assert error.hint == "known keys: mode, name"


@pytest.mark.parametrize("name", LimitsSection.model_fields)
def test_every_limit_is_mandatory(name):
    lines = [line for line in TEXT.splitlines() if not line.startswith(f"{name} =")]
    assert len(lines) == len(TEXT.splitlines()) - 1

    with pytest.raises(ConfigError, match=rf"desk\.toml lacks limits\.{name}$"):
        parse_config(tomllib.loads("\n".join(lines), parse_float=Decimal))


def test_without_limits_there_is_no_desk():
    with pytest.raises(ConfigError, match="lacks limits"):
        parse_config({})


@pytest.mark.parametrize("name", LimitsSection.model_fields)
@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "-1", "true", '"many"', "[]", "1e16"])
def test_limits_are_finite_and_never_negative(name, value):
    line = next(each for each in TEXT.splitlines() if each.startswith(f"{name} ="))
    if (name, value) == ("allowlist", "[]"):
        assert read((line, f"{name} = []")).limits.allowlist == ()
        return

    assert f"limits.{name} in desk.toml" in refused((line, f"{name} = {value}")).message


@pytest.mark.parametrize("value", ['"true"', '"yes"', '"on"', "1", "0", "1.0", '""'])
@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("enabled = true\n\n[reconcile]", "enforce.enabled"),
        ("is_index_required = true", "data.is_index_required"),
        ("is_target_used = false", "exits.is_target_used"),
    ],
)
def test_booleans_are_only_true_or_false(line, path, value):
    key, _, rest = line.partition(" = ")
    tail = rest.removeprefix("true").removeprefix("false")

    assert refused((line, f"{key} = {value}{tail}")).message.startswith(f"{path} in desk.toml")


WRONG = {
    "whole number with a fraction": ("positions_max = 10", "positions_max = 10.5"),
    "whole number as text": ("positions_max = 10", 'positions_max = "10"'),
    "fraction above one": ("risk_fraction = 0.005", "risk_fraction = 5"),
    "fraction that rounds to nothing": ("risk_fraction = 0.005", "risk_fraction = 0.0000001"),
    "drawdown of nothing": ("drawdown_fraction_max = 0.20", "drawdown_fraction_max = 0"),
    "unknown mode": ('mode = "local"', 'mode = "LIVE"'),
    "name with a blank": ('name = "desk"', 'name = "my desk"'),
    "lower-case symbol": ('benchmark = "SPY"', 'benchmark = "spy"'),
    "no list of symbols": ('symbols = "imported"', 'symbols = "AAPL"'),
    "bad symbol in a list": ('symbols = "imported"', 'symbols = ["AAPL", "../x"]'),
    "adjustment": ('adjustment = "split"', 'adjustment = "dividend"'),
    "section as a list": ("[sizing]", "[[sizing]]"),
    "fill rule": ('limit_fills_on = "touch"', 'limit_fills_on = "hope"'),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_wrong_values_are_refused(change):
    refused(change)


def test_the_bad_one_of_a_list_is_named():
    error = refused(('symbols = "imported"', 'symbols = ["AAPL", "aapl"]'))

    assert error.message.startswith("universe.symbols.1 in desk.toml")
    assert error.value == "aapl"


def test_lists_of_symbols():
    config = read(
        ('symbols = "imported"', 'symbols = ["AAPL", "BRK.B"]'),
        ('allowlist = "universe"', 'allowlist = ["AAPL"]'),
    )

    assert config.universe.symbols == ("AAPL", "BRK.B")
    assert config.limits.allowlist == ("AAPL",)


# ------------------------------------------------------------------------------ secrets


@pytest.mark.parametrize(
    "change",
    [
        ('keys_file = ""', 'secret_key = "hunter2"'),
        ('keys_file = ""', 'keys_file = ["hunter2"]'),
        ('url = ""', 'url = "https://me:hunter2@paper-api.alpaca.markets"'),
        ('name = "desk"', 'name = "desk"\napi_secret = "hunter2"'),
    ],
)
def test_a_secret_in_the_wrong_file_is_refused_and_never_repeated(change):
    error = refused(change)

    assert "hunter2" not in error.line()
    assert "hunter2" not in str(error.as_object())


# ------------------------------------------------------------------------------ the schedule

DUE = '"open+5min" = ["execute", "exits"]'
SCHEDULES = {
    "no list": ('"open+5min" = "execute"', "needs a list of steps"),
    "a number": ('"open+5min" = 5', "needs a list of steps"),
    "no steps": ('"open+5min" = []', "needs a list of steps"),
    "a list of lists": ('"open+5min" = [["execute"]]', "unknown step ['execute']"),
    "an unknown step": ('"open+5min" = ["trade"]', "unknown step 'trade' in cycle open+5min"),
    "a step twice": ('"open+5min" = ["exits", "exits"]', "a step stands twice"),
    "no offset": ('"noon" = ["exits"]', "not an offset such as open-60min or close+5min: 'noon'"),
    "no unit": ('"open+5" = ["exits"]', "not an offset"),
    "a cycle twice": (f'{DUE}\n"open+05min" = ["exits"]', "open+5min is scheduled twice"),
    "the day before": ('"open-571min" = ["exits"]', "does not lie on the session's own date"),
    "the day after": ('"close+480min" = ["exits"]', "does not lie on the session's own date"),
    "the day before a half day": (
        '"close-781min" = ["exits"]', "does not lie on the session's own date",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), SCHEDULES.values(), ids=SCHEDULES)
def test_a_schedule_that_cannot_be_kept(text, message):
    error = refused((DUE, text))

    assert error.message.startswith("schedule in desk.toml: ")
    assert message in error.message


def test_a_cycle_a_minute_is_a_schedule():
    """Half days lack some of them, and others then fall on the same instant."""
    cycles = {f"open+{n}min": ["exits"] for n in range(390)} | {"close+5min": ["report"]}
    offsets = [at for at, _ in DeskConfig(limits=read().limits, schedule=cycles).schedule.offsets()]
    opens = dt.datetime(2024, 11, 29, 14, 30, tzinfo=dt.UTC)
    closes = dt.datetime(2024, 11, 29, 18, 0, tzinfo=dt.UTC)

    kept = [str(at) for at in offsets if at.is_kept(opens, closes)]
    assert kept == [*[f"open+{n}min" for n in range(210)], "close+5min"]
    assert Offset.parse("open+390min").is_kept(opens, closes)
    assert Offset.parse("close-300min").is_kept(opens, closes)


def test_an_empty_schedule_is_refused():
    with pytest.raises(ValidationError, match="needs at least one cycle"):
        DeskConfig(limits=read().limits, schedule={})


def test_the_first_and_the_last_minute_of_a_day_can_be_scheduled():
    config = read((DUE, '"open-570min" = ["exits"]\n"close+479min" = ["report"]'))

    assert [str(offset) for offset, _ in config.schedule.offsets()] == [
        "open-570min", "open-60min", "close+5min", "close+479min",
    ]  # fmt: skip


def test_offsets_come_in_time_order_whatever_the_file_says():
    cycles = {
        "close-15min": ["exits"],
        "open+0min": ["exits"],
        "close+5min": ["report"],
        "open-060min": ["scan"],
    }
    config = DeskConfig(limits=read().limits, schedule=cycles)

    assert [str(offset) for offset, _ in config.schedule.offsets()] == [
        "open-60min", "open+0min", "close-15min", "close+5min",
    ]  # fmt: skip


def test_unset_the_schedule_is_the_daily_one():
    config = DeskConfig(limits=read().limits)

    assert {str(at): steps for at, steps in config.schedule.offsets()} == {
        "open-60min": ("reconcile", "scan", "decide", "enforce", "execute"),
        "open+5min": ("execute", "exits"),
        "close+5min": ("exits", "reconcile", "snapshot", "report"),
    }
    section = ScheduleSection(cycles={"open+1min": ("exits",)})
    assert DeskConfig(limits=read().limits, schedule=section).schedule == section


def test_offsets_by_hand():
    opens = dt.datetime(2024, 11, 29, 14, 30, tzinfo=dt.UTC)
    closes = dt.datetime(2024, 11, 29, 18, 0, tzinfo=dt.UTC)

    assert Offset.parse("open-60min").of(opens, closes).hour == 13
    assert Offset.parse("close+5min").of(opens, closes) == closes.replace(minute=5)
    assert str(Offset.parse("close-0min")) == "close+0min"


@given(st.text(max_size=12))
def test_any_text_is_an_offset_or_refused(text):
    try:
        offset = Offset.parse(text)
    except ValueError:
        return
    assert Offset.parse(str(offset)) == offset


@pytest.mark.parametrize("value", [None, 5, ["open-60min"], "open-60min\n", "open - 60min"])
def test_what_is_no_offset(value):
    with pytest.raises(ValueError, match="not an offset"):
        Offset.parse(value)


# ------------------------------------------------------------------------------ the window


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('entries_from = "open-90min"', 'entries_from = "dawn"', "not an offset"),
        ('entries_from = "open-90min"', 'entries_from = "close-15min"', "must lie before"),
        ('entries_until = "close-15min"', 'entries_until = "open-91min"', "must lie before"),
        ('entries_until = "close-15min"', 'entries_until = "close+480min"', "own date"),
    ],
)
def test_a_window_nobody_could_trade_in_is_refused(old, new, message):
    error = refused((old, new))

    assert error.message.startswith("window")
    assert message in error.message


# ------------------------------------------------------------------------------ identity


def test_decisions_depend_on_all_but_name_line_and_venue():
    view = read().decision_view()

    assert {*view} == {*DeskConfig.model_fields} - {"desk", "broker", "exchange"}
    same = read(
        ('mode = "local"', 'mode = "dry-run"'),
        ('url = ""', 'url = "http://127.0.0.1:1"'),
        ("cash_usd = 100_000", "cash_usd = 5"),
    )
    assert same.decision_view() == view
    other = read(("positions_max = 10", "positions_max = 11"))
    assert other.decision_view() != view


def test_one_value_has_one_identity_however_it_is_spelled():
    spelled = read(
        ("risk_fraction = 0.005", "risk_fraction = 5.0e-3"),
        ('"open-60min" =', '"open-060min" ='),
    )

    assert spelled.decision_view() == read().decision_view()


def test_a_stored_config_reads_back_to_the_same_bytes():
    data = canonical_bytes(read().decision_view())
    again = DeskConfig.model_validate(parse_canonical(data, what="config"))

    assert canonical_bytes(again.decision_view()) == data


# ------------------------------------------------------------------------------ the file


def test_a_missing_file(tmp_path):
    with pytest.raises(ConfigError, match=r"desk\.toml cannot be read"):
        load_config(tmp_path)


@pytest.mark.parametrize(
    "data",
    [
        b"[desk", b"\xff\xfe", b"a = 1\na = 2\n", b"x = 01\n",
        b"a = " + b"[" * 5000, b"a = 1e99999999999999999999", b"a = " + b"9" * 5000,
    ],
)  # fmt: skip
def test_an_unreadable_file(tmp_path, data):
    (tmp_path / "desk.toml").write_bytes(data)

    with pytest.raises(ConfigError, match=r"desk\.toml cannot be read"):
        load_config(tmp_path)


def test_a_file(tmp_path):
    (tmp_path / "desk.toml").write_text(TEXT)

    assert load_config(tmp_path) == read()


# ------------------------------------------------------------------------------ sources of bars


def test_where_bars_come_from_is_no_decision():
    view = read().decision_view()
    other = read(('fetch_at = "open-75min"', 'fetch_at = ""'), ("_sessions = 500", "_sessions = 9"))

    assert other.decision_view() == view
    assert sorted(view["data"]) == [
        "adjustment", "benchmark", "feed", "is_index_required", "volatility_index",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('"open-75min"', '"at noon"'), "data.fetch_at in desk.toml: not an offset"),
        (('"open-75min"', '"open-60min"'), "desk.toml: data.fetch_at lies on the cycle open-60min"),
        (('["1Day"]', '["5Min"]'), "data.fetch_timeframes"),
        (("_sessions = 500", "_sessions = 0"), "data.fetch_history_sessions"),
        (('"https://cdn', '"https://me:word@cdn'), "data.fetch_index_from"),
    ],
)
def test_what_a_fetch_cannot_be_told(change, told):
    error = refused(change)

    assert error.message.startswith(told)
    assert "word" not in error.line()
