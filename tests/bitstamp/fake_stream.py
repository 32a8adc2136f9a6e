"""A scripted venue over real WebSockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from arbbot.domain.events import BookSeen, Event, Moment


@dataclass
class Line:
    """One connection as the venue sees it."""

    socket: ServerConnection
    heard: list[dict[str, Any]] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _hears: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, frame: dict[str, Any]) -> None:
        """Note what the client sent."""
        self.heard.append(frame)
        self._hears.set()

    async def has_heard(self, kind: str, count: int) -> None:
        """Wait until so many client frames of a kind have come."""
        while sum(frame["event"] == kind for frame in self.heard) < count:
            self._hears.clear()
            await self._hears.wait()

    async def say(self, frame: dict[str, Any] | bytes) -> None:
        """Send one text frame."""
        raw = frame if isinstance(frame, bytes) else orjson.dumps(frame)
        await self.socket.send(raw, text=True)

    async def book(self, stamp: int, bid: str = "100.00", channel: str = "order_book_btcusd") -> None:
        """Send a one-level book."""
        payload = {"microtimestamp": str(stamp), "bids": [[bid, "1"]], "asks": [["200.00", "2"]]}
        await self.say({"data": payload, "channel": channel, "event": "data"})


@dataclass
class FakeStream:
    """What the venue does with subscriptions and heartbeats, and who came."""

    lines: list[Line] = field(default_factory=list)
    subscription: Callable[[int, str], str] = lambda line, channel: "ack"
    """By line number (from 1) and channel: ack, refuse or ignore."""
    beats: bool = True
    url: str = ""
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, socket: ServerConnection) -> None:
        """Answer one connection until it is over."""
        line = Line(socket)
        self.lines.append(line)
        number = len(self.lines)
        self._came.set()
        try:
            async for raw in socket:
                frame = orjson.loads(raw)
                line.hear(frame)
                if frame["event"] == "bts:heartbeat" and self.beats:
                    await line.say({"event": "bts:heartbeat", "channel": "", "data": {"status": "success"}})
                elif frame["event"] == "bts:subscribe":
                    await self._subscribed(line, number, frame["data"]["channel"])
        except ConnectionClosed:
            pass
        finally:
            line.over.set()

    async def _subscribed(self, line: Line, number: int, channel: str) -> None:
        verdict = self.subscription(number, channel)
        if verdict == "ack":
            await line.say({"event": "bts:subscription_succeeded", "channel": channel, "data": {}})
        elif verdict == "refuse":
            error = {"code": 4009, "message": "Connection is unauthorized."}
            await line.say({"event": "bts:error", "channel": "", "data": error})

    async def line(self, number: int) -> Line:
        """The connection with this number, once it has come."""
        while len(self.lines) < number:
            self._came.clear()
            await self._came.wait()
        return self.lines[number - 1]


@asynccontextmanager
async def fake_stream() -> AsyncIterator[FakeStream]:
    """A running fake; offers compression, as the venue does."""
    venue = FakeStream()
    async with serve(venue.serve, "127.0.0.1", 0, close_timeout=0.2) as server:
        venue.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield venue


class Told:
    """A sink that remembers, and can be waited on."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.moments: list[Moment] = []
        self._changed = asyncio.Event()

    def __call__(self, event: Event, at: Moment) -> None:
        self.events.append(event)
        self.moments.append(at)
        self._changed.set()

    async def until(self, expected: Callable[[Event], bool]) -> Event:
        """The first event like this, now or later."""
        while True:
            for event in self.events:
                if expected(event):
                    return event
            self._changed.clear()
            await self._changed.wait()

    async def a(self, kind: type[Event], count: int = 1) -> None:
        """Wait for so many events of a kind."""
        while len(self.of(kind)) < count:
            self._changed.clear()
            await self._changed.wait()

    def of(self, kind: type[Event]) -> list[Event]:
        """All events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def stamps(self) -> list[tuple[int, int]]:
        """Epoch and stamp of each book."""
        return [(event.epoch, event.book.microtimestamp) for event in self.events if isinstance(event, BookSeen)]
