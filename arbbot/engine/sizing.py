"""How large: the largest size on the lot grid that passes every rule, and the price of its limit leg.

Every rule gets harder, never easier, as the size grows, so the sizes that pass form one interval from below and a
bisection over lots finds its end. `first_failing` names the rule; the answer's `bound_by` names the one that one
lot more would break.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from arbbot.domain.book import BookError, Sweep
from arbbot.domain.market import Direction, Instrument
from arbbot.domain.money import ONE, ZERO, ceil_quotient, floor_to
from arbbot.engine.refusal import Refusal
from arbbot.engine.rules import BuyAs, LimitReference, TradeRules
from arbbot.engine.spread import Costs, Triangle, Walk, exceeds, reaches


class Funds(NamedTuple):
    """What may be spent: available balances, and the same over total capital for the weight."""

    base: Decimal
    quote: Decimal
    """Available counter currency of the buy market."""
    capital_size: Decimal
    """Tradable capital of the thinner side, in base units: what weight is taken of."""


class Sized(NamedTuple):
    """The largest size that passes, walked, with its limit price and the rule that bounds it."""

    walk: Walk
    limit_price: Decimal
    bound_by: Refusal

    @property
    def size(self) -> Decimal:
        """Base units."""
        return self.walk.bought.size


class Sizer(NamedTuple):
    """One opportunity's rules, books and funds."""

    rules: TradeRules
    triangle: Triangle
    buy_market: Instrument
    sell_market: Instrument
    costs: Costs
    funds: Funds
    threshold: Decimal
    """Gross edge to reach, or the margin over break-even when `cost_plus`."""
    cost_plus: bool
    drift: Decimal | None
    """Foreign currency piled up by our trading, where the FX policy lets a hedge off that brings it nearer to zero;
    None where every hedge pays `costs` as they are.
    """

    @property
    def lot(self) -> Decimal:
        """The coarser of the two markets' lots: both legs are the same size."""
        return max(self.buy_market.lot, self.sell_market.lot)

    def largest(self) -> Sized | Refusal:
        """The answer, or the rule that even the smallest orderable size breaks. Raises BookError."""
        lot = self.lot
        ceiling, bound = self._ceiling(lot)
        floor = self._smallest(lot)
        if ceiling < floor:
            return bound
        best = self._passes(floor)
        if isinstance(best, Refusal):
            return best
        top = self._passes(ceiling)
        if not isinstance(top, Refusal):
            return Sized(top[0], top[1], bound)
        low, high, broken = int(floor / lot), int(ceiling / lot), top
        while high - low > 1:
            middle = (low + high) // 2
            attempt = self._passes(middle * lot)
            if isinstance(attempt, Refusal):
                high, broken = middle, attempt
            else:
                low, best = middle, attempt
        return Sized(best[0], best[1], broken)

    def _ceiling(self, lot: Decimal) -> tuple[Decimal, Refusal]:
        """The largest size allowed without looking at depth, and the rule behind it."""
        rules = self.rules
        bounds = (
            (rules.target_size * rules.weight, Refusal.TARGET),
            (self.funds.capital_size * rules.weight, Refusal.CAPITAL),
            (self.funds.base, Refusal.BASE_BALANCE),
        )
        size, bound = min(bounds, key=lambda pair: pair[0])
        return (floor_to(max(size, ZERO), lot), bound)

    def _smallest(self, lot: Decimal) -> Decimal:
        """The smallest size both markets take: worth their minimum at the ask, and at the limit by the touches.

        A larger size has a higher limit, so what passes at the lowest one passes at its own.
        """
        touch = self.triangle.touch()
        buying = ceil_quotient(self.buy_market.minimum_order_value, self.triangle.ask, lot)
        selling = ceil_quotient(
            self.sell_market.minimum_order_value, self._limit_price(touch, self.costs_of(touch)), lot
        )
        return max(buying, selling, lot)

    def _passes(self, size: Decimal) -> tuple[Walk, Decimal] | Refusal:
        """The walk and limit price of a size, or the first rule it breaks."""
        walk = self.triangle.walk(size)
        if isinstance(walk, Refusal):
            return walk
        rules, costs = self.rules, self.costs_of(walk)
        bid, ask = self.triangle.bid, self.triangle.ask
        if not reaches(walk.out, walk.paid, self.threshold_of(walk.direction, costs)):
            return Refusal.BELOW_THRESHOLD
        if not exceeds(walk.net_out(costs), walk.net_paid(costs), rules.net_floor):
            return Refusal.BELOW_NET_FLOOR
        if walk.bought.total > ask * size * (ONE + rules.max_slippage):
            return Refusal.SLIPPAGE
        if walk.sold.total < bid * size * (ONE - rules.max_slippage):
            return Refusal.SLIPPAGE
        if walk.bought.worst > ask * (ONE + rules.collar):
            return Refusal.COLLAR
        limit = self._limit_price(walk, costs)
        if rules.limit_reference is LimitReference.BUY_VWAP and walk.sold.worst < limit:
            return Refusal.SELL_BELOW_LIMIT
        dearest = self.collar_price() if rules.buy_as is BuyAs.IOC else walk.bought.worst
        needed = size * dearest * (ONE + costs.buy) * (ONE + rules.cost_reserve)
        if needed > self.funds.quote:
            return Refusal.QUOTE_BALANCE
        if walk.paid > rules.max_notional:
            return Refusal.NOTIONAL_CAP
        return (walk, limit)

    def costs_of(self, walk: Walk) -> Costs:
        """What this size pays: no FX fee only if the drift ends nearer to zero than it is, or as near. A larger size
        can only lose that, so sizing stays monotone.
        """
        if self.drift is None:
            return self.costs
        if walk.direction is Direction.BUY_DOMESTIC:
            after = self.drift + walk.sold.total * (ONE - self.costs.sell)
        else:
            after = self.drift - walk.bought.total * (ONE + self.costs.buy)
        return self.costs if abs(after) > abs(self.drift) else Costs(self.costs.buy, self.costs.sell, ZERO)

    def threshold_of(self, direction: Direction, costs: Costs) -> Decimal:
        """The gross edge to reach at these costs."""
        return costs.break_even(direction) + self.threshold if self.cost_plus else self.threshold

    def collar_price(self) -> Decimal:
        """The dearest price the buy leg may pay, on the tick."""
        return floor_to(self.triangle.ask * (ONE + self.rules.collar), self.buy_market.tick)

    def _limit_price(self, walk: Walk, costs: Costs) -> Decimal:
        """The sell leg's limit, rounded up to the tick."""
        tick = self.sell_market.tick
        if self.rules.limit_reference is LimitReference.SELL_ASK:
            ask = self.triangle.sell.ask
            if ask is None:
                raise BookError(f"{self.triangle.sell.symbol}: no ask")
            return ceil_quotient(ask * (ONE + self.rules.limit_markup), ONE, tick)
        return limit_price(walk.direction, walk.bought, walk.fx, costs, self.rules, tick)


def limit_price(
    direction: Direction, bought: Sweep, fx: Sweep, costs: Costs, rules: TradeRules, tick: Decimal
) -> Decimal:
    """L = V k / FX_bid (buying domestic) or V k FX_ask (buying foreign), rounded up to the tick.

    V is the buy VWAP, FX the VWAP of the FX walk, k = max(1 + markup, (1+f_buy)(1+floor) / (1-f_sell) x F) with
    F = 1/(1-f_fx) or (1+f_fx): a fill at the limit can never lie below the net floor. Kept as one fraction, so that
    rounding up is exact.
    """
    markup = ONE + rules.limit_markup
    floor_out = (ONE + costs.buy) * (ONE + rules.net_floor)
    floor_in = ONE - costs.sell
    if direction is Direction.BUY_DOMESTIC:
        floor_in *= ONE - costs.fx
        over, under = bought.total * fx.size, bought.size * fx.total
    else:
        floor_out *= ONE + costs.fx
        over, under = bought.total * fx.total, bought.size * fx.size
    if markup * floor_in >= floor_out:
        return ceil_quotient(over * markup, under, tick)
    return ceil_quotient(over * floor_out, under * floor_in, tick)
