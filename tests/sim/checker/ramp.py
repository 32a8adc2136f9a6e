"""W: the weight of a hedge is never above its evidence, counted by our own sums over the journal's lines."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tests.sim.checker.drill import reckoned_fx
from tests.sim.checker.fold import Fold, HedgeStory, Json
from tests.sim.checker.profit import ProfitJudge
from tests.sim.checker.report import Report

ZERO = Decimal(0)
LATE_US = 3600 * 1_000_000
"""How late in a period, and a quarter of it at most, what it shows may begin."""
CAPITAL_ROOM = Decimal("0.01")
"""Between the ask that capital was reckoned at and the average of a purchase, and for digits that are not shown."""
ROUNDED = Decimal("1e-6")
"""Sums of figures that the daemon rounds to ten decimals."""


@dataclass(frozen=True, slots=True)
class RampLimits:
    """What the rules promise. Shares are fractions."""

    begins: Decimal
    """The weight of a new journal."""
    period_us: int
    step: Decimal
    max_weight: Decimal
    target_size: Decimal
    min_hedges: int
    min_edge_hedges: int
    max_shortfall: Decimal
    max_slippage: Decimal
    max_rate_limited: Decimal
    max_one_sided: Decimal


@dataclass(slots=True)
class Seen:
    """What the lines have shown since the last decision."""

    hedges: int = 0
    one_sided: int = 0
    edge_hedges: int = 0
    large: int = 0
    """Of these, hedges that bought half of what the weight allowed, or more."""
    turnover: Decimal = ZERO
    expected: Decimal = ZERO
    realised: Decimal = ZERO
    legs_worth: Decimal = ZERO
    slipped: Decimal = ZERO
    requests: int = 0
    rate_limited: int = 0
    stops: int = 0
    """Limits that tripped, and halts by the daemon's own decision."""
    rebases: int = 0

    def against(self, limits: RampLimits, room: Decimal) -> list[str]:
        """What speaks against the weight; `room` is granted to the bounds, or taken off them."""
        short = self.expected - self.realised
        found = {
            "a stop": self.stops > 0,
            "one-sided hedges": self.one_sided > self.hedges * limits.max_one_sided,
            "rate limits": self.rate_limited > self.requests * limits.max_rate_limited,
            "slippage": self.slipped > self.legs_worth * limits.max_slippage + room,
            "a shortfall": self.edge_hedges > 0 and short > self.turnover * limits.max_shortfall + room,
            "a loss": self.edge_hedges > 0 and self.realised <= -room,
        }
        return [name for name, holds in found.items() if holds]

    def lacking(self, limits: RampLimits) -> list[str]:
        """What a larger weight would need and is not there."""
        found = {
            "hedges": self.hedges < limits.min_hedges,
            "settled hedges": self.edge_hedges < limits.min_edge_hedges,
            "hedges of its size": self.large < limits.min_edge_hedges,
            "requests": not self.requests,
            "an undisturbed ledger": self.rebases > 0,
        }
        return [name for name, holds in found.items() if holds]


class RampJudge:
    """Follows the weight through the journal, over the ends of processes too."""

    def __init__(self, limits: RampLimits | None, fold: Fold, profit: ProfitJudge, report: Report) -> None:
        self._limits = limits
        self._fold = fold
        self._profit = profit
        self._report = report
        self._weight = ZERO if limits is None else limits.begins
        self._seen = Seen()
        self._answered = False
        """A decision has followed a stop, and nobody has resumed since: more of it is the same incident."""
        self._since_us: int | None = None
        """Of the last decision, else of the first line."""
        self._fx_fee = ZERO
        """That the open conversion was decided at."""

    def line(self, kind: str, line: Json) -> None:
        """A line, after it is folded."""
        limits = self._limits
        if limits is None:
            if kind in ("ramp_decided", "ramp_set"):
                self._report.fail("W", "a weight is decided on although there is no ramp")
            return
        if self._since_us is None:
            self._since_us = line["utc_us"]
        if kind == "hedge_opened":
            self._opened(line, limits)
        elif kind == "ramp_decided":
            self._decided(line, limits)
        elif kind == "ramp_set":
            self._set(line, limits)
        else:
            self._count(kind, line)

    # --- evidence -------------------------------------------------------------------------------------------

    def _count(self, kind: str, line: Json) -> None:
        seen = self._seen
        if kind == "fill_booked":
            self._filled(line)
        elif kind == "hedge_closed":
            self._closed(self._fold.hedges[line["hedge_id"]])
        elif kind == "hedge_settled":
            self._settled(line)
        elif kind == "conversion_opened":
            self._fx_fee = Decimal(line["fee"])
        elif kind == "conversion_closed":
            own = self._profit.conversions[line["conversion_id"]]
            seen.realised += own.realised - (own.fee - abs(own.domestic) * self._fx_fee)
        elif kind == "requests_counted":
            seen.requests += line["requests"]
            seen.rate_limited += line["rate_limited"]
        elif kind == "limit_tripped" or (kind == "mode_changed" and _own_stop(line)):
            seen.stops += not self._answered
        elif kind == "mode_changed" and line["mode"] == "active":
            self._answered = False
        elif kind == "anchor_set" and line["cause"] == "rebase":
            seen.rebases += 1

    def _filled(self, line: Json) -> None:
        order = self._fold.orders.get(line["client_order_id"])
        story = None if order is None else self._fold.hedges.get(order.hedge)
        if order is None or story is None or order.purpose != "leg":
            return
        fill, body = line["fill"], story.body
        expected = Decimal(body["buy_vwap"] if order.side == "buy" else body["sell_vwap"])
        rate = Decimal(1) if order.market.endswith("usd") else Decimal(body["fx_vwap"])
        worth = Decimal(fill["size"]) * rate
        self._seen.legs_worth += expected * worth
        self._seen.slipped += order.sign * (Decimal(fill["price"]) - expected) * worth

    def _closed(self, story: HedgeStory) -> None:
        orders = [self._fold.orders[name] for name in story.orders if name in self._fold.orders]
        if not any(order.filled for order in orders):
            return
        legs = [order for order in orders if order.purpose == "leg"]
        even = not sum((order.sign * order.filled for order in orders), ZERO)
        whole = all(order.filled == order.size for order in legs)
        self._seen.hedges += 1
        self._seen.one_sided += not (whole or (even and len(legs) == len(orders)))

    def _settled(self, line: Json) -> None:
        story, turnover = self._fold.hedges[line["hedge_id"]], Decimal(line["turnover"])
        if line["hedge_id"] in self._fold.before_anchor or not turnover or line["drill"]:
            return
        orders = [self._fold.orders[name] for name in story.orders if name in self._fold.orders]
        bought = sum((order.filled for order in orders if order.side == "buy"), ZERO)
        self._seen.edge_hedges += 1
        self._seen.turnover += turnover
        size, weighed = Decimal(story.body["size"]), Decimal(story.body["weighed"])
        self._seen.large += 2 * bought >= weighed
        fx = reckoned_fx(story.body) * bought / size
        self._seen.expected += Decimal(story.body["expected_pnl"]) * bought / size - fx
        self._seen.realised += self._profit.hedges[line["hedge_id"]] - fx

    # --- decisions ------------------------------------------------------------------------------------------

    def _decided(self, line: Json, limits: RampLimits) -> None:
        before, weight, seen = Decimal(line["before"]), Decimal(line["weight"]), self._seen
        floor = max(before - limits.step, min(before, limits.begins))
        self._timed(line, limits, up=weight > before)
        if before != self._weight:
            self._report.fail("W", f"a decision begins at {before}, the weight was {self._weight}")
        if weight > before:
            wrong = [*seen.against(limits, ROUNDED), *seen.lacking(limits)]
            if wrong:
                self._report.fail("W", f"the weight goes up to {weight} without its evidence: {', '.join(wrong)}")
            if weight > min(before + limits.step, limits.max_weight):
                self._report.fail("W", f"the weight goes up from {before} to {weight}, beyond a step or its cap")
        elif weight < floor or (weight < before and not seen.against(limits, -ROUNDED)):
            self._report.fail("W", f"the weight goes down from {before} to {weight} for nothing, or too far")
        elif weight > floor and seen.against(limits, ROUNDED):
            against = ", ".join(seen.against(limits, ROUNDED))
            self._report.fail("W", f"the weight stays {weight}, and against it there is {against}")
        self._begin(weight, line)

    def _timed(self, line: Json, limits: RampLimits, *, up: bool) -> None:
        """Once a period, but for stops; and up only at the end of one that was seen from its beginning, or nearly."""
        period_us, since_us, now_us = limits.period_us, self._since_us or 0, line["utc_us"]
        passed = now_us // period_us - since_us // period_us
        if not passed and not self._seen.stops:
            self._report.fail("W", "a weight is decided on twice in a period, and nothing has stopped the daemon")
        if up and (passed != 1 or since_us % period_us > min(period_us // 4, LATE_US)):
            self._report.fail("W", f"the weight goes up by what began {now_us - since_us} us ago, which is no period")

    def _set(self, line: Json, limits: RampLimits) -> None:
        weight = Decimal(line["weight"])
        if not ZERO < weight <= limits.max_weight:
            self._report.fail("W", f"a person's weight of {weight} is taken, the cap is {limits.max_weight}")
        if not line["who"] or not line["reason"]:
            self._report.fail("W", "a weight is set, and nobody says who, or why")
        self._begin(weight, line)

    def _begin(self, weight: Decimal, line: Json) -> None:
        """Evidence begins anew."""
        self._answered = self._fold.mode != "active" and bool(self._seen.stops or self._answered)
        self._weight, self._seen, self._since_us = weight, Seen(), line["utc_us"]

    def _opened(self, line: Json, limits: RampLimits) -> None:
        if not line["drill"] and Decimal(line["size"]) > limits.target_size * self._weight:
            self._report.fail("W", f"{line['hedge_id']} of {line['size']} is more than a weight of {self._weight}")
        if not line["drill"]:
            self._weigh(line)
        if self._seen.stops and self._weight > limits.begins:
            self._report.fail("W", f"{line['hedge_id']} opens after a stop at the weight of before, {self._weight}")

    def _weigh(self, line: Json) -> None:
        """The weight is one of capital too: of what the ledger has, of base and of what it buys."""
        owned, market = self._fold.owned, line["buy_market"]
        base, quote = owned.get(market[:3], ZERO), owned.get(market[3:], ZERO)
        capital = min(base, quote / Decimal(line["buy_vwap"])) * (1 + CAPITAL_ROOM)
        if Decimal(line["size"]) > self._weight * capital:
            self._report.fail("W", f"{line['hedge_id']} of {line['size']} is more than {self._weight} of capital")


def _own_stop(line: Json) -> bool:
    return line["own"] and line["mode"] in ("reducing", "halted")
