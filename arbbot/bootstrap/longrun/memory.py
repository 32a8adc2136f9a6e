"""Whether memory stays flat, from samples of several processes in a row: each starts anew, and grows while it warms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median
from typing import NamedTuple

WARM_S = 900.0
"""Market seconds a process may grow after its start."""
DAY_S = 86_400.0
GROWTH_MIB_A_DAY_MAX = 24.0
"""The bound of the verdict: more than the noise of a day, less than a machine's spare memory in a month."""
MOST_MIB_MAX = 400.0
LEAST_PAIRS = 20
POINTS_MAX = 120
"""Of one process: pairs grow with the square."""
LEAST_SPAN_S = 4 * 3600.0
"""Shorter than this nothing can be said of a day's growth."""


class Sample(NamedTuple):
    """Resident memory at a moment."""

    process: int
    """Which of the processes in a row."""
    at_us: int
    """Since the rehearsal began, market time."""
    age_us: int
    """Since that process began, market time."""
    rss_kib: int


@dataclass(frozen=True, slots=True)
class Memory:
    """MiB; `slope` in MiB a market day, None where it lasted too short to tell."""

    start: float
    most: float
    end: float
    slope: float | None

    @property
    def flat(self) -> bool:
        """Within both bounds; growth that could not be measured is not held against a short rehearsal."""
        return self.most <= MOST_MIB_MAX and (self.slope is None or self.slope <= GROWTH_MIB_A_DAY_MAX)


def judge(samples: Sequence[Sample]) -> Memory | None:
    """The figures; None without samples.

    The slope is that of the second half, when what the daemon keeps of the past (500 hedges, a day of rows) has filled:
    the median of the slopes between any two moments of one warm process (Theil and Sen). A leak grows between all of
    them. What one long reading took and the allocator kept is a step, which the bound on the size is for.
    """
    if not samples:
        return None
    sizes = [sample.rss_kib / 1024 for sample in samples]
    return Memory(sizes[0], max(sizes), sizes[-1], _slope(samples))


def _slope(samples: Sequence[Sample]) -> float | None:
    last_us = samples[-1].at_us
    if last_us < LEAST_SPAN_S * 1e6:
        return None
    lives: dict[int, list[tuple[float, float]]] = {}
    for sample in samples:
        if sample.at_us * 2 >= last_us and sample.age_us >= WARM_S * 1e6:
            lives.setdefault(sample.process, []).append((sample.at_us / 1e6 / DAY_S, sample.rss_kib / 1024))
    slopes: list[float] = []
    for points in lives.values():
        thinned = points[:: -(-len(points) // POINTS_MAX)]
        slopes += [(late[1] - soon[1]) / (late[0] - soon[0]) for soon, late in combinations(thinned, 2)]
    return median(slopes) if len(slopes) >= LEAST_PAIRS else None
