"""The market as it is believed right now: books with their freshness, tickers, halts and fees. Nothing durable."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from arbbot.domain.book import Book
from arbbot.domain.events import Moment
from arbbot.domain.market import Direction, FeeRate, Route, Side
from arbbot.engine.refusal import Refusal
from arbbot.engine.spread import Triangle

NEVER = -(2**62)
"""A monotonic time before every other."""
_BUY_DOMESTIC = Direction.BUY_DOMESTIC
"""Looked up once: a member's name costs more than the comparison it is for."""

CACHED_NS = 1_000_000_000
"""For so long REST's books may come from a cache."""


@dataclass(slots=True)
class BookSlot:
    """The last book of one market and what vouches for it."""

    symbol: str
    book: Book | None = None
    epoch: int | None = None
    """Feed connection that sent it; None when the feed that did is gone, or REST did."""
    confirmed_ns: int = NEVER
    """Monotonic time of the frame, or of a REST reply that showed the same book."""
    since_ns: int = NEVER
    """What REST was asked before says nothing of it: the last subscription, or a frame that showed it outdated."""
    vouched_ns: int = NEVER
    """When it was last confirmed, or its feed subscribed, whatever came after."""
    asked_ns: int = NEVER
    """When REST was last asked to confirm it."""
    unchanged: Book | None = None
    """The feed's book that REST last showed as well; it says so of this one only."""
    unchanged_ns: int = NEVER
    """When REST was asked for it."""
    min_levels: int = 0
    """Rows a side it must show."""
    newer: Book | None = None
    """A REST book newer than the feed's: good for exits only, until the feed has caught up."""
    newer_ns: int = NEVER
    """When that one was asked for."""
    fault: Refusal | None = Refusal.NO_BOOK
    """What is wrong with the book itself."""

    def take(self, book: Book, now_ns: int) -> None:
        """A new book, vouched for at this time."""
        self.book = book
        self.confirmed_ns = now_ns
        self.vouched_ns = max(self.vouched_ns, now_ns)
        if not book.tradable:
            self.fault = Refusal.CROSSED_BOOK
        elif len(book.bids) < self.min_levels or len(book.asks) < self.min_levels:
            self.fault = Refusal.THIN_BOOK
        else:
            self.fault = None

    def refusal(self, oldest_ns: int) -> Refusal | None:
        """Why this book may not be traded on by choice, or None; it must have been confirmed since `oldest_ns`."""
        if self.epoch is None:
            return Refusal.NO_BOOK
        return Refusal.STALE_BOOK if self.confirmed_ns < oldest_ns else self.fault


class MarketView:
    """Books, tickers, halts and fees of one route. Changed by the engine's event handlers only."""

    def __init__(self, route: Route, fresh_ns: int, min_depth_levels: int) -> None:
        self.route = route
        self.fresh_ns = fresh_ns
        self.domestic = BookSlot(route.domestic.symbol, min_levels=min_depth_levels)
        self.foreign = BookSlot(route.foreign.symbol, min_levels=min_depth_levels)
        self.fx = BookSlot(route.fx.symbol)
        self.base_slots = (self.domestic, self.foreign)
        self.slots = {slot.symbol: slot for slot in (self.domestic, self.foreign, self.fx)}
        self.epoch: int | None = None
        self.feed_dead = False
        self.halted: dict[str, str] = {}
        self.fees: dict[str, FeeRate] = {}

    def saw(self, book: Book, epoch: int, at: Moment, venue_offset_ms: int) -> bool:
        """Take a feed frame; False when its connection is not the current one or it is not newer.

        A frame that waited (the loop stood still, the machine slept) is old by the venue's clock: it confirms nothing,
        and REST is asked.
        """
        slot = self.slots.get(book.symbol)
        if slot is None or epoch != self.epoch:
            return False
        held = slot.book
        if held is not None and slot.epoch == epoch and book.microtimestamp < held.microtimestamp:
            return False
        late_us = at.utc_us + venue_offset_ms * 1000 - book.microtimestamp
        if late_us <= self.fresh_ns // 1000:
            slot.take(book, at.mono_ns)
        elif held is None or slot.epoch != epoch or book.microtimestamp > held.microtimestamp:
            slot.take(book, NEVER)
        slot.epoch = epoch
        return True

    def outdated(self, symbol: str, now_ns: int) -> None:
        """There is a newer book than the one that is held, and it cannot be read or believed: our clock may be days
        behind, and right again before the next one comes.
        """
        slot = self.slots.get(symbol)
        if slot is not None and (slot.newer is not None or slot.confirmed_ns != NEVER):
            slot.since_ns = now_ns + 1
            slot.newer, slot.confirmed_ns, slot.newer_ns = None, NEVER, NEVER

    def feed_up(self, epoch: int, now_ns: int) -> None:
        """A new subscription: every book must be seen again on it before trading resumes, or asked for again."""
        if self.epoch is not None and epoch <= self.epoch:
            return
        self.epoch = epoch
        for slot in self.slots.values():
            slot.since_ns = slot.vouched_ns = now_ns
            slot.epoch = slot.newer = None
            slot.confirmed_ns = slot.newer_ns = NEVER

    def feed_down(self, epoch: int) -> None:
        """The current connection is gone: nothing it sent is confirmed any more."""
        if epoch != self.epoch:
            return
        self.epoch = None
        for slot in self.slots.values():
            slot.epoch = None
            slot.confirmed_ns = NEVER

    def fetched(self, book: Book, asked_ns: int) -> bool:
        """Take a REST book asked for at `asked_ns`; True when it proves the feed stalled.

        The same book as the feed's confirms it. Without a feed book of this connection it stands in for one, good for
        exits only. A newer one on a live feed confirms nothing: its frame must come, or the book goes stale; and a book
        gone stale that way belongs to a connection on which only heartbeats arrive. What was asked before this
        subscription, or before a frame that showed the held book outdated, is a book from before it and says nothing;
        nor does the same book for as long as REST may show it from its cache. What it confirms of an outdated book is
        its own rows: ours may be wrong.
        """
        slot = self.slots[book.symbol]
        if asked_ns < slot.since_ns:
            return False
        if slot.epoch is not None and slot.book is not None:
            if book.microtimestamp == slot.book.microtimestamp and asked_ns >= slot.since_ns + CACHED_NS:
                slot.take(book if slot.confirmed_ns == NEVER else slot.book, max(slot.confirmed_ns, asked_ns))
                slot.unchanged, slot.unchanged_ns = slot.book, asked_ns
            if book.microtimestamp <= slot.book.microtimestamp:
                return False
            slot.newer, slot.newer_ns = book, asked_ns
            return slot.vouched_ns < asked_ns - self.fresh_ns
        if slot.book is None or book.microtimestamp >= slot.book.microtimestamp:
            slot.take(book, asked_ns)
        return False

    def refusal(self, now_ns: int) -> Refusal | None:
        """Why these books may not start a hedge, or None."""
        oldest = now_ns - self.fresh_ns
        for slot in self.slots.values():
            refusal = slot.refusal(oldest)
            if refusal is not None:
                return refusal
        return None

    def exit_book(self, symbol: str, now_ns: int) -> Book | None:
        """A book good enough to leave a position on: tradable, confirmed lately by feed or REST, and the newest; none
        where a newer one has come that cannot be confirmed.
        """
        slot, oldest = self.slots[symbol], now_ns - self.fresh_ns
        held = slot.book if slot.confirmed_ns >= oldest else None
        newer = slot.newer if slot.newer_ns >= oldest else None
        if newer is not None and (slot.book is None or newer.microtimestamp > slot.book.microtimestamp):
            held = newer
        return held if held is not None and held.tradable else None

    def confirmed_ns(self, symbol: str) -> int:
        """When the exit book of a market was last vouched for."""
        slot = self.slots[symbol]
        return max(slot.confirmed_ns, slot.newer_ns)

    def triangle(self, direction: Direction) -> Triangle | None:
        """The three books in one direction; None unless all are there and tradable."""
        domestic, foreign, fx = self.domestic.book, self.foreign.book, self.fx.book
        if domestic is None or foreign is None or fx is None or fx.ask is None:
            return None
        if direction is _BUY_DOMESTIC:
            if domestic.ask is None or foreign.bid is None:
                return None
            return Triangle(direction, domestic, foreign, fx, domestic.ask, foreign.bid, domestic.ask)
        if foreign.ask is None or domestic.bid is None:
            return None
        return Triangle(direction, foreign, domestic, fx, foreign.ask, domestic.bid, foreign.ask * fx.ask)

    def premium(self) -> Decimal | None:
        """Foreign mid x FX mid / domestic mid - 1 from the books; None when one is missing."""
        mids: list[Decimal] = []
        for slot in (self.domestic, self.foreign, self.fx):
            if slot.book is None or slot.book.bid is None or slot.book.ask is None:
                return None
            mids.append((slot.book.bid + slot.book.ask) / 2)
        return mids[1] * mids[2] / mids[0] - 1

    def mid(self, symbol: str) -> Decimal | None:
        """Middle of a market's last book, for valuation only, however old."""
        book = self.slots[symbol].book
        if book is None or book.bid is None or book.ask is None:
            return None
        return (book.bid + book.ask) / 2

    def to_numeraire(self, counter: str, taker: Side, size: Decimal, now_ns: int) -> Decimal | None:
        """Domestic value of `size` counter currency, walked: SELL what we get of it, BUY what we owe of it.

        None when the FX book is too thin or missing.
        """
        if counter == self.route.numeraire:
            return size
        book = self.exit_book(self.route.fx.symbol, now_ns)
        if book is None or size <= 0:
            return None
        sweep = book.ladder(taker).sweep(size)
        return None if sweep is None else sweep.total
