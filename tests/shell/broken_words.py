"""What a venue fills of orders that it has called cancelled, by its own events."""

from __future__ import annotations

from collections.abc import Container
from decimal import Decimal

from arbbot.exchange.accounts import Status
from arbbot.exchange.events import OwnTrade, VenueEvent
from arbbot.exchange.matching import Side
from arbbot.exchange.venue import Venue
from tests.e2e.judge import BASE


class BrokenWords:
    """Listens to the venue itself: what a journal calls cancelled is no evidence of what the venue has said."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._fills: dict[tuple[int, str], Decimal] = {}
        """Base bought (negative: sold), by the trade and the client order id."""
        venue.subscribe(self._heard)

    def __bool__(self) -> bool:
        """Whether any base has filled against the venue's word."""
        return any(self._fills.values())

    def _heard(self, event: VenueEvent) -> None:
        if not isinstance(event, OwnTrade) or event.client_order_id is None:
            return
        if self._venue.accounts[event.user_id].orders[event.order_id].status is Status.CANCELED:
            trade, base = event.trade, event.trade.market.startswith(BASE)
            signed = trade.amount if event.side is Side.BUY else -trade.amount
            self._fills[trade.trade_id, event.client_order_id] = signed if base else Decimal(0)

    def unheard(self, booked: Container[tuple[int, str]]) -> Decimal:
        """Base bought minus sold against the venue's word which the journal does not hold yet."""
        return sum((size for fill, size in self._fills.items() if fill not in booked), Decimal(0))
