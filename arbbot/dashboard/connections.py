"""How many connections the page takes, and for how long one may say nothing: descriptors are the trader's too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from arbbot.dashboard.counts import Refused

CONNECTIONS_MAX = 128
SILENT_S = 10.0
"""A connection that has not sent a whole request by then is closed."""
LOOK_EVERY_S = 1.0


class _Full(asyncio.Protocol):
    """The whole conversation with one connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()


class Connections:
    """Bounds them."""

    def __init__(self, refused: Refused, silent_s: float = SILENT_S) -> None:
        self._refused = refused
        self._silent_s = silent_s
        self._server: web.Server | None = None
        self._loop = asyncio.get_running_loop()
        self._silent: dict[RequestHandler, float] = {}
        """Since when connections have been open that have not been answered anything yet."""

    def bounded(self, server: web.Server) -> Callable[[], asyncio.Protocol]:
        """aiohttp's factory of protocols, as long as there is room."""

        def make() -> asyncio.Protocol:
            if self.open >= CONNECTIONS_MAX:
                self._refused.count("connections")
                return _Full()
            connection = server()
            self._silent[connection] = self._loop.time()
            return connection

        self._server = server
        return make

    @property
    def open(self) -> int:
        """How many there are, those included that the loop has accepted and not made yet."""
        made = self._server.connections if self._server is not None else []
        return len(set(made).union(self._silent))

    async def spoke(self, request: web.Request, _response: web.StreamResponse) -> None:
        """aiohttp's `on_response_prepare`: this connection has sent a request and gets its reply."""
        if isinstance(request.protocol, RequestHandler):
            self._silent.pop(request.protocol, None)

    async def watch(self) -> None:
        """Close the silent ones, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            due_s = self._loop.time() - self._silent_s
            for connection, since_s in list(self._silent.items()):
                if since_s > due_s:
                    continue
                del self._silent[connection]
                if connection.transport is not None:
                    self._refused.count("slow")
                    connection.transport.abort()
