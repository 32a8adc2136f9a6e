"""The house that makes the market: a ladder round each planned price, and a small change now and then."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random

from arbbot.exchange.matching import Side
from arbbot.exchange.venue import Venue
from tests.sim.clockwork import Clockwork
from tests.sim.plan import Quote

DOMESTIC, FOREIGN, FX = SYMBOLS = ("btcusd", "btceur", "eurusd")
RATE = Decimal("1.1")
FX_DEPTH = Decimal(60_000)
BPS = Decimal(10_000)


class House:
    """Quotes all three markets. Amounts and steps are drawn, prices are the plan's."""

    def __init__(self, venue: Venue, clock: Clockwork, rng: Random, levels: int) -> None:
        self._venue = venue
        self._clock = clock
        self._rng = rng
        self._levels = levels
        self._orders: dict[str, list[int]] = {symbol: [] for symbol in SYMBOLS}
        self.last = Quote(0, Decimal(60_000), 0, 200)

    def quote(self, quote: Quote) -> None:
        """Withdraw everything and quote anew."""
        self.last = quote
        depth = Decimal(quote.depth) / 1000
        self._ladder(DOMESTIC, quote.price, Decimal(self._rng.randint(1, 6)), depth)
        foreign = quote.price / RATE * (1 + Decimal(quote.premium_bps) / BPS)
        self._ladder(FOREIGN, foreign, Decimal(self._rng.randint(1, 6)), depth)
        self._ladder(FX, RATE + Decimal(self._rng.randint(-5, 5)) / BPS, Decimal("0.0001"), FX_DEPTH)

    def yank(self) -> None:
        """The edge is gone, and more: the market that was rich is cheap."""
        self.quote(replace(self.last, premium_bps=-self.last.premium_bps // 3))

    def stir(self, *, one: bool) -> None:
        """One order of every market, or of one market, changes its size."""
        for symbol in (SYMBOLS[self._rng.randrange(3)],) if one else SYMBOLS:
            orders = self._orders[symbol]
            if orders:
                unit = FX_DEPTH if symbol == FX else Decimal(self.last.depth) / 1000
                which = self._rng.choice(orders)
                amount = self._amount(self._venue.spec(symbol).lot, unit)
                self._venue.house_resize(which, amount, self._clock.now_us)

    def _amount(self, lot: Decimal, unit: Decimal) -> Decimal:
        return (unit * self._rng.randint(30, 170) / 100).quantize(lot)

    def _ladder(self, symbol: str, middle: Decimal, step: Decimal, unit: Decimal) -> None:
        venue, now_us, spec = self._venue, self._clock.now_us, self._venue.spec(symbol)
        for order_id in self._orders[symbol]:
            venue.house_cancel(order_id, now_us)
        placed = []
        for level in range(self._levels):
            off = step / 2 + step * level
            for side, price in ((Side.BUY, middle - off), (Side.SELL, middle + off)):
                placed.append(
                    venue.house_limit(symbol, side, price.quantize(spec.tick), self._amount(spec.lot, unit), now_us)
                )
        self._orders[symbol] = placed
