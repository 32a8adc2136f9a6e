"""Tradable capital: what the weight is taken of."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from arbbot.domain.market import Instrument
from arbbot.domain.money import ZERO
from arbbot.engine.core import Core
from arbbot.engine.rules import TradeRules


def capital_size(capital: Mapping[str, Decimal], buy_market: Instrument, ask: Decimal) -> Decimal:
    """Base units that capital allows of hedges that buy there: the thinner of base, and of what it buys at the ask."""
    return min(capital.get(buy_market.base, ZERO), capital.get(buy_market.counter, ZERO) / ask)


def weighed_size(core: Core, capital: Mapping[str, Decimal], trade: TradeRules) -> Decimal:
    """Base units that this weight allows of target and capital, the better way round: what a hedge is large by."""
    slots = ((core.route.domestic, core.view.domestic), (core.route.foreign, core.view.foreign))
    asks = [(market, slot.book.ask) for market, slot in slots if slot.book is not None]
    sizes = [capital_size(capital, market, ask) for market, ask in asks if ask is not None]
    return trade.weight * min(trade.target_size, max(sizes, default=trade.target_size))
