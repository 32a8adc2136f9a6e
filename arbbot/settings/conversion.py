"""From what the operator wrote to what the engine goes by: percent become fractions, nothing else changes."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from arbbot.engine.rules import (
    AccountRules,
    DrillRules,
    FeedRules,
    FxRules,
    HedgeRules,
    LimitRules,
    RampRules,
    Rules,
    SpikeRules,
    TradeRules,
)

if TYPE_CHECKING:
    from arbbot.settings.model import Settings


def fraction(percent: Decimal) -> Decimal:
    """Percent as a fraction, exactly: 0.35 becomes 0.0035."""
    return percent.scaleb(-2)


def rules(settings: Settings) -> Rules:
    """The engine's rules."""
    return Rules(
        _trade(settings),
        _hedge(settings),
        _fx(settings),
        _feed(settings),
        _account(settings),
        _spike(settings),
        _limits(settings),
        _ramp(settings),
        DrillRules(settings.drill.every_s, settings.drill.budget) if settings.drill.enabled else None,
    )


def _trade(settings: Settings) -> TradeRules:
    trade = settings.trade
    return TradeRules(
        threshold_mode=trade.threshold_mode,
        gross_threshold=fraction(trade.gross_threshold_percent),
        cost_margin=fraction(trade.cost_margin_percent),
        net_floor=fraction(trade.net_floor_percent),
        min_depth_levels=trade.min_depth_levels,
        max_slippage=fraction(trade.max_slippage_percent),
        collar=fraction(trade.collar_percent),
        limit_markup=fraction(trade.limit_markup_percent),
        limit_reference=trade.limit_reference,
        buy_as=trade.buy_as,
        target_size=trade.target_size,
        weight=fraction(trade.weight_percent),
        max_notional=trade.max_notional,
        cost_reserve=fraction(trade.cost_reserve_percent),
        fx_policy=trade.fx_policy,
    )


def _hedge(settings: Settings) -> HedgeRules:
    hedge = settings.hedge
    return HedgeRules(
        wait_s=hedge.wait_s,
        force_s=hedge.force_s,
        exit_loss=fraction(hedge.exit_loss_percent),
        forced_exit_loss=fraction(hedge.forced_exit_loss_percent),
        exit_slippage=fraction(hedge.exit_slippage_percent),
        max_exits=hedge.max_exits,
        cooldown_s=hedge.cooldown_s,
        reject_cooldown_s=hedge.reject_cooldown_s,
        rejects_to_reduce=hedge.rejects_to_reduce,
        dust_cap=hedge.dust_cap,
    )


def _fx(settings: Settings) -> FxRules:
    fx = settings.fx
    return FxRules(
        band=fx.band,
        max_conversion=fx.max_conversion,
        reach=fraction(fx.reach_percent),
        slack=fraction(fx.slack_percent),
        retry_s=fx.retry_s,
        max_failures=fx.max_failures,
    )


def _feed(settings: Settings) -> FeedRules:
    feed = settings.feed
    return FeedRules(
        fresh_s=feed.fresh_s,
        ticker_every_s=feed.ticker_every_s,
        premium_tolerance=fraction(feed.premium_tolerance_percent),
        ticker_max_age_s=feed.ticker_max_age_s,
    )


def _account(settings: Settings) -> AccountRules:
    account = settings.account
    return AccountRules(
        poll_s=account.poll_s,
        lag_s=account.lag_s,
        overlap_s=account.overlap_s,
        doubt_bound_s=account.doubt_bound_s,
        doubt_alert_s=account.doubt_alert_s,
        rounding_cap=account.rounding_cap,
        stop_grace_s=account.stop_grace_s,
        fees_every_s=account.fees_every_s,
        lease_s=account.lease_s,
        withdrawn_per_day=settings.settlement.max_per_day,
    )


def _spike(settings: Settings) -> SpikeRules:
    spike = settings.spike
    return SpikeRules(
        enabled=spike.enabled,
        persist_changes=spike.persist_changes,
        persist_s=spike.persist_s,
        median_window_s=spike.median_window_s,
        median_samples=spike.median_samples,
        median_distance=fraction(spike.median_distance_percent),
        max_gross=fraction(spike.max_gross_percent),
        max_skew_s=spike.max_skew_s,
        check_rate=spike.check_rate,
        rate_tolerance=fraction(spike.rate_tolerance_percent),
        rate_every_s=spike.rate_every_s,
        rate_max_age_s=spike.rate_max_age_s,
    )


def _limits(settings: Settings) -> LimitRules:
    limits = settings.limits
    return LimitRules(
        notional_per_hour=limits.notional_per_hour,
        notional_per_day=limits.notional_per_day,
        daily_loss=limits.daily_loss,
        equity_loss=limits.equity_loss,
        max_hedges=limits.max_hedges,
        hedges_window_s=limits.hedges_window_s,
        unhedged_notional=limits.unhedged_notional,
        unhedged_s=limits.unhedged_s,
        losers_in_row=limits.losers_in_row,
        reject_window=limits.reject_window,
        max_rejects=limits.max_rejects,
        duplicate_s=limits.duplicate_s,
        orders_per_minute=limits.orders_per_minute,
        cancels_per_minute=limits.cancels_per_minute,
    )


def _ramp(settings: Settings) -> RampRules | None:
    ramp = settings.ramp
    if not ramp.enabled:
        return None
    return RampRules(
        period_s=ramp.period_s,
        step=fraction(ramp.step_percent),
        max_weight=fraction(ramp.max_weight_percent),
        min_hedges=ramp.min_hedges,
        min_edge_hedges=ramp.min_edge_hedges,
        max_shortfall=fraction(ramp.max_shortfall_percent),
        max_slippage=fraction(ramp.max_slippage_percent),
        max_rate_limited=fraction(ramp.max_rate_limited_percent),
        max_one_sided=fraction(ramp.max_one_sided_percent),
    )
