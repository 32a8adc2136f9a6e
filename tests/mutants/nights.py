"""Grounds on which midnight UTC falls into every life, and a day's limits are reached on either side of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.mutants.grounds import QUICK, RICH, TURNS, WEIGHED, Ground
from tests.sim.clockwork import MIDNIGHT_US, MS
from tests.sim.plan import Disturbance

NIGHT: Mapping[str, Any] = {
    "birth_us": MIDNIGHT_US - 25_000 * MS,
    "length_ms": 70_000,
    "quotes": TURNS,
    "balances": RICH,
    "venue": QUICK,
    "settlements": (),
    "disturbances": (),
}
"""An edge every seven seconds, three of them before midnight."""


def _night(name: str, *weather: Disturbance, clock_off_ms: int | None = None, **limits: Any) -> Ground:
    clock = {} if clock_off_ms is None else {"clock_off_ms": clock_off_ms}
    rules = replace(WEIGHED, limits=replace(WEIGHED.limits, **limits))
    return Ground("core", f"core, nights, {name}", range(24), weather, always={**NIGHT, **clock, "rules": rules})


SPENT = _night("all the day's notional spent", notional_per_day=Decimal(7_000))
AHEAD = _night("ahead of the venue's clock", clock_off_ms=10_000, notional_per_day=Decimal(7_000))
RESTARTS = _night("restarts", Disturbance("crash_any", 4_500), notional_per_day=Decimal(7_000))
LOSSES = _night("losses", Disturbance("yank", 0, "sell"), daily_loss=Decimal(9))
LOST_BALANCES = _night("balances that fall", Disturbance("yank", 0, "sell"), equity_loss=Decimal(20))
NIGHTS = {ground.name: ground for ground in (SPENT, AHEAD, RESTARTS, LOSSES, LOST_BALANCES)}
