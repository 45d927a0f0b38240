"""Orders as rows of the book: the statements, and the way from row to order and back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from quantcli.exchange.figures import spelled
from quantcli.exchange.order_record import OPEN_STATUSES, Order

IS_OPEN = "status IN ({})".format(", ".join(f"'{status}'" for status in OPEN_STATUSES))
_DECIMALS = tuple(
    Order._fields.index(name)
    for name in (
        "quantity", "limit_price", "stop_price", "reserve_price", "filled_quantity", "filled_cost",
    )
)  # fmt: skip
#: Hardly any order has one of these.
_RARE = ("notional", "trail_price", "trail_percent", "high_water_mark")
_RARE_DECIMALS = tuple(Order._fields.index(name) for name in _RARE)
_FIRST_RARE, _PAST_RARE = min(_RARE_DECIMALS), max(_RARE_DECIMALS) + 1
_NONE = (None,) * (_PAST_RARE - _FIRST_RARE)
SELECT = f"SELECT {', '.join(Order._fields)} FROM orders"  # noqa: S608 (own constants)
# Never INSERT OR REPLACE: a client order id that is taken would make another order disappear.
PUT = "INSERT INTO orders ({}) VALUES ({}) ON CONFLICT (sequence) DO UPDATE SET {}".format(  # noqa: S608
    ", ".join(Order._fields),
    ", ".join("?" * len(Order._fields)),
    ", ".join(f"{name} = excluded.{name}" for name in Order._fields),
)


def row_of(order: Order) -> list[Any]:
    """Return an order as the values of its row."""
    return [spelled(value) if isinstance(value, Decimal) else value for value in order]


def order_of(row: tuple[Any, ...]) -> Order:
    """Return the order that a row holds."""
    values: list[Any] = list(row)
    is_rare = row[_FIRST_RARE:_PAST_RARE] != _NONE
    for index in _DECIMALS + _RARE_DECIMALS if is_rare else _DECIMALS:
        if values[index] is not None:
            values[index] = Decimal(values[index])
    return Order._make(values)
