"""Durable records of the capital ramp: how much of the capital one hedge may use, and what speaks for it.

A weight is the share of `trade.target_size`, and of the tradable capital, that one hedge may use: a fraction.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from arbbot.domain.money import ZERO


@dataclass(frozen=True, slots=True)
class RampFigures:
    """What happened since the weight was last decided on. Money is numeraire."""

    since_us: int | None = None
    """UTC microseconds of the last decision, else of the journal's first record."""
    hedges: int = 0
    """Closed, of which something filled."""
    one_sided: int = 0
    """Among these: topped up, or left as they were."""
    edge_hedges: int = 0
    """Settled, of which something was bought: what the three sums below are of."""
    turnover: Decimal = ZERO
    expected_pnl: Decimal = ZERO
    realised_pnl: Decimal = ZERO
    """Of both, what their FX legs were decided to cost is off."""
    legs_worth: Decimal = ZERO
    """Fills of legs at their decisions' prices."""
    slipped: Decimal = ZERO
    """By how much the same fills were worse than these prices; negative for better."""
    requests: int = 0
    rate_limited: int = 0
    """Requests that the venue, or our own budget, told to wait."""
    trips: int = 0
    """Hard limits reached."""
    halts: int = 0
    """Times that the daemon itself stopped opening hedges until a person resumed, for a limit or something else."""
    rebases: int = 0
    full_hedges: int = 0
    """Edge hedges that bought at least half of what the weight allowed: only these show how one of that size goes."""
    fx_pnl: Decimal = ZERO
    """Of conversions that closed: against the decisions' FX, less fees beyond the rate they were decided at."""


@dataclass(frozen=True, slots=True)
class RampDecided:
    """Once a period: the weight goes up by a step, down by a step, or stays, and these figures say why."""

    kind: ClassVar[str] = "ramp_decided"
    durable: ClassVar[bool] = True
    verdict: str
    """up, down or hold."""
    before: Decimal
    weight: Decimal
    """From now on."""
    against: tuple[str, ...]
    """Evidence that spoke against the weight."""
    lacking: tuple[str, ...]
    """Evidence that a larger weight would need and that is not there."""
    figures: RampFigures
    utc_us: int
    target_size: Decimal | None = None
    """What the weight was of, in base units; None in older journals."""


@dataclass(frozen=True, slots=True)
class RampSet:
    """A person chose the weight; evidence begins anew."""

    kind: ClassVar[str] = "ramp_set"
    durable: ClassVar[bool] = True
    before: Decimal
    weight: Decimal
    who: str
    reason: str
    utc_us: int
    target_size: Decimal | None = None
    """What the weight was of, in base units; None in older journals."""


@dataclass(frozen=True, slots=True)
class RequestsCounted:
    """Requests since the last such record, and how many of them were told to wait: evidence that outlives a process."""

    kind: ClassVar[str] = "requests_counted"
    durable: ClassVar[bool] = True
    requests: int
    rate_limited: int
    utc_us: int


RampRecord = RampDecided | RampSet | RequestsCounted
