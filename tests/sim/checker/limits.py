"""What a life is held to, as plain numbers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tests.sim.checker.drill import DrillLimits
from tests.sim.checker.ramp import RampLimits
from tests.sim.checker.risk import RiskLimits
from tests.sim.checker.spike import SpikeLimits
from tests.sim.checker.witness import WitnessLimits


@dataclass(frozen=True, slots=True)
class Limits:
    """Promises of one life's rules. Rates are fractions, sizes base units."""

    largest_hedge: Decimal
    dust_cap: Decimal
    collar: Decimal
    net_floor: Decimal
    max_notional: Decimal
    fx_policy: str
    """Which hedges must pay for their conversion: `each`, those by which the drift grows (`band`), or `never` one."""
    resting_sell: bool
    conversions: bool
    """Whether foreign currency may be converted at all."""
    fx_most: Decimal
    """Worth of one conversion in domestic currency."""
    fx_reach: Decimal
    fx_slack: Decimal
    min_levels: int
    fresh_ms: int
    lag_ms: int
    doubt_bound_ms: int
    doubt_alert_ms: int
    stop_grace_ms: int
    force_ms: int
    """From a hedge's decision until its exit is forced."""
    max_exits: int
    exit_slippage: Decimal
    """Of an exit's limit beyond the worst price that it sweeps."""
    exit_loss: Decimal
    forced_exit_loss: Decimal
    rounding_cap: Decimal
    windows: tuple[tuple[int, int], ...]
    risk: RiskLimits
    ramp: RampLimits | None
    """None where the weight stays as it is."""
    drill: DrillLimits | None
    """None where there are none."""
    spike: SpikeLimits | None
    """None where the guard is off."""
    witness: WitnessLimits
    signed_errors_only: bool
    views_in_time: bool
    """Whether the venue shows every row within `lag_ms`."""
    row_decimals: int
    balance_decimals: int | None
    fee: Decimal
    undisturbed: bool
    """Nothing goes wrong in this life but what a market does."""
