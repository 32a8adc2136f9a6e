"""What a long run must have reached: every kind of disturbance, and every branch by which the core recovers."""

from __future__ import annotations

from collections.abc import Mapping

from tests.sim.catalogue import ALL

BRANCHES: tuple[str, ...] = ()
ENOUGH_SEEDS = 2_000
"""A run of so many lives fails when something on the lists was never reached."""


def missing(fired: Mapping[str, int], reach: Mapping[str, int]) -> list[str]:
    """What was never reached."""
    return [f"fault {name}" for name in ALL if not fired.get(name)] + [
        f"branch {name}" for name in BRANCHES if not reach.get(name)
    ]
