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
