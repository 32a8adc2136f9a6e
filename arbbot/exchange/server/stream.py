"""WebSocket v2 server: who is subscribed to what, and the frames of every channel."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from decimal import Decimal

import orjson
from aiohttp import web

from arbbot.exchange.clock import MarketClock
from arbbot.exchange.events import Announcement, OrderEvent, OwnTrade, Trade, VenueEvent
from arbbot.exchange.faults import Faults, Stage
from arbbot.exchange.listing import Listing
from arbbot.exchange.matching import ZERO
from arbbot.exchange.server import shapes
from arbbot.exchange.server.call import Tokens
from arbbot.exchange.server.public import book
from arbbot.exchange.server.session import HangUp, Session
from arbbot.exchange.server.stream_faults import RECONNECT, strike
from arbbot.exchange.server.wire import Json, fixed, stream_json
from arbbot.exchange.venue import Venue

TOP = 100
Levels = dict[Decimal, Decimal]


def _levels(listing: Listing) -> tuple[Levels, Levels]:
    return (
        {level.price: level.total for level in listing.book.bids},
        {level.price: level.total for level in listing.book.asks},
    )


def _changes(listing: Listing, before: Levels, after: Levels, *, descending: bool) -> list[list[str]]:
    spec = listing.spec
    changed = {price: after.get(price, ZERO) for price in before.keys() | after.keys()}
    return [
        [fixed(price, spec.counter_decimals), fixed(amount, spec.base_decimals)]
        for price, amount in sorted(changed.items(), reverse=descending)
        if before.get(price) != after.get(price)
    ]


class StreamServer:
    """Owns the sessions and turns venue events and book changes into their frames."""

    def __init__(self, venue: Venue, clock: MarketClock, tokens: Tokens, faults: Faults) -> None:
        """Listen to `venue`; `tokens` are those websockets_token hands out."""
        self._venue = venue
        self._clock = clock
        self._tokens = tokens
        self._faults = faults
        self._sessions: set[Session] = set()
        self._listeners: defaultdict[str, dict[Session, None]] = defaultdict(dict)
        self._flushed: dict[str, int] = {}
        self._sent_us: dict[str, int] = {}
        self._seen: dict[str, tuple[Levels, Levels]] = {}
        venue.subscribe(self._on_event)

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one connection until it ends. No compression is offered."""
        websocket = web.WebSocketResponse(compress=False, autoping=False, max_msg_size=1 << 20, timeout=1.0)
        await websocket.prepare(request)
        transport = request.transport if isinstance(request.transport, asyncio.Transport) else None
        session = Session(websocket, transport, self)
        self._sessions.add(session)
        try:
            await session.run()
        finally:
            self._sessions.discard(session)
            for channel in list(session.channels):
                self.unsubscribe(session, channel)
        return websocket

    # --- what sessions ask for ----------------------------------------------------------------------

    def token_user(self, token: str) -> int | None:
        """Return the user a token belongs to, None when it is not valid now."""
        return self._tokens.user(token, self._clock.now_us())

    def subscription_fault(self, channel: str) -> str | None:
        """Return the fault that strikes this subscription, by name."""
        return next(iter(self._faults.take(Stage.SUBSCRIBE, channel)), None)

    def subscribe(self, session: Session, channel: str) -> None:
        """Start a channel. Nothing is sent before its next change; unknown markets stay silent."""
        self.flush_books()  # A change that waits for the next flush came before this subscription.
        self._listeners[channel][session] = None
        kind, _, market = channel.rpartition("_")
        listing = self._venue.listings.get(market)
        if listing is None:
            return
        if kind == "live_orders":
            listing.watched = True
        if kind == "diff_order_book" and market not in self._seen:
            self._seen[market] = _levels(listing)

    def unsubscribe(self, session: Session, channel: str) -> None:
        """Stop a channel."""
        self._listeners[channel].pop(session, None)
        if self._listeners[channel]:
            return
        del self._listeners[channel]
        kind, _, market = channel.rpartition("_")
        if kind == "diff_order_book":
            self._seen.pop(market, None)
        elif kind == "live_orders" and market in self._venue.listings:
            self._venue.listings[market].watched = False

    # --- frames -------------------------------------------------------------------------------------

    def _on_event(self, event: VenueEvent) -> None:
        if not self._sessions:
            return
        if isinstance(event, Announcement):
            shape: Json = {"message": event.text, "timestamp": str(event.at_us // 1_000_000)}
            self._publish("announcements", "published", shape)
        elif isinstance(event, Trade):
            channel = "live_trades_" + event.market
            if channel in self._listeners:
                self._publish(channel, "trade", shapes.stream_trade(event, self._venue.spec(event.market)))
        elif isinstance(event, OwnTrade):
            market = event.trade.market
            channel = f"private-my_trades_{market}-{event.user_id}"
            if channel in self._listeners:
                shape = shapes.own_trade(event, self._venue.spec(market))
                self._publish(channel, "trade", shape, {"trade_account_id": 0})
            channel = f"private-live_trades_{market}-{event.user_id}"
            if event.self_trade and event.side is event.trade.taker and channel in self._listeners:
                self._publish(channel, "self_trade", shapes.stream_trade(event.trade, self._venue.spec(market)))
        else:
            self._on_order_event(event)

    def _on_order_event(self, event: OrderEvent) -> None:
        spec = self._venue.spec(event.market)
        public, own = "live_orders_" + event.market, f"private-my_orders_{event.market}-{event.user_id}"
        ids: dict[str, Json] = {"event_id": event.event_id}
        if public in self._listeners:
            extra = ids | {"pre_event_id": event.pre_event_id, "order_source": "orderbook"}
            self._publish(public, event.name, shapes.order_event(event, spec, own=False), extra)
        if own in self._listeners:
            extra = {"trade_account_id": 0, **ids, "pre_event_id": event.own_pre_event_id}
            extra["order_source"] = "orderbook"
            self._publish(own, event.name, shapes.order_event(event, spec, own=True), extra)

    def _publish(self, channel: str, event: str, data: Json, extra: dict[str, Json] | None = None) -> None:
        self._deliver(channel, stream_json({"data": data, "channel": channel, "event": event} | (extra or {})))

    def _deliver(self, channel: str, frame: str) -> None:
        now_s = asyncio.get_running_loop().time()
        for session in list(self._listeners.get(channel, ())):
            if session.muted_channels.get(channel, 0.0) > now_s:
                continue
            held = session.held.pop(channel, None)
            struck = self._faults.take(Stage.FRAME, channel) if self._faults.active else {}
            for item in strike(session, channel, frame, struck) if struck else (frame,):
                session.send(item)
            session.last_frames[channel] = frame
            if held is not None:
                session.send(held)

    def flush_books(self) -> None:
        """Send every book that changed since the last flush; the caller sets the pace, 100 ms."""
        for market, listing in self._venue.listings.items():
            if listing.book.changes == self._flushed.get(market):
                continue
            self._flushed[market] = listing.book.changes
            # Stamps of books never repeat, also when two changes meet in one microsecond.
            listing.changed_us = max(listing.changed_us, self._sent_us.get(market, 0) + 1)
            self._sent_us[market] = listing.changed_us
            self._send_book(market, listing)

    def _send_book(self, market: str, listing: Listing) -> None:
        for prefix, group in (("order_book_", "1"), ("detail_order_book_", "2")):
            if prefix + market in self._listeners:
                self._send_rows(prefix + market, book(listing, group, TOP))
        if market in self._seen:
            before, after = self._seen[market], _levels(listing)
            self._seen[market] = after
            stamp = {"timestamp": str(listing.changed_us // 1_000_000), "microtimestamp": str(listing.changed_us)}
            bids = _changes(listing, before[0], after[0], descending=True)
            asks = _changes(listing, before[1], after[1], descending=False)
            if bids or asks:
                self._send_rows("diff_order_book_" + market, stamp | {"bids": bids, "asks": asks})

    def _send_rows(self, channel: str, rows: object) -> None:
        frame = {"data": rows, "channel": channel, "event": "data"}
        self._deliver(channel, orjson.dumps(frame).decode())

    # --- by hand, over the control endpoint ---------------------------------------------------------

    def request_reconnect(self) -> None:
        """Ask every client to reconnect."""
        for session in self._sessions:
            session.send(RECONNECT)

    def drop(self, code: int | None, *, reset: bool) -> None:
        """End every connection: with a close code, or at TCP level."""
        for session in self._sessions:
            session.send(HangUp(code, reset=reset))

    def stall(self, kind: str, seconds: float) -> None:
        """Make every session withhold "all" or all "frames" but heartbeat replies."""
        for session in self._sessions:
            session.mute, session.mute_until = kind, asyncio.get_running_loop().time() + seconds

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._sessions)

    @property
    def subscriptions(self) -> int:
        """How many channels they are subscribed to, all told."""
        return sum(len(session.channels) for session in self._sessions)
