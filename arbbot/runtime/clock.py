"""The clock of the process: real, or running faster along with a compressed rehearsal."""

from __future__ import annotations

import asyncio
import time

from arbbot.domain.events import Moment


class SystemClock:
    """Market time: real time since the start, times `speed`. With speed 1 it is the machine's clock.

    Only a rehearsal against the built-in exchange is compressed, and the exchange by the same factor.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._mono_start_ns = time.monotonic_ns()
        self._utc_start_ns = time.time_ns()

    def begin_at(self, utc_us: int) -> None:
        """Set market time: a compressed rehearsal takes it from its venue, once, before anything is decided."""
        self._utc_start_ns += (utc_us - self.now().utc_us) * 1000

    def now(self) -> Moment:
        """The present moment, in market time."""
        if self.speed == 1.0:
            return Moment(time.monotonic_ns(), time.time_ns() // 1000)
        elapsed_ns = int((time.monotonic_ns() - self._mono_start_ns) * self.speed)
        return Moment(self._mono_start_ns + elapsed_ns, (self._utc_start_ns + elapsed_ns) // 1000)

    async def sleep(self, seconds: float) -> None:
        """Wait this long in market time."""
        await asyncio.sleep(seconds / self.speed)
