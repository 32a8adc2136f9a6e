"""What the operator's page costs trading: tick to trade with nobody looking and with ten readers, round by round in one
run, the share of a core that its stream takes, and what opening it takes of the loop and of a person's time.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from statistics import median

from pydantic import SecretStr

from arbbot.bench.measure import quiet_collector
from arbbot.bench.tick_to_trade import WARM_UP, Bench, trading
from arbbot.bootstrap.page.series import KEPT
from arbbot.bootstrap.page.source import PageSource, Parts
from arbbot.dashboard import Dashboard, Place, dumps
from arbbot.runtime.answers import Run

READERS = 10
OPENINGS = 3
TOKEN = "t" * 32
IDLE_S = 3.0


@dataclass(frozen=True, slots=True)
class PageCost:
    """Microseconds of tick to trade, medians over rounds, closed and with all readers; shares of one core."""

    closed_p50_us: float
    open_p50_us: float
    closed_p99_us: float
    open_p99_us: float
    stream_share: float
    """CPU time that the readers add to a daemon with little to do, per second."""
    series_ms: float
    """For which one opening keeps the loop: an hour of samples, told at once."""
    opening_ms: float
    """Until a client has all that the page loads before its first paint, one after the other, and a first frame."""


class Readers:
    """Ten clients of the stream, in a process of their own, that come and go as they are told."""

    def __init__(self, process: asyncio.subprocess.Process, page: Dashboard, source: PageSource) -> None:
        self._process = process
        self._page = page
        self._source = source

    async def opening_ms(self) -> float:
        """How long a page takes that is opened now."""
        return float(await self._told(b"open"))

    def series_ms(self) -> float:
        """How long the loop is kept by an hour of samples, the best of some."""
        for _ in range(KEPT):
            self._source.series_kept.take()
        taken = []
        for _ in range(OPENINGS):
            began = time.perf_counter()
            dumps(self._source.series())
            taken.append(time.perf_counter() - began)
        return min(taken) * 1e3

    async def are(self, many: int) -> None:
        """Have so many of them, and no more."""
        await self._told(b"%d" % many)
        while self._page.stream.readers != many:  # noqa: ASYNC110 - the server learns of a goodbye in its own time
            await asyncio.sleep(0.02)

    async def _told(self, words: bytes) -> bytes:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(words + b"\n")
        return await self._process.stdout.readline()


@contextlib.asynccontextmanager
async def _readers(bench: Bench) -> AsyncIterator[Readers]:
    engine, clock = bench.shell.engine, bench.clock
    about = Run.begin(engine, "sandbox", "bench", clock.now())
    parts = Parts(
        engine, about, clock, bench.journal, bench.venue, bench.telemetry, None, bench.directory, True,
        bench.shell.deliver, bench.shell.standing_still,
    )  # fmt: skip
    source, pipe = PageSource(parts, bench.memory), asyncio.subprocess.PIPE
    async with Dashboard(Place("127.0.0.1", 0), SecretStr(TOKEN), source) as page:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "arbbot.bench.page_readers", page.address, stdin=pipe, stdout=pipe
        )
        sampling = asyncio.create_task(source.series_kept.run())
        try:
            yield Readers(process, page, source)
        finally:
            sampling.cancel()
            await asyncio.wait([sampling])
            assert process.stdin is not None
            process.stdin.close()
            await process.wait()


async def page_cost(rounds: int, samples: int, idle_s: float = IDLE_S) -> PageCost:
    """Measure; closed and open rounds take turns, so that both see the same machine."""
    async with trading(with_memory=True) as bench, _readers(bench) as readers:
        await readers.are(0)  # their process has started: books are only sent when asked for, and go stale
        for _ in range(WARM_UP):
            await bench.one_us()
        taken: dict[int, list[list[float]]] = {0: [], READERS: []}
        with quiet_collector():
            for _ in range(rounds):
                for many, into in taken.items():
                    await readers.are(many)
                    into.append(sorted([await bench.one_us() for _ in range(samples)]))
            used = [await _used_s(readers, many, idle_s) for many in (0, READERS)]
        await readers.are(0)
        series_ms = readers.series_ms()
        opening_ms = min([await readers.opening_ms() for _ in range(OPENINGS)])
    p50 = {many: median(each[len(each) // 2] for each in own) for many, own in taken.items()}
    p99 = {many: median(each[int(len(each) * 0.99)] for each in own) for many, own in taken.items()}
    return PageCost(p50[0], p50[READERS], p99[0], p99[READERS], (used[1] - used[0]) / idle_s, series_ms, opening_ms)


async def _used_s(readers: Readers, many: int, idle_s: float) -> float:
    """CPU seconds of this process over a while without ticks that pay."""
    await readers.are(many)
    before_s = time.process_time()
    await asyncio.sleep(idle_s)
    return time.process_time() - before_s
