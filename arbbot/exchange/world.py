"""The venue and its market process as a rehearsal in virtual time sees them: brought forward only by being asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from arbbot.domain.book import Book
from arbbot.domain.commands import Ask, CancelOrder, PlaceOrder
from arbbot.domain.events import Event
from arbbot.exchange.gateway import LEVELS, VenueDesk
from arbbot.exchange.market.prices import Moment, Prices
from arbbot.exchange.market.simulation import MarketProcess
from arbbot.exchange.venue import Venue

Interest = Callable[[Moment, int], bool]
"""Whether the fair prices of a moment (microseconds) could make anybody trade."""


class PricesAhead:
    """Fair prices that may be looked at before the books are quoted around them, and many times without."""

    def __init__(self, prices: Prices, start_us: int) -> None:
        """Start at `start_us`."""
        self._prices = prices
        self._at_us = start_us
        self.moment = prices.advance(0.0)

    def look(self, now_us: int) -> Moment:
        """Bring the prices to now, microseconds of market time that never run backwards."""
        if now_us > self._at_us:
            self.moment = self._prices.advance((now_us - self._at_us) / 1_000_000)
            self._at_us = now_us
        return self.moment

    def advance(self, step_s: float) -> Moment:
        """What the market process asks for: the prices were brought to its time before."""
        return self.moment


class VenueWorld:
    """One account's venue, alone with the house. Orders and cancels meet the market of the instant they arrive;
    questions are answered from the books as they were last quoted.
    """

    def __init__(
        self,
        venue: Venue,
        desk: VenueDesk,
        prices: PricesAhead,
        market: MarketProcess,
        symbols: Sequence[str],
        *,
        interest: Interest | None = None,
        levels: int = LEVELS,
        only_changed: bool = True,
    ) -> None:
        """`market` must quote around `prices`. Without `interest` every moment counts; `only_changed` shows a book
        only when it changed, as the venue's feed does.
        """
        self._venue = venue
        self._desk = desk
        self._prices = prices
        self._market = market
        self._symbols = tuple(symbols)
        self._interest = interest
        self._levels = levels
        self._only_changed = only_changed
        self._shown: dict[str, int] = {}

    def stirs(self, now_us: int) -> bool:
        """Bring the prices to now; False when they leave nothing to decide. The books stay as they are."""
        moment = self._prices.look(now_us)
        return self._interest is None or self._interest(moment, now_us)

    def books(self, now_us: int) -> list[Book]:
        """Quote the market around the prices of now; its books, or those changed since they were last shown."""
        self._quote(now_us)
        shown: list[Book] = []
        for symbol in self._symbols:
            changes = self._venue.listing(symbol).book.changes
            if not self._only_changed or self._shown.get(symbol) != changes:
                self._shown[symbol] = changes
                shown.append(self._desk.book(symbol, self._levels))
        return shown

    def answer(self, command: PlaceOrder | CancelOrder | Ask, now_us: int) -> Event:
        """Carry out a command that arrives now."""
        if not isinstance(command, Ask):
            self._quote(now_us)
        return self._desk.answer(command, now_us)

    def drain(self) -> Sequence[Event]:
        """What the private channels have told."""
        return self._desk.drain()

    def _quote(self, now_us: int) -> None:
        self._venue.advance(now_us)
        self._prices.look(now_us)
        self._market.tick(now_us)
