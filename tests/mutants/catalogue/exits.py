"""S5, S6, S7, S13: what may be one-sided is bounded, and one plan removes it."""

from __future__ import annotations

from tests.mutants.grounds import CUT_OFF, DARK, DOUBTS, FALLS, LEFT_AT_STARTS, YANKED, one_test
from tests.mutants.mutant import Edit, mutant

OPEN_ORDERS = "    still_open = [order for order in orders if not order.state.terminal]\n"
GUARD = '    if core.state.live:\n        raise ValueError("no top-up while another order may fill")\n'
IMBALANCE = "        or order.size > abs(imbalance)\n"

MUTANTS = (
    mutant(
        "S6", "exits-survive-reconnect", "a leg is left on the books of a connection that is gone",
        ("engine/view.py", "        held = slot.book if slot.confirmed_ns >= oldest else None\n",
         "        held = slot.book if max(slot.confirmed_ns, slot.last_ns) >= oldest else None\n"),
        Edit("engine/view.py", "        self.book = book\n        self.confirmed_ns = now_ns\n",
             "        self.book = book\n        self.confirmed_ns = now_ns\n        self.last_ns = now_ns\n"),
        Edit("engine/view.py", "    min_levels: int = 0\n", "    last_ns: int = NEVER\n    min_levels: int = 0\n"),
        hunted=CUT_OFF,
    ),
    mutant(
        "S6", "asked-before-the-connection", "a leg is left on what REST was asked before the last subscription",
        ("engine/view.py", "        if asked_ns < slot.since_ns:\n            return False\n", ""),
        hunted=LEFT_AT_STARTS,
    ),
    mutant(
        "S5", "weight-ignored", "hedges are of the whole target size, whatever the weight",
        ("engine/sizing.py", "(rules.target_size * rules.weight, Refusal.TARGET)",
         "(rules.target_size, Refusal.TARGET)"),
    ),
    mutant(
        "S5", "exposure-forgets-doubt", "what is in doubt does not count as exposure",
        ("engine/own.py", "return ZERO if self.state.terminal else",
         "return ZERO if self.state.terminal or self.state is OrderState.IN_DOUBT else"),
        hunted=DARK,
    ),
    mutant(
        "S5", "doubt-is-over", "a hedge is closed, and the next begun, while an order of it is in doubt",
        ("engine/one_leg.py", OPEN_ORDERS,
         "    still_open = [order for order in orders if not order.state.terminal "
         "and order.state is not OrderState.IN_DOUBT]\n"),
        Edit("engine/risk.py", GUARD, ""),
        Edit("engine/risk.py", "    if state.in_doubt():\n        return Refusal.IN_DOUBT\n", ""),
        Edit("engine/risk.py", "if state.live or state.open_hedge_id is not None else None",
             "if state.open_hedge_id is not None else None"),
        hunted=DOUBTS,
    ),
    mutant(
        "S7", "exits-without-slippage-bound", "an exit's limit lies far beyond what it would sweep",
        ("engine/hedge.py", "        slack = core.rules.hedge.exit_slippage\n", "        slack = ONE / 50\n"),
        hunted=YANKED,
    ),
    mutant(
        "S7", "exit-a-tick-too-far", "an exit's limit is rounded past its slippage",
        ("engine/hedge.py", "limit = ceil_quotient(sweep.worst * (ONE - slack), ONE, instrument.tick)",
         "limit = floor_to(sweep.worst * (ONE - slack), instrument.tick)"),
        hunted=YANKED,
    ),
    mutant(
        "S7", "conversion-beyond-its-decision", "a conversion is ordered at another limit than it was decided at",
        ("engine/fx_desk.py", "OrderKind.IOC, plan.size, plan.limit)",
         "OrderKind.IOC, plan.size, plan.limit - 100 * plan.side.sign * fx.tick)"),
    ),
    mutant(
        "S13", "top-up-beside-the-other", "a leg is topped up while the other order may still fill",
        ("engine/one_leg.py", OPEN_ORDERS,
         "    still_open = [order for order in orders if not order.state.terminal and order.filled == 0]\n"),
        Edit("engine/risk.py", GUARD, ""),
    ),
    mutant(
        "S13", "exit-too-large", "an exit is of twice what is one-sided",
        ("engine/hedge.py", "        size = floor_to(imbalance, instrument.lot)\n",
         "        size = floor_to(imbalance * 2, instrument.lot)\n"),
        Edit("engine/risk.py", IMBALANCE, ""),
    ),
    mutant(
        "S13", "exit-one-lot-too-large", "an exit is one lot larger than what is one-sided",
        ("engine/hedge.py", "        size = floor_to(imbalance, instrument.lot)\n",
         "        size = floor_to(imbalance, instrument.lot) + instrument.lot\n"),
    ),
    mutant(
        "S13", "cancel-unanswered-is-cancelled", "an order is over because a cancel was sent",
        ("engine/tracker.py",
         "        watch = self._watches.get(event.client_order_id)\n        if watch is not None:\n"
         "            watch.next_ask_ns = core.at.mono_ns\n",
         "        order = core.state.orders.get(event.client_order_id)\n"
         "        if order is not None and not order.state.terminal:\n"
         "            self._finish(order, OrderState.CANCELED, event.outcome)\n"),
    ),
    mutant(
        "S13", "cancel-acknowledged-is-over",
        "an order is over once its cancel is confirmed, whatever it filled before",
        ("engine/tracker.py",
         "        watch = self._watches.get(event.client_order_id)\n        if watch is not None:\n"
         "            watch.next_ask_ns = core.at.mono_ns\n",
         "        order = core.state.orders.get(event.client_order_id)\n"
         "        if order is not None and not order.state.terminal and event.outcome == 'canceled':\n"
         "            self._finish(order, OrderState.CANCELED, event.outcome)\n"),
        hunted=one_test("tests/engine/test_doubt.py"),
    ),
    mutant(
        "S13", "terminal-without-fills",
        "an order that the venue calls over is over although its fills are not known yet",
        ("engine/tracker.py", "        if not adds_up:\n            last = watch.last_reading\n",
         "        if False:\n            last = watch.last_reading\n"),
        hunted=one_test("tests/engine/test_doubt.py"),
    ),
    mutant(
        "S13", "loss-cap-ignored", "a leg is left at any loss",
        ("engine/hedge.py", "        if best.loss > cap:\n", "        if False:\n"),
        hunted=YANKED,
    ),
    mutant(
        "S13", "dearer-way-out", "of two ways out the dearer one is taken",
        ("engine/hedge.py", "best = max(ways,", "best = min(ways,"),
        hunted=YANKED,
    ),
    mutant(
        "S13", "one-way-out-known", "only the first way out that is found is reckoned with",
        ("engine/hedge.py", "        if not ways and forced:\n",
         "        ways = ways[:1]\n        if not ways and forced:\n"),
        hunted=YANKED,
    ),
    mutant(
        "S13", "exits-forced-at-once", "an exit may lose what only a forced one may, from the first moment",
        ("engine/hedge.py", "        forced = core.halting or self._age_ns(hedge) >= ns(rules.force_s)\n",
         "        forced = True\n"),
        hunted=YANKED,
    ),
    mutant(
        "S13", "tops-up-beside-a-stray", "an exit goes out while an order of an earlier hedge has come alive",
        ("engine/hedge.py", "            case ExitImbalance() if self._core.state.live:\n                return",
         "            case ExitImbalance() if False:\n                return"),
        Edit("engine/risk.py", GUARD, ""),
        hunted=one_test("tests/engine/test_left_by_doubt.py"),
    ),
    mutant(
        "S13", "left-within-the-cap", "a leg is left open although there is a way out within the cap",
        ("engine/hedge.py", "        if best.loss > cap:\n", "        if forced or best.loss > cap:\n"),
        hunted=FALLS,
    ),
    mutant(
        "S13", "fx-fee-of-exits-reversed", "completing and unwinding count the conversion's fee the wrong way round",
        ("engine/hedge.py", "return 1 if (side is Side.BUY) is (purpose is Purpose.COMPLETE) else -1",
         "return -1 if (side is Side.BUY) is (purpose is Purpose.COMPLETE) else 1"),
        hunted=YANKED,
    ),
)  # fmt: skip
