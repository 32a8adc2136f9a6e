"""Whether memory stays flat, from samples of several processes in a row: each starts anew, and grows while it warms."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

WARM_S = 3600.0
"""Market seconds a process may grow: caches fill, the heap is frozen, its first hedges make its first pages."""
DAY_S = 86_400.0
GROWTH_MIB_A_DAY_MAX = 24.0
"""The bound of the verdict: less than a container's spare memory over a month, more than the noise of a day."""
MOST_MIB_MAX = 400.0
LEAST_SAMPLES = 20


@dataclass(frozen=True, slots=True)
class Memory:
    """MiB; `slope` in MiB a market day, None where no process lived long enough to tell."""

    start: float
    most: float
    end: float
    slope: float | None

    @property
    def flat(self) -> bool:
        """Within both bounds; growth that could not be measured is not held against a short rehearsal."""
        return self.most <= MOST_MIB_MAX and (self.slope is None or self.slope <= GROWTH_MIB_A_DAY_MAX)


def judge(samples: Iterable[tuple[int, int, int]], warm_s: float = WARM_S) -> Memory | None:
    """From (process number, microseconds since its start, KiB); None without any.

    The slope is the least-squares one, common to all processes, each with a level of its own.
    """
    told = list(samples)
    if not told:
        return None
    lives: dict[int, list[tuple[float, float]]] = {}
    for number, since_us, rss_kib in told:
        if since_us >= warm_s * 1e6:
            lives.setdefault(number, []).append((since_us / 1e6 / DAY_S, rss_kib / 1024))
    over, under, used = 0.0, 0.0, 0
    for points in lives.values():
        mean_day = sum(day for day, _ in points) / len(points)
        mean_mib = sum(mib for _, mib in points) / len(points)
        over += sum((day - mean_day) * (mib - mean_mib) for day, mib in points)
        under += sum((day - mean_day) ** 2 for day, _ in points)
        used += len(points)
    slope = over / under if under > 0 and used >= LEAST_SAMPLES else None
    sizes = [rss_kib / 1024 for _, _, rss_kib in told]
    return Memory(sizes[0], max(sizes), sizes[-1], slope)
