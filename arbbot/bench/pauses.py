"""How long a full garbage collection stops the daemon, before and after it has warmed up and frozen its heap."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass

from arbbot.bench.measure import quiet_collector

HEAP = 600_000
"""Objects that live as long as the process: imported modules, a long journal's rows."""


@dataclass(frozen=True, slots=True)
class Pauses:
    """CPU milliseconds of one full collection."""

    as_started_ms: float
    frozen_ms: float


def pauses(rounds: int) -> Pauses:
    """Collect beside a large heap, as it is and frozen."""
    heap = [[number] for number in range(HEAP)]
    as_started = min(_collection_ms() for _ in range(rounds))
    with quiet_collector():
        frozen = min(_collection_ms() for _ in range(rounds))
    assert len(heap) == HEAP
    return Pauses(as_started, frozen)


def _collection_ms() -> float:
    started_ns = time.thread_time_ns()
    gc.collect()
    return (time.thread_time_ns() - started_ns) / 1e6
