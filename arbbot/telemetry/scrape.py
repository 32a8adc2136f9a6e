"""`/metrics` for Prometheus: one address, one path, nothing but what was emitted.

A server of its own and not a path of the operator's page: a scraper has no session, and the page has secrets. What is
told here is worth hiding from other people's web pages all the same: a name by which they could reach a server of this
machine (DNS rebinding) has a dot in it, and is refused.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from ipaddress import ip_address
from typing import Self

import h11

from arbbot.telemetry.address import parse_place
from arbbot.telemetry.exposition import Exposition

PATH = b"/metrics"
CLIENTS_MAX = 4
HEAD_BYTES_MAX = 8 * 1024
PATIENCE_S = 5.0
"""For a whole request and its reply."""


class Scrape:
    """Use as an async context manager: it listens from entry to exit."""

    def __init__(self, address: str, exposition: Exposition) -> None:
        """`address` as for `parse_place`. Raises ValueError for anything else."""
        self._host, self._port = parse_place(address)
        self._exposition = exposition
        self._clients = 0
        self._server: asyncio.Server | None = None
        self.port = 0
        """As bound, once it listens."""
        self.refused = 0
        """Connections and requests that got nothing."""

    async def __aenter__(self) -> Self:
        """Listen. Raises OSError where the address cannot be had."""
        self._server = await asyncio.start_server(self._serve, self._host, self._port, limit=HEAD_BYTES_MAX)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._clients >= CLIENTS_MAX:
            self.refused += 1
            writer.transport.abort()
            return
        self._clients += 1
        try:
            async with asyncio.timeout(PATIENCE_S):
                writer.write(await self._reply(reader))
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (TimeoutError, OSError):
            self.refused += 1
        finally:
            self._clients -= 1
            writer.transport.abort()

    async def _reply(self, reader: asyncio.StreamReader) -> bytes:
        """The whole reply to the request that the reader brings; the connection ends with it."""
        connection = h11.Connection(h11.SERVER)
        try:
            connection.receive_data(await reader.readuntil(b"\r\n\r\n"))
            request = connection.next_event()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, h11.RemoteProtocolError):
            request = None
        status, body, content_type = 400, b"", "text/plain"
        if isinstance(request, h11.Request):
            status = _refusal(request)
            if status == 200:
                body, content_type = await self._exposition.text(_header(request, b"accept"))
        self.refused += status != 200
        headers = [("Content-Type", content_type), ("Content-Length", str(len(body))), ("Connection", "close"),
                   ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]  # fmt: skip
        head = "".join(f"{name}: {value}\r\n" for name, value in headers)
        return f"HTTP/1.1 {status} {_REASONS[status]}\r\n{head}\r\n".encode() + body


_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 421: "Misdirected Request"}


def _refusal(request: h11.Request) -> int:
    """The status that a request deserves; 200 where it may have the metrics."""
    if not _is_ours(_header(request, b"host")):
        return 421
    if request.target.partition(b"?")[0] != PATH:
        return 404
    return 200 if request.method == b"GET" else 405


def _header(request: h11.Request, name: bytes) -> str:
    return next((value for known, value in request.headers if known == name), b"").decode("latin-1")


def _is_ours(host: str) -> bool:
    """A literal address, or a name without a dot, as containers and `localhost` have it."""
    bare = host.removesuffix("]") if host.endswith("]") else host.rpartition(":")[0] or host
    bare = bare.removeprefix("[").removesuffix("]")
    with suppress(ValueError):
        return bool(ip_address(bare))
    return bool(bare) and "." not in bare and ":" not in bare
