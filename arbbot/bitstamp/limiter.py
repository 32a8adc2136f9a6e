"""How often we may ask: exact sliding windows, room kept for cancels, and a growing pause after a rate-limit answer.

Pure: times are monotonic seconds given by the caller, randomness is given too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random


@dataclass(frozen=True, slots=True)
class Window:
    """At most `count` requests in any `seconds`."""

    count: int
    seconds: float

    def __post_init__(self) -> None:
        if self.count < 1 or self.seconds <= 0:
            raise ValueError("a rate window needs a positive count and length")


VENUE_WINDOWS = (Window(400, 1.0), Window(10_000, 600.0))
"""The venue's default budget (official description, 2026)."""


class Lane(Enum):
    """Who asks, with the share of every window, at least one request, that it must leave to those above it."""

    CANCEL = 0.0
    ORDER = 0.05
    ASK = 0.25


@dataclass(frozen=True, slots=True)
class Backoff:
    """A pause that doubles from `first_s` to `cap_s`, each shortened by up to `jitter` of itself at random."""

    first_s: float = 1.0
    cap_s: float = 60.0
    jitter: float = 0.5

    def delay_s(self, repeated: int, random: Random) -> float:
        """Seconds to wait when it already happened `repeated` times before."""
        full = min(self.cap_s, self.first_s * float(1 << min(repeated, 30)))
        return full * (1 - self.jitter * random.random())


DEFAULT_BACKOFF = Backoff()
SHORTEST_WAIT_S = 0.001
"""So that a caller who waits never spins on a rounding error of its clock."""


class Limiter:
    """Grants or defers requests, and counts what the venue said about our rate."""

    __slots__ = (
        "_backoff",
        "_hits_in_a_row",
        "_paused_from",
        "_paused_until",
        "_random",
        "_rooms",
        "_sent",
        "hits",
        "requests",
        "windows",
    )

    def __init__(
        self, random: Random, windows: Sequence[Window] = VENUE_WINDOWS, backoff: Backoff = DEFAULT_BACKOFF
    ) -> None:
        self.windows = tuple(windows)
        self._sent: tuple[deque[float], ...] = tuple(deque() for _ in self.windows)
        self._rooms = {
            lane: tuple(
                (window.seconds, max(1, window.count - _reserve(window, lane)), sent)
                for window, sent in zip(self.windows, self._sent, strict=True)
            )
            for lane in Lane
        }
        """For each lane and window: seconds, what may be sent in them, and what was."""
        self._backoff = backoff
        self._random = random
        self._paused_from = self._paused_until = float("-inf")
        self._hits_in_a_row = 0
        self.requests = 0
        self.hits = 0

    def acquire(self, lane: Lane, now_s: float) -> float:
        """0.0 when granted (and counted as sent); else seconds after which asking again makes sense.

        A pause after a rate-limit answer holds back orders and questions; a cancel goes out as long as the
        windows have room, for it can only lessen exposure.
        """
        wait = 0.0 if lane is Lane.CANCEL else max(0.0, self._paused_until - now_s)
        for seconds, allowed, sent in self._rooms[lane]:
            horizon = now_s - seconds
            while sent and sent[0] <= horizon:
                sent.popleft()
            if len(sent) >= allowed:
                wait = max(wait, sent[len(sent) - allowed] - horizon)
        if wait > 0:
            return max(wait, SHORTEST_WAIT_S)
        for sent in self._sent:
            sent.append(now_s)
        self.requests += 1
        return 0.0

    def limited(self, now_s: float, sent_s: float) -> None:
        """The venue answered that we ask too often: pause, longer each time in a row. What was sent before the last
        pause began could not know of it, and adds nothing to it.
        """
        self.hits += 1
        if sent_s < self._paused_from:
            return
        pause = self._backoff.delay_s(self._hits_in_a_row, self._random)
        self._hits_in_a_row += 1
        self._paused_from, self._paused_until = now_s, max(self._paused_until, now_s + pause)

    def answered(self, sent_s: float) -> None:
        """The venue answered something else, and not to what was sent before the last pause: the next starts small."""
        if sent_s >= self._paused_from:
            self._hits_in_a_row = 0

    def used(self, now_s: float) -> float:
        """The share of the fullest window that is used up: 1 when not even a cancel has room."""
        shares = (
            sum(moment > now_s - window.seconds for moment in sent) / window.count
            for window, sent in zip(self.windows, self._sent, strict=True)
        )
        return max(shares, default=0.0)

    @property
    def hit_ratio(self) -> float:
        """Rate-limit answers per request sent; 0 before the first."""
        return self.hits / self.requests if self.requests else 0.0


def _reserve(window: Window, lane: Lane) -> int:
    """What a lane leaves of a window to those above it."""
    return max(1, int(window.count * lane.value)) if lane.value else 0
