"""`arbbot breakeven`: before the first order, what a hedge costs at each fee tier, and in how many recorded hours it
would have paid.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any

from arbbot import screen
from arbbot.bootstrap.opening import Needed, below_limit, fetch_fees, floored, needed, sell_fee, sell_limit, wanted
from arbbot.bootstrap.paper import paper_fees
from arbbot.bootstrap.wiring import Taps, fetch_route, follow_compressed, gateway
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.domain.market import FeeRate
from arbbot.engine.rules import LimitReference, ThresholdMode, TradeRules
from arbbot.exchange.accounts import FEE_LADDER
from arbbot.exchange.market.history import qualifying_hours
from arbbot.rehearsal import MEANING_OF_CLOSES
from arbbot.runtime.clock import SystemClock
from arbbot.settings import KeyRole, RunMode, Settings, read_keys, rules

SHOWN = Decimal("0.000001")
YEARS = tuple(str(year) for year in range(2017, 2023))
"""Of the recorded hours; 2017 begins in July."""
LADDER = tuple(
    (volume, FeeRate(Decimal(maker).scaleb(-2), Decimal(taker).scaleb(-2))) for volume, maker, taker in FEE_LADDER
)


@dataclass(frozen=True, slots=True)
class Fees:
    """What one account pays on the route's three markets."""

    source: str
    domestic: FeeRate
    foreign: FeeRate
    fx: FeeRate


def breakeven(settings: Settings, given: FeeRate | None, as_json: bool) -> ExitCode:
    """Print the account's figures and the ladder's. `given` fees stand for the account's: nobody is asked then."""
    unknown: str | None = None
    fees: Fees | None = None
    try:
        fees = asyncio.run(_asked(settings)) if given is None else Fees("the command line", given, given, given)
    except Failure as failure:
        unknown = failure.reason
    screen.show(answer(rules(settings).trade, fees, unknown), as_json, "breakeven")
    return ExitCode.OK


def answer(trade: TradeRules, fees: Fees | None, unknown: str | None) -> dict[str, Any]:
    """All in percent, hours per year. `unknown`: why the account's own fees are not."""
    everyone = [Fees(f"from {volume} usd in 30 days", rate, rate, rate) for volume, rate in LADDER]
    needs = [needed(trade, each.domestic, each.foreign, each.fx) for each in [*everyone, *([fees] if fees else [])]]
    edges = {gross for need in needs for gross in (need.legs, need.whole)}
    hours = {year: qualifying_hours(year, edges | {wanted(gross, trade) for gross in edges}) for year in YEARS}

    def reached(gross: Decimal) -> dict[str, int]:
        return {year: found[gross] for year, (_, found) in hours.items()}

    def figures(each: Fees, need: Needed) -> dict[str, Any]:
        fixed, legs, whole = trade.threshold_mode is ThresholdMode.FIXED, need.legs, need.whole
        ways = ((each.domestic, each.foreign), (each.foreign, each.domestic))
        paid = max(buy.taker + sell_fee(sell, trade) for buy, sell in ways)
        return {
            "legs_cost_pct": paid.scaleb(2),
            "fx_cost_pct": each.fx.taker.scaleb(2),
            "gross_needed_pct": shown(legs),
            "gross_needed_with_fx_pct": shown(whole),
            "gross_wanted_pct": shown(wanted(legs, trade)),
            "gross_wanted_with_fx_pct": shown(wanted(whole, trade)),
            "threshold_pays": trade.gross_threshold > floored(legs, trade) if fixed else True,
            "threshold_pays_with_fx": trade.gross_threshold > floored(whole, trade) if fixed else True,
            "threshold_below_limit": below_limit(trade, need) is not None,
            "hours_by_year": reached(legs),
            "hours_by_year_with_fx": reached(whole),
            "hours_wanted_by_year": reached(wanted(legs, trade)),
            "hours_wanted_by_year_with_fx": reached(wanted(whole, trade)),
        }

    limit = sell_limit(trade)
    return {
        "account": None if fees is None else _rates(fees) | figures(fees, needs[-1]),
        "account_unknown": unknown,
        "threshold_mode": trade.threshold_mode,
        "threshold_pct": trade.gross_threshold.scaleb(2),
        "net_floor_pct": trade.net_floor.scaleb(2),
        "limit_needs_pct": None if limit is None else limit.scaleb(2),
        "fx_policy": trade.fx_policy,
        "sell_leg_pays": "maker" if trade.limit_reference is LimitReference.SELL_ASK else "taker",
        "tiers": [
            {"volume_usd": volume, "maker_pct": rate.maker.scaleb(2), "taker_pct": rate.taker.scaleb(2)}
            | figures(each, need)
            for (volume, rate), each, need in zip(LADDER, everyone, needs, strict=False)
        ],
        "hours": {year: total for year, (total, _) in hours.items()},
        "meaning": MEANING_OF_CLOSES,
    }


def shown(fraction: Decimal) -> Decimal:
    """In percent, to six decimals: what is needed is not rounded down."""
    return fraction.scaleb(2).quantize(SHOWN, ROUND_CEILING)


def _rates(fees: Fees) -> dict[str, Any]:
    rates = {"domestic": fees.domestic, "foreign": fees.foreign, "fx": fees.fx}
    shown_rates = {
        name: {"maker_pct": each.maker.scaleb(2), "taker_pct": each.taker.scaleb(2)} for name, each in rates.items()
    }
    return {"source": fees.source, "markets": shown_rates}


async def _asked(settings: Settings) -> Fees:
    """The account's live fees, or paper mode's. Raises Failure where they cannot be known."""
    keys = read_keys(settings, KeyRole.READ_ONLY)
    clock = SystemClock(float(settings.speed))
    async with gateway(settings, keys, clock, lambda _event, _at: None, Taps()) as source:
        if settings.speed != 1:
            await follow_compressed(settings, clock)
        route = await fetch_route(settings, source)
        paper = settings.mode is RunMode.PAPER
        rates = paper_fees(settings, route) if paper else await fetch_fees(source)
    if rates is None or not all(symbol in rates for symbol in route.symbols):
        raise Failure(ExitCode.VENUE, f"{settings.venue.rest_url} does not tell the fees of {', '.join(route.symbols)}")
    told = "[paper] in the settings" if paper else f"fees/trading of {settings.venue.rest_url}"
    return Fees(told, *(rates[symbol] for symbol in route.symbols))
