"""Price-time priority matching for one market: pure, synchronous, exact."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Side(StrEnum):
    """Which way an order trades the base currency."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> Side:
        """The side an order of this side trades against."""
        return Side.SELL if self is Side.BUY else Side.BUY


@dataclass(frozen=True, slots=True)
class MarketSpec:
    """What one market trades and on which grid; currencies are lower-case codes."""

    base: str
    counter: str
    base_decimals: int
    counter_decimals: int
    minimum_order_value: Decimal

    @property
    def symbol(self) -> str:
        """Symbol used in paths and channels, `btcusd`."""
        return self.base + self.counter

    @property
    def name(self) -> str:
        """Name shown in replies, `BTC/USD`."""
        return f"{self.base}/{self.counter}".upper()

    @property
    def tick(self) -> Decimal:
        """Smallest price step, counter units per base unit."""
        return Decimal(1).scaleb(-self.counter_decimals)

    @property
    def lot(self) -> Decimal:
        """Smallest amount step, base units."""
        return Decimal(1).scaleb(-self.base_decimals)
