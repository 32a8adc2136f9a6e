"""S5: the base that may be one-sided in the worst case, by the venue's truth, at every instant."""

from __future__ import annotations

from decimal import Decimal

from tests.sim.checker.limits import Limits
from tests.sim.checker.report import Report
from tests.sim.checker.truth import Truth

ZERO = Decimal(0)


class ExposureJudge:
    """Filled, open and on its way, against the largest hedge and the dust that may be carried."""

    def __init__(self, limits: Limits, truth: Truth, report: Report) -> None:
        self._cap = limits.largest_hedge + limits.dust_cap
        self._truth = truth
        self._report = report

    def look(self, underway: dict[str, dict[str, str]]) -> None:
        """Compute the interval and hold it against the cap."""
        truth = self._truth
        low = high = truth.net
        for order in truth.open_orders():
            if order.side.value == "buy":
                high += order.remaining
            else:
                low -= order.remaining
        gone = truth.may_go_against()
        for fields in underway.values():
            if not fields["market"].startswith(truth.base):
                continue
            if fields["side"] == "buy":
                high += Decimal(fields["amount"])
            else:
                low -= Decimal(fields["amount"])
            gone += Decimal(fields["amount"]) if truth.believed_gone(fields.get("client_order_id", "")) else ZERO
        cap = self._cap + gone
        if high > cap or low < -cap:
            self._report.fail("S5", f"exposure [{low}, {high}] beyond {cap}")
