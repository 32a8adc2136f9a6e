"""Orders and fills: immutable terms, the life table of an order, and what the venue tells about both."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from arbbot.domain.market import Side
from arbbot.domain.money import BPS


class OrderKind(StrEnum):
    """How an order works on the venue."""

    MARKET = "market"
    LIMIT = "limit"
    """Rests; good-till-date when it carries an expiry."""
    IOC = "ioc"
    """Limit, immediate or cancel."""


class Purpose(StrEnum):
    """Why an order is sent."""

    LEG = "leg"
    COMPLETE = "complete"
    """Top-up that finishes the hedge in the market of the missing leg."""
    UNWIND = "unwind"
    """Top-up that undoes the filled leg where it was filled."""
    CONVERT = "convert"
    """Brings foreign currency that hedges left behind back, on the FX market; never touches the base asset."""


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """What is asked of the venue, exactly as it goes on the wire. Minted before the journal line, never changed."""

    client_order_id: str
    hedge_id: str
    """What it belongs to: a hedge, or the conversion's id when the purpose is CONVERT."""
    purpose: Purpose
    market: str
    side: Side
    kind: OrderKind
    size: Decimal
    """In base units of the market."""
    price: Decimal | None
    """Limit in counter currency; None for a market order."""
    expire_utc_ms: int | None
    """Good-till-date, milliseconds since the epoch; None for none."""


class OrderState(StrEnum):
    """Where an order stands in our books. The last five are terminal: their fills are known."""

    INTENT = "intent"
    """Journaled; may or may not have reached the wire."""
    LIVE = "live"
    """Acknowledged by the venue under its own id; may still fill."""
    IN_DOUBT = "in_doubt"
    """An answer was lost or not believable; counts as if it may fill in full."""
    REJECTED = "rejected"
    FILLED = "filled"
    CANCELED = "canceled"
    """Ended by a cancel, by the venue, or because a taker order found no more depth."""
    EXPIRED = "expired"
    ABSENT = "absent"
    """Was in doubt and is proven (or declared by a person) never to have existed."""

    @property
    def terminal(self) -> bool:
        """True when the order cannot fill any more and all its fills are known."""
        return self in _TERMINAL


_TERMINAL = frozenset(
    {OrderState.REJECTED, OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED, OrderState.ABSENT}
)

ORDER_TABLE: dict[OrderState, frozenset[OrderState]] = {
    OrderState.INTENT: frozenset(OrderState) - {OrderState.INTENT},
    OrderState.LIVE: frozenset({OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED, OrderState.ABSENT}),
    OrderState.IN_DOUBT: frozenset(OrderState) - {OrderState.INTENT, OrderState.IN_DOUBT},
    **{state: frozenset() for state in _TERMINAL},
    OrderState.REJECTED: frozenset({OrderState.LIVE}),
    OrderState.ABSENT: frozenset({OrderState.LIVE}),
}
"""Allowed moves. LIVE to ABSENT is a person's word; REJECTED or ABSENT to LIVE is proof of life against it: the order
is followed and counted again, and trading halts.

A fill that arrives after a terminal state is booked and alarmed, but never moves the state.
"""


class VenueOrderStatus(StrEnum):
    """`status` of `order_status`, folded to what it means for us."""

    OPEN = "open"
    FINISHED = "finished"
    CANCELED = "canceled"
    EXPIRED = "expired"
    CANCEL_PENDING = "cancel_pending"


RowKey = tuple[int, int | None]
"""What names a row: transaction id and order id. A trade between two orders of one account gives each of them a row
under the trade's id; rows that are no trade have no order.
"""
FillKey = tuple[int, str]
"""What names a fill of ours: trade id and client order id, since both orders of a trade may be ours."""


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade of ours, under the venue's transaction id. Positive size; `fee` in counter currency."""

    trade_id: int
    market: str
    side: Side
    size: Decimal
    price: Decimal
    fee: Decimal | None
    """None where the source does not tell it."""


@dataclass(frozen=True, slots=True)
class OrderReport:
    """What the venue says of one order: the answer of `order_status`."""

    venue_order_id: int
    client_order_id: str | None
    status: VenueOrderStatus
    remaining: Decimal | None
    """Open base units; None where an older reply form leaves it out."""
    fills: tuple[Fill, ...]


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """One row of `open_orders` (cached up to 10 s by the venue)."""

    venue_order_id: int
    client_order_id: str | None
    market: str
    side: Side
    price: Decimal
    remaining: Decimal


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One event of our order's life, from the private channel or `account_order_data`."""

    venue_order_id: int
    client_order_id: str | None
    market: str
    side: Side
    change: str
    """created, changed or deleted."""
    remaining: Decimal
    """Base units open after the event."""
    utc_us: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """One row of `user_transactions`: signed amounts per currency as displayed, and a fee in counter currency."""

    transaction_id: int
    utc_us: int
    kind: int
    """The venue's type number: 2 is a market trade, 0 a deposit, 1 a withdrawal, others exist."""
    amounts: tuple[tuple[str, Decimal], ...]
    """(currency, signed amount) of the currencies involved, with the decimals the row was written with."""
    fee: Decimal
    fee_currency: str | None
    order_id: int | None
    market: str | None
    """Symbol, when the row names a rate `<base>_<counter>`."""
    price: Decimal | None

    @property
    def key(self) -> RowKey:
        """What names this row, and no other of the account."""
        return (self.transaction_id, self.order_id)

    @property
    def is_trade(self) -> bool:
        """True for a fill of an order."""
        return self.order_id is not None and self.market is not None and self.price is not None


@dataclass(frozen=True, slots=True)
class Balance:
    """One currency of the account: total = available + reserved."""

    currency: str
    total: Decimal
    available: Decimal
    reserved: Decimal


def slippage_bps(side: Side, decided: Decimal, average: Decimal) -> Decimal:
    """How much worse than decided an order filled, in basis points of the decided price; below zero is better."""
    return (average - decided) * side.sign / decided * BPS
