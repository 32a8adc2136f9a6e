"""The last hour of what charts show, sampled once a second whether or not somebody looks."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

EVERY_S = 1
KEPT = 3600

Sample = dict[str, Any]


class Series:
    """Samples, oldest first."""

    def __init__(self, sample: Callable[[], Sample]) -> None:
        self._sample = sample
        self._kept: deque[Sample] = deque(maxlen=KEPT)

    async def run(self) -> None:
        """Take samples until cancelled."""
        while True:
            self._kept.append(self._sample())
            await asyncio.sleep(EVERY_S)

    def figures(self) -> dict[str, Any]:
        """All of them, and how far apart they are."""
        return {"every_s": EVERY_S, "samples": list(self._kept)}

    def latest(self) -> Sample | None:
        """The newest, if there is one yet."""
        return self._kept[-1] if self._kept else None
