"""How many connections the page takes, and for how long one may say nothing: descriptors are the trader's too."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from http import HTTPStatus
from typing import cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from arbbot.dashboard.counts import Refused
from arbbot.dashboard.guard import HEADERS

CONNECTIONS_MAX = 128
SILENT_S = 10.0
"""A connection that has not sent a whole request by then is closed."""
LOOK_EVERY_S = 1.0
KEEP_ALIVE_S = 15.0
LINGER_S = 1.0
"""For the rest of a request that was answered before it was read."""
SEND_BUFFER_BYTES = 128 * 1024
"""What the system keeps for a reader that does not read: some frames, not some minutes of them. Below twice the largest
segment of loopback, 64 kB, every write of much waits for a delayed acknowledgement.
"""
SERVER = "page"
"""What replies to no request call the server; aiohttp would name itself and its version."""


class _Full(asyncio.Protocol):
    """The whole conversation with one connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.WriteTransport", transport).abort()  # uvloop's is one without saying so


class _Connection(RequestHandler):
    """One of aiohttp's that tells when it is gone, keeps little for its reader, and names no versions."""

    __slots__ = ("_gone",)

    def __init__(self, server: web.Server, gone: Callable[[RequestHandler], None]) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # as AppRunner hands it on
            keepalive_timeout=KEEP_ALIVE_S,
            lingering_time=LINGER_S,
        )
        self._gone = gone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        cast("asyncio.WriteTransport", transport).set_write_buffer_limits(high=SEND_BUFFER_BYTES)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._gone(self)
        super().connection_lost(exc)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """What is no request is nobody's fault here: it is answered, not logged. It never reaches the application."""
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            reply = super().handle_error(request, status, exc, message)
        else:
            reply = web.json_response({"error": "that is no request"}, status=status)
            reply.force_close()
        reply.headers.update({**HEADERS, "Server": SERVER})
        return reply


class Connections:
    """Bounds them."""

    def __init__(self, refused: Refused, silent_s: float = SILENT_S) -> None:
        self._refused = refused
        self._silent_s = silent_s
        self._loop = asyncio.get_running_loop()
        self._since_s: dict[RequestHandler, float | None] = {}
        """Every one, and since when it has been open; None once it was answered something."""

    def bounded(self, server: web.Server) -> Callable[[], asyncio.Protocol]:
        """A factory of protocols, as long as there is room."""

        def make() -> asyncio.Protocol:
            if self.open >= CONNECTIONS_MAX:
                self._refused.count("connections")
                return _Full()
            connection = _Connection(server, self._forget)
            self._since_s[connection] = self._loop.time()
            return connection

        return make

    @property
    def open(self) -> int:
        """How many there are."""
        return len(self._since_s)

    async def spoke(self, request: web.Request, _response: web.StreamResponse) -> None:
        """aiohttp's `on_response_prepare`: this connection has sent a request and gets its reply."""
        if request.protocol in self._since_s:
            self._since_s[request.protocol] = None

    async def watch(self) -> None:
        """Close the silent ones, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            due_s = self._loop.time() - self._silent_s
            for connection, since_s in list(self._since_s.items()):
                if since_s is not None and since_s <= due_s and connection.transport is not None:
                    self._refused.count("slow")
                    connection.transport.abort()

    def _forget(self, connection: RequestHandler) -> None:
        self._since_s.pop(connection, None)
