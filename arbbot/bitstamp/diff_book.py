"""A full book kept from `diff_order_book_*` frames: spliced onto a REST snapshot, audited against the venue's own.

The venue numbers neither frames nor changes, so a lost diff is invisible: amounts are absolute, and the only proof
is the 100-level snapshot of `order_book_*` at the same microtimestamp.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from sortedcontainers import SortedDict

from arbbot.bitstamp.codec_market import make_book, microtimestamp
from arbbot.bitstamp.wire import JsonObject, JsonValue, Malformed, as_list, as_object, number
from arbbot.domain.book import Book, Row

LEVELS = 100
"""Levels a side handed on and compared, as in the venue's snapshots."""
MAX_BUFFERED = 5_000
CROSSED_BEFORE_GAP = 3
"""Frames in a row a book may be crossed (the venue's pages warn of one) before a diff is thought lost."""

_Levels = list[tuple[Decimal, Row, bool]]
"""Key (negative for bids), row, and whether the level remains."""


class DiffBook:
    """One market's book. Not spliced at first: frames are buffered until `splice` succeeds."""

    __slots__ = ("_asks", "_bids", "_buffer", "_crossed", "gaps", "spliced", "stamp", "symbol")

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.spliced = False
        self.stamp = 0
        self.gaps = 0
        self._bids: SortedDict[Decimal, Row] = SortedDict()
        self._asks: SortedDict[Decimal, Row] = SortedDict()
        self._buffer: list[tuple[int, _Levels, _Levels]] = []
        self._crossed = 0

    def apply(self, payload: JsonValue) -> Book | None:
        """One diff frame's `data`; the book after it, or None while not spliced or when the frame is old news.

        Raises Malformed, and then waits to be spliced anew: what the frame meant to change is not known.
        """
        try:
            row = as_object(payload, "diff")
            stamp = microtimestamp(row)
            bids, asks = _levels(row, "bids", -1), _levels(row, "asks", 1)
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
        _change(self._bids, bids)
        _change(self._asks, asks)
        return self._checked()

    def splice(self, snapshot: Book) -> Book | None:
        """Lay the buffered diffs over a full REST snapshot; None when they do not meet (ask for a newer one).

        The snapshot must not be older than the first buffered diff, or changes between them may be missing: the
        edge cache serves books up to a second old. Raises Malformed for a snapshot that cannot be read.
        """
        if not self._buffer or snapshot.microtimestamp < self._buffer[0][0]:
            return None
        sides = {"bids": snapshot.bids, "asks": snapshot.asks}
        bids, asks = _levels(sides, "bids", -1), _levels(sides, "asks", 1)
        self._bids.clear()
        self._asks.clear()
        _change(self._bids, bids)
        _change(self._asks, asks)
        for stamp, changed_bids, changed_asks in self._buffer:
            if stamp > snapshot.microtimestamp:
                _change(self._bids, changed_bids)
                _change(self._asks, changed_asks)
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
        sides = ((self._bids, _levels(row, "bids", -1)), (self._asks, _levels(row, "asks", 1)))
        for kept, shown in sides:
            ours = [(key, Decimal(level[1])) for key, level in kept.items()[: len(shown)]]
            if ours != [(key, Decimal(level[1])) for key, level, _ in shown]:
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
        made = make_book(self.symbol, self.stamp, self._bids.values()[:LEVELS], self._asks.values()[:LEVELS])
        crossed = made.bid is not None and made.ask is not None and made.bid >= made.ask
        self._crossed = self._crossed + 1 if crossed else 0
        if self._crossed >= CROSSED_BEFORE_GAP:
            self.lose()
            return None
        return made


def _levels(row: JsonObject | dict[str, Sequence[Row]], side: str, sign: int) -> _Levels:
    """The rows of one side, read completely before any is used. Raises Malformed."""
    levels: _Levels = []
    for level in as_list(row.get(side), side):
        if not isinstance(level, list) or len(level) < 2:
            raise Malformed("a level is not price and amount")
        price, amount = number(level[0], "price"), number(level[1], "amount")
        if price <= 0 or amount < 0:
            raise Malformed("a level is not positive")
        levels.append((sign * price, level, amount != 0))
    return levels


def _change(side: SortedDict[Decimal, Row], levels: _Levels) -> None:
    """Set or remove absolute level amounts."""
    for key, row, remains in levels:
        if remains:
            side[key] = row
        else:
            side.pop(key, None)
