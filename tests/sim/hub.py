"""The venue's side of the stream: what happens there as frames, to whichever feed listens."""

from __future__ import annotations

from typing import Protocol

import orjson

from arbbot.exchange.events import Announcement, OrderEvent, OwnTrade, VenueEvent
from arbbot.exchange.server import shapes
from arbbot.exchange.server.public import book
from arbbot.exchange.server.wire import Json, stream_json
from tests.sim.house import SYMBOLS
from tests.sim.world import World

TOP = 100


class Listener(Protocol):
    """Somebody connected."""

    def publish(self, channel: str, frame: str) -> None:
        """Take a frame."""
        ...


class Hub:
    """Spells the venue's events and changed books."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._flushed: dict[str, int] = {}
        self._sent_us: dict[str, int] = {}
        self.listener: Listener | None = None
        world.venue.subscribe(self._heard)

    def flush(self, *, every: bool = False) -> None:
        """Send the books that changed since they were last sent, or every one."""
        for symbol in SYMBOLS:
            listing = self._world.venue.listing(symbol)
            if listing.book.changes == self._flushed.get(symbol) and not every:
                continue
            self._flushed[symbol] = listing.book.changes
            # Stamps of books never repeat, also when two changes meet in one microsecond.
            listing.changed_us = max(listing.changed_us, self._sent_us.get(symbol, 0) + 1)
            self._sent_us[symbol] = listing.changed_us
            if self.listener is not None:
                channel = f"order_book_{symbol}"
                frame = {"data": book(listing, "1", TOP), "channel": channel, "event": "data"}
                self.listener.publish(channel, orjson.dumps(frame).decode())

    def _heard(self, event: VenueEvent) -> None:
        if self.listener is None:
            return
        user_id = self._world.account.user_id
        if isinstance(event, Announcement):
            told: Json = {"message": event.text, "timestamp": str(event.at_us // 1_000_000)}
            self._publish("announcements", "published", told)
        elif isinstance(event, OwnTrade) and event.user_id == user_id:
            market = event.trade.market
            shape = shapes.own_trade(event, self._world.venue.spec(market))
            self._publish(f"private-my_trades_{market}-{user_id}", "trade", shape)
        elif isinstance(event, OrderEvent) and event.user_id == user_id:
            shape = shapes.order_event(event, self._world.venue.spec(event.market), own=True)
            self._publish(f"private-my_orders_{event.market}-{user_id}", event.name, shape)

    def _publish(self, channel: str, name: str, told: Json) -> None:
        assert self.listener is not None
        if channel.startswith("private") and not self._world.plan.private:
            return
        self.listener.publish(channel, stream_json({"data": told, "channel": channel, "event": name}))
