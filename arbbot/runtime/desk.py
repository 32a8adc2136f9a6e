"""The order desk: runs commands against the gateway, each on its own, and brings every answer back as an event.

It stands outside every task group: a feed that dies takes no order in flight with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from arbbot.domain.commands import Ask, CancelOrder, PlaceOrder
from arbbot.domain.events import AskFailed, CancelResult, Event, OrderUnanswered
from arbbot.ports import Gateway

MOST_IN_FLIGHT = 256
"""Commands on their way at once; the engine bounds itself far below, so reaching it is a bug."""

_TASK_NAME = "command"
"""One for all: to number each task would cost a tenth of making it, between the two writes of a hedge."""


class DeskFault(RuntimeError):
    """More commands in flight than the engine can ever want, or a gateway that broke its promise not to raise."""


class OrderDesk:
    """Owns a task for each command in flight, and delivers one event for each, whenever the task is cancelled."""

    def __init__(
        self, gateway: Gateway, deliver: Callable[[Event], None], fault: Callable[[BaseException], None]
    ) -> None:
        """Made where its loop runs: to look the loop up costs a system call each time."""
        self._gateway = gateway
        self._deliver = deliver
        self._fault = fault
        self._in_flight: dict[asyncio.Task[Event], PlaceOrder | CancelOrder | Ask] = {}
        self._loop = asyncio.get_running_loop()

    def dispatch(self, command: PlaceOrder | CancelOrder | Ask) -> None:
        """Start the command now: an order that can be written at once is, before this returns."""
        if len(self._in_flight) >= MOST_IN_FLIGHT:
            raise DeskFault(f"{len(self._in_flight)} commands in flight")
        task = self._loop.create_task(self._gateway.perform(command), name=_TASK_NAME)
        self._in_flight[task] = command
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Event]) -> None:
        """Not in the task itself: one that is cancelled before its first step never runs."""
        command = self._in_flight.pop(task)
        if task.cancelled():
            self._deliver(unanswered(command, "cancelled while waiting for the answer"))
        elif (error := task.exception()) is not None:
            self._fault(error)
        else:
            self._deliver(task.result())

    async def close(self, grace_s: float) -> None:
        """Wait for what is in flight, then cancel the rest, each within `grace_s`.

        Nobody takes their answers any more: after its exit, or a fault, the engine ignores them. An order cut off
        here stays intended in the journal, and the next start puts it in doubt.
        """
        if self._in_flight:
            await asyncio.wait(self._in_flight, timeout=grace_s)
        for task in self._in_flight:
            task.cancel()
        if self._in_flight:
            await asyncio.wait(self._in_flight, timeout=grace_s)


def unanswered(command: PlaceOrder | CancelOrder | Ask, reason: str) -> Event:
    """The event of a command whose answer will never be known."""
    if isinstance(command, PlaceOrder):
        return OrderUnanswered(command.terms.client_order_id, reason)
    if isinstance(command, CancelOrder):
        return CancelResult(command.client_order_id, "unanswered", reason)
    return AskFailed(command.ask_id, reason)
