"""Server-sent events: one snapshot, made four times a second while somebody looks, for all readers together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast

from aiohttp import web

from arbbot.dashboard.counts import Refused
from arbbot.dashboard.guard import SESSION, error
from arbbot.dashboard.json_text import dumps
from arbbot.dashboard.patience import Patience
from arbbot.dashboard.sessions import Sessions

EVERY_S = 0.25
READERS_MAX = 32
STREAM_HEADERS = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
"""The second asks a proxy in front not to collect frames before it hands them on."""
SLOW_S = 5.0
"""A reader that has not taken a frame for so long is dropped; until then it misses frames, and nobody waits for it."""
WAITING_BYTES_MAX = 64 * 1024
"""What may wait in this process for a reader, beside what the system keeps for it; half of where writing would wait."""


class _Reader:
    """One open stream."""

    def __init__(self, request: web.Request, response: web.StreamResponse, sessions: Sessions) -> None:
        self.request, self.response = request, response
        self.transport = cast("asyncio.WriteTransport", request.transport)  # uvloop's is one without saying so
        self.session, self._sessions = request[SESSION], sessions
        self.behind_since_s: float | None = None
        """Loop time since when it takes nothing; None while it does."""
        self.over = asyncio.Event()

    async def take(self, frame: bytes) -> None:
        """Write without waiting: there is room."""
        self.behind_since_s = None
        self._sessions.seen(self.session)
        try:
            await self.response.write(frame)
        except ConnectionError:
            self.over.set()  # it went: nothing is owed to it


class Stream:
    """Makes frames and hands each reader the newest."""

    def __init__(self, snapshot: Callable[[], dict[str, Any]], refused: Refused, slow_s: float = SLOW_S) -> None:
        self._snapshot = snapshot
        self._refused = refused
        self._patience = Patience(refused, slow_s)
        self._slow_s = slow_s
        self._sequence = 0
        self._open: set[_Reader] = set()

    @property
    def readers(self) -> int:
        """How many listen."""
        return len(self._open)

    async def run(self) -> None:
        """Make frames until cancelled, and none when nobody looks."""
        while True:
            if self._open:
                await self.tell()
            await asyncio.sleep(EVERY_S)

    def close(self) -> None:
        """Let the readers go."""
        for reader in self._open:
            reader.over.set()

    async def tell(self) -> None:
        """One frame, now, for everybody: written to one reader after the other, which is cheaper than waking a task for
        each, and holds nobody up, for nothing is written to who has not taken what came before.
        """
        self._sequence += 1
        frame = b"id: %d\nevent: now\ndata: %b\n\n" % (self._sequence, dumps(self._snapshot()))
        for reader in tuple(self._open):
            if reader.session.over or reader.transport.is_closing():
                reader.over.set()
            elif reader.transport.get_write_buffer_size() <= WAITING_BYTES_MAX:
                await reader.take(frame)
            else:
                self._missed(reader)

    def _missed(self, reader: _Reader) -> None:
        now_s = asyncio.get_running_loop().time()
        if reader.behind_since_s is None:
            reader.behind_since_s = now_s
        elif now_s - reader.behind_since_s > self._slow_s:
            self._patience.cut(reader.request)
            reader.over.set()

    async def serve(self, request: web.Request, sessions: Sessions) -> web.StreamResponse:
        """One reader, until it goes, is dropped, or its session ends."""
        if self.readers >= READERS_MAX:
            self._refused.count("connections")
            return error(HTTPStatus.SERVICE_UNAVAILABLE, f"{READERS_MAX} pages are open already")
        response = web.StreamResponse(headers=STREAM_HEADERS)
        reader = _Reader(request, response, sessions)
        try:
            await response.prepare(request)
            await response.write(b"retry: 1000\n\n")
            self._open.add(reader)
            await self.tell()
            await reader.over.wait()
        except ConnectionError:
            pass  # it went before it was there
        finally:
            self._open.discard(reader)
        return response
