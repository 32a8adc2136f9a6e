"""Books as they reached the present process, frame by frame and reply by reply, and sizes walked through them."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from tests.sim.checker.fold import Json

STAMP = re.compile(rb'"microtimestamp": ?"(\d+)"')
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
        found = STAMP.search(self.body)
        return None if found is None else int(found[1])


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
        self.frames: dict[str, deque[SeenFrame]] = {}
        self.confirmed: dict[tuple[str, int], int] = {}
        """(market, stamp) by REST, and the monotonic time at which that was asked."""
        self._replies: dict[str, deque[tuple[int, bytes]]] = {}

    def began(self) -> None:
        """A new process has seen nothing yet."""
        self.epoch = None
        self.frames.clear()
        self.confirmed.clear()
        self._replies.clear()

    def frame(self, market: str, frame: SeenFrame) -> None:
        """A book frame reached the process."""
        self.frames.setdefault(market, deque(maxlen=FRAMES_KEPT)).append(frame)

    def fetched(self, market: str, body: bytes, asked_ns: int) -> None:
        """A REST book reached the process, asked for at this monotonic time."""
        found = STAMP.search(body)
        if found is not None:
            self.confirmed[market, int(found[1])] = asked_ns
            self._replies.setdefault(market, deque(maxlen=REPLIES_KEPT)).append((asked_ns, body))

    def lately(self, market: str, oldest_ns: int) -> Iterator[Json]:
        """All books that may be believed at most as old as this, the newest of each source first."""
        for frame in reversed(self.frames.get(market, ())):
            stamp = frame.stamp
            asked_ns = None if stamp is None else self.confirmed.get((market, stamp))
            if max(frame.mono_ns, asked_ns or 0) >= oldest_ns:
                yield from _book(frame.body)
        for asked_ns, body in reversed(self._replies.get(market, ())):
            if asked_ns >= oldest_ns:
                yield from _book(body)


def _book(body: bytes) -> Iterator[Json]:
    """The book in a frame or reply; nothing where there is none that can be traded on."""
    try:
        parsed = json.loads(body)
        book = parsed.get("data", parsed)
        if Decimal(book["bids"][0][0]) < Decimal(book["asks"][0][0]):
            yield book
    except (ValueError, ArithmeticError, LookupError, TypeError, AttributeError, RecursionError):
        return
