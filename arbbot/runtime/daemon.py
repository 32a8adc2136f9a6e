"""The daemon: one engine, one loop, and the single door through which every event enters."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from typing import Protocol

from arbbot.domain.commands import CancelOrder, Command, Exit, PlaceOrder, ReplaceFeed
from arbbot.domain.events import Event, Moment, OrderRefused, StopAsked, Tick
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.mode import Severity
from arbbot.domain.records import AlertRaised, DurableRecord, Record, is_durable
from arbbot.engine.step import Engine, Output
from arbbot.ports import Clock, Feed, Gateway, Journal, Telemetry
from arbbot.runtime.desk import OrderDesk
from arbbot.runtime.notify import notify
from arbbot.runtime.progress import standing_still

TICK_S = 0.05
WATCHDOG_EVERY_NS = 5_000_000_000
WARM_AFTER_TICKS = 200
"""Ticks after which the heap is frozen: what lives by then lives as long as the process."""
FAULT_CANCEL_S = 10.0
"""How long a process that may send nothing more waits for the cancels of its resting orders."""
CLOSE_GRACE_S = 5.0
LATE_AFTER_S = 1.0
"""From an event to the end of its commit: beyond it the decision is of another market, and its orders stay here."""
PROVE_EVERY_NS = 30_000_000_000
"""Without a record for so long, a commit is made only to see that it works."""


class DaemonFault(Exception):
    """The daemon broke and has cleaned up as far as it could; `__cause__` is what it broke on."""


class Recorder(Protocol):
    """Keeps what went in, off the hot path."""

    def event(self, event: Event, at: Moment) -> None:
        """An event that did not come from a recorded frame."""
        ...

    def started(self, at: Moment, version: str) -> None:
        """The engine's start."""
        ...

    def decided(self, records: Sequence[DurableRecord]) -> None:
        """What the engine made of it."""
        ...


class Daemon:
    """Moves events in and commands out. Its `deliver` is the only caller of the engine."""

    def __init__(
        self,
        engine: Engine,
        journal: Journal,
        gateway: Gateway,
        feeds: Sequence[Feed],
        clock: Clock,
        telemetry: Telemetry,
        recorder: Recorder | None,
        version: str,
        late_after_s: float = LATE_AFTER_S,
    ) -> None:
        self.engine = engine
        self._journal = journal
        self._gateway = gateway
        self._feeds = feeds
        self._clock = clock
        self._telemetry = telemetry
        self._recorder = recorder
        self._version = version
        self._late_after_ns = int(late_after_s * 1e9)
        """In market time, like every `Moment`."""
        self._desk = OrderDesk(gateway, self._answered, self._fail)
        self._exit: asyncio.Future[ExitCode] = asyncio.get_running_loop().create_future()
        self._fault: BaseException | None = None
        self._early: list[Event] | None = []
        """What came before the engine's start, which must be the first thing it does; None afterwards."""
        self._watchdog_ns = 0
        self._committed_ns = clock.now().mono_ns
        self._reading: dict[asyncio.Task[None], Feed] = {}
        """Feeds that are not dead."""
        self._stood_still: str | None = None
        """What a person was last told of that did not move."""
        self.started_at = clock.now()

    # --- the door ------------------------------------------------------------------------------------------

    def deliver(self, event: Event, at: Moment) -> Sequence[Record]:
        """Let one event in, and carry out what it led to; returns what the engine said of it.

        What comes before the start waits for it. Never raises: a fault ends the process by its own path.
        """
        if self._fault is not None:
            return ()
        if self._early is not None:
            self._early.append(event)
            return ()
        if self._recorder is not None:
            self._recorder.event(event, at)
        try:
            output = self.engine.step(event, at)
            if output.records or output.commands:
                self._carry_out(output, at)
            return output.records
        except Exception as error:  # noqa: BLE001 - the one door: whatever breaks behind it latches the fault
            self._fail(error)
            return ()

    def _carry_out(self, output: Output, at: Moment) -> None:
        durable = [record for record in output.records if is_durable(record)]
        if durable:
            self._journal.append(durable)
        self._command(output.commands, at)
        if durable:
            self._committed_ns = at.mono_ns
            if self._recorder is not None:
                self._recorder.decided(durable)
        if output.records:
            self._telemetry.fold(output.records, at)

    def _command(self, commands: Sequence[Command], at: Moment) -> None:
        """Send the commands; orders only while their decision is young, all of them or none."""
        late_ns = self._clock.now().mono_ns - at.mono_ns if commands else 0
        for command in commands:
            if isinstance(command, ReplaceFeed):
                for feed in self._feeds:
                    feed.replace(command.epoch, command.reason)
            elif isinstance(command, Exit):
                if not self._exit.done():
                    self._exit.set_result(ExitCode(command.code))
            elif isinstance(command, PlaceOrder) and late_ns > self._late_after_ns:
                reason = f"decided {late_ns // 1_000_000} ms ago: the commit took too long"
                refused = OrderRefused(command.terms.client_order_id, "not_sent", reason)
                asyncio.get_running_loop().call_soon(self._answered, refused)
            else:
                self._desk.dispatch(command)

    def _answered(self, event: Event) -> None:
        self.deliver(event, self._clock.now())

    def stop(self, reason: str) -> None:
        """Ask for an orderly stop; asking twice changes nothing."""
        self.deliver(StopAsked(reason), self._clock.now())

    # --- life ----------------------------------------------------------------------------------------------

    async def run(self) -> ExitCode:
        """Recover, trade, stop. Returns the exit code; raises DaemonFault, after the clean-up, when anything broke."""
        self._reading = {asyncio.create_task(feed.run(self.deliver)): feed for feed in self._feeds}
        owned = [*self._reading, asyncio.create_task(self._tick())]
        for task in owned:
            task.add_done_callback(self._ended)
        try:
            self._begin()
            code = await self._exit
            notify("STOPPING=1")
            await self._desk.close(CLOSE_GRACE_S)
            if self._fault is None:
                return code
            await self._cancel_without_journal()
            raise DaemonFault(str(self._fault)) from self._fault
        finally:
            for task in owned:
                task.cancel()
            await asyncio.wait(owned)

    def _begin(self) -> None:
        """Start the engine, then let in what came before."""
        at = self._clock.now()
        try:
            if self._recorder is not None:
                self._recorder.started(at, self._version)
            self._carry_out(self.engine.start(at, self._version), at)
        except Exception as error:  # noqa: BLE001 - the door's rule holds for the first step too
            self._fail(error)
            return
        early, self._early = self._early or [], None
        for event in early:
            self.deliver(event, self._clock.now())
        notify("READY=1")

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A feed may end when it is dead; one that broke, or a ticker that did, is a fault."""
        self._reading.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    async def _tick(self) -> None:
        ticks = 0
        while True:
            await asyncio.sleep(TICK_S)
            at = self._clock.now()
            self.deliver(Tick(), at)
            ticks += 1
            if ticks == WARM_AFTER_TICKS:
                gc.collect()
                gc.freeze()
                gc.set_threshold(50_000, 50, 1000)
            if at.mono_ns - self._watchdog_ns > WATCHDOG_EVERY_NS:
                self._watchdog_ns = at.mono_ns
                self._feed_watchdog(at)

    def _feed_watchdog(self, at: Moment) -> None:
        """Tell the supervisor that we live, if everything moves; where something does not, tell people what, once."""
        if at.mono_ns - self._committed_ns > PROVE_EVERY_NS and self._fault is None:
            self._journal.prove()
            self._committed_ns = at.mono_ns
        still = self.standing_still(at)
        if still is None:
            notify("WATCHDOG=1")
        if (still is None) is not (self._stood_still is None):
            notify(f"STATUS={still or 'everything moves again'}")
            if still is not None:  # not for the journal: it may be what stands still
                self._telemetry.fold((AlertRaised(Severity.CRITICAL, "standing_still", still, at.utc_us),), at)
        self._stood_still = still

    def standing_still(self, at: Moment) -> str | None:
        """What does not move (`progress` has the table), in words; None while all of it does."""
        if self._fault is not None:
            return f"broken: {type(self._fault).__name__}"
        moved_ns = (feed.moved_ns() for feed in self._reading.values())
        return standing_still(self.engine, moved_ns, self.started_at, at)

    def _fail(self, error: BaseException) -> None:
        """Latch the first fault: from here on nothing is decided and nothing but cancels is sent."""
        if self._fault is None:
            self._fault = error
            if not self._exit.done():
                self._exit.set_result(ExitCode.FAULT)

    async def _cancel_without_journal(self) -> None:
        """Cancel own resting orders although nothing can be written: a cancel only ever lessens exposure.

        Called when nothing is in flight any more: a cancel must not overtake the order that it is for.
        """
        cancels = [
            CancelOrder(order.terms.client_order_id, order.venue_order_id, order.terms.market)
            for order in self.engine.core.state.open_orders()
        ]
        if cancels:
            tasks = [asyncio.create_task(self._gateway.perform(cancel)) for cancel in cancels]
            _, late = await asyncio.wait(tasks, timeout=FAULT_CANCEL_S)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=CLOSE_GRACE_S)
