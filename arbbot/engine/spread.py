"""The arithmetic of the triangle: exact totals for a size, and gross and net edge from them.

With C the cost in the buy market, P the proceeds in the sell market and the FX book walked for the foreign amount:

* buy domestic: D = P converted at the FX bid; gross = D / C - 1,
  net = D (1-f_sell)(1-f_fx) / (C (1+f_buy)) - 1
* buy foreign: F = domestic cost of C at the FX ask; gross = P / F - 1,
  net = P (1-f_sell) / (F (1+f_buy)(1+f_fx)) - 1

Comparisons cross-multiply, so no decision rests on a rounded quotient.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from arbbot.domain.book import Book, BookError, Sweep
from arbbot.domain.market import Direction, Side
from arbbot.domain.money import BPS, ONE
from arbbot.engine.refusal import Refusal

# Looked up once: a member's name costs more than the comparison it is for.
_BUY_DOMESTIC = Direction.BUY_DOMESTIC
_BUY, _SELL = Side


class Costs(NamedTuple):
    """Fee fractions that one hedge pays: buy leg, sell leg, FX leg by policy."""

    buy: Decimal
    sell: Decimal
    fx: Decimal

    def break_even(self, direction: Direction) -> Decimal:
        """The gross edge at which net is exactly zero."""
        if direction is _BUY_DOMESTIC:
            return (ONE + self.buy) / ((ONE - self.sell) * (ONE - self.fx)) - ONE
        return (ONE + self.buy) * (ONE + self.fx) / (ONE - self.sell) - ONE


class Triangle(NamedTuple):
    """The three books of a route seen in one direction."""

    direction: Direction
    buy: Book
    sell: Book
    fx: Book
    ask: Decimal
    """Touch of the buy market."""
    bid: Decimal
    """Touch of the sell market."""
    unit_cost: Decimal
    """Domestic value of one base unit bought at the touch."""

    def touch(self) -> Walk:
        """One base unit at the best prices, however little there is. Raises BookError without an FX price."""
        buying_domestic = self.direction is _BUY_DOMESTIC
        rate = self.fx.touch(_SELL if buying_domestic else _BUY)
        if rate is None:
            raise BookError(f"{self.fx.symbol}: a side is empty")
        foreign = self.bid if buying_domestic else self.ask
        return Walk(
            self.direction,
            Sweep(ONE, self.ask, self.ask),
            Sweep(ONE, self.bid, self.bid),
            Sweep(foreign, foreign * rate, rate),
        )

    def walk(self, size: Decimal) -> Walk | Refusal:
        """Exact totals for a positive size, or which book is not deep enough. Raises BookError on bad rows."""
        bought = self.buy.ladder(_BUY).sweep(size)
        sold = self.sell.ladder(_SELL).sweep(size)
        if bought is None or sold is None:
            return Refusal.BOOK_DEPTH
        if self.direction is _BUY_DOMESTIC:
            fx = self.fx.ladder(_SELL).sweep(sold.total)
        else:
            fx = self.fx.ladder(_BUY).sweep(bought.total)
        if fx is None:
            return Refusal.FX_DEPTH
        return Walk(self.direction, bought, sold, fx)


class Walk(NamedTuple):
    """A size walked through all three books."""

    direction: Direction
    bought: Sweep
    sold: Sweep
    fx: Sweep

    @property
    def out(self) -> Decimal:
        """Domestic value of the proceeds."""
        return self.fx.total if self.direction is _BUY_DOMESTIC else self.sold.total

    @property
    def paid(self) -> Decimal:
        """Domestic value of the cost."""
        return self.bought.total if self.direction is _BUY_DOMESTIC else self.fx.total

    def net_out(self, costs: Costs) -> Decimal:
        """Domestic proceeds after the sell fee and, selling foreign, the FX fee."""
        out = self.out * (ONE - costs.sell)
        return out * (ONE - costs.fx) if self.direction is _BUY_DOMESTIC else out

    def net_paid(self, costs: Costs) -> Decimal:
        """Domestic cost with the buy fee and, buying foreign, the FX fee."""
        paid = self.paid * (ONE + costs.buy)
        return paid * (ONE + costs.fx) if self.direction is not _BUY_DOMESTIC else paid

    def gross_bps(self) -> Decimal:
        """Gross edge in basis points, for people and records."""
        return bps(self.out, self.paid)

    def net_bps(self, costs: Costs) -> Decimal:
        """Net edge in basis points, for people and records."""
        return bps(self.net_out(costs), self.net_paid(costs))


def bps(out: Decimal, paid: Decimal) -> Decimal:
    """(out / paid - 1) in basis points, rounded to four decimals: shown, never decided on."""
    return ((out / paid - ONE) * BPS).quantize(Decimal("0.0001"))


def exceeds(out: Decimal, paid: Decimal, rate: Decimal) -> bool:
    """Exactly: out / paid - 1 > rate."""
    return out > paid * (ONE + rate)


def reaches(out: Decimal, paid: Decimal, rate: Decimal) -> bool:
    """Exactly: out / paid - 1 >= rate."""
    return out >= paid * (ONE + rate)
