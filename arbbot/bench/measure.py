"""Interleaved CPU timing: variants take turns, and the minimum of many rounds is what the code costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

ROUNDS = 40
ROUND_S = 0.004
"""Length of one round of one variant: short, so that a busy neighbour spoils few of them."""


def costs_us(variants: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """CPU microseconds a call of each variant."""
    loops = {name: _loops(call) for name, call in variants.items()}
    best = dict.fromkeys(variants, float("inf"))
    for _ in range(rounds):
        for name, call in variants.items():
            best[name] = min(best[name], _timed(call, loops[name]))
    return best


def _loops(call: Callable[[], object]) -> int:
    """How many calls make up one round."""
    call()
    once_us = _timed(call, 3)
    return max(1, int(ROUND_S * 1e6 / max(once_us, 0.01)))


def _timed(call: Callable[[], object], loops: int) -> float:
    started = time.thread_time_ns()
    for _ in range(loops):
        call()
    return (time.thread_time_ns() - started) / 1000 / loops
