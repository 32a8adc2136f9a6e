"""An event loop in virtual time that holds several processes at once, and can freeze, block or kill any of them.

Nothing in it touches a socket, a thread or the machine's clock: time stands still while anything can be done, and
jumps to the next timer when nothing can. What a process starts carries it in its context, so that its death is
complete: none of its callbacks ever runs again, and nothing of it is cleaned up.
"""

from __future__ import annotations

import asyncio
import contextvars
import math
import socket
from collections.abc import Callable
from typing import Any, TypeVar, TypeVarTuple

from tests.shell.net import Listening, Network

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
NS = 1_000_000_000
STEPS_AT_ONE_MOMENT_MAX = 200_000
"""Callbacks without time going on: beyond it something spins."""


TASKS_REMEMBERED = 500
SAME_S = 1e-6
"""Less than this lies between two times that are one: they are floats."""


class Stuck(RuntimeError):
    """Nothing will ever happen again, or something happens without end."""


class Life:
    """A process: what its steps may do, and what is to happen at one of them."""

    def __init__(self, name: str, loop: VirtualLoop) -> None:
        self.name = name
        self.loop = loop
        self.dead = False
        self.steps = 0
        """Callbacks run so far; between two of them is every point at which it awaits something."""
        self.at_steps: dict[int, Callable[[], object]] = {}
        self.signals: dict[int, tuple[Callable[..., object], tuple[object, ...]]] = {}
        self.skew_ns = 0
        """How far its wall clock is off."""
        self.tasks: list[asyncio.Task[Any]] = []
        self.log_fd = -1
        self.said: list[str] = []
        """What it told the person at its terminal."""
        self.terminal_gone = False
        self.pinged_s: list[float] = []
        """When it told the service manager that it is well."""
        self.frozen_until_s = 0.0
        self._parked: list[tuple[Callable[..., object], tuple[object, ...], contextvars.Context]] = []

    def run(self, callback: Callable[..., object], *args: object) -> None:
        """The only way in which any callback of this process runs."""
        if self.dead:
            return
        if self.loop.time() < self.frozen_until_s:
            self._parked.append((callback, args, contextvars.copy_context()))
            return
        self.steps += 1
        action = self.at_steps.pop(self.steps, None)
        if action is not None:
            action()
            if self.dead:
                return
        callback(*args)

    def due(self, itself: list[asyncio.TimerHandle], callback: Callable[..., object], *args: object) -> None:
        """A timer of this process. One that came due while it was frozen may be cancelled yet, as it wakes up."""
        self.run(_unless_cancelled, itself.pop(), callback, *args)

    def freeze(self, seconds: float) -> None:
        """Let nothing of it run for so long, as when its machine pauses it; the rest of the world goes on."""
        self.frozen_until_s = max(self.frozen_until_s, self.loop.time() + seconds)
        self.loop.call_at(self.frozen_until_s, self._thaw, context=contextvars.Context())

    def _thaw(self) -> None:
        if self.loop.time() < self.frozen_until_s - SAME_S:
            return  # frozen again meanwhile, for longer
        self.frozen_until_s = 0.0
        parked, self._parked = self._parked, []
        for callback, args, context in parked:
            self.loop.call_soon(callback, *args, context=context)

    def signal(self, number: int) -> bool:
        """Deliver a signal to the handler it has set; without one nothing happens, which is told."""
        handler = self.signals.get(number)
        if handler is None:
            return False
        handler[0](*handler[1])
        return True

    def remember(self, task: asyncio.Task[Any]) -> None:
        """Keep a task in mind until it is over, and, when the process is dead, for ever."""
        if len(self.tasks) >= TASKS_REMEMBERED and not self.dead:
            self.tasks = [each for each in self.tasks if not each.done()]
        self.tasks.append(task)

    def unfinished(self) -> list[str]:
        """Names of its tasks that are not over."""
        self.tasks = [task for task in self.tasks if not task.done()]
        return sorted(f"{task.get_name()} {task.get_coro()}"[:120] for task in self.tasks)


LIFE: contextvars.ContextVar[Life | None] = contextvars.ContextVar("life", default=None)
"""The process that the running code belongs to; None for the venue and the world."""


def _unless_cancelled(timer: asyncio.TimerHandle, callback: Callable[..., object], *args: object) -> None:
    if not timer.cancelled():
        callback(*args)


class _Patience:
    """Stands where a selector would wait: waiting is setting the clock forward."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[object]:
        """Nothing ever comes from outside."""
        if timeout is None:
            raise Stuck("nothing will ever happen again")
        self._loop.wait(timeout)
        return []

    def close(self) -> None:
        """Nothing to let go of."""


class VirtualLoop(asyncio.BaseEventLoop):
    """asyncio's own loop over a clock that jumps and a network in memory."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self._selector = _Patience(self)
        self._clock_resolution = 1e-9
        self.now_ns = 0
        self.network = network
        self._idle_rounds = 0
        network.loop = self
        self.set_task_factory(_remembered)

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self.now_ns / NS

    def wait(self, seconds: float) -> None:
        """Set the clock forward."""
        self.now_ns += math.ceil(seconds * NS)
        self._idle_rounds = self._idle_rounds + 1 if seconds == 0 else 0
        if self._idle_rounds > STEPS_AT_ONE_MOMENT_MAX:
            raise Stuck(f"something spins at {self.time()} s")

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        """As asyncio's, through the process that the context belongs to."""
        life = LIFE.get() if context is None else context.get(LIFE)
        if life is not None:
            return super().call_soon(life.run, callback, *args, context=context)
        return super().call_soon(callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        """As asyncio's, through the process that the context belongs to."""
        life = LIFE.get() if context is None else context.get(LIFE)
        if life is None:
            return super().call_at(when, callback, *args, context=context)
        itself: list[asyncio.TimerHandle] = []
        itself.append(super().call_at(when, life.due, itself, callback, *args, context=context))
        return itself[0]

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        """There is one thread."""
        return self.call_soon(callback, *args, context=context)

    async def run_in_executor(self, executor: Any, func: Callable[[*Ts], T], *args: *Ts) -> T:  # type: ignore[override]
        """Done here and now: a thread would live in another time."""
        return func(*args)

    def add_signal_handler(self, sig: int, callback: Callable[[*Ts], Any], *args: *Ts) -> None:
        """Kept by the process that asks."""
        life = LIFE.get()
        if life is not None:
            life.signals[sig] = (callback, args)

    def remove_signal_handler(self, sig: int) -> bool:
        """Forget it."""
        life = LIFE.get()
        return life is not None and life.signals.pop(sig, None) is not None

    async def getaddrinfo(self, host: Any, port: Any, **_: Any) -> Any:
        """Names of this machine only, and those only while the resolver answers."""
        self.network.resolve(str(host))
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", int(port or 0)))]

    async def create_connection(  # type: ignore[override]
        self, protocol_factory: Callable[[], asyncio.BaseProtocol], host: Any = None, port: Any = None, **kwargs: Any
    ) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
        """Connect within the network; what was connected before the protocol was known is taken over."""
        if kwargs.get("ssl"):
            raise NotImplementedError("no TLS in here")
        wire = kwargs.get("sock") or await self.network.connect(str(host), int(port), life=LIFE.get())
        protocol = protocol_factory()
        wire.begin(protocol)
        return wire, protocol

    async def create_server(  # type: ignore[override]
        self, protocol_factory: Callable[[], asyncio.BaseProtocol], host: Any = None, port: Any = None, **_: Any
    ) -> Listening:
        """Listen within the network."""
        return self.network.listen(protocol_factory, int(port or 0))

    async def create_unix_server(  # type: ignore[override]
        self, protocol_factory: Callable[[], asyncio.BaseProtocol], path: Any = None, *, sock: Any = None, **_: Any
    ) -> Listening:
        """The door of a process; its listener is closed with the server, as a real one is."""
        listening = Listening(self.network, 0, protocol_factory, sock)
        life = LIFE.get()
        assert life is not None
        self.network.doors[life] = listening
        return listening

    def _process_events(self, event_list: Any) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody waits elsewhere."""


def _remembered(
    loop: asyncio.AbstractEventLoop, coro: Any, *, context: contextvars.Context | None = None, **kwargs: Any
) -> asyncio.Task[Any]:
    task = asyncio.Task(coro, loop=loop, context=context, **kwargs)
    life = LIFE.get() if context is None else context.get(LIFE)
    if life is not None:
        life.remember(task)
    return task


def within(life: Life) -> contextvars.Context:
    """A context of this process, with the program's own settings, those of Decimal among them."""
    context = contextvars.copy_context()
    context.run(LIFE.set, life)
    return context
