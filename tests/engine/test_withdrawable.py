"""What may leave is never more than was made, nor than lies over principal when all the rest is restored."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbbot.domain.book import Book
from arbbot.domain.ledger import LedgerAccount, move
from arbbot.domain.market import FeeRate, Side
from arbbot.domain.money import ZERO
from arbbot.engine.foreign import Foreign
from arbbot.engine.state import State
from arbbot.engine.withdrawable import closed_profit, principal, restoring, set_aside, surplus, withdrawable
from tests.engine.rig import BTC_USD, EUR_USD, ROUTE, D, even_books

BOOKS = even_books()
FEES = {symbol: FeeRate(D("0.003"), D("0.004")) for symbol in ROUTE.symbols}
PLENTY = D(10**9)
money = st.decimals(-100_000, 100_000, places=2)
rates = st.decimals(0, D("0.05"), places=4)


def account(traded: dict[str, Decimal], realised: Decimal, spent: Decimal = ZERO) -> State:
    """A state whose trading has moved these, with deposits beside it."""
    state = State()
    for currency in ROUTE.currencies:
        state.ledger.book(move(currency, D(1_000), LedgerAccount.OPENING))
        state.ledger.book(move(currency, D(7), LedgerAccount.EXTERNAL))
        state.ledger.book(move(currency, traded.get(currency, ZERO), LedgerAccount.TRADING))
    state.realised_pnl, state.settlements.spent = realised, spent
    return state


def spendable(state: State, pays: str = "USD", available: Decimal = PLENTY) -> Decimal:
    """What may leave, by the usual books and fees."""
    return withdrawable(state, ROUTE, pays, available, FEES, BOOKS.get).size


@given(st.fixed_dictionaries({"BTC": st.decimals(-1, 1, places=4), "USD": money, "EUR": money}), money, money, money)
def test_never_more_than_profit_nor_than_what_lies_over_principal(
    traded: dict[str, Decimal], realised: Decimal, spent: Decimal, available: Decimal
) -> None:
    """For any account: the three bounds hold, and it is never below zero."""
    state = account(traded, realised, abs(spent))
    for pays in ("USD", "EUR"):
        size = spendable(state, pays, available)
        assert size >= 0
        assert size <= max(realised - abs(spent), ZERO)
        assert size <= max(traded[pays], ZERO)
        assert size <= max(available, ZERO)
        aside = set_aside(state, ROUTE, pays, FEES, BOOKS.get)
        assert size == 0 or (aside is not None and size + aside <= traded[pays])


@given(st.decimals(D("0.0001"), 20, places=4), rates)
def test_what_is_set_aside_restores_the_base_asset(short: Decimal, fee: Decimal) -> None:
    """Spending it on the book, level by level with the fee, buys what is missing, and something is left or nothing."""
    book = BOOKS["btcusd"]
    cost = restoring(BTC_USD, "BTC", short, fee, book)
    sweep = book.ladder(Side.BUY).sweep(short)
    assert cost is not None
    assert sweep is not None
    assert cost >= sweep.total * (1 + fee)


@given(st.decimals(1, 400_000, places=2), rates)
def test_what_is_set_aside_restores_the_counter_currency(short: Decimal, fee: Decimal) -> None:
    """Selling it level by level brings, fee off, at least what is missing."""
    book = BOOKS["eurusd"]
    cost = restoring(EUR_USD, "USD", short, fee, book)
    assert cost is not None
    sweep = book.ladder(Side.SELL).sweep(cost)
    assert sweep is not None
    assert sweep.total * (1 - fee) >= short


@pytest.mark.parametrize("market", ["eurusd", "btcusd"])
def test_without_a_book_that_reaches_nothing_may_leave(market: str) -> None:
    """A missing book, or one too thin, is no reason to guess: only where something must be restored at all."""
    short = {"EUR": D(-50)} if market == "eurusd" else {"BTC": D("-0.1")}
    state = account({"USD": D(60_000), **short}, D(900))
    assert spendable(state) == 900
    thin = Book(market, 1, [["1.0", "0.00001"]], [["1.1", "0.00001"]])
    for held in (None, thin):
        books = {**BOOKS, market: held}
        assert withdrawable(state, ROUTE, "USD", PLENTY, FEES, books.get).size == 0
        whole = account({"USD": D(60_000)}, D(900))
        assert withdrawable(whole, ROUTE, "USD", PLENTY, FEES, books.get).size == 900
    assert withdrawable(state, ROUTE, "USD", PLENTY, {}, BOOKS.get).size == 0


def test_deposits_are_principal_and_withdrawals_by_hand_lessen_it() -> None:
    """Opening plus what people moved; nothing of it is surplus."""
    state = account({}, D(10**6))
    assert principal(state, "USD") == 1_007
    assert surplus(state, "USD") == 0
    assert spendable(state) == 0


def test_profit_counts_when_its_euros_are_converted_and_a_loss_at_once() -> None:
    """A hedge's P&L is open with the euros it left; half converted, half is closed; netting closes it too."""
    foreign = Foreign()
    foreign.take(D(1_000), D(1_100), D(20))
    assert closed_profit(D(20), foreign) == 0
    foreign.take(D(-500), D(-550))
    assert closed_profit(D(20), foreign) == 10
    foreign.take(D(-500), D(-550), D(6))
    assert closed_profit(D(26), foreign) == 26
    losing = Foreign()
    losing.take(D(1_000), D(1_100), D(-20))
    assert closed_profit(D(-20), losing) == -20
    turned = Foreign()
    turned.take(D(1_000), D(1_100), D(20))
    turned.take(D(-4_000), D(-4_400), D(8))
    assert closed_profit(D(28), turned) == 22


@given(st.lists(st.tuples(money, st.decimals(-50, 50, places=2)), max_size=12))
def test_open_profit_is_gone_with_the_euros(hedges: list[tuple[Decimal, Decimal]]) -> None:
    """Whatever hedges left, one conversion of all that is outstanding closes all profit."""
    foreign, total = Foreign(), ZERO
    for change, pnl in hedges:
        foreign.take(change, change * D("1.1"), pnl)
        total += pnl
    foreign.take(-foreign.outstanding, -foreign.outstanding * D("1.1"))
    assert foreign.outstanding == 0
    assert abs(foreign.open_pnl) <= D("1e-8")


def test_a_book_that_cannot_be_walked_restores_nothing() -> None:
    """Rows out of order, an empty side, or one that thins out: not known is not for nothing."""
    crooked = Book("eurusd", 1, [["1.10", "1"], ["1.20", "9"]], [["1.30", "1"], ["1.25", "9"]])
    empty = Book("eurusd", 1, [], [])
    steep = Book("eurusd", 1, [["1.0", "10"], ["0.1", "20"], ["0.01", "100000"]], [["1.1", "1"]])
    for book in (crooked, empty):
        assert restoring(EUR_USD, "USD", D(5), D(0), book) is None
    assert restoring(EUR_USD, "EUR", D(5), D(0), crooked) is None
    cost = restoring(EUR_USD, "USD", D("10.5"), D(0), steep)
    assert cost is None or cost >= D("10.5")


def test_euros_are_spent_by_their_own_surplus() -> None:
    """Profit told in dollars, at the ask; without an FX book nothing is known."""
    state = account({"EUR": D(500)}, D(110))
    assert spendable(state, "EUR") <= D(100)
    assert spendable(state, "EUR") > D(99)
    books = {**BOOKS, "eurusd": None}
    assert withdrawable(state, ROUTE, "EUR", PLENTY, FEES, books.get).size == 0
