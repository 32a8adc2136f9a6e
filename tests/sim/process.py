"""One process of the daemon's core: engine, gateway and feed, the journal before every command, its sudden death."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from functools import partial
from random import Random

from arbbot.domain.commands import Command, Exit, PlaceOrder, ReplaceFeed
from arbbot.domain.events import Event, OperatorResumed, OrderRefused, StopAsked, Tick
from arbbot.domain.market import Route
from arbbot.domain.records import DurableRecord, Record, is_durable
from arbbot.engine.state import State
from arbbot.engine.step import Engine, Output
from arbbot.exchange.gateway import instrument
from tests.sim.clockwork import MS, SECOND
from tests.sim.counter import Counter
from tests.sim.feed import Feed
from tests.sim.house import DOMESTIC, FOREIGN, FX
from tests.sim.journal import Shelf
from tests.sim.reach import branches, event_word
from tests.sim.wire import CORRUPT, Wire
from tests.sim.world import World

JOURNAL_KEY = "sim"
LATE_US = SECOND
"""From a decision to the end of its commit: beyond it orders are not sent."""
REPLAY_EVERY = 300
"""Records after which the journal is replayed and compared with the state in memory."""
BUGS = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


class Process:
    """Its `deliver` is the only caller of the engine."""

    def __init__(self, world: World, counter: Counter, shelf: Shelf, gone: Callable[[Exit | None], None]) -> None:
        self._world = world
        self._shelf = shelf
        self._gone = gone
        world.generation += 1
        world.alive = True
        state = State()
        for record in shelf.reopen():
            state.apply(record)
        specs = [instrument(world.venue.spec(symbol)) for symbol in (DOMESTIC, FOREIGN, FX)]
        self.engine = Engine(Route(*specs), world.plan.rules, state, JOURNAL_KEY)
        rng = Random(f"{world.plan.seed}/wire/{world.generation}")
        self.wire = Wire(world, counter, rng, self.deliver)
        self.feed = Feed(world, self.wire)
        self.exit: Exit | None = None
        self.born_us = self.active_us = world.clock.now_us
        """When something durable last happened."""
        self._records = 0
        self._replayed = 0
        self.said: list[Record] = []
        """What the engine said of the last event."""

    @property
    def state(self) -> State:
        """The engine's."""
        return self.engine.core.state

    @property
    def busy(self) -> bool:
        """Whether anything is open, in doubt, unreconciled or being started or stopped."""
        state, core = self.state, self.engine.core
        return bool(
            state.live
            or state.open_hedge_id
            or not state.agreed
            or core.stopping
            or (not self.engine.entry.armed and state.mode == "active")
        )

    def start(self) -> None:
        """Begin: recover, then open the feed."""
        world = self._world
        world.trace.note(world.clock.now_us, f"start {world.generation}")
        world.checker.began(world.clock.now_us)
        self._guarded(lambda: self.engine.start(world.clock.moment(), "sim"), frozenset())
        if world.alive:
            self.feed.start()

    def deliver(self, event: Event, struck: frozenset[str] = frozenset()) -> None:
        """Let one event in and carry out what it led to."""
        if not self._world.alive or self.exit is not None:
            return
        world = self._world
        if type(event) is StopAsked:
            world.checker.stop_told()
        elif type(event) is OperatorResumed:
            world.checker.resumed()
        if type(event) is not Tick:
            world.trace.note(world.clock.now_us, f"event {event_word(event)}")
        self._guarded(lambda: self.engine.step(event, world.clock.moment()), struck)

    def _guarded(self, step: Callable[[], Output], struck: frozenset[str]) -> None:
        try:
            output = step()
        except BUGS as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{place.filename.rsplit('/', 1)[-1]}:{place.lineno}"
            self._world.checker.fail("bug", f"the engine raised {type(error).__name__}: {error} ({where})")
            self.die(clean=False)
            return
        self.said = output.records
        if output.records or output.commands:
            self._carry_out(output, struck)
            core = self.engine.core
            world = self._world
            world.checker.holds("questions on their way", len(core.asks))
            world.checker.holds("commands in flight", len(self.wire.in_flight))
            world.checker.holds("orders that may fill", len(core.state.live))

    # --- journal, then commands -----------------------------------------------------------------------------

    def _carry_out(self, output: Output, struck: frozenset[str]) -> None:
        world = self._world
        durable = [record for record in output.records if is_durable(record)]
        faults = {}
        if durable:
            kinds = {record.kind for record in durable}
            faults = {each.kind: each for each in world.armed.take("commit", kinds, world.clock.now_us)}
        if "crash_before_commit" in faults:
            self.die(clean=False)
            return
        if durable:
            self._commit(durable, struck)
        self._count(output.records)
        if "crash_after_commit" in faults:
            self.die(clean=True)
            return
        if "slow_commit" in faults:
            self._command_later(output.commands, faults["slow_commit"].size * MS)
            return
        sent = len(output.commands)
        if "crash_mid_commands" in faults:
            sent = faults["crash_mid_commands"].size % (sent + 1)
        self._command(output.commands[:sent])
        if not faults.keys().isdisjoint({"crash_mid_commands", "crash_after_commands"}) and self.exit is None:
            self.die(clean=True)

    def _commit(self, durable: Sequence[DurableRecord], struck: frozenset[str]) -> None:
        world = self._world
        lines = self._shelf.append(durable)
        for kind, body in lines:
            world.trace.note(world.clock.now_us, f"record {kind} {body}")
        self.active_us = world.clock.now_us
        corrupt = not struck.isdisjoint(CORRUPT)
        world.checker.committed(lines, world.clock.mono_ns, world.clock.now_us, corrupt=corrupt)
        self._records += len(lines)
        if self._records - self._replayed >= REPLAY_EVERY:
            self._compare()

    def _count(self, records: Sequence[Record]) -> None:
        for record in records:
            for branch in branches(record, self.state):
                self._world.reached(branch)

    def _command_later(self, commands: Sequence[Command], late_us: int) -> None:
        """The commit took its time, and the loop stood still meanwhile: orders of a stale decision are not sent."""
        world = self._world
        world.clock.blocked_until_us = max(world.clock.blocked_until_us, world.clock.now_us + late_us)

        def then() -> None:
            for command in commands:
                if isinstance(command, PlaceOrder) and late_us > LATE_US:
                    refused = OrderRefused(command.terms.client_order_id, "not_sent", "the commit took too long")
                    world.clock.after(0, partial(world.to_process, generation, partial(self.deliver, refused)))
                else:
                    self._command((command,))

        generation = world.generation
        world.clock.at(world.clock.blocked_until_us, lambda: world.to_process(generation, then))

    def _command(self, commands: Sequence[Command]) -> None:
        world = self._world
        for command in commands:
            if isinstance(command, Exit):
                world.trace.note(world.clock.now_us, f"exit {command.code} {command.reason}")
                self.exit = command
                self._compare()
                self._end(command)
            elif isinstance(command, ReplaceFeed):
                self.feed.replace(command.epoch)
            else:
                self.wire.perform(command)

    # --- the end --------------------------------------------------------------------------------------------

    def die(self, *, clean: bool) -> None:
        """Killed. `clean`: everything the engine did is in the journal, so that its state can be compared."""
        world = self._world
        world.trace.note(world.clock.now_us, "killed")
        if clean:
            self._compare()
        self._end(None)

    def _end(self, command: Exit | None) -> None:
        self._world.alive = False
        self._gone(command)

    def _compare(self) -> None:
        """S14: what the journal says is what is in memory."""
        self._replayed = self._records
        world, replayed = self._world, State()
        for record in self._shelf.reopen():
            replayed.apply(record)
        world.checker.replayed(self.state.fingerprint(), replayed.fingerprint())
