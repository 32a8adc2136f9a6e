"""Real receivers: a UDP socket in the agent's place and a pipe in the log's."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import orjson
import pytest

from arbbot.telemetry.logging import Identity

IDENTITY = Identity("arbbot", "test", "1.2.3", "bitstamp", "sandbox", "btc-usd-eur")
TAGS = {"venue": "bitstamp", "mode": "sandbox", "route": "btc-usd-eur"}


class UdpAgent:
    """A DogStatsD agent as far as receiving goes."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"

    def received(self) -> list[str]:
        """Every line that has arrived; loopback delivers in the sender's own call."""
        lines: list[str] = []
        while True:
            try:
                lines += self._socket.recv(65536).decode().splitlines()
            except BlockingIOError:
                return lines

    def close(self) -> None:
        """Free the port: from now on the agent is dead."""
        self._socket.close()


class Pipe:
    """A log reader at its own pace."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)

    def read(self) -> bytes:
        """Everything that has been written."""
        chunks = b""
        while True:
            try:
                chunk = os.read(self.reader, 65536)
            except BlockingIOError:
                return chunks
            if not chunk:
                return chunks
            chunks += chunk

    def lines(self) -> list[dict[str, object]]:
        """Everything that has been written, as JSON lines."""
        return [orjson.loads(line) for line in self.read().splitlines()]

    def hang_up(self) -> None:
        """The reader goes away."""
        os.close(self.reader)
        self.reader = -1

    def close(self) -> None:
        """Free both ends."""
        os.close(self.writer)
        if self.reader >= 0:
            os.close(self.reader)


@pytest.fixture
def agent() -> Iterator[UdpAgent]:
    """A live agent."""
    agent = UdpAgent()
    yield agent
    agent.close()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """A live log reader."""
    pipe = Pipe()
    yield pipe
    pipe.close()
