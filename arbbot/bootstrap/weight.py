"""Whether the weight leaves hedges that the venue takes: a small account would wait for its first one for ever."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from arbbot.bootstrap.summary import plain
from arbbot.domain.market import Route
from arbbot.engine.capital import capital_size
from arbbot.engine.ramp_memory import weight_in_effect
from arbbot.engine.rules import Rules
from arbbot.engine.state import State

_CENT = Decimal("0.01")


def too_small(
    totals: Mapping[str, Decimal], asks: Mapping[str, Decimal], route: Route, rules: Rules, weight: Decimal
) -> list[str]:
    """A line for each market of which the weight allows no order of the venue's minimum. `totals` by currency, `asks`
    by market; a market without an ask is passed over.
    """
    lines = []
    for market in (route.domestic, route.foreign):
        ask = asks.get(market.symbol)
        if not ask:
            continue
        capital = min(rules.trade.target_size, capital_size(totals, market, ask)) * ask
        if capital * weight < market.minimum_order_value:
            lines.append(
                f"{plain((weight * 100).normalize())} % of {plain(capital.quantize(_CENT))} {market.counter} of target "
                f"and capital is less than {plain(market.minimum_order_value)}, the venue's least on {market.symbol}: "
                "no hedge buys there, and without hedges the weight never grows. More capital, or a larger "
                "trade.weight_percent"
            )
    return lines


def told_by_journal(state: State, route: Route, rules: Rules) -> list[str]:
    """The same at a start, of what the journal last said the account holds and prices were; nothing of a new one."""
    base, rate = state.last_marks.get(route.base), state.last_marks.get(route.foreign.counter)
    if base is None or not rate:
        return []
    asks = {route.domestic.symbol: base, route.foreign.symbol: base / rate}
    found = too_small(state.venue_totals, asks, route, rules, weight_in_effect(state.ramp, rules))
    return [f"WARNING    {line}" for line in found]
