"""Runs one life: disturbances, then calm, then a stop; the checker looks on all the while."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random

from arbbot.domain import events as ev
from arbbot.domain.commands import Exit
from arbbot.domain.exit_codes import ExitCode
from tests.sim.catalogue import STRIKES
from tests.sim.checker import Checker, Violation
from tests.sim.clockwork import MIDNIGHT_US, MS, SECOND
from tests.sim.counter import Counter
from tests.sim.draw import draw
from tests.sim.hub import Hub
from tests.sim.journal import Memory, OnDisk, Shelf
from tests.sim.people import happen
from tests.sim.plan import Plan, Quote
from tests.sim.process import Process
from tests.sim.treasurer import Treasurer
from tests.sim.world import World

BUSY_TICK_US, SLOW_TICK_US, IDLE_TICK_US = 100 * MS, 400 * MS, SECOND
RECENT_US = 5 * SECOND
CALM_SLACK_US = 8 * SECOND
CALM_AT_MOST_US = 480 * SECOND
READ_SLACK_US = 30 * SECOND
"""A question may be lost, and is given up only after its time limit: so much later a row must have been read."""
STOP_SLACK_US = 40 * SECOND
MOST_PROCESSES = 12
FOR_EVER_US = 7200 * SECOND
CALM_DEPTH = 500


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one life."""

    seed: int
    violations: tuple[Violation, ...]
    hash: str
    fired: dict[str, int]
    reach: dict[str, int]
    counts: dict[str, int]
    """What happened, in figures: virtual seconds, events, hedges, orders, processes."""
    trace: tuple[str, ...]


class Life:
    """One plan being lived."""

    def __init__(self, plan: Plan, shelf: Shelf, *, keep_trace: bool, judge: type[Checker]) -> None:
        self.world = World(plan, keep_trace=keep_trace, judge=judge)
        self._shelf = shelf
        self._counter = Counter(self.world, Random(f"{plan.seed}/tokens"))
        self._hub = Hub(self.world)
        self._chance = Random(f"{plan.seed}/restarts")
        self.process: Process | None = None
        self._stopping = False
        self._over = False
        self._look_due_us = self._tick_due_us = 0
        self._processes = 0
        self.treasurer: Treasurer | None = None
        if plan.settlements:
            self.treasurer = Treasurer(self.world, self._counter, lambda: self.process)

    # --- the whole ------------------------------------------------------------------------------------------

    def run(self) -> Result:
        """Live it to the end."""
        world, plan, clock = self.world, self.world.plan, self.world.clock
        for quote in plan.quotes:
            clock.at(clock.birth_us + quote.at_ms * MS, partial(self._quote, quote))
        for each in plan.disturbances:
            if each.kind not in STRIKES:
                clock.at(clock.birth_us + each.at_ms * MS, partial(happen, self, each))
        for at_ms in plan.settlements:
            assert self.treasurer is not None
            clock.at(clock.birth_us + at_ms * MS, self.treasurer.settle)
        clock.at(clock.birth_us, self._begin)
        clock.at(clock.birth_us, self._look)
        clock.at(clock.birth_us, self._tick)
        clock.at(clock.birth_us + plan.length_ms * MS, self._calm)
        if clock.birth_us < MIDNIGHT_US < clock.birth_us + plan.length_ms * MS:
            clock.at(MIDNIGHT_US, self._midnight)
        while not self._over and clock:
            self._advance()
            if clock.now_us - clock.birth_us > FOR_EVER_US:
                world.checker.fail("L1", "the life does not end")
                break
            if world.checker.full:
                break
        self._shelf.close()
        if world.checker.begun_anew:
            world.reached("a day's limit begun anew")
        counts = {
            "virtual_s": clock.since_ms // 1000,
            "processes": self._processes,
            **world.checker.counts(),
        }
        return Result(
            plan.seed, tuple(world.checker.violations), world.trace.hash, dict(world.fired), dict(world.reach), counts,
            tuple(world.trace.lines),
        )  # fmt: skip

    def _advance(self) -> None:
        """What happens next, and the judge's look at it."""
        clock = self.world.clock
        clock.advance()
        self.world.checker.after(clock.now_us, asleep=clock.now_us < clock.blocked_until_us)

    def _midnight(self) -> None:
        """A UTC day begins; nothing else happens by itself."""
        self.world.reached("midnight passed")
        if self.world.checker.fold.open_hedge is not None:
            self.world.reached("midnight passed with a hedge open")

    # --- the market -----------------------------------------------------------------------------------------

    def _quote(self, quote: Quote) -> None:
        self.world.house.quote(quote)
        self.world.trace.note(self.world.clock.now_us, f"quote {quote.price} {quote.premium_bps}bps {quote.depth}")
        self.flush()
        self._hasten()

    def _look(self) -> None:
        clock, pace = self.world.clock, self.world.plan.pace
        if clock.now_us != self._look_due_us and self._look_due_us:
            return
        busy = self._busy()
        self.world.venue.advance(clock.now_us)
        self.world.checker.truth.dirty |= bool(self.world.plan.settlements)  # requests live by themselves
        self.world.house.stir(one=busy or self.world.plan.quiet)
        self.flush()
        self._look_due_us = clock.now_us + (pace.busy_look_ms if busy else pace.idle_look_ms) * MS
        clock.at(self._look_due_us, self._look)

    def flush(self) -> None:
        """Send what changed."""
        self._hub.flush()

    # --- time for the process -------------------------------------------------------------------------------

    def _tick(self) -> None:
        clock = self.world.clock
        if clock.now_us != self._tick_due_us and self._tick_due_us:
            return
        process = self.process
        if process is not None and self.world.alive:
            self.world.to_process(self.world.generation, lambda: process.deliver(ev.Tick()))
        self._tick_due_us = clock.now_us + self._tick_pause()
        clock.at(self._tick_due_us, self._tick)

    def _tick_pause(self) -> int:
        clock = self.world.clock
        if clock.blocked_until_us > clock.now_us:
            return clock.blocked_until_us - clock.now_us
        if not self._busy() or self.process is None:
            return IDLE_TICK_US
        recent = clock.now_us - self.process.active_us < RECENT_US
        return BUSY_TICK_US if recent else SLOW_TICK_US

    def _busy(self) -> bool:
        return self.world.alive and self.process is not None and self.process.busy

    def _hasten(self) -> None:
        """Something is going on: look and tick as the daemon would."""
        clock, soon_us = self.world.clock, self.world.plan.pace.busy_look_ms * MS
        if self._look_due_us > clock.now_us + soon_us:
            self._look_due_us = clock.now_us + soon_us
            clock.at(self._look_due_us, self._look)
        if self._tick_due_us > clock.now_us + BUSY_TICK_US:
            self._tick_due_us = clock.now_us + BUSY_TICK_US
            clock.at(self._tick_due_us, self._tick)

    # --- processes ------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._processes += 1
        self.process = Process(self.world, self._counter, self._shelf, self._gone)
        self._hub.listener = self.process.feed
        self.process.start()
        self._hasten()

    def _gone(self, command: Exit | None) -> None:
        """A process ended: killed, or by its own decision. Who starts it again, and when, depends on that."""
        world = self.world
        self._hub.listener = None
        world.checker.ended(None if command is None else command.code, world.clock.now_us)
        if command is None:
            delay_ms = self._chance.choice((50, 500, 2000, 8000, 40_000))
        elif self._stopping or self._processes > MOST_PROCESSES or not self._started_again(command.code):
            self._finish()
            return
        else:
            delay_ms = self._chance.choice((1000, 5000, 15_000))
        world.clock.after(delay_ms * MS, self._begin)

    def _started_again(self, code: int) -> bool:
        """A supervisor starts most again; a person looks first where the code asks for one, and sets the clock."""
        if code not in (ExitCode.AUTH, ExitCode.NOT_FLAT):
            return True
        self.world.clock.wall_off_us = self.world.plan.clock_off_ms * MS
        return self._chance.random() < 0.5

    # --- the end --------------------------------------------------------------------------------------------

    def _calm(self) -> None:
        """Faults stop; what is open must come to its end now."""
        world = self.world
        if world.clock.now_us < world.clock.blocked_until_us:
            world.clock.at(world.clock.blocked_until_us, self._calm)
            return
        world.trace.note(world.clock.now_us, "calm")
        world.armed.disarm()
        if self.treasurer is not None:
            self.treasurer.calm()
        world.house.quote(replace(world.house.last, premium_bps=0, depth=CALM_DEPTH))
        for listing in world.venue.listings.values():
            if not listing.enabled:
                world.venue.set_trading(listing.spec.symbol, True, world.clock.now_us)
        if self.process is not None:
            self.process.feed.unmute()
        self._wait(world.clock.now_us)

    def _wait(self, since_us: int) -> None:
        """Look every second whether all is settled; stop then, or when patience ends."""
        clock = self.world.clock
        waited_us = clock.now_us - since_us
        settled = clock.now_us >= clock.blocked_until_us and self._at_rest()
        polled_us = int(self.world.plan.rules.account.poll_s * SECOND) + CALM_SLACK_US
        if (settled and waited_us >= polled_us) or waited_us >= CALM_AT_MOST_US:
            self._stop()
        else:
            clock.after(SECOND, lambda: self._wait(since_us))

    def _at_rest(self) -> bool:
        """Whether the process has run for a while, with its feed up, nothing open and no rebase that waits; and no
        settlement either."""
        process = self.process
        if self.treasurer is not None and not self.treasurer.at_rest:
            return False
        if process is None or not self.world.alive or not process.feed.up or process.state.rebase_asked is not None:
            return False
        return self.world.clock.now_us - process.born_us >= CALM_SLACK_US and not process.busy

    def _stop(self) -> None:
        world = self.world
        if not world.alive or self.process is None:
            world.clock.after(SECOND, self._stop)
            return
        if self._stopping:
            return
        self._stopping = True
        process = self.process
        lag_us = world.plan.venue.row_lag_us + CALM_SLACK_US
        world.checker.settled(world.clock.now_us, lag_us, feed_up=process.feed.up)
        world.to_process(world.generation, lambda: process.deliver(ev.StopAsked("the end of the life")))
        self._hasten()
        limit_us = int(world.plan.rules.account.stop_grace_s * SECOND) + STOP_SLACK_US
        world.clock.after(limit_us, self._overdue)

    def _overdue(self) -> None:
        if not self._over:
            self.world.checker.fail("L3", "asked to stop, the process did not end within its grace")
            self._over = True

    def _finish(self) -> None:
        """All is over: the last word is the checker's."""
        if not self._over:
            self._over = True
            self.world.venue.advance(self.world.clock.now_us)
            clock, plan = self.world.clock, self.world.plan
            read_us = int(plan.rules.account.poll_s * SECOND) + READ_SLACK_US
            if clock.now_us - clock.blocked_until_us < read_us:
                read_us = clock.now_us - clock.birth_us  # what came while the loop stood still may be unread yet
            self.world.checker.finish(clock.now_us, plan.venue.row_lag_us + read_us)


def run_plan(plan: Plan, *, keep_trace: bool = False, judge: type[Checker] = Checker) -> Result:
    """Live one plan before a judge."""
    gc.disable()  # a life is short: what it leaves behind is collected after it
    try:
        return _run_plan(plan, keep_trace=keep_trace, judge=judge)
    finally:
        gc.enable()


def _run_plan(plan: Plan, *, keep_trace: bool, judge: type[Checker]) -> Result:
    if not plan.sqlite:
        return Life(plan, Memory(), keep_trace=keep_trace, judge=judge).run()
    with tempfile.TemporaryDirectory(prefix="sim") as folder:
        return Life(plan, OnDisk(Path(folder)), keep_trace=keep_trace, judge=judge).run()


def run_seed(seed: int, *, keep_trace: bool = False, change: Callable[[Plan], Plan] | None = None) -> Result:
    """Live the life of one seed. `change` may alter its plan first."""
    plan = draw(seed)
    return run_plan(plan if change is None else change(plan), keep_trace=keep_trace)
