"""A daemon and the panic latch: it begins halted where one lies, obeys one that is left, and a resume lifts it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from arbbot.bootstrap.beside import beside
from arbbot.bootstrap.terminal import mention
from arbbot.domain.events import Event, Moment, OperatorHalted
from arbbot.domain.mode import Mode
from arbbot.domain.records import ModeChanged, Record
from arbbot.engine.state import State
from arbbot.ports import Clock, Telemetry
from arbbot.runtime.latch import Latch

Deliver = Callable[[Event, Moment], object]
Mark = tuple[int, int] | None
WHO = "the panic latch"
LOOK_EVERY_S = 1.0
_STOPPED = (Mode.HALTED, Mode.PANIC)


class ObeyedLatch:
    """The latch of a running daemon, in front of those who are told of records.

    A latch that was not there at the last look is never lifted: the next look finds it, and the daemon goes to panic.
    """

    def __init__(self, latch: Latch, behind: Telemetry) -> None:
        self._latch = latch
        self._behind = behind
        self._seen: Mark = None
        """At the last look."""

    def fold(self, records: Sequence[Record], at: Moment) -> None:
        """See `Telemetry.fold`. Lifts the latch where a record is a person's resume: it is in the journal by then."""
        if any(isinstance(record, ModeChanged) and record.mode is Mode.ACTIVE for record in records):
            self._lift()
        self._behind.fold(records, at)

    def obey(self, stack: AsyncExitStack, state: State, deliver: Deliver, clock: Clock) -> None:
        """From now on, until the stack unwinds."""
        self.begin(state, deliver, clock.now())
        beside(stack, self._watch(state, deliver, clock), "the watch for a panic")

    def begin(self, state: State, deliver: Deliver, at: Moment) -> None:
        """Halt where a latch lies: called before the daemon runs, it is the first thing that happens to it."""
        self._seen = self._latch.mark()
        if self._seen is not None and state.mode not in _STOPPED:
            deliver(OperatorHalted(WHO, self._latch.words(), False), at)

    def look(self, state: State, deliver: Deliver, at: Moment) -> None:
        """Panic when a latch was left since the last look, also where halted: a halt still sends what ends a hedge."""
        mark = self._latch.mark()
        is_new = mark is not None and mark != self._seen
        self._seen = mark
        if is_new and state.mode is not Mode.PANIC:
            deliver(OperatorHalted(WHO, self._latch.words(), True), at)

    async def _watch(self, state: State, deliver: Deliver, clock: Clock) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.look(state, deliver, clock.now())

    def _lift(self) -> None:
        if self._seen is None or self._latch.mark() != self._seen:
            return
        try:
            self._latch.lift()
        except OSError as error:
            mention(f"arbbot: {self._latch.path} could not be removed, the next start is halted: {error.strerror}")
