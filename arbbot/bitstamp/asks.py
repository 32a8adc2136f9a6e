"""Questions over aiohttp: one request sent once, and what came back of it, bounded."""

from __future__ import annotations

import ssl

import aiohttp
from yarl import URL

from arbbot.bitstamp.http_reply import RawReply
from arbbot.bitstamp.reply import NoReply
from arbbot.bitstamp.requests import Request

CONNECTIONS = 4
_READ_STEP = 1 << 16
_NEVER_CONNECTED = (
    aiohttp.ClientConnectorError,  # name not found, refused, unreachable, TLS handshake
    aiohttp.ClientConnectorCertificateError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
)
"""Raised by aiohttp before a connection exists, so before any byte of a request."""


class Asks:
    """An aiohttp session. Private calls are POSTs, which aiohttp never sends twice; redirects are not followed; proxies
    of the environment are not used.
    """

    def __init__(
        self,
        base: URL,
        context: ssl.SSLContext | None,
        *,
        timeout_s: float,
        connect_timeout_s: float,
        keep_alive_s: float,
        most_bytes: int,
    ) -> None:
        """`context` for TLS, host name checked; `most_bytes` bounds a reply's body. Needs a running event loop."""
        self._origin = str(base.origin())
        self._most_bytes = most_bytes
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=keep_alive_s, ssl=context or True),
            timeout=aiohttp.ClientTimeout(total=timeout_s, connect=connect_timeout_s, sock_connect=connect_timeout_s),
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def send(self, request: Request, headers: dict[str, str]) -> RawReply | NoReply:
        """Put a question; `headers` are those of its signature."""
        suffix = f"?{request.query}" if request.query else ""
        try:
            async with self._session.request(
                request.method,
                URL(f"{self._origin}{request.path}{suffix}", encoded=True),
                data=request.body or None,
                headers=headers,
                skip_auto_headers=("Content-Type",),
                allow_redirects=False,
            ) as response:
                body = await self._bounded(response)
        except _NEVER_CONNECTED as error:
            return NoReply(False, named(error))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return NoReply(True, named(error))
        if body is None:
            return NoReply(True, "reply larger than allowed")
        return RawReply(response.status, {name.lower(): response.headers[name] for name in response.headers}, body)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def _bounded(self, response: aiohttp.ClientResponse) -> bytes | None:
        """The whole body, or None once it passes the limit."""
        body = bytearray()
        while chunk := await response.content.read(_READ_STEP):
            body += chunk
            if len(body) > self._most_bytes:
                response.close()
                return None
        return bytes(body)


def named(error: Exception) -> str:
    """An error by type and system text only: the repr of some aiohttp errors shows request headers."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"{type(error).__name__}: {error.strerror or type(error.os_error).__name__}"
    if isinstance(error, OSError) and error.strerror:
        return f"{type(error).__name__}: {error.strerror}"
    return type(error).__name__
