"""The other end of the tick-to-trade bench, in a process of its own: `python -m arbbot.bench.wire_peer`.

Sends books over a WebSocket and takes orders over HTTP. For every line on standard input it sends one book that pays
and writes the microseconds until the second order had arrived in full. It refuses all orders: nothing ever fills.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import suppress

from orjson import loads
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from arbbot.bench import markets
from arbbot.bench.account import ROUTE
from arbbot.bench.frames import Stamped
from arbbot.bench.markets import MIDS, SHAPES

HOST = "127.0.0.1"
ORDERS = 2
PATIENCE_S = 5.0
_REFUSAL = b'{"status":"error","reason":"Trading is currently unavailable for your account."}'
_RATE = b'{"buy":"1.10000","sell":"1.10000"}'


def reply(status: bytes, body: bytes) -> bytes:
    """A whole HTTP reply."""
    head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
    return head + body


class Peer:
    """The one client's connections, and the stop-watch."""

    def __init__(self) -> None:
        calm = {symbol: SHAPES[symbol] for symbol in ROUTE.symbols}
        self._calm = {symbol: markets.frames(symbol, shape, MIDS[symbol], 0) for symbol, shape in calm.items()}
        foreign = ROUTE.foreign.symbol
        self._rich = markets.frames(foreign, SHAPES[foreign], MIDS[foreign] * markets.RICH, 0)
        self._socket: ServerConnection | None = None
        self._waiting: list[asyncio.Transport] = []
        self._arrived: asyncio.Future[int] | None = None
        self._stamp_us = 0

    def _stamped(self, source: Stamped) -> str:
        """The next frame, as text: the venue's are."""
        self._stamp_us = max(self._stamp_us + 1, time.time_ns() // 1000)
        return source.at(self._stamp_us).decode()

    async def subscribe(self, socket: ServerConnection) -> None:
        """Acknowledge whatever is subscribed; show the calm books when asked for the last one."""
        self._socket = socket
        with suppress(ConnectionClosed):
            async for message in socket:
                word = loads(message)
                if word["event"] != "bts:subscribe":
                    continue
                channel = word["data"]["channel"]
                await socket.send(json.dumps({"event": "bts:subscription_succeeded", "channel": channel, "data": {}}))
                await self.calm()

    async def calm(self) -> None:
        """Books that leave no edge."""
        assert self._socket is not None
        for source in self._calm.values():
            await self._socket.send(self._stamped(source))

    async def round_us(self) -> float:
        """One book that pays to the second order, in microseconds."""
        assert self._socket is not None
        self._arrived = asyncio.get_running_loop().create_future()
        frame = self._stamped(self._rich)
        started_ns = time.perf_counter_ns()
        await self._socket.send(frame)
        ended_ns = await asyncio.wait_for(self._arrived, PATIENCE_S)
        await self.calm()
        for transport in self._waiting:
            transport.write(reply(b"400 Bad Request", _REFUSAL))
        self._waiting.clear()
        return (ended_ns - started_ns) / 1000

    def posted(self, transport: asyncio.Transport) -> None:
        """One order has arrived in full."""
        now_ns = time.perf_counter_ns()
        self._waiting.append(transport)
        if len(self._waiting) == ORDERS and self._arrived is not None:
            self._arrived.set_result(now_ns)


class OrderEntry(asyncio.Protocol):
    """HTTP by hand, so that an order is stamped the moment its last byte is read."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._read = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """A POST is an order; a GET only keeps the connection warm."""
        assert self._transport is not None
        self._read += data
        head, blank, body = self._read.partition(b"\r\n\r\n")
        if not blank or len(body) < _content_length(head):
            return
        self._read = b""
        if head.startswith(b"POST"):
            self._peer.posted(self._transport)
        else:
            self._transport.write(reply(b"200 OK", _RATE))


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def main() -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    peer = Peer()
    http = await loop.create_server(lambda: OrderEntry(peer), HOST, 0)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with serve(peer.subscribe, HOST, 0, compression=None, ping_interval=None) as stream:
        ports = (stream.sockets[0].getsockname()[1], http.sockets[0].getsockname()[1])
        sys.stdout.write(json.dumps(ports) + "\n")
        sys.stdout.flush()
        while await reader.readline():
            sys.stdout.write(f"{await peer.round_us()}\n")
            sys.stdout.flush()
    http.close()


if __name__ == "__main__":
    asyncio.run(main())
