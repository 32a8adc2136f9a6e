"""A venue by hand: a listening socket whose connections the test reads and answers byte by byte, when it wants to."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from tests.bitstamp.fake_rest import SECRET

LOOPS: list[Callable[[], asyncio.AbstractEventLoop]] = [asyncio.new_event_loop]
try:
    import uvloop
except ImportError:
    pass
else:
    LOOPS.append(uvloop.new_event_loop)
"""The installed loops: they differ in when they write and in what they notice."""

QUIET = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def on(factory: Callable[[], asyncio.AbstractEventLoop], promise: Callable[[], Awaitable[None]]) -> None:
    """Run a test's coroutine on a loop of this kind."""

    async def bounded() -> None:
        async with asyncio.timeout(20):
            await promise()

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(bounded())


def sealed(request: bytes, body: bytes, *lines: str, length: bool = True, chunked: bool = False) -> bytes:
    """The reply's bytes, signed for this request as the venue does."""
    headers = dict(line.split(": ", 1) for line in request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:])
    message = f"{headers['X-Auth-Nonce']}{headers['X-Auth-Timestamp']}application/json".encode() + body
    head = ["HTTP/1.1 200 OK", "Content-Type: application/json", *lines]
    head.append("X-Server-Auth-Signature: " + hmac.new(SECRET.encode(), message, hashlib.sha256).hexdigest())
    if chunked:
        head.append("Transfer-Encoding: chunked")
        body = b"".join(b"%x\r\n%c\r\n" % (1, octet) for octet in body) + b"0\r\n\r\n"
    elif length:
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


class RawVenue:
    """The listening end."""

    def __init__(self) -> None:
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.listener.setblocking(False)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.sockets: list[socket.socket] = []

    async def accept(self) -> socket.socket:
        """The next connection."""
        accepted, _ = await asyncio.get_running_loop().sock_accept(self.listener)
        accepted.setblocking(False)
        self.sockets.append(accepted)
        return accepted

    @staticmethod
    async def heard(connection: socket.socket) -> bytes:
        """What arrives next on it; b"" when the client has closed it."""
        try:
            return await asyncio.get_running_loop().sock_recv(connection, 1 << 16)
        except ConnectionError:
            return b""

    @staticmethod
    async def say(connection: socket.socket, reply: bytes) -> None:
        """Write to it."""
        await asyncio.get_running_loop().sock_sendall(connection, reply)

    async def warmed(self, warming: Awaitable[None], count: int = 3) -> list[socket.socket]:
        """The connections that a client's warming opens, each answered before the next is opened."""
        task = asyncio.ensure_future(warming)
        connections = []
        for _ in range(count):
            connections.append(connection := await self.accept())
            await self.heard(connection)
            await self.say(connection, QUIET)
        await task
        return connections

    def close(self) -> None:
        """Close everything."""
        for each in (self.listener, *self.sockets):
            each.close()


@contextmanager
def raw_venue() -> Iterator[RawVenue]:
    """A venue for the length of a test."""
    venue = RawVenue()
    try:
        yield venue
    finally:
        venue.close()
