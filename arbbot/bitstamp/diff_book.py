"""A full book kept from `diff_order_book_*` frames: spliced onto a REST snapshot, audited against the venue's own.

The venue numbers neither frames nor changes, so a lost diff is invisible: amounts are absolute, and the only proof
is the 100-level snapshot of `order_book_*` at the same microtimestamp.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from arbbot.bitstamp.codec_market import make_book, microtimestamp
from arbbot.bitstamp.wire import JsonObject, JsonValue, Malformed, as_list, as_object
from arbbot.domain.book import LARGEST, Book, Row
from arbbot.domain.money import ZERO

LEVELS = 100
"""Levels a side handed on and compared, as in the venue's snapshots."""
MAX_BUFFERED = 5_000
CROSSED_BEFORE_GAP = 3
"""Frames in a row a book may be crossed (the venue's pages warn of one) before a diff is thought lost."""

_Levels = list[tuple[Decimal, Row, bool]]
"""Key (negative for asks), row, and whether the level remains."""


class _Side:
    """One side's levels, the best last: most changes happen there, and move little behind them."""

    __slots__ = ("keys", "rows")

    def __init__(self) -> None:
        self.keys: list[Decimal] = []
        self.rows: list[Row] = []

    def fill(self, levels: _Levels) -> None:
        """Begin anew with a whole side."""
        kept = {key: row for key, row, remains in levels if remains}
        self.keys = sorted(kept)
        self.rows = [kept[key] for key in self.keys]

    def best(self, count: int) -> list[Row]:
        """So many rows, the best first."""
        return self.rows[: -count - 1 : -1]

    def change(self, levels: _Levels) -> None:
        """Set or remove absolute level amounts."""
        keys, rows = self.keys, self.rows
        for key, row, remains in levels:
            at = bisect_left(keys, key)
            known = at < len(keys) and keys[at] == key
            if remains and known:
                rows[at] = row
            elif remains:
                keys.insert(at, key)
                rows.insert(at, row)
            elif known:
                del keys[at], rows[at]


class DiffBook:
    """One market's book. Not spliced at first: frames are buffered until `splice` succeeds."""

    __slots__ = ("_asks", "_bids", "_buffer", "_crossed", "gaps", "spliced", "stamp", "symbol")

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.spliced = False
        self.stamp = 0
        self.gaps = 0
        self._bids = _Side()
        self._asks = _Side()
        self._buffer: list[tuple[int, _Levels, _Levels]] = []
        self._crossed = 0

    def apply(self, payload: JsonValue) -> Book | None:
        """One diff frame's `data`; the book after it, or None while not spliced or when the frame is old news.

        Raises Malformed, and then waits to be spliced anew: what the frame meant to change is not known.
        """
        try:
            row = as_object(payload, "diff")
            stamp = microtimestamp(row)
            bids, asks = _levels(row, "bids", 1), _levels(row, "asks", -1)
        except Malformed:
            self.lose()
            raise
        if stamp <= self.stamp:
            return None
        self.stamp = stamp
        if not self.spliced:
            if len(self._buffer) >= MAX_BUFFERED:
                self._buffer.clear()
            self._buffer.append((stamp, bids, asks))
            return None
        self._bids.change(bids)
        self._asks.change(asks)
        return self._checked()

    def splice(self, snapshot: Book) -> Book | None:
        """Lay the buffered diffs over a full REST snapshot; None when they do not meet (ask for a newer one).

        The snapshot must not be older than the first buffered diff, or changes between them may be missing: the
        edge cache serves books up to a second old. Raises Malformed for a snapshot that cannot be read.
        """
        if not self._buffer or snapshot.microtimestamp < self._buffer[0][0]:
            return None
        sides = {"bids": snapshot.bids, "asks": snapshot.asks}
        bids, asks = _levels(sides, "bids", 1), _levels(sides, "asks", -1)
        self._bids.fill(bids)
        self._asks.fill(asks)
        for stamp, changed_bids, changed_asks in self._buffer:
            if stamp > snapshot.microtimestamp:
                self._bids.change(changed_bids)
                self._asks.change(changed_asks)
        self.stamp = max(self.stamp, snapshot.microtimestamp)
        self._buffer.clear()
        self.spliced = True
        return self._checked()

    def audit(self, payload: JsonValue) -> bool:
        """Compare with a venue snapshot's `data`; False (and unspliced) when they differ at the same moment.

        Snapshots of other moments prove nothing, for no order across channels is promised. Raises Malformed.
        """
        row = as_object(payload, "snapshot")
        if not self.spliced or microtimestamp(row) != self.stamp:
            return True
        sides = ((self._bids, _levels(row, "bids", 1)), (self._asks, _levels(row, "asks", -1)))
        for kept, shown in sides:
            ours = [(Decimal(row[0]), Decimal(row[1])) for row in kept.best(len(shown))]
            if ours != [(Decimal(row[0]), Decimal(row[1])) for _, row, _ in shown]:
                self.lose()
                return False
        return True

    def lose(self) -> None:
        """Give the book up as no longer true; it wants to be spliced anew."""
        self.gaps += 1
        self.spliced = False
        self._crossed = 0
        self._buffer.clear()

    def _checked(self) -> Book | None:
        """The book as it stands; None once it has been crossed for too long."""
        made = make_book(self.symbol, self.stamp, self._bids.best(LEVELS), self._asks.best(LEVELS))
        if made.tradable or made.bid is None or made.ask is None:
            self._crossed = 0
            return made
        self._crossed += 1
        if self._crossed >= CROSSED_BEFORE_GAP:
            self.lose()
            return None
        return made


def _levels(row: JsonObject | dict[str, Sequence[Row]], side: str, sign: int) -> _Levels:
    """The rows of one side, read completely before any is used. Raises Malformed."""
    levels: _Levels = []
    try:
        for level in as_list(row.get(side), side):
            price_text, amount_text = level[0], level[1]
            if type(price_text) is not str or type(amount_text) is not str:  # a JSON float would not be exact
                raise Malformed("a level is not texts")
            price, amount = Decimal(price_text), Decimal(amount_text)
            if not (ZERO < price < LARGEST and amount >= ZERO):
                raise Malformed("a level is not positive")
            levels.append((price if sign > 0 else -price, level, bool(amount)))
    except (InvalidOperation, LookupError, TypeError) as error:
        raise Malformed("a level is not price and amount") from error
    return levels
