"""The last hour of what charts show, sampled once a second whether or not somebody looks."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import orjson

from arbbot.dashboard import dumps

EVERY_S = 1
KEPT = 3600

Sample = dict[str, Any]


class Series:
    """Samples, oldest first."""

    def __init__(self, sample: Callable[[], Sample]) -> None:
        self._sample = sample
        self._written: deque[bytes] = deque(maxlen=KEPT)
        """As JSON: an hour of them at once would keep a decision waiting for milliseconds."""
        self._latest: Sample | None = None

    async def run(self) -> None:
        """Take samples until cancelled."""
        while True:
            self.take()
            await asyncio.sleep(EVERY_S)

    def take(self) -> None:
        """One sample, now."""
        self._latest = self._sample()
        self._written.append(dumps(self._latest))

    def figures(self) -> dict[str, Any]:
        """All of them, ready to be written."""
        return {"samples": orjson.Fragment(b"[%b]" % b",".join(self._written))}

    def latest(self) -> Sample | None:
        """The newest, if there is one yet."""
        return self._latest
