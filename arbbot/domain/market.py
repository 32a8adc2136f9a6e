"""What is traded: instruments, the route of a hedge, and the two ways round it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from arbbot.domain.money import unit


class Side(StrEnum):
    """The side of an order or fill, from our point of view."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> Side:
        """BUY for SELL and SELL for BUY."""
        return Side.SELL if self is Side.BUY else Side.BUY

    @property
    def sign(self) -> int:
        """+1 for a purchase of the base asset, -1 for a sale."""
        return 1 if self is Side.BUY else -1


@dataclass(frozen=True, slots=True)
class Instrument:
    """One market of the venue, as its `/markets/` list describes it."""

    symbol: str
    base: str
    counter: str
    base_decimals: int
    counter_decimals: int
    minimum_order_value: Decimal
    """In counter currency."""

    @property
    def tick(self) -> Decimal:
        """The smallest price step, in counter currency."""
        return unit(self.counter_decimals)

    @property
    def lot(self) -> Decimal:
        """The smallest amount step, in base asset."""
        return unit(self.base_decimals)


@dataclass(frozen=True, slots=True)
class FeeRate:
    """Trading fees of one market as fractions (0.004 is 0.4 %), charged in the counter currency."""

    maker: Decimal
    taker: Decimal


class Direction(StrEnum):
    """The two ways round the triangle."""

    BUY_DOMESTIC = "buy_domestic"
    """Buy in the domestic market, sell in the foreign one, proceeds come back over the FX bid (case A)."""
    BUY_FOREIGN = "buy_foreign"
    """Buy in the foreign market, sell in the domestic one, the cost is covered over the FX ask (case B)."""


@dataclass(frozen=True, slots=True)
class Route:
    """One base asset in two markets, and the FX market that joins their counter currencies.

    Written as FX is: the FX market's counter currency is *domestic* (the numeraire), its base currency *foreign*.
    """

    domestic: Instrument
    foreign: Instrument
    fx: Instrument

    def __post_init__(self) -> None:
        if self.domestic.base != self.foreign.base:
            raise ValueError(f"{self.domestic.symbol} and {self.foreign.symbol} do not share a base asset")
        if (self.fx.counter, self.fx.base) != (self.domestic.counter, self.foreign.counter):
            raise ValueError(f"{self.fx.symbol} does not join {self.domestic.counter} and {self.foreign.counter}")

    @property
    def base(self) -> str:
        """The asset that is hedged."""
        return self.domestic.base

    @property
    def numeraire(self) -> str:
        """The currency P&L is told in."""
        return self.domestic.counter

    @property
    def name(self) -> str:
        """A tag for journal, logs and metrics."""
        return f"{self.domestic.symbol}-{self.foreign.symbol}"

    @property
    def instruments(self) -> tuple[Instrument, Instrument, Instrument]:
        """Domestic, foreign, FX."""
        return (self.domestic, self.foreign, self.fx)

    @property
    def symbols(self) -> tuple[str, str, str]:
        """The three market symbols in the order of `instruments`."""
        return (self.domestic.symbol, self.foreign.symbol, self.fx.symbol)

    @property
    def currencies(self) -> tuple[str, str, str]:
        """Base asset, domestic and foreign currency: all that the ledger keeps."""
        return (self.base, self.domestic.counter, self.foreign.counter)

    def instrument(self, symbol: str) -> Instrument:
        """The instrument with this symbol; KeyError when the route has none."""
        for instrument in self.instruments:
            if instrument.symbol == symbol:
                return instrument
        raise KeyError(symbol)

    def legs(self, direction: Direction) -> tuple[Instrument, Instrument]:
        """(market bought in, market sold in)."""
        if direction is Direction.BUY_DOMESTIC:
            return (self.domestic, self.foreign)
        return (self.foreign, self.domestic)
