"""S12 and L3: what comes alive or fills against all evidence is told and halts in the same breath; an order whose plan
is closed is cancelled again and again while it rests.
"""

from __future__ import annotations

from tests.sim.checker.fold import Fold, Json
from tests.sim.checker.report import Report
from tests.sim.checker.truth import Truth

TAKEN_FOR = ("absent", "rejected")
STOPPED = ("halted", "panic")
WITHIN_US = (2_000_000, 5_000_000, 8_000_000)
"""The first cancel of a stray comes within this, and the next ones of the one before; later ones take their time."""


class StrayJudge:
    """Looks at each line before it is folded, at each commit after it, and at the time that passes."""

    def __init__(self, fold: Fold, truth: Truth, report: Report) -> None:
        self._fold = fold
        self._truth = truth
        self._report = report
        self._untold: list[tuple[str, str]] = []
        """Of this commit: the order, and what its alert must hold."""
        self._cancels: dict[str, list[int]] = {}
        """By orders that came alive: when that was, and when a cancel was intended since."""

    def began(self, now_us: int) -> None:
        """A new process begins anew."""
        self._cancels = {name: [now_us] for name in self._cancels}

    def line(self, kind: str, line: Json, now_us: int) -> None:
        """One line of a commit."""
        name = line.get("client_order_id", "")
        order = self._fold.orders.get(name)
        if kind == "fill_booked" and line["late"]:
            self._untold.append((name, str(line["fill"]["trade_id"])))
        elif kind == "order_moved" and order is not None:
            if line["state"] == "live" and order.state in TAKEN_FOR:
                self._truth.found_alive(name)
                self._untold.append((name, order.state))
                self._cancels[name] = [now_us]
        elif kind == "cancel_intended" and name in self._cancels:
            self._cancels[name].append(now_us)

    def committed(self) -> None:
        """A commit was folded: a person has heard of each contradiction in it, and nothing new is opened."""
        untold, self._untold = self._untold, []
        for name, word in untold:
            here = self._fold.alerts[self._fold.alerts_before :]
            told = any(each["name"] == "order_contradiction" and name in each["text"] for each in here)
            if not told:
                self._report.fail("S12", f"{name} contradicts what was known ({word}), and nobody is told")
            if self._fold.mode not in STOPPED:
                self._report.fail("S12", f"{name} contradicts what was known ({word}) in mode {self._fold.mode}")

    def look(self, now_us: int, *, asleep: bool) -> None:
        """An instant of a living process's."""
        if asleep:
            self._cancels.clear()
            return
        for name, times_us in list(self._cancels.items()):
            order, story = self._fold.orders[name], self._fold.hedges.get(self._fold.orders[name].hedge)
            true = self._truth.order(name)
            if order.state != "live" or true is None or true.order_id not in self._truth.account.open_orders:
                continue
            closed = story is not None and story.closed is not None
            done = len(times_us) - 1
            if closed and done < len(WITHIN_US) and now_us - times_us[-1] > WITHIN_US[done]:
                self._report.fail("L3", f"{name} came alive, its plan is closed, and it is not cancelled any more")
