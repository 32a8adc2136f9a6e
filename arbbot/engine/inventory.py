"""Which balance runs out first if things go on as they did of late, and what to move. Pure; a look at the state.

A hedge spends one currency and earns the other, so a premium that stays on one side empties one of them. What counts is
what booked rows of hedges and conversions changed, fees in; people's own moves are no drift.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_UP, Decimal
from typing import Any

from arbbot.domain.ledger import LedgerAccount
from arbbot.domain.market import Route
from arbbot.domain.money import ZERO, floor_to
from arbbot.engine.foreign import KEPT_CONVERSIONS
from arbbot.engine.forgetting import KEPT_HEDGES
from arbbot.engine.state import State
from arbbot.engine.withdrawable import principal

DAY_US = Decimal(86_400_000_000)
_SHOWN = Decimal("1e-8")
_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Stock:
    """One currency: what is held, what people have put in, and what trading changed of it over the window."""

    held: Decimal
    principal: Decimal
    change: Decimal
    spent: tuple[Decimal, ...]
    """By each hedge of the window that took some of it."""

    def days_left(self, days: Decimal) -> Decimal | None:
        """Until it is used up, the window being so many days; None where it does not fall."""
        return None if self.change >= 0 or days <= 0 else max(self.held, ZERO) * days / -self.change

    def hedges_left(self) -> int | None:
        """How many more of the size of late it pays for; None where none of them took any."""
        total = sum(self.spent, ZERO)
        return None if total <= 0 else int(max(self.held, ZERO) * len(self.spent) / total)


def inventory(state: State, route: Route, now_us: int, window_us: int) -> dict[str, Any]:
    """The advice. Money in units of its currency; times in days. `first` None: nothing runs out."""
    since_us = _since(state, now_us - window_us)
    days = Decimal(max(now_us - since_us, 0)) / DAY_US
    hedges = list(_hedges(state, since_us))
    conversions = list(_conversions(state, since_us))
    stocks = {currency: _stock(state, currency, hedges, conversions) for currency in route.currencies}
    falling = {currency: left for currency, each in stocks.items() if (left := each.days_left(days)) is not None}
    first = min(falling, key=lambda currency: falling[currency], default=None)
    return {
        "route": route.name,
        "window_s": days * DAY_US / 1_000_000,
        "hedges": len(hedges),
        "conversions": len(conversions),
        "balances": {currency: _line(each, days) for currency, each in stocks.items()},
        "first": first,
        "moves": [] if first is None else moves(first, stocks, route, state.last_marks.get(route.foreign.counter)),
    }


def moves(first: str, stocks: Mapping[str, Stock], route: Route, price: Decimal | None) -> list[dict[str, Any]]:
    """How the balance that runs out first comes back to its principal: what the other currency has too much of is
    converted, the rest sent in. `price`: domestic for one unit of foreign; without it nothing is converted.
    """
    lacking = stocks[first].principal - stocks[first].held
    if lacking <= 0:
        return []
    domestic, foreign = route.domestic.counter, route.foreign.counter
    found: list[dict[str, Any]] = []
    if first in (domestic, foreign) and price is not None:
        other = foreign if first == domestic else domestic
        over = stocks[other].held - stocks[other].principal
        wanted = lacking / price if first == domestic else lacking
        able = over if first == domestic else over / price
        size = floor_to(min(wanted, max(able, ZERO)), route.fx.lot)
        if size > 0:
            side = "sell" if first == domestic else "buy"
            found.append({"move": "convert", "market": route.fx.symbol, "side": side, "size": size})
            lacking -= size * price if first == domestic else size
    short = lacking.quantize(Decimal("0.01") if first != route.base else _SHOWN, ROUND_UP)
    # What the grid of the market leaves over is not worth a transfer.
    if lacking > route.fx.lot * (price or 1):
        found.append({"move": "send_in", "currency": first, "size": short})
    return found


def _since(state: State, wanted_us: int) -> int:
    """Where the window begins: not before the ledger does, nor before the oldest thing still in memory."""
    since_us = wanted_us if state.anchor is None else max(wanted_us, state.anchor.utc_us)
    if len(state.hedges) >= KEPT_HEDGES:
        since_us = max(since_us, next(iter(state.hedges.values())).opened.utc_us)
    if len(state.foreign.conversions) >= KEPT_CONVERSIONS:
        since_us = max(since_us, next(iter(state.foreign.conversions.values())).opened.utc_us)
    return since_us


def _hedges(state: State, since_us: int) -> Iterator[dict[str, Decimal]]:
    """What each hedge of the window changed, by currency, fees in."""
    for hedge in state.hedges.values():
        if hedge.opened.utc_us >= since_us and not hedge.before_anchor and hedge.deltas:
            touched = hedge.deltas.keys() | hedge.fees.keys()
            yield {each: hedge.deltas.get(each, ZERO) - hedge.fees.get(each, ZERO) for each in touched}


def _conversions(state: State, since_us: int) -> Iterator[dict[str, Decimal]]:
    for each in state.foreign.conversions.values():
        if each.opened.utc_us >= since_us:
            yield {each.opened.foreign: each.foreign, each.opened.domestic: each.domestic - each.fee}


def _stock(
    state: State, currency: str, hedges: list[dict[str, Decimal]], conversions: list[dict[str, Decimal]]
) -> Stock:
    return Stock(
        state.ledger.balance(LedgerAccount.VENUE, currency),
        principal(state, currency),
        sum((each.get(currency, ZERO) for each in [*hedges, *conversions]), ZERO),
        tuple(-each[currency] for each in hedges if each.get(currency, ZERO) < 0),
    )


def _line(stock: Stock, days: Decimal) -> dict[str, Any]:
    left, spent = stock.days_left(days), stock.spent
    return {
        "held": stock.held,
        "principal": stock.principal,
        "change": stock.change,
        "change_per_day": None if days <= 0 else (stock.change / days).quantize(_SHOWN, ROUND_HALF_EVEN),
        "spent_per_hedge": (sum(spent, ZERO) / len(spent)).quantize(_SHOWN, ROUND_HALF_EVEN) if spent else None,
        "hedges_left": stock.hedges_left(),
        "days_left": None if left is None else left.quantize(_TENTH, ROUND_DOWN),
    }
