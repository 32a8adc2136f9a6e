"""One listed market: its book, its tape, its trading status and its chain of order events."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from decimal import Decimal

from arbbot.exchange.accounts import AccountOrder
from arbbot.exchange.events import OrderEvent
from arbbot.exchange.ids import event_id
from arbbot.exchange.matching import ZERO, Kind, MarketSpec, Order, OrderBook, Side
from arbbot.exchange.tape import Tape

EVENTS_KEPT = 20_000
BUY_AT_ANY_PRICE = Decimal(999_999_999)
CONVERSION_MARGIN = Decimal("0.004")
CONVERSION_STEP = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened to an order; `remaining` and `price` default to the order's own."""

    name: str
    order: Order
    remaining: Decimal | None = None
    traded: Decimal = ZERO
    price: Decimal | None = None
    orig_order_id: int | None = None


class Listing:
    """Mutable state of one market."""

    def __init__(self, spec: MarketSpec) -> None:
        """Open with an empty book and trading enabled."""
        self.spec = spec
        self.book = OrderBook()
        self.tape = Tape()
        self.enabled = True
        self.watched = False
        """Whether anybody wants the order events of the house as well."""
        self.changed_us = 0
        self.events: deque[OrderEvent] = deque(maxlen=EVENTS_KEPT)
        self._sequence = 0
        self._previous = event_id(0, 0)
        self._own_previous: dict[int, str] = {}

    def event(self, step: Step, now_us: int) -> OrderEvent:
        """Build the next event of this market's chain. Captured stamps have whole milliseconds."""
        at_us = now_us // 1000 * 1000
        self._sequence += 1
        order = step.order
        own = order if isinstance(order, AccountOrder) else None
        user_id = own.user_id if own else None
        price = step.price if step.price is not None else order.price
        if price is None:
            price = BUY_AT_ANY_PRICE if order.side is Side.BUY else ZERO
        remaining = order.remaining if step.remaining is None else step.remaining
        event = OrderEvent(
            step.name, self.spec.symbol, at_us, event_id(at_us, self._sequence), self._previous,
            self._own_previous.get(user_id or 0, event_id(0, 0)), user_id, order.order_id, order.side,
            own.kind if own else Kind.LIMIT, price, remaining, step.traded,
            own.created if own else remaining + step.traded,
            own.client_order_id if own else None, step.orig_order_id,
        )  # fmt: skip
        self._previous = event.event_id
        if user_id is not None:
            self._own_previous[user_id] = event.event_id
        self.events.append(event)
        return event

    def market_price(self) -> Decimal | None:
        """Return the last trade's price, else the middle of the book, else None."""
        if self.tape.last is not None:
            return self.tape.last.price
        bid, ask = self.book.bids.best(), self.book.asks.best()
        if bid is None or ask is None:
            return None
        return (bid.price + ask.price) / 2


def conversion_rates(listing: Listing) -> tuple[Decimal, Decimal] | None:
    """What the venue itself converts at, buying and selling: a margin round its market, to four decimals. None while
    the market has no price.
    """
    price = listing.market_price()
    if price is None:
        return None
    buy, sell = price * (1 + CONVERSION_MARGIN), price * (1 - CONVERSION_MARGIN)
    return buy.quantize(CONVERSION_STEP), sell.quantize(CONVERSION_STEP)
