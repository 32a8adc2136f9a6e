"""The venue: accounts and order entry over the books. Pure, synchronous, exact.

Every method takes the market time `now_us`, integer microseconds since the epoch, and raises Refusal
for what the venue declines. What happens is told to listeners as `events`.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from contextlib import suppress
from decimal import Decimal

from arbbot.exchange import entry
from arbbot.exchange.accounts import Account, AccountOrder, ApiKey, FeeRates, Row, Status
from arbbot.exchange.clearing import Clearing
from arbbot.exchange.deposits import Deposits
from arbbot.exchange.entry import OrderRequest
from arbbot.exchange.events import Announcement
from arbbot.exchange.listing import Listing, Step
from arbbot.exchange.matching import ZERO, Fill, Kind, MarketSpec, Order, Side
from arbbot.exchange.networks import NETWORKS, Network
from arbbot.exchange.refusal import Refusal, not_enough
from arbbot.exchange.rules import MARKETS, VenueRules
from arbbot.exchange.withdrawals import Withdrawals

DAY_US = 24 * 3600 * 1_000_000
FIRST_USER_ID = 4_848_701
SUB_ACCOUNT_TRANSFER = 14


class Venue(Clearing):
    """All markets and accounts of the exchange."""

    def __init__(self, rules: VenueRules | None = None, markets: Mapping[str, MarketSpec] = MARKETS) -> None:
        """Open the markets with empty books and no accounts."""
        super().__init__(markets)
        self.rules = rules or VenueRules()
        self.keys: dict[str, ApiKey] = {}
        self.networks: dict[tuple[str, str], Network] = dict(NETWORKS)
        self.withdrawals = Withdrawals(self, self.rules, self.networks)
        self.deposits = Deposits(self, self.networks)
        self._expiries: list[tuple[int, int, AccountOrder]] = []
        self._late_fills: list[tuple[int, int, AccountOrder, Decimal]] = []

    # --- accounts ---------------------------------------------------------------------------------

    def add_account(
        self,
        name: str,
        balances: Mapping[str, Decimal],
        rates: FeeRates | None = None,
        main: Account | None = None,
    ) -> Account:
        """Open an account with these totals, at fixed fee rates or, without, by 30-day volume; a sub-account of `main`
        where that is given.
        """
        main_id = None if main is None else main.user_id
        account = Account(FIRST_USER_ID + len(self.accounts), name, rates, main_id=main_id)
        self.accounts[account.user_id] = account
        for currency in sorted({c for li in self.listings.values() for c in (li.spec.base, li.spec.counter)}):
            account.balance(currency).total = balances.get(currency, ZERO)
            self.house[currency] -= balances.get(currency, ZERO)
        return account

    def add_key(self, key: ApiKey) -> None:
        """Register an API key."""
        self.keys[key.key] = key

    def external(
        self, account: Account, amounts: Mapping[str, Decimal], row_type: int, now_us: int, fee: Decimal = ZERO
    ) -> Row:
        """Book a movement that no order caused: deposit (0), withdrawal (1), conversion (36) and the like.

        `amounts` are signed; the fee is charged on the first currency. Raises Refusal when a balance
        would be overdrawn.
        """
        self.charge(account, amounts, fee)
        return self.write_row(account, amounts, row_type, now_us, fee)

    def transfer(self, source: Account, target: Account, currency: str, amount: Decimal, now_us: int) -> None:
        """Move money between a main account and its sub-account: a row on either side. Raises Refusal."""
        if source.balance(currency).available < amount:
            raise Refusal(not_enough(source.balance(currency).available, currency))
        for account, moved in ((source, -amount), (target, amount)):
            account.credit({currency: moved})
            self.write_row(account, {currency: moved}, SUB_ACCOUNT_TRANSFER, now_us, ZERO)

    # --- markets ----------------------------------------------------------------------------------

    def set_trading(self, market: str, enabled: bool, now_us: int) -> None:
        """Halt or resume a market and announce it. Cancels stay possible in a halted one."""
        listing = self.listing(market)
        listing.enabled = enabled
        self.announce(f"Trading on {listing.spec.name} is {'enabled' if enabled else 'disabled'}.", now_us)

    def announce(self, text: str, now_us: int) -> None:
        """Publish a message to everybody."""
        self._emit(Announcement(now_us, text))

    def advance(self, now_us: int) -> None:
        """Do what falls due: expiries, fills after an acknowledged cancel, orders that follow filled ones, and money on
        its way in or out.
        """
        while self._expiries and self._expiries[0][0] <= now_us:
            order = heapq.heappop(self._expiries)[2]
            if order.status is Status.OPEN:
                self._close(order, Status.EXPIRED, now_us)
        while self._late_fills and self._late_fills[0][0] <= now_us:
            _, _, order, amount = heapq.heappop(self._late_fills)
            self._fill_late(order, amount, now_us)
        while self._follow_ups:
            self._follow_up(self._follow_ups.pop(0), now_us)
        self.withdrawals.advance(now_us)
        self.deposits.advance(now_us)

    # --- orders of accounts -----------------------------------------------------------------------

    def place(
        self,
        account: Account,
        request: OrderRequest,
        now_us: int,
        *,
        fill_share: Decimal | None = None,
        freed: Decimal = ZERO,
        replaces: AccountOrder | None = None,
    ) -> AccountOrder:
        """Accept an order, match it and rest or cancel what is left; raises Refusal.

        `fill_share` lets it trade at most that share of its size and cancels the rest; `replaces` is
        the order this one takes over from, whose reserve `freed` counts as available.
        """
        listing = self.listing(request.market)
        entry.check_form(request, listing.spec, self.rules, now_us)
        if account.blocked:
            text = "Trading is currently unavailable for your account."
            raise Refusal({"__all__": [text]}, "403.004")
        if not listing.enabled:
            raise Refusal("Order could not be placed.", "400.003")
        if self.rules.unique_client_order_ids and request.client_order_id in account.by_client_id:
            raise Refusal("Provided client_order_id already exists.", "400.019")
        size = entry.base_size(request, listing.spec, listing.book)
        entry.check_value(request, listing.spec, listing.book, self.rules, listing.tape.last)
        rates = account.rates(now_us)
        needed = entry.needed_funds(request.side, request.price, size, listing.book, rates)
        entry.check_funds(account, listing.spec, request.side, needed, freed)
        if replaces is not None:
            self._retire(replaces, Status.CANCELED)
        order = AccountOrder(
            self._order_ids.mint(now_us), request.side, request.price, size, account.user_id, request.market,
            request.kind, size, now_us, rates, request.client_order_id, request.limit_price,
            visible_us=now_us + self.rules.status_lag_us,
        )  # fmt: skip
        self._enter(account, listing, order, request, now_us, fill_share, replaces)
        return order

    def _enter(
        self,
        account: Account,
        listing: Listing,
        order: AccountOrder,
        request: OrderRequest,
        now_us: int,
        fill_share: Decimal | None,
        replaces: AccountOrder | None,
    ) -> None:
        account.orders[order.order_id] = account.open_orders[order.order_id] = order
        if order.client_order_id is not None:
            account.by_client_id[order.client_order_id] = order
        self._reserve(order)
        name = "order_created" if replaces is None else "order_replaced"
        self._tell(listing, Step(name, order, orig_order_id=replaces.order_id if replaces else None), now_us)
        most = None
        if fill_share is not None:
            most = (order.created * fill_share).quantize(listing.spec.lot)
        fills = listing.book.execute(order, order.kind, most)
        listing.changed_us = now_us
        self._settle(listing, order, fills, now_us)
        if order.remaining and order.order_id not in listing.book.orders:
            self._close(order, Status.CANCELED, now_us)
        elif order.remaining:
            self._schedule_expiry(order, request, now_us)

    def _schedule_expiry(self, order: AccountOrder, request: OrderRequest, now_us: int) -> None:
        if order.kind is Kind.GTD:
            order.expire_us = request.expire_us
        elif order.kind is Kind.DAILY:
            order.expire_us = (now_us // DAY_US + 1) * DAY_US
        if order.expire_us is not None:
            heapq.heappush(self._expiries, (order.expire_us, order.order_id, order))

    def find(self, account: Account, order_id: int | None, client_order_id: str | None) -> AccountOrder:
        """Return an order of the account by either id; raises Refusal when there is none."""
        order = account.orders.get(order_id) if order_id is not None else None
        if order is None and client_order_id is not None:
            order = account.by_client_id.get(client_order_id)
        if order is None:
            raise Refusal("Order not found.", "404.002")
        return order

    def cancel(self, order: AccountOrder, now_us: int, *, late_fill: tuple[int, Decimal] | None = None) -> AccountOrder:
        """Cancel an open order; raises Refusal when it is closed.

        `late_fill` (delay in microseconds, share of the remainder) lets the order trade after the
        cancel was acknowledged, as an exchange may when the two race each other.
        """
        if order.status is not Status.OPEN:
            raise Refusal("Order not found.", "404.002")
        if late_fill is None:
            self._close(order, Status.CANCELED, now_us)
            return order
        delay_us, share = late_fill
        listing = self.listing(order.market)
        amount = (order.remaining * share).quantize(listing.spec.lot)
        reserved = order.reserved
        self._close(order, Status.CANCELED, now_us)
        self._hold(order, reserved)
        heapq.heappush(self._late_fills, (now_us + delay_us, order.order_id, order, amount))
        return order

    def cancel_all(self, account: Account, market: str | None, now_us: int) -> list[AccountOrder]:
        """Cancel every open order of the account, in one market or in all; returns them."""
        orders = [o for o in account.open_orders.values() if market is None or o.market == market]
        for order in orders:
            self._close(order, Status.CANCELED, now_us)
        return orders

    def replace(
        self, order: AccountOrder, size: Decimal, price: Decimal, client_order_id: str | None, now_us: int
    ) -> AccountOrder:
        """Put a new limit order in the place of an open one, or leave that untouched and raise Refusal."""
        if order.status is not Status.OPEN:
            raise Refusal("Order not found.", "404.002")
        request = OrderRequest(
            order.market, order.side, order.kind, size, price, client_order_id, expire_us=order.expire_us
        )
        account = self.accounts[order.user_id]
        return self.place(account, request, now_us, freed=order.reserved, replaces=order)

    def _close(self, order: AccountOrder, status: Status, now_us: int) -> None:
        listing = self.listing(order.market)
        self._retire(order, status)
        listing.changed_us = now_us
        self._tell(listing, Step("order_deleted", order), now_us)

    def _follow_up(self, order: AccountOrder, now_us: int) -> None:
        """Place the opposite order that `limit_price` asked for; a refused one is dropped."""
        request = OrderRequest(order.market, order.side.opposite, Kind.LIMIT, order.created, order.limit_price)
        with suppress(Refusal):
            self.place(self.accounts[order.user_id], request, now_us)

    def _fill_late(self, order: AccountOrder, amount: Decimal, now_us: int) -> None:
        listing = self.listing(order.market)
        if order.price is None or not amount:
            self._hold(order, ZERO)
            return
        order.remaining -= amount
        taker = Order(self._order_ids.mint(now_us), order.side.opposite, order.price, ZERO)
        self._trade(listing, taker, Fill(order, order.price, amount), ZERO, now_us)

    # --- the house, whose orders make the market ----------------------------------------------------

    def house_limit(self, market: str, side: Side, price: Decimal, amount: Decimal, now_us: int) -> int:
        """Place a limit order of the house, which has unlimited funds and pays no fee.

        It trades at once where it crosses and rests with what is left; the id is returned even when
        nothing is left. In a halted market it is dropped.
        """
        listing = self.listing(market)
        order = Order(self._order_ids.mint(now_us), side, price, amount)
        if not listing.enabled:
            return order.order_id
        self._tell(listing, Step("order_created", order), now_us)
        if listing.book.crosses(order):
            self._settle(listing, order, listing.book.match(order), now_us)
        if order.remaining:
            listing.book.rest(order)
            self._house_listing[order.order_id] = listing
        listing.changed_us = now_us
        return order.order_id

    def house_take(self, market: str, side: Side, amount: Decimal, now_us: int) -> Decimal:
        """Trade at market for the house; returns the base amount filled, zero in a halted market."""
        listing = self.listing(market)
        if not listing.enabled:
            return ZERO
        order = Order(self._order_ids.mint(now_us), side, None, amount)
        self._settle(listing, order, listing.book.match(order), now_us)
        listing.changed_us = now_us
        return amount - order.remaining

    def house_cancel(self, order_id: int, now_us: int) -> None:
        """Withdraw a house order; one that is gone already is ignored."""
        listing = self._house_listing.pop(order_id, None)
        if listing is not None:
            order = listing.book.remove(order_id)
            listing.changed_us = now_us
            if order is not None:
                self._tell(listing, Step("order_deleted", order), now_us)

    def house_resize(self, order_id: int, amount: Decimal, now_us: int) -> None:
        """Set what is left of a house order; zero withdraws it, one that is gone already is ignored."""
        if amount <= 0:
            self.house_cancel(order_id, now_us)
            return
        listing = self._house_listing.get(order_id)
        if listing is not None:
            order = listing.book.resize(order_id, amount)
            listing.changed_us = now_us
            if order is not None:
                self._tell(listing, Step("order_changed", order), now_us)

    def house_orders(self, market: str) -> Iterable[tuple[int, Side, Decimal, Decimal]]:
        """List the resting house orders of a market: (id, side, price, remaining)."""
        for order in self.listing(market).book.orders.values():
            if not isinstance(order, AccountOrder) and order.price is not None:
                yield order.order_id, order.side, order.price, order.remaining
