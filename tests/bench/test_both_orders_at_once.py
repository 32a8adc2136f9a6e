"""Nothing is awaited between a decision and the second order."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from random import Random
from typing import Any

from arbbot.bench import markets
from arbbot.bench.account import ROUTE, RULES, Account
from arbbot.bench.bed import EPOCH, as_books, ready_session
from arbbot.bench.bookkeeping import IDENTITY, quiet_telemetry
from arbbot.bench.frames import Stamped
from arbbot.bitstamp.auth import Credentials
from arbbot.bitstamp.limiter import Limiter
from arbbot.bitstamp.rest import BitstampGateway, RestSettings
from arbbot.bitstamp.session import Channels
from arbbot.domain.commands import Ask, CancelOrder, PlaceOrder
from arbbot.domain.events import BookSeen, Event, FeedUp, Tick, VenueClockSeen
from arbbot.engine.state import State
from arbbot.engine.step import Engine
from arbbot.journal.sqlite import open_journal
from arbbot.runtime.clock import SystemClock
from arbbot.runtime.daemon import Daemon
from tests.bitstamp.raw_venue import raw_venue

SHAPES = markets.shared_out(markets.target_order(), reach=40)
BOOKS = markets.books(SHAPES)
REFUSAL = b'{"status":"error","reason":"Trading is currently unavailable for your account."}'
REFUSED = b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n%b" % (len(REFUSAL), REFUSAL)


class Venue:
    """Orders to the real gateway; questions are answered here, as a quiet account would."""

    def __init__(self, gateway: BitstampGateway) -> None:
        self._gateway = gateway
        self._account = Account(as_books(BOOKS))

    def perform(self, command: PlaceOrder | CancelOrder | Ask) -> Coroutine[Any, Any, Event]:
        return self._answered(command) if isinstance(command, Ask) else self._gateway.perform(command)

    async def _answered(self, ask: Ask) -> Event:
        return self._account.answer(ask)


async def test_both_orders_are_on_the_wire_when_the_frame_has_been_delivered(tmp_path: Path) -> None:
    """The frame that opens a hedge commits the intent and writes both orders before anything else may run."""
    journal = open_journal(tmp_path / "journal.db", IDENTITY, sync_full=False)
    clock, telemetry = SystemClock(), quiet_telemetry()
    key = Credentials("k" * 32, "s" * 32)
    with raw_venue() as venue:
        async with BitstampGateway(RestSettings(venue.url), clock, Limiter(Random(1)), credentials=key) as gateway:
            connections = (await venue.warmed(gateway.warm()))[:2]
            engine = Engine(ROUTE, RULES, State(), journal.key)
            daemon = Daemon(engine, journal, Venue(gateway), [], clock, telemetry, None, "test")
            running = asyncio.create_task(daemon.run())
            await ready(daemon, clock)
            rich = markets.frames("btceur", SHAPES["btceur"], markets.MIDS["btceur"] * markets.RICH, clock.now().utc_us)
            show(daemon, clock, rich.next())
            requests = sorted(connection.recv(1 << 16) for connection in connections)  # at once: nothing ran between
            kinds = [line.record.kind for line in journal.lines()]
            assert kinds[-3:] == ["hedge_opened", "order_intended", "order_intended"]
            assert [request.split(b" ")[:2] for request in requests] == [
                [b"POST", b"/api/v2/buy/market/btcusd/"],
                [b"POST", b"/api/v2/sell/btceur/"],
            ]
            for connection in connections:
                await venue.say(connection, REFUSED)
            daemon.stop("the test is over")
            await running
    telemetry.close()
    journal.close()


async def ready(daemon: Daemon, clock: SystemClock) -> None:
    """Show it calm books until nothing forbids a hedge."""
    await asyncio.sleep(0)
    daemon.deliver(VenueClockSeen(0), clock.now())
    daemon.deliver(FeedUp(EPOCH), clock.now())
    for symbol, sides in BOOKS.items():
        show(daemon, clock, Stamped(f"order_book_{symbol}", [sides], clock.now().utc_us).next())
    for _ in range(1000):
        daemon.deliver(Tick(), clock.now())
        await asyncio.sleep(0)
        if daemon.engine.entry.blocked() is None:
            return


def show(daemon: Daemon, clock: SystemClock, raw: bytes) -> None:
    """One frame, read and delivered as the feed does it."""
    at = clock.now()
    seen = ready_session(Channels(ROUTE.symbols)).receive(raw, at)
    assert isinstance(seen, BookSeen)
    daemon.deliver(seen, at)
