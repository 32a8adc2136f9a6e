"""The product's default rules, written out."""

from __future__ import annotations

from decimal import Decimal as D

from arbbot.engine.rules import (
    AccountRules,
    BuyAs,
    FeedRules,
    FxPolicy,
    HedgeRules,
    LimitReference,
    Rules,
    ThresholdMode,
    TradeRules,
)

RULES = Rules(
    TradeRules(
        threshold_mode=ThresholdMode.FIXED, gross_threshold=D("0.0035"), cost_margin=D("0.0005"), net_floor=D(0),
        min_depth_levels=20, max_slippage=D("0.0005"), collar=D("0.003"), limit_markup=D("0.003"),
        limit_reference=LimitReference.BUY_VWAP, buy_as=BuyAs.MARKET, target_size=D("0.05"), weight=D("0.05"),
        max_notional=D(10_000), cost_reserve=D("0.005"), fx_policy=FxPolicy.BAND,
    ),
    HedgeRules(
        wait_s=D(5), force_s=D(15), exit_loss=D("0.01"), forced_exit_loss=D("0.03"), exit_slippage=D("0.001"),
        max_exits=5, cooldown_s=D(1), reject_cooldown_s=D(10), rejects_to_reduce=3, dust_cap=D("0.0005"),
    ),
    FeedRules(fresh_s=D(10), ticker_every_s=D(30), premium_tolerance=D("0.001"), ticker_max_age_s=D(90)),
    AccountRules(
        poll_s=D(30), lag_s=D(5), overlap_s=D(600), doubt_bound_s=D(150), doubt_alert_s=D(60), rounding_cap=D(1),
        stop_grace_s=D(45), fees_every_s=D(300),
    ),
)  # fmt: skip
