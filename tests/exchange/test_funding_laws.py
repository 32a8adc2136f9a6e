"""Whatever comes in, goes out, comes back or moves between accounts: no money is made or lost, in any variant."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbbot.exchange.accounts import Account, FeeRates
from arbbot.exchange.entry import OrderRequest
from arbbot.exchange.matching import Kind, Side
from arbbot.exchange.refusal import Refusal
from arbbot.exchange.rules import Booking, VenueRules
from arbbot.exchange.venue import Venue
from arbbot.exchange.withdrawals import Destination, Fate, RequestStatus

START_US = 1_767_225_600_000_000
MINUTE_US = 60_000_000
TO = {"usdt": Destination("0x" + "a" * 40, "ethereum"), "btc": Destination("bc1q" + "x" * 38, "bitcoin")}
OPENING = {"btc": Decimal(2), "usd": Decimal(100_000), "usdt": Decimal(5_000)}

size = st.decimals(min_value="0.00006", max_value=3000, places=5)
action = st.one_of(
    st.tuples(st.just("withdraw"), st.sampled_from(sorted(TO)), size, st.sampled_from(Fate)),
    st.tuples(st.just("bank"), size, st.sampled_from(Fate)),
    st.tuples(st.just("cancel"), st.integers(0, 5)),
    st.tuples(st.just("force"), st.integers(0, 5), st.sampled_from(RequestStatus)),
    st.tuples(st.just("deposit"), st.sampled_from(sorted(TO)), size, st.booleans()),
    st.tuples(st.just("transfer"), st.booleans(), size),
    st.tuples(st.just("buy"), st.just(None)),
    st.tuples(st.just("wait"), st.integers(1, 60)),
)


class Play:
    """A venue with a main account and its sub-account, and what is done to it."""

    def __init__(self, booking: Booking, fee_inside: bool) -> None:
        self.venue = Venue(VenueRules(withdrawal_booking=booking, withdrawal_fee_inside=fee_inside))
        self.now_us = START_US
        self.venue.house_limit("btcusd", Side.SELL, Decimal(100), Decimal(1000), self.now_us)
        self.main = self.venue.add_account("main", OPENING, FeeRates(Decimal("0.3"), Decimal("0.4")))
        self.sub = self.venue.add_account("sub", {}, main=self.main)

    def act(self, step: tuple[object, ...]) -> None:
        """Do one thing; what the venue refuses must change nothing, which the laws see."""
        self.now_us += 1_000_000
        try:
            getattr(self, f"_{step[0]}")(*step[1:])
        except Refusal:
            return

    def _withdraw(self, currency: str, amount: Decimal, fate: Fate) -> None:
        self.venue.withdrawals.open_crypto(self.main, currency, amount, TO[currency], self.now_us, fate)

    def _bank(self, amount: Decimal, fate: Fate) -> None:
        self.venue.withdrawals.open_bank(self.main, "usd", 2, amount, Decimal(15), "DE02", self.now_us, fate)

    def _cancel(self, number: int) -> None:
        requests = self.venue.withdrawals.of(self.main)
        self.venue.withdrawals.cancel(
            self.main, requests[number % len(requests)].request_id if requests else 1, self.now_us
        )

    def _force(self, number: int, status: RequestStatus) -> None:
        requests = self.venue.withdrawals.of(self.main)
        if requests:
            self.venue.withdrawals.move(requests[number % len(requests)], status, self.now_us)

    def _deposit(self, currency: str, amount: Decimal, waits: bool) -> None:
        self.venue.deposits.see(self.main, currency, amount, self.now_us, None, "CHECK" if waits else None)

    def _transfer(self, to_sub: bool, amount: Decimal) -> None:
        pair = (self.main, self.sub) if to_sub else (self.sub, self.main)
        self.venue.transfer(*pair, "usdt", amount, self.now_us)

    def _buy(self, _: None) -> None:
        request = OrderRequest("btcusd", Side.BUY, Kind.LIMIT, Decimal("0.5"), Decimal(100), None)
        self.venue.place(self.main, request, self.now_us)

    def _wait(self, minutes: int) -> None:
        self.now_us += minutes * MINUTE_US
        self.venue.advance(self.now_us)


def of_rows(account: Account, currency: str) -> Decimal:
    """The sum of an account's rows, fees off: of the counter currency, or of the only one."""
    total = Decimal(0)
    for row in account.rows:
        amounts = dict(row.amounts)
        total += amounts.get(currency, Decimal(0))
        charged = "usd" if row.market else row.amounts[0][0]
        total -= row.fee if charged == currency else 0
    return total


@pytest.mark.parametrize("booking", list(Booking))
@given(fee_inside=st.booleans(), steps=st.lists(action, max_size=25))
def test_no_money_is_made_or_lost(booking: Booking, fee_inside: bool, steps: list[tuple[object, ...]]) -> None:
    """After each step: accounts, house and fees sum to zero, nothing is below zero. At rest: rows explain balances."""
    play = Play(booking, fee_inside)
    for step in steps:
        play.act(step)
        for currency in OPENING:
            held = [account.balance(currency) for account in (play.main, play.sub)]
            outside = play.venue.house[currency] + play.venue.collected[currency]
            assert sum((each.total for each in held), outside) == 0
            assert all(each.available >= 0 and each.reserved >= 0 for each in held)
    for account in (play.main, play.sub):
        ids, times = [row.row_id for row in account.rows], [row.at_us for row in account.rows]
        assert ids == sorted(ids)
        assert times == sorted(times)
    pending = [each for each in play.venue.withdrawals.of(play.main) if each.status < RequestStatus.FINISHED]
    if booking is Booking.WHEN_FINISHED and pending:
        return
    for currency in OPENING:
        for account, opening in ((play.main, OPENING[currency]), (play.sub, Decimal(0))):
            assert account.balance(currency).total == opening + of_rows(account, currency)
