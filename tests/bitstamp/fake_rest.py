"""A scripted venue over real HTTP: each path answers what the test wrote for it, signed, mis-signed, or cut short."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

SECRET = "SimSecret000000000000000000000002"
KEY = "SimKey0000000000000000000000001"


@dataclass(frozen=True)
class Heard:
    """One request as it came off the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int


@dataclass(frozen=True)
class Say:
    """One reply, and how it is to be spoilt."""

    body: bytes
    status: int = 200
    sign: str = "yes"
    """yes, no or wrong."""
    content_type: str = "application/json"
    cut: int = 0
    """Bytes of the body left out before the connection is closed."""
    silent: bool = False
    """Read the request and never answer."""
    reset: bool = False
    """Read the request and close without a word."""
    headers: tuple[str, ...] = ()


Script = Callable[[Heard], Say]


@dataclass
class FakeRest:
    """The server's side of a test: what it will say, and what it heard."""

    script: Script
    heard: list[Heard] = field(default_factory=list)
    hears: asyncio.Event = field(default_factory=asyncio.Event)
    connections: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests on one connection until either side is done with it."""
        self.connections += 1
        number = self.connections
        self.writers.append(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *lines = head.split("\r\n")
                headers = dict(line.split(": ", 1) for line in lines if line)
                body = await reader.readexactly(int(headers.get("Content-Length", "0")))
                method, target, _ = first.split(" ")
                request = Heard(method, target, headers, body, number)
                self.heard.append(request)
                self.hears.set()
                say = self.script(request)
                if say.silent:
                    await reader.read()
                    return
                if say.reset:
                    return
                writer.write(self.encode(request, say))
                await writer.drain()
                if say.cut:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    @staticmethod
    def encode(request: Heard, say: Say) -> bytes:
        """The reply's bytes, its signature computed as the venue does."""
        lines = [f"HTTP/1.1 {say.status} X", f"Content-Type: {say.content_type}", f"Content-Length: {len(say.body)}"]
        lines += say.headers
        if say.sign != "no":
            message = request.headers.get("X-Auth-Nonce", "") + request.headers.get("X-Auth-Timestamp", "")
            secret = SECRET if say.sign == "yes" else "somebody else's"
            signature = hmac.new(secret.encode(), (message + say.content_type).encode() + say.body, hashlib.sha256)
            lines.append(f"X-Server-Auth-Signature: {signature.hexdigest()}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + say.body[: len(say.body) - say.cut]


@asynccontextmanager
async def fake_rest(script: Script) -> AsyncIterator[tuple[FakeRest, str]]:
    """A running fake and its address."""
    venue = FakeRest(script)
    server = await asyncio.start_server(venue.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield venue, f"http://127.0.0.1:{port}"
    finally:
        server.close()
        for writer in venue.writers:
            writer.close()
        await asyncio.sleep(0)
