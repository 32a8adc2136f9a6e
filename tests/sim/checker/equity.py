"""What the daemon's own trades have changed of its balances since a day began, by our own sums."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from tests.sim.checker.day import DAY_US, Reading
from tests.sim.checker.fold import Json
from tests.sim.checker.leaving import THEIRS

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Begun:
    """A day begins with its first statement, as of the one before."""

    ours: int
    venue: int
    """The day by each clock."""
    held: dict[str, Decimal]

    @property
    def latest(self) -> int:
        """The later of both."""
        return max(self.ours, self.venue)


class Equity:
    """What own trades have changed, as far as statements have shown it, at the last marks; openings and what a person
    moves do not touch it.
    """

    def __init__(self) -> None:
        self._changed: dict[str, Decimal] = {}
        self._shown: dict[str, Decimal] = {}
        self._prices: dict[str, Decimal] = {}
        self.begun: list[Begun] = []

    def line(self, kind: str, line: Json, now_us: int) -> None:
        """One line of a commit."""
        if kind == "row_booked" and line["client_order_id"] is not None:
            settled = line["client_order_id"].startswith(THEIRS)
            for entry in [] if settled else line["entries"]:
                if entry["account"] == "venue":
                    self._change(entry["currency"], Decimal(entry["delta"]))
        elif kind == "statement_agreed":
            for each in line["currencies"]:
                self._change(each["currency"], Decimal(each["rounding"]))
        elif kind == "mark_set":
            self._prices = {"usd": Decimal(1), **{each["currency"]: Decimal(each["price"]) for each in line["prices"]}}
        if kind in ("statement_agreed", "anchor_set"):
            self._begin(line["utc_us"] // DAY_US, now_us // DAY_US)
            self._shown = dict(self._changed)

    def _begin(self, ours: int, venue: int) -> None:
        """A day later than all before begins."""
        if ours > max((each.ours for each in self.begun), default=0):
            self.begun.append(Begun(ours, venue, dict(self._shown)))

    def _change(self, currency: str, delta: Decimal) -> None:
        self._changed[currency] = self._changed.get(currency, ZERO) + delta

    def price(self, currency: str) -> Decimal:
        """As last noted; zero before."""
        return self._prices.get(currency, ZERO)

    def forgive(self) -> None:
        """What statements have shown so far is forgiven."""
        self.begun = [replace(each, held=dict(self._shown)) for each in self.begun]

    def least(self, at: Reading, *, steady: bool) -> Decimal:
        """So much has surely been lost today, numeraire; nothing before prices are noted."""
        return min(self._lost(day, steady=steady)[0] for day in at.today)

    def most(self, at: Reading, *, steady: bool) -> Decimal:
        """So much may have been."""
        return max(self._lost(day, steady=steady)[1] for day in at.today)

    def _lost(self, day: int, *, steady: bool) -> tuple[Decimal, Decimal]:
        """Since the first day that is not over. Where a clock was set before the venue's midnight, what it began may
        have been dated anew, and the day may begin with any of those that one clock held for later.
        """
        begun = [each for each in self.begun if each.ours >= day]
        if steady or not self.begun or day <= self.begun[0].venue:
            begun = begun[:1]
        else:
            begun = [each for each in self.begun if each.latest >= day]
        lost = [self._since(each.held) for each in begun] if self._prices else []
        return min(lost, default=ZERO), max(lost, default=ZERO)

    def _since(self, held: dict[str, Decimal]) -> Decimal:
        changes = {each: total - held.get(each, ZERO) for each, total in self._shown.items()}
        return -sum((change * self._prices[each] for each, change in changes.items() if change), ZERO)
