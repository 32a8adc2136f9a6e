"""A full book kept from `diff_order_book_*` frames: spliced onto a REST snapshot, audited against the venue's own.

The venue numbers neither frames nor changes, so a lost diff is invisible: amounts are absolute, and the only proof
is the 100-level snapshot of `order_book_*` at the same microtimestamp.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from decimal import DecimalException

from arbbot.bitstamp.codec_market import microtimestamp
from arbbot.bitstamp.wire import JsonObject, JsonValue, Malformed, as_object
from arbbot.domain.book import LARGEST, SMALLEST, Book, Row
from arbbot.domain.money import ZERO, exact

LEVELS = 100
"""Levels a side handed on and compared, as in the venue's snapshots."""
MAX_BUFFERED = 5_000
CROSSED_BEFORE_GAP = 3
"""Frames in a row a book may be crossed (the venue's pages warn of one) before a diff is thought lost."""

KEYS_KEPT = 8192
"""Prices a side that need not be read again: a level is added, changed and removed by the same text."""


class _Keys(dict[str, int]):
    """The ranks of the prices seen lately, higher the better: a price in units of the smallest, negative for asks."""

    def __init__(self, sign: int) -> None:
        super().__init__()
        self._units = sign / SMALLEST

    def __missing__(self, price_text: str) -> int:
        """Read a price. Raises Malformed or DecimalException."""
        if type(price_text) is not str:  # a JSON float would not be exact
            raise Malformed("a price is not a text")
        price = exact(price_text)
        if not SMALLEST <= price < LARGEST or price % SMALLEST:
            raise Malformed("a price is not positive, or absurd")
        if len(self) >= KEYS_KEPT:
            self.clear()
        key = self[price_text] = int(price * self._units)
        return key


class _Side:
    """One side's levels, the best last: most changes happen there, and move little behind them."""

    __slots__ = ("_key_of", "keys", "rows")

    def __init__(self, key_of: _Keys, rows: Iterable[Row] = ()) -> None:
        self._key_of = key_of
        self.keys: list[int] = []
        self.rows: list[Row] = []
        self.change(rows)

    def anew(self, rows: Iterable[Row]) -> _Side:
        """A side of these rows alone. Raises Malformed."""
        return _Side(self._key_of, rows)

    def best(self, count: int) -> list[Row]:
        """So many rows, the best first."""
        return self.rows[: -count - 1 : -1]

    def change(self, changed: Iterable[Row]) -> None:
        """Set or remove absolute level amounts. Raises Malformed, with some of it done."""
        key_of, keys, rows = self._key_of, self.keys, self.rows
        try:
            for row in changed:
                key, amount_text = key_of[row[0]], row[1]
                if type(amount_text) is not str:
                    raise Malformed("an amount is not a text")
                amount = exact(amount_text)
                at = bisect_left(keys, key)
                known = at < len(keys) and keys[at] == key
                if ZERO < amount < LARGEST:
                    if known:
                        rows[at] = row
                    else:
                        keys.insert(at, key)
                        rows.insert(at, row)
                elif amount:
                    raise Malformed("an amount is negative or absurd")
                elif known:
                    del keys[at], rows[at]
        except (DecimalException, LookupError, TypeError) as error:
            raise Malformed("a level is not price and amount") from error


class DiffBook:
    """One market's book. Not spliced at first: frames are buffered until `splice` succeeds."""

    __slots__ = ("_asks", "_bids", "_buffer", "_crossed", "gaps", "spliced", "stamp", "symbol")

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.spliced = False
        self.stamp = 0
        self.gaps = 0
        self._bids = _Side(_Keys(1))
        self._asks = _Side(_Keys(-1))
        self._buffer: list[tuple[int, list[Row], list[Row]]] = []
        self._crossed = 0

    def apply(self, payload: JsonValue, latest_us: int) -> Book | None:
        """One diff frame's `data`; the book after it, or None while not spliced or when the frame is old news.

        Raises Malformed, for a stamp later than `latest_us` too, and then waits to be spliced anew: what the frame
        meant to change is not known.
        """
        try:
            stamp = microtimestamp(as_object(payload, "diff"))
            if stamp <= self.stamp:
                return None
            if stamp > latest_us:
                raise Malformed("stamped in the future")
            bids, asks = _sides(payload)
            if self.spliced:
                self._bids.change(bids)
                self._asks.change(asks)
            else:
                self._keep(stamp, bids, asks)
        except Malformed:
            self.lose()
            raise
        self.stamp = stamp
        return self._checked() if self.spliced else None

    def _keep(self, stamp: int, bids: list[Row], asks: list[Row]) -> None:
        """Buffer a diff that can be read."""
        self._bids.anew(bids)
        self._asks.anew(asks)
        if len(self._buffer) >= MAX_BUFFERED:
            self._buffer.clear()
        self._buffer.append((stamp, bids, asks))

    def splice(self, snapshot: Book) -> Book | None:
        """Lay the buffered diffs over a full REST snapshot; None when they do not meet (ask for a newer one).

        The snapshot must not be older than the first buffered diff, or changes between them may be missing: the
        edge cache serves books up to a second old. Raises Malformed for a snapshot that cannot be read.
        """
        if not self._buffer or snapshot.microtimestamp < self._buffer[0][0]:
            return None
        self._bids = self._bids.anew(reversed(snapshot.bids))  # the best last, so that nothing has to move
        self._asks = self._asks.anew(reversed(snapshot.asks))
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
        bids, asks = _sides(row)
        if _same(self._bids.best(len(bids)), bids) and _same(self._asks.best(len(asks)), asks):
            return True
        self.lose()
        return False

    def lose(self) -> None:
        """Give the book up as no longer true; it wants to be spliced anew."""
        self.gaps += 1
        self.spliced = False
        self._crossed = 0
        self._buffer.clear()

    def _checked(self) -> Book | None:
        """The book as it stands; None once it has been crossed for too long."""
        made = Book(self.symbol, self.stamp, self._bids.best(LEVELS), self._asks.best(LEVELS))
        if made.tradable or made.bid is None or made.ask is None:
            self._crossed = 0
            return made
        self._crossed += 1
        if self._crossed >= CROSSED_BEFORE_GAP:
            self.lose()
            return None
        return made


def _sides(row: JsonObject) -> tuple[list[Row], list[Row]]:
    """Bids and asks, unread. Raises Malformed."""
    bids, asks = row.get("bids"), row.get("asks")
    if type(bids) is not list or type(asks) is not list:
        raise Malformed("book sides are not lists")
    return bids, asks


def _same(kept: list[Row], shown: list[Row]) -> bool:
    """Whether two lists of levels are the same numbers in the same order. Raises Malformed."""
    if kept == shown:
        return True
    try:
        return [(exact(row[0]), exact(row[1])) for row in kept] == [(exact(row[0]), exact(row[1])) for row in shown]
    except (DecimalException, LookupError, TypeError) as error:
        raise Malformed("a level is not price and amount") from error
