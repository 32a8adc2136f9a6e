"""A network in memory: ports, the connections between them, and the state of the road."""

from __future__ import annotations

import asyncio
import contextvars
import json
import socket
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.shell.wire import End, Socket, Wire

if TYPE_CHECKING:
    from tests.shell.loop import Life, VirtualLoop

FIRST_PORT = 40_000


class Listening(asyncio.AbstractServer):
    """A server's side of a port."""

    def __init__(
        self, network: Network, port: int, factory: Callable[[], asyncio.BaseProtocol], listener: Any = None
    ) -> None:
        self.factory = factory
        self.context = contextvars.copy_context()
        self.sockets = [Socket(("127.0.0.1", port))]
        self._network = network
        self._port = port
        self._listener = listener

    def close(self) -> None:
        """Stop listening."""
        self._network.listeners.pop(self._port, None)
        if self._listener is not None:
            self._listener.close()
            self._network.doors = {life: door for life, door in self._network.doors.items() if door is not self}

    async def wait_closed(self) -> None:
        """At once."""

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The network's."""
        return self._network.loop

    def is_serving(self) -> bool:
        """Whether it listens."""
        return self._port in self._network.listeners

    async def start_serving(self) -> None:
        """It does from the start."""

    async def serve_forever(self) -> None:
        """Nobody asks for that."""
        raise NotImplementedError


class Network:
    """Ports, connections and the state of the road between them. Faults strike only what a daemon opens."""

    loop: VirtualLoop

    def __init__(self) -> None:
        self.latency_s = 0.001
        self.listeners: dict[int, Listening] = {}
        self.doors: dict[Life, Listening] = {}
        """Unix sockets, one a process."""
        self.ends: dict[Wire, None] = {}
        """Client ends of open connections, oldest first."""
        self.refused: set[int] = set()
        """Ports that refuse."""
        self.unreachable: set[int] = set()
        """Ports from which no answer comes to a connection attempt."""
        self.resolver_down = False
        self.connections = 0
        self.dialled: defaultdict[tuple[Life, int], list[float]] = defaultdict(list)
        """When a process tried to connect to a port, in vain or not."""
        self.kernel = contextvars.Context()
        """That of no process."""
        self._next_port = FIRST_PORT

    def listen(self, factory: Callable[[], asyncio.BaseProtocol], port: int) -> Listening:
        """Open a port, any free one for 0."""
        port = port or self._port()
        self.listeners[port] = Listening(self, port, factory)
        return self.listeners[port]

    async def ask(self, life: Life, request: dict[str, Any]) -> dict[str, Any]:
        """One request over a process's Unix socket. Raises ConnectionRefusedError where it does not listen."""
        listening = self.doors.get(life)
        if listening is None or life.dead:
            raise ConnectionRefusedError(111, "Connection refused")
        near, far = Wire(self, None, 0, (0, 0)), Wire(self, life, 0, (0, 0))
        near.peer, far.peer = far, near
        listening.context.copy().run(far.begin, listening.factory())
        reader, writer = await asyncio.open_connection(sock=near)
        writer.write(json.dumps(request).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await reader.readline())
        writer.close()
        return answer

    def resolve(self, host: str) -> None:
        """Raises gaierror for names nobody knows, and for all while the resolver is down."""
        if self.resolver_down or host not in ("localhost", "127.0.0.1"):
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    async def connect(self, host: str, port: int, life: Life | None) -> Wire:
        """Open a connection. Raises ConnectionRefusedError, or gaierror."""
        if life is not None:
            self.dialled[life, port].append(self.loop.time())
        if host != "127.0.0.1":
            self.resolve(host)
        await asyncio.sleep(2 * self.latency_s)
        if port in self.unreachable and life is not None:
            await asyncio.sleep(130.0)
            raise TimeoutError(110, "Connection timed out")
        listening = self.listeners.get(port)
        if listening is None or (port in self.refused and life is not None):
            raise ConnectionRefusedError(111, f"Connect call failed ('{host}', {port})")
        self.connections += 1
        own = self._port()
        near, far = Wire(self, life, port, (own, port)), Wire(self, None, port, (port, own))
        near.peer, far.peer = far, near
        far.caller = life
        self.ends[near] = None
        listening.context.copy().run(far.begin, listening.factory())
        return near

    def of(self, port: int) -> list[Wire]:
        """A daemon's ends of open connections to a port."""
        return [end for end in self.ends if end.port == port and end.life is not None and not end.is_dead()]

    def bury(self, life: Life, *, reset: bool) -> None:
        """What its machine does with the connections of a process that died."""
        for end in [end for end in self.ends if end.life is life]:
            end.peer.carry(End(reset=reset))
            del self.ends[end]

    def _port(self) -> int:
        self._next_port += 1
        return self._next_port
