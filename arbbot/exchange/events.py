"""What the venue announces to whoever listens: trades, order events, own fills, messages.

All times are market time in microseconds since the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from arbbot.exchange.matching import Kind, Side


@dataclass(frozen=True, slots=True)
class Trade:
    """One public trade; `taker` is the side of the incoming order."""

    trade_id: int
    market: str
    at_us: int
    price: Decimal
    amount: Decimal
    taker: Side
    buy_order_id: int
    sell_order_id: int


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One step of an order's life. `user_id` is None for an order of the house.

    `traded` is the base amount traded in this very event, `remaining` what is left after it.
    `name` is order_created, order_changed, order_deleted or order_replaced.
    """

    name: str
    market: str
    at_us: int
    event_id: str
    pre_event_id: str
    own_pre_event_id: str
    user_id: int | None
    order_id: int
    side: Side
    kind: Kind
    price: Decimal
    remaining: Decimal
    traded: Decimal
    created: Decimal
    client_order_id: str | None = None
    orig_order_id: int | None = None


@dataclass(frozen=True, slots=True)
class OwnTrade:
    """One fill of an account's order, with its fee in counter currency.

    `self_trade` is true when the other side was an order of the same account.
    """

    user_id: int
    trade: Trade
    order_id: int
    side: Side
    fee: Decimal
    client_order_id: str | None
    self_trade: bool = False


@dataclass(frozen=True, slots=True)
class Announcement:
    """A message to everybody, for example a halt."""

    at_us: int
    text: str


VenueEvent = Trade | OrderEvent | OwnTrade | Announcement
