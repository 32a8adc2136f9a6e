"""R: the risk limits, counted by our own sums over the journal's lines and true time: whenever something is decided,
and those that trip within moments of being reached.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from tests.sim.checker.day import DaySum, Reading
from tests.sim.checker.equity import Equity
from tests.sim.checker.fold import Fold, Json
from tests.sim.checker.profit import ProfitJudge
from tests.sim.checker.report import Report

HOUR_US = 3_600_000_000
MINUTE_US = 60_000_000
CLOCK_ROOM_US = 160_000_000
"""The daemon counts by a clock that may be set by this much, or it could not sign; an hour is never shorter than so."""
TRIPS_WITHIN_US = 3_000_000
"""Of a process that runs: limits are watched every second at least."""
LOOKS_EVERY_US = 200_000
CENT = Decimal("0.01")
ROOM = Decimal(45)
"""Of a day's notional, in which the least hedge always fits: with a quarter over the dearest minimum of a life."""
BASE = "btc"
ZERO = Decimal(0)
STOPPED = frozenset({"halted", "panic"})
SOFTER = STOPPED | {"reducing"}
DATED = frozenset(
    {
        "hedge_opened", "hedge_settled", "conversion_closed", "statement_agreed", "anchor_set", "refusals_counted",
        "limit_tripped",
    }
)  # fmt: skip
"""Lines whose date is judged by."""
KNOWN = frozenset({"live", "filled", "canceled", "expired", "rejected"})
"""States that tell whether the venue took an order."""


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """What the rules promise. Money is domestic currency."""

    notional_per_hour: Decimal
    notional_per_day: Decimal
    daily_loss: Decimal
    equity_loss: Decimal
    unhedged_notional: Decimal
    unhedged_us: int
    dust_cap: Decimal
    max_hedges: int
    hedges_window_us: int
    losers_in_row: int
    reject_window: int
    max_rejects: int
    duplicate_us: int
    orders_per_minute: int
    cancels_per_minute: int
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

    def __init__(self, limits: RiskLimits, fold: Fold, profit: ProfitJudge, report: Report) -> None:
        self._limits = limits
        self._fold = fold
        self._profit = profit
        self._report = report
        self.equity = Equity()
        self._opened: deque[Opened] = deque()
        self._orders: deque[int] = deque()
        self._cancels: deque[int] = deque()
        self._unknown: set[str] = set()
        """Orders without a word of the venue's."""
        self._refused: list[bool] = []
        """Of those with one, in its order: whether it was a no."""
        self._tripped: set[str] = set()
        self._resumed_us = 0
        self._open_us = 0
        """Since when the open hedge may have been one-sided, as its time is counted."""
        self._left_us: int | None = None
        """Since when there is more than dust that no open hedge answers for; after a restart, since it last changed."""
        self._left = ZERO, 0
        """Position without an open hedge, and since when, at the latest."""
        self._reached_us: dict[str, int] = {}
        """Since when a limit is reached and the mode does not say so."""
        self._looked_us = 0
        self.trips_within_us = TRIPS_WITHIN_US
        self._losers = 0
        self._lost, self._spent = DaySum(), DaySum()
        """What hedges and conversions have lost, and what hedges were to cost."""
        self._ahead_us = 0
        """Our clock minus the venue's, by the last line that tells."""
        self._counted: Reading | None = None
        """When refusals were last counted."""
        self.begun_anew = 0
        """Hedges that the day before had no room for."""

    def line(self, kind: str, line: Json, now_us: int) -> None:
        """One line of a commit."""
        if kind in DATED:
            self._ahead_us = line["utc_us"] - now_us
        self.equity.line(kind, line, now_us)
        self._counts(kind, line, self._at(now_us))
        if kind == "hedge_opened":
            self._hedge(line, now_us)
            self._open_us = now_us
        elif kind == "conversion_opened":
            self._ordered(line["conversion_id"], 1, now_us)
        elif kind == "order_intended":
            self._orders.append(now_us)
            self._unknown.add(line["terms"]["client_order_id"])
        elif kind == "cancel_intended":
            self._cancels.append(now_us)
        elif kind == "mode_changed" and line["mode"] == "active":
            self._resumed(now_us)
        elif kind == "refusals_counted":
            self._refusals(dict(line["counts"]), self._at(now_us))
        elif kind == "limit_tripped":
            self._trips(line["name"], self._at(now_us))

    def _at(self, now_us: int) -> Reading:
        return Reading(now_us + self._ahead_us, now_us)

    def _counts(self, kind: str, line: Json, at: Reading) -> None:
        """What a line adds whenever it comes."""
        if kind == "order_moved":
            self._moved(line["client_order_id"], line["state"])
        elif kind == "hedge_settled":
            pnl = self._profit.hedges[line["hedge_id"]]
            self._lost.add(-pnl, at)
            if pnl and not line["drill"]:
                self._losers = self._losers + 1 if pnl < 0 else 0
        elif kind == "conversion_closed":
            own = self._profit.conversions[line["conversion_id"]]
            self._lost.add(own.fee - own.realised, at)
        elif kind == "limit_tripped":
            self._tripped.add(line["name"])

    def _moved(self, name: str, state: str) -> None:
        if name not in self._unknown or not (state in KNOWN or state == "absent"):
            return
        self._unknown.discard(name)
        if state in KNOWN:
            self._refused.append(state == "rejected")

    def _resumed(self, now_us: int) -> None:
        """Only what had tripped begins anew."""
        forgiven, self._tripped = self._tripped, set()
        self._reached_us.clear()
        self._resumed_us = now_us if "max_hedges" in forgiven else self._resumed_us
        if "unhedged_s" in forgiven:
            self._open_us, self._left_us = now_us, None
            self._left = self._left[0], now_us
        self._losers = 0 if "losers_in_row" in forgiven else self._losers
        if "daily_loss" in forgiven:
            self._lost.clear()
        if "max_rejects" in forgiven:
            self._refused.clear()
        if "equity_loss" in forgiven:
            self.equity.forgive()

    # --- what trips -----------------------------------------------------------------------------------------

    def began(self) -> None:
        """A new process has its reaction before it, and knows since when it has what is left."""
        self._reached_us.clear()
        self._counted = None
        if self._left_us is not None:
            self._left_us = self._left[1]

    def look(self, now_us: int, *, asleep: bool) -> None:
        """An instant of a living process's: what is reached stops it within moments. Only where clocks are steady."""
        if asleep or not self._limits.steady:
            self._reached_us.clear()
            self._left_us = None
            return
        if now_us < self._looked_us + LOOKS_EVERY_US:
            return
        self._looked_us = now_us
        for name, reached, modes in self._hard(now_us):
            if not reached or self._fold.mode in modes:
                self._reached_us.pop(name, None)
            elif now_us - self._reached_us.setdefault(name, now_us) > self.trips_within_us:
                self._report.fail("R", f"{name} is reached, and the mode is {self._fold.mode}")
                self._reached_us[name] = now_us

    def _hard(self, now_us: int) -> Iterator[tuple[str, bool, frozenset[str]]]:
        """Every limit that trips but the throttle: whether it is reached, and the modes that it may be in then."""
        limits, fold = self._limits, self._fold
        at = self._at(now_us)
        yield "daily_loss", self._lost.least(at) >= limits.daily_loss, STOPPED
        yield "equity_loss", self.equity.least(at, steady=limits.steady) >= limits.equity_loss, STOPPED
        yield "losers_in_row", self._losers >= limits.losers_in_row, SOFTER
        yield "max_rejects", self._rejects() >= limits.max_rejects, SOFTER
        one_sided = abs(fold.position)
        if fold.open_hedge is not None:
            opened = fold.hedges[fold.open_hedge].body
            since_us, price = self._open_us, _worth(opened) / Decimal(opened["size"])
            self._left, self._left_us = (ZERO, now_us), None
        else:
            if fold.position != self._left[0]:
                self._left = fold.position, now_us
            one_sided = one_sided if one_sided > limits.dust_cap else ZERO
            self._left_us = (self._left_us or now_us) if one_sided else None
            since_us, price = self._left_us or now_us, self.equity.price(BASE)
        late = one_sided > limits.dust_cap and now_us - since_us >= limits.unhedged_us
        yield "unhedged_s", late, STOPPED
        yield "unhedged_notional", one_sided * price > limits.unhedged_notional, STOPPED

    def _rejects(self) -> int:
        return sum(self._refused[-self._limits.reject_window :])

    # --- what must not be in the way ------------------------------------------------------------------------

    def _trips(self, name: str, at: Reading) -> None:
        """What only a day's sums can reach has not tripped by those of another day."""
        limits = self._limits
        lost = self._lost.most(at) if limits.steady else self._lost.whole
        if name == "daily_loss" and lost < limits.daily_loss - CENT:
            self._report.fail("R", f"daily_loss trips, and no more than {lost} is lost today")
        lost = self.equity.most(at, steady=limits.steady)
        if name == "equity_loss" and lost < limits.equity_loss - CENT:
            self._report.fail("R", f"equity_loss trips, and no more than {lost} is lost today")

    def _refusals(self, counts: dict[str, int], at: Reading) -> None:
        """Refusals since the last such line, or since this process began: the day's notional refuses where it is spent.
        What was refused around midnight may be of either day.
        """
        limits, since = self._limits, self._counted
        self._counted = at
        if "notional_day" not in counts or since is None:
            return
        spent = max(self._spent.most(since), self._spent.most(at)) if limits.steady else self._spent.whole
        if spent + ROOM <= limits.notional_per_day:
            text = f"hedges are refused for the day's notional, of which {spent} of {limits.notional_per_day} is spent"
            self._report.fail("R", text)

    # --- what refuses ---------------------------------------------------------------------------------------

    def _hedge(self, line: Json, now_us: int) -> None:
        limits, name = self._limits, line["hedge_id"]
        worth = _worth(line)
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
        at = self._at(now_us)
        self._day(name, worth, at)
        if self._losers >= limits.losers_in_row:
            self._report.fail("R", f"{name} opens after {self._losers} losers in a row")
        lost = self._lost.least(at)
        if lost >= limits.daily_loss:
            self._report.fail("R", f"{name} opens after a loss of {lost} today")
        lost = self.equity.least(at, steady=limits.steady)
        if lost >= limits.equity_loss:
            self._report.fail("R", f"{name} opens after the balances have lost {lost} today")
        if self._rejects() >= limits.max_rejects:
            self._report.fail("R", f"{name} opens after {self._rejects()} refusals of the last orders")
        self._repeated(this, name)
        if limits.steady:
            self._throttled(name, now_us)
        self._opened.append(this)

    def _day(self, name: str, worth: Decimal, at: Reading) -> None:
        most, before = self._limits.notional_per_day + CENT, self._spent.whole
        self._spent.add(worth, at)
        spent = self._spent.least(at)
        if spent > most:
            self._report.fail("R", f"{name} brings the day's notional to {spent} of {self._limits.notional_per_day}")
        self.begun_anew += before + worth > most >= spent

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
        if _within_a_minute(self._cancels, now_us) >= limits.cancels_per_minute:
            self._report.fail("R", f"{name} opens after {len(self._cancels)} cancels within a minute")
        self._ordered(name, 2, now_us)

    def _ordered(self, name: str, orders: int, now_us: int) -> None:
        """So many orders go out now."""
        brought = _within_a_minute(self._orders, now_us) + orders
        if self._limits.steady and brought > self._limits.orders_per_minute:
            self._report.fail("R", f"{name} brings {brought} orders into a minute")


def _worth(opened: Json) -> Decimal:
    """What a hedge is to cost, by its decision."""
    domestic = opened["direction"] == "buy_domestic"
    fx = Decimal(1) if domestic else Decimal(opened["fx_vwap"])
    return Decimal(opened["size"]) * Decimal(opened["buy_vwap"]) * fx


def _within_a_minute(times_us: deque[int], now_us: int) -> int:
    """How many are left once the older ones are dropped."""
    while times_us and times_us[0] <= now_us - MINUTE_US:
        times_us.popleft()
    return len(times_us)
