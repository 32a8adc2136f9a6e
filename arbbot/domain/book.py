"""Order books as the venue sends them: the parsed rows *are* the book; numbers are made only when asked for."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from decimal import Decimal, DecimalException
from typing import NamedTuple

from arbbot.domain.market import Side
from arbbot.domain.money import ZERO, exact

Row = Sequence[str]
_BUY = Side.BUY
"""Looked up once: a member's name costs more than the comparison it is for."""

SMALLEST = Decimal("1e-12")
LARGEST = Decimal("1e16")
"""Prices and amounts outside these bounds are no market's: they would not fit the exact decimal context."""


class BookError(ValueError):
    """A book whose rows cannot be traded on: unsorted, zero, negative or not numbers."""


class Sweep(NamedTuple):
    """What taking `size` from one side would do: `total` is the exact counter amount, `worst` the last price."""

    size: Decimal
    total: Decimal
    worst: Decimal

    @property
    def vwap(self) -> Decimal:
        """Average price (rounded at the context's last digit; compare `total` where exactness matters)."""
        return self.total / self.size


class Ladder:
    """One side of a book, best price first, with running sums, converted only as deep as it is walked."""

    __slots__ = ("_amounts_to", "_ascending", "_last", "_prices", "_rows", "_totals_to")

    def __init__(self, rows: Sequence[Row], *, ascending: bool) -> None:
        self._rows = rows
        self._ascending = ascending
        self._prices: list[Decimal] = []
        self._amounts_to: list[Decimal] = []
        self._totals_to: list[Decimal] = []
        self._last: Sweep | None = None
        """The last answer: while one market moves, the others are asked for the same size again."""

    def _convert_to(self, size: Decimal) -> bool:
        """Convert rows until `size` is covered; False when the side is not that deep. Raises BookError.

        Prices run one way and depth only grows, so whether they stay within bounds is seen at the end; after an error
        nothing is kept of what was converted.
        """
        prices, amounts, totals = self._prices, self._amounts_to, self._totals_to
        ascending = self._ascending
        depth, total, last = ZERO, ZERO, SMALLEST if ascending else LARGEST
        if prices:
            depth, total, last = amounts[-1], totals[-1], prices[-1]
        row: Row = ()
        try:
            for row in self._rows[len(prices) :]:
                price, amount = exact(row[0]), exact(row[1])
                if amount <= SMALLEST or (price <= last if ascending else price >= last):
                    raise BookError("out of order, or not positive")
                last = price
                depth += amount
                total += price * amount
                prices.append(price)
                amounts.append(depth)
                totals.append(total)
                if depth >= size:
                    break
            if prices and not (SMALLEST < last < LARGEST and depth < LARGEST):
                raise BookError("no market's price or depth")
        except (DecimalException, LookupError, TypeError, ValueError) as error:
            for numbers in (prices, amounts, totals):
                numbers.clear()
            raise BookError(f"row {row!r}: {error}") from error
        return depth >= size

    def sweep(self, size: Decimal) -> Sweep | None:
        """Walk a positive `size` (base units); None when the side is not deep enough. Raises BookError."""
        last, amounts = self._last, self._amounts_to
        if last is not None and last.size == size and last.size.same_quantum(size):
            return last
        if amounts and amounts[-1] >= size:
            at = bisect_left(amounts, size)
        elif self._convert_to(size):
            at = len(amounts) - 1
        else:
            return None
        price = self._prices[at]
        before_amount = amounts[at - 1] if at else ZERO
        before_total = self._totals_to[at - 1] if at else ZERO
        self._last = last = Sweep(size, before_total + price * (size - before_amount), price)
        return last

    @property
    def depth(self) -> Decimal:
        """Base units over all rows sent. Raises BookError."""
        self._convert_to(Decimal("Infinity"))
        return self._amounts_to[-1] if self._amounts_to else ZERO


class Book:
    """One snapshot of a market: rows `[price, amount, ...]` as text, bids descending, asks ascending.

    `microtimestamp` is the venue's time of the last change, in microseconds. Only the touch is converted at once.
    Never changed after it was made (ladders are filled lazily, which nobody can see).
    """

    __slots__ = ("_ask_ladder", "_bid_ladder", "ask", "asks", "bid", "bids", "microtimestamp", "symbol", "tradable")

    def __init__(self, symbol: str, microtimestamp: int, bids: Sequence[Row], asks: Sequence[Row]) -> None:
        self.symbol = symbol
        self.microtimestamp = microtimestamp
        self.bids = bids
        self.asks = asks
        try:
            self.bid = bid = exact(bids[0][0]) if bids else None
            self.ask = ask = exact(asks[0][0]) if asks else None
            self.tradable = bid is not None and ask is not None and SMALLEST < bid < ask < LARGEST
            """Both sides there, positive and not crossed (the venue's pages warn of one crossed snapshot at times)."""
            sane = self.tradable or all(price is None or -LARGEST < price < LARGEST for price in (bid, ask))
        except (DecimalException, LookupError, TypeError, ValueError) as error:
            raise BookError(f"{symbol}: touch is not a price") from error
        if not sane:
            raise BookError(f"{symbol}: touch is not a price")
        self._bid_ladder: Ladder | None = None
        self._ask_ladder: Ladder | None = None

    def ladder(self, taker: Side) -> Ladder:
        """The side a taker meets: asks for a buyer, bids for a seller."""
        if taker is _BUY:
            if self._ask_ladder is None:
                self._ask_ladder = Ladder(self.asks, ascending=True)
            return self._ask_ladder
        if self._bid_ladder is None:
            self._bid_ladder = Ladder(self.bids, ascending=False)
        return self._bid_ladder

    def touch(self, taker: Side) -> Decimal | None:
        """The best price a taker meets."""
        return self.ask if taker is _BUY else self.bid

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Book):
            return NotImplemented
        return (self.symbol, self.microtimestamp, self.bids, self.asks) == (
            other.symbol,
            other.microtimestamp,
            other.bids,
            other.asks,
        )

    __hash__ = None  # type: ignore[assignment]  # compared, never a key
