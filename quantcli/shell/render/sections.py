"""The report as titles, lines and tables: the content that every sink renders in its own way.

All cells are made visible here; escaping for markdown, HTML or a terminal is each sink's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from quantcli.contracts.envelope import Finding
from quantcli.contracts.report import FillLatency, Report, SignalOutcome
from quantcli.contracts.snapshot import Pnl
from quantcli.shell.render.figures import (
    NONE,
    cycle_text,
    dollars,
    instant_or_none,
    percent,
    price_text,
    seconds,
    shares,
    short,
    signed_dollars,
    text_or_none,
    visible_line,
)


class Column(NamedTuple):
    """A column's title, and whether it holds numbers (they stand to the right)."""

    title: str
    is_number: bool = False


class Table(NamedTuple):
    """Rows of cells, one for each column. `empty` is said when there are none."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    empty: str = "None."


class Section(NamedTuple):
    """A title, lines of text, and tables."""

    title: str
    lines: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()


def table_of(titles: str, rows: Iterable[tuple[str, ...]], empty: str = "None.") -> Table:
    """Return a table; titles are separated by bars, those of numbers end with #."""
    columns = (Column(title.rstrip("#"), title.endswith("#")) for title in titles.split("|"))
    return Table(tuple(columns), tuple(rows), empty)


def tables_of(title: str, *tables: Table) -> Section:
    """Return a section of tables alone."""
    return Section(title, (), tables)


def title_of(report: Report) -> str:
    """Return the page's title."""
    return f"Session {report.session.isoformat()}"


def sections_of(report: Report) -> tuple[Section, ...]:
    """Return the whole report, in reading order."""
    return (
        _verdict(report),
        *_story(report),
        _portfolio(report),
        _market(report),
        _signals(report),
        *_zero_trade(report),
        _orders(report),
        _trades(report),
        _positions(report),
        _reconciliation(report),
        _health(report),
        _provenance(report),
    )


def _verdict(report: Report) -> Section:
    against = ", ".join(text_or_none(code) for code in report.no_go_reasons)
    lines = [
        f"Verdict: {report.verdict}. Tomorrow: {report.go_no_go}"
        + (f", because of {against}." if against else "."),
        f"Signals in: {report.signals_scanned}, followed to their end: {len(report.signals)}"
        + (f": {_counts(report.counts)}." if report.counts else "."),
        _activity(report),
        f"Circuit breaker: {text_or_none(report.risk.circuit_breaker)}.",
        "This report seals its session."
        if report.seals
        else "This report does not seal its session.",
    ]
    if report.is_enforced is False:
        lines.insert(1, "SHADOW MODE: decide's verdicts are recorded and stop no entry.")
    if report.uncovered:
        lines.insert(1, f"UNCOVERED SHARES: {', '.join(report.uncovered)}.")
    return Section("Verdict", tuple(lines))


def _story(report: Report) -> tuple[Section, ...]:
    """Return the day in sentences, and what is left to do; nothing for older reports."""
    if not report.story and not report.left_to_do:
        return ()
    lines = [
        f"{cycle_text(each.cycle)} {each.step}{', attention' if each.is_trouble else ''}: "
        + visible_line(each.text)
        for each in report.story
    ]
    left = [visible_line(each) for each in report.left_to_do]
    return (
        Section("What happened (New York time)", tuple(lines)),
        Section("Left to do", tuple(left) or ("Nothing.",)),
    )


def _activity(report: Report) -> str:
    return (
        f"Fills: {len(report.fills)}. Trades closed: {len(report.trades_closed)}. Stops placed or "
        f"moved: {len(report.stops)}. Positions held: {len(report.positions)}."
    )


def _portfolio(report: Report) -> Section:
    risk, pnl = report.risk, report.pnl
    capital = (
        ("Equity", dollars(risk.equity)),
        ("Change in this session", signed_dollars(risk.pnl_session)),
        ("Return of this session", percent(risk.return_session)),
        ("Cash", dollars(risk.cash)),
        ("Starting capital", dollars(risk.capital_starting)),
        ("Exposure, net", dollars(risk.exposure_net)),
        ("Exposure, gross", dollars(risk.exposure_gross)),
        ("Exposure, gross, limit", dollars(risk.exposure_gross_max)),
        ("Heat (at risk to the stops)", percent(risk.heat)),
        ("Drawdown", percent(risk.drawdown)),
        ("Drawdown, limit", percent(risk.drawdown_max)),
        ("Drawdown, worst", percent(risk.drawdown_worst)),
        ("Volatility of the last 5 returns", percent(risk.volatility_5)),
    )
    return tables_of("Capital and risk", table_of("Figure|USD or percent#", capital), *_pnl(pnl))


def _pnl(pnl: Pnl | None) -> tuple[Table, ...]:
    if pnl is None:
        return ()
    rows = (
        ("Realised in this session, gross", signed_dollars(pnl.realised_session_gross)),
        ("Realised, gross", signed_dollars(pnl.realised_gross)),
        ("Unrealised", signed_dollars(pnl.unrealised)),
        ("Fees booked", signed_dollars(pnl.fees_booked)),
        ("Fees estimated, not booked yet", signed_dollars(pnl.fees_accrued)),
        ("Income", signed_dollars(pnl.income)),
        ("Net", signed_dollars(pnl.net)),
    )
    return (table_of("Profit and loss since the start|USD#", rows),)


def _market(report: Report) -> Section:
    regime, bars = report.regime, report.bars
    if regime is None or bars is None:
        return Section("Market", ("No scan of this session can be read.",))
    trend = (
        f"{regime.benchmark} closed at {price_text(regime.benchmark_close)}, 200-day average "
        f"{price_text(regime.benchmark_average_200)}: trend {regime.trend}."
    )
    volatility = (
        f"{text_or_none(regime.volatility_index)} {price_text(regime.volatility)} "
        f"({text_or_none(regime.volatility_session)})."
    )
    believed = (
        f"Bars: feed {bars.feed}, adjustment {bars.adjustment}, {bars.timeframe}, complete to "
        f"{bars.data_session}, newest found {text_or_none(bars.newest_session)}."
    )
    off = ", ".join(text_or_none(check) for check in report.checks_off) or "none"
    return Section("Market", (trend, volatility, believed, f"Checks without a source: {off}."))


def _signals(report: Report) -> Section:
    titles = "Rank#|Symbol|Strategy|Ended as|Reason|Observed|Limit|Further|Ordered#|Filled#|Price#"
    rows = [_signal_row(outcome) for outcome in report.signals]
    late = [_signal_row(outcome) for outcome in report.signals_late]
    skipped = [(code, str(count)) for code, count in sorted(report.symbols_skipped.items())]
    return tables_of(
        "Signals",
        table_of(titles, rows, "No signals."),
        *([table_of(titles.replace("Rank#", "Earlier session's rank#"), late)] if late else []),
        table_of("Symbols without a signal, by reason|Symbols#", skipped, "None skipped."),
    )


def _signal_row(outcome: SignalOutcome) -> tuple[str, ...]:
    return (
        str(outcome.rank),
        text_or_none(outcome.symbol),
        text_or_none(outcome.strategy),
        outcome.state or "OPEN",
        text_or_none(outcome.primary.code),
        text_or_none(outcome.primary.observed),
        text_or_none(outcome.primary.limit),
        "; ".join(_finding(finding) for finding in outcome.further) or NONE,
        shares(outcome.quantity_ordered),
        shares(outcome.quantity_filled),
        price_text(outcome.average_price),
    )


def _zero_trade(report: Report) -> tuple[Section, ...]:
    proof = report.zero_trade
    if proof is None:
        return ()
    codes = f" ({', '.join(proof.scan_codes)})" if proof.scan_codes else ""
    rows = [
        ("Reason", f"{proof.reason}{codes}"),
        ("Proven", "yes" if proof.is_proven else "no"),
        ("Positions unchanged", "yes" if proof.positions_unchanged else "no"),
        ("Fills", str(proof.fills)),
        ("Fees booked, USD", signed_dollars(proof.fees)),
        ("Change in cash, USD", signed_dollars(proof.cash_change)),
    ]
    return (tables_of("Nothing was traded", table_of("Proof|Value#", rows)),)


def _orders(report: Report) -> Section:
    orders = [
        (
            text_or_none(order.symbol), order.purpose, order.side, shares(order.ordered_quantity),
            price_text(order.limit_price), price_text(order.stop_price), order.state,
            shares(order.cumulative_quantity), price_text(order.average_price),
            text_or_none(order.code), text_or_none(order.message),
            text_or_none(order.client_order_id),
        )
        for order in report.orders
    ]  # fmt: skip
    fills = [
        (
            instant_or_none(fill.filled_at), text_or_none(fill.symbol), fill.side,
            shares(fill.last_quantity), price_text(fill.last_price),
            text_or_none(fill.client_order_id), text_or_none(fill.execution_id),
        )
        for fill in report.fills
    ]  # fmt: skip
    return tables_of(
        "Orders and fills",
        table_of(
            "Symbol|Purpose|Side|Shares#|Limit#|Stop#|State|Filled#|Average#|Code|Message"
            "|Client order id",
            orders,
            "No orders.",
        ),
        table_of(
            "Filled at|Symbol|Side|Shares#|Price#|Client order id|Execution id",
            fills,
            "No fills.",
        ),
        *_fill_latency(report.fill_latency),
    )


def _fill_latency(latency: FillLatency | None) -> tuple[Table, ...]:
    """Return how long entries and exits waited; nothing if none got shares."""
    if latency is None or latency.orders == 0:
        return ()
    percentiles = (latency.p50, latency.p90, latency.p95, latency.p99)
    row = (str(latency.orders), *map(seconds, percentiles))
    titles = "Entries and exits filled#|Seconds from submission to last fill, p50#|p90#|p95#|p99#"
    return (table_of(titles, [row]),)


def _trades(report: Report) -> Section:
    rows = [
        (
            text_or_none(trade.symbol), text_or_none(trade.strategy), shares(trade.quantity),
            price_text(trade.entry_price), price_text(trade.exit_price),
            instant_or_none(trade.entered_at), instant_or_none(trade.exited_at),
            trade.exit_purpose, signed_dollars(trade.pnl_gross), dollars(trade.fees),
            signed_dollars(trade.pnl_net),
        )
        for trade in report.trades_closed
    ]  # fmt: skip
    stops = [
        (
            cycle_text(stop.cycle), text_or_none(stop.symbol), shares(stop.quantity), stop.action,
            text_or_none(stop.code), price_text(stop.stop_before), price_text(stop.stop_after),
            text_or_none(stop.basis),
        )
        for stop in report.stops
    ]  # fmt: skip
    return tables_of(
        "Trades closed, stops moved",
        table_of(
            "Symbol|Strategy|Shares#|Entry#|Exit#|Entered at|Exited at|By|Gross#|Fees#|Net#",
            rows,
            "No trade was closed.",
        ),
        table_of(
            "Cycle|Symbol|Shares#|Action|Reason|Stop before#|Stop after#|Basis",
            stops,
            "No stop was placed or moved.",
        ),
    )


def _positions(report: Report) -> Section:
    rows = [
        (
            text_or_none(held.symbol), text_or_none(held.strategy), shares(held.quantity),
            price_text(held.average_price), price_text(held.mark_price), held.mark_source,
            dollars(held.market_value), signed_dollars(held.pnl_unrealised),
            price_text(held.stop_price), dollars(held.risk_at_stop),
            held.opened_session.isoformat(),
        )
        for held in report.positions
    ]  # fmt: skip
    titles = (
        "Symbol|Strategy|Shares#|Average#|Mark#|Mark from|Value#|Unrealised#|Stop#|At risk#|Opened"
    )
    return tables_of("Positions", table_of(titles, rows, "No positions."))


def _reconciliation(report: Report) -> Section:
    rows = [
        (
            text_or_none(found.code), found.kind, text_or_none(found.subject),
            text_or_none(found.ours), text_or_none(found.theirs),
        )
        for found in report.breaks
    ]  # fmt: skip
    return tables_of(
        "Reconciliation", table_of("Break|Kind|Subject|Ours|Theirs", rows, "No breaks.")
    )


def _health(report: Report) -> Section:
    steps = [
        (
            cycle_text(health.cycle), health.step, health.status,
            NONE if health.exit_code is None else str(health.exit_code),
            text_or_none(health.path),
        )
        for health in report.health
    ]  # fmt: skip
    incidents = [
        (
            cycle_text(incident.cycle), incident.step, text_or_none(incident.code),
            text_or_none(incident.detail),
        )
        for incident in report.incidents
    ]  # fmt: skip
    damage = [
        (text_or_none(each.path), text_or_none(each.code), text_or_none(each.detail))
        for each in report.damage
    ]
    return tables_of(
        "Health",
        table_of("Cycle|Step|Incident|Detail", incidents, "No incidents."),
        table_of("Damaged file|Code|Detail", damage, "No damage."),
        table_of("Cycle|Step|Status|Exit code#|Artifact", steps),
    )


def _provenance(report: Report) -> Section:
    rows = [
        ("Session, cycle", f"{report.session.isoformat()} {cycle_text(report.cycle)}"),
        ("As of", instant_or_none(report.as_of)),
        ("Mode", report.mode),
        ("Program", f"{text_or_none(report.code.version)} {short(report.code.digest)}"),
        ("Decision config", short(report.config_sha256)),
        ("Inputs", str(len(report.inputs))),
        ("Previous seal", short(report.previous_seal)),
    ]
    return tables_of("Provenance", table_of("What|Which", rows))


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in counts.items())


def _finding(finding: Finding) -> str:
    observed = "" if finding.observed is None else f" {finding.observed}"
    limit = "" if finding.limit is None else f" (limit {finding.limit})"
    return text_or_none(f"{finding.code}{observed}{limit}")
