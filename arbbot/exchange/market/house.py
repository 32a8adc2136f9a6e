"""The house's quotes in one market: a ladder of resting orders on either side of the fair price.

Prices sit in slots of half a basis point on a logarithmic grid, one order a slot, at a random spot within it.
A slot keeps its order while the fair price wanders, so a tick only touches the slots that enter or leave the
ladder, a few sizes that are drawn anew, and levels that are refilling.

Sizes grow with the distance x from the fair price as `1 + x / 10 bp` (`Style.touch_size` at x = 0) and vary
log-normally around that. What is traded away comes back with a half-life of `REFILL_HALF_LIFE_S`, also in a
slot that left the ladder meanwhile. It also moves the quotes, by `IMPACT` times the length of a ladder of
touch-sized levels that would hold it; that move fades with `IMPACT_HALF_LIFE_S`. There is no permanent impact,
so that a followed history stays the history.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import ceil, exp, log
from random import Random

from arbbot.exchange.matching import Side
from arbbot.exchange.venue import Venue

SLOT = 0.5e-4
SLOT_FILL = 0.7
DEPTH_SCALE = 10e-4
LEVELS = 120
EMPTY_SIDE_LEVELS = 12
SIZE_SPREAD = 0.8
REFILL_HALF_LIFE_S = 3.0
REFILL_STEP = 0.1
IMPACT = 0.2
IMPACT_HALF_LIFE_S = 30.0
MOST_REVIEWS = 8


@dataclass(frozen=True, slots=True)
class Style:
    """How the house quotes one market in normal times.

    `half_spread` is the least distance of a quote from the fair price, a fraction; `touch_size` the mean size
    of a level there, base units; `takes_s` the mean time between two market orders of the house and
    `take_size` their mean size.
    """

    half_spread: float
    touch_size: float
    takes_s: float
    take_size: float


@dataclass(slots=True)
class Quote:
    """One slot of the ladder; `order_id` is None while nothing rests there."""

    side: Side
    slot: int
    price: Decimal
    target: float
    shown: Decimal
    order_id: int | None


class Ladder:
    """One side of the house's quotes. Slots ascend away from the fair price on both sides."""

    def __init__(self, side: Side) -> None:
        """Start empty."""
        self.side = side
        self.sign = 1.0 if side is Side.SELL else -1.0
        self.quotes: dict[int, Quote] = {}
        self.consumed: dict[int, float] = {}

    def window(self, log_mid: float, half_spread: float, levels: int) -> range:
        """Return the slots to quote around a fair price given by its logarithm."""
        first = ceil((self.sign * log_mid + half_spread) / SLOT)
        return range(first, first + levels)


class House:
    """Quotes one market and trades a little in it."""

    def __init__(self, market: str, style: Style, venue: Venue, rng: Random, levels: int = LEVELS) -> None:
        """Place nothing yet: the first `requote` does. `levels` are the slots quoted a side."""
        self._market = market
        self._levels = levels
        self._style = style
        self._venue = venue
        self._rng = rng
        spec = venue.spec(market)
        self._tick, self._ticks = spec.tick, float(1 / spec.tick)
        self._lot, self._lots = spec.lot, float(1 / spec.lot)
        self._minimum_value = spec.minimum_order_value
        self._ladders = {side: Ladder(side) for side in Side}
        self._orders: dict[int, Quote] = {}
        self._lean = 0.0
        self._changes = -1
        """Count of the book's changes up to which nobody can have traded with this house unnoticed."""

    def requote(
        self, fair: float, width: float, depth: float, empty_side: Side | None, step_s: float, now_us: int
    ) -> None:
        """Bring the quotes into line with a fair price, `step_s` after the last time.

        In a halted market they stay as they are.
        """
        listing = self._venue.listing(self._market)
        if not listing.enabled:
            return
        if listing.book.changes != self._changes:
            self._notice_fills()
        alone = len(listing.book.orders) == len(self._orders)
        self._lean *= 0.5 ** (step_s / IMPACT_HALF_LIFE_S)
        log_mid = log(fair) + self._lean
        half_spread = self._style.half_spread * width
        windows = [
            (ladder, ladder.window(log_mid, half_spread, EMPTY_SIDE_LEVELS if side is empty_side else self._levels))
            for side, ladder in self._ladders.items()
        ]
        for ladder, window in windows:
            self._withdraw(ladder, window, now_us)
        for ladder, window in windows:
            self._refill(ladder, step_s, now_us)
            self._extend(ladder, window, log_mid, depth, now_us)
            for _ in range(min(MOST_REVIEWS, 1 + int(step_s))):
                self._review(ladder.quotes[self._rng.choice(window)], log_mid, depth, now_us)
        self._changes = listing.book.changes if alone else -1
        self._take(step_s, now_us)

    def _notice_fills(self) -> None:
        """Find out what was traded away since the last time."""
        seen = 0
        for order_id, _, _, remaining in self._venue.house_orders(self._market):
            seen += 1
            quote = self._orders[order_id]
            if remaining != quote.shown:
                self._book_fill(quote, quote.shown - remaining)
                quote.shown = remaining
        if seen == len(self._orders):
            return
        resting = {row[0] for row in self._venue.house_orders(self._market)}
        for order_id in [order_id for order_id in self._orders if order_id not in resting]:
            quote = self._orders.pop(order_id)
            self._book_fill(quote, quote.shown)
            quote.order_id, quote.shown = None, Decimal(0)

    def _book_fill(self, quote: Quote, filled: Decimal) -> None:
        ladder = self._ladders[quote.side]
        size = float(filled)
        ladder.consumed[quote.slot] = ladder.consumed.get(quote.slot, 0.0) + size
        self._lean += ladder.sign * IMPACT * SLOT * size / self._style.touch_size

    def _withdraw(self, ladder: Ladder, window: range, now_us: int) -> None:
        for slot in [slot for slot in ladder.quotes if slot not in window]:
            quote = ladder.quotes.pop(slot)
            if quote.order_id is not None:
                del self._orders[quote.order_id]
                self._venue.house_cancel(quote.order_id, now_us)

    def _extend(self, ladder: Ladder, window: range, log_mid: float, depth: float, now_us: int) -> None:
        for slot in window:
            if slot in ladder.quotes:
                continue
            spot = exp(ladder.sign * (slot + SLOT_FILL * self._rng.random()) * SLOT)
            price = self._tick * round(spot * self._ticks)
            quote = Quote(ladder.side, slot, price, self._size(ladder, slot, log_mid, depth), Decimal(0), None)
            ladder.quotes[slot] = quote
            self._show(quote, quote.target - ladder.consumed.get(slot, 0.0), now_us)

    def _refill(self, ladder: Ladder, step_s: float, now_us: int) -> None:
        """Let consumed amounts come back; small steps are saved up to spare the feed."""
        left = 0.5 ** (step_s / REFILL_HALF_LIFE_S)
        for slot, consumed in list(ladder.consumed.items()):
            missing = consumed * left
            quote = ladder.quotes.get(slot)
            target = self._style.touch_size if quote is None else quote.target
            ladder.consumed[slot] = missing
            if missing < REFILL_STEP * target / 2:
                del ladder.consumed[slot]
                missing = 0.0
            if quote is not None and (missing == 0 or target - missing - float(quote.shown) > REFILL_STEP * target):
                self._show(quote, target - missing, now_us)

    def _review(self, quote: Quote, log_mid: float, depth: float, now_us: int) -> None:
        ladder = self._ladders[quote.side]
        if quote.slot not in ladder.consumed:
            quote.target = self._size(ladder, quote.slot, log_mid, depth)
            self._show(quote, quote.target, now_us)

    def _size(self, ladder: Ladder, slot: int, log_mid: float, depth: float) -> float:
        distance = slot * SLOT - ladder.sign * log_mid
        noise = exp(SIZE_SPREAD * self._rng.gauss(0.0, 1.0) - SIZE_SPREAD * SIZE_SPREAD / 2)
        return self._style.touch_size * depth * (1.0 + distance / DEPTH_SCALE) * noise

    def _show(self, quote: Quote, size: float, now_us: int) -> None:
        """Rest `size` at a quote, or leave it be while that is below the venue's minimum."""
        amount = self._lot * int(size * self._lots)
        if amount == quote.shown or amount * quote.price < self._minimum_value:
            return
        if quote.order_id is None:
            quote.order_id = self._venue.house_limit(self._market, quote.side, quote.price, amount, now_us)
            self._orders[quote.order_id] = quote
        else:
            self._venue.house_resize(quote.order_id, amount, now_us)
        quote.shown = amount

    def _take(self, step_s: float, now_us: int) -> None:
        """Trade at the market now and then; at most once a call, so long steps print fewer trades."""
        if self._rng.random() < exp(-step_s / self._style.takes_s):
            return
        size = self._rng.expovariate(1.0 / self._style.take_size)
        amount = self._lot * int(size * self._lots)
        if amount > 0:
            self._venue.house_take(self._market, self._rng.choice((Side.BUY, Side.SELL)), amount, now_us)
