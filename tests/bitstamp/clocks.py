"""Clocks for tests."""

from __future__ import annotations

import asyncio
import time

from arbbot.domain.events import Moment


class FastClock:
    """Market time that runs `speed` times as fast as the wall."""

    def __init__(self, speed: float = 100.0, utc_us: int = 1_789_457_617_000_000) -> None:
        self.speed = speed
        self.slept: list[float] = []
        self._start_ns = time.monotonic_ns()
        self._utc_us = utc_us

    def now(self) -> Moment:
        passed_ns = int((time.monotonic_ns() - self._start_ns) * self.speed)
        return Moment(passed_ns, self._utc_us + passed_ns // 1000)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(seconds / self.speed)


class ManualClock:
    """Time that passes only when the test says so."""

    def __init__(self, utc_us: int = 1_790_000_000_000_000) -> None:
        self.slept: list[float] = []
        self._passed_s = 0.0
        self._utc_us = utc_us
        self._sleepers: list[tuple[float, float, asyncio.Future[None]]] = []
        self._changed = asyncio.Event()

    def now(self) -> Moment:
        return Moment(int(self._passed_s * 1e9), self._utc_us + int(self._passed_s * 1e6))

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sleeper = (self._passed_s + seconds, seconds, woken)
        self._sleepers.append(sleeper)
        self._changed.set()
        try:
            await woken
        finally:
            self._sleepers.remove(sleeper)

    def advance(self, seconds: float) -> None:
        """Let time pass and wake who is due."""
        self._passed_s += seconds
        for due_s, _, woken in self._sleepers:
            if due_s <= self._passed_s and not woken.done():
                woken.set_result(None)

    async def someone_sleeps(self, shortest_s: float, longest_s: float) -> None:
        """Wait until a task sleeps for about this long."""
        while not any(shortest_s <= length <= longest_s for _, length, done in self._sleepers if not done.done()):
            self._changed.clear()
            await self._changed.wait()


class HastyClock(ManualClock):
    """Every sleep is over at once, and time has passed by as much."""

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)
        await asyncio.sleep(0)
