"""What all parts of a life share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from random import Random

from arbbot.exchange.accounts import FeeRates
from arbbot.exchange.refusal import Refusal
from arbbot.exchange.venue import Venue
from tests.sim.armed import Armed
from tests.sim.checker import Checker
from tests.sim.clockwork import MS, Clockwork
from tests.sim.house import House
from tests.sim.limits import limits_of
from tests.sim.plan import Plan
from tests.sim.trace import Trace


class World:
    """The venue and its house, the clocks, the plan's disturbances, the trace and the judge of one life."""

    def __init__(self, plan: Plan, *, keep_trace: bool, judge: type[Checker] = Checker) -> None:
        self.plan = plan
        self.clock = Clockwork(plan.clock_off_ms, plan.birth_us)
        self.trace = Trace(keep=keep_trace)
        self.fired: Counter[str] = Counter()
        self.reach: Counter[str] = Counter()
        self.armed = Armed(plan.disturbances, self.fired, plan.birth_us)
        self.venue = Venue(plan.venue)
        rates = FeeRates(plan.fee_percent, plan.fee_percent)
        self.account = self.venue.add_account("sim", dict(plan.balances), rates)
        self.house = House(self.venue, self.clock, Random(f"{plan.seed}/house"), plan.levels)
        self.checker = judge(limits_of(plan), self.venue, self.account)
        self.generation = 0
        """Counts processes; what belongs to an earlier one never reaches a later one."""
        self.alive = False
        self._latency = Random(f"{plan.seed}/latency")
        self._coins = Random(f"{plan.seed}/coins")

    def up_us(self) -> int:
        """One way to the venue."""
        pace = self.plan.pace
        return pace.up_ms * MS + self._latency.randrange(pace.jitter_ms * MS + 1)

    def down_us(self) -> int:
        """One way back."""
        pace = self.plan.pace
        return pace.down_ms * MS + self._latency.randrange(pace.jitter_ms * MS + 1)

    def coin(self) -> bool:
        """Heads or tails."""
        return self._coins.random() < 0.5

    def by_hand(self, amounts: dict[str, Decimal], kind: int, fee: Decimal = Decimal(0)) -> bool:
        """The account's owner moves money; whether there was enough of it."""
        self.checker.truth.dirty = True  # the venue announces no such movement
        try:
            row = self.venue.external(self.account, amounts, kind, self.clock.now_us, fee)
        except Refusal:
            return False
        self.checker.treasury.by_hand(row.row_id)
        return True

    def reached(self, branch: str) -> None:
        """Count a branch of the world (those of the engine are read off its records)."""
        self.reach[branch] += 1

    def to_process(self, generation: int, happening: Callable[[], None]) -> None:
        """Let something reach the process it is for: when it lives and its loop turns, else later or never."""
        if generation != self.generation or not self.alive:
            return
        if self.clock.now_us < self.clock.blocked_until_us:
            self.clock.at(self.clock.blocked_until_us, lambda: self.to_process(generation, happening))
        else:
            happening()
