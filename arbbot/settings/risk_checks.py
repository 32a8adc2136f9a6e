"""What the spike guard's settings and the limits must hold together, and with the rest. Raises Contradiction."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from arbbot.engine.core import SECOND_NS, ns
from arbbot.engine.rules import ThresholdMode
from arbbot.engine.spike import sample_pause_ns
from arbbot.settings.errors import refuse_if
from arbbot.settings.options import RunMode

if TYPE_CHECKING:
    from arbbot.settings.model import Settings

DAY_S = Decimal(86_400)
LOOKS_S = Decimal(30)
"""Two rounds of looking for an order in doubt, 15 s each."""


def check_spike(settings: Settings) -> None:
    """A guard that could let nothing through, or leaves a gap between two of its rules, is a mistake."""
    guard = settings.spike
    refuse_if(
        settings.mode is RunMode.LIVE and not guard.enabled,
        ("spike.enabled",),
        "live mode trades on no unguarded signal",
    )
    refuse_if(
        guard.persist_s < guard.max_skew_s,
        ("spike.persist_s", "spike.max_skew_s"),
        f"{guard.persist_s} s must not be less than max_skew_s {guard.max_skew_s} s: a feed that lags in between "
        "would pass both",
    )
    pause_ns = sample_pause_ns(ns(guard.median_window_s))
    refuse_if(
        guard.median_samples * pause_ns > ns(guard.median_window_s),
        ("spike.median_samples", "spike.median_window_s"),
        f"{guard.median_samples} samples, one every {pause_ns / SECOND_NS:g} s, exceed {guard.median_window_s} s",
    )
    if settings.trade.threshold_mode is ThresholdMode.FIXED:
        least = settings.trade.gross_threshold_percent
        for name in ("max_gross_percent", "median_distance_percent"):
            ceiling = getattr(guard, name)
            refuse_if(
                ceiling <= least,
                (f"spike.{name}", "trade.gross_threshold_percent"),
                f"{ceiling} % must be more than the gross threshold {least} %, or no new edge is ever believed",
            )
    refuse_if(
        guard.rate_max_age_s <= guard.rate_every_s,
        ("spike.rate_max_age_s", "spike.rate_every_s"),
        f"{guard.rate_max_age_s} s must be more than rate_every_s {guard.rate_every_s} s, or no rate ever counts",
    )


def check_limits(settings: Settings) -> None:
    """A limit that the ordinary course of one hedge breaks, or that another always breaks first, is a mistake."""
    limits, hedge = settings.limits, settings.hedge
    for low, high in (
        ("trade.max_notional", "limits.notional_per_hour"),
        ("limits.notional_per_hour", "limits.notional_per_day"),
        ("trade.max_notional", "limits.unhedged_notional"),
        ("limits.daily_loss", "limits.equity_loss"),
    ):
        least, most = _value(settings, low), _value(settings, high)
        refuse_if(most < least, (high, low), f"{most} must not be less than {low} {least}")
    refuse_if(
        limits.unhedged_s <= hedge.force_s,
        ("limits.unhedged_s", "hedge.force_s"),
        f"{limits.unhedged_s} s must be more than hedge.force_s {hedge.force_s} s, or it trips before the forced exit",
    )
    known_s = settings.account.doubt_bound_s + settings.account.lag_s + LOOKS_S
    refuse_if(
        limits.unhedged_s <= known_s,
        ("limits.unhedged_s", "account.doubt_bound_s", "account.lag_s"),
        f"{limits.unhedged_s} s must be more than the {known_s} s that a lost order may be in doubt (doubt_bound_s + "
        f"lag_s + {LOOKS_S} s for two looks), or it trips before the answer",
    )
    refuse_if(
        limits.max_rejects > limits.reject_window,
        ("limits.max_rejects", "limits.reject_window"),
        f"{limits.max_rejects} of the last {limits.reject_window} orders can never be refused",
    )


def check_ramp(settings: Settings) -> None:
    """A ramp that ends below where it begins, or hurries with real money, is a mistake."""
    ramp, weight = settings.ramp, settings.trade.weight_percent
    refuse_if(
        ramp.enabled and ramp.max_weight_percent < weight,
        ("ramp.max_weight_percent", "trade.weight_percent"),
        f"{ramp.max_weight_percent} % must not be less than trade.weight_percent {weight} %, where it begins",
    )
    refuse_if(
        settings.mode is RunMode.LIVE and ramp.period_s < DAY_S,
        ("ramp.period_s",),
        f"live mode enlarges its hedges once a day at most: {ramp.period_s} s must not be less than {DAY_S} s",
    )
    refuse_if(
        ramp.min_edge_hedges > ramp.min_hedges,
        ("ramp.min_edge_hedges", "ramp.min_hedges"),
        f"{ramp.min_edge_hedges} cannot be settled among {ramp.min_hedges} hedges, so min_hedges would decide nothing",
    )


def check_drill(settings: Settings) -> None:
    """Drills that may lose more than the day may is a mistake."""
    drill, limits = settings.drill, settings.limits
    refuse_if(
        drill.enabled and drill.budget > limits.daily_loss,
        ("drill.budget", "limits.daily_loss"),
        f"{drill.budget} must not be more than limits.daily_loss {limits.daily_loss}, which would halt first",
    )


def _value(settings: Settings, key: str) -> Decimal:
    section, name = key.split(".")
    value: Decimal = getattr(getattr(settings, section), name)
    return value
