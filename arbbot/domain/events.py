"""What can happen: everything the engine is ever told. Each comes with the `Moment` it was received.

An event is a fact about bytes that arrived (or failed to), already classified by an adapter; it decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from arbbot.domain.book import Book
from arbbot.domain.lease_words import LeaseWord
from arbbot.domain.market import FeeRate, Instrument
from arbbot.domain.order import Balance, Fill, OpenOrder, OrderEvent, OrderReport, Transaction


class Moment(NamedTuple):
    """When something was received: `mono_ns` never goes back, `utc_us` is the wall clock (it may jump)."""

    mono_ns: int
    utc_us: int


# --- market data ------------------------------------------------------------------------------------------------


class BookSeen(NamedTuple):
    """A snapshot frame from the feed connection number `epoch`."""

    book: Book
    epoch: int


@dataclass(frozen=True, slots=True)
class FeedUp:
    """A feed connection is subscribed to everything it needs. Books of older epochs stop counting."""

    epoch: int


@dataclass(frozen=True, slots=True)
class FeedDown:
    """The connection `epoch` ended or is not believed any more."""

    epoch: int
    reason: str


@dataclass(frozen=True, slots=True)
class FeedDead:
    """Reconnecting was tried as often as the policy allows."""

    reason: str


@dataclass(frozen=True, slots=True)
class FrameBad:
    """A frame that could not be read or believed: counted and survived."""

    reason: str
    outdates: str | None = None
    """Market of which it says no more than that the book is another by now than the one that is held."""


@dataclass(frozen=True, slots=True)
class MarketHalted:
    """An announcement, or the market list, says that a market does not trade (or does again)."""

    market: str | None
    """None for the whole venue."""
    halted: bool
    reason: str


@dataclass(frozen=True, slots=True)
class BookFetched:
    """A REST order book, cache bypassed. `ask_id` names the question."""

    ask_id: int
    book: Book


@dataclass(frozen=True, slots=True)
class TickerFetched:
    """Best prices by the REST ticker."""

    ask_id: int
    market: str
    bid: Decimal
    ask: Decimal
    last: Decimal


@dataclass(frozen=True, slots=True)
class ConversionRateFetched:
    """What the venue itself converts the FX market's base currency at, in its counter currency."""

    ask_id: int
    market: str
    buy: Decimal
    """The customer buys the base currency at this price."""
    sell: Decimal


@dataclass(frozen=True, slots=True)
class MarketsFetched:
    """The venue's market list, cut to the route's markets; `halted` are those whose trading is off."""

    ask_id: int
    instruments: tuple[Instrument, ...]
    halted: tuple[str, ...]


# --- orders -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OrderAcked:
    """The venue took the order and named it."""

    client_order_id: str
    venue_order_id: int


@dataclass(frozen=True, slots=True)
class OrderRefused:
    """An explicit, order-specific no from the allow-list, or a connection that provably was never made."""

    client_order_id: str
    code: str
    reason: str
    auth_lost: bool = False
    rate_limited: bool = False


@dataclass(frozen=True, slots=True)
class OrderUnanswered:
    """Anything else: the order may exist. `venue_order_id` when the reply named one (code 500.016)."""

    client_order_id: str
    reason: str
    venue_order_id: int | None = None
    auth_lost: bool = False
    rate_limited: bool = False


class CancelResult(NamedTuple):
    """Word of a cancel: the outcome names are closed, see `outcome`."""

    client_order_id: str
    outcome: str
    """canceled, pending, not_found, unanswered or refused."""
    reason: str
    auth_lost: bool = False
    rate_limited: bool = False


@dataclass(frozen=True, slots=True)
class OrderReported:
    """The answer of `order_status`; `report` None means the venue says it has no such order."""

    ask_id: int
    client_order_id: str | None
    venue_order_id: int | None
    report: OrderReport | None


@dataclass(frozen=True, slots=True)
class OpenOrdersFetched:
    """All open orders of the account (a view up to 10 s old)."""

    ask_id: int
    orders: tuple[OpenOrder, ...]


@dataclass(frozen=True, slots=True)
class OrderEventsFetched:
    """Our order events on one market since a time, oldest first (`account_order_data`)."""

    ask_id: int
    market: str
    events: tuple[OrderEvent, ...]
    last_event: str | None = None
    """The venue's id of the newest event read, of whatever kind; None when there was none."""


@dataclass(frozen=True, slots=True)
class OrderEventSeen:
    """A private channel told of one of the account's orders."""

    event: OrderEvent


@dataclass(frozen=True, slots=True)
class FillSeen:
    """A private channel told of one of the account's trades."""

    venue_order_id: int
    client_order_id: str | None
    fill: Fill


# --- account ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TransactionsFetched:
    """Every row from `since_id` on (inclusive), all pages read; or the newest page when `since_id` was None."""

    ask_id: int
    since_id: int | None
    rows: tuple[Transaction, ...]


@dataclass(frozen=True, slots=True)
class BalancesFetched:
    """All balances of the account."""

    ask_id: int
    balances: tuple[Balance, ...]


@dataclass(frozen=True, slots=True)
class FeesFetched:
    """Live fee rates per market symbol."""

    ask_id: int
    rates: tuple[tuple[str, FeeRate], ...]


@dataclass(frozen=True, slots=True)
class AskFailed:
    """A question went unanswered or was refused; nothing is known, ask again later."""

    ask_id: int
    reason: str
    rate_limited: bool = False
    auth_lost: bool = False
    auth_claimed: bool = False
    """The reply says that our key is refused, but its own signature does not prove that the venue said so: what is
    read where our secret is wrong, since then no reply's signature fits it.
    """


@dataclass(frozen=True, slots=True)
class VenueClockSeen:
    """The venue's `Date` header against ours: venue - local, in milliseconds, good to a second."""

    offset_ms: int


# --- time and people --------------------------------------------------------------------------------------------


class Tick(NamedTuple):
    """Time passed: the engine has no other clock."""


@dataclass(frozen=True, slots=True)
class OperatorPaused:
    """No new hedges, please; what is open runs to its end."""

    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class OperatorResumed:
    """A person clears pause, reducing or halt, and acknowledges external rows."""

    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class OperatorHalted:
    """Cancel own resting orders, resolve what is one-sided, latch. `panic`: cancel and latch, resolve nothing."""

    who: str
    reason: str
    panic: bool = False


@dataclass(frozen=True, slots=True)
class OperatorResolved:
    """A person decides a doubt: the order is `venue_order_id`, or None: it never existed."""

    client_order_id: str
    venue_order_id: int | None
    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class OperatorRebased:
    """A person accepts the venue's balances as a new opening."""

    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class OperatorRampSet:
    """A person chooses the share of target and capital that one hedge may use: a fraction."""

    weight: Decimal
    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class StopAsked:
    """SIGTERM, the end of `--for`, or a fault in the shell: stop by the stopping table, then exit."""

    reason: str


MarketEvent = (
    BookSeen
    | FeedUp
    | FeedDown
    | FeedDead
    | FrameBad
    | MarketHalted
    | BookFetched
    | TickerFetched
    | ConversionRateFetched
)
OrderWord = (
    OrderAcked
    | OrderRefused
    | OrderUnanswered
    | CancelResult
    | OrderReported
    | OpenOrdersFetched
    | OrderEventsFetched
    | OrderEventSeen
    | FillSeen
)
AccountEvent = TransactionsFetched | BalancesFetched | FeesFetched | MarketsFetched | AskFailed | VenueClockSeen
OperatorEvent = (
    OperatorPaused | OperatorResumed | OperatorHalted | OperatorResolved | OperatorRebased | OperatorRampSet | StopAsked
)
Event = MarketEvent | OrderWord | AccountEvent | OperatorEvent | LeaseWord | Tick
