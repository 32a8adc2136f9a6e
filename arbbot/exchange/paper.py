"""Paper trading: the live market's public figures, and a made-up account whose orders meet the live books.

Orders are matched by the exchange's own code against a private venue, rebuilt from the latest live snapshot whenever
an order arrives or one of ours rests where the market trades. What this can know ends with what the snapshot shows:

* an order meets the book as it was last seen one latency after it was sent, and no more of it than is visible;
* what we took from a level stays taken until a snapshot shows that level with another amount;
* a resting order fills, at its own price, by what the live book shows at that price or beyond: nobody queues ahead
  of it, which flatters resting orders;
* our orders move nobody: the live market does not know of them.

Orders and private questions never leave the process.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from arbbot.domain import events as ev
from arbbot.domain.book import Book, BookError, Row
from arbbot.domain.commands import Ask, CancelOrder, PlaceOrder, Topic
from arbbot.domain.market import Instrument
from arbbot.domain.market import Side as OurSide
from arbbot.exchange.accounts import Account, FeeRates
from arbbot.exchange.events import OwnTrade, VenueEvent
from arbbot.exchange.gateway import VenueDesk
from arbbot.exchange.matching import ZERO, MarketSpec, Side
from arbbot.exchange.rules import VenueRules
from arbbot.exchange.venue import Venue

PUBLIC = frozenset({Topic.BOOK, Topic.TICKER, Topic.MARKETS, Topic.CONVERSION_RATE})
MOST_PRIVATE_EVENTS = 10_000
"""Private-channel events kept while nobody runs the channel; the oldest go first, and the rows tell of them too."""
NS = 1_000_000_000

Sink = Callable[[ev.Event, ev.Moment], object]


class Clock(Protocol):
    """Time, as the daemon's clock tells it."""

    def now(self) -> ev.Moment:
        """The present moment."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Public(Protocol):
    """The live venue's public side: all of it that paper trading may see."""

    async def perform(self, command: Ask, /) -> ev.Event:
        """Put a public question."""
        ...


class Feed(Protocol):
    """A source of live books."""

    async def run(self, sink: Sink) -> None:
        """Deliver events until the feed is dead."""
        ...

    def replace(self, epoch: int, reason: str) -> None:
        """Open another connection."""
        ...

    def moved_ns(self) -> int | None:
        """When it last made a step."""
        ...


@dataclass(frozen=True, slots=True)
class PaperOptions:
    """The made-up account.

    `balances` are totals by currency at the start: for a journal that goes on, what its ledger says is owned, since
    nothing else remembers a paper account. `rates` are percent. `latency_s` passes from sending to matching, and
    again until the answer or the private channel's word is here.
    """

    balances: Mapping[str, Decimal]
    rates: FeeRates
    latency_s: float = 0.15
    rules: VenueRules = field(default_factory=VenueRules)


@dataclass(slots=True)
class Visible:
    """The last snapshot of one market that orders met: every level's live amount, and what we took of it."""

    live: dict[tuple[Side, Decimal], Decimal] = field(default_factory=dict)
    taken: dict[tuple[Side, Decimal], Decimal] = field(default_factory=dict)
    placed: dict[int, tuple[Side, Decimal]] = field(default_factory=dict)
    """House order id -> its level."""


class PaperVenue(Venue):
    """A venue whose rows are numbered from its beginning on, so that no two runs of a journal share a row id."""

    def __init__(self, rules: VenueRules, markets: Mapping[str, MarketSpec], start_us: int) -> None:
        """Number rows from the milliseconds of the start."""
        super().__init__(rules, markets)
        self._next_row_id = start_us // 1000


class PaperGateway:
    """Gateway, private channel and tap of the live books, in one."""

    def __init__(self, instruments: Sequence[Instrument], public: Public, clock: Clock, options: PaperOptions) -> None:
        """Open the account; `instruments` are the live markets as the venue describes them."""
        self._public = public
        self._clock = clock
        self._latency_s = options.latency_s
        self._now_us = clock.now().utc_us
        specs = {each.symbol: _spec(each) for each in instruments}
        self._venue = PaperVenue(options.rules, specs, self._now_us)
        self._account = self._venue.add_account("paper", options.balances, options.rates)
        self._desk = VenueDesk(self._venue, self._account, tuple(specs))
        self._latest: dict[str, Book] = {}
        self._visible = {symbol: Visible() for symbol in specs}
        self._traded: set[str] = set()
        self._channel: deque[tuple[int, ev.Event]] = deque(maxlen=MOST_PRIVATE_EVENTS)
        self._told = asyncio.Event()
        self._venue.subscribe(self._heard)

    @property
    def account(self) -> Account:
        """The made-up account, exact."""
        return self._account

    # --- the gateway --------------------------------------------------------------------------------------

    async def perform(self, command: PlaceOrder | CancelOrder | Ask) -> ev.Event:
        """Do it once and return the one event that answers it. Only public questions reach the live venue."""
        if isinstance(command, Ask) and command.topic in PUBLIC:
            answer = await self._public.perform(command)
            if isinstance(answer, ev.BookFetched):
                self.saw(answer.book)
            return answer
        await self._clock.sleep(self._latency_s)
        now_us = self._time()
        if isinstance(command, PlaceOrder) and command.terms.market in self._latest:
            self._rebuild(command.terms.market, now_us)
        answer = self._desk.answer(command, now_us)
        self._conclude()
        await self._clock.sleep(self._latency_s)
        return answer

    # --- live books ---------------------------------------------------------------------------------------

    def watching(self, feed: Feed) -> Feed:
        """The same feed, whose books are seen here too."""
        return _Watched(feed, self.saw)

    def saw(self, book: Book) -> None:
        """Take a live snapshot; match resting orders that it trades through. Crossed or older ones are ignored."""
        held = self._latest.get(book.symbol)
        if book.symbol not in self._visible or not book.tradable:
            return
        if held is not None and book.microtimestamp < held.microtimestamp:
            return
        self._latest[book.symbol] = book
        if not self._account.open_orders:
            return
        now_us = self._time()
        self._venue.advance(now_us)
        if self._traded_through(book):
            self._rebuild(book.symbol, now_us)
        self._conclude()

    def _traded_through(self, book: Book) -> bool:
        for order in self._account.open_orders.values():
            if order.market != book.symbol or order.price is None or book.bid is None or book.ask is None:
                continue
            if order.price <= book.bid if order.side is Side.SELL else order.price >= book.ask:
                return True
        return False

    def _rebuild(self, symbol: str, now_us: int) -> None:
        """Let the private book show the latest snapshot, less what we took of levels that stand unchanged."""
        for order_id, _, _, _ in list(self._venue.house_orders(symbol)):
            self._venue.house_cancel(order_id, now_us)
        before = self._visible[symbol]
        seen = self._visible[symbol] = Visible(live=_levels(self._latest[symbol]))
        for level, amount in seen.live.items():
            if level in before.taken and before.live[level] == amount:
                seen.taken[level] = before.taken[level]
        for level, amount in seen.live.items():
            left = amount - seen.taken.get(level, ZERO)
            if left > 0:
                seen.placed[self._venue.house_limit(symbol, *level, left, now_us)] = level

    def _conclude(self) -> None:
        """After anything that may have traded: note what was taken, and send the private channel's word on its way."""
        for symbol in self._traded:
            seen = self._visible[symbol]
            left = {order_id: remaining for order_id, _, _, remaining in self._venue.house_orders(symbol)}
            for order_id, level in seen.placed.items():
                taken = seen.live[level] - left.get(order_id, ZERO)
                if taken:
                    seen.taken[level] = taken
        self._traded.clear()
        due_ns = self._clock.now().mono_ns + int(self._latency_s * NS)
        self._channel.extend((due_ns, event) for event in self._desk.drain())
        if self._channel:
            self._told.set()

    def _heard(self, event: VenueEvent) -> None:
        if isinstance(event, OwnTrade):
            self._traded.add(event.trade.market)

    # --- the private channel ------------------------------------------------------------------------------

    async def run(self, sink: Sink) -> None:
        """Deliver the account's order events and fills, each a latency after it happened, until cancelled."""
        while True:
            await self._told.wait()
            while self._channel:
                due_ns, event = self._channel[0]
                wait_ns = due_ns - self._clock.now().mono_ns
                if wait_ns > 0:
                    await self._clock.sleep(wait_ns / NS)
                    continue
                self._channel.popleft()
                sink(event, self._clock.now())
            self._told.clear()

    def replace(self, epoch: int, reason: str) -> None:
        """This channel has no connection to replace."""

    def moved_ns(self) -> None:
        """It waits for the account's events alone."""

    def _time(self) -> int:
        """Market time for the private venue: the wall clock's, but never backwards."""
        self._now_us = max(self._now_us, self._clock.now().utc_us)
        return self._now_us


class _Watched:
    def __init__(self, feed: Feed, saw: Callable[[Book], None]) -> None:
        self._feed = feed
        self._saw = saw

    async def run(self, sink: Sink) -> None:
        def tee(event: ev.Event, at: ev.Moment) -> None:
            sink(event, at)
            if isinstance(event, ev.BookSeen):
                self._saw(event.book)

        await self._feed.run(tee)

    def replace(self, epoch: int, reason: str) -> None:
        self._feed.replace(epoch, reason)

    def moved_ns(self) -> int | None:
        return self._feed.moved_ns()


def _spec(instrument: Instrument) -> MarketSpec:
    return MarketSpec(
        instrument.base,
        instrument.counter,
        instrument.base_decimals,
        instrument.counter_decimals,
        instrument.minimum_order_value,
    )


def _levels(book: Book) -> dict[tuple[Side, Decimal], Decimal]:
    """Every visible level; nothing at all of a book with rows that cannot be traded on."""
    try:
        if not all(book.ladder(side).depth for side in OurSide):
            return {}
    except BookError:
        return {}
    return {**_side(Side.BUY, book.bids), **_side(Side.SELL, book.asks)}


def _side(side: Side, rows: Sequence[Row]) -> dict[tuple[Side, Decimal], Decimal]:
    return {(side, Decimal(row[0])): Decimal(row[1]) for row in rows}
