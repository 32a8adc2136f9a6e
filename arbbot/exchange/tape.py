"""What was traded in one market: recent trades, minute candles, and the figures built from them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from decimal import Decimal

from arbbot.exchange.events import Trade
from arbbot.exchange.matching import ZERO

TRADES_KEPT = 20_000
MINUTES_KEPT = 50_000
SECOND_US = 1_000_000


@dataclass(slots=True)
class Candle:
    """Prices and base volume of one interval; `value` is the counter volume."""

    start_s: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    value: Decimal

    def join(self, later: Candle) -> None:
        """Widen this candle by one that follows it."""
        self.high, self.low = max(self.high, later.high), min(self.low, later.low)
        self.close = later.close
        self.volume += later.volume
        self.value += later.value


class Tape:
    """Trades of one market in ascending order."""

    def __init__(self) -> None:
        """Start with no trade."""
        self.trades: deque[Trade] = deque(maxlen=TRADES_KEPT)
        self._minutes: dict[int, Candle] = {}

    @property
    def last(self) -> Trade | None:
        """The latest trade."""
        return self.trades[-1] if self.trades else None

    def record(self, trade: Trade) -> None:
        """Add a trade."""
        self.trades.append(trade)
        start_s = trade.at_us // SECOND_US // 60 * 60
        price, value = trade.price, trade.price * trade.amount
        candle = Candle(start_s, price, price, price, price, trade.amount, value)
        known = self._minutes.get(start_s)
        if known is not None:
            known.join(candle)
            return
        self._minutes[start_s] = candle
        if len(self._minutes) > MINUTES_KEPT:
            del self._minutes[next(iter(self._minutes))]

    def since(self, start_s: int) -> Candle | None:
        """Sum up everything from `start_s` on, to the minute; None when nothing was traded."""
        total: Candle | None = None
        for begin, candle in reversed(self._minutes.items()):
            if begin < start_s:
                break
            earlier = Candle(begin, candle.open, candle.high, candle.low, candle.close, ZERO, ZERO)
            earlier.volume, earlier.value = candle.volume, candle.value
            if total is not None:
                earlier.join(total)
            total = earlier
        return total

    def candles(self, step_s: int, first_s: int, last_s: int) -> list[Candle]:
        """Return candles of `step_s` from `first_s` to `last_s`; idle intervals repeat the last close."""
        buckets: dict[int, Candle] = {}
        before: Decimal | None = None
        for begin, minute in self._minutes.items():
            start_s = begin // step_s * step_s
            if start_s < first_s:
                before = minute.close
            elif start_s <= last_s:
                copy = Candle(start_s, minute.open, minute.high, minute.low, minute.close, minute.volume, minute.value)
                if start_s in buckets:
                    buckets[start_s].join(copy)
                else:
                    buckets[start_s] = copy
        rows: list[Candle] = []
        for start_s in range(first_s, last_s + 1, step_s):
            candle = buckets.get(start_s)
            if candle is None and before is not None:
                candle = Candle(start_s, before, before, before, before, ZERO, ZERO)
            if candle is not None:
                rows.append(candle)
                before = candle.close
        return rows
