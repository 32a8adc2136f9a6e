"""What a treasury asks of the daemon and tells it, as events: each is answered at once by the records it leads to."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from arbbot.domain.market import Side


@dataclass(frozen=True, slots=True)
class LeaseAsked:
    """Let the account be quiet for a while."""

    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class LeaseReleased:
    """The treasury is done with its lease."""

    lease_id: str
    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class OrderAnnounced:
    """An order that is about to be sent under the lease: buys `base` with `counter` at a limit."""

    lease_id: str
    client_order_id: str
    base: str
    counter: str
    size: Decimal
    """Base units."""
    limit_price: Decimal
    fee: Decimal
    """Taker rate, a fraction."""

    @property
    def market(self) -> str:
        """The market's symbol, as rows and paths spell it."""
        return self.base + self.counter

    @property
    def side(self) -> Side:
        """Profit is spent, so it always buys."""
        return Side.BUY

    @property
    def worst_cost(self) -> Decimal:
        """Of the counter currency."""
        return self.size * self.limit_price * (1 + self.fee)


@dataclass(frozen=True, slots=True)
class RequestAnnounced:
    """A withdrawal that is about to be asked for under the lease."""

    lease_id: str
    name: str
    currency: str
    size: Decimal
    fee: Decimal
    """On top of the size, in the same currency."""
    network: str


@dataclass(frozen=True, slots=True)
class SettlementWord:
    """What became of something announced; `outcome` as in `SettlementTold`, or stuck: call a person."""

    name: str
    outcome: str
    venue_id: int | None
    filled: Decimal | None
    reason: str


LeaseWord = LeaseAsked | LeaseReleased | OrderAnnounced | RequestAnnounced | SettlementWord
