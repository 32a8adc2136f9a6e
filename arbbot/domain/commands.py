"""What the engine wants done in the world. Orders, cancels and questions are each answered by exactly one event,
whatever happens.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from arbbot.domain.order import OrderTerms


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """Send this order once. Answered by OrderAcked, OrderRefused or OrderUnanswered."""

    terms: OrderTerms


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Cancel by venue id where known, else by client order id. Answered by CancelResult."""

    client_order_id: str
    venue_order_id: int | None
    market: str


class Topic(StrEnum):
    """What can be asked of the venue, and the event that answers."""

    ORDER_STATUS = "order_status"
    """OrderReported."""
    OPEN_ORDERS = "open_orders"
    """OpenOrdersFetched."""
    ORDER_EVENTS = "order_events"
    """OrderEventsFetched."""
    TRANSACTIONS = "transactions"
    """TransactionsFetched."""
    BALANCES = "balances"
    """BalancesFetched."""
    FEES = "fees"
    """FeesFetched."""
    MARKETS = "markets"
    """MarketsFetched."""
    BOOK = "book"
    """BookFetched."""
    TICKER = "ticker"
    """TickerFetched."""
    CONVERSION_RATE = "conversion_rate"
    """ConversionRateFetched."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to the venue; a failure is answered by AskFailed with the same `ask_id`."""

    ask_id: int
    topic: Topic
    market: str | None = None
    """BOOK, TICKER, CONVERSION_RATE and ORDER_EVENTS."""
    client_order_id: str | None = None
    """ORDER_STATUS, when no venue id is known."""
    venue_order_id: int | None = None
    """ORDER_STATUS."""
    since_id: int | None = None
    """TRANSACTIONS: all rows from this id on; None for the newest page only."""
    since_event: str | None = None
    """ORDER_EVENTS: all events from this one on; None for the last 24 hours."""


@dataclass(frozen=True, slots=True)
class ReplaceFeed:
    """The feed connection `epoch` has fallen silent although its markets move: open another. Not answered; a FeedUp
    of a newer epoch follows when it worked.
    """

    epoch: int
    reason: str


@dataclass(frozen=True, slots=True)
class Exit:
    """Leave with this exit code; nothing more will be commanded."""

    code: int
    reason: str


Command = PlaceOrder | CancelOrder | Ask | ReplaceFeed | Exit
