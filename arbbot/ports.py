"""The world as the runtime needs it: what an adapter must offer."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from arbbot.domain.commands import Ask, CancelOrder, PlaceOrder
from arbbot.domain.events import Event, Moment
from arbbot.domain.records import DurableRecord, Record

QUESTION_S = 100
"""Seconds, of the machine's, within which a gateway answers a question or gives it up, all its pages."""

Sink = Callable[[Event, Moment], object]
"""Where an adapter hands events, in the same call in which the bytes arrived."""


class Clock(Protocol):
    """Time; compressed when a rehearsal runs faster than the world."""

    def now(self) -> Moment:
        """The present moment, in market time."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait this long in market time."""
        ...


class Gateway(Protocol):
    """Orders and questions to the venue."""

    def perform(self, command: PlaceOrder | CancelOrder | Ask) -> Coroutine[Any, Any, Event]:
        """Do it once; what is returned waits for the one event that answers it, and must be awaited.

        The call itself may put an order or a cancel on the wire, before anything is awaited; a hedge's leg goes out
        within about a second or is refused as not sent. Never raises for anything the venue or the network does. A
        cancelled placement or cancel may have reached the venue: the caller turns cancellation into doubt.
        """
        ...


class Feed(Protocol):
    """Market data and, where a key is there, the account's private channels."""

    async def run(self, sink: Sink) -> None:
        """Deliver events until the feed is dead (FeedDead delivered) or the task is cancelled."""
        ...

    def replace(self, epoch: int, reason: str) -> None:
        """Open another connection if `epoch` is still the one that counts; nothing otherwise."""
        ...

    def moved_ns(self) -> int | None:
        """Monotonic time of its last step: any frame, or a step towards a connection, failed ones too. None for a feed
        that has nothing to do by itself.
        """
        ...


class Journal(Protocol):
    """The append-only record."""

    def append(self, records: Sequence[DurableRecord]) -> None:
        """Commit all of them or none, before returning. Raises JournalFault."""
        ...

    def prove(self) -> None:
        """Commit something that is no record, to know that commits still work. Raises JournalFault."""
        ...


class JournalFault(Exception):
    """The journal could not be written: nothing more may be sent."""


class Telemetry(Protocol):
    """Logs and metrics as a fold over records; must cost next to nothing and never raise."""

    def fold(self, records: Sequence[Record], at: Moment) -> None:
        """Take note of records, in order."""
        ...
