"""Price-time priority matching for one market: pure, synchronous, exact."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
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


class Kind(StrEnum):
    """How long an order may live and what it may do on arrival."""

    LIMIT = "LIMIT"
    INSTANT = "INSTANT"
    MARKET = "MARKET"
    DAILY = "DAILY"
    IOC = "IOC"
    MOC = "MOC"
    FOK = "FOK"
    GTD = "GTD"


RESTING_KINDS = frozenset({Kind.LIMIT, Kind.DAILY, Kind.MOC, Kind.GTD})
ZERO = Decimal(0)


@dataclass(slots=True, eq=False)
class Order:
    """An order as the book sees it; `remaining` is the one field matching changes.

    `price` is None for an order that takes any price. Amounts are base units.
    """

    order_id: int
    side: Side
    price: Decimal | None
    remaining: Decimal


@dataclass(frozen=True, slots=True)
class Fill:
    """One match: the incoming order trades `amount` base units at the resting order's price."""

    maker: Order
    price: Decimal
    amount: Decimal


@dataclass(slots=True, eq=False)
class Level:
    """All resting orders at one price, oldest first, with their summed base amount."""

    price: Decimal
    total: Decimal
    orders: dict[int, Order] = field(default_factory=dict)


class BookSide:
    """One side of a book: levels by price, and sorted best first."""

    def __init__(self, side: Side) -> None:
        """Create an empty side."""
        self._buying = side is Side.BUY
        self._levels: dict[Decimal, Level] = {}
        self._sorted: list[Level] = []

    def _rank(self, level: Level) -> Decimal:
        return -level.price if self._buying else level.price

    def __iter__(self) -> Iterator[Level]:
        """Yield the levels, best price first."""
        return iter(self._sorted)

    def __len__(self) -> int:
        """Count the price levels."""
        return len(self._sorted)

    def best(self) -> Level | None:
        """Return the level an incoming order meets first, or None when the side is empty."""
        return self._sorted[0] if self._sorted else None

    def reaches(self, level: Level, limit: Decimal | None) -> bool:
        """Say whether an incoming order with this limit price may trade at the level."""
        if limit is None:
            return True
        return level.price >= limit if self._buying else level.price <= limit

    def add(self, order: Order, price: Decimal) -> None:
        """Queue an order behind the others at its price."""
        level = self._levels.get(price)
        if level is None:
            level = self._levels[price] = Level(price, order.remaining)
            insort(self._sorted, level, key=self._rank)
        else:
            level.total += order.remaining
        level.orders[order.order_id] = order

    def reduce(self, order: Order, price: Decimal, amount: Decimal) -> None:
        """Take `amount` off a resting order; at zero the order, and an empty level, go."""
        level = self._levels[price]
        order.remaining -= amount
        level.total -= amount
        if not order.remaining:
            del level.orders[order.order_id]
            if not level.orders:
                del self._levels[price]
                del self._sorted[bisect_left(self._sorted, self._rank(level), key=self._rank)]

    def discard(self, order: Order, price: Decimal) -> None:
        """Remove a resting order and leave its `remaining` as it is."""
        remaining = order.remaining
        self.reduce(order, price, remaining)
        order.remaining = remaining


class OrderBook:
    """Price-time priority book of one market. The caller gives ids and owns the clock."""

    def __init__(self) -> None:
        """Create an empty book."""
        self.bids = BookSide(Side.BUY)
        self.asks = BookSide(Side.SELL)
        self.orders: dict[int, Order] = {}
        self.changes = 0

    def side(self, side: Side) -> BookSide:
        """Return the side on which orders of `side` rest."""
        return self.bids if side is Side.BUY else self.asks

    def rest(self, order: Order) -> None:
        """Put a priced order into the book without matching it."""
        if order.price is None or order.remaining <= 0:
            raise ValueError("only a priced order with something left can rest")
        self.side(order.side).add(order, order.price)
        self.orders[order.order_id] = order
        self.changes += 1

    def remove(self, order_id: int) -> Order | None:
        """Take an order out; None when it is not resting (any more)."""
        order = self.orders.pop(order_id, None)
        if order is not None and order.price is not None:
            self.side(order.side).discard(order, order.price)
            self.changes += 1
        return order

    def resize(self, order_id: int, remaining: Decimal) -> Order | None:
        """Set what is left of a resting order in place: less keeps its turn, more goes to the end."""
        order = self.orders.get(order_id)
        if order is None or order.price is None or remaining == order.remaining:
            return order
        if remaining <= 0:
            return self.remove(order_id)
        resting = self.side(order.side)
        if remaining < order.remaining:
            resting.reduce(order, order.price, order.remaining - remaining)
        else:
            resting.discard(order, order.price)
            order.remaining = remaining
            resting.add(order, order.price)
        self.changes += 1
        return order

    def match(self, order: Order, most: Decimal | None = None) -> list[Fill]:
        """Trade an incoming order against the other side as far as its price reaches.

        `most` caps the traded base amount. Reduces `order.remaining`; never rests it.
        """
        fills: list[Fill] = []
        opposite = self.side(order.side.opposite)
        wanted = order.remaining if most is None else min(most, order.remaining)
        while wanted > 0:
            level = opposite.best()
            if level is None or not opposite.reaches(level, order.price):
                break
            maker = next(iter(level.orders.values()))
            traded = min(wanted, maker.remaining)
            opposite.reduce(maker, level.price, traded)
            if not maker.remaining:
                del self.orders[maker.order_id]
            order.remaining -= traded
            wanted -= traded
            fills.append(Fill(maker, level.price, traded))
        if fills:
            self.changes += 1
        return fills

    def execute(self, order: Order, kind: Kind, most: Decimal | None = None) -> list[Fill]:
        """Match by the rules of the order's kind and rest what may rest.

        Afterwards `order.remaining` is what is left, resting if `order.order_id in book.orders`,
        else cancelled: an unfillable fill-or-kill, a maker-or-cancel that would have traded, the
        remainder of a market, instant or immediate-or-cancel order. (That the venue cancels the
        remainder of a market order is an assumption; no source says.) With `most` the order trades
        at most that much and does not rest.
        """
        if kind is Kind.MOC and self.crosses(order):
            return []
        if kind is Kind.FOK and self.reachable(order.side, order.price, order.remaining) < order.remaining:
            return []
        fills = self.match(order, most)
        if order.remaining and kind in RESTING_KINDS and most is None:
            self.rest(order)
        return fills

    def crosses(self, order: Order) -> bool:
        """Say whether the order would trade on arrival."""
        opposite = self.side(order.side.opposite)
        level = opposite.best()
        return level is not None and opposite.reaches(level, order.price)

    def reachable(self, side: Side, limit: Decimal | None, enough: Decimal | None = None) -> Decimal:
        """Base amount an order could take now within its limit price; stops counting at `enough`."""
        opposite, total = self.side(side.opposite), ZERO
        for level in opposite:
            if not opposite.reaches(level, limit) or (enough is not None and total >= enough):
                break
            total += level.total
        return total

    def cost(self, side: Side, amount: Decimal) -> tuple[Decimal, Decimal]:
        """Walk the book for a market order: (base amount that can be had, its value in counter units)."""
        left, value = amount, ZERO
        for level in self.side(side.opposite):
            if left <= 0:
                break
            part = min(left, level.total)
            value += part * level.price
            left -= part
        return amount - left, value

    def affordable(self, side: Side, budget: Decimal, lot: Decimal) -> Decimal:
        """Walk the book for an instant order: base amount, on the grid, worth at most `budget` counter."""
        total = ZERO
        for level in self.side(side.opposite):
            part = min(level.total, (budget / level.price).quantize(lot, ROUND_DOWN))
            total += part
            budget -= part * level.price
            if part < level.total:
                break
        return total
