"""A desk for `scan` alone: its clock, its config, and a market over columns made by a test."""

import datetime as dt

from quantcli.contracts.bars import FetchFaults, IndexSeries, IndexValue
from quantcli.contracts.config import DeskConfig
from quantcli.contracts.corporate_actions import ActionSeries
from quantcli.contracts.envelope import CodeId, InputRef, Stamp
from quantcli.core.history import rows_of
from quantcli.core.sessions import hours, previous_session
from quantcli.steps.desk import Desk
from tests.core.made_bars import through as rows_through

LIMITS = {
    "positions_max": 10,
    "entries_per_session_max": 5,
    "symbol_concentration_fraction_max": "0.1",
    "exposure_gross_usd_max": 100_000,
    "exposure_gross_fraction_max": 1,
    "risk_per_trade_usd_max": 1000,
    "risk_per_trade_fraction_max": "0.01",
    "drawdown_fraction_max": "0.2",
    "price_collar_fraction_max": "0.03",
    "reconcile_age_minutes_max": 30,
    "allowlist": "universe",
}
FUNDS = ["ARKK", "IWM", "QQQ", "SPY", "VTI", "XLK"]
BARS_REF = InputRef(name="bars/made", sha256="b" * 64)
LIST_REF = InputRef(name="actions/made", sha256="a" * 64)
INDEX_REF = InputRef(name="index/made", sha256="1" * 64)


def config_of(**sections):
    """Return a desk's config; a section is given as keywords, e.g. avwap={"enabled": False}."""
    avwap = sections.pop("avwap", {})
    universe = {"exclude": FUNDS} | sections.pop("universe", {})
    return DeskConfig.model_validate(
        {"limits": LIMITS, "universe": universe, "strategy": {"avwap": avwap}, **sections}
    )


def desk_of(market, session, config=None):
    """Return a desk whose step is `scan`, one hour before the open of `session`."""
    session = dt.date.fromisoformat(str(session))
    stamp = Stamp(
        session=session,
        cycle="083000",
        as_of=hours(session).opens_at - dt.timedelta(minutes=60),
        mode="local",
        code=CodeId(version="0", digest="0" * 64),
        config_sha256="0" * 64,
    )
    return Desk(
        config=config or config_of(),
        stamp=stamp,
        step="scan",
        store=None,
        journal=None,
        market=market,
        halts=None,
        sleep=None,
    )


class ColumnMarket:
    """Market data over one matrix; the index closes at 15 in every session unless told."""

    def __init__(
        self, matrix, *, index=None, quarantined=None, tables=None, faults=None, actions=()
    ):
        self.matrix = matrix
        self.action_list = actions
        self.quarantine = quarantined or {}
        self.faults = faults or FetchFaults({}, {}, ())
        self.tables = tables or {}
        values = dict.fromkeys(matrix.sessions, 15.0) if index is None else index
        self.values = [IndexValue(session, close) for session, close in sorted(values.items())]

    def daily(self, through, sessions, *, in_shares_of=None):
        self.in_shares_of = in_shares_of
        return rows_of(rows_through(self.matrix, through), -sessions, None)

    def index(self, symbol, through, sessions):
        known = [value for value in self.values if value.session <= through]
        return IndexSeries(symbol, tuple(known[-sessions:]), (INDEX_REF,) if known else ())

    def actions(self, first, last, *, kinds):
        found = (each for each in self.action_list if first <= each.ex_date <= last)
        return ActionSeries(tuple(each for each in found if each.kind in kinds), (LIST_REF,))

    def quarantined(self):
        return self.quarantine

    def fetch_faults(self, session):
        return self.faults

    def table(self, file):
        return self.tables[file], InputRef(name=f"lists/{file}", sha256="7" * 64)


def data_session_of(session):
    """Return the session whose bars a scan before the open of `session` sees."""
    return previous_session(dt.date.fromisoformat(session))
