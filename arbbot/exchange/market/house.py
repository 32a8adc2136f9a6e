"""The house's quotes in one market: a ladder of resting orders on either side of the fair price.

Prices sit in slots of half a basis point on a logarithmic grid, one order a slot, at a random spot within it.
A slot keeps its order while the fair price wanders, so a tick only touches the slots that enter or leave the
ladder, a few sizes that are drawn anew, and levels that are refilling.

Sizes grow with the distance x from the fair price as `1 + x / 10 bp` (`Style.touch_size` at x = 0) and vary
log-normally around that. What a taker consumes comes back with a half-life of `REFILL_HALF_LIFE_S`, also in a
slot that left the ladder meanwhile, and moves the quotes by `IMPACT` of the distance it would have taken to
consume it from a full book; that move fades with `IMPACT_HALF_LIFE_S`. There is no permanent impact, so that a
followed history stays the history.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from math import ceil, exp, log
from random import Random
from typing import Protocol

from arbbot.exchange.matching import MarketSpec, Side

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
MOST_REVIEWS = 4


class HouseVenue(Protocol):
    """What the house needs of the venue it quotes on. Amounts are in base units, prices in counter units."""

    def house_limit(self, market: str, side: Side, price: Decimal, amount: Decimal, now_us: int) -> int:
        """Place a limit order, matching it at once as far as it crosses; return its id."""
        ...

    def house_take(self, market: str, side: Side, amount: Decimal, now_us: int) -> Decimal:
        """Trade at the market; return the amount that was filled."""
        ...

    def house_cancel(self, order_id: int, now_us: int) -> None:
        """Cancel a resting order of the house."""
        ...

    def house_resize(self, order_id: int, amount: Decimal, now_us: int) -> None:
        """Set what remains of a resting order of the house."""
        ...

    def house_orders(self, market: str) -> Iterable[tuple[int, Side, Decimal, Decimal]]:
        """List the resting orders of the house: id, side, price, remaining amount."""
        ...

    def spec(self, market: str) -> MarketSpec:
        """Return the trading rules of a market."""
        ...


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
class Level:
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
        self.levels: dict[int, Level] = {}
        self.consumed: dict[int, float] = {}

    def window(self, log_mid: float, half_spread: float, levels: int) -> range:
        """Return the slots to quote around a fair price given by its logarithm."""
        first = ceil((self.sign * log_mid + half_spread) / SLOT)
        return range(first, first + levels)


class House:
    """Quotes one market and trades a little in it."""

    def __init__(self, market: str, style: Style, venue: HouseVenue, rng: Random) -> None:
        """Place nothing yet: the first `requote` does."""
        self._market = market
        self._style = style
        self._venue = venue
        self._rng = rng
        spec = venue.spec(market)
        self._tick, self._ticks = spec.tick, float(1 / spec.tick)
        self._lot, self._lots = spec.lot, float(1 / spec.lot)
        self._minimum_value = spec.minimum_order_value
        self._ladders = {side: Ladder(side) for side in Side}
        self._orders: dict[int, Level] = {}
        self._lean = 0.0

    def requote(
        self, fair: float, width: float, depth: float, empty_side: Side | None, step_s: float, now_us: int
    ) -> None:
        """Bring the quotes into line with a fair price, `step_s` after the last time."""
        self._notice_fills()
        self._lean *= 0.5 ** (step_s / IMPACT_HALF_LIFE_S)
        log_mid = log(fair) + self._lean
        half_spread = self._style.half_spread * width
        windows = [
            (ladder, ladder.window(log_mid, half_spread, EMPTY_SIDE_LEVELS if side is empty_side else LEVELS))
            for side, ladder in self._ladders.items()
        ]
        for ladder, window in windows:
            self._withdraw(ladder, window, now_us)
        for ladder, window in windows:
            self._refill(ladder, step_s, now_us)
            self._extend(ladder, window, log_mid, depth, now_us)
            for _ in range(min(MOST_REVIEWS, 1 + int(step_s))):
                self._review(ladder.levels[self._rng.choice(window)], log_mid, depth, now_us)
        self._take(step_s, now_us)

    def _notice_fills(self) -> None:
        """Find out what was traded away since the last time."""
        seen = 0
        for order_id, _, _, remaining in self._venue.house_orders(self._market):
            seen += 1
            level = self._orders[order_id]
            if remaining != level.shown:
                self._book_fill(level, level.shown - remaining)
                level.shown = remaining
        if seen == len(self._orders):
            return
        resting = {row[0] for row in self._venue.house_orders(self._market)}
        for order_id in [order_id for order_id in self._orders if order_id not in resting]:
            level = self._orders.pop(order_id)
            self._book_fill(level, level.shown)
            level.order_id, level.shown = None, Decimal(0)

    def _book_fill(self, level: Level, filled: Decimal) -> None:
        ladder = self._ladders[level.side]
        size = float(filled)
        ladder.consumed[level.slot] = ladder.consumed.get(level.slot, 0.0) + size
        self._lean += ladder.sign * IMPACT * SLOT * size / self._style.touch_size

    def _withdraw(self, ladder: Ladder, window: range, now_us: int) -> None:
        for slot in [slot for slot in ladder.levels if slot not in window]:
            level = ladder.levels.pop(slot)
            if level.order_id is not None:
                del self._orders[level.order_id]
                self._venue.house_cancel(level.order_id, now_us)

    def _extend(self, ladder: Ladder, window: range, log_mid: float, depth: float, now_us: int) -> None:
        for slot in window:
            if slot in ladder.levels:
                continue
            spot = exp(ladder.sign * (slot + SLOT_FILL * self._rng.random()) * SLOT)
            price = self._tick * round(spot * self._ticks)
            level = Level(ladder.side, slot, price, self._size(ladder, slot, log_mid, depth), Decimal(0), None)
            ladder.levels[slot] = level
            self._show(level, level.target - ladder.consumed.get(slot, 0.0), now_us)

    def _refill(self, ladder: Ladder, step_s: float, now_us: int) -> None:
        """Let consumed amounts come back; small steps are saved up to spare the feed."""
        left = 0.5 ** (step_s / REFILL_HALF_LIFE_S)
        for slot, consumed in list(ladder.consumed.items()):
            missing = consumed * left
            level = ladder.levels.get(slot)
            target = self._style.touch_size if level is None else level.target
            ladder.consumed[slot] = missing
            if missing < REFILL_STEP * target / 2:
                del ladder.consumed[slot]
                missing = 0.0
            if level is not None and (missing == 0 or target - missing - float(level.shown) > REFILL_STEP * target):
                self._show(level, target - missing, now_us)

    def _review(self, level: Level, log_mid: float, depth: float, now_us: int) -> None:
        ladder = self._ladders[level.side]
        if level.slot not in ladder.consumed:
            level.target = self._size(ladder, level.slot, log_mid, depth)
            self._show(level, level.target, now_us)

    def _size(self, ladder: Ladder, slot: int, log_mid: float, depth: float) -> float:
        distance = slot * SLOT - ladder.sign * log_mid
        noise = exp(SIZE_SPREAD * self._rng.gauss(0.0, 1.0) - SIZE_SPREAD * SIZE_SPREAD / 2)
        return self._style.touch_size * depth * (1.0 + distance / DEPTH_SCALE) * noise

    def _show(self, level: Level, size: float, now_us: int) -> None:
        """Rest `size` at a level, or leave it be while that is below the venue's minimum."""
        amount = self._lot * int(size * self._lots)
        if amount == level.shown or amount * level.price < self._minimum_value:
            return
        if level.order_id is None:
            level.order_id = self._venue.house_limit(self._market, level.side, level.price, amount, now_us)
            self._orders[level.order_id] = level
        else:
            self._venue.house_resize(level.order_id, amount, now_us)
        level.shown = amount

    def _take(self, step_s: float, now_us: int) -> None:
        """Trade at the market now and then; at most once a call, so long steps print fewer trades."""
        if self._rng.random() < exp(-step_s / self._style.takes_s):
            return
        size = self._rng.expovariate(1.0 / self._style.take_size)
        amount = self._lot * int(size * self._lots)
        if amount > 0:
            self._venue.house_take(self._market, self._rng.choice((Side.BUY, Side.SELL)), amount, now_us)
