"""The bar store as steps see it: market data of one feed and adjustment, columns in, columns out.

A store reads the catalog once; its answers name the partitions they came from, and a store that
is pinned to such names opens exactly those. Each partition is read, verified and laid out once
in a process, so that a replay of hundreds of sessions does not read it hundreds of times.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

from quantcli.contracts.bars import BarMatrix, FetchFaults, IndexSeries, MinuteBar
from quantcli.contracts.corporate_actions import (
    ActionKind,
    ActionSeries,
    CorporateAction,
    together,
)
from quantcli.contracts.envelope import InputRef
from quantcli.contracts.errors import BarsMissing, MarketDataError
from quantcli.core.sessions import sessions_between, sessions_ending
from quantcli.ports.market_data import StoreSummary
from quantcli.shell.action_list import in_later_shares, is_action_list, load_actions
from quantcli.shell.bar_layout import Layouts, Row, YearBlock
from quantcli.shell.bar_rebase import rebased, rebased_minutes
from quantcli.shell.catalog import (
    NO_ADJUSTMENT,
    Catalog,
    Key,
    QuarantineEntry,
    Series,
    Shelf,
    load_catalog,
    parse_name,
)
from quantcli.shell.fetch.record import faults_of, pinned_record, read_record
from quantcli.shell.list_files import Table, pinned_list, read_list

#: Rows of the day after the first are the first that an action may change.
_DAY = dt.timedelta(days=1)


class BarStore:
    """Implements `ports.market_data.MarketData` over `<desk>/data`."""

    def __init__(
        self,
        data: Path,
        feed: str,
        adjustment: str,
        *,
        pins: Sequence[InputRef] | None = None,
        layouts: Layouts | None = None,
        keeps_lists: bool = True,
    ) -> None:
        """Name the data folder and what to read of it; nothing is read yet.

        Args:
            data: The desk's data folder.
            feed: Whose bars; the others are invisible.
            adjustment: `raw`, `split` or `all`.
            pins: Open exactly these instead of what the catalog has in force.
            layouts: Partitions already read, shared with another store of the same folder.
            keeps_lists: Keep a copy of each list read (not in a dry run).
        """
        self._keeps_lists = keeps_lists
        self._data = data
        self._feed = feed
        self._adjustment = adjustment
        self._pins = None if pins is None else tuple(pins)
        self._layouts = layouts if layouts is not None else Layouts(data)
        self._summaries: dict[Series, StoreSummary] = {}
        self._actions: dict[tuple[InputRef, ...], tuple[CorporateAction, ...]] = {}

    def pinned(self, refs: Sequence[InputRef]) -> BarStore:
        """Return a store of exactly the partitions and quarantine lists among `refs`.

        References to other things (artifacts, tapes, config) are passed over; the catalog is
        not opened.

        Raises:
            MarketDataError: on first use: a reference is of another feed or adjustment, or two
                stand for the same bars.
        """
        return BarStore(self._data, self._feed, self._adjustment, pins=refs, layouts=self._layouts)

    def summary(self, timeframe: str) -> StoreSummary:
        """Return which symbols and sessions exist for `1Day` or `1Min`."""
        series: Series = "1Min" if timeframe == "1Min" else "1Day"
        if series not in self._summaries:
            self._summaries[series] = self._summary(series)
        return self._summaries[series]

    def _summary(self, series: Series) -> StoreSummary:
        if self._pins is None:
            held = self._catalog.of(self._shelf(series))
            symbols = {symbol for item in held for symbol in item.symbols}
            bounds = [(item.first, item.last) for item in held]
        else:
            contents = [self._layouts.contents(ref) for ref in self._refs(series).values()]
            symbols = {symbol for item in contents for symbol in item.symbols}
            bounds = [(item.first, item.last) for item in contents]
        return StoreSummary(
            tuple(sorted(symbols)),
            min((first for first, _ in bounds), default=None),
            max((last for _, last in bounds), default=None),
        )

    def daily(
        self, through: dt.date, sessions: int, *, in_shares_of: dt.date | None = None
    ) -> BarMatrix:
        """Return daily bars in the last `sessions` exchange sessions not after `through`.

        The columns are all symbols with a bar in the calendar years touched, so the answer is
        a function of the files it names. The arrays are read-only. Rows of before a split are
        in the shares of `in_shares_of`, else of `through`.

        Raises:
            BarsMissing: the store holds no daily bars of the feed and adjustment.
            MarketDataError: a partition is missing or changed.
            SessionError: the session table does not reach back so far.
        """
        refs = self._refs("1Day")
        if not refs:
            raise self._nothing()
        wanted = sessions_ending(through, sessions)
        years = [str(year) for year in range(wanted[0].year, wanted[-1].year + 1)]
        named = tuple(refs["", year] for year in years if ("", year) in refs)
        quarantine = self._quarantine_ref("1Day")
        stack = self._layouts.stack(
            tuple((year, refs.get(("", year))) for year in years), quarantine
        )
        start = stack.row_of[wanted[0]]
        end = start + sessions
        happened = self.actions(
            wanted[0] + _DAY, in_shares_of or through, kinds=frozenset({"split", "rename"})
        )
        opens, highs, lows, closes, volumes = rebased(
            tuple(column[start:end] for column in stack.columns),
            stack.symbols,
            wanted,
            happened.actions,
        )
        return BarMatrix(
            symbols=stack.symbols,
            sessions=wanted,
            open=opens,
            high=highs,
            low=lows,
            close=closes,
            volume=volumes,
            feed=self._feed,
            adjustment=self._adjustment,
            refs=tuple(dict.fromkeys((*_with(named, quarantine), *happened.refs))),
        )

    def session_row(self, session: dt.date) -> dict[str, Row]:
        """Return the daily bar of each symbol that has a believable one in a session.

        The dict is shared: do not change it.

        Raises:
            MarketDataError: the partition is missing or changed.
        """
        block = self._block(session.year)
        return {} if block is None else block.row(session)

    def minutes(
        self, symbol: str, first: dt.date, last: dt.date
    ) -> tuple[tuple[MinuteBar, ...], tuple[InputRef, ...]]:
        """Return regular-hours minute bars of sessions in [first, last], oldest first.

        A session of the symbol with one quarantined bar is left out whole: a swing point found
        in the remaining minutes would not be believable either. Bars of before a split are in
        the shares of `last`.

        Raises:
            MarketDataError: a partition is missing or changed.
        """
        refs = self._refs("1Min")
        if not refs:
            return (), ()
        sessions = sessions_between(first, last)
        months = dict.fromkeys(f"{session:%Y-%m}" for session in sessions)
        named = {month: refs[symbol, month] for month in months if (symbol, month) in refs}
        wrong = self._wrong("1Min", symbol)
        happened = ActionSeries((), ())
        if named and len(sessions) > 1:
            happened = self.actions(sessions[0] + _DAY, last, kinds=frozenset({"split"}))
        bars: list[MinuteBar] = []
        for session in sessions:
            ref = named.get(f"{session:%Y-%m}")
            if ref is not None and session not in wrong:
                found = self._layouts.minutes(ref, session)
                bars.extend(rebased_minutes(found, symbol, session, last, happened.actions))
        read = _with(named.values(), self._quarantine_ref("1Min") if named else None)
        return tuple(bars), tuple(dict.fromkeys((*read, *happened.refs)))

    def index(self, symbol: str, through: dt.date, sessions: int) -> IndexSeries:
        """Return values of an index in the last `sessions` sessions not after `through`.

        Raises:
            MarketDataError: a partition is missing or changed.
            SessionError: the session table does not reach back so far.
        """
        refs = self._refs("index")
        wanted = sessions_ending(through, sessions)
        years = [str(year) for year in range(wanted[0].year, wanted[-1].year + 1)]
        named = [refs[symbol, year] for year in years if (symbol, year) in refs]
        within = set(wanted) - self._wrong("index", symbol)
        values = [v for ref in named for v in self._layouts.index(ref) if v.session in within]
        quarantine = self._quarantine_ref("index") if named else None
        return IndexSeries(symbol, tuple(values), _with(named, quarantine))

    def actions(
        self,
        first: dt.date,
        last: dt.date,
        *,
        kinds: frozenset[ActionKind] = frozenset({"split", "dividend", "rename", "none"}),
    ) -> ActionSeries:
        """Return the corporate actions with ex-date in [first, last] that these prices show.

        What was imported as corporate actions is believed over what the bars tell of. Only what
        the kinds asked for need is read.

        Raises:
            MarketDataError: a file is missing or changed.
        """
        is_from_bars = ("split" in kinds and self._adjustment == "raw") or (
            "dividend" in kinds and self._adjustment != "all"
        )
        years = [str(year) for year in range(first.year, last.year + 1)] if is_from_bars else []
        refs = self._refs("1Day")
        named = [refs["", year] for year in years if ("", year) in refs]
        found = tuple(
            each
            for each in self._told(tuple(named))
            if first <= each.ex_date <= last and each.kind in kinds and self._shows(each)
        )
        list_ref = self._action_list
        read = _with(named, self._quarantine_ref("1Day")) if named else ()
        return ActionSeries(found, read if list_ref is None else (*read, list_ref))

    def _told(self, refs: tuple[InputRef, ...]) -> tuple[CorporateAction, ...]:
        """Return what some partitions and the list tell together; put together once."""
        if refs not in self._actions:
            blocks = [self._layouts.block(ref, self._quarantine_ref("1Day")) for ref in refs]
            own = tuple(each for block in blocks for each in block.actions)
            told = together(own, self._listed)
            is_raw = self._adjustment == "raw"
            self._actions[refs] = told if is_raw else in_later_shares(told, self._listed)
        return self._actions[refs]

    def _shows(self, action: CorporateAction) -> bool:
        """Return whether an action is still to be seen in prices of our adjustment."""
        hidden = {"raw": (), "split": ("split",), "all": ("split", "dividend")}
        return action.kind not in hidden[self._adjustment]

    @cached_property
    def _action_list(self) -> InputRef | None:
        """The list of corporate actions in force, or the one that is pinned."""
        if self._pins is None:
            return self._catalog.actions_ref
        found = dict.fromkeys(ref for ref in self._pins if is_action_list(ref))
        if len(found) > 1:
            raise MarketDataError("two pinned lists of corporate actions", value=len(found))
        return next(iter(found), None)

    @cached_property
    def _listed(self) -> tuple[CorporateAction, ...]:
        return () if self._action_list is None else load_actions(self._data, self._action_list)

    def quarantined(self) -> dict[str, Sequence[dt.date]]:
        """Return symbol -> sessions whose daily bars are held to be wrong, oldest first."""
        found: dict[str, set[dt.date]] = {}
        for entry in self._quarantine("1Day"):
            found.setdefault(entry.symbol, set()).add(entry.session)
        return {symbol: sorted(found[symbol]) for symbol in sorted(found)}

    def fetch_faults(self, session: dt.date) -> FetchFaults:
        """Return which bars and index values of a session were asked for and did not arrive.

        Raises:
            MarketDataError: the fetch record cannot be believed.
        """
        pins = self._pins
        found = read_record(self._data) if pins is None else pinned_record(self._data, pins)
        return faults_of(found, self._feed, self._adjustment, session)

    def table(self, file: str) -> tuple[Table, InputRef]:
        """Return the rows of a CSV file of the desk, its heading first, and its reference.

        The bytes are kept in the data folder, so that a past day can be proven after the file
        has changed.

        Raises:
            MarketDataError: the path leaves the desk, or the file is missing or not CSV in UTF-8.
        """
        if self._pins is not None:
            return pinned_list(self._data, file, self._pins)
        return read_list(self._data.parent, self._data, file, is_kept=self._keeps_lists)

    @cached_property
    def _catalog(self) -> Catalog:
        return load_catalog(self._data)

    @cached_property
    def _open(self) -> tuple[dict[Key, InputRef], dict[Shelf, InputRef]]:
        """What is opened: the partition of each key, the quarantine list of each shelf."""
        if self._pins is None:
            partitions = {item.key: item.ref for item in self._catalog.partitions}
            return partitions, {item.shelf: item.ref for item in self._catalog.quarantine}
        keys: dict[Key, InputRef] = {}
        lists: dict[Shelf, InputRef] = {}
        for ref in dict.fromkeys(self._pins):
            name = parse_name(ref.name)
            if name is None:
                continue
            if name.shelf != self._shelf(name.shelf.series):
                raise MarketDataError("a pinned file is of another feed", value=ref.name)
            if (name.key in keys) if name.key else (name.shelf in lists):
                raise MarketDataError("two pinned files stand for the same bars", value=ref.name)
            if name.key:
                keys[name.key] = ref
            else:
                lists[name.shelf] = ref
        return keys, lists

    @cached_property
    def _refs_by_series(self) -> dict[Series, dict[tuple[str, str], InputRef]]:
        found: dict[Series, dict[tuple[str, str], InputRef]] = {"1Day": {}, "1Min": {}, "index": {}}
        for key, ref in self._open[0].items():
            if key.shelf == self._shelf(key.shelf.series):
                found[key.shelf.series][key.symbol, key.period] = ref
        return found

    def _refs(self, series: Series) -> dict[tuple[str, str], InputRef]:
        """Return (symbol, period) -> partition, of our feed and adjustment."""
        return self._refs_by_series[series]

    def _shelf(self, series: Series) -> Shelf:
        adjustment = NO_ADJUSTMENT if series == "index" else self._adjustment
        return Shelf(series, self._feed, adjustment)

    def _quarantine_ref(self, series: Series) -> InputRef | None:
        return self._open[1].get(self._shelf(series))

    def _quarantine(self, series: Series) -> tuple[QuarantineEntry, ...]:
        return self._layouts.quarantine(self._quarantine_ref(series))

    def _wrong(self, series: Series, symbol: str) -> set[dt.date]:
        return {entry.session for entry in self._quarantine(series) if entry.symbol == symbol}

    def _block(self, year: int) -> YearBlock | None:
        ref = self._refs("1Day").get(("", str(year)))
        return None if ref is None else self._layouts.block(ref, self._quarantine_ref("1Day"))

    def _nothing(self) -> BarsMissing:
        held = () if self._pins is not None else self._catalog.partitions
        shelves = sorted({f"{i.feed}/{i.adjustment}" for i in held if i.series == "1Day"})
        return BarsMissing(
            f"no daily bars of feed {self._feed}, adjustment {self._adjustment}",
            value=f"held: {', '.join(shelves)}" if shelves else "the store holds none",
            hint="quantcli data import FILE, or correct [data] in desk.toml",
        )


def _with(refs: Iterable[InputRef], quarantine: InputRef | None) -> tuple[InputRef, ...]:
    """Return the references of an answer; the quarantine list decides about it too."""
    return (*refs,) if quarantine is None else (*refs, quarantine)
