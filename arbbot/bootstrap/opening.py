"""What a daemon says before its first order: where it trades, and whether its threshold can pay at this fee tier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from arbbot.domain.commands import Ask, Topic
from arbbot.domain.events import FeesFetched
from arbbot.domain.market import Direction, FeeRate, Route
from arbbot.domain.money import ONE, ZERO
from arbbot.engine.rules import FxPolicy, LimitReference, ThresholdMode, TradeRules
from arbbot.engine.spread import Costs
from arbbot.ports import Gateway


async def fetch_fees(source: Gateway) -> dict[str, FeeRate] | None:
    """Live fees per market; None when the venue does not tell."""
    answer = await source.perform(Ask(0, Topic.FEES))
    return dict(answer.rates) if isinstance(answer, FeesFetched) else None


@dataclass(frozen=True, slots=True)
class Needed:
    """Gross edges, as fractions, at which a hedge nets zero, in the dearer direction."""

    legs: Decimal
    whole: Decimal
    """With the FX leg."""


def needed(trade: TradeRules, domestic: FeeRate, foreign: FeeRate, fx: FeeRate) -> Needed:
    """By the likely roles: taker, but for a sell leg that is hung out as a maker."""

    def most(fx_fee: Decimal) -> Decimal:
        ways = ((Direction.BUY_DOMESTIC, domestic, foreign), (Direction.BUY_FOREIGN, foreign, domestic))
        return max(Costs(buy.taker, sell_fee(sell, trade), fx_fee).break_even(way) for way, buy, sell in ways)

    return Needed(most(ZERO), most(fx.taker))


def sell_limit(trade: TradeRules) -> Decimal | None:
    """The gross edge below which the sell leg's own limit lets no hedge be, as `limit_price` sets it; None where the
    limit does not hang on the purchase.
    """
    return trade.limit_markup if trade.limit_reference is LimitReference.BUY_VWAP else None


def wanted(gross: Decimal, trade: TradeRules) -> Decimal:
    """What a hedge that needs this gross edge to net zero must have to be made: beyond the net floor, and the limit."""
    return max(floored(gross, trade), sell_limit(trade) or ZERO)


def floored(gross: Decimal, trade: TradeRules) -> Decimal:
    """The gross edge that nets the floor, by the one that nets zero."""
    return (ONE + gross) * (ONE + trade.net_floor) - ONE


def below_limit(trade: TradeRules, needs: Needed) -> str | None:
    """What to say where the threshold in force lies below the sell limit's own; None where it does not."""
    limit = sell_limit(trade)
    charged = needs.whole if trade.fx_policy is FxPolicy.EACH else needs.legs
    fixed = trade.threshold_mode is ThresholdMode.FIXED
    asked = trade.gross_threshold if fixed else charged + trade.cost_margin
    if limit is None or asked >= limit:
        return None
    return (
        f"the threshold, {asked:.3%}, asks for less than the sell limit: no hedge is made below {limit:.3%} gross "
        "(trade.limit_markup_percent)"
    )


def sell_fee(rate: FeeRate, trade: TradeRules) -> Decimal:
    """The rate that the sell leg will likely pay."""
    return rate.maker if trade.limit_reference is LimitReference.SELL_ASK else rate.taker


def verdict(route: Route, fees: Mapping[str, FeeRate] | None, trade: TradeRules) -> list[str]:
    """Threshold against exact break-even, in plain words."""
    if fees is None or not all(symbol in fees for symbol in route.symbols):
        return ["fees       not known yet: nothing is traded until the venue tells them"]
    shown = ", ".join(
        f"{symbol} maker {fees[symbol].maker:.3%} taker {fees[symbol].taker:.3%}" for symbol in route.symbols
    )
    needs = needed(trade, *(fees[symbol] for symbol in route.symbols))
    legs, whole = needs.legs, needs.whole
    lines = [
        f"fees       {shown}",
        f"break-even {legs:.4%} gross for the two legs, {whole:.4%} with the FX leg",
    ]
    if trade.fx_policy is FxPolicy.NEVER:
        lines.append("FX leg     unpriced: trade.fx_policy is never, so nothing is converted and no hedge pays for it")
    if wanted(legs, trade) > legs:
        both = f"{wanted(legs, trade):.4%} gross for the two legs, {wanted(whole, trade):.4%} with the FX leg"
        lines.append(f"wanted     {both}, by the net floor and the sell limit")
    below = below_limit(trade, needs)
    warning = [] if below is None else [f"WARNING    {below}"]
    if trade.threshold_mode is ThresholdMode.COST_PLUS:
        return [*lines, f"threshold  cost plus {trade.cost_margin:.3%}", *warning]
    lines.append(f"threshold  {trade.gross_threshold:.3%} gross, net floor {trade.net_floor:.3%}")
    lines += warning
    if trade.gross_threshold <= floored(legs, trade):
        lines.append("WARNING    a signal at the threshold cannot pay at this tier: the net floor will decline it")
    elif trade.gross_threshold <= floored(whole, trade) and trade.fx_policy is not FxPolicy.NEVER:
        lines.append("WARNING    a signal at the threshold cannot pay for its FX leg: the net floor will decline those")
    return lines
