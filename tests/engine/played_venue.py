"""A venue played by hand: it takes commands one by one, does what the script says, and answers with an event."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

from arbbot.domain import events as ev
from arbbot.domain.book import Book
from arbbot.domain.commands import Ask, CancelOrder, PlaceOrder, Topic
from arbbot.domain.market import FeeRate, Instrument, Route, Side
from arbbot.domain.order import (
    Balance,
    Fill,
    OpenOrder,
    OrderEvent,
    OrderKind,
    OrderReport,
    OrderTerms,
    Purpose,
    Transaction,
    VenueOrderStatus,
)

ZERO = Decimal(0)
SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Play:
    """How one order is treated. `reply`: ack, refuse, lost, named (500.016 with an id), auth; `taken`: it exists."""

    reply: str = "ack"
    taken: bool = True
    fill: Decimal | None = None
    """Base units filled at once; None: whatever the book gives."""
    hidden_s: Decimal = ZERO
    """For so long no view shows it."""


@dataclass(slots=True)
class Placed:
    """An order as the venue keeps it."""

    terms: OrderTerms
    venue_order_id: int
    shown_ns: int
    fills: list[Fill] = field(default_factory=list)
    status: VenueOrderStatus = VenueOrderStatus.OPEN

    @property
    def filled(self) -> Decimal:
        return sum((fill.size for fill in self.fills), ZERO)

    @property
    def remaining(self) -> Decimal:
        return self.terms.size - self.filled


class PlayedVenue:
    """One account on three markets. Balances are exact; rows and balances are shown as the options say."""

    def __init__(self, route: Route, books: dict[str, Book], fee: Decimal) -> None:
        self.route = route
        self.books = books
        self.fees = {symbol: FeeRate(fee, fee) for symbol in route.symbols}
        self.totals = {route.base: Decimal(1), route.numeraire: Decimal(100_000), route.fx.base: Decimal(100_000)}
        self.reserved: dict[str, Decimal] = {}
        """By somebody's manual orders."""
        self.orders: list[Placed] = []
        self.plays: dict[tuple[Purpose, Side], list[Play]] = {}
        self.cancels: list[tuple[str, bool]] = []
        """(outcome, carried out) of coming cancels; then they simply work."""
        self.failing: set[Topic] = set()
        self.halted: tuple[str, ...] = ()
        self.instruments: tuple[Instrument, ...] = route.instruments
        self.events: list[ev.Event] = []
        """What the private channel has to say."""
        self.channel = True
        self.last_event: str | None = None
        self.tells_remaining = True
        self.row_decimals = 8
        self.foreign_decimals: int | None = None
        """Digits that rows of the FX market show of its base currency; None for all."""
        self.row_lag_s = ZERO
        self.strays: tuple[OpenOrder, ...] = ()
        """Open orders that nothing here placed."""
        self.balance_decimals = 8
        self.rows: list[tuple[int, Transaction]] = []
        """(monotonic time it is shown from, row)."""
        self.next_id = 7000
        self.at = ev.Moment(0, 0)

    # --- the door ------------------------------------------------------------------------------------------

    def perform(self, command: PlaceOrder | CancelOrder | Ask, at: ev.Moment) -> ev.Event:
        """Carry out one command and answer it."""
        self.at = at
        self.expire()
        if isinstance(command, PlaceOrder):
            return self.place(command.terms)
        if isinstance(command, CancelOrder):
            return self.cancel(command)
        if command.topic in self.failing:
            return ev.AskFailed(command.ask_id, "made to fail")
        return self.answer(command)

    def place(self, terms: OrderTerms) -> ev.Event:
        """Take an order as its play says, and say so, or not."""
        waiting = self.plays.get((terms.purpose, terms.side), [])
        play = waiting.pop(0) if waiting else Play()
        name = terms.client_order_id
        if play.reply == "refuse":
            return ev.OrderRefused(name, "400.009", "refused by the script")
        if play.reply == "auth":
            return ev.OrderRefused(name, "API0005", "permission denied", auth_lost=True)
        if not play.taken:
            return ev.OrderUnanswered(name, "timed out before it was read")
        order = Placed(terms, self.mint(), self.at.mono_ns + int(play.hidden_s * SECOND_NS))
        self.orders.append(order)
        self.tell(order, "created")
        self.match(order, play.fill)
        if terms.kind is not OrderKind.LIMIT and order.status is VenueOrderStatus.OPEN:
            self.end(order, VenueOrderStatus.CANCELED)
        if play.reply == "lost":
            return ev.OrderUnanswered(name, "timed out after it was read")
        if play.reply == "named":
            return ev.OrderUnanswered(name, "500.016", order.venue_order_id)
        return ev.OrderAcked(name, order.venue_order_id)

    def cancel(self, command: CancelOrder) -> ev.Event:
        """Cancel an open order, unless the script has another answer."""
        outcome, carried_out = self.cancels.pop(0) if self.cancels else ("canceled", True)
        order = next(
            (
                each
                for each in self.orders
                if each.terms.client_order_id == command.client_order_id
                or each.venue_order_id == command.venue_order_id
            ),
            None,
        )
        if order is None or order.status is not VenueOrderStatus.OPEN:
            outcome = "not_found" if outcome == "canceled" else outcome
        elif carried_out:
            self.end(order, VenueOrderStatus.CANCELED)
        return ev.CancelResult(command.client_order_id, outcome, "by the script")

    # --- matching ------------------------------------------------------------------------------------------

    def match(self, order: Placed, most: Decimal | None) -> None:
        """Fill from the book, level by level, within the limit and at most `most`."""
        terms = order.terms
        book = self.books[terms.market]
        levels = book.asks if terms.side is Side.BUY else book.bids
        left = terms.size if most is None else min(most, terms.size)
        for price, shown in ((Decimal(row[0]), Decimal(row[1])) for row in levels):
            beyond = terms.price is not None and (price - terms.price) * terms.side.sign > 0
            if left <= 0 or beyond:
                break
            size = min(left, shown)
            left -= size
            self.fill(order, size, price)

    def fill(self, order: Placed, size: Decimal, price: Decimal) -> Fill:
        """Trade `size` of an order: money moves, the row is written, the channel tells."""
        terms = order.terms
        market = self.route.instrument(terms.market)
        total = size * price
        fee = (total * self.fees[terms.market].taker).quantize(Decimal("0.00001"), ROUND_DOWN)
        fill = Fill(self.mint(), terms.market, terms.side, size, price, fee)
        order.fills.append(fill)
        sign = terms.side.sign
        self.totals[market.base] += sign * size
        self.totals[market.counter] -= sign * total + fee
        shown = (-sign * total).quantize(Decimal(1).scaleb(-self.row_decimals), ROUND_HALF_EVEN)
        base = sign * size
        if self.foreign_decimals is not None and market is self.route.fx:
            base = base.quantize(Decimal(1).scaleb(-self.foreign_decimals), ROUND_HALF_EVEN)
        amounts = ((market.base, base), (market.counter, shown))
        self.write(
            Transaction(
                fill.trade_id,
                self.at.utc_us,
                2,
                amounts,
                fee,
                market.counter,
                order.venue_order_id,
                terms.market,
                price,
            )
        )
        if self.channel:
            self.events.append(ev.FillSeen(order.venue_order_id, terms.client_order_id, fill))
        if order.remaining == 0 and order.status is VenueOrderStatus.OPEN:
            self.end(order, VenueOrderStatus.FINISHED)
        return fill

    def end(self, order: Placed, status: VenueOrderStatus) -> None:
        """The order cannot fill any more."""
        order.status = status
        self.tell(order, "deleted")

    def expire(self) -> None:
        """End good-till-date orders whose time has come."""
        for order in self.orders:
            expiry = order.terms.expire_utc_ms
            if order.status is VenueOrderStatus.OPEN and expiry is not None and self.at.utc_us >= expiry * 1000:
                self.end(order, VenueOrderStatus.EXPIRED)

    def external(self, kind: int, currency: str, delta: Decimal, fee: Decimal = ZERO) -> None:
        """A row that no order of ours made: a deposit, a withdrawal."""
        self.totals[currency] = self.totals.get(currency, ZERO) + delta - fee
        fee_currency = currency if fee else None
        self.write(
            Transaction(self.mint(), self.at.utc_us, kind, ((currency, delta),), fee, fee_currency, None, None, None)
        )

    def manual(self, market: str, side: Side, size: Decimal, price: Decimal) -> None:
        """A trade that a person made by hand, of an order without a name of ours."""
        terms = OrderTerms("", "", Purpose.CONVERT, market, side, OrderKind.MARKET, size, price, None)
        order = Placed(terms, self.mint(), 0, status=VenueOrderStatus.FINISHED)
        told, self.channel = self.channel, False
        self.fill(order, size, price)
        self.channel = told

    def by_hand_against(self, order: Placed, size: Decimal, price: Decimal) -> Transaction:
        """A person's own order is the other side of one of ours: its row, the other way round, under the same id."""
        fill = self.fill(order, size, price)
        market, sign = self.route.instrument(fill.market), -fill.side.sign
        assert fill.fee is not None
        self.totals[market.base] += sign * size
        self.totals[market.counter] -= sign * size * price + fill.fee
        ours = self.rows[-1][1]
        amounts = tuple((currency, -shown) for currency, shown in ours.amounts)
        row = replace(ours, amounts=amounts, order_id=self.mint())
        self.write(row)
        return row

    def write(self, row: Transaction) -> None:
        """Write a row, shown after the lag."""
        self.rows.append((self.at.mono_ns + int(self.row_lag_s * SECOND_NS), row))

    def mint(self) -> int:
        """The next id."""
        self.next_id += 1
        return self.next_id

    def tell(self, order: Placed, change: str) -> None:
        """The private channel's word on an order."""
        if self.channel:
            self.events.append(ev.OrderEventSeen(self.event_of(order, change)))

    def event_of(self, order: Placed, change: str) -> OrderEvent:
        terms = order.terms
        return OrderEvent(
            order.venue_order_id, terms.client_order_id, terms.market, terms.side, change, order.remaining,
            self.at.utc_us,
        )  # fmt: skip

    # --- answers -------------------------------------------------------------------------------------------

    def seen(self) -> list[Placed]:
        """The orders that views show already."""
        return [order for order in self.orders if order.shown_ns <= self.at.mono_ns]

    def answer(self, ask: Ask) -> ev.Event:
        """Answer one question truthfully."""
        market = ask.market or ""
        match ask.topic:
            case Topic.ORDER_STATUS:
                return ev.OrderReported(ask.ask_id, ask.client_order_id, ask.venue_order_id, self.report(ask))
            case Topic.OPEN_ORDERS:
                return ev.OpenOrdersFetched(ask.ask_id, self.open_orders() + self.strays)
            case Topic.ORDER_EVENTS:
                told = (self.event_of(order, "created") for order in self.seen() if order.terms.market == market)
                return ev.OrderEventsFetched(ask.ask_id, market, tuple(told), self.last_event)
            case Topic.TRANSACTIONS:
                since = ask.since_id or 0
                shown = (row for from_ns, row in self.rows if from_ns <= self.at.mono_ns)
                rows = tuple(row for row in shown if row.transaction_id >= since)
                return ev.TransactionsFetched(ask.ask_id, ask.since_id, rows)
            case Topic.BALANCES:
                return ev.BalancesFetched(ask.ask_id, self.balances())
            case Topic.FEES:
                return ev.FeesFetched(ask.ask_id, tuple(self.fees.items()))
            case Topic.MARKETS:
                return ev.MarketsFetched(ask.ask_id, self.instruments, self.halted)
            case Topic.BOOK:
                return ev.BookFetched(ask.ask_id, self.books[market])
            case Topic.TICKER | Topic.CONVERSION_RATE:
                return self.prices(ask)

    def prices(self, ask: Ask) -> ev.TickerFetched | ev.ConversionRateFetched:
        """By the touch: of a ticker, or of the venue's own conversion."""
        book = self.books[ask.market or ""]
        assert book.bid is not None
        assert book.ask is not None
        if ask.topic is Topic.CONVERSION_RATE:
            return ev.ConversionRateFetched(ask.ask_id, book.symbol, book.ask, book.bid)
        return ev.TickerFetched(ask.ask_id, book.symbol, book.bid, book.ask, book.bid)

    def report(self, ask: Ask) -> OrderReport | None:
        """`order_status`, by venue id or client order id."""
        for order in self.seen():
            terms = order.terms
            if order.venue_order_id == ask.venue_order_id or terms.client_order_id == (ask.client_order_id or "-"):
                remaining = order.remaining if self.tells_remaining else None
                return OrderReport(
                    order.venue_order_id, terms.client_order_id or None, order.status, remaining, tuple(order.fills)
                )
        return None

    def open_orders(self) -> tuple[OpenOrder, ...]:
        """All orders that rest."""
        return tuple(
            OpenOrder(
                order.venue_order_id, order.terms.client_order_id, order.terms.market, order.terms.side,
                order.terms.price or ZERO, order.remaining,
            )
            for order in self.seen()
            if order.status is VenueOrderStatus.OPEN
        )  # fmt: skip

    def balances(self) -> tuple[Balance, ...]:
        """Totals as shown, less what resting sales reserve."""
        step = Decimal(1).scaleb(-self.balance_decimals)
        shown = []
        for currency, exact in sorted(self.totals.items()):
            resting = (each for each in self.orders if each.status is VenueOrderStatus.OPEN)
            reserved = self.reserved.get(currency, ZERO)
            if currency == self.route.base:
                reserved += sum((order.remaining for order in resting), ZERO)
            total = exact.quantize(step, ROUND_DOWN)
            shown.append(Balance(currency, total, total - reserved, reserved))
        return tuple(shown)
