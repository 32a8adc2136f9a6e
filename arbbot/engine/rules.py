"""The numbers that rule decisions, complete and frozen; settings are turned into these once, at start.

All rates are fractions (0.0035 is 0.35 %), all times seconds of market time, all sizes base units.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class ThresholdMode(StrEnum):
    """Where the gross threshold comes from."""

    FIXED = "fixed"
    COST_PLUS = "cost_plus"
    """Exact break-even of the fees plus a margin."""


class LimitReference(StrEnum):
    """What the sell leg's limit hangs on."""

    BUY_VWAP = "buy_vwap"
    """The decision's buy VWAP, brought over at the decision's FX: normally marketable at once."""
    SELL_ASK = "sell_ask"
    """The sell market's own best ask: a resting maker, carried by the one-leg policy."""


class FxPolicy(StrEnum):
    """When foreign currency that hedges left is converted, and which hedges pay for it."""

    EACH = "each"
    """After each hedge, whatever the FX market takes as an order; every hedge is charged the full FX fee."""
    BAND = "band"
    """Once it is more than `FxRules.band`; only hedges that move the drift away from zero are charged."""
    NEVER = "never"
    """Never; no hedge is charged, and reports show it as unpriced."""


class BuyAs(StrEnum):
    """How the buy leg goes out."""

    MARKET = "market"
    IOC = "ioc"
    """Limit at the collar, immediate or cancel: a protection spot market orders do not have."""


@dataclass(frozen=True, slots=True)
class TradeRules:
    """When a hedge is worth it, and how large."""

    threshold_mode: ThresholdMode
    gross_threshold: Decimal
    cost_margin: Decimal
    """Added to break-even in cost_plus mode."""
    net_floor: Decimal
    min_depth_levels: int
    """Rows a side that both base books must show."""
    max_slippage: Decimal
    """VWAP of the size against the touch, per leg."""
    collar: Decimal
    """Worst swept price against the touch."""
    limit_markup: Decimal
    """0.003: the sell limit is at least 0.3 % above the buy VWAP."""
    limit_reference: LimitReference
    buy_as: BuyAs
    target_size: Decimal
    weight: Decimal
    """Share of target and of tradable capital that one hedge may use."""
    max_notional: Decimal
    """Numeraire cap of one hedge."""
    cost_reserve: Decimal
    """0.005: a market buy must be covered by 1.005 times its worst cost with fee."""
    fx_policy: FxPolicy


@dataclass(frozen=True, slots=True)
class HedgeRules:
    """What happens after the legs went out."""

    wait_s: Decimal
    """T1: how long a resting leg may wait for its filled sibling."""
    force_s: Decimal
    """T2: when the exit is forced; also the resting leg's good-till-date at the venue."""
    exit_loss: Decimal
    """Loss cap of an exit between T1 and T2, against the decision's prices."""
    forced_exit_loss: Decimal
    """Loss cap of a forced exit; beyond it the leg stays open, alerted and halted."""
    exit_slippage: Decimal
    """How far an exit's limit may lie beyond the worst price it would sweep."""
    max_exits: int
    """Top-up orders of one hedge before a person is called."""
    cooldown_s: Decimal
    """Between a closed hedge and the next."""
    reject_cooldown_s: Decimal
    """After a hedge of which nothing filled."""
    rejects_to_reduce: int
    """Hedges in a row of which nothing filled before no more are tried."""
    dust_cap: Decimal
    """Base units of carried dust above which no new hedge starts."""


@dataclass(frozen=True, slots=True)
class FxRules:
    """How foreign currency is converted. When, and whether, is `TradeRules.fx_policy`."""

    band: Decimal
    """Foreign currency; a drift beyond it is converted, towards zero, with the policy `band`."""
    max_conversion: Decimal
    """Numeraire cap of one conversion."""
    reach: Decimal
    """Worst price swept against the touch."""
    slack: Decimal
    """How far the limit may lie beyond the worst price swept."""
    retry_s: Decimal
    """After a conversion that did not fill, or not wholly."""
    max_failures: int
    """Conversions in a row of which nothing filled before a person is called."""


@dataclass(frozen=True, slots=True)
class FeedRules:
    """When market data may be believed."""

    fresh_s: Decimal
    """X: a book unconfirmed for longer stops trading; revalidation starts at half of it."""
    ticker_every_s: Decimal
    premium_tolerance: Decimal
    """Ticker premium against book premium."""
    ticker_max_age_s: Decimal


@dataclass(frozen=True, slots=True)
class AccountRules:
    """How the venue's account is followed."""

    poll_s: Decimal
    """Transactions are read this often, and right after each hedge."""
    lag_s: Decimal
    """How late the venue's rows and order views may be; so long the balances wait that become the ledger's opening."""
    overlap_s: Decimal
    """Rows this much older than the newest are read again."""
    doubt_bound_s: Decimal
    """The venue refuses requests older than this; only then can an order be absent."""
    doubt_alert_s: Decimal
    """A person is told of a doubt that outlives the bound and the lag by this, of a live order that outlives its forced
    exit by this, of a fill that is so long without its row, and of rows or balances that cannot be read for so long.
    """
    rounding_cap: Decimal
    """Absolute cap of the rounding account, per currency, in that currency's units."""
    stop_grace_s: Decimal
    """How long a stop may take to get flat."""
    fees_every_s: Decimal
    lease_s: Decimal
    """How long a settlement may keep the account quiet."""
    withdrawn_per_day: Decimal | None = None
    """The most that settlements may announce to withdraw of a currency on a UTC day, fees in; None for no such cap."""


@dataclass(frozen=True, slots=True)
class SpikeRules:
    """When a signal is believed to be a price and not an accident."""

    enabled: bool
    persist_changes: int
    """Changes of the route's books that the edge must have outlasted."""
    persist_s: Decimal
    """And the time."""
    median_window_s: Decimal
    median_samples: int
    """Fewer samples of the premium in the window than this refuse."""
    median_distance: Decimal
    """How far the signal's premium may lie from the window's median."""
    max_gross: Decimal
    """A gross edge at the touch above this is disbelieved."""
    max_skew_s: Decimal
    """How much older than the change that made the edge another book may be, unless REST shows it unchanged."""
    check_rate: bool
    """Whether the FX book is held against the venue's own conversion rate."""
    rate_tolerance: Decimal
    """FX book's mid against that rate's mid."""
    rate_every_s: Decimal
    rate_max_age_s: Decimal


@dataclass(frozen=True, slots=True)
class LimitRules:
    """How much, how often and how wrong before no more is risked. Money is numeraire."""

    notional_per_hour: Decimal
    notional_per_day: Decimal
    """A UTC day."""
    daily_loss: Decimal
    """Realised by hedges settled and conversions closed this UTC day, fees in."""
    equity_loss: Decimal
    """Of the venue's balances this UTC day, at present marks."""
    max_hedges: int
    """Opened within `hedges_window_s`."""
    hedges_window_s: Decimal
    unhedged_notional: Decimal
    unhedged_s: Decimal
    losers_in_row: int
    """Settled hedges that lost, one after the other."""
    reject_window: int
    """The last so many orders of which the venue's word is known."""
    max_rejects: int
    """Refused among them."""
    duplicate_s: Decimal
    """A hedge of the same direction, size and limit is not opened again within this time."""
    orders_per_minute: int
    cancels_per_minute: int


@dataclass(frozen=True, slots=True)
class RampRules:
    """When the weight grows, and when it shrinks. It begins at `TradeRules.weight`."""

    period_s: Decimal
    """Decided on at every multiple of it since 1970: a UTC day."""
    step: Decimal
    """Up or down, at most one a period; and one down each time that the daemon stops itself until a person resumes."""
    max_weight: Decimal
    """Weight that is never exceeded."""
    min_hedges: int
    """Closed since the last decision, for a larger weight."""
    min_edge_hedges: int
    """Settled among them."""
    max_shortfall: Decimal
    """Realised edge below the expected one, of the turnover."""
    max_slippage: Decimal
    """Fills of legs worse than their decisions' prices, of their worth."""
    max_rate_limited: Decimal
    """Of all requests."""
    max_one_sided: Decimal
    """Of all hedges."""


@dataclass(frozen=True, slots=True)
class DrillRules:
    """Readiness drills: hedges of about the venue's minimum without an edge."""

    every_s: Decimal
    """After so long without a hedge of any kind."""
    budget: Decimal
    """Numeraire that the drills of a UTC day may lose."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything the engine goes by."""

    trade: TradeRules
    hedge: HedgeRules
    fx: FxRules
    feed: FeedRules
    account: AccountRules
    spike: SpikeRules
    limits: LimitRules
    ramp: RampRules | None = None
    """None: the weight stays what `trade` says."""
    drill: DrillRules | None = None
    """None: there are none."""
