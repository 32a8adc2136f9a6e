"""The numbers the checker holds a life to, taken out of the plan: plain values, so that the judge needs no engine."""

from __future__ import annotations

from decimal import Decimal

from arbbot.engine.rules import FxPolicy, LimitReference, ThresholdMode
from tests.sim.checker.drill import DrillLimits
from tests.sim.checker.limits import Limits
from tests.sim.checker.ramp import RampLimits
from tests.sim.checker.risk import RiskLimits
from tests.sim.checker.spike import SpikeLimits
from tests.sim.checker.witness import WitnessLimits
from tests.sim.plan import Plan


def limits_of(plan: Plan) -> Limits:
    """What this plan's rules promise."""
    trade, hedge, feed, account = plan.rules.trade, plan.rules.hedge, plan.rules.feed, plan.rules.account
    return Limits(
        largest_hedge=trade.target_size * (trade.weight if plan.rules.ramp is None else plan.rules.ramp.max_weight),
        dust_cap=hedge.dust_cap,
        collar=trade.collar,
        net_floor=trade.net_floor,
        max_notional=trade.max_notional,
        fx_policy=trade.fx_policy.value,
        resting_sell=trade.limit_reference is LimitReference.SELL_ASK,
        conversions=trade.fx_policy is not FxPolicy.NEVER,
        fx_most=plan.rules.fx.max_conversion,
        fx_reach=plan.rules.fx.reach,
        fx_slack=plan.rules.fx.slack,
        min_levels=trade.min_depth_levels,
        fresh_ms=int(feed.fresh_s * 1000),
        lag_ms=int(account.lag_s * 1000),
        doubt_bound_ms=int(account.doubt_bound_s * 1000),
        doubt_alert_ms=int(account.doubt_alert_s * 1000),
        stop_grace_ms=int(account.stop_grace_s * 1000),
        force_ms=int(hedge.force_s * 1000),
        max_exits=hedge.max_exits,
        exit_slippage=hedge.exit_slippage,
        exit_loss=hedge.exit_loss,
        forced_exit_loss=hedge.forced_exit_loss,
        rounding_cap=account.rounding_cap,
        windows=plan.windows,
        risk=_risk_of(plan),
        ramp=_ramp_of(plan),
        drill=_drill_of(plan),
        spike=_spike_of(plan) if plan.rules.spike.enabled else None,
        witness=_witness_of(plan),
        signed_errors_only=plan.signed_errors_only,
        views_in_time=LATE_VIEWS.isdisjoint(each.kind for each in plan.disturbances),
        row_decimals=plan.venue.row_decimals,
        balance_decimals=plan.venue.balance_decimals,
        fee=Decimal(plan.fee_percent) / 100,
        undisturbed=not plan.disturbances and not _hides_dust(plan),
    )


LATE_VIEWS = frozenset({"row_hidden", "rows_late", "stale_reply"})
SETS_CLOCKS = frozenset({"clock_jump", "vm_pause", "reboot"})


def _hides_dust(plan: Plan) -> bool:
    """Whether the venue cuts balances to more than the dust that display may hide: with any left, to halt is right."""
    decimals = plan.venue.balance_decimals
    return decimals is not None and Decimal(1).scaleb(-decimals) > plan.rules.hedge.dust_cap


def _risk_of(plan: Plan) -> RiskLimits:
    rules = plan.rules.limits
    return RiskLimits(
        notional_per_hour=rules.notional_per_hour,
        notional_per_day=rules.notional_per_day,
        daily_loss=rules.daily_loss,
        equity_loss=rules.equity_loss,
        unhedged_notional=rules.unhedged_notional,
        unhedged_us=int(rules.unhedged_s * 1_000_000),
        dust_cap=plan.rules.hedge.dust_cap,
        max_hedges=rules.max_hedges,
        hedges_window_us=int(rules.hedges_window_s * 1_000_000),
        losers_in_row=rules.losers_in_row,
        reject_window=rules.reject_window,
        max_rejects=rules.max_rejects,
        duplicate_us=int(rules.duplicate_s * 1_000_000),
        orders_per_minute=rules.orders_per_minute,
        cancels_per_minute=rules.cancels_per_minute,
        steady=SETS_CLOCKS.isdisjoint(each.kind for each in plan.disturbances),
    )


def _ramp_of(plan: Plan) -> RampLimits | None:
    rules, trade = plan.rules.ramp, plan.rules.trade
    if rules is None:
        return None
    return RampLimits(
        begins=trade.weight,
        period_us=int(rules.period_s * 1_000_000),
        step=rules.step,
        max_weight=rules.max_weight,
        target_size=trade.target_size,
        min_hedges=rules.min_hedges,
        min_edge_hedges=rules.min_edge_hedges,
        max_shortfall=rules.max_shortfall,
        max_slippage=rules.max_slippage,
        max_rate_limited=rules.max_rate_limited,
        max_one_sided=rules.max_one_sided,
    )


def _drill_of(plan: Plan) -> DrillLimits | None:
    rules = plan.rules.drill
    if rules is None:
        return None
    steady = SETS_CLOCKS.isdisjoint(each.kind for each in plan.disturbances)
    return DrillLimits(int(rules.every_s * 1_000_000), rules.budget, plan.rules.hedge.forced_exit_loss, steady)


def _witness_of(plan: Plan) -> WitnessLimits:
    spike, feed = plan.rules.spike, plan.rules.feed
    return WitnessLimits(
        rate_tolerance=spike.rate_tolerance if spike.enabled and spike.check_rate else None,
        rate_max_age_ms=int(spike.rate_max_age_s * 1000),
        premium_tolerance=feed.premium_tolerance,
        ticker_max_age_ms=int(feed.ticker_max_age_s * 1000),
        fresh_ms=int(feed.fresh_s * 1000),
    )


def _spike_of(plan: Plan) -> SpikeLimits:
    rules, trade = plan.rules.spike, plan.rules.trade
    cost_plus = trade.threshold_mode is ThresholdMode.COST_PLUS
    return SpikeLimits(
        max_gross=rules.max_gross,
        persist_changes=rules.persist_changes,
        persist_ms=int(rules.persist_s * 1000),
        skew_us=int(rules.max_skew_s * 1_000_000),
        threshold=trade.cost_margin if cost_plus else trade.gross_threshold,
        beyond_costs=cost_plus,
    )
