"""Promises of the desk: what it answers is what a client of the wire would read."""

from __future__ import annotations

from decimal import Decimal as D

import orjson
import pytest

from arbbot.bitstamp import codec_account, codec_market, codec_order
from arbbot.bitstamp.wire import JsonValue
from arbbot.domain import events as ev
from arbbot.domain.commands import Ask, CancelOrder, PlaceOrder, Topic
from arbbot.domain.market import FeeRate, Side
from arbbot.domain.order import OrderKind, OrderTerms, Purpose, VenueOrderStatus
from arbbot.exchange.accounts import Account, FeeRates
from arbbot.exchange.gateway import VenueDesk
from arbbot.exchange.matching import Side as VenueSide
from arbbot.exchange.rules import VenueRules
from arbbot.exchange.server import public, shapes
from arbbot.exchange.server.wire import Json, rest_json
from arbbot.exchange.venue import Venue

NOW = 1_767_225_600_000_000
SECOND = 1_000_000
SYMBOLS = ("btcusd", "btceur", "eurusd")
RICH = {"btc": D(5), "usd": D(500_000), "eur": D(500_000)}


def wire(shape: Json) -> JsonValue:
    """A reply's shape as a client has it after parsing."""
    return orjson.loads(rest_json(shape))


class Counter:
    """A venue with still books and one account at its desk."""

    def __init__(self, rules: VenueRules | None = None) -> None:
        self.venue = Venue(rules)
        for number in range(1, 131):
            self.venue.house_limit("btcusd", VenueSide.BUY, D(20_000) - number, D("0.12345678"), NOW)
            self.venue.house_limit("btcusd", VenueSide.SELL, D("20000.37") + number, D("0.12345678"), NOW)
        self.account: Account = self.venue.add_account("desk", RICH, FeeRates(D("0.30"), D("0.40")))
        self.desk = VenueDesk(self.venue, self.account, SYMBOLS)
        self.now_us = NOW

    def place(
        self, name: str, side: Side, size: str, price: str | None = None, kind: OrderKind | None = None,
        expire_utc_ms: int | None = None,
    ) -> ev.Event:  # fmt: skip
        kind = kind or (OrderKind.MARKET if price is None else OrderKind.LIMIT)
        limit = None if price is None else D(price)
        terms = OrderTerms(name, "h", Purpose.LEG, "btcusd", side, kind, D(size), limit, expire_utc_ms)
        return self.desk.answer(PlaceOrder(terms), self.now_us)

    def ask(self, topic: Topic, **more: object) -> ev.Event:
        return self.desk.answer(Ask(1, topic, **more), self.now_us)  # type: ignore[arg-type]  # keywords of Ask

    def rows(self, since_id: int | None = None) -> ev.TransactionsFetched:
        answer = self.ask(Topic.TRANSACTIONS, since_id=since_id)
        assert isinstance(answer, ev.TransactionsFetched)
        return answer


@pytest.mark.parametrize("decimals", [2, 5, 8])
def test_rows_are_what_the_wire_shows(decimals: int) -> None:
    """Every row equals the one a client parses out of `user_transactions`, in every rounding variant."""
    counter = Counter(VenueRules(row_decimals=decimals))
    counter.place("a", Side.BUY, "0.30000001")
    counter.place("b", Side.SELL, "0.2", "19990.00")
    counter.venue.external(counter.account, {"eur": D("12.34")}, 0, NOW)
    spec = counter.venue.spec("btcusd")
    shown = tuple(
        codec_account.transaction(wire(shapes.transaction(row, spec if row.market else None, counter.venue.rules)))
        for row in counter.account.rows
    )
    assert counter.rows().rows == shown
    assert len(shown) > 4


@pytest.mark.parametrize("decimals", [None, 2, 5])
def test_balances_are_what_the_wire_shows(decimals: int | None) -> None:
    """Exact or cut short, totals and reserves equal a client's reading of `account_balances`."""
    counter = Counter(VenueRules(balance_decimals=decimals))
    counter.place("a", Side.BUY, "0.30000001")
    counter.place("b", Side.SELL, "0.2", "20500.00")
    answer = counter.ask(Topic.BALANCES)
    assert isinstance(answer, ev.BalancesFetched)
    held = counter.account.balances
    shown = [shapes.balance(currency, held[currency], counter.venue.rules) for currency in sorted(held)]
    assert answer.balances == codec_account.balances(wire(shown))


def test_order_status_is_what_the_wire_shows() -> None:
    """Status, remainder and unrounded fills equal a client's reading, for filled, resting and cancelled orders."""
    counter = Counter()
    counter.place("filled", Side.BUY, "0.3")
    counter.place("resting", Side.SELL, "0.2", "19999.00")
    counter.place("gone", Side.BUY, "9", "20005.37", OrderKind.IOC)
    for name in ("filled", "resting", "gone"):
        order = counter.account.by_client_id[name]
        answer = counter.ask(Topic.ORDER_STATUS, client_order_id=name)
        shown = shapes.order_status(order, counter.venue.spec("btcusd"), with_fills=True)
        assert isinstance(answer, ev.OrderReported)
        assert answer.report == codec_order.order_report(wire(shown))


def test_open_orders_and_order_events_are_what_the_wire_shows() -> None:
    """The other two views of an order are told as a client reads them."""
    counter = Counter()
    counter.place("resting", Side.SELL, "0.2", "19999.00")
    spec = counter.venue.spec("btcusd")
    opened = counter.ask(Topic.OPEN_ORDERS)
    assert isinstance(opened, ev.OpenOrdersFetched)
    resting = [shapes.open_order(order, spec, with_pair=True) for order in counter.account.open_orders.values()]
    assert opened.orders == codec_order.open_orders(wire(resting))
    told = counter.ask(Topic.ORDER_EVENTS, market="btcusd")
    assert isinstance(told, ev.OrderEventsFetched)
    steps = [shapes.order_event_row(event, spec, own=True) for event in counter.account.events]
    assert told.events == codec_order.order_events(wire(steps), "btcusd")


def test_markets_and_books_are_what_the_wire_shows() -> None:
    """Instruments, halts, and the best 100 levels with padded prices and amounts."""
    counter = Counter()
    counter.venue.set_trading("btceur", False, NOW)
    markets = counter.ask(Topic.MARKETS)
    assert isinstance(markets, ev.MarketsFetched)
    assert [each.symbol for each in markets.instruments] == list(SYMBOLS)
    assert markets.halted == ("btceur",)
    book = counter.desk.book("btcusd")
    shown = codec_market.book(wire(public.book(counter.venue.listing("btcusd"), "1", 100)), "btcusd")
    assert [list(row) for row in book.bids] == shown.bids
    assert [list(row) for row in book.asks] == shown.asks
    assert (book.microtimestamp, len(book.bids)) == (shown.microtimestamp, 100)
    assert book.asks[0] == ("20001.37", "0.12345678")


def test_fees_are_fractions() -> None:
    """0.40 % is told as 0.004, for every market."""
    answer = Counter().ask(Topic.FEES)
    assert isinstance(answer, ev.FeesFetched)
    assert set(answer.rates) >= {(symbol, FeeRate(D("0.003"), D("0.004"))) for symbol in SYMBOLS}


def test_tickers_tell_touch_and_last() -> None:
    """Bid, ask and last trade; zero on a side where there is nothing."""
    counter = Counter()
    counter.place("a", Side.BUY, "0.1")
    ticker = counter.ask(Topic.TICKER, market="btcusd")
    assert ticker == ev.TickerFetched(1, "btcusd", D(19_999), D("20001.37"), D("20001.37"))
    assert counter.ask(Topic.TICKER, market="btceur") == ev.TickerFetched(1, "btceur", D(0), D(0), D(0))


def test_the_conversion_rate_surrounds_the_market() -> None:
    """0.4 % either side of the market's price, to four decimals; without a price there is none."""
    counter = Counter()
    counter.place("a", Side.BUY, "0.1")
    told = counter.ask(Topic.CONVERSION_RATE, market="btcusd")
    assert told == ev.ConversionRateFetched(1, "btcusd", D("20081.3755"), D("19921.3645"))
    assert isinstance(counter.ask(Topic.CONVERSION_RATE, market="btceur"), ev.AskFailed)


def test_refusals_of_orders_are_named() -> None:
    """What the venue declines comes back as a refusal with its code, and leaves nothing behind."""
    counter = Counter()
    answer = counter.place("poor", Side.BUY, "40", "20000.00")
    assert isinstance(answer, ev.OrderRefused)
    assert (answer.client_order_id, answer.code) == ("poor", "400.009")
    assert not counter.account.orders


def test_cancels_end_orders_or_find_nothing() -> None:
    """An open order is cancelled by either id; one that is over or unknown is not found."""
    counter = Counter()
    counter.place("resting", Side.SELL, "0.2", "20500.00")
    cancel = CancelOrder("resting", None, "btcusd")
    assert counter.desk.answer(cancel, NOW) == ev.CancelResult("resting", "canceled", "")
    again = counter.desk.answer(cancel, NOW)
    assert isinstance(again, ev.CancelResult)
    assert again.outcome == "not_found"


def test_good_till_date_is_kept_by_the_desk() -> None:
    """An order expires at its time, seen at the next word with the desk."""
    counter = Counter()
    counter.place("resting", Side.SELL, "0.2", "20500.00", expire_utc_ms=NOW // 1000 + 5000)
    counter.now_us += 5 * SECOND
    answer = counter.ask(Topic.ORDER_STATUS, client_order_id="resting")
    assert isinstance(answer, ev.OrderReported)
    assert answer.report is not None
    assert answer.report.status is VenueOrderStatus.EXPIRED


def test_lags_and_caches_are_those_of_the_rules() -> None:
    """A fresh order is not found, its rows are missing, and open orders are as old as the cache allows."""
    counter = Counter(VenueRules(status_lag_us=2 * SECOND, row_lag_us=3 * SECOND))
    assert counter.ask(Topic.OPEN_ORDERS) == ev.OpenOrdersFetched(1, ())
    counter.place("fresh", Side.SELL, "0.2", "19999.00")
    status = counter.ask(Topic.ORDER_STATUS, client_order_id="fresh")
    assert isinstance(status, ev.OrderReported)
    assert status.report is None
    assert counter.rows().rows == ()
    assert counter.ask(Topic.OPEN_ORDERS) == ev.OpenOrdersFetched(1, ())
    counter.now_us += 10 * SECOND
    late = counter.ask(Topic.OPEN_ORDERS)
    assert isinstance(late, ev.OpenOrdersFetched)
    assert len(late.orders) == 1
    assert len(counter.rows().rows) == 1


def test_transactions_start_where_asked() -> None:
    """All rows from an id on, that one included; without an id the newest hundred."""
    counter = Counter()
    for number in range(120):
        counter.place(f"o{number}", Side.BUY if number % 2 else Side.SELL, "0.001")
    ids = [row.row_id for row in counter.account.rows]
    assert [row.transaction_id for row in counter.rows(ids[7]).rows] == ids[7:]
    assert [row.transaction_id for row in counter.rows(ids[7] + 1).rows] == ids[8:]
    assert [row.transaction_id for row in counter.rows().rows] == ids[-100:]


def test_private_channels_tell_of_every_step_once() -> None:
    """Order events and fills of this account alone, in the order in which they happened."""
    counter = Counter()
    stranger = counter.venue.add_account("stranger", RICH, FeeRates(D(0), D(0)))
    other = VenueDesk(counter.venue, stranger, SYMBOLS)
    counter.place("mine", Side.BUY, "0.2")
    told = counter.desk.drain()
    changes = [each.event.change for each in told if isinstance(each, ev.OrderEventSeen)]
    fills = [each.fill for each in told if isinstance(each, ev.FillSeen)]
    assert changes == ["created", "changed", "deleted"]
    assert [fill.size for fill in fills] == [D("0.12345678"), D("0.07654322")]
    assert [fill.trade_id for fill in fills] == [row.row_id for row in counter.account.rows]
    assert counter.desk.drain() == []
    assert other.drain() == []


def test_unknown_markets_are_answered_not_raised() -> None:
    """A question about a market that is not listed fails as a question does."""
    answer = Counter().ask(Topic.BOOK, market="ltcusd")
    assert answer == ev.AskFailed(1, "Market not found.")
