"""S7: no hedge is decided below the net floor, off the grid or beyond the collar, and losses have names."""

from __future__ import annotations

from tests.mutants.grounds import FEES, one_test
from tests.mutants.mutant import Edit, mutant

FLOOR_LAW = one_test("tests/engine/test_edge_laws.py::test_the_threshold_is_reached_and_the_floor_exceeded")

MUTANTS = (
    mutant(
        "S7", "limit-rounded-down", "the sell leg's limit is rounded to the wrong side of the floor",
        ("engine/sizing.py", "    return ceil_quotient(over * floor_out, under * floor_in, tick)\n",
         "    return floor_to(over * floor_out / (under * floor_in), tick)\n"),
    ),
    mutant(
        "S7", "net-floor-negated", "the net edge may lie as far below zero as it should lie above",
        ("engine/sizing.py", "walk.net_paid(costs), rules.net_floor)",
         "walk.net_paid(costs), -rules.net_floor - rules.max_slippage)"),
        Edit("engine/sizing.py", "floor_out = (ONE + costs.buy) * (ONE + rules.net_floor)",
             "floor_out = (ONE + costs.buy) * (ONE - rules.net_floor - rules.max_slippage)"),
        hunted=FEES,
    ),
    mutant(
        "S7", "net-floor-reached", "a net edge of exactly the floor is enough",
        ("engine/spread.py", "    return out > paid * (ONE + rate)\n", "    return out >= paid * (ONE + rate)\n"),
        hunted=FLOOR_LAW,
    ),
    mutant(
        "S7", "sell-fee-forgotten", "the sell leg is thought to cost nothing",
        ("engine/entry.py", "sell.maker if resting else sell.taker, fx)", "ZERO, fx)"),
    ),
    mutant(
        "S7", "fx-fee-sign", "the conversion's fee is counted as income",
        ("engine/spread.py", "return out * (ONE - costs.fx) if self.direction is _BUY_DOMESTIC else out",
         "return out * (ONE + costs.fx) if self.direction is _BUY_DOMESTIC else out"),
        Edit("engine/sizing.py", "        floor_in *= ONE - costs.fx\n", "        floor_in *= ONE + costs.fx\n"),
        hunted=FEES,
    ),
    mutant(
        "S7", "fx-fee-never", "whatever the policy, no hedge pays for its conversion",
        ("engine/entry.py", "fx = ZERO if rules.fx_policy is FxPolicy.NEVER else", "fx = ZERO if True else"),
    ),
    mutant(
        "S7", "fx-fee-never-in-the-band", "within the band no hedge pays for its conversion, however far it drives it",
        ("engine/sizing.py", "return self.costs if abs(after) > abs(self.drift) else Costs",
         "return self.costs if False else Costs"),
    ),
    mutant(
        "S7", "collar-ignored", "a purchase may sweep the book to any price",
        ("engine/sizing.py", "if walk.bought.worst > ask * (ONE + rules.collar):", "if False:"),
    ),
    mutant(
        "S7", "collar-not-on-the-tick", "a limit lies between two ticks",
        ("engine/sizing.py",
         "        return floor_to(self.triangle.ask * (ONE + self.rules.collar), self.buy_market.tick)\n",
         "        return floor_to(self.triangle.ask * (ONE + self.rules.collar), self.buy_market.tick / 7)\n"),
    ),
    mutant(
        "S7", "lot-ignored", "sizes are not on the venue's grid",
        ("engine/sizing.py", "        return max(self.buy_market.lot, self.sell_market.lot)\n",
         "        return max(self.buy_market.lot, self.sell_market.lot) / 7\n"),
    ),
    mutant(
        "S7", "notional-cap-ignored", "a hedge may be worth any amount",
        ("engine/sizing.py", "        if walk.paid > rules.max_notional:\n", "        if False:\n"),
    ),
    mutant(
        "S7", "minimum-ignored", "orders are sent that the venue is known not to take",
        ("engine/sizing.py", "        return max(buying, selling, lot)\n", "        return lot\n"),
    ),
    mutant(
        "S7", "settled-without-fees", "the realised result leaves the fees out",
        ("engine/hedge.py",
         "currency: hedge.deltas.get(currency, ZERO) - hedge.fees.get(currency, ZERO) for currency",
         "currency: hedge.deltas.get(currency, ZERO) for currency"),
    ),
    mutant(
        "S7", "settled-with-a-bonus", "the realised result is told a hundred too high",
        ("engine/hedge.py", "        realised_pnl=round_price(pnl),\n",
         "        realised_pnl=round_price(pnl + 100),\n"),
    ),
    mutant(
        "S7", "fx-result-reversed", "what a conversion has made is told with the other sign",
        ("engine/fx_desk.py", "                realised_pnl=conversion.realised,\n",
         "                realised_pnl=-conversion.realised,\n"),
    ),
    mutant(
        "S7", "fx-result-by-the-last-rate", "a conversion is held against no average of what it converts",
        ("engine/foreign.py", "        taken = self.value if whole else (self.value * -change / self.outstanding)",
         "        taken = self.value if whole else (value)"),
    ),
    mutant(
        "S7", "legs-of-two-hedges", "a settlement counts the rows of one leg only",
        ("engine/own.py", "            self.deltas[currency] = self.deltas.get(currency, ZERO) + delta\n",
         "            self.deltas[currency] = delta\n"),
    ),
)  # fmt: skip
