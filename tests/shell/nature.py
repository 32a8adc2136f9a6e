"""Puts virtual time, seeded chance and the network in memory where the programs would find the machine's."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import random
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any, ClassVar, TextIO
from unittest.mock import patch
from urllib.parse import parse_qs

import aiohappyeyeballs
from aiohttp import web

import arbbot.exchange.clock
import arbbot.exchange.serve
import arbbot.runtime.clock
import arbbot.runtime.daemon
import arbbot.telemetry.logging
from arbbot.exchange.clock import MarketClock
from arbbot.exchange.server.rest import RestServer
from arbbot.journal.sqlite import SqliteJournal
from tests.shell.loop import LIFE, NS, VirtualLoop
from tests.shell.wire import Wire

ORIGIN_NS = 1_790_000_000 * NS
"""When every simulation begins, by the true clock."""


class Time:
    """Stands for the module `time` of one program: the loop's time, and each process's own wall clock."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def monotonic_ns(self) -> int:
        """Since the loop was made, and a little: no process begins at zero."""
        return self._loop.now_ns + 1_000 * NS

    def monotonic(self) -> float:
        """The same in seconds."""
        return self.monotonic_ns() / NS

    def time_ns(self) -> int:
        """By the wall clock of the process that asks."""
        life = LIFE.get()
        return ORIGIN_NS + self._loop.now_ns + (0 if life is None else life.skew_ns)

    def time(self) -> float:
        """The same in seconds."""
        return self.time_ns() / NS


class Chance(Random):
    """The system's random numbers, from a seed."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)

    def urandom(self, count: int) -> bytes:
        """As `os.urandom`."""
        return self.randbytes(count)


class Terminal(io.TextIOBase):
    """Stands for stdout or stderr of every process."""

    def __init__(self, machine: TextIO) -> None:
        self._machine = machine

    def write(self, text: str, /) -> int:
        """Keep it with the process that says it. Raises BrokenPipeError where its terminal is gone."""
        life = LIFE.get()
        if life is None:
            return self._machine.write(text)
        if life.terminal_gone:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")
        life.said.append(text)
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def fileno(self) -> int:
        """Where the process's log goes."""
        life = LIFE.get()
        return self._machine.fileno() if life is None else life.log_fd


class Screen(Terminal):
    """Stands for stderr, which people look at: what is said is kept in memory, and not written past it."""

    def flush(self) -> None:
        """Raises BrokenPipeError where its terminal is gone."""
        self.write("")

    def fileno(self) -> int:
        """None. Raises UnsupportedOperation."""
        if LIFE.get() is not None:
            raise io.UnsupportedOperation("fileno")
        return super().fileno()


class Witness(RestServer):
    """The exchange's REST side, with an eye on what comes in."""

    seen: ClassVar[list[Request]]
    order_arrived: ClassVar[Callable[[str], None]]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Note it, then serve it."""
        if isinstance(request.transport, Wire) and request.transport.caller is not None:
            nonce = request.headers.get("X-Auth-Nonce")
            self.seen.append(Request(asyncio.get_running_loop().time(), request.method, request.path, nonce))
            named = parse_qs(await request.text()).get("client_order_id")
            if named and request.path.split("/")[3] in ("buy", "sell"):
                type(self).order_arrived(named[0])
        return await super().handle(request)


@dataclass(frozen=True, slots=True)
class Request:
    """What reached the venue, with the loop's time."""

    at_s: float
    method: str
    path: str
    nonce: str | None


def _pinged(state: str) -> None:
    life = LIFE.get()
    if life is not None and state == "WATCHDOG=1":
        life.pinged_s.append(life.loop.time())


async def _connected(addr_infos: Any, **_: Any) -> Any:
    """Where a program would open a socket."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    host, port = addr_infos[0][4][:2]
    return await loop.network.connect(host, port, life=LIFE.get())


@contextmanager
def virtual(loop: VirtualLoop, seed: int, control: Callable[..., Any], append: Callable[..., None]) -> Iterator[None]:
    """Everything the programs take from their machine, for as long as it lasts.

    `control` makes the exchange's levers, `append` is every journal's commit. Two runs of one seed draw the same
    nonces, tokens, journal keys and pauses.
    """
    time, chance = Time(loop), Chance(seed)
    Witness.seen = []
    with ExitStack() as stack:
        for module in (arbbot.runtime.clock, arbbot.exchange.clock, arbbot.telemetry.logging):
            stack.enter_context(patch.object(module, "time", time))
        clock = partial(MarketClock, monotonic_s=time.monotonic)
        stack.enter_context(patch.object(arbbot.exchange.serve, "MarketClock", clock))
        stack.enter_context(patch.object(arbbot.exchange.serve, "Control", control))
        stack.enter_context(patch.object(arbbot.exchange.serve, "RestServer", Witness))
        stack.enter_context(patch.object(arbbot.runtime.daemon, "notify", _pinged))
        stack.enter_context(patch.object(SqliteJournal, "append", append))
        stack.enter_context(patch.object(sys, "stdout", Terminal(sys.stdout)))
        stack.enter_context(patch.object(sys, "stderr", Screen(sys.stderr)))
        stack.enter_context(patch.object(aiohappyeyeballs, "start_connection", _connected))
        stack.enter_context(patch.object(os, "urandom", chance.urandom))
        stack.enter_context(patch.object(random, "_urandom", chance.urandom))
        stack.enter_context(patch.object(secrets, "token_bytes", lambda count=32: chance.randbytes(count)))
        yield
