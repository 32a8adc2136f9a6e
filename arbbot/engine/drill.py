"""Readiness drills: now and then one hedge of about the venue's minimum without an edge, to see that everything works.

A drill goes the way of every hedge: risk, both legs at once, the one-leg table, the ledger. It is told apart by a label
and by its price: its sale is marketable at once, so it loses its fees, the FX leg's among them, and the spread, within
a budget of the UTC day. So it is evidence of the operation and never of the edge, and its result is in no sum of
hedges.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from arbbot.domain.book import BookError
from arbbot.domain.market import Direction
from arbbot.domain.money import ONE, ZERO, ceil_quotient, floor_to
from arbbot.engine.core import SECOND_NS, Core, ns
from arbbot.engine.entry import Entry
from arbbot.engine.hedge import HedgeDesk
from arbbot.engine.ramp import clock_agrees
from arbbot.engine.refusal import EXPLANATIONS, Refusal
from arbbot.engine.rules import DrillRules
from arbbot.engine.sizing import Sized, Sizer
from arbbot.engine.view import NEVER

LOOK_EVERY_NS = SECOND_NS
OVER_MINIMUM = Decimal("1.1")
"""So that a leg which is alone is still worth an order when the price has fallen a little."""


class Plan(NamedTuple):
    """A drill one way round."""

    direction: Direction
    sizer: Sizer
    sized: Sized
    expected: Decimal
    """Numeraire, all fees that the policy counts off, the FX leg's with them: nearly always a loss."""
    worst: Decimal
    """Loss, unsigned, should a leg have to be left at the cap of a forced exit besides."""


class Drills:
    """Opens a drill when nothing else has shown for long that hedging works."""

    def __init__(self, core: Core, entry: Entry, hedges: HedgeDesk) -> None:
        self._core = core
        self._entry = entry
        self._hedges = hedges
        self._look_ns = NEVER
        self.waiting: str | None = None
        """Why there is no drill now, in plain words; None where there is none to be, or one was just opened."""

    def tick(self) -> None:
        """Look once a second whether one is due, and open it."""
        core, rules = self._core, self._core.rules.drill
        if rules is None or core.stopping is not None or core.at.mono_ns < self._look_ns:
            return
        self._look_ns = core.at.mono_ns + LOOK_EVERY_NS
        self.waiting = self._try(rules)

    def _try(self, rules: DrillRules) -> str | None:
        """Open a drill where one is due; what is in its way."""
        core = self._core
        if not clock_agrees(core):
            return "this machine's clock and the venue's do not agree"
        hedged_us = core.state.drills.hedged_us
        if hedged_us is not None and 0 <= core.at.utc_us - hedged_us < ns(rules.every_s) // 1000:
            return None
        refusal = self._entry.blocked()
        if refusal is not None:
            return EXPLANATIONS[refusal]
        try:
            plans = [plan for plan in map(self._plan, Direction) if plan is not None]
        except BookError:
            return EXPLANATIONS[Refusal.BAD_BOOK]
        if not plans:
            return "neither way round is there a book, or money, for a hedge of the venue's minimum"
        best = max(plans, key=lambda plan: plan.expected)
        if core.state.drills.lost_on(core.at.utc_us) + best.worst > rules.budget:
            return f"one more might lose {best.worst:.2f}, and the day's budget has no room for that"
        return self._open(best)

    def _open(self, plan: Plan) -> str | None:
        refusal = self._entry.open(plan.direction, plan.sizer, plan.sized, drill=True)
        if refusal is not None:
            return EXPLANATIONS[refusal]
        opened = self._core.state.open_hedge_id
        assert opened is not None, "a drill that was not refused is open"
        self._hedges.opened(opened)
        return None

    def _plan(self, direction: Direction) -> Plan | None:
        """The smallest hedge this way round; None where books or balances do not carry it. Raises BookError."""
        sizer = self._entry.sizer(direction)
        assert sizer is not None, "where nothing is blocked all books are there"
        triangle, slack = sizer.triangle, self._core.rules.hedge.exit_slippage
        least = triangle.bid * (ONE - slack)
        buying = ceil_quotient(sizer.buy_market.minimum_order_value * OVER_MINIMUM, triangle.ask, sizer.lot)
        selling = ceil_quotient(sizer.sell_market.minimum_order_value * OVER_MINIMUM, least, sizer.lot)
        size = max(buying, selling, sizer.lot)
        walk = triangle.walk(size)
        if isinstance(walk, Refusal) or walk.bought.worst > triangle.ask * (ONE + sizer.rules.collar):
            return None
        costs = sizer.costs_of(walk)
        needed = size * sizer.collar_price() * (ONE + costs.buy) * (ONE + sizer.rules.cost_reserve)
        if size > sizer.funds.base or needed > sizer.funds.quote:
            return None
        limit = floor_to(walk.sold.worst * (ONE - slack), sizer.sell_market.tick)
        expected = walk.net_out(costs) - walk.net_paid(costs)
        worst = max(-expected, ZERO) + walk.paid * self._core.rules.hedge.forced_exit_loss
        return Plan(direction, sizer, Sized(walk, limit, Refusal.TARGET), expected, worst)
