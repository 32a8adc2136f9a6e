"""The venue's clock: market time, which may run faster than the wall."""

from __future__ import annotations

import time
from collections.abc import Callable


def _wall_us() -> int:
    return time.time_ns() // 1000


class MarketClock:
    """Market time = origin + elapsed real time * speed, in microseconds since the epoch.

    Without an origin it starts at the wall clock's time. Elapsed time is monotonic, so a step of the
    wall clock does not move the market.
    """

    def __init__(
        self,
        speed: float = 1.0,
        origin_us: int | None = None,
        *,
        wall_us: Callable[[], int] = _wall_us,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start now."""
        self.speed = speed
        self.wall_us = wall_us
        self._monotonic_s = monotonic_s
        self._started_s = monotonic_s()
        self._origin_us = wall_us() if origin_us is None else origin_us

    def now_us(self) -> int:
        """Return the market time."""
        return self._origin_us + int((self._monotonic_s() - self._started_s) * self.speed * 1_000_000)
