"""Promises of the order book: priority, limits, no overfill."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from arbbot.exchange.matching import RESTING_KINDS, ZERO, Kind, Order, OrderBook, Side

PRICES = st.integers(90, 110).map(Decimal)
AMOUNTS = st.integers(1, 40).map(lambda n: Decimal(n) / 10)
ARRIVALS = st.lists(st.tuples(st.sampled_from(Side), st.sampled_from(Kind), PRICES, AMOUNTS), min_size=1, max_size=40)


def _arrive(book: OrderBook, number: int, side: Side, kind: Kind, price: Decimal, amount: Decimal) -> Order:
    priced = kind not in {Kind.MARKET, Kind.INSTANT}
    return Order(number, side, price if priced else None, amount)


@settings(max_examples=150, deadline=None)
@given(ARRIVALS)
def test_fills_respect_price_then_time_and_never_overfill(arrivals: list[tuple[Side, Kind, Decimal, Decimal]]) -> None:
    """Every fill takes the best price, the oldest order first, within the limit, never more than wanted."""
    book = OrderBook()
    for number, (side, kind, price, amount) in enumerate(arrivals, start=1):
        queue = [o for level in book.side(side.opposite) for o in level.orders.values()]
        queue_ids = [o.order_id for o in queue]
        sizes = {o.order_id: o.remaining for o in queue}
        order = _arrive(book, number, side, kind, price, amount)
        fills = book.execute(order, kind)
        assert [f.maker.order_id for f in fills] == queue_ids[: len(fills)]
        for fill in fills[:-1]:
            assert fill.amount == sizes[fill.maker.order_id]
        assert all(f.price == f.maker.price for f in fills)
        if order.price is not None:
            assert all(f.price <= order.price if side is Side.BUY else f.price >= order.price for f in fills)
        assert sum((f.amount for f in fills), ZERO) + order.remaining == amount
        assert order.remaining >= 0
        if kind is Kind.FOK:
            assert order.remaining in {ZERO, amount}
        if kind is Kind.MOC:
            assert not fills
        if kind not in RESTING_KINDS:
            assert number not in book.orders


@settings(max_examples=100, deadline=None)
@given(ARRIVALS)
def test_levels_are_the_sum_of_their_orders_and_never_cross(
    arrivals: list[tuple[Side, Kind, Decimal, Decimal]],
) -> None:
    """Level totals equal their orders, equal prices queue by time, sides are sorted and do not cross."""
    book = OrderBook()
    for number, (side, kind, price, amount) in enumerate(arrivals, start=1):
        book.execute(_arrive(book, number, side, kind, price, amount), kind)
        if number % 5 == 0 and book.orders:
            book.remove(next(iter(book.orders)))
        if number % 7 == 0 and book.orders:
            resized = book.orders[next(reversed(book.orders))]
            book.resize(resized.order_id, resized.remaining / 2)
        for half, order_of in ((book.bids, True), (book.asks, False)):
            prices = [level.price for level in half]
            assert prices == sorted(set(prices), reverse=order_of)
            for level in half:
                assert level.total == sum((o.remaining for o in level.orders.values()), ZERO) > 0
                ids = list(level.orders)
                assert ids == sorted(ids)
        bid, ask = book.bids.best(), book.asks.best()
        assert bid is None or ask is None or bid.price < ask.price
        listed = {i for half in (book.bids, book.asks) for level in half for i in level.orders}
        assert listed == set(book.orders)


def test_a_smaller_size_keeps_its_turn_and_a_larger_one_goes_to_the_end() -> None:
    """Resizing follows the usual rule: only growth costs the place in the queue."""
    book = OrderBook()
    for number in (1, 2):
        book.rest(Order(number, Side.SELL, Decimal(100), Decimal(2)))
    book.resize(1, Decimal(1))
    assert list(next(iter(book.asks)).orders) == [1, 2]
    book.resize(1, Decimal(3))
    assert list(next(iter(book.asks)).orders) == [2, 1]


def test_a_snapshot_can_be_traded_against() -> None:
    """A book built from price levels sweeps several prices and reports what an order would cost."""
    book = OrderBook()
    for number, (side, price, size) in enumerate(
        ((Side.BUY, 99, 1), (Side.SELL, 100, 1), (Side.SELL, 101, 2)), start=1
    ):
        book.rest(Order(-number, side, Decimal(price), Decimal(size)))
    assert book.cost(Side.BUY, Decimal(2)) == (Decimal(2), Decimal(201))
    assert book.cost(Side.BUY, Decimal(5)) == (Decimal(3), Decimal(302))
    assert book.affordable(Side.BUY, Decimal(200), Decimal("0.01")) == Decimal("1.99")
    order = Order(7, Side.BUY, None, Decimal(2))
    assert [(f.price, f.amount) for f in book.execute(order, Kind.MARKET)] == [
        (Decimal(100), Decimal(1)),
        (Decimal(101), Decimal(1)),
    ]
    assert order.remaining == 0
