"""Server-sent events: one snapshot, made four times a second while somebody looks, for all readers together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

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


class Stream:
    """Makes frames and hands each reader the newest."""

    def __init__(self, snapshot: Callable[[], dict[str, Any]], refused: Refused, slow_s: float = SLOW_S) -> None:
        self._snapshot = snapshot
        self._refused = refused
        self._patience = Patience(refused, slow_s)
        self._slow_s = slow_s
        self._sequence = 0
        self._frame = b""
        self._fresh = asyncio.Event()
        self._closed = False
        self.readers = 0

    async def run(self) -> None:
        """Make frames until cancelled. A snapshot is some 0.3 ms of work, and none when nobody looks."""
        while True:
            if self.readers:
                self._make()
            await asyncio.sleep(EVERY_S)

    def close(self) -> None:
        """Let the readers go."""
        self._closed = True
        self._wake()

    def _make(self) -> None:
        """One frame, now."""
        self._sequence += 1
        self._frame = b"id: %d\nevent: now\ndata: %b\n\n" % (self._sequence, dumps(self._snapshot()))
        self._wake()

    def _wake(self) -> None:
        fresh, self._fresh = self._fresh, asyncio.Event()
        fresh.set()

    async def serve(self, request: web.Request, sessions: Sessions) -> web.StreamResponse:
        """One reader, until it goes, is dropped, or its session ends."""
        if self.readers >= READERS_MAX:
            self._refused.count("connections")
            return error(HTTPStatus.SERVICE_UNAVAILABLE, f"{READERS_MAX} pages are open already")
        session = request[SESSION]
        response = web.StreamResponse(headers=STREAM_HEADERS)
        self.readers += 1
        try:
            await response.prepare(request)
            await response.write(b"retry: 1000\n\n")
            self._make()
            while not (self._closed or session.over):
                sessions.seen(session)
                frame, fresh = self._frame, self._fresh
                async with asyncio.timeout(self._slow_s):
                    await response.write(frame)
                await fresh.wait()
        except TimeoutError:
            self._patience.cut(request)
        except ConnectionError:
            pass  # it went: nothing is owed to it
        finally:
            self.readers -= 1
        return response
