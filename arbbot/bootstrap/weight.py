"""Whether the weight leaves hedges that the venue takes: a small account would wait for its first one for ever."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from arbbot.bootstrap.summary import plain
from arbbot.domain.commands import Ask, Topic
from arbbot.domain.events import BalancesFetched, BookFetched
from arbbot.domain.market import Route
from arbbot.engine.capital import capital_size
from arbbot.engine.ramp_memory import weight_in_effect
from arbbot.engine.rules import Rules
from arbbot.engine.state import State
from arbbot.ports import Gateway

MEND = "`arbbot ramp set` with a reason; a new journal begins with trade.weight_percent"
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
                f"no hedge buys there, and without hedges the weight never grows. More capital, or {MEND}"
            )
    return lines


def in_effect(state: State, rules: Rules) -> Decimal:
    """The weight that a journal leaves, or a new one begins with."""
    return weight_in_effect(state.ramp, rules)


async def told_at_start(
    source: Gateway, state: State, route: Route, rules: Rules, held: Mapping[str, Decimal] | None = None
) -> list[str]:
    """The same at a start, as warnings: of what the journal last said the account holds and prices were; of a new one
    the venue is asked, for balances only where they are not `held`. Silence says nothing.
    """
    base, rate = state.last_marks.get(route.base), state.last_marks.get(route.foreign.counter)
    totals: Mapping[str, Decimal]
    if base is not None and rate:
        totals, asks = state.venue_totals, {route.domestic.symbol: base, route.foreign.symbol: base / rate}
    else:
        answer = None if held is not None else await source.perform(Ask(0, Topic.BALANCES))
        listed = answer.balances if isinstance(answer, BalancesFetched) else ()
        totals = {each.currency: each.total for each in listed} if held is None else held
        asks = await _asks(source, route) if totals else {}
    found = too_small(totals, asks, route, rules, in_effect(state, rules))
    return [f"WARNING    {line}" for line in found]


async def _asks(source: Gateway, route: Route) -> dict[str, Decimal]:
    asks = {}
    for market in (route.domestic, route.foreign):
        answer = await source.perform(Ask(0, Topic.BOOK, market=market.symbol))
        if isinstance(answer, BookFetched) and answer.book.ask is not None:
            asks[market.symbol] = answer.book.ask
    return asks
