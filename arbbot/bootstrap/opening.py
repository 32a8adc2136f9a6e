"""What a daemon says before its first order: where it trades, and whether its threshold can pay at this fee tier."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from arbbot.domain.commands import Ask, Topic
from arbbot.domain.events import FeesFetched
from arbbot.domain.market import Direction, FeeRate, Route
from arbbot.domain.money import ZERO
from arbbot.engine.rules import FxPolicy, LimitReference, ThresholdMode, TradeRules
from arbbot.engine.spread import Costs
from arbbot.ports import Gateway


async def fetch_fees(source: Gateway) -> dict[str, FeeRate] | None:
    """Live fees per market; None when the venue does not tell."""
    answer = await source.perform(Ask(0, Topic.FEES))
    return dict(answer.rates) if isinstance(answer, FeesFetched) else None


def break_even(
    route: Route, fees: Mapping[str, FeeRate], trade: TradeRules, direction: Direction, *, fx: bool
) -> Decimal:
    """The gross edge (fraction) at which a hedge nets zero; `fx` with the FX leg's taker fee."""
    buy, sell = route.legs(direction)
    resting = trade.limit_reference is LimitReference.SELL_ASK
    sell_fee = fees[sell.symbol].maker if resting else fees[sell.symbol].taker
    costs = Costs(fees[buy.symbol].taker, sell_fee, fees[route.fx.symbol].taker if fx else ZERO)
    return costs.break_even(direction)


def verdict(route: Route, fees: Mapping[str, FeeRate] | None, trade: TradeRules) -> list[str]:
    """Threshold against exact break-even, in plain words."""
    if fees is None or not all(symbol in fees for symbol in route.symbols):
        return ["fees       not known yet: nothing is traded until the venue tells them"]
    shown = ", ".join(
        f"{symbol} maker {fees[symbol].maker:.3%} taker {fees[symbol].taker:.3%}" for symbol in route.symbols
    )
    legs = max(break_even(route, fees, trade, direction, fx=False) for direction in Direction)
    whole = max(break_even(route, fees, trade, direction, fx=True) for direction in Direction)
    lines = [
        f"fees       {shown}",
        f"break-even {legs:.4%} gross for the two legs, {whole:.4%} with the FX leg",
    ]
    if trade.fx_policy is FxPolicy.NEVER:
        lines.append("FX leg     unpriced: trade.fx_policy is never, so nothing is converted and no hedge pays for it")
    if trade.threshold_mode is ThresholdMode.COST_PLUS:
        return [*lines, f"threshold  cost plus {trade.cost_margin:.3%}"]
    lines.append(f"threshold  {trade.gross_threshold:.3%} gross, net floor {trade.net_floor:.3%}")
    needed = legs if trade.fx_policy is FxPolicy.NEVER else whole
    if trade.gross_threshold <= legs:
        lines.append("WARNING    a signal at the threshold cannot pay at this tier: the net floor will decline it")
    elif trade.gross_threshold <= needed:
        lines.append("WARNING    a signal at the threshold cannot pay for its FX leg: the net floor will decline those")
    return lines
