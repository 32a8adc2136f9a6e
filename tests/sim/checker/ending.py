"""L1 to L6: once faults have stopped, everything comes to an end, or a person is told the truth of what did not; and
whenever a process leaves, it says what it leaves behind.
"""

from __future__ import annotations

import re
from decimal import Decimal

from tests.sim.checker.fold import ENDED, UNREAD, Fold, HedgeStory
from tests.sim.checker.limits import Limits
from tests.sim.checker.money import MoneyJudge
from tests.sim.checker.report import Report
from tests.sim.checker.truth import Truth

OK, AUTH, NOT_FLAT = 0, 21, 22
READ_ENDS = (OK, NOT_FLAT)
"""Exit codes of processes that could read the account to the last."""
LEAVING = (AUTH, NOT_FLAT)
"""Exit codes of processes that may leave something behind, which an alert names."""
LONG_US = 30_000_000
"""Beyond its lag, for a row that a process has not booked which is not in order."""
UNTIL_KNOWN = "may still fill"
"""A leg of which this is said is left open until its doubt ends, and no longer."""
LEFT = re.compile(r"exposure \[(\S+), (\S+)\]")
NO_LEDGER = UNREAD | {"row_missing", "row_contradiction", "ledger_difference"}
"""Alerts by which a person hears why the ledger does not agree: no others do, and none of an earlier process."""
FOUNDED = re.compile(r"leg_open|fx_given_up|mode_.*|limit_.*|ramp_reduced|settlement_stuck")
"""Alerts that have a cause where nothing goes wrong: markets move, and by that alone legs are left open, conversions
unfilled, limits reached and weights lessened, and the venue takes its time over a withdrawal; but nothing is lost or in
contradiction.
"""


class EndJudge:
    """Looks when all should have settled, and whenever a process has left."""

    def __init__(self, limits: Limits, fold: Fold, truth: Truth, money: MoneyJudge, report: Report) -> None:
        self._limits = limits
        self._fold = fold
        self._truth = truth
        self._money = money
        self._report = report
        self._calm = False
        """Faults have stopped, and there was time to read everything."""

    def settled(self, *, feed_up: bool, since_us: int) -> None:
        """Long after faults stopped; what the venue booked at `since_us` or later may not have been read yet, and what
        was sent since may still be on its way: where an edge never ends, nor does the trading.
        """
        self._calm = True
        fold = self._fold
        told = {alert["name"]: alert["text"] for alert in fold.alerts if alert["severity"] == "critical"}
        critical = [alert["text"] for alert in fold.alerts if alert["severity"] == "critical"]
        everything = " ".join(text for text in critical if UNTIL_KNOWN not in text)
        alive = [order for order in fold.orders.values() if order.state not in ENDED]
        young = {order.hedge for order in alive if order.at_us >= since_us}
        for order in alive:
            if order.name not in everything and order.at_us < since_us:
                self._report.fail("L2", f"{order.name} is still {order.state} and nobody was told")
        net = self._truth.net
        room = max(self._truth.dust(), self._limits.dust_cap)
        given_up = sum((self._given_up(hedge, story) for hedge, story in fold.hedges.items()), Decimal(0))
        flat = abs(net - given_up) < room
        sold, bought = self._truth.against_words()
        by_lies = sold - room < net < bought + room
        in_doubt = [order.name for order in alive if order.name in everything]
        left = any(
            alert["name"] == "leg_open"
            and fold.open_hedge is not None
            and fold.open_hedge in alert["text"]
            and UNTIL_KNOWN not in alert["text"]
            for alert in fold.alerts
        )
        carried = fold.mode != "active" and "carried dust of" in everything and abs(net - given_up) < 2 * room
        left_by_word = left or fold.mode == "panic" or in_doubt
        if not flat and not young and not (told and (left_by_word or by_lies or carried)):
            self._report.fail("L1", f"one-sided by {net} in mode {fold.mode}; alerts: {sorted(told) or 'none'}")
        if fold.open_hedge is not None and fold.open_hedge not in young and not left_by_word:
            self._report.fail("L1", f"{fold.open_hedge} is still open and nobody was told")
        here = {alert["name"] for alert in fold.alerts[fold.alerts_before :]}
        late = any(row.at_us >= since_us for row in self._truth.rows())
        if not (fold.agreed or late or in_doubt) and fold.open_hedge is None and here.isdisjoint(NO_LEDGER):
            self._report.fail("L6", f"the ledger does not agree, and nobody was told; alerts: {sorted(here) or 'none'}")
        if not feed_up:
            self._report.fail("L4", "the feed did not come back")

    def _given_up(self, hedge: str, story: HedgeStory) -> Decimal:
        """What a hedge holds since the opening that a person gave up; that somebody heard how much is judged apart."""
        closed = story.closed
        if closed is None or closed["outcome"] != "abandoned" or hedge in self._fold.before_anchor:
            return Decimal(0)
        return Decimal(closed["dust"])

    def left(self, code: int | None) -> None:
        """A process has left with this code."""
        fold, truth = self._fold, self._truth
        if code is None or fold.stopped is None or fold.stopped["code"] != code:
            self._report.fail("L3", f"left with {code}, the journal says {fold.stopped}")
            return
        last = fold.alerts[fold.alerts_before :][-3:]
        words = " ".join(alert["text"] for alert in last)
        for order in truth.open_orders():
            name = order.client_order_id or ""
            if (code == OK or name not in words) and not truth.believed_gone(name):
                self._report.fail("L3", f"{name} still rests; code {code}, alerts: {words or 'none'}")
        for intent in fold.orders.values():
            if intent.state not in ENDED and (code not in LEAVING or intent.name not in words):
                self._report.fail("L2", f"{intent.name} is {intent.state} at the end; code {code}, alerts: {words}")
        known = truth.net - truth.unheard(fold.fills)
        if abs(known) >= truth.dust() and abs(known) > Decimal("1e-8"):
            self._one_sided(code, known, last)
        if code == OK and fold.position != known:
            self._report.fail("S3", f"the journal's position is {fold.position}, the truth {known}")
        if self._limits.undisturbed:
            self._unfounded(code)

    def _one_sided(self, code: int, net: Decimal, last: list[dict[str, str]]) -> None:
        """Not flat: the code and an alert must say so, and say the truth."""
        told = [LEFT.search(alert["text"]) for alert in last if alert["name"] == "stopped_not_flat"]
        spans = [(Decimal(found[1]), Decimal(found[2])) for found in told if found is not None]
        if code not in LEAVING or not spans:
            self._report.fail("L1", f"left one-sided by {net} with code {code}")
        elif not any(low <= net <= high for low, high in spans):
            self._report.fail("L1", f"left one-sided by {net}, told as {spans}")

    def _unfounded(self, code: int) -> None:
        """Where nothing went wrong nobody is called without a cause, and all ends in order."""
        names = sorted({alert["name"] for alert in self._fold.alerts})
        odd = [name for name in names if not FOUNDED.fullmatch(name) and name != "stopped_not_flat"]
        if odd or (code != OK and "leg_open" not in names):
            self._report.fail("L1", f"a life without a fault ends with {code}, alerts: {', '.join(names) or 'none'}")

    def finish(self, code: int | None, lag_us: int, now_us: int) -> None:
        """The last process has left with this code: what is in order has every fill and row booked."""
        in_order = code == OK
        if in_order:
            self._money.all_fills()
        if self._fold.unread:
            return
        if in_order:
            self._money.all_rows(lag_us=lag_us, now_us=now_us)
        elif self._calm and code in READ_ENDS and not self._report.violations:
            self._money.all_rows(lag_us=lag_us + LONG_US, now_us=now_us)
