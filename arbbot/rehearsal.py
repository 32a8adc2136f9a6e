"""Rehearsals in virtual time: the engine against the built-in exchange, composed without sockets or an event loop.

What a run along recorded closes earns is synthetic: real are the closes, one an hour; everything between them, all
depth, spreads and the house's reactions are the market process's. Such figures test the machine, not the strategy.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from arbbot.domain.market import Direction, Route
from arbbot.domain.money import ZERO
from arbbot.domain.records import DurableRecord
from arbbot.engine.refusal import Refusal
from arbbot.engine.rules import FxPolicy, Rules, ThresholdMode
from arbbot.engine.spread import Costs
from arbbot.engine.state import State
from arbbot.engine.step import Engine
from arbbot.exchange.accounts import FEE_LADDER, Account, FeeRates
from arbbot.exchange.gateway import LEVELS, VenueDesk, instrument
from arbbot.exchange.market.history import HistoricalPrices, closes, qualifying_hours
from arbbot.exchange.market.prices import Moment, Prices, RandomPrices
from arbbot.exchange.market.scenarios import SCENARIOS
from arbbot.exchange.market.simulation import MarketProcess
from arbbot.exchange.rules import MARKETS, VenueRules
from arbbot.exchange.venue import Venue
from arbbot.exchange.world import Interest, PricesAhead, VenueWorld
from arbbot.research.backtest import BacktestResult, Latency, Pace, run

SYMBOLS = ("btcusd", "btceur", "eurusd")
"""The route of the recorded closes: domestic, foreign, FX."""
SCENARIO_START_US = 1_767_225_600_000_000
"""2026-01-01 UTC: where scenarios without a calendar begin."""
SECOND_US = 1_000_000
HOUR_S = 3600
SCREEN_MARGIN = Decimal("0.0005")
"""A fair premium further than this inside the threshold cannot signal: quotes keep a half spread away from it, and
what trades move them is under a tenth of this."""
HISTORY_LEVELS = 40
"""Levels a side shown on history runs: twice the depth rule, and cheaper than all 100."""
SPARE_LEVELS = 20
"""Quoted beyond those shown: some stand empty, being too small."""
HISTORY_ROUNDING_CAP = Decimal(100)
"""Units of each currency; rows of two decimals come to about one in ten thousand hedges."""
THRESHOLDS = (Decimal("0.0035"), Decimal("0.005"), Decimal("0.006"))
BALANCES = {"btc": Decimal(10), "usd": Decimal(500_000), "eur": Decimal(500_000)}
JOURNAL_KEY = "rehearsal"
MEANING_OF_CLOSES = (
    "hours whose closing prices (last trades) differ by the threshold or more; no spread, fee, depth or duration in it"
)
MEANING_OF_GUARD = "off: closes an hour apart, or looks a minute apart, cannot tell a spike from a price"
MEANING_OF_RUN = (
    "SYNTHETIC: hourly closes are real, every price between them and all depth are made up by the market process; "
    "hours without a recorded close are not played"
)


@dataclass(frozen=True, slots=True)
class Setting:
    """What a rehearsal trades under."""

    rules: Rules
    rates: FeeRates
    balances: Mapping[str, Decimal] = field(default_factory=lambda: dict(BALANCES))
    venue: VenueRules = field(default_factory=VenueRules)
    latency: Latency = field(default_factory=Latency)
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A composed run, ready to go, with the venue's own books open to whoever checks it."""

    route: Route
    venue: Venue
    account: Account
    world: VenueWorld
    engine: Engine
    setting: Setting
    start_us: int

    def play(
        self,
        end_us: int,
        pace: Pace,
        *,
        journal: Callable[[Sequence[DurableRecord]], None] | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> BacktestResult:
        """Run it to its end, once."""
        setting = self.setting
        return run(
            self.world, self.engine, self.start_us, end_us, pace,
            latency=setting.latency, seed=setting.seed, journal=journal, progress=progress,
        )  # fmt: skip


def compose(
    prices: Prices,
    start_us: int,
    setting: Setting,
    *,
    interest: Interest | None = None,
    levels: int = LEVELS,
    only_changed: bool = True,
) -> Rehearsal:
    """Put venue, market, desk and engine together around a source of prices."""
    venue = Venue(setting.venue, {symbol: MARKETS[symbol] for symbol in SYMBOLS})
    account = venue.add_account("rehearsal", setting.balances, setting.rates)
    ahead = PricesAhead(prices, start_us)
    market = MarketProcess(ahead, setting.seed, venue, start_us, levels + SPARE_LEVELS)
    desk = VenueDesk(venue, account, SYMBOLS)
    world = VenueWorld(venue, desk, ahead, market, SYMBOLS, interest=interest, levels=levels, only_changed=only_changed)
    domestic, foreign, fx = (instrument(MARKETS[symbol]) for symbol in SYMBOLS)
    route = Route(domestic, foreign, fx)
    engine = Engine(route, setting.rules, State(), JOURNAL_KEY)
    return Rehearsal(route, venue, account, world, engine, setting, start_us)


def tier_with_taker(taker_fee_pct: Decimal) -> FeeRates:
    """The ladder's tier with this taker fee (percent); off the ladder the maker pays the same."""
    for _, maker, taker in FEE_LADDER:
        if Decimal(taker) == taker_fee_pct:
            return FeeRates(Decimal(maker), Decimal(taker))
    return FeeRates(taker_fee_pct, taker_fee_pct)


# --- scenarios ----------------------------------------------------------------------------------------------------


def scenario(name: str, setting: Setting) -> Rehearsal:
    """A rehearsal of a named scenario; KeyError for an unknown one."""
    return compose(RandomPrices(SCENARIOS[name], setting.seed), SCENARIO_START_US, setting)


# --- history ------------------------------------------------------------------------------------------------------


class RecordedHours:
    """Which moments lie between two closes that were recorded an hour apart."""

    def __init__(self, times_s: Sequence[int]) -> None:
        self._times_s = times_s

    def __contains__(self, now_us: int) -> bool:
        now_s = now_us // SECOND_US
        index = bisect_right(self._times_s, now_s)
        if not 0 < index < len(self._times_s):
            return False
        return self._times_s[index] - self._times_s[index - 1] <= HOUR_S


def least_gross(rules: Rules, rates: FeeRates) -> Decimal:
    """The smallest gross edge, a fraction, that the rules could take for a signal at these fees."""
    if rules.trade.threshold_mode is ThresholdMode.FIXED:
        return rules.trade.gross_threshold
    taker = rates.taker / 100
    fx = taker if rules.trade.fx_policy is FxPolicy.EACH else ZERO
    costs = Costs(taker, min(taker, rates.maker / 100), fx)
    return min(costs.break_even(direction) for direction in Direction) + rules.trade.cost_margin


def near_threshold(least: Decimal, hours: RecordedHours) -> Interest:
    """Interested only where a signal is possible: in recorded hours, at a fair premium near the threshold."""
    screen = float(least - SCREEN_MARGIN)
    domestic, foreign, fx = SYMBOLS

    def interested(moment: Moment, now_us: int) -> bool:
        fair = moment.fair
        ratio = fair[foreign] * fair[fx] / fair[domestic]
        return (ratio - 1.0 >= screen or 1.0 / ratio - 1.0 >= screen) and now_us in hours

    return interested


def history_rules(rules: Rules, step_s: int) -> Rules:
    """The same rules but for three: a check of the tickers lasts until the next look, the rounding account may grow as
    it does over years (its cap calls a person, who would rebase), and the spike guard is off: it judges what happens
    within seconds, and here looks are a minute apart.
    """
    ticker_max_age_s = max(rules.feed.ticker_max_age_s, Decimal(2 * step_s))
    rounding_cap = max(rules.account.rounding_cap, HISTORY_ROUNDING_CAP)
    return replace(
        rules,
        feed=replace(rules.feed, ticker_max_age_s=ticker_max_age_s),
        account=replace(rules.account, rounding_cap=rounding_cap),
        spike=replace(rules.spike, enabled=False),
    )


def raised(asked: Rules, played: Rules) -> dict[str, Decimal]:
    """What `history_rules` changed, by the settings' names."""
    pairs = {
        "feed.ticker_max_age_s": (asked.feed.ticker_max_age_s, played.feed.ticker_max_age_s),
        "account.rounding_cap": (asked.account.rounding_cap, played.account.rounding_cap),
    }
    return {key: after for key, (before, after) in pairs.items() if before != after}


def history_run(
    period: str,
    taker_fee_pct: Decimal,
    rules: Rules,
    seed: int,
    step_s: int = 60,
    *,
    balances: Mapping[str, Decimal] | None = None,
    latency: Latency | None = None,
    journal: Callable[[Sequence[DurableRecord]], None] | None = None,
    progress: Callable[[float], None] | None = None,
) -> dict[str, Any]:
    """Follow the recorded closes of `2020`, `2020-03` or `2020-03-12`, looking at the market every `step_s` seconds.

    Raises ValueError for a period without records.
    """
    recorded = closes(period)
    rates = tier_with_taker(taker_fee_pct)
    setting = Setting(
        history_rules(rules, step_s), rates, balances or dict(BALANCES), latency=latency or Latency(), seed=seed
    )
    interest = near_threshold(least_gross(rules, rates), RecordedHours([close.at_s for close in recorded]))
    start_us, end_us = recorded[0].at_s * SECOND_US, recorded[-1].at_s * SECOND_US
    rehearsal = compose(
        HistoricalPrices(period, seed), start_us, setting, interest=interest, levels=HISTORY_LEVELS, only_changed=False
    )
    pace = Pace(look_us=step_s * SECOND_US, tick_us=step_s * SECOND_US, busy_look_us=500_000, whole=True)
    result = rehearsal.play(end_us, pace, journal=journal, progress=progress)
    return {
        "period": period,
        "taker_fee_percent": taker_fee_pct,
        "step_s": step_s,
        "seed": seed,
        "hedge_size": rules.trade.target_size * rules.trade.weight,
        "route": list(SYMBOLS),
        "balances": dict(setting.balances),
        "raised_rules": raised(rules, setting.rules),
        "spike_guard": MEANING_OF_GUARD,
        "closing_prices": closing_figures(period, THRESHOLDS),
        "synthetic": synthetic_figures(result),
        "records_hash": result.records_hash,
    }


def closing_figures(period: str, thresholds: Iterable[Decimal]) -> dict[str, Any]:
    """Qualifying hours by closing prices."""
    hours, counts = qualifying_hours(period, thresholds)
    return {
        "meaning": MEANING_OF_CLOSES,
        "hours": hours,
        "qualifying_hours": {f"{threshold:.2%}": count for threshold, count in counts.items()},
    }


def synthetic_figures(result: BacktestResult) -> dict[str, Any]:
    """What the engine made of the path between the closes."""
    told = result.report
    refusals = dict(told["refusals"])
    refusals.pop(Refusal.NO_BOOK, None)  # given to all books of a look but the last, by construction
    return {
        "meaning": MEANING_OF_RUN,
        "looks": result.looks,
        "looks_passed_by_price": result.quiet_looks,
        "signals": result.signals,
        "hours_with_a_signal": result.signal_hours,
        "refusals": refusals,
        "hedges": told["hedges"],
        "pnl": told["pnl"],
        "conversions": told["conversions"],
        "fx_drift": told["fx_drift"],
        "fees": told["fees"],
        "edge_bps": told["edge_bps"],
        "turnover": sum((hedge.turnover for hedge in result.hedges), ZERO),
        "turnover_per_day": told["turnover_per_day"],
        "net_return_annualised": told["net_return_annualised"],
        "ledger": told["ledger"],
        "ramp": told["ramp"],
        "ended_by": result.ended_by,
        "exit_code": result.exit_code,
    }
