"""Clearing: what every trade does to accounts, reserves, rows and the tape, and who is told of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from decimal import Decimal

from arbbot.exchange.accounts import Account, AccountOrder, Row, Status
from arbbot.exchange.events import OwnTrade, Trade, VenueEvent
from arbbot.exchange.ids import FIRST_TRADE_ID, OrderIds
from arbbot.exchange.listing import Listing, Step
from arbbot.exchange.matching import ZERO, Fill, MarketSpec, Order, Side
from arbbot.exchange.refusal import Refusal


class Clearing:
    """Books trades exactly: accounts, house and collected fees of a currency always sum to zero."""

    def __init__(self, markets: Mapping[str, MarketSpec]) -> None:
        """Open the markets with empty books and no accounts."""
        self.listings = {symbol: Listing(spec) for symbol, spec in markets.items()}
        self.accounts: dict[int, Account] = {}
        self.house: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.collected: defaultdict[str, Decimal] = defaultdict(Decimal)
        self._order_ids = OrderIds()
        self._next_row_id = FIRST_TRADE_ID
        self._listeners: list[Callable[[VenueEvent], None]] = []
        self._house_listing: dict[int, Listing] = {}
        self._follow_ups: list[AccountOrder] = []

    def subscribe(self, listener: Callable[[VenueEvent], None]) -> None:
        """Call `listener` with every event, in order, from inside the call that causes it."""
        self._listeners.append(listener)

    def _emit(self, event: VenueEvent) -> None:
        for listener in self._listeners:
            listener(event)

    def _mint_row_id(self) -> int:
        self._next_row_id += 1
        return self._next_row_id - 1

    def charge(self, account: Account, amounts: Mapping[str, Decimal], fee: Decimal) -> None:
        """Move signed amounts between an account and the outside; the fee comes off the first currency.

        Raises Refusal when a balance would be overdrawn.
        """
        charged = dict(amounts)
        first = next(iter(charged))
        charged[first] -= fee
        for currency, amount in charged.items():
            if account.balance(currency).available + amount < 0:
                raise Refusal("Insufficient balance", "400.009")
        account.credit(charged)
        for currency, amount in charged.items():
            self.house[currency] -= amount
        self.house[first] -= fee
        self.collected[first] += fee

    def write_row(
        self, account: Account, amounts: Mapping[str, Decimal], row_type: int, now_us: int, fee: Decimal
    ) -> Row:
        """Write a transaction row that no order caused."""
        row = Row(self._mint_row_id(), now_us, row_type, tuple(amounts.items()), fee)
        account.rows.append(row)
        return row

    def spec(self, market: str) -> MarketSpec:
        """Return the grid and limits of a market; raises Refusal when it is not listed."""
        return self.listing(market).spec

    def listing(self, market: str) -> Listing:
        """Return the state of a market; raises Refusal when it is not listed."""
        listing = self.listings.get(market)
        if listing is None:
            raise Refusal("Market not found.", "404.007")
        return listing

    def _retire(self, order: AccountOrder, status: Status) -> None:
        self.listing(order.market).book.remove(order.order_id)
        order.status = status
        self.accounts[order.user_id].open_orders.pop(order.order_id, None)
        self._reserve(order)

    def _reserve(self, order: AccountOrder) -> None:
        """Hold exactly what the open remainder of a priced order may still cost."""
        wanted = ZERO
        if order.status is Status.OPEN and order.side is Side.SELL:
            wanted = order.remaining
        elif order.status is Status.OPEN and order.price is not None and order.remaining:
            wanted = order.rates.reserve(order.price * order.remaining)
        self._hold(order, wanted)

    def _hold(self, order: AccountOrder, wanted: Decimal) -> None:
        spec = self.spec(order.market)
        currency = spec.counter if order.side is Side.BUY else spec.base
        self.accounts[order.user_id].balance(currency).reserved += wanted - order.reserved
        order.reserved = wanted

    def _settle(self, listing: Listing, taker: Order, fills: list[Fill], now_us: int) -> None:
        left = taker.remaining + sum((fill.amount for fill in fills), ZERO)
        for fill in fills:
            left -= fill.amount
            self._trade(listing, taker, fill, left, now_us)

    def _trade(self, listing: Listing, taker: Order, fill: Fill, left: Decimal, now_us: int) -> None:
        buyer, seller = (taker, fill.maker) if taker.side is Side.BUY else (fill.maker, taker)
        trade = Trade(
            self._mint_row_id(), listing.spec.symbol, now_us // 1000 * 1000, fill.price, fill.amount,
            taker.side, buyer.order_id, seller.order_id,
        )  # fmt: skip
        listing.tape.record(trade)
        self._emit(trade)
        for order, other, remaining in (
            (fill.maker, taker, fill.maker.remaining),
            (taker, fill.maker, left),
        ):
            if isinstance(order, AccountOrder):
                self._book_fill(listing.spec, order, trade, other, taking=order is taker)
            else:
                self._book_house_fill(listing.spec, order, trade)
            name = "order_changed" if remaining else "order_deleted"
            if isinstance(order, AccountOrder) and not remaining:
                self._finish(order)
            self._tell(listing, Step(name, order, remaining, fill.amount, fill.price), now_us)

    def _book_fill(self, spec: MarketSpec, order: AccountOrder, trade: Trade, other: Order, *, taking: bool) -> None:
        account = self.accounts[order.user_id]
        sign = 1 if order.side is Side.BUY else -1
        value = trade.price * trade.amount
        fee = order.rates.fee(value, taking=taking)
        account.credit({spec.base: sign * trade.amount, spec.counter: -sign * value - fee})
        self.collected[spec.counter] += fee
        own = isinstance(other, AccountOrder) and other.user_id == order.user_id
        row = Row(
            trade.trade_id, trade.at_us, 2, ((spec.base, sign * trade.amount), (spec.counter, -sign * value)),
            fee, order.order_id, spec.symbol, trade.price, other.order_id if own else None,
        )  # fmt: skip
        account.rows.append(row)
        order.fills.append(row)
        self._reserve(order)
        account.note_volume(trade.at_us, value * self._usd_rate(spec.counter))
        self._emit(OwnTrade(order.user_id, trade, order.order_id, order.side, fee, order.client_order_id, own))

    def _book_house_fill(self, spec: MarketSpec, order: Order, trade: Trade) -> None:
        sign = 1 if order.side is Side.BUY else -1
        self.house[spec.base] += sign * trade.amount
        self.house[spec.counter] -= sign * trade.price * trade.amount
        if not order.remaining:
            self._house_listing.pop(order.order_id, None)

    def _usd_rate(self, currency: str) -> Decimal:
        if currency == "usd" or currency + "usd" not in self.listings:
            return Decimal(1)
        return self.listings[currency + "usd"].market_price() or Decimal(1)

    def _finish(self, order: AccountOrder) -> None:
        self._retire(order, Status.FINISHED)
        if order.limit_price is not None:
            self._follow_ups.append(order)

    def _tell(self, listing: Listing, step: Step, now_us: int) -> None:
        if isinstance(step.order, AccountOrder):
            event = listing.event(step, now_us)
            self.accounts[step.order.user_id].events.append(event)
            self._emit(event)
        elif listing.watched:
            self._emit(listing.event(step, now_us))
