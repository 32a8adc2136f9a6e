"""S2, S8, S11, S12, S13: order states, modes and plans, by the journal's lines in their order."""

from __future__ import annotations

from decimal import Decimal

from tests.sim.checker.fold import BY_A_PERSON, ENDED, Fold, Json
from tests.sim.checker.report import Report
from tests.sim.checker.truth import Truth

EVERYTHING = {"live", "in_doubt", "rejected", "filled", "canceled", "expired", "absent"}
TABLE: dict[str, set[str]] = {
    "intent": EVERYTHING,
    "live": {"live", "filled", "canceled", "expired", "absent"},
    "in_doubt": EVERYTHING,
    "rejected": {"live"},
    "absent": {"live"},
    "filled": set(),
    "canceled": set(),
    "expired": set(),
}
LOT = Decimal("0.00000001")
STRICTER = ("active", "paused", "reducing", "halted", "panic")
"""Modes; the program itself goes through them in this order only."""


class StateJudge:
    """Looks at each line before it is folded."""

    def __init__(self, fold: Fold, truth: Truth, report: Report) -> None:
        self._fold = fold
        self._truth = truth
        self._report = report
        self.stop_told = False
        self.underway: dict[str, dict[str, str]] = {}

    def line(self, kind: str, line: Json, *, corrupt: bool) -> None:
        """One line of a commit. `corrupt`: it follows a reply that proves nothing."""
        if kind == "order_moved":
            self._moved(line, corrupt=corrupt)
        elif kind == "order_intended":
            self._intended(line["terms"])
        elif kind == "hedge_opened":
            self._opened(line)
        elif kind == "conversion_opened":
            self._converts(line)
        elif kind == "hedge_closed":
            self._closed(line)
        elif kind == "mode_changed":
            self._mode(line)
        elif kind == "fill_booked":
            order = self._fold.orders.get(line["client_order_id"])
            if order is not None and (order.state in ENDED) is not line["late"]:
                self._report.fail("S12", f"{order.name} fills as {order.state}, told late: {line['late']}")

    def _mode(self, line: Json) -> None:
        before, after = STRICTER.index(self._fold.mode), STRICTER.index(line["mode"])
        if line["own"] and after <= before:
            self._report.fail("S8", f"the mode goes from {self._fold.mode} to {line['mode']} by itself")

    def _moved(self, line: Json, *, corrupt: bool) -> None:
        name, state = line["client_order_id"], line["state"]
        order = self._fold.orders.get(name)
        if order is None:
            self._report.fail("S12", f"{name} moves to {state} without an intent")
            return
        if state != order.state and state not in TABLE[order.state]:
            self._report.fail("S12", f"{name} moves from {order.state} to {state}: {line['cause']}")
        if state == "absent" and line["cause"].startswith(BY_A_PERSON):
            self._truth.called_absent(name, self.underway)
        if corrupt and state != "in_doubt":
            self._report.fail("S11", f"{name} becomes {state} by a reply that proves nothing: {line['cause']}")

    def _intended(self, terms: Json) -> None:
        name, purpose, mode = terms["client_order_id"], terms["purpose"], self._fold.mode
        if name in self._fold.orders:
            self._report.fail("S2", f"{name} is intended twice")
        if purpose == "leg" and (mode != "active" or self.stop_told):
            self._report.fail("S8", f"{name} is a leg in mode {mode}, stop told: {self.stop_told}")
        if mode == "panic":
            self._report.fail("S8", f"{name} is intended in panic")
        if purpose == "convert" and self._fold.open_conversion != terms["hedge_id"]:
            self._report.fail("S1", f"{name} converts without a conversion")
        if purpose in ("complete", "unwind"):
            self._exit(terms)

    def _exit(self, terms: Json) -> None:
        """A top-up: of exactly what is one-sided, when nothing else of the hedge can fill any more."""
        name, story = terms["client_order_id"], self._fold.hedges.get(terms["hedge_id"])
        if story is None:
            self._report.fail("S13", f"{name} belongs to no hedge")
            return
        if story.plans != story.exits + 1:
            self._report.fail("S13", f"{name} is exit {story.exits + 1} after {story.plans} plans")
        for other in story.orders:
            if self._fold.orders[other].state not in ENDED:
                self._report.fail("S13", f"{name} tops up while {other} is {self._fold.orders[other].state}")
            order = self._truth.order(other)
            resting = order is not None and order.order_id in self._truth.account.open_orders
            if not self._truth.believed_gone(other) and (other in self.underway or resting):
                self._report.fail("S13", f"{name} tops up while {other} can fill at the venue")
        for stray in self._fold.orders.values():
            if stray.state not in ENDED and stray.name not in story.orders:
                self._report.fail("S13", f"{name} tops up while {stray.name} of another plan is {stray.state}")
        imbalance = self._truth.hedge_imbalance(story.orders, self._fold.fills)
        sign = 1 if terms["side"] == "buy" else -1
        after = imbalance + sign * Decimal(terms["size"])
        if imbalance * sign >= 0 or (after * imbalance < 0 and abs(after) > LOT):
            self._report.fail("S13", f"{name} {terms['side']}s {terms['size']} against an imbalance of {imbalance}")

    def _opened(self, line: Json) -> None:
        if self._fold.mode != "active" or self.stop_told:
            self._report.fail("S8", f"{line['hedge_id']} opens in mode {self._fold.mode}, told: {self.stop_told}")
        self._alone(line["hedge_id"])

    def _converts(self, line: Json) -> None:
        """A conversion: under the rules of a hedge, but for reducing; towards zero, and not beyond."""
        name, drift = line["conversion_id"], self._fold.traded.get(line["foreign"], Decimal(0))
        if self._fold.mode not in ("active", "reducing") or self.stop_told:
            self._report.fail("S8", f"{name} opens in mode {self._fold.mode}, told: {self.stop_told}")
        self._alone(name)
        sign = 1 if line["side"] == "buy" else -1
        if Decimal(line["size"]) > abs(drift) or sign * drift >= 0:
            self._report.fail("S13", f"{name} {line['side']}s {line['size']} against a drift of {drift}")

    def _alone(self, name: str) -> None:
        """One thing at a time, and only on a ledger that agrees."""
        fold = self._fold
        if fold.open_hedge is not None or fold.open_conversion is not None:
            self._report.fail("S5", f"{name} opens beside {fold.open_hedge or fold.open_conversion}")
        living = [order.name for order in fold.orders.values() if order.state not in ENDED]
        if living:
            self._report.fail("S5", f"{name} opens while {', '.join(living)} may fill")
        if not fold.agreed:
            self._report.fail("S4", f"{name} opens although the ledger was not seen to agree")

    def _closed(self, line: Json) -> None:
        story = self._fold.hedges.get(line["hedge_id"])
        if story is None or story.closed is not None:
            self._report.fail("S12", f"{line['hedge_id']} closes without being open")
            return
        sums = {"buy": Decimal(0), "sell": Decimal(0)}
        for name in story.orders:
            order = self._fold.orders[name]
            sums[order.side] += order.filled
            if order.state not in ENDED:
                self._report.fail("S12", f"{line['hedge_id']} closes while {name} is {order.state}")
        if (Decimal(line["bought"]), Decimal(line["sold"])) != (sums["buy"], sums["sell"]):
            self._report.fail("S3", f"{line['hedge_id']} closes with {line['bought']}/{line['sold']}, fills say {sums}")
