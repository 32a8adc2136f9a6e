"""Records a person must hear of, to a webhook: chosen, kept from repeating, queued, sent again when that fails.

Nothing of it is waited for by anybody. What cannot be sent waits while there is room, then it is dropped and counted.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Protocol

from arbbot.domain import life, signals, trips
from arbbot.domain import records as r
from arbbot.domain.events import Moment
from arbbot.domain.mode import Severity
from arbbot.domain.order import OrderTerms
from arbbot.telemetry.lines import LINES, ids_of, text_of
from arbbot.telemetry.remember import remember

QUEUE_MAX = 500
BATCH_MAX = 20
"""Messages in one request."""
REMEMBERED_MAX = 512
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
DOUBLINGS_MAX = 10
"""Of the pause between tries: by then it is the longest, whatever the first was."""

_RANK = {Severity.NOTICE: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to tell."""

    name: str
    severity: Severity
    text: str
    utc_us: int
    ids: tuple[tuple[str, str], ...] = ()
    repeats: int = 0
    """How often the same was held back since it was last told."""

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same as another."""
        return (self.name, self.text)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which messages are sent, and how many."""

    least: Severity = Severity.WARNING
    also: Collection[str] = ()
    """Names told whatever their severity."""
    never: Collection[str] = ()
    per_minute: int = 20
    """Requests, those that fail included. Messages that come faster share one."""
    repeat_s: float = 300.0
    """The same name and text is not told again for so long."""

    def wants(self, message: Message) -> bool:
        """Whether a person asked for it."""
        if message.name in self.never:
            return False
        return message.name in self.also or _RANK[message.severity] >= _RANK[self.least]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request."""

    outcome: str
    """delivered, failed (worth another try) or refused."""
    wait_s: float | None = None
    """How long the receiver asks us to wait."""
    why: str = ""
    """Of what was not delivered: the status, or the kind of error. Never words of others, never the address."""


class Post(Protocol):
    """Sends messages in one request, in bounded time. Never raises for the network."""

    async def __call__(self, messages: Sequence[Message], dropped: int) -> Answer:
        """`dropped`: how many have been lost so far."""
        ...


class Alerts:
    """Takes records, and sends what a person chose of them while `run` runs."""

    def __init__(
        self,
        choice: Choice,
        post: Post,
        random: Random,
        *,
        queue_max: int = QUEUE_MAX,
        first_wait_s: float = FIRST_WAIT_S,
        changed: Callable[[str | None], None] | None = None,
    ) -> None:
        """`changed` hears of `trouble` when one begins, becomes one of another kind, or is over."""
        self.dropped = 0
        """Messages that will never be sent."""
        self.posts = Counter({"delivered": 0, "failed": 0, "refused": 0})
        """Requests by what came of them."""
        self.trouble: str | None = None
        """What is wrong since the last request that was delivered; None while all is well."""
        self._choice = choice
        self._post = post
        self._random = random
        self._queue: deque[Message] = deque()
        self._queue_max = queue_max
        self._first_wait_s = first_wait_s
        self._changed = changed
        self._sending: list[Message] = []
        self._last = "delivered"
        """What came of the last request."""
        self._failures = 0
        """Requests that failed, one after the other, until now."""
        self._came = asyncio.Event()
        self._waiting: set[tuple[str, str]] = set()
        """Keys of what is in the queue or on its way."""
        self._told: dict[tuple[str, str], tuple[int | None, int]] = {}
        """When each was last told, None where it was lost instead, and how often it was held back since."""
        self._terms: dict[str, OrderTerms] = {}

    def figures(self) -> dict[str, Any]:
        """How the telling goes, for a person."""
        return {
            "trouble": self.trouble,
            "delivered": self.posts["delivered"],
            "waiting": len(self._queue) + len(self._sending),
            "dropped": self.dropped,
        }

    # --- what to tell --------------------------------------------------------------------------------------

    def take(self, record: r.Record, at: Moment) -> None:
        """Queue what is to be told of a record. Waits for nothing."""
        if isinstance(record, r.OrderIntended):
            remember(self._terms, record.terms.client_order_id, record.terms, REMEMBERED_MAX)
            return
        message = self._message(record, at)
        if message is None or not self._choice.wants(message):
            return
        repeats = self._repeats(message, at.mono_ns)
        if repeats is not None:
            self._put(replace(message, repeats=repeats))

    def _message(self, record: r.Record, at: Moment) -> Message | None:
        match record:
            case r.AlertRaised():
                return Message(record.name, record.severity, record.text, at.utc_us)
            case r.OrderMoved() if record.state.terminal:
                terms = self._terms.pop(record.client_order_id, None)
                about = "" if terms is None else f"{terms.side} {terms.size:f} on {terms.market}, {terms.purpose}: "
                text = f"{about}order {record.client_order_id} is {record.state}: {record.cause}"
                return Message("order_done", Severity.NOTICE, text, at.utc_us, tuple(ids_of(record).items()))
        named = _event(record)
        line = LINES[record.kind]
        if named is None or line is None:
            return None
        name, severity = named
        return Message(name, severity, text_of(record, line), at.utc_us, tuple(ids_of(record).items()))

    def _repeats(self, message: Message, now_ns: int) -> int | None:
        """How often the same was held back since it was told; None to hold this one back too."""
        told_ns, held_back = self._told.get(message.key, (None, 0))
        if message.key in self._waiting:  # it will be told as of now
            remember(self._told, message.key, (now_ns, held_back + 1), REMEMBERED_MAX)
            return None
        if told_ns is not None and now_ns - told_ns < self._choice.repeat_s * 1e9:
            self._told[message.key] = (told_ns, held_back + 1)
            return None
        self._told.pop(message.key, None)
        remember(self._told, message.key, (now_ns, 0), REMEMBERED_MAX)
        return held_back

    def _put(self, message: Message) -> None:
        """Queue it, and let go what there is no room for."""
        self._queue.append(message)
        self._waiting.add(message.key)
        self._fit()
        self._came.set()

    def _fit(self) -> None:
        """Of the least severe the oldest go, until the rest has room."""
        while len(self._queue) > self._queue_max:
            place, lost = min(enumerate(self._queue), key=lambda each: _RANK[each[1].severity])
            del self._queue[place]
            self._lose([lost])

    def _lose(self, messages: Iterable[Message]) -> None:
        """Count what nobody will be told: when the same comes again it is news, and says how often it came before."""
        for message in messages:
            self.dropped += 1
            self._waiting.discard(message.key)
            _, held_back = self._told.pop(message.key, (None, 0))
            missed = (None, message.repeats + 1 + held_back)
            remember(self._told, message.key, missed, REMEMBERED_MAX)

    # --- sending -------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Send until cancelled; `close` sends what is left then."""
        while True:
            await self._came.wait()
            self._gather()
            answer = await self._once()
            await asyncio.sleep(self._pause_s(answer))

    async def close(self, timeout_s: float) -> None:
        """The last requests, at once, after `run` was cancelled; what they do not take is dropped."""
        try:
            async with asyncio.timeout(timeout_s):
                while self._sending or self._queue:
                    self._gather()
                    answer = await self._once()
                    if answer.outcome != "delivered":
                        break
        except TimeoutError:
            self._note(Answer("failed", why="TimeoutError"))
        self._lose((*self._sending, *self._queue))
        self._sending.clear()
        self._queue.clear()

    def _gather(self) -> None:
        while self._queue and len(self._sending) < BATCH_MAX:
            self._sending.append(self._queue.popleft())
        if not self._queue:
            self._came.clear()

    def _pause_s(self, answer: Answer) -> float:
        """Until the next request: the pace of all, longer after each that failed."""
        pace_s = 60 / self._choice.per_minute
        if answer.outcome != "failed":
            return pace_s
        doubled_s = self._first_wait_s * 2.0 ** min(self._failures - 1, DOUBLINGS_MAX)
        wait_s = max(min(LONGEST_WAIT_S, doubled_s) * (1 + self._random.random()), answer.wait_s or 0.0)
        return max(pace_s, min(LONGEST_WAIT_S, wait_s))

    async def _once(self) -> Answer:
        """One request with what was gathered. What failed waits again, before all that came later."""
        try:
            answer = await self._post(tuple(self._sending), self.dropped)
        except Exception as error:  # noqa: BLE001 - the edge: a request that breaks must not end the sending of the next
            answer = Answer("failed", why=type(error).__name__)
        match answer.outcome:
            case "delivered":
                self._waiting.difference_update(message.key for message in self._sending)
            case "refused":
                self._lose(self._sending)
            case _:
                self._queue.extendleft(reversed(self._sending))
                self._fit()
                self._came.set()
        self._sending.clear()
        self._note(answer)
        return answer

    def _note(self, answer: Answer) -> None:
        """Count what came of a request, and tell where it is something else than before."""
        self.posts[answer.outcome] += 1
        self._failures = self._failures + 1 if answer.outcome == "failed" else 0
        self.trouble = None if answer.outcome == "delivered" else f"{answer.outcome}: {answer.why}"
        before, self._last = self._last, answer.outcome
        if answer.outcome != before and self._changed is not None:
            self._changed(self.trouble)


def _event(record: r.Record) -> tuple[str, Severity] | None:
    """The name and severity of what is no alert and still worth telling to who asks for it."""
    match record:
        case trips.LimitTripped():
            return ("limit_tripped", Severity.CRITICAL)
        case life.Stopped():
            return ("stopped", Severity.CRITICAL if record.code else Severity.NOTICE)
        case signals.FeedChanged():
            return ("feed_changed", Severity.NOTICE if record.state == "up" else Severity.WARNING)
        case r.FillBooked() if record.late:
            return ("late_fill", Severity.WARNING)
        case r.ExitPlanned():
            return ("exit_planned", Severity.WARNING)
        case life.Started() | r.HedgeOpened() | r.HedgeClosed() | r.HedgeSettled() | r.ConversionClosed():
            return (record.kind, Severity.NOTICE)
    return None
