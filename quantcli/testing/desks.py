"""The desks of the simulation: one template for each market, copied for each world."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import NamedTuple

from quantcli.cli.init_desk import make_desk
from quantcli.contracts.session_table import hours
from quantcli.core.sessions import sessions_ending
from quantcli.shell.action_list import import_actions
from quantcli.shell.bar_import import import_file
from quantcli.testing.market import BENCHMARK, FEED, INDEX, MadeBars, make_bars

#: Sessions that are traded under faults; one quiet session follows them.
FAULTY_SESSIONS = 9
#: The last sessions of the windows that are traded. They hold half days, both changes of the
#: clocks, a holiday in the middle of a week, a new year, and weeks without anything.
LAST_SESSIONS = tuple(
    dt.date.fromisoformat(text)
    for text in (
        "2024-12-05", "2024-03-18", "2024-11-08", "2024-07-09", "2025-01-08", "2025-01-16",
        "2024-09-09", "2024-05-20",
    )
)  # fmt: skip

_CONFIG = f"""\
[desk]
name = "simulation"
mode = "local"

[data]
feed = "{FEED}"
adjustment = "@ADJUSTMENT@"
benchmark = "{BENCHMARK}"
volatility_index = "{INDEX}"

[universe]
symbols = "imported"
exclude = ["{BENCHMARK}"]

[limits]
positions_max = @POSITIONS@
entries_per_session_max = 3
symbol_concentration_fraction_max = 0.25
exposure_gross_usd_max = 90_000
exposure_gross_fraction_max = 0.8
risk_per_trade_usd_max = 2_000
risk_per_trade_fraction_max = 0.02
drawdown_fraction_max = 0.5
price_collar_fraction_max = 0.03
reconcile_age_minutes_max = 30
allowlist = "universe"

[sizing]
risk_fraction = 0.01
position_fraction_max = 0.2
reentry_cooldown_sessions = 0

[enforce]
enabled = true

[exits]
is_target_used = @TARGET@
hold_sessions_max = @HOLD@

[exchange]
cash_usd = 100_000
slippage_bps = 5
limit_fills_on = "@FILLS@"

[strategy.avwap]
slope_min = -10
distance_percent_max = 60
atr_percent_max = 30
atr_median_multiple_max = 20
atr_usd_min = 0
is_market_gate_on = false
"""


class Template(NamedTuple):
    """A desk before its first session, with the market it trades in.

    Attributes:
        root: The desk's folder; copied, never used.
        bars: The market, as the exchange sees it.
        sessions: Those that are traded, the quiet one last.
    """

    root: Path
    bars: MadeBars
    sessions: tuple[dt.date, ...]

    @property
    def begins_at(self) -> dt.datetime:
        """When the desk takes stock, before its first cycle."""
        return hours(self.sessions[0]).opens_at - dt.timedelta(minutes=65)


def make_template(folder: Path, market: int, *, has_splits: bool = False) -> Template:
    """Return the template of a market, made now if it is not there yet.

    Args:
        folder: Where templates are kept.
        market: Number of the market: its seed, and by it the sessions it is traded in.
        has_splits: Raw prices, and shares that are split.
    """
    last = LAST_SESSIONS[market % len(LAST_SESSIONS)]
    sessions = sessions_ending(last, FAULTY_SESSIONS + 1)
    bars = make_bars(market, last, len(sessions), has_splits=has_splits)
    root = folder / f"market-{market}-{bars.adjustment}"
    if not root.exists():
        _fill(root, bars)
    return Template(root, bars, sessions)


def _fill(root: Path, bars: MadeBars) -> None:
    """Make a desk by the program's own means: init, and import of two files."""
    unfinished = root.with_name(f"{root.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    make_desk(unfinished, name="simulation", feed=FEED, git=False)
    data = unfinished / "data"
    for name, text, kind in (
        ("bars.csv", bars.bars_csv(), "bars"),
        ("index.csv", bars.index_csv(), "index"),
    ):
        path = unfinished / name
        path.write_text(text)
        adjustment = bars.adjustment
        import_file(data, path, kind=kind, timeframe="1Day", adjustment=adjustment, feed=FEED)
        path.unlink()
    if bars.splits:
        path = unfinished / "actions.csv"
        path.write_text(bars.actions_csv())
        import_actions(data, path)
        path.unlink()
    unfinished.rename(root)


def copy_desk(template: Template, root: Path, settings: dict[str, str]) -> None:
    """Copy a template and write its configuration.

    Args:
        template: What to copy.
        root: The new desk's folder.
        settings: Values for the placeholders of the configuration.
    """
    copy_state(template.root, root)
    text = _CONFIG
    for name, value in {**settings, "ADJUSTMENT": template.bars.adjustment}.items():
        text = text.replace(f"@{name}@", value)
    (root / "desk.toml").write_text(text)


def copy_state(source: Path, root: Path) -> None:
    """Copy a desk's folder; its bars are immutable, so they are linked."""
    shutil.copytree(source, root, ignore=shutil.ignore_patterns("data"))
    shutil.copytree(source / "data", root / "data", copy_function=_link)


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)
