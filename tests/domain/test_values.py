"""Markets, ledger, orders: the small values."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.domain.ledger import Entry, Ledger, LedgerAccount, LedgerError, move
from arbbot.domain.market import Direction, Instrument, Route, Side
from arbbot.domain.order import ORDER_TABLE, OrderState

BTC_USD = Instrument("btcusd", "BTC", "USD", 8, 0, Decimal(10))
BTC_EUR = Instrument("btceur", "BTC", "EUR", 8, 0, Decimal(10))
EUR_USD = Instrument("eurusd", "EUR", "USD", 8, 5, Decimal(10))
ETH_EUR = Instrument("etheur", "ETH", "EUR", 8, 2, Decimal(10))
ROUTE = Route(BTC_USD, BTC_EUR, EUR_USD)

deltas = st.decimals(min_value=-(10**12), max_value=10**12, places=8)
currencies = st.sampled_from(["BTC", "USD", "EUR"])
accounts = st.sampled_from(list(LedgerAccount))
bookings = st.lists(st.tuples(currencies, deltas, accounts), max_size=12)


def test_a_side_knows_its_opposite_and_sign() -> None:
    """Buying adds base, selling takes it away."""
    assert Side.BUY.opposite is Side.SELL
    assert Side.SELL.opposite is Side.BUY
    assert (Side.BUY.sign, Side.SELL.sign) == (1, -1)


def test_steps_follow_from_decimals() -> None:
    """Tick and lot are the smallest steps of price and amount."""
    assert (EUR_USD.tick, EUR_USD.lot) == (Decimal("0.00001"), Decimal("0.00000001"))


def test_a_route_names_its_parts() -> None:
    """Numeraire, base, name, symbols and legs come from the instruments alone."""
    assert (ROUTE.base, ROUTE.numeraire, ROUTE.name) == ("BTC", "USD", "btcusd-btceur")
    assert ROUTE.symbols == ("btcusd", "btceur", "eurusd")
    assert ROUTE.currencies == ("BTC", "USD", "EUR")
    assert ROUTE.instrument("eurusd") is EUR_USD
    assert ROUTE.legs(Direction.BUY_DOMESTIC) == (BTC_USD, BTC_EUR)
    assert ROUTE.legs(Direction.BUY_FOREIGN) == (BTC_EUR, BTC_USD)
    with pytest.raises(KeyError):
        ROUTE.instrument("etheur")


def test_markets_that_do_not_join_are_no_route() -> None:
    """Both markets share the base asset and FX joins their counters, the right way round."""
    with pytest.raises(ValueError, match="base asset"):
        Route(BTC_USD, ETH_EUR, EUR_USD)
    with pytest.raises(ValueError, match="does not join"):
        Route(BTC_EUR, BTC_USD, EUR_USD)


@given(bookings)
@settings(max_examples=80)
def test_the_ledger_sums_to_zero_for_ever(moves: list[tuple[str, Decimal, LedgerAccount]]) -> None:
    """Whatever is booked, each currency's accounts sum to zero and VENUE holds the sum of the moves."""
    ledger = Ledger()
    for currency, delta, source in moves:
        ledger.book(move(currency, delta, source))
    for currency in ("BTC", "USD", "EUR"):
        assert sum(ledger.balance(account, currency) for account in LedgerAccount) == 0
        expected = sum(delta for name, delta, source in moves if name == currency and source is not LedgerAccount.VENUE)
        assert ledger.balance(LedgerAccount.VENUE, currency) == expected


@given(bookings, deltas.filter(bool), currencies)
@settings(max_examples=60)
def test_a_crooked_booking_books_nothing(
    moves: list[tuple[str, Decimal, LedgerAccount]], excess: Decimal, currency: str
) -> None:
    """Entries that do not sum to zero in every currency raise LedgerError and leave the ledger as it was."""
    ledger = Ledger()
    for name, delta, source in moves:
        ledger.book(move(name, delta, source))
    before = dict(ledger.balances)
    straight = tuple(entry for name, delta, source in moves for entry in move(name, delta, source))
    with pytest.raises(LedgerError, match=currency):
        ledger.book((*straight, Entry(LedgerAccount.VENUE, currency, excess)))
    assert ledger.balances == before


def test_terminal_states_are_the_ends_of_the_table() -> None:
    """Out of an end leads at most proof of life, where the venue was thought not to have the order; every other state
    has a way to each end that it can prove.
    """
    alive = {OrderState.REJECTED: {OrderState.LIVE}, OrderState.ABSENT: {OrderState.LIVE}}
    for state in OrderState:
        assert not state.terminal or ORDER_TABLE[state] == alive.get(state, set())
    assert OrderState.INTENT not in set().union(*ORDER_TABLE.values())
    assert ORDER_TABLE[OrderState.LIVE] == {
        OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED, OrderState.ABSENT,
    }  # fmt: skip
    assert OrderState.IN_DOUBT not in ORDER_TABLE[OrderState.LIVE]


def test_a_failure_is_one_line_and_a_code() -> None:
    """What the operator reads, and what the supervisor reads."""
    failure = Failure(ExitCode.JOURNAL, "locked by another process")
    assert str(failure) == failure.reason == "locked by another process"
    assert failure.code is ExitCode.JOURNAL


def test_exit_codes_are_all_different() -> None:
    """A supervisor can tell the ends apart: no code is an alias of another."""
    assert len({int(code) for code in ExitCode}) == len(ExitCode.__members__)
