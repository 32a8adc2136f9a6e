"""D: readiness drills are few, of the least size, told apart, and lose no more in a day than their budget."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tests.sim.checker.day import DAY_US
from tests.sim.checker.fold import Fold, Json
from tests.sim.checker.profit import ProfitJudge
from tests.sim.checker.report import Report

ZERO = Decimal(0)
LEAST_WORTH = Decimal(10)
"""The least order of every market here, until a life changes it; the dearest that it may become is in MOST_WORTH."""
MOST_WORTH = Decimal(45)
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class DrillLimits:
    """What the rules promise. Money is domestic currency."""

    every_us: int
    budget: Decimal
    forced_exit_loss: Decimal
    """Of a drill's worth, that a leg may cost which has to be left."""
    steady: bool
    """No clock is set in this life."""


class DrillJudge:
    """Follows drills through the journal. What one loses is of the day of its decision, by our clock, of which the
    venue's is near then.
    """

    def __init__(self, limits: DrillLimits | None, fold: Fold, profit: ProfitJudge, report: Report) -> None:
        self._limits = limits
        self._fold = fold
        self._profit = profit
        self._report = report
        self._lost: dict[int, Decimal] = {}
        """By days since 1970."""
        self._opened_us: int | None = None

    def line(self, kind: str, line: Json, now_us: int) -> None:
        """A line, after it is folded."""
        if kind == "hedge_opened":
            if line["drill"]:
                self._opened(line, now_us)
            self._opened_us = now_us
        elif kind == "hedge_settled":
            self._settled(line)

    def _opened(self, line: Json, now_us: int) -> None:
        limits, name = self._limits, line["hedge_id"]
        if limits is None:
            self._report.fail("D", f"{name} is a drill, and there are to be none")
            return
        fx = Decimal(1) if line["buy_market"].endswith("usd") else Decimal(line["fx_vwap"])
        worth = Decimal(line["size"]) * Decimal(line["buy_vwap"]) * fx
        if worth > MOST_WORTH:
            self._report.fail("D", f"{name} is a drill worth {worth}")
        expected = reckoned_fx(line) - Decimal(line["expected_pnl"])
        lost = self._lost.get(_day(line), ZERO)
        worst = lost + max(expected, ZERO) + worth * limits.forced_exit_loss
        if worst > limits.budget + CENT:
            self._report.fail("D", f"{name} is a drill after {lost} lost today, and may bring that to {worst}")
        early = self._opened_us is not None and now_us - self._opened_us < limits.every_us - 1_000_000
        if early and limits.steady:
            self._report.fail("D", f"{name} is a drill so soon after a hedge that nothing was to be shown")
        self._lost[_day(line)] = lost + expected

    def _settled(self, line: Json) -> None:
        body = self._fold.hedges[line["hedge_id"]].body
        if bool(line["drill"]) is not bool(body["drill"]):
            self._report.fail("D", f"{line['hedge_id']} is no drill at its end, or one only then")
        if body["drill"]:
            left = abs(Decimal(line["foreign_delta"])) * Decimal(body["fx_vwap"]) * Decimal(body["fx_fee"])
            made = self._profit.hedges[line["hedge_id"]] - Decimal(body["expected_pnl"])
            self._lost[_day(body)] = self._lost.get(_day(body), ZERO) + left - reckoned_fx(body) - made


def _day(opened: Json) -> int:
    """Of a hedge's decision, since 1970."""
    return int(opened["utc_us"]) // DAY_US


def reckoned_fx(body: Json) -> Decimal:
    """What the conversion of all that a hedge leaves in foreign currency costs, by the decision's own prices."""
    buys_foreign = not body["buy_market"].endswith("usd")
    side, sign = ("buy", 1) if buys_foreign else ("sell", -1)
    foreign = Decimal(body["size"]) * Decimal(body[f"{side}_vwap"]) * (1 + sign * Decimal(body[f"{side}_fee"]))
    return foreign * Decimal(body["fx_vwap"]) * Decimal(body["fx_fee"])
