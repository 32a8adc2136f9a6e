"""Interleaved CPU timing: both sides take turns on the same items, and the fastest round is what each one costs."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

WARM_GC = (50_000, 50, 1000)
"""The collector's thresholds that the daemon runs under once it is warm."""


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU microseconds a call, ours and the yardstick's, of the fastest round of each."""

    ours_us: float
    yardstick_us: float

    @property
    def ratio(self) -> float:
        """How many yardsticks ours costs: the figure that travels between machines."""
        return self.ours_us / self.yardstick_us


def compare(
    supply: Callable[[], Sequence[T]],
    ours: Callable[[T], object],
    yardstick: Callable[[T], object],
    rounds: int,
) -> Cost:
    """Time both calls on every item of one fresh supply a round. The supply itself is not timed."""
    best_ours = best_yardstick = float("inf")
    with quiet_collector():
        for _ in range(rounds):
            items = supply()
            best_yardstick = min(best_yardstick, _timed_us(yardstick, items))
            best_ours = min(best_ours, _timed_us(ours, items))
    return Cost(best_ours, best_yardstick)


@contextmanager
def quiet_collector() -> Iterator[None]:
    """The garbage collector as the warm daemon has it: the heap so far frozen, few and small collections."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*WARM_GC)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _timed_us(call: Callable[[T], object], items: Sequence[T]) -> float:
    """Thread CPU time, so that a busy neighbour costs cache but not time."""
    started = time.thread_time_ns()
    for item in items:
        call(item)
    return (time.thread_time_ns() - started) / 1000 / len(items)
