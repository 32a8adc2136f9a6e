"""From a book on the wire to two orders on the wire, over loopback: the whole daemon beside the least there can be.

The floor reads with the same WebSocket library and answers every book that pays with two ready-made requests on two
open sockets: no parsing, no decision, no signature, no journal. Latency is told, never gated: it is the machine's as
much as the program's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from websockets.asyncio.client import ClientConnection, connect
from yarl import URL

from arbbot.bench import markets
from arbbot.bench.account import ROUTE, RULES, Account
from arbbot.bench.bed import as_books
from arbbot.bench.bookkeeping import IDENTITY, quiet_telemetry
from arbbot.bench.markets import MIDS, SHAPES
from arbbot.bench.measure import quiet_collector
from arbbot.bench.wire_peer import HOST, ORDERS
from arbbot.bitstamp.auth import FORM, Credentials, Signer, new_nonce
from arbbot.bitstamp.limiter import Limiter
from arbbot.bitstamp.rest import BitstampGateway, RestSettings
from arbbot.bitstamp.session import Channels
from arbbot.bitstamp.stream import BitstampFeed, StreamSettings
from arbbot.bootstrap.page.memory import Memory
from arbbot.domain.commands import Ask, CancelOrder, PlaceOrder
from arbbot.domain.events import Event, Tick, VenueClockSeen
from arbbot.engine.state import State
from arbbot.engine.step import Engine
from arbbot.journal.sqlite import SqliteJournal, open_journal
from arbbot.runtime.clock import SystemClock
from arbbot.runtime.daemon import Daemon
from arbbot.telemetry.fold import Telemetry

WARM_UP = 20
READY_WITHIN_S = 10.0
SETTLE_S = 0.2
PAUSE_S = 0.004
"""Between two samples: about what the daemon takes to reconcile, so that everybody starts equally cold."""
_BODY = b"amount=0.05000000&price=54709.10&client_order_id=bench-000001"
KEY = Credentials("k" * 32, "s" * 32)


@dataclass(frozen=True, slots=True)
class Latency:
    """Microseconds from a book's sending to the second order's arrival."""

    p50_us: float
    p99_us: float


class _Peer:
    """The child process at the other end."""

    def __init__(self, process: asyncio.subprocess.Process, ports: tuple[int, int]) -> None:
        self._process = process
        self.stream = f"ws://{HOST}:{ports[0]}"
        self.http_port = ports[1]

    async def round_us(self) -> float:
        """Have it send a book that pays."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the peer of the bench saw no two orders")
        return float(line)


@contextlib.asynccontextmanager
async def _peer() -> AsyncIterator[_Peer]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "arbbot.bench.wire_peer", stdin=pipe, stdout=pipe
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield _Peer(process, json.loads(await process.stdout.readline()))
    finally:
        process.stdin.close()
        await process.wait()


async def floor(rounds: int, samples: int) -> Latency:
    """The least that any client must do: ready-made requests on two raw sockets."""
    async with _peer() as peer:
        legs = [await asyncio.open_connection(HOST, peer.http_port) for _ in range(ORDERS)]
        requests = [_prebuilt(market) for market in ROUTE.symbols[:ORDERS]]

        def send() -> None:
            for (_, writer), request in zip(legs, requests, strict=True):
                writer.write(request)

        try:
            return await _answering(peer, send, rounds, samples)
        finally:
            for _, writer in legs:
                writer.close()


async def by_aiohttp(rounds: int, samples: int) -> Latency:
    """The same with ready-made headers and bodies through aiohttp: what the REST library alone adds."""
    async with _peer() as peer, aiohttp.ClientSession() as session:
        posts: set[asyncio.Task[None]] = set()

        async def post(market: str) -> None:
            url = URL(f"http://{HOST}:{peer.http_port}{_path(market)}")
            async with session.post(url, data=_BODY, headers=_headers(market)) as response:
                await response.read()

        def send() -> None:
            for market in ROUTE.symbols[:ORDERS]:
                task = asyncio.create_task(post(market))
                posts.add(task)
                task.add_done_callback(posts.discard)

        return await _answering(peer, send, rounds, samples)


async def _answering(peer: _Peer, send: Callable[[], None], rounds: int, samples: int) -> Latency:
    """Measure a client that sends for every book that pays, told by its first digits alone."""
    rich = str((MIDS["btceur"] * markets.RICH).to_integral_value())[:3].encode()
    mark = b'"bids":[["' + rich

    async def answer(socket: ClientConnection) -> None:
        while True:
            if mark in await socket.recv(decode=False):
                send()

    async with connect(peer.stream, compression=None, ping_interval=None) as socket:
        await socket.send(json.dumps({"event": "bts:subscribe", "data": {"channel": "order_book"}}))
        answering = asyncio.create_task(answer(socket))
        await asyncio.sleep(SETTLE_S)

        async def one_us() -> float:
            await asyncio.sleep(PAUSE_S)
            return await peer.round_us()

        try:
            return await _best(rounds, samples, one_us)
        finally:
            answering.cancel()
            await asyncio.wait([answering])


def _path(market: str) -> str:
    return f"/api/v2/buy/{market}/"


def _headers(market: str) -> dict[str, str]:
    return Signer(KEY, HOST).sign("POST", _path(market), "", _BODY, new_nonce(), 1_750_000_000_000).headers


def _prebuilt(market: str) -> bytes:
    """A whole signed request as the venue would take it."""
    headers = {**_headers(market), "Host": HOST, "Content-Type": FORM, "Content-Length": str(len(_BODY))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {_path(market)} HTTP/1.1\r\n{lines}\r\n".encode() + _BODY


class _OwnAnswers:
    """The venue's gateway for orders; questions are answered here, as a quiet account would."""

    def __init__(self, venue: BitstampGateway) -> None:
        self._venue = venue
        self._account = Account(as_books(markets.books(SHAPES)))

    def perform(self, command: PlaceOrder | CancelOrder | Ask) -> Coroutine[Any, Any, Event]:
        return self._answered(command) if isinstance(command, Ask) else self._venue.perform(command)

    async def _answered(self, ask: Ask) -> Event:
        return self._account.answer(ask)


@dataclass(frozen=True, slots=True)
class Bench:
    """A whole daemon against the peer."""

    shell: Daemon
    clock: SystemClock
    journal: SqliteJournal
    venue: BitstampGateway
    telemetry: Telemetry
    directory: Path
    peer: _Peer
    memory: Memory
    """What a page would remember; folded by whoever measures one."""

    async def one_us(self) -> float:
        """From a book's sending to the second order's arrival, once the last hedge is closed and reconciled."""
        await _ready(self.shell, self.clock)
        return await self.peer.round_us()


@contextlib.asynccontextmanager
async def trading(*, with_memory: bool = False) -> AsyncIterator[Bench]:
    """The real feed, engine, journal (NORMAL), order desk and REST gateway, ready to be measured."""
    async with contextlib.AsyncExitStack() as stack:
        peer = await stack.enter_async_context(_peer())
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        clock = SystemClock()
        limiter = Limiter(random.Random(1))  # noqa: S311 - its pauses are not what is measured
        venue = await stack.enter_async_context(
            BitstampGateway(RestSettings(f"http://{HOST}:{peer.http_port}"), clock, limiter, credentials=KEY)
        )
        journal = open_journal(directory / "journal.db", IDENTITY, sync_full=False)
        stack.callback(journal.close)
        feed = BitstampFeed(StreamSettings(peer.stream), Channels(ROUTE.symbols), clock, random.Random(1))  # noqa: S311 - as above
        engine = Engine(ROUTE, RULES, State(), journal.key)
        telemetry = quiet_telemetry()
        stack.callback(telemetry.close)
        memory = Memory()
        memory.behind = telemetry
        told = memory if with_memory else telemetry
        shell = Daemon(engine, journal, _OwnAnswers(venue), [feed], clock, told, None, "bench")
        running = asyncio.create_task(shell.run())
        await venue.warm()
        shell.deliver(VenueClockSeen(0), clock.now())
        try:
            yield Bench(shell, clock, journal, venue, telemetry, directory, peer, memory)
        finally:
            shell.stop("the bench is over")
            await running


async def daemon(rounds: int, samples: int) -> Latency:
    """The whole daemon, nobody looking at it."""
    async with trading() as bench:
        return await _best(rounds, samples, bench.one_us)


async def _ready(shell: Daemon, clock: SystemClock) -> None:
    """Until the last hedge is closed and reconciled. Raises RuntimeError when that takes too long."""
    deadline_ns = clock.now().mono_ns + int(READY_WITHIN_S * 1e9)
    while (blocked := shell.engine.entry.blocked()) is not None:
        if clock.now().mono_ns > deadline_ns:
            raise RuntimeError(f"the daemon of the bench does not get ready: {blocked}")
        shell.deliver(Tick(), clock.now())
        await asyncio.sleep(PAUSE_S / 2)
    await asyncio.sleep(PAUSE_S / 2)


async def _best(rounds: int, samples: int, one_us: Callable[[], Awaitable[float]]) -> Latency:
    """Of several rounds the one with the lowest median, after a warm-up."""
    for _ in range(WARM_UP):
        await one_us()
    with quiet_collector():
        taken = [sorted([await one_us() for _ in range(samples)]) for _ in range(rounds)]
    return min(
        (Latency(each[len(each) // 2], each[int(len(each) * 0.99)]) for each in taken), key=lambda each: each.p50_us
    )


def loops() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loops that are installed."""
    found: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {}
    with contextlib.suppress(ImportError):
        import uvloop

        found["uvloop"] = uvloop.new_event_loop
    found["asyncio"] = asyncio.new_event_loop
    return found


def on_loop(
    factory: Callable[[], asyncio.AbstractEventLoop], measure: Callable[[int, int], Awaitable[Latency]],
    rounds: int, samples: int,
) -> Latency:  # fmt: skip
    """Run one of the two on a loop of its own."""

    async def measured() -> Latency:
        return await measure(rounds, samples)

    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(measured())
