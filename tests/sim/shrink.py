"""The shortest life that still breaks the same promise: what can be left out of a plan is left out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from tests.sim.clockwork import BIRTH_US
from tests.sim.life import run_plan
from tests.sim.plan import Plan

T = TypeVar("T")
PATIENCE_S = 60.0


def breaks(plan: Plan, invariant: str) -> bool:
    """Whether a life still breaks the promise."""
    return any(violation.invariant == invariant for violation in run_plan(plan).violations)


def shrink(
    plan: Plan, invariant: str, patience_s: float = PATIENCE_S, *, fails: Callable[[Plan, str], bool] = breaks
) -> Plan:
    """Live it in the afternoon, drop disturbances and quotes, then end it sooner, while `invariant` still fails."""
    deadline = time.monotonic() + patience_s

    def still(candidate: Plan) -> bool:
        return time.monotonic() <= deadline and fails(candidate, invariant)

    afternoon = replace(plan, birth_us=BIRTH_US)
    if plan.birth_us != BIRTH_US and still(afternoon):
        plan = afternoon
    kept = without(plan.disturbances, lambda left: still(replace(plan, disturbances=tuple(left))))
    plan = replace(plan, disturbances=tuple(kept))
    first, rest = plan.quotes[:1], plan.quotes[1:]
    quotes = without(rest, lambda left: still(replace(plan, quotes=(*first, *left))))
    plan = replace(plan, quotes=(*first, *quotes))
    for _ in range(6):
        shorter = replace(plan, length_ms=plan.length_ms * 2 // 3)
        if not still(shorter):
            break
        plan = shorter
    return plan


def without(items: Sequence[T], still: Callable[[Sequence[T]], bool]) -> list[T]:
    """Delta debugging: the smallest list found, by halves first, for which `still` holds."""
    kept, size = list(items), max(1, len(items) // 2)
    while kept:
        start, dropped = 0, False
        while start < len(kept):
            candidate = kept[:start] + kept[start + size :]
            if still(candidate):
                kept, dropped = candidate, True
            else:
                start += size
        if size == 1 and not dropped:
            break
        size = max(1, size // 2)
    return kept
