"""Hypothesis disturbs a life step by step, looks for a broken promise, and shrinks what broke it to a few lines.

The suite plays a handful of examples, others for every commit. To search for long, by fresh chance:

    SIM_EXAMPLES=5000 python -m pytest --timeout=0 tests/sim/test_state_machine.py

A failure is printed as the shortest program of rules found; the same rules can be pasted into a test of their own.
"""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.sim import catalogue
from tests.sim.armed import Armed
from tests.sim.checker import Checker, Violation
from tests.sim.clockwork import MS
from tests.sim.command import fresh
from tests.sim.draw import LASTS, RECORDS, SIZES, draw
from tests.sim.house import SYMBOLS
from tests.sim.journal import Memory
from tests.sim.life import Life
from tests.sim.limits import LATE_VIEWS
from tests.sim.people import happen
from tests.sim.plan import Disturbance, Plan, Quote

EXAMPLES = os.environ.get("SIM_EXAMPLES")
PRICE = Decimal(60_000)
SEEDS = range(64)
"""Whose rules and venues the machine plays with; prices and disturbances are its own."""
LONGEST_S = 600
"""Virtual time of rules; the calm after them takes its own."""
POSSIBLE = tuple(Disturbance(kind, 0) for kind in sorted(LATE_VIEWS))
"""What the rules may bring that the judge must know beforehand, and without which a life is held to more; the plan's
are not armed here.
"""
UNFIT = frozenset({"row_burst", "stop"})
"""A burst takes as long as everything else together; a stop is what every example ends with."""


class LateArmed(Armed):
    """Takes disturbances one by one, while life goes on."""

    def arm(self, each: Disturbance) -> None:
        """Let one more lie in wait."""
        self._waiting.setdefault(catalogue.STRIKES[each.kind], []).append(each)
        self._left[id(each)] = each.count


class SteppedLife(Life):
    """A life that waits to be told what happens next."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan, Memory(), keep_trace=False, judge=Checker)
        self.armed = self.world.armed = LateArmed((), self.world.fired, plan.birth_us)
        self.quote(plan.quotes[0])
        for each in (self._begin, self._look, self._tick):
            self.world.clock.at(plan.birth_us, each)

    @property
    def over(self) -> bool:
        """Whether the last process has gone."""
        return self._over

    @property
    def latched(self) -> bool:
        """Whether it waits for a person."""
        return self.world.alive and self.world.checker.fold.mode != "active"

    def quote(self, quote: Quote) -> None:
        """The market moves."""
        self._quote(quote)

    def disturb(self, each: Disturbance) -> None:
        """Let a disturbance happen now, or lie in wait from now on."""
        each = replace(each, at_ms=self.world.clock.since_ms)
        if each.kind in catalogue.STRIKES:
            self.armed.arm(each)
        else:
            happen(self, each)

    def pass_time(self, for_ms: int) -> None:
        """Let things happen for so long."""
        clock, passed = self.world.clock, Counter[str]()
        clock.after(for_ms * MS, lambda: passed.update("x"))
        while not passed and not self._over:
            self._advance()

    def end(self) -> None:
        """Faults stop, everything settles, the process is stopped."""
        if not self._over:
            self._calm()
        while not self._over and self.world.clock:
            self._advance()

    @property
    def violations(self) -> list[Violation]:
        """What did not hold so far."""
        return self.world.checker.violations


def _kinds(*families: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.sampled_from([kind for family in families for kind in family if kind not in UNFIT])


class LifeMachine(RuleBasedStateMachine):
    """Every disturbance of the simulation as a rule, the checker as the invariant."""

    seen: ClassVar[Counter[str]] = Counter()
    """What all examples together have met."""

    def __init__(self) -> None:
        super().__init__()
        self.life: SteppedLife | None = None

    @initialize(seed=st.sampled_from(SEEDS))
    def born(self, seed: int) -> None:
        plan = draw(seed)
        self.life = SteppedLife(
            replace(plan, quotes=(Quote(0, PRICE, 0, 200),), disturbances=POSSIBLE, sqlite=False, quiet=False)
        )
        self.life.pass_time(4_000)

    @property
    def going(self) -> SteppedLife:
        """The life that has been begun."""
        assert self.life is not None
        return self.life

    def _may_go_on(self) -> bool:
        return self.life is not None and not self.life.over and self.life.world.clock.since_ms < LONGEST_S * 1000

    # --- rules ------------------------------------------------------------------------------------------------------

    @rule(for_ms=st.sampled_from((100, 400, 1_500, 6_000, 25_000)))
    def time_passes(self, for_ms: int) -> None:
        """The one step that is always possible: after the end of a life nothing comes of it."""
        if self._may_go_on():
            self.going.pass_time(for_ms)

    @precondition(_may_go_on)
    @rule(
        bps=st.sampled_from((0, 60, 90, 130, -60, -90, -130)),
        depth=st.sampled_from((2, 30, 200)),
        moved=st.integers(-20, 20),
        lasts_ms=st.sampled_from((200, 800, 3_000)),
    )
    def an_edge_stands(self, bps: int, depth: int, moved: int, lasts_ms: int) -> None:
        price = (PRICE * (1 + Decimal(moved) / 10_000)).quantize(Decimal(1))
        self.going.quote(Quote(0, price, bps, depth))
        self.going.pass_time(lasts_ms)

    @precondition(_may_go_on)
    @rule(
        kind=_kinds(catalogue.REST, catalogue.ORDERS, catalogue.CANCELS, catalogue.ROWS),
        meant=st.sampled_from((*catalogue.ORDER_TARGETS, "cancel", *catalogue.ASK_TARGETS, "any")),
        count=st.sampled_from((1, 2, 20)),
        size=st.sampled_from((1, 800, 5_000, 10_000)),
    )
    def a_call_will_go_wrong(self, kind: str, meant: str, count: int, size: int) -> None:
        if catalogue.STRIKES[kind] == "order" and meant not in catalogue.ORDER_TARGETS:
            meant = "place"
        if catalogue.STRIKES[kind] in ("cancel", "rows"):
            meant = "any"
        self.going.disturb(Disturbance(kind, 0, meant, count, 20_000, size))

    @precondition(_may_go_on)
    @rule(
        kind=_kinds(catalogue.FRAMES, catalogue.PRIVATE, catalogue.LINKS),
        market=st.sampled_from(SYMBOLS),
        count=st.sampled_from((1, 3)),
    )
    def the_feed_will_go_wrong(self, kind: str, market: str, count: int) -> None:
        target = f"order_book_{market}" if kind in catalogue.FRAMES else "any"
        self.going.disturb(Disturbance(kind, 0, target, count))

    @precondition(_may_go_on)
    @rule(
        kind=_kinds(catalogue.COMMITS),
        record=st.sampled_from(sorted(set(RECORDS))),
        size=st.sampled_from((0, 1, 700, 2_500)),
    )
    def a_commit_will_be_fatal(self, kind: str, record: str, size: int) -> None:
        self.going.disturb(Disturbance(kind, 0, record, size=size))

    @precondition(_may_go_on)
    @rule(
        kind=_kinds(catalogue.HAPPENINGS, catalogue.CRASHES), market=st.sampled_from(SYMBOLS), choice=st.integers(0, 7)
    )
    def something_happens(self, kind: str, market: str, choice: int) -> None:
        lasts, sizes = LASTS.get(kind, (0,)), SIZES.get(kind, (0, 1, 2, 3, 50, 51))
        target = f"order_book_{market}" if kind == "stall_channel" else market
        self.going.disturb(
            Disturbance(kind, 0, target, for_ms=lasts[choice % len(lasts)], size=sizes[choice % len(sizes)])
        )

    @precondition(_may_go_on)
    @rule(bps=st.sampled_from((90, -90)))
    def a_good_edge_stands_and_goes(self, bps: int) -> None:
        self.going.quote(Quote(0, PRICE, bps, 200))
        self.going.pass_time(2_500)
        self.going.quote(Quote(0, PRICE, 0, 200))

    @precondition(lambda self: self._may_go_on() and self.going.latched)
    @rule()
    def a_person_resumes(self) -> None:
        self.going.disturb(Disturbance("resume", 0))
        self.going.pass_time(1_000)

    # --- promises ---------------------------------------------------------------------------------------------------

    @invariant()
    def every_promise_holds(self) -> None:
        assert self.life is None or not self.life.violations, self.going.violations

    def teardown(self) -> None:
        life = self.life
        if life is None or life.violations:
            return
        life.end()
        self.seen.update(life.world.fired.keys())
        self.seen["hedges"] += life.world.checker.counts()["hedges"]
        assert not life.violations, life.violations


@pytest.fixture
def rarely_collected() -> Iterator[None]:
    """A life is short: what it leaves behind is collected after it."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.timeout(600)  # needed only to find the shortest program for a failure
@pytest.mark.usefixtures("rarely_collected")
def test_no_few_steps_break_a_promise() -> None:
    """Whatever a market, a venue, a machine and a person do to it one after another, every promise holds after each
    step and at the end; and the examples are worth something: hedges are opened in them, and disturbances strike.
    """
    LifeMachine.seen.clear()
    if EXAMPLES is None:
        print(f"by seed {fresh()}")  # noqa: T201 - shown when it fails
        seed(fresh())(LifeMachine)
    run_state_machine_as_test(
        LifeMachine,
        settings=settings(
            max_examples=int(EXAMPLES or 20),
            stateful_step_count=24,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert LifeMachine.seen["hedges"] > 0
    assert len(LifeMachine.seen) > len(catalogue.ALL) // 4
