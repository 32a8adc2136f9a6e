"""S4 and S6: what a process must have been told before it may begin something: the whole account, and no halt."""

from __future__ import annotations

import json
import re

from tests.sim.checker.report import Report

DISABLED = re.compile(r"Trading on (\w+)/(\w+) is disabled")
LIST = "the list of markets"
ROWS, BALANCES, WHOLE = 1, 2, 3
"""How far a reading is: rows, then balances, then rows again."""


class ToldJudge:
    """Reads the replies and announcements that reach a process."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._reading = 0
        self._halted: dict[str, str] = {}
        """Markets and who says so of them. An announcement stands until a list has shown the halt as well: one that
        has not caught up with it still says that all is well.
        """

    def began(self) -> None:
        """A new process knows nothing."""
        self._reading = 0
        self._halted.clear()

    def rows_read(self, body: bytes) -> None:
        """A reply with rows of the account."""
        if body.lstrip().startswith(b"["):
            self._reading = {0: ROWS, BALANCES: WHOLE}.get(self._reading, self._reading)

    def balances_read(self) -> None:
        """A reply with balances."""
        self._reading = BALANCES if self._reading == ROWS else self._reading

    def markets_read(self, body: bytes) -> None:
        """A reply with the list of markets."""
        try:
            trading = {row["market_symbol"]: row["trading"] for row in json.loads(body)}
        except (ValueError, TypeError, KeyError):
            return
        for market, word in trading.items():
            if word != "Enabled":
                self._halted[market] = LIST
            elif self._halted.get(market) == LIST:
                del self._halted[market]

    def announced(self, body: bytes) -> None:
        """An announcement on the stream."""
        found = DISABLED.search(body.decode(errors="replace").replace("\\/", "/"))
        if found is not None:
            self._halted[f"{found[1]}{found[2]}".lower()] = "an announcement"

    def resumed(self) -> None:
        """A person says that all is well."""
        self._halted.clear()

    def opened(self, name: str, markets: tuple[str, ...]) -> None:
        """A hedge or conversion is decided."""
        if self._reading != WHOLE:
            self._report.fail("S4", f"{name} opens before this process has read the whole account")
        for market in markets:
            if market in self._halted:
                self._report.fail("S6", f"{name} opens although {self._halted[market]} says that {market} is halted")
