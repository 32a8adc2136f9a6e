"""Books as they reached the present process, frame by frame and reply by reply, and sizes walked through them."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

import orjson

from tests.sim.checker.fold import Json

STAMP = re.compile(rb'"microtimestamp": ?"(\d+)"')
ON_TIME_US = 500_000
"""Of a frame that nothing has delayed."""
FRAMES_KEPT, REPLIES_KEPT = 400, 40
Side = list[list[str]]


@dataclass(frozen=True, slots=True)
class SeenFrame:
    """A book frame as it reached the process."""

    epoch: int
    mono_ns: int
    true_us: int
    body: bytes
    struck: bool
    """It is not the frame that the venue made."""

    @property
    def stamp(self) -> int | None:
        """Of the book, where one can be read."""
        return _stamp(self.body)


@dataclass(frozen=True, slots=True)
class Walked:
    """A size taken from one side of a book."""

    total: Decimal
    worst: Decimal
    touch: Decimal


def walk(rows: Side, size: Decimal) -> Walked | None:
    """Take a size; None when there is not enough."""
    left, total = size, Decimal(0)
    for row in rows:
        price, amount = Decimal(row[0]), Decimal(row[1])
        part = min(left, amount)
        total += part * price
        left -= part
        if left <= 0:
            return Walked(total, price, Decimal(rows[0][0]))
    return None


class Shown:
    """What one process was shown of the books."""

    def __init__(self) -> None:
        self.epoch: int | None = None
        """The connection that counts."""
        self._since_ns = 0
        """Monotonic time since when it, or the last one that did, has counted."""
        self.frames: dict[str, deque[SeenFrame]] = {}
        self.confirmed: dict[tuple[str, int], int] = {}
        """(market, stamp) by REST, and the monotonic time at which that was asked."""
        self._replies: dict[str, deque[tuple[int, bytes]]] = {}

        self._heard: dict[str, SeenFrame] = {}
        """The last frame of each market on the connection that counts."""

    def began(self) -> None:
        """A new process has seen nothing yet."""
        self.subscribed(None, 0)
        self._since_ns = 0
        self.frames.clear()
        self.confirmed.clear()
        self._replies.clear()

    def subscribed(self, epoch: int | None, mono_ns: int) -> None:
        """A connection counts from now on; None: none does."""
        self.epoch = epoch
        self._since_ns = self._since_ns if epoch is None else mono_ns
        self._heard.clear()

    def frame(self, market: str, frame: SeenFrame) -> None:
        """A book frame reached the process."""
        self.frames.setdefault(market, deque(maxlen=FRAMES_KEPT)).append(frame)
        if frame.epoch == self.epoch:
            self._heard[market] = frame

    def fetched(self, market: str, body: bytes, asked_ns: int) -> None:
        """A REST book reached the process, asked for at this monotonic time."""
        stamp = _stamp(body)
        if stamp is not None:
            self.confirmed[market, stamp] = asked_ns
            self._replies.setdefault(market, deque(maxlen=REPLIES_KEPT)).append((asked_ns, body))

    def lately(self, market: str, oldest_ns: int, *, struck: bool = True) -> Iterator[Json]:
        """All books that may be believed at most as old as this, the newest of each source first; those that something
        struck on their way, or not.
        """
        for frame in reversed(self.frames.get(market, ())):
            if frame.struck and not struck:
                continue
            stamp = frame.stamp
            asked_ns = None if stamp is None else self.confirmed.get((market, stamp))
            if max(frame.mono_ns, asked_ns or 0) >= oldest_ns:
                yield from _book(frame.body)
        for asked_ns, body in reversed(self._replies.get(market, ())):
            if asked_ns >= oldest_ns:
                yield from _book(body)

    def vouched(self, market: str, oldest_ns: int, latest_us: int) -> Iterator[Json]:
        """All books that a way out may be reckoned on, the newest of each source first: frames of the connection that
        counts, confirmed since `oldest_ns`, which by the venue's clock came within `latest_us` or which REST has shown
        since; and REST books asked for since then and since that connection counts. None that is older than a frame of
        it, whenever that came.
        """
        frames = [each for each in self.frames.get(market, ()) if each.epoch == self.epoch and each.stamp is not None]
        newest = max((each.stamp or 0 for each in frames if not each.struck), default=0)
        for frame in reversed(frames):
            stamp = frame.stamp or 0
            in_time = frame.mono_ns >= oldest_ns and frame.true_us - stamp <= latest_us
            if stamp >= newest and (in_time or self.confirmed.get((market, stamp), -1) >= oldest_ns):
                yield from _book(frame.body)
        for asked_ns, body in reversed(self._replies.get(market, ())):
            if asked_ns >= max(oldest_ns, self._since_ns) and (_stamp(body) or 0) >= newest:
                yield from _book(body)

    def surely(self, market: str, oldest_ns: int) -> list[Json]:
        """Every book that the process may hold, where it surely holds one at most as old as this; none where that is
        not so sure: the last frame was late, or of all that came lately one was struck or is no book.
        """
        last = self._heard.get(market)
        stamp = None if last is None else last.stamp
        if last is None or stamp is None or last.mono_ns < oldest_ns or last.true_us - stamp > ON_TIME_US:
            return []
        of_late = [frame for frame in self.frames[market] if frame.mono_ns >= oldest_ns]
        bodies = [frame.body for frame in of_late]
        bodies += [body for asked_ns, body in self._replies.get(market, ()) if asked_ns >= oldest_ns]
        books = [_book(body) for body in bodies]
        sure = all(books) and not any(frame.struck for frame in of_late)
        return [*(book for found in books for book in found), *self.lately(market, oldest_ns)] if sure else []


@lru_cache(maxsize=2 * FRAMES_KEPT)
def _stamp(body: bytes) -> int | None:
    found = STAMP.search(body)
    return None if found is None else int(found[1])


@lru_cache(maxsize=2 * FRAMES_KEPT)
def _book(body: bytes) -> tuple[Json, ...]:
    """The book in a frame or reply; nothing where there is none that can be traded on."""
    try:
        parsed = orjson.loads(body)
        book = parsed.get("data", parsed)
        if Decimal(book["bids"][0][0]) < Decimal(book["asks"][0][0]):
            return (book,)
    except (ValueError, ArithmeticError, LookupError, TypeError, AttributeError, RecursionError):
        pass
    return ()
