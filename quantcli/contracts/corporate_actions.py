"""Corporate actions: what a company does to its shares, keyed by the ex-date.

An action is in force from the first instant of its ex-date in New York on: who held the shares
until then holds what became of them.
"""

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Literal, NamedTuple, Self

from pydantic import Field, model_validator

from quantcli.contracts.envelope import Frozen, InputRef
from quantcli.contracts.scalars import Ratio, SessionDate, Symbol

#: `none` says that nothing happened: it takes back what was recorded of that day, and tells
#: that a move which looks like a split was the market's own.
ActionKind = Literal["split", "dividend", "rename", "none"]
#: Rates are whole shares: more than this are no rate, and a ratio is told to the nearest one
#: with no more than this on its smaller side.
RATE_MAX, SMALLER_RATE_MAX = 1_000_000, 1000


class CorporateAction(Frozen):
    """One action. A split has rates, a dividend an amount, a rename a new symbol."""

    symbol: Symbol
    ex_date: SessionDate
    kind: ActionKind
    new_rate: int | None = Field(default=None, ge=1, le=RATE_MAX, description="New shares ...")
    old_rate: int | None = Field(default=None, ge=1, le=RATE_MAX, description="... for old ones")
    amount: Ratio | None = Field(default=None, gt=0, description="USD per share held before")
    new_symbol: Symbol | None = None

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        has = {
            "split": self.new_rate is not None and self.old_rate is not None,
            "dividend": self.amount is not None,
            "rename": self.new_symbol is not None,
        }
        wrong = [kind for kind, is_there in has.items() if is_there != (kind == self.kind)]
        if wrong or (self.new_rate is None) != (self.old_rate is None):
            raise ValueError("a split has rates, a dividend an amount, a rename a new symbol")
        if self.new_symbol == self.symbol or (self.kind == "split" and self.ratio == 1):
            raise ValueError("nothing would change")
        return self

    @property
    def ratio(self) -> Fraction:
        """New shares for each old one; 1 for anything but a split."""
        if self.new_rate is None or self.old_rate is None:
            return Fraction(1)
        return Fraction(self.new_rate, self.old_rate)

    @property
    def key(self) -> tuple[dt.date, str, str]:
        """What an action is known by, in order: ex-date, symbol, kind."""
        return self.ex_date, self.symbol, self.kind


class ActionSeries(NamedTuple):
    """Actions by date, symbol and kind, with what they were read from."""

    actions: tuple[CorporateAction, ...]
    refs: tuple[InputRef, ...]


def whole_rates(ratio: Fraction) -> Fraction:
    """Return a ratio above zero to the nearest whole rates.

    Raises:
        ValueError: zero or below, or beyond any split.
    """
    if not 0 < ratio < RATE_MAX:
        raise ValueError(f"no ratio of a split: {ratio}")
    exact = Fraction(ratio)
    if exact < 1:
        return 1 / (1 / exact).limit_denominator(SMALLER_RATE_MAX)
    return exact.limit_denominator(SMALLER_RATE_MAX)


def split_of(symbol: str, ex_date: dt.date, ratio: Fraction) -> CorporateAction:
    """Return a split of `ratio` new shares for each old one, to the nearest whole rates.

    Raises:
        ValueError: no ratio above zero, or none that whole shares can tell.
    """
    rate = whole_rates(ratio)
    return CorporateAction(
        symbol=symbol,
        ex_date=ex_date,
        kind="split",
        new_rate=rate.numerator,
        old_rate=rate.denominator,
    )


def dividend_of(symbol: str, ex_date: dt.date, amount: Decimal) -> CorporateAction:
    """Return a dividend in USD per share.

    Raises:
        ValueError: no amount above zero.
    """
    return CorporateAction(symbol=symbol, ex_date=ex_date, kind="dividend", amount=amount)


def together(
    told: tuple[CorporateAction, ...], newer: tuple[CorporateAction, ...]
) -> tuple[CorporateAction, ...]:
    """Return what holds when `newer` is believed over `told`, by date, symbol and kind.

    Of one symbol and day a newer action replaces the one of its kind; `none` replaces them all,
    and any action replaces `none`.
    """
    spoken = {each.key for each in newer}
    voids = {(each.symbol, each.ex_date) for each in newer if each.kind == "none"}
    days = {(each.symbol, each.ex_date) for each in newer}
    kept = [
        each
        for each in told
        if each.key not in spoken
        and (each.symbol, each.ex_date) not in (days if each.kind == "none" else voids)
    ]
    return tuple(sorted((*kept, *newer), key=lambda each: each.key))


def factor_between(
    actions: tuple[CorporateAction, ...], symbol: str, after: dt.date, through: dt.date
) -> Fraction:
    """Return the shares on `through` that one share on `after` has become by splits."""
    factor = Fraction(1)
    for each in actions:
        if each.symbol == symbol and after < each.ex_date <= through:
            factor *= each.ratio
    return factor
