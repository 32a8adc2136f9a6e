"""The edges that were there to be had at each fee tier: how often, how long, how large. A fold over books alone.

An edge is seen at the touch: proceeds over cost in domestic currency, held against what a tier needs to net zero. While
it lasts is a run; runs of a dearer tier lie within those of a cheaper one. Its size is all that both base books offer
level by level at a profit, converted at the FX book's touch, whose depth is not looked at. Size and profit of a run are
of the moment at which its profit was largest. Time counts up to a book that came: what nobody saw the end of ended with
the last one, and a book that stood still for longer than is fresh, while REST was silent about it, counts no more until
it comes again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, DecimalException
from statistics import median
from typing import Any

from arbbot.domain.book import Book, Row
from arbbot.domain.events import BookFetched, BookSeen, Event, FeedDead, FeedDown, FeedUp, Moment
from arbbot.domain.market import Direction, FeeRate, Route
from arbbot.domain.money import BPS, ONE, ZERO, exact
from arbbot.engine.spread import Costs

RUNS_KEPT = 10_000
"""Of a tier, the newest: medians are of these."""
MINUTES_KEPT = 7 * 24 * 60
NEWEST_KEPT = 500
LENGTHS_S = (Decimal("0.1"), Decimal(1), Decimal(10), Decimal(60), Decimal(600))
"""Upper bounds of the classes of length; the last class has none."""
MINUTE_US = 60_000_000
SHOWN, SECONDS = Decimal("0.0001"), Decimal("0.001")
_WAYS = tuple(Direction)


@dataclass(frozen=True, slots=True)
class Bar:
    """What an edge must clear: a tier's taker fees on both legs, and on the FX leg or not."""

    volume: int
    """Domestic currency of 30 days from which the tier holds."""
    rate: FeeRate
    with_fx: bool

    @property
    def costs(self) -> Costs:
        """As a hedge pays them."""
        return Costs(self.rate.taker, self.rate.taker, self.rate.taker if self.with_fx else ZERO)


@dataclass(frozen=True, slots=True)
class Run:
    """An edge from its beginning to its end."""

    direction: Direction
    began_utc_us: int
    lasted_s: Decimal
    net_bp: Decimal
    """The largest, at the touch."""
    size: Decimal
    """Base units that paid, when their profit was largest."""
    profit: Decimal
    """Domestic currency, fees in."""
    oldest_book_s: Decimal
    """The longest that any of the three books had stood unchanged meanwhile. Quiet is not stale, but may be."""


@dataclass(slots=True)
class _Open:
    began: Moment
    net_bp: Decimal = ZERO
    size: Decimal = ZERO
    profit: Decimal = ZERO
    oldest_ns: int = 0


@dataclass(slots=True)
class _Way:
    """One direction and the bars as it has them, the lowest first."""

    direction: Direction
    order: list[int]
    """Positions in the radar's bars."""
    factors: list[Decimal]
    """Proceeds over cost at which each nets zero."""
    earned: list[Decimal]
    """Of a unit of proceeds, what is left after fees."""
    spent: list[Decimal]
    """For a unit of cost, what is paid with fees."""
    open: list[_Open | None]


@dataclass(slots=True)
class _Tally:
    """All runs of one bar."""

    runs: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=RUNS_KEPT))
    """(nanoseconds lasted, net in units of `SHOWN`): plain numbers, since there may be many."""
    count: int = 0
    total_s: Decimal = ZERO
    longest_s: Decimal = ZERO
    best_net_bp: Decimal = ZERO
    largest: Decimal = ZERO
    best_profit: Decimal = ZERO
    oldest_book_s: Decimal = ZERO
    lengths: list[int] = field(default_factory=lambda: [0] * (len(LENGTHS_S) + 1))
    ways: list[int] = field(default_factory=lambda: [0] * len(_WAYS))

    def take(self, run: Run, lasted_ns: int | None) -> None:
        """Count one more; `lasted_ns` where it is kept for the medians."""
        if lasted_ns is not None:
            self.runs.append((lasted_ns, int(run.net_bp / SHOWN)))
        self.count += 1
        self.ways[_WAYS.index(run.direction)] += 1
        self.total_s += run.lasted_s
        self.longest_s = max(self.longest_s, run.lasted_s)
        self.best_net_bp = max(self.best_net_bp, run.net_bp)
        self.largest = max(self.largest, run.size)
        self.best_profit = max(self.best_profit, run.profit)
        self.oldest_book_s = max(self.oldest_book_s, run.oldest_book_s)
        self.lengths[sum(run.lasted_s >= bound for bound in LENGTHS_S)] += 1


class Radar:
    """Takes events in order; `ended` is called with each run at the lowest bar, and all bars that it cleared. A book
    that neither its frame nor REST vouched for since `fresh_s` counts no more. `medians` of lengths and edges want the
    runs to be kept: not for who looks for weeks.
    """

    def __init__(
        self,
        route: Route,
        bars: Sequence[Bar],
        fresh_s: Decimal,
        ended: Callable[[Run, Sequence[Bar]], None] | None = None,
        *,
        medians: bool = True,
    ) -> None:
        self._route = route
        self.bars = tuple(bars)
        self._fresh_ns = int(fresh_s * 1_000_000_000)
        self._ended = ended
        self._medians = medians
        self._books: dict[str, Book] = {}
        self._came_ns: dict[str, int] = {}
        """When each book came."""
        self._vouched_ns: dict[str, int] = {}
        """Or when REST had the same one: quiet is not stale."""
        self._epoch = -1
        self._at: Moment | None = None
        self._ways = tuple(_way(direction, self.bars) for direction in _WAYS)
        self._tallies = [_Tally() for _ in self.bars]
        self._cleared = dict.fromkeys(_WAYS, 0)
        self.newest: deque[Run] = deque(maxlen=NEWEST_KEPT)
        """At the lowest bar."""
        self.minutes: deque[list[Any]] = deque(maxlen=MINUTES_KEPT)
        """[UTC minute, largest gross edge in basis points in each direction]."""
        self.observed_ns = 0
        self.changes = 0
        self.gaps = 0
        self.began_utc_us: int | None = None

    # --- what comes in ---------------------------------------------------------------------------------------

    def take(self, event: Event, at: Moment) -> None:
        """An event at its time; only books and the state of the feed matter."""
        if isinstance(event, BookSeen):
            self._book(event.book, event.epoch, at)
        elif isinstance(event, BookFetched):
            self._vouched(event.book, at)
        elif isinstance(event, FeedUp) and event.epoch > self._epoch:
            self.gap(at)
            self._epoch = event.epoch
        elif isinstance(event, FeedDead) or (isinstance(event, FeedDown) and event.epoch == self._epoch):
            self.gap(at)

    def gap(self, at: Moment) -> None:
        """Nobody knows what came since the last book: none counts any more, and what lasted ended with that one."""
        if self._books:
            self.gaps += 1
        self._books.clear()
        self._came_ns.clear()
        self._vouched_ns.clear()
        self.close()
        self._is(at)

    def close(self) -> None:
        """Nothing more comes: what lasts ends with the last event."""
        if self._at is not None:
            self._end_all(self._at)

    def _book(self, book: Book, epoch: int, at: Moment) -> None:
        if book.symbol not in self._route.symbols or epoch < self._epoch:
            return
        if epoch > self._epoch:  # nobody told that it is up: what is held is of the one before
            self.gap(at)
            self._epoch = epoch
        self._pass(at)
        self._books[book.symbol] = book
        self._came_ns[book.symbol] = self._vouched_ns[book.symbol] = at.mono_ns
        self.changes += 1
        if self._whole():
            self._look(at)
        else:
            self._end_all(at)

    def _vouched(self, book: Book, at: Moment) -> None:
        """REST has a book: one that counts still, and is the same, is fresh again."""
        held = self._books.get(book.symbol)
        if held is not None and held.microtimestamp == book.microtimestamp:
            self._pass(at)
            if book.symbol in self._books:
                self._vouched_ns[book.symbol] = at.mono_ns

    def _pass(self, at: Moment) -> None:
        """Time went by, and a book comes: the others stood for so long, and those that are old by now count no more."""
        if self._at is not None and self._whole():
            oldest_ns = min(self._came_ns.values())
            until = min(at.mono_ns, min(self._vouched_ns.values()) + self._fresh_ns)
            passed_ns = max(until - self._at.mono_ns, 0)
            self.observed_ns += passed_ns
            for run in (held for way in self._ways for held in way.open if held is not None):
                run.oldest_ns = max(run.oldest_ns, until - oldest_ns)
            if until < at.mono_ns:
                self._end_all(Moment(self._at.mono_ns + passed_ns, self._at.utc_us + passed_ns // 1000))
        for symbol in [each for each, last_ns in self._vouched_ns.items() if last_ns + self._fresh_ns < at.mono_ns]:
            del self._books[symbol], self._came_ns[symbol], self._vouched_ns[symbol]
        self._is(at)

    def _is(self, at: Moment) -> None:
        self._at = at
        if self.began_utc_us is None:
            self.began_utc_us = at.utc_us

    def _whole(self) -> bool:
        return len(self._books) == len(self._route.symbols) and all(book.tradable for book in self._books.values())

    # --- edges -----------------------------------------------------------------------------------------------

    def _look(self, at: Moment) -> None:
        domestic, foreign, fx = (self._books[symbol] for symbol in self._route.symbols)
        assert fx.bid is not None
        assert fx.ask is not None
        grosses = [
            self._edge(self._ways[0], domestic, foreign, fx.bid, ONE, at),
            self._edge(self._ways[1], foreign, domestic, ONE, fx.ask, at),
        ]
        minute = at.utc_us // MINUTE_US
        if not self.minutes or self.minutes[-1][0] != minute:
            self.minutes.append([minute, *grosses])
        else:
            last = self.minutes[-1]
            last[1:] = [max(pair) for pair in zip(last[1:], grosses, strict=True)]

    def _edge(self, way: _Way, buy: Book, sell: Book, earns: Decimal, costs: Decimal, at: Moment) -> Decimal:
        """One direction: `earns` and `costs` are what a unit of either counter currency is in domestic; the gross edge
        in basis points.
        """
        assert buy.ask is not None
        assert sell.bid is not None
        ratio = sell.bid * earns / (buy.ask * costs)
        alive = sum(ratio > factor for factor in way.factors)
        offers = _offers(way, buy.asks, sell.bids, earns, costs) if alive else ()
        for place, held in enumerate(way.open):
            if place >= alive:
                if held is not None:
                    self._end(way, place, held, at)
                continue
            run = held or _Open(at)
            way.open[place] = run
            run.net_bp = max(run.net_bp, (ratio / way.factors[place] - ONE) * BPS)
            size, profit = offers[place]
            if profit > run.profit:
                run.size, run.profit = size, profit
        self._cleared[way.direction] = max(self._cleared[way.direction], alive)
        return ((ratio - ONE) * BPS).quantize(SHOWN)

    def _end_all(self, at: Moment) -> None:
        for way in self._ways:
            for place in reversed(range(len(way.open))):
                held = way.open[place]
                if held is not None:
                    self._end(way, place, held, at)

    def _end(self, way: _Way, place: int, held: _Open, at: Moment) -> None:
        way.open[place] = None
        lasted_ns = max(at.mono_ns - held.began.mono_ns, 0)
        lasted_s = Decimal(lasted_ns) / 1_000_000_000
        net_bp, profit = held.net_bp.quantize(SHOWN), held.profit.quantize(SHOWN)
        oldest_s = (Decimal(held.oldest_ns) / 1_000_000_000).quantize(SECONDS)
        run = Run(way.direction, held.began.utc_us, lasted_s, net_bp, held.size, profit, oldest_s)
        self._tallies[way.order[place]].take(run, lasted_ns if self._medians else None)
        if place == 0:
            self.newest.append(run)
            cleared, self._cleared[way.direction] = self._cleared[way.direction], 0
            if self._ended is not None:
                self._ended(run, [self.bars[index] for index in way.order[:cleared]])

    # --- what came of it -------------------------------------------------------------------------------------

    def figures(self) -> dict[str, Any]:
        """All of it, of what still lasts nothing yet."""
        observed_s = Decimal(self.observed_ns) / 1_000_000_000
        return {
            "began_utc_us": self.began_utc_us,
            "ended_utc_us": None if self._at is None else self._at.utc_us,
            "observed_s": observed_s.quantize(SECONDS),
            "book_changes": self.changes,
            "gaps": self.gaps,
            "tiers": [
                _row(bar, tally, observed_s) | (_medians(tally) if self._medians else {})
                for bar, tally in zip(self.bars, self._tallies, strict=True)
            ],
        }


def _way(direction: Direction, bars: Sequence[Bar]) -> _Way:
    needed = [ONE + bar.costs.break_even(direction) for bar in bars]
    order = sorted(range(len(bars)), key=lambda index: needed[index])
    costs = [bars[index].costs for index in order]
    selling_foreign = direction is Direction.BUY_DOMESTIC
    earned = [(ONE - each.sell) * (ONE - each.fx if selling_foreign else ONE) for each in costs]
    spent = [(ONE + each.buy) * (ONE if selling_foreign else ONE + each.fx) for each in costs]
    return _Way(direction, order, [needed[index] for index in order], earned, spent, [None] * len(bars))


def _offers(
    way: _Way, asks: Sequence[Row], bids: Sequence[Row], earns: Decimal, costs: Decimal
) -> list[tuple[Decimal, Decimal]]:
    """(size, profit) that pays at each bar: cheapest asks against dearest bids, level by level, until none pays."""
    alive, selling, buying = len(way.factors), _levels(bids, earns), _levels(asks, costs)
    offers = [(ZERO, ZERO)] * alive
    size = received = given = ZERO
    out, bid_left = next(selling, (ZERO, ZERO))
    paid, ask_left = next(buying, (ZERO, ZERO))

    def settle(place: int) -> None:
        offers[place] = (size, received * way.earned[place] - given * way.spent[place])

    while bid_left and ask_left and alive:
        while alive and out <= paid * way.factors[alive - 1]:
            alive -= 1
            settle(alive)
        step = min(bid_left, ask_left) if alive else ZERO
        size, received, given = size + step, received + step * out, given + step * paid
        bid_left, ask_left = bid_left - step, ask_left - step
        if not bid_left:
            out, bid_left = next(selling, (ZERO, ZERO))
        if not ask_left:
            paid, ask_left = next(buying, (ZERO, ZERO))
    for place in range(alive):
        settle(place)
    return offers


def _levels(rows: Sequence[Row], rate: Decimal) -> Any:
    """(price in domestic currency, amount) of each level; ends at the first that is none."""
    for row in rows:
        try:
            price, amount = exact(row[0]), exact(row[1])
        except (DecimalException, LookupError, TypeError, ValueError):
            return
        if amount <= 0:
            return
        yield price * rate, amount


def _row(bar: Bar, tally: _Tally, observed_s: Decimal) -> dict[str, Any]:
    any_run, hours = tally.count > 0, observed_s / 3600
    return {
        "volume_usd": bar.volume,
        "taker_pct": bar.rate.taker.scaleb(2),
        "with_fx": bar.with_fx,
        "break_even_pct": max(bar.costs.break_even(direction) for direction in _WAYS).scaleb(2).quantize(SHOWN),
        "runs": tally.count,
        "runs_per_hour": (tally.count / hours).quantize(SECONDS) if hours else None,
        "seconds": tally.total_s.quantize(SECONDS),
        "share_pct": (tally.total_s / observed_s * 100).quantize(SHOWN) if observed_s else None,
        "longest_s": tally.longest_s.quantize(SECONDS) if any_run else None,
        "best_net_bp": tally.best_net_bp if any_run else None,
        "oldest_book_s": tally.oldest_book_s if any_run else None,
        "largest_size": tally.largest if any_run else None,
        "best_profit": tally.best_profit if any_run else None,
        "lengths": tally.lengths,
        "by_direction": {way.value: count for way, count in zip(_WAYS, tally.ways, strict=True)},
    }


def _medians(tally: _Tally) -> dict[str, Any]:
    runs = tally.runs
    return {
        "median_s": (Decimal(median(ns for ns, _ in runs)) / 1_000_000_000).quantize(SECONDS) if runs else None,
        "median_net_bp": (Decimal(median(net for _, net in runs)) * SHOWN).quantize(SHOWN) if runs else None,
    }
