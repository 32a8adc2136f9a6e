"""Resident memory of a whole daemon fed from memory, in a process of its own: `python -m arbbot.bench.memory FRAMES`.

Everything a trading process imports is imported, and all three books are fed in turn; a frame counts for a
millisecond of the daemon's time, so that its timers, questions, journal lines and log lines come as in hours.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from arbbot.bench import markets
from arbbot.bench.account import ROUTE, RULES, Account
from arbbot.bench.bed import EPOCH, START, as_books, ready_session
from arbbot.bench.bookkeeping import IDENTITY, quiet_telemetry
from arbbot.bench.markets import MIDS, SHAPES
from arbbot.bitstamp import rest, stream
from arbbot.bitstamp.session import Channels
from arbbot.domain.commands import Ask, CancelOrder, PlaceOrder
from arbbot.domain.events import BookSeen, Event, FeedUp, Moment, OrderRefused, VenueClockSeen
from arbbot.engine.state import State
from arbbot.engine.step import Engine
from arbbot.journal.sqlite import open_journal
from arbbot.ports import Sink
from arbbot.runtime.daemon import Daemon

WHOLE_DAEMON = (rest.BitstampGateway, stream.BitstampFeed)
"""Not used here, but resident in every trading process."""
FRAME_NS = 1_000_000
TURN = 200
"""Frames between two turns of the event loop."""
READINGS = 20
SETTLED = 0.2
"""The share of the run after which caches and queues are as full as they get."""


@dataclass(frozen=True, slots=True)
class Resident:
    """Megabytes: the most seen, and how far the mean of the second half lies above that of the first."""

    frames: int
    peak_mb: float
    growth_mb: float


class _MarketTime:
    """A clock that the frames move."""

    def __init__(self) -> None:
        self._frames = 0

    def now(self) -> Moment:
        """The moment of the last frame."""
        spent_ns = self._frames * FRAME_NS
        return Moment(START.mono_ns + spent_ns, START.utc_us + spent_ns // 1000)

    async def sleep(self, seconds: float) -> None:
        """Nobody here waits in market time."""
        await asyncio.sleep(seconds)

    def tick(self) -> Moment:
        """One frame later."""
        self._frames += 1
        return self.now()


class _Answering:
    """A gateway that answers questions at once."""

    def __init__(self) -> None:
        self._account = Account(as_books(markets.books(SHAPES)))

    async def perform(self, command: PlaceOrder | CancelOrder | Ask) -> Event:
        if isinstance(command, Ask):
            return self._account.answer(command)
        assert isinstance(command, PlaceOrder)
        return OrderRefused(command.terms.client_order_id, "bench", "never sent")


class _Frames:
    """A feed of so many frames, as fast as they are taken."""

    def __init__(self, clock: _MarketTime, frames: int) -> None:
        self._clock = clock
        self._frames = frames
        self.readings_mb: list[float] = []
        self.done = asyncio.Event()

    async def run(self, sink: Sink) -> None:
        """See `Feed.run`."""
        session = ready_session(Channels(ROUTE.symbols))
        sink(VenueClockSeen(0), self._clock.now())
        sink(FeedUp(EPOCH), self._clock.now())
        sources = [markets.frames(symbol, SHAPES[symbol], MIDS[symbol], START.utc_us) for symbol in ROUTE.symbols]
        for number in range(self._frames):
            at = self._clock.tick()
            word = session.receive(sources[number % len(sources)].next(), at)
            assert isinstance(word, BookSeen)
            sink(word, at)
            if number % TURN == 0:
                await asyncio.sleep(0)
            if number % (self._frames // READINGS) == 0:
                self.readings_mb.append(resident_mb())
        self.done.set()

    def replace(self, epoch: int, reason: str) -> None:
        """There is no connection to replace."""

    def moved_ns(self) -> None:
        """See `Feed.moved_ns`: nobody watches a benchmark."""


def resident_mb() -> float:
    """This process's resident memory now. Linux only."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def growth_mb(readings_mb: Iterable[float]) -> float:
    """Mean of the second half over the mean of the first, the beginning left out."""
    settled = list(readings_mb)[int(READINGS * SETTLED) :]
    half = len(settled) // 2
    return sum(settled[half:]) / (len(settled) - half) - sum(settled[:half]) / half


async def soak(frames: int) -> Resident:
    """Feed a daemon and weigh it."""
    clock = _MarketTime()
    with tempfile.TemporaryDirectory() as directory:
        journal = open_journal(Path(directory) / "journal.db", IDENTITY, sync_full=False)
        telemetry = quiet_telemetry()
        noting = asyncio.create_task(telemetry.run())
        feed = _Frames(clock, frames)
        engine = Engine(ROUTE, RULES, State(), journal.key)
        shell = Daemon(engine, journal, _Answering(), [feed], clock, telemetry, None, "bench")
        running = asyncio.create_task(shell.run())
        await feed.done.wait()
        shell.stop("the bench is over")
        await running
        noting.cancel()
        await asyncio.wait([noting])
        telemetry.close()
        journal.close()
    return Resident(frames, max(feed.readings_mb), growth_mb(feed.readings_mb))


async def measure(frames: int) -> Resident:
    """Soak in a fresh process: this one holds more than a daemon does."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "arbbot.bench.memory", str(frames), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    return Resident(**json.loads(out))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(asyncio.run(soak(int(sys.argv[1]))))) + "\n")
