"""The venue as one account's desk sees it: commands in, the one event that answers each of them out. No bytes.

A rehearsal that needs no sockets trades through this: what a client of the wire would read, with the same rounding of
rows, cut balances, lags and caches of `VenueRules`, without encoding and parsing it. A refusal here is always certain:
nothing is lost on the way, so nothing is ever in doubt.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal
from itertools import islice

from arbbot.domain import events as ev
from arbbot.domain.book import Book
from arbbot.domain.commands import Ask, CancelOrder, PlaceOrder, Topic
from arbbot.domain.market import FeeRate, Instrument
from arbbot.domain.market import Side as OurSide
from arbbot.domain.order import Balance as OurBalance
from arbbot.domain.order import Fill as OurFill
from arbbot.domain.order import OpenOrder, OrderKind, OrderReport, OrderTerms, Transaction, VenueOrderStatus
from arbbot.domain.order import OrderEvent as OurOrderEvent
from arbbot.exchange.accounts import Account, AccountOrder, Row, Status
from arbbot.exchange.entry import OrderRequest
from arbbot.exchange.events import OrderEvent, OwnTrade, VenueEvent
from arbbot.exchange.listing import Listing, conversion_rates
from arbbot.exchange.matching import ZERO, BookSide, Kind, MarketSpec, Side
from arbbot.exchange.refusal import Refusal
from arbbot.exchange.venue import Venue

LEVELS = 100
"""Price levels a side of a book, as `order_book_*` sends them."""
PAGE = 100
"""Rows of a transactions question that names no first row."""
PERCENT = -2

_STATUSES = {
    Status.OPEN: VenueOrderStatus.OPEN,
    Status.FINISHED: VenueOrderStatus.FINISHED,
    Status.CANCELED: VenueOrderStatus.CANCELED,
    Status.EXPIRED: VenueOrderStatus.EXPIRED,
}
_CHANGES = {"order_created": "created", "order_changed": "changed", "order_deleted": "deleted"}


def _step(decimals: int) -> Decimal:
    return Decimal(1).scaleb(-decimals)


def instrument(spec: MarketSpec) -> Instrument:
    """A listed market as the market list describes it."""
    return Instrument(
        spec.symbol, spec.base, spec.counter, spec.base_decimals, spec.counter_decimals, spec.minimum_order_value
    )


def snapshot(listing: Listing, levels: int = LEVELS) -> Book:
    """The best `levels` of a market's book now, prices and amounts written out with the market's decimals."""
    spec, book = listing.spec, listing.book
    return Book(spec.symbol, listing.changed_us, _rows(book.bids, spec, levels), _rows(book.asks, spec, levels))


def _rows(side: BookSide, spec: MarketSpec, levels: int) -> list[tuple[str, str]]:
    price_as, amount_as = f".{spec.counter_decimals}f", f".{spec.base_decimals}f"
    return [(format(level.price, price_as), format(level.total, amount_as)) for level in islice(side, levels)]


class VenueDesk:
    """Answers one account's orders, cancels and questions on a venue, and collects its private-channel events.

    Times are market time in microseconds since the epoch.
    """

    def __init__(self, venue: Venue, account: Account, symbols: Sequence[str]) -> None:
        """`symbols` are the markets that a MARKETS question tells about; all are open to orders and questions."""
        self._venue = venue
        self._account = account
        self._symbols = tuple(symbols)
        self._private: list[ev.OrderEventSeen | ev.FillSeen] = []
        self._rows: list[Transaction] = []
        """The account's rows as displayed, in the order of their ids, as far as anybody asked."""
        self._open_seen: tuple[int, tuple[OpenOrder, ...]] | None = None
        venue.subscribe(self._heard)

    def answer(self, command: PlaceOrder | CancelOrder | Ask, now_us: int) -> ev.Event:
        """Do it once, now, and return the one event that answers it. Never raises for what the venue declines."""
        self._venue.advance(now_us)
        if isinstance(command, PlaceOrder):
            return self._place(command.terms, now_us)
        if isinstance(command, CancelOrder):
            return self._cancel(command, now_us)
        try:
            return self._ask(command, now_us)
        except Refusal as refusal:
            return ev.AskFailed(command.ask_id, str(refusal))

    def drain(self) -> list[ev.OrderEventSeen | ev.FillSeen]:
        """Take what the private channels have told since the last time, in order."""
        told, self._private = self._private, []
        return told

    def book(self, market: str, levels: int = LEVELS) -> Book:
        """A snapshot of a market; raises Refusal when it is not listed."""
        return snapshot(self._venue.listing(market), levels)

    # --- orders -------------------------------------------------------------------------------------------

    def _place(self, terms: OrderTerms, now_us: int) -> ev.OrderAcked | ev.OrderRefused:
        try:
            order = self._venue.place(self._account, _request(terms), now_us)
        except Refusal as refusal:
            return ev.OrderRefused(terms.client_order_id, refusal.code or "text", str(refusal))
        return ev.OrderAcked(terms.client_order_id, order.order_id)

    def _cancel(self, command: CancelOrder, now_us: int) -> ev.CancelResult:
        try:
            order = self._venue.find(self._account, command.venue_order_id, command.client_order_id)
            self._venue.cancel(order, now_us)
        except Refusal as refusal:
            outcome = "not_found" if refusal.code == "404.002" else "refused"
            return ev.CancelResult(command.client_order_id, outcome, str(refusal))
        return ev.CancelResult(command.client_order_id, "canceled", "")

    # --- questions ----------------------------------------------------------------------------------------

    def _ask(self, ask: Ask, now_us: int) -> ev.Event:
        match ask.topic:
            case Topic.ORDER_STATUS:
                report = self._report(ask, now_us)
                return ev.OrderReported(ask.ask_id, ask.client_order_id, ask.venue_order_id, report)
            case Topic.OPEN_ORDERS:
                return ev.OpenOrdersFetched(ask.ask_id, self._open_orders(now_us))
            case Topic.ORDER_EVENTS:
                return ev.OrderEventsFetched(ask.ask_id, self._listing(ask).spec.symbol, self._order_events(ask))
            case Topic.TRANSACTIONS:
                return ev.TransactionsFetched(ask.ask_id, ask.since_id, self._transactions(ask.since_id, now_us))
            case Topic.BALANCES:
                return ev.BalancesFetched(ask.ask_id, self._balances())
            case Topic.FEES:
                return ev.FeesFetched(ask.ask_id, self._fees(now_us))
            case Topic.MARKETS:
                listings = [self._venue.listing(symbol) for symbol in self._symbols]
                halted = tuple(listing.spec.symbol for listing in listings if not listing.enabled)
                return ev.MarketsFetched(ask.ask_id, tuple(instrument(listing.spec) for listing in listings), halted)
            case Topic.BOOK:
                return ev.BookFetched(ask.ask_id, snapshot(self._listing(ask)))
            case Topic.TICKER | Topic.CONVERSION_RATE:
                return self._ticker(ask) if ask.topic is Topic.TICKER else self._conversion_rate(ask)

    def _listing(self, ask: Ask) -> Listing:
        return self._venue.listing(ask.market or "")

    def _report(self, ask: Ask, now_us: int) -> OrderReport | None:
        try:
            order = self._venue.find(self._account, ask.venue_order_id, ask.client_order_id)
        except Refusal:
            return None
        if now_us < order.visible_us:
            return None
        fills = tuple(_status_fill(order, row, self._venue.spec(order.market).base) for row in order.fills)
        return OrderReport(order.order_id, order.client_order_id, _STATUSES[order.status], order.remaining, fills)

    def _open_orders(self, now_us: int) -> tuple[OpenOrder, ...]:
        """All open orders, from a cache as old as the rules allow."""
        cache_us = self._venue.rules.open_orders_cache_us
        if self._open_seen is None or now_us - self._open_seen[0] >= cache_us:
            self._open_seen = (now_us, tuple(_open_order(order) for order in self._account.open_orders.values()))
        return self._open_seen[1]

    def _order_events(self, ask: Ask) -> tuple[OurOrderEvent, ...]:
        own = (_order_event(event) for event in self._account.events if event.market == ask.market)
        return tuple(event for event in own if event is not None)

    def _transactions(self, since_id: int | None, now_us: int) -> tuple[Transaction, ...]:
        for row in islice(self._account.rows, len(self._rows), None):
            self._rows.append(self._transaction(row))
        rows = self._rows
        first = 0 if since_id is None else bisect_left(rows, since_id, key=lambda row: row.transaction_id)
        seen_to_us = now_us - self._venue.rules.row_lag_us
        visible = [row for row in islice(rows, first, None) if row.utc_us <= seen_to_us]
        return tuple(visible[-PAGE:] if since_id is None else visible)

    def _transaction(self, row: Row) -> Transaction:
        """A row as displayed: a trade's counter amount rounded as the rules say, its fee to five decimals."""
        amounts = dict(row.amounts)
        fee_currency = next(iter(amounts))
        if row.market is not None:
            spec = self._venue.spec(row.market)
            fee_currency = spec.counter
            amounts[spec.base] = amounts[spec.base].quantize(_step(spec.base_decimals))
            amounts[spec.counter] = amounts[spec.counter].quantize(_step(self._venue.rules.row_decimals))
        return Transaction(
            row.row_id, row.at_us, row.row_type, tuple(sorted(amounts.items())), row.fee, fee_currency,
            row.order_id, row.market, row.price,
        )  # fmt: skip

    def _balances(self) -> tuple[OurBalance, ...]:
        held = sorted(self._account.balances.items())
        return tuple(
            OurBalance(currency, self._shown(each.total), self._shown(each.available), self._shown(each.reserved))
            for currency, each in held
        )

    def _shown(self, amount: Decimal) -> Decimal:
        """A balance with every digit it has, or cut as the rules ask for."""
        decimals = self._venue.rules.balance_decimals
        return amount if decimals is None else amount.quantize(_step(decimals), ROUND_DOWN)

    def _fees(self, now_us: int) -> tuple[tuple[str, FeeRate], ...]:
        rates = self._account.rates(now_us)
        rate = FeeRate(rates.maker.scaleb(PERCENT), rates.taker.scaleb(PERCENT))
        return tuple((symbol, rate) for symbol in self._venue.listings)

    def _ticker(self, ask: Ask) -> ev.TickerFetched:
        """Best prices and last trade; zero where there is none, as the venue says it."""
        listing = self._listing(ask)
        bid, ask_level = listing.book.bids.best(), listing.book.asks.best()
        return ev.TickerFetched(
            ask.ask_id,
            listing.spec.symbol,
            ZERO if bid is None else bid.price,
            ZERO if ask_level is None else ask_level.price,
            listing.market_price() or ZERO,
        )

    def _conversion_rate(self, ask: Ask) -> ev.ConversionRateFetched | ev.AskFailed:
        """The venue's own rates round its market, four decimals each."""
        listing = self._listing(ask)
        rates = conversion_rates(listing)
        if rates is None:
            return ev.AskFailed(ask.ask_id, f"{listing.spec.symbol} has no price")
        buy, sell = rates
        return ev.ConversionRateFetched(ask.ask_id, listing.spec.symbol, buy, sell)

    # --- private channels ---------------------------------------------------------------------------------

    def _heard(self, event: VenueEvent) -> None:
        if isinstance(event, OwnTrade) and event.user_id == self._account.user_id:
            trade = event.trade
            fill = OurFill(
                trade.trade_id, trade.market, OurSide(event.side.value), trade.amount, trade.price, event.fee
            )
            self._private.append(ev.FillSeen(event.order_id, event.client_order_id, fill))
        elif isinstance(event, OrderEvent) and event.user_id == self._account.user_id:
            told = _order_event(event)
            if told is not None:
                self._private.append(ev.OrderEventSeen(told))


def _request(terms: OrderTerms) -> OrderRequest:
    """An order as the wire would carry it; a limit order with an expiry is good till date."""
    kinds = {OrderKind.MARKET: Kind.MARKET, OrderKind.IOC: Kind.IOC, OrderKind.LIMIT: Kind.LIMIT}
    kind = kinds[terms.kind]
    expire_us = None
    if kind is Kind.LIMIT and terms.expire_utc_ms is not None:
        kind, expire_us = Kind.GTD, terms.expire_utc_ms * 1000
    return OrderRequest(
        terms.market, Side(terms.side.value), kind, terms.size, terms.price, terms.client_order_id, expire_us=expire_us
    )


def _status_fill(order: AccountOrder, row: Row, base: str) -> OurFill:
    """A fill as `order_status` tells it: unrounded."""
    assert row.price is not None
    size = abs(dict(row.amounts)[base])
    return OurFill(row.row_id, order.market, OurSide(order.side.value), size, row.price, row.fee)


def _open_order(order: AccountOrder) -> OpenOrder:
    assert order.price is not None, "only a priced order rests"
    return OpenOrder(
        order.order_id, order.client_order_id, order.market, OurSide(order.side.value), order.price, order.remaining
    )


def _order_event(event: OrderEvent) -> OurOrderEvent | None:
    """None for a replacement, which says nothing about life and size."""
    change = _CHANGES.get(event.name)
    if change is None:
        return None
    return OurOrderEvent(
        event.order_id, event.client_order_id, event.market, OurSide(event.side.value), change, event.remaining,
        event.at_us,
    )  # fmt: skip
