"""Promises of paper trading."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable
from decimal import Decimal as D
from itertools import count
from random import Random
from typing import TypeVar

import pytest

from arbbot.domain import events as ev
from arbbot.domain.book import Book
from arbbot.domain.commands import Ask, CancelOrder, PlaceOrder, Topic
from arbbot.domain.market import Instrument, Side
from arbbot.domain.order import OrderKind, OrderTerms, Purpose, VenueOrderStatus
from arbbot.exchange.accounts import FeeRates
from arbbot.exchange.paper import PaperGateway, PaperOptions, Sink
from arbbot.exchange.rules import VenueRules

T = TypeVar("T")
START_US = 1_767_225_600_000_000
LATENCY_S = 0.15
MARKETS = (
    Instrument("btcusd", "btc", "usd", 8, 2, D(10)),
    Instrument("btceur", "btc", "eur", 8, 2, D(10)),
    Instrument("eurusd", "eur", "usd", 5, 5, D(10)),
)
BALANCES = {"btc": D(5), "usd": D(500_000), "eur": D(500_000)}
BIDS = (("20000.00", "1.00000000"), ("19999.00", "2.00000000"))
ASKS = (("20001.00", "1.00000000"), ("20002.00", "2.00000000"))


class VirtualClock:
    """Sleepers wake in order of time, and time jumps to the next of them."""

    def __init__(self) -> None:
        self._ns = 10**12
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = count()

    def now(self) -> ev.Moment:
        return ev.Moment(self._ns, START_US + (self._ns - 10**12) // 1000)

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._ns + int(seconds * 1e9), next(self._numbers), woken))
        await woken

    async def until(self, wanted: Awaitable[T]) -> T:
        """Let time pass until something is done."""
        task = asyncio.ensure_future(wanted)
        while True:
            for _ in range(10):
                await asyncio.sleep(0)
            if task.done():
                return task.result()
            self._ns, _, woken = heapq.heappop(self._sleepers)
            woken.set_result(None)


class PublicOnly:
    """The live venue's public side, which fails the test when anything else reaches it."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.book: Book | None = None

    async def perform(self, command: Ask, /) -> ev.Event:
        self.asked.append(command)
        if command.topic is Topic.BOOK and self.book is not None:
            return ev.BookFetched(command.ask_id, self.book)
        return ev.AskFailed(command.ask_id, "closed")


class Bench:
    """A paper gateway on a played live market."""

    def __init__(self, rules: VenueRules | None = None) -> None:
        self.clock = VirtualClock()
        self.public = PublicOnly()
        rates = FeeRates(D("0.30"), D("0.40"))
        options = PaperOptions(BALANCES, rates, LATENCY_S, rules or VenueRules())
        self.paper = PaperGateway(MARKETS, self.public, self.clock, options)
        self._stamps = count(START_US)
        self._names = count(1)

    def show(self, bids: tuple[tuple[str, str], ...] = BIDS, asks: tuple[tuple[str, str], ...] = ASKS) -> Book:
        """Let the live market show a book."""
        book = Book("btcusd", next(self._stamps), bids, asks)
        self.paper.saw(book)
        return book

    async def do(self, command: PlaceOrder | CancelOrder | Ask) -> ev.Event:
        return await self.clock.until(self.paper.perform(command))

    def order(
        self, side: Side, size: str, price: str | None = None, *, kind: OrderKind | None = None,
        expire_utc_ms: int | None = None,
    ) -> PlaceOrder:  # fmt: skip
        kind = kind or (OrderKind.MARKET if price is None else OrderKind.LIMIT)
        limit = None if price is None else D(price)
        name = f"p-{next(self._names)}"
        return PlaceOrder(OrderTerms(name, "h", Purpose.LEG, "btcusd", side, kind, D(size), limit, expire_utc_ms))

    async def status(self, placed: PlaceOrder) -> tuple[VenueOrderStatus, D]:
        """Status and filled size of an order."""
        answer = await self.do(Ask(1, Topic.ORDER_STATUS, client_order_id=placed.terms.client_order_id))
        assert isinstance(answer, ev.OrderReported)
        assert answer.report is not None
        return answer.report.status, sum((fill.size for fill in answer.report.fills), D(0))


async def test_an_order_meets_the_book_one_latency_after_it_was_sent() -> None:
    """A book that vanishes while the order travels is not traded on, and the answer takes as long again."""
    bench = Bench()
    bench.show()
    buy = bench.order(Side.BUY, "0.5")
    task = asyncio.ensure_future(bench.paper.perform(buy))
    await asyncio.sleep(0)
    bench.show(asks=(("20500.00", "3.00000000"),))
    begun = bench.clock.now().mono_ns
    assert isinstance(await bench.clock.until(task), ev.OrderAcked)
    assert bench.clock.now().mono_ns - begun == int(2 * LATENCY_S * 1e9)
    assert bench.paper.account.rows[-1].price == D("20500.00")


async def test_no_more_fills_than_is_visible() -> None:
    """A market order larger than the visible side takes all of it and is cancelled for the rest."""
    bench = Bench()
    bench.show()
    buy = bench.order(Side.BUY, "4")
    await bench.do(buy)
    assert await bench.status(buy) == (VenueOrderStatus.CANCELED, D(3))


async def test_foreign_currency_is_converted_on_the_live_fx_book() -> None:
    """An immediate sale of euros fills by the FX market's own book within its limit, and moves no base."""
    bench = Bench()
    bids = (("1.13000", "2000.00000"), ("1.12900", "9000.00000"), ("1.11000", "9000.00000"))
    bench.paper.saw(Book("eurusd", START_US, bids, (("1.13100", "5000.00000"),)))
    terms = OrderTerms("c", "c1", Purpose.CONVERT, "eurusd", Side.SELL, OrderKind.IOC, D(12_000), D("1.12900"), None)
    sale = PlaceOrder(terms)
    await bench.do(sale)
    assert await bench.status(sale) == (VenueOrderStatus.CANCELED, D(11_000))
    assert bench.paper.account.balances["eur"].total == BALANCES["eur"] - 11_000
    assert bench.paper.account.balances["btc"].total == BALANCES["btc"]


async def test_depth_that_was_taken_stays_taken_until_the_live_level_changes() -> None:
    """Equal snapshots bring nothing back; a level shown with another amount is there again, the others are not."""
    bench = Bench()
    bench.show()
    await bench.do(bench.order(Side.BUY, "2.5"))
    bench.show()
    again = bench.order(Side.BUY, "2")
    await bench.do(again)
    assert await bench.status(again) == (VenueOrderStatus.CANCELED, D("0.5"))
    bench.show(asks=(("20001.00", "0.70000000"), ("20002.00", "2.00000000")))
    third = bench.order(Side.BUY, "2")
    await bench.do(third)
    assert await bench.status(third) == (VenueOrderStatus.CANCELED, D("0.7"))


@pytest.mark.parametrize("seed", range(8))
async def test_fills_never_exceed_what_was_shown(seed: int) -> None:
    """Whatever is traded against a book that never changes, no level gives more than its amount in all."""
    rng, bench = Random(seed), Bench()
    for _ in range(25):
        bench.show()
        side = rng.choice(list(Side))
        kind = rng.choice((OrderKind.MARKET, OrderKind.IOC))
        price = None if kind is OrderKind.MARKET else ("20002.00" if side is Side.BUY else "19999.00")
        await bench.do(bench.order(side, f"{rng.uniform(0.01, 0.9):.8f}", price, kind=kind))
    taken: dict[D, D] = {}
    for row in bench.paper.account.rows:
        assert row.price is not None
        taken[row.price] = taken.get(row.price, D(0)) + abs(dict(row.amounts)["btc"])
    shown = {D(price): D(amount) for price, amount in (*BIDS, *ASKS)}
    assert taken
    assert all(amount <= shown[price] for price, amount in taken.items())


async def test_a_resting_limit_fills_as_the_live_book_trades_through_it() -> None:
    """It waits below its price, fills in part by what is shown at its price or beyond, at its own price, as a maker."""
    bench = Bench()
    bench.show()
    sell = bench.order(Side.SELL, "1", "20005.00")
    await bench.do(sell)
    bench.show(bids=(("20004.99", "9.00000000"),), asks=(("20010.00", "1.00000000"),))
    assert await bench.status(sell) == (VenueOrderStatus.OPEN, D(0))
    bench.show(bids=(("20006.00", "0.30000000"), ("20004.00", "5.00000000")), asks=(("20010.00", "1.00000000"),))
    assert await bench.status(sell) == (VenueOrderStatus.OPEN, D("0.3"))
    bench.show(bids=(("20006.00", "0.30000000"),), asks=(("20010.00", "1.00000000"),))
    assert await bench.status(sell) == (VenueOrderStatus.OPEN, D("0.3"))
    bench.show(bids=(("20005.00", "4.00000000"),), asks=(("20010.00", "1.00000000"),))
    assert await bench.status(sell) == (VenueOrderStatus.FINISHED, D(1))
    rows = bench.paper.account.rows
    assert {row.price for row in rows} == {D("20005.00")}
    assert sum(row.fee for row in rows) == D("60.01500")


async def test_a_resting_limit_expires_at_its_time() -> None:
    """Good till date is kept without a book moving."""
    bench = Bench()
    bench.show()
    sell = bench.order(Side.SELL, "1", "20005.00", expire_utc_ms=START_US // 1000 + 5000)
    await bench.do(sell)
    await bench.clock.until(bench.clock.sleep(6.0))
    assert await bench.status(sell) == (VenueOrderStatus.EXPIRED, D(0))


async def test_fills_reach_the_engine_by_private_events_and_rows() -> None:
    """Each fill comes once over the private channel, a latency after it happened, and as a row of the same id."""
    bench = Bench()
    bench.show()
    heard: list[tuple[ev.Event, ev.Moment]] = []
    channel = asyncio.ensure_future(bench.paper.run(lambda event, at: heard.append((event, at))))
    sent_ns = bench.clock.now().mono_ns
    await bench.do(bench.order(Side.BUY, "1.5"))
    await bench.clock.until(bench.clock.sleep(1.0))
    rows = await bench.do(Ask(7, Topic.TRANSACTIONS))
    channel.cancel()
    assert isinstance(rows, ev.TransactionsFetched)
    fills = [event.fill for event, _ in heard if isinstance(event, ev.FillSeen)]
    assert [fill.trade_id for fill in fills] == [row.transaction_id for row in rows.rows]
    assert [fill.size for fill in fills] == [D(1), D("0.5")]
    assert {at.mono_ns - sent_ns for _, at in heard} == {int(2 * LATENCY_S * 1e9)}


async def test_only_public_questions_reach_the_live_venue() -> None:
    """Books, tickers and markets are asked there; orders, cancels and every private question never leave."""
    bench = Bench()
    bench.show()
    sell = bench.order(Side.SELL, "1", "20005.00")
    await bench.do(sell)
    await bench.do(CancelOrder(sell.terms.client_order_id, None, "btcusd"))
    for number, topic in enumerate(Topic):
        await bench.do(Ask(number, topic, market="btcusd", client_order_id=sell.terms.client_order_id))
    assert {type(each) for each in bench.public.asked} == {Ask}
    public = {Topic.BOOK, Topic.TICKER, Topic.MARKETS, Topic.CONVERSION_RATE}
    assert {each.topic for each in bench.public.asked if isinstance(each, Ask)} == public
    assert await bench.status(sell) == (VenueOrderStatus.CANCELED, D(0))


async def test_a_book_by_rest_is_traded_on_when_the_feed_is_gone() -> None:
    """What the engine learns of the live market, the paper venue knows as well; an older book changes nothing."""
    bench = Bench()
    old = bench.show()
    bench.public.book = Book("btcusd", old.microtimestamp + 9, BIDS, (("20100.00", "1.00000000"),))
    await bench.do(Ask(1, Topic.BOOK, market="btcusd"))
    bench.paper.saw(old)
    await bench.do(bench.order(Side.BUY, "0.1"))
    assert bench.paper.account.rows[-1].price == D("20100.00")


@pytest.mark.parametrize(
    "book",
    [
        Book("btcusd", START_US + 10**6, (("20002.00", "1"),), (("20001.00", "1"),)),
        Book("btcusd", START_US + 10**6, (), ASKS),
        Book("ltcusd", START_US + 10**6, BIDS, ASKS),
    ],
    ids=["crossed", "one-sided", "foreign"],
)
async def test_a_book_nobody_could_trade_on_is_ignored(book: Book) -> None:
    """The last sound snapshot stays in force."""
    bench = Bench()
    bench.show()
    bench.paper.saw(book)
    await bench.do(bench.order(Side.BUY, "0.1"))
    assert bench.paper.account.rows[-1].price == D("20001.00")


async def test_without_a_readable_book_orders_are_refused() -> None:
    """Before the first book, and on one with garbage inside, there is nothing to trade with, and it is said."""
    bench = Bench()
    assert isinstance(await bench.do(bench.order(Side.BUY, "0.1")), ev.OrderRefused)
    bench.show(asks=(("20001.00", "1.00000000"), ("20000.50", "oops")))
    assert isinstance(await bench.do(bench.order(Side.BUY, "0.1")), ev.OrderRefused)


async def test_the_watched_feed_passes_everything_on() -> None:
    """Every event reaches the sink, every book the paper venue in the same call, and a wish to reconnect the feed."""
    bench = Bench()
    book = Book("btcusd", START_US, BIDS, ASKS)

    class TwoEvents:
        async def run(self, sink: Sink) -> None:
            sink(ev.FeedUp(1), bench.clock.now())
            sink(ev.BookSeen(book, 1), bench.clock.now())

        def replace(self, epoch: int, reason: str) -> None:
            replaced.append((epoch, reason))

        def moved_ns(self) -> int:
            return 7

    heard: list[ev.Event] = []
    replaced: list[tuple[int, str]] = []
    watched = bench.paper.watching(TwoEvents())
    await watched.run(lambda event, at: heard.append(event))
    watched.replace(1, "stalled")
    assert replaced == [(1, "stalled")]
    assert watched.moved_ns() == 7
    assert heard == [ev.FeedUp(1), ev.BookSeen(book, 1)]
    await bench.do(bench.order(Side.BUY, "0.1"))
    assert len(bench.paper.account.rows) == 1


async def test_rows_of_two_runs_never_share_an_id() -> None:
    """A journal that goes on in a later process sees only new transaction ids."""
    first = Bench()
    first.show()
    await first.do(first.order(Side.BUY, "0.1"))
    last = first.paper.account.rows[-1].row_id
    second = Bench()
    await second.clock.until(second.clock.sleep(1.0))
    second.paper = PaperGateway(
        MARKETS, second.public, second.clock, PaperOptions(BALANCES, FeeRates(D(0), D(0)), LATENCY_S)
    )
    second.show()
    await second.do(second.order(Side.BUY, "0.1"))
    assert second.paper.account.rows[0].row_id > last
