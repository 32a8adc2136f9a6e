"""Lives that pass midnight UTC, at which the limits of a day begin anew."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random

from tests.sim.clockwork import MIDNIGHT_US, MS
from tests.sim.plan import Plan

D = Decimal
SHARE = 0.125
TIGHT = 0.6
"""Share of these in which a day has limits that the minutes before midnight may reach."""


def at_night(plan: Plan) -> Plan:
    """In some lives midnight falls into their middle; by a generator of its own, so that it moves nothing else."""
    rng = Random(f"{plan.seed}/born")
    if rng.random() >= SHARE:
        return plan
    plan = replace(plan, birth_us=MIDNIGHT_US - rng.randint(plan.length_ms // 4, plan.length_ms * 3 // 4) * MS)
    if rng.random() >= TIGHT:
        return plan
    limits = replace(
        plan.rules.limits,
        notional_per_day=D(rng.choice((1_000, 4_000, 12_000, 10**9))),
        daily_loss=D(rng.choice(("0.5", "4", 10**9))),
        equity_loss=D(rng.choice((1, 5, 10**9))),
    )
    return replace(plan, rules=replace(plan.rules, limits=limits))
