"""Disturbances that lie in wait: each strikes what it is meant for, so often and so long as the plan says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable

from tests.sim.catalogue import STRIKES
from tests.sim.clockwork import MS
from tests.sim.plan import Disturbance


class Armed:
    """Waiting disturbances by what they strike, and how often each kind has fired."""

    def __init__(self, disturbances: Iterable[Disturbance], fired: Counter[str], birth_us: int) -> None:
        self.fired = fired
        self._birth_us = birth_us
        self._waiting: dict[str, list[Disturbance]] = {}
        self._left: dict[int, int] = {}
        for each in disturbances:
            stage = STRIKES.get(each.kind)
            if stage is not None:
                self._waiting.setdefault(stage, []).append(each)
                self._left[id(each)] = each.count

    def take(self, stage: str, targets: Container[str], now_us: int, most: int = 100) -> list[Disturbance]:
        """Those that strike now, `most` at a time; they are counted."""
        waiting = self._waiting.get(stage)
        if not waiting:
            return []
        now_ms = (now_us - self._birth_us) // MS
        struck: list[Disturbance] = []
        over: list[Disturbance] = []
        for each in waiting:
            if now_ms < each.at_ms or (each.target != "any" and each.target not in targets):
                continue
            if each.for_ms and now_ms > each.at_ms + each.for_ms:
                over.append(each)
                continue
            if len(struck) >= most:
                continue
            struck.append(each)
            self.fired[each.kind] += 1
            self._left[id(each)] -= 1
            if not self._left[id(each)]:
                over.append(each)
        for each in over:
            waiting.remove(each)
        return struck

    def disarm(self) -> None:
        """From now on nothing strikes any more."""
        self._waiting.clear()
