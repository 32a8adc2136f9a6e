"""L6 and S4: what a person asks for with a rebase is done, or told as undone; nothing is given up without a word."""

from __future__ import annotations

import re
from decimal import Decimal

from tests.sim.checker.fold import ENDED, Fold, Json
from tests.sim.checker.report import Report

NUMBER = re.compile(r"[+-]?\d+\.?\d*(?:E[+-]?\d+)?")
OLD_US = 3_600_000_000
"""By the process's clock: a rebase that has waited for so long may be dropped."""


class RebaseJudge:
    """Follows a person's wish for a new opening through the journal, over the ends of processes too."""

    def __init__(self, fold: Fold, report: Report) -> None:
        self._fold = fold
        self._report = report
        self._asked: Json | None = None
        """The rebase that waits."""
        self._stops = False
        """The process leaves with this commit: the rebase ends here."""
        self._dropped: Json | None = None
        self._undone = False
        """This commit tells a person that the rebase was not done."""
        self._left: set[str] = set()
        """Hedges of which this process has written that they are left open."""
        self._given_up: dict[str, Decimal] = {}
        """Hedges that this commit gives up, with what is one-sided of them, until somebody is told."""

    def began(self) -> None:
        """A new process: what it has not found out itself it must not act on; what was asked for waits on."""
        self._left.clear()

    def line(self, kind: str, line: Json) -> None:
        """A line, before it is folded."""
        if kind == "rebase_asked":
            self._asked = line
        elif kind == "rebase_dropped":
            self._dropped = line
        elif kind == "anchor_set":
            self._anchored(line)
        elif kind == "exit_planned" and line["action"] == "leave":
            self._left.add(line["hedge_id"])
        elif kind == "hedge_closed" and line["outcome"] == "abandoned":
            self._abandoned(line)
        elif kind == "alert_raised":
            self._told(line)
        elif kind == "stopped":
            self._stops = True

    def committed(self) -> None:
        """All lines of a commit are there."""
        if self._dropped is not None:
            self._drop(self._dropped)
        elif self._stops and self._asked is not None:
            self._report.fail("L6", f"the rebase by {self._asked['who']} waits on although the process has stopped")
            self._asked = None
        for hedge, amount in self._given_up.items():
            self._report.fail("L1", f"{hedge} is given up with {amount} one-sided, and nobody is told how much")
        self._given_up.clear()
        self._dropped, self._stops, self._undone = None, False, False

    def settled(self) -> None:
        """Faults stopped long ago: what nothing is in the way of has been done."""
        fold = self._fold
        waits = any(order.state not in ENDED for order in fold.orders.values())
        open_hedge = fold.open_hedge is not None and fold.mode not in ("halted", "panic")
        idle = not (waits or open_hedge or fold.open_conversion)
        if self._asked is not None and idle and not fold.unread:
            self._report.fail("L6", f"the rebase by {self._asked['who']} is not done, and nothing is in its way")

    def _drop(self, line: Json) -> None:
        asked, self._asked = self._asked, None
        if asked is None:
            self._report.fail("L6", "a rebase is dropped that nobody waits for")
            return
        if not self._stops and line["utc_us"] - asked["utc_us"] < OLD_US:
            self._report.fail("L6", f"the rebase by {asked['who']} is dropped although it has not waited for long")
        if not self._undone:
            self._report.fail("L6", f"the rebase by {asked['who']} is dropped, and nobody is told")

    def _anchored(self, line: Json) -> None:
        if line["cause"] == "rebase" and self._asked is None:
            self._report.fail("S4", f"a rebase by {line['who']}, which nobody waits for")
        if line["cause"] == "opening" and (self._fold.anchored or self._asked is not None):
            self._report.fail("S4", "an opening although there is one, or a person has asked for a rebase")
        self._asked = None

    def _abandoned(self, line: Json) -> None:
        hedge = line["hedge_id"]
        if self._asked is None:
            self._report.fail("S13", f"{hedge} is given up, and nobody waits for a rebase")
        if self._fold.mode != "panic" and (self._fold.mode != "halted" or hedge not in self._left):
            self._report.fail("S13", f"{hedge} is given up in mode {self._fold.mode}, and no plan leaves it open")
        self._given_up[hedge] = abs(Decimal(line["bought"]) - Decimal(line["sold"]))

    def _told(self, line: Json) -> None:
        self._undone = self._undone or line["name"] == "rebase_undone"
        if line["name"] == "hedge_abandoned" and line["severity"] == "critical":
            amounts = {abs(Decimal(each)) for each in NUMBER.findall(line["text"])}
            told = [hedge for hedge, amount in self._given_up.items() if hedge in line["text"] and amount in amounts]
            for hedge in told:
                del self._given_up[hedge]
