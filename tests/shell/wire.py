"""One end of a connection in memory: a TCP transport as far as programs can tell, and what spoils it on the way.

Bytes take time, arrive in order and in one piece per write; a receiver that pauses holds the sender back; an end that
closes sends FIN, one that aborts after setting SO_LINGER, or whose process died with bytes unread, RST.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from tests.shell.loop import Life
    from tests.shell.net import Network

HIGH_WATER, LOW_WATER = 64 * 1024, 16 * 1024
PIECE = 7
"""Bytes at a time on a link that trickles."""


@dataclass(frozen=True, slots=True)
class End:
    """Instead of bytes: the stream is over, in order or by reset."""

    reset: bool = False


class Socket:
    """What programs ask of the socket under a transport."""

    family, type, proto = socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP

    def __init__(self, name: tuple[str, int]) -> None:
        self.linger = False
        self._name = name
        self._descriptor: int | None = None

    def setsockopt(self, level: int, option: int, _value: object) -> None:
        """Only SO_LINGER means anything in here."""
        if (level, option) == (socket.SOL_SOCKET, socket.SO_LINGER):
            self.linger = True

    def getsockname(self) -> tuple[str, int]:
        """Where it is bound."""
        return self._name

    def fileno(self) -> int:
        """A descriptor for those who poll: readable while something has arrived that was not taken."""
        if self._descriptor is None:
            self._descriptor = os.eventfd(0, os.EFD_NONBLOCK)
        return self._descriptor

    def show(self, *, readable: bool) -> None:
        """Let the descriptor, if there is one, say so."""
        if self._descriptor is not None:
            if readable:
                os.eventfd_write(self._descriptor, 1)
            else:
                with suppress(BlockingIOError):
                    os.eventfd_read(self._descriptor)

    def close(self) -> None:
        """Let the descriptor go."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class Wire(asyncio.Transport):
    """One end of a connection."""

    def __init__(self, network: Network, life: Life | None, port: int, names: tuple[int, int]) -> None:
        self.socket = Socket(("127.0.0.1", names[0]))
        super().__init__(
            {
                "socket": self.socket,
                "sockname": ("127.0.0.1", names[0]),
                "peername": ("127.0.0.1", names[1]),
            }
        )
        self.network = network
        self.life = life
        self.port = port
        """The server's port: what kind of connection it is."""
        self.peer: Wire = self
        self.caller: Life | None = None
        """At a server: whose connection it is."""
        self.stalled_until_s = 0.0
        """Nothing that was sent to this end arrives before."""
        self.trickles = False
        """What is sent to this end arrives in drops."""
        self.spoil: Callable[[Wire, bytes], list[bytes | End]] | None = None
        """Changes the next bytes on their way to this end, once."""
        self._context = contextvars.copy_context()
        self._protocol: asyncio.Protocol | None = None
        self._line: deque[bytes | End] = deque()
        """What has arrived, or is under way, and was not yet taken."""
        self._arrived = 0
        self._arrives_s = 0.0
        self._outstanding = 0
        """Bytes written by this end and not yet taken by the other."""
        self._paused = self._held_back = self._closing = self._lost = False

    # --- for programs ------------------------------------------------------------------------------------------

    def write(self, data: Any) -> None:  # a transport's own word for it
        """Send."""
        if self._closing or self.is_dead():
            return
        piece = bytes(data)
        if not piece:
            return
        self._outstanding += len(piece)
        self.peer.carry(piece)
        if self._outstanding > HIGH_WATER and not self._held_back:
            self._held_back = True
            assert self._protocol is not None
            self._protocol.pause_writing()

    def writelines(self, list_of_data: Any) -> None:
        """Send all."""
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        """Yes."""
        return True

    def write_eof(self) -> None:
        """Say that no more will come."""
        if not self._closing and not self.is_dead():
            self.peer.carry(End())

    def close(self) -> None:
        """FIN after what is under way."""
        if not self._closing and not self.is_dead():
            self._closing = True
            self.peer.carry(End())
            self._lose(None)

    def abort(self) -> None:
        """RST where linger says so, else FIN."""
        if not self._lost and not self.is_dead():
            self._closing = True
            self.peer.carry(End(reset=self.socket.linger))
            self._lose(None)

    def is_closing(self) -> bool:
        """Whether it is closed, or about to be."""
        return self._closing

    def pause_reading(self) -> None:
        """Leave in the line what arrives."""
        self._paused = True

    def resume_reading(self) -> None:
        """Take it again."""
        if self._paused:
            self._paused = False
            self._soon(self._take)

    def is_reading(self) -> bool:
        """Whether what arrives is taken."""
        return not self._paused and not self._closing

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Who takes what arrives."""
        self._protocol = cast(asyncio.Protocol, protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Who takes what arrives."""
        assert self._protocol is not None
        return self._protocol

    def get_write_buffer_size(self) -> int:
        """Bytes the other end has not taken."""
        return self._outstanding

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Where writers are held back, and let go."""
        return LOW_WATER, HIGH_WATER

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """They are what they are."""

    # --- for the network ---------------------------------------------------------------------------------------

    def is_dead(self) -> bool:
        """Whether its process is."""
        return self.life is not None and self.life.dead

    def begin(self, protocol: asyncio.BaseProtocol) -> None:
        """Give it to a protocol."""
        self._context = contextvars.copy_context()
        self.set_protocol(protocol)
        protocol.connection_made(self)
        self._soon(self._take)

    def carry(self, item: bytes | End) -> None:
        """Put something on the way to this end."""
        if isinstance(item, bytes) and self.spoil is not None:
            spoil, self.spoil = self.spoil, None
            for part in spoil(self, item):
                self._carry(part)
        elif isinstance(item, bytes) and self.trickles:
            for start in range(0, len(item), PIECE):
                self._carry(item[start : start + PIECE], extra_s=0.02)
        else:
            self._carry(item)

    def _carry(self, item: bytes | End, extra_s: float = 0.0) -> None:
        loop = self.network.loop
        if isinstance(item, End) and item.reset:
            self._line.clear()
            self._arrived = 0
        self._line.append(item)
        self._arrives_s = max(loop.time() + self.network.latency_s, self._arrives_s + extra_s, self.stalled_until_s)
        loop.call_at(self._arrives_s, self._arrive, context=self.network.kernel)

    def _arrive(self) -> None:
        """In the kernel, whatever the process does meanwhile."""
        if self._arrived < len(self._line) and not self._lost:
            self._arrived += 1
            self.socket.show(readable=True)
            self._soon(self._take)

    def _take(self) -> None:
        """Hand on what has arrived."""
        while self._arrived and not self._paused and not self._lost and self._protocol is not None:
            item = self._line.popleft()
            self._arrived -= 1
            if not self._arrived:
                self.socket.show(readable=False)
            if isinstance(item, End):
                self._ended(item)
                return
            self.peer.taken(len(item))
            if not self._closing:
                self._feed(item)

    def _feed(self, item: bytes) -> None:
        protocol = self._protocol
        if isinstance(protocol, asyncio.BufferedProtocol):
            while item:
                buffer = protocol.get_buffer(len(item))
                count = min(len(buffer), len(item))
                memoryview(buffer)[:count] = item[:count]
                protocol.buffer_updated(count)
                item = item[count:]
        else:
            assert protocol is not None
            protocol.data_received(item)

    def _ended(self, end: End) -> None:
        assert self._protocol is not None
        if end.reset:
            self._closing = True
            self._lose(ConnectionResetError(104, "Connection reset by peer"))
        elif not self._closing and not self._protocol.eof_received():
            self.close()

    def taken(self, count: int) -> None:
        """The other end took so many bytes."""
        self._outstanding -= count
        if self._held_back and self._outstanding < LOW_WATER:
            self._soon(self._let_go)

    def _let_go(self) -> None:
        """Unless it has written too much again, or is over, since the other end took what it had."""
        if self._held_back and self._outstanding < LOW_WATER and not self._lost:
            self._held_back = False
            assert self._protocol is not None
            self._protocol.resume_writing()

    def _lose(self, error: Exception | None) -> None:
        if not self._lost:
            self._lost = True
            self.network.ends.pop(self, None)
            self.socket.close()
            if self._protocol is not None:
                self._soon(self._protocol.connection_lost, error)

    def _soon(self, callback: Callable[..., object], *args: object) -> None:
        self.network.loop.call_soon(callback, *args, context=self._context)

    def cut(self, *, reset: bool) -> None:
        """Something on the way ends the connection, for both ends."""
        for end in (self, self.peer):
            end.carry(End(reset=reset))
