"""A daemon and the panic latch: it begins halted where one lies, obeys one that is left, and a resume lifts it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from arbbot.bootstrap.beside import beside
from arbbot.bootstrap.terminal import say
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


class LiftingLatch:
    """Passes records on, and lifts the latch where one of them is a person's resume: it is in the journal by then."""

    def __init__(self, latch: Latch, behind: Telemetry) -> None:
        self._latch = latch
        self._behind = behind

    def fold(self, records: Sequence[Record], at: Moment) -> None:
        """See `Telemetry.fold`."""
        if any(isinstance(record, ModeChanged) and record.mode is Mode.ACTIVE for record in records):
            try:
                self._latch.lift()
            except OSError as error:
                say(f"arbbot: {self._latch.path} could not be removed, the next start is halted: {error.strerror}")
        self._behind.fold(records, at)


def obey(stack: AsyncExitStack, latch: Latch, state: State, deliver: Deliver, clock: Clock) -> None:
    """Both, until the stack unwinds."""
    seen = begin(latch, state, deliver, clock.now())
    beside(stack, watch(latch, seen, state, deliver, clock), "the watch for a panic")


def begin(latch: Latch, state: State, deliver: Deliver, at: Moment) -> Mark:
    """Halt where a latch lies: called before the daemon runs, it is the first thing that happens to it."""
    mark = latch.mark()
    if mark is not None and state.mode not in _STOPPED:
        deliver(OperatorHalted(WHO, latch.words(), False), at)
    return mark


async def watch(latch: Latch, seen: Mark, state: State, deliver: Deliver, clock: Clock) -> None:
    """Panic when a latch is left that was not there at the last look, until cancelled."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        mark = latch.mark()
        if mark is not None and mark != seen and state.mode not in _STOPPED:
            deliver(OperatorHalted(WHO, latch.words(), True), clock.now())
        seen = mark
