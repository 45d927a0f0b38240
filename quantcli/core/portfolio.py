"""The portfolio at one instant: positions at their marks, P&L, contributions, history.

Positions and cash come from the journal, costs from first-in-first-out lots; the two must agree
to the share and to the cent (INV-17, INV-20), or the desk cannot say what it owns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

from quantcli.contracts.config import FeesSection
from quantcli.contracts.errors import LedgerError
from quantcli.contracts.journal_rows import CashRow, StopRow
from quantcli.contracts.orders import Fill, OrderRecord
from quantcli.contracts.positions import PositionRecord
from quantcli.contracts.scalars import ZERO
from quantcli.contracts.snapshot import Contribution, Pnl, PositionHeld, Snapshot
from quantcli.core import metrics
from quantcli.core.fees import FEE_ACTIVITIES, fees_accrued
from quantcli.core.ledger import cash_effect
from quantcli.core.trades import FillBook, Match

#: Activity types that move capital in or out; everything else that is no fee is income.
#: The kind of a difference of cash that an operator took into the books: earned by no trade.
ADOPTED_CASH = "ADOPTED"
TRANSFER_ACTIVITIES: frozenset[str] = frozenset(
    {"ACATC", "CSD", "CSW", "JNL", "JNLC", "TRANS", ADOPTED_CASH}
)


class Mark(NamedTuple):
    """A price to value a position at, USD per share, and where it comes from."""

    price: Decimal
    source: Literal["bar", "broker", "cost"]


class Ledger(NamedTuple):
    """What the journal says, all of it since genesis.

    Attributes:
        opening_cash: Opening balance, USD.
        cash: Cash now, USD.
        positions: Open positions by symbol.
        fills: Every execution.
        movements: Every cash movement that is no execution.
        booked: Ids of the executions that this session has booked.
    """

    opening_cash: Decimal
    cash: Decimal
    positions: tuple[PositionRecord, ...]
    fills: tuple[Fill, ...]
    movements: tuple[CashRow, ...]
    booked: frozenset[str]


class CashMoved(NamedTuple):
    """Cash movements since genesis by what they are, USD, signed as booked."""

    fees: Decimal
    income: Decimal
    transfers: Decimal


class Standing(NamedTuple):
    """Where equity stands against its history, after this snapshot."""

    high_water_mark: Decimal
    drawdown: Decimal
    drawdown_max: Decimal
    equity_history: tuple[Decimal, ...]
    return_session: Decimal | None
    volatility_5: Decimal | None


def check_ledger(ledger: Ledger, book: FillBook) -> None:
    """Check that fills add up to positions and, with cash movements, to cash.

    Raises:
        LedgerError: naming the symbol, or the two amounts of cash.
    """
    held = {record.symbol: record.quantity for record in ledger.positions}
    for symbol in sorted({*held, *book.lots}):
        if held.get(symbol, ZERO) != book.quantity(symbol):
            raise LedgerError(
                f"the fills of {symbol} add up to {book.quantity(symbol)} shares, "
                f"the journal holds {held.get(symbol, ZERO)}",
                hint="see runbook/restore.md",
            )
    expected = ledger.opening_cash + sum((cash_effect(fill) for fill in ledger.fills), ZERO)
    expected += sum((row.net_amount for row in ledger.movements), ZERO)
    if expected != ledger.cash:
        raise LedgerError(
            f"fills and cash movements add up to {expected} USD, the journal holds {ledger.cash}",
            hint="see runbook/restore.md",
        )


def cash_moved(movements: Iterable[CashRow]) -> CashMoved:
    """Return cash movements summed by kind."""
    fees = income = transfers = ZERO
    for row in movements:
        if row.activity_type in FEE_ACTIVITIES:
            fees += row.net_amount
        elif row.activity_type in TRANSFER_ACTIVITIES:
            transfers += row.net_amount
        else:
            income += row.net_amount
    return CashMoved(fees, income, transfers)


def held_at(
    record: PositionRecord,
    mark: Mark,
    book: FillBook,
    stop: StopRow | None,
    entry: OrderRecord | None,
) -> PositionHeld:
    """Return a position at its mark.

    Average price and unrealised P&L are those of the oldest-first lots still held. A position
    opened by an order that is not ours has the strategy `foreign`.
    """
    cost = book.cost(record.symbol)
    value = metrics.amount(record.quantity, mark.price)
    stop_price = stop.stop_price if stop else None
    return PositionHeld(
        symbol=record.symbol,
        strategy=entry.intent.strategy if entry else "foreign",
        quantity=record.quantity,
        average_price=cost / record.quantity,
        mark_price=mark.price,
        mark_source=mark.source,
        market_value=value,
        pnl_unrealised=value - cost,
        stop_price=stop_price,
        risk_at_stop=metrics.risk_at_stop(record.quantity, mark.price, stop_price),
        opened_session=record.opened_session,
        entry_signal_id=entry.intent.signal_id if entry else None,
    )


def pnl_of(
    ledger: Ledger, book: FillBook, positions: Iterable[PositionHeld], rates: FeesSection
) -> Pnl:
    """Return profit and loss since genesis, and what this session's executions realised.

    Args:
        ledger: Executions and cash movements.
        book: What the executions add up to.
        positions: Open positions at their marks.
        rates: Estimate the fees that are not booked yet.
    """
    moved = cash_moved(ledger.movements)
    accrued = fees_accrued(ledger.fills, ledger.movements, rates)
    realised = _realised(book.matches)
    unrealised = sum((position.pnl_unrealised for position in positions), ZERO)
    return Pnl(
        realised_gross=realised,
        realised_session_gross=_realised(
            match for match in book.matches if match.closing.execution_id in ledger.booked
        ),
        unrealised=unrealised,
        fees_booked=moved.fees,
        fees_accrued=-accrued,
        income=moved.income,
        transfers=moved.transfers,
        net=realised + unrealised + moved.fees - accrued + moved.income,
    )


def contributions(
    matches: Iterable[Match], positions: Iterable[PositionHeld]
) -> tuple[Contribution, ...]:
    """Return what each symbol ever traded added since genesis, by symbol (contribution-1)."""
    realised: dict[str, Decimal] = {}
    for match in matches:
        symbol = match.opening.symbol
        realised[symbol] = realised.get(symbol, ZERO) + match.pnl_gross - match.fees
    unrealised = {position.symbol: position.pnl_unrealised for position in positions}
    return tuple(
        Contribution(
            symbol=symbol,
            realised=realised.get(symbol, ZERO),
            unrealised=unrealised.get(symbol, ZERO),
            total=realised.get(symbol, ZERO) + unrealised.get(symbol, ZERO),
        )
        for symbol in sorted({*realised, *unrealised})
    )


def standing(equity: Decimal, previous: Snapshot | None, transfers: Decimal) -> Standing:
    """Return equity against the snapshot that closed the session before.

    Args:
        equity: Equity now, USD.
        previous: The newest snapshot of an earlier session, or the genesis one; None: there is
            no readable one, and history begins here.
        transfers: Capital moved since `previous`, USD.
    """
    before: Sequence[Decimal] = previous.equity_history if previous else ()
    history = metrics.scaled(before, transfers)
    mark = equity
    if previous is not None:
        mark_before = metrics.scaled((previous.high_water_mark, *before[-1:]), transfers)[0]
        mark = metrics.high_water_mark(mark_before, equity)
    fallen = metrics.drawdown(equity, mark)
    extended = metrics.extended(history, equity)
    return Standing(
        high_water_mark=mark,
        drawdown=fallen,
        drawdown_max=max(fallen, previous.drawdown_max) if previous else fallen,
        equity_history=extended,
        return_session=metrics.session_return(equity, history[-1]) if history else None,
        volatility_5=metrics.volatility(metrics.returns(extended)),
    )


def _realised(matches: Iterable[Match]) -> Decimal:
    return sum((match.pnl_gross for match in matches), ZERO)
