"""R: the risk limits, counted by our own sums over the journal's lines and true time, whenever a hedge is decided."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from decimal import Decimal

from tests.sim.checker.fold import Json
from tests.sim.checker.report import Report

HOUR_US = 3_600_000_000
MINUTE_US = 60_000_000
CLOCK_ROOM_US = 160_000_000
"""The daemon counts by a clock that may be set by this much, or it could not sign; an hour is never shorter than so."""
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """What the rules promise. Money is domestic currency."""

    notional_per_hour: Decimal
    daily_loss: Decimal
    max_hedges: int
    hedges_window_us: int
    losers_in_row: int
    duplicate_us: int
    orders_per_minute: int
    steady: bool
    """No clock is set in this life, so that short windows can be counted too."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A hedge as it was decided."""

    at_us: int
    worth: Decimal
    direction: str
    books: tuple[int, ...]
    size: Decimal
    limit: Decimal


class RiskJudge:
    """Remembers what was opened, settled and ordered; a person's resume lets the counts of what tripped begin anew."""

    def __init__(self, limits: RiskLimits, report: Report) -> None:
        self._limits = limits
        self._report = report
        self._opened: deque[Opened] = deque()
        self._orders: deque[int] = deque()
        self._resumed_us = 0
        self._losers = 0
        self._lost = Decimal(0)

    def line(self, kind: str, line: Json, now_us: int) -> None:
        """One line of a commit."""
        if kind == "hedge_opened":
            self._hedge(line, now_us)
        elif kind == "order_intended":
            self._orders.append(now_us)
        elif kind == "hedge_settled":
            pnl = Decimal(line["realised_pnl"])
            self._lost -= pnl
            if pnl:
                self._losers = self._losers + 1 if pnl < 0 else 0
        elif kind == "mode_changed" and line["mode"] == "active":
            self._resumed_us, self._losers, self._lost = now_us, 0, min(self._lost, Decimal(0))

    def _hedge(self, line: Json, now_us: int) -> None:
        limits, name = self._limits, line["hedge_id"]
        domestic = line["direction"] == "buy_domestic"
        worth = Decimal(line["size"]) * Decimal(line["buy_vwap"]) * (1 if domestic else Decimal(line["fx_vwap"]))
        this = Opened(
            now_us,
            worth,
            line["direction"],
            tuple(line["book_microtimestamps"]),
            Decimal(line["size"]),
            Decimal(line["limit_price"]),
        )
        while self._opened and self._opened[0].at_us <= now_us - HOUR_US + CLOCK_ROOM_US:
            self._opened.popleft()
        spent = sum((each.worth for each in self._opened), worth)
        if spent > limits.notional_per_hour + CENT:
            self._report.fail("R", f"{name} brings the hour's notional to {spent} of {limits.notional_per_hour}")
        if self._losers >= limits.losers_in_row:
            self._report.fail("R", f"{name} opens after {self._losers} losers in a row")
        if self._lost >= limits.daily_loss:
            self._report.fail("R", f"{name} opens after a loss of {self._lost} today")
        self._repeated(this, name)
        if limits.steady:
            self._throttled(name, now_us)
        self._opened.append(this)

    def _repeated(self, this: Opened, name: str) -> None:
        for each in self._opened:
            if each.direction != this.direction:
                continue
            if each.books == this.books:
                self._report.fail("R", f"{name} opens on the books of an earlier hedge")
            same = (each.size, each.limit) == (this.size, this.limit)
            if same and self._limits.steady and each.at_us > this.at_us - self._limits.duplicate_us:
                self._report.fail("R", f"{name} is the same as a hedge just before")

    def _throttled(self, name: str, now_us: int) -> None:
        limits = self._limits
        since_us = max(now_us - limits.hedges_window_us, self._resumed_us)
        if sum(each.at_us > since_us for each in self._opened) >= limits.max_hedges:
            self._report.fail("R", f"{name} is one hedge more than {limits.max_hedges} within the window")
        while self._orders and self._orders[0] <= now_us - MINUTE_US:
            self._orders.popleft()
        if len(self._orders) + 2 > limits.orders_per_minute:
            self._report.fail("R", f"{name} brings {len(self._orders) + 2} orders into a minute")
