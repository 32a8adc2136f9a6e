"""Commands to requests."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbbot.bitstamp import requests
from arbbot.bitstamp.requests import CannotAsk, Request, build
from arbbot.domain.commands import Ask, CancelOrder, PlaceOrder, Topic
from arbbot.domain.market import Side
from arbbot.domain.order import OrderKind, OrderTerms, Purpose

NAMES = {"btcusd": "BTC/USD"}


def terms(
    kind: OrderKind = OrderKind.LIMIT,
    *,
    side: Side = Side.BUY,
    size: Decimal = Decimal("0.00100000"),
    price: Decimal | None = Decimal("85000.00"),
    expire_utc_ms: int | None = None,
) -> OrderTerms:
    """An order as the engine would mint it."""
    price = None if kind is OrderKind.MARKET else price
    return OrderTerms("h-1.a", "h-1", Purpose.LEG, "btcusd", side, kind, size, price, expire_utc_ms)


@pytest.mark.parametrize(
    ("order", "path", "body"),
    [
        (
            terms(expire_utc_ms=1767225600000),
            "/api/v2/buy/btcusd/",
            "amount=0.00100000&price=85000.00&gtd_order=True&expire_time=1767225600000&client_order_id=h-1.a",
        ),
        (terms(side=Side.SELL), "/api/v2/sell/btcusd/", "amount=0.00100000&price=85000.00&client_order_id=h-1.a"),
        (
            terms(OrderKind.IOC),
            "/api/v2/buy/btcusd/",
            "amount=0.00100000&price=85000.00&ioc_order=True&client_order_id=h-1.a",
        ),
        (terms(OrderKind.MARKET), "/api/v2/buy/market/btcusd/", "amount=0.00100000&client_order_id=h-1.a"),
        (
            terms(OrderKind.MARKET, side=Side.SELL, size=Decimal("1E-8")),
            "/api/v2/sell/market/btcusd/",
            "amount=0.00000001&client_order_id=h-1.a",
        ),
    ],
)
def test_placements(order: OrderTerms, path: str, body: str) -> None:
    """Each kind of order has its path and exactly one time-in-force flag; decimals are written plainly."""
    assert build(PlaceOrder(order), NAMES) == Request("POST", path, "", body.encode(), private=True)


@given(
    st.decimals(min_value="0.00000001", max_value="100000", places=8),
    st.decimals(min_value="0.01", max_value="1000000", places=2),
    st.text(alphabet=st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=20),
)
def test_what_is_written_reads_back(size: Decimal, price: Decimal, own: str) -> None:
    """Size, price and client order id on the wire read back as exactly the order's."""
    order = OrderTerms(own, "h", Purpose.LEG, "btcusd", Side.BUY, OrderKind.LIMIT, size, price, None)
    fields = parse_qs(requests.place(order).body.decode(), strict_parsing=True)
    assert Decimal(fields["amount"][0]) == size
    assert Decimal(fields["price"][0]) == price
    assert fields["client_order_id"] == [own]


def test_cancels_go_by_venue_id_where_known() -> None:
    """A cancel names the venue's id, and the client order id only without one."""
    assert build(CancelOrder("own", 17, "btcusd"), NAMES).body == b"id=17"
    assert build(CancelOrder("own", None, "btcusd"), NAMES).body == b"client_order_id=own"


@pytest.mark.parametrize(
    ("ask", "method", "path", "query", "body"),
    [
        (Ask(1, Topic.ORDER_STATUS, venue_order_id=5), "POST", "order_status/", "", "id=5"),
        (Ask(1, Topic.ORDER_STATUS, client_order_id="c"), "POST", "order_status/", "", "client_order_id=c"),
        (Ask(1, Topic.OPEN_ORDERS), "POST", "open_orders/all/", "", ""),
        (Ask(1, Topic.ORDER_EVENTS, "btcusd"), "POST", "account_order_data/", "", "market=BTC%2FUSD"),
        (Ask(1, Topic.TRANSACTIONS), "POST", "user_transactions/", "", "sort=desc&limit=1000"),
        (
            Ask(1, Topic.TRANSACTIONS, since_id=9),
            "POST",
            "user_transactions/",
            "",
            "since_id=9&sort=asc&limit=1000",
        ),
        (Ask(1, Topic.BALANCES), "POST", "account_balances/", "", ""),
        (Ask(1, Topic.FEES), "POST", "fees/trading/", "", ""),
        (Ask(1, Topic.MARKETS), "GET", "markets/", "", ""),
        (Ask(1, Topic.BOOK, "eurusd"), "GET", "order_book/eurusd/", "_=77", ""),
        (Ask(1, Topic.TICKER, "eurusd"), "GET", "ticker/eurusd/", "", ""),
        (Ask(1, Topic.CONVERSION_RATE, "eurusd"), "GET", "eur_usd/", "", ""),
    ],
)
def test_questions(ask: Ask, method: str, path: str, query: str, body: str) -> None:
    """Every topic has its call; private ones are POSTs without a query, public ones GETs without a body."""
    expected = Request(method, f"/api/v2/{path}", query, body.encode(), private=method == "POST")
    assert build(ask, NAMES, unique=77) == expected


@pytest.mark.parametrize(
    "command",
    [
        Ask(1, Topic.ORDER_STATUS),
        Ask(1, Topic.BOOK),
        Ask(1, Topic.TICKER),
        Ask(1, Topic.CONVERSION_RATE),
        Ask(1, Topic.CONVERSION_RATE, "btcusd"),
        Ask(1, Topic.ORDER_EVENTS),
        Ask(1, Topic.ORDER_EVENTS, "xrpusd"),
        PlaceOrder(OrderTerms("o", "h", Purpose.LEG, "m", Side.BUY, OrderKind.LIMIT, Decimal(1), None, None)),
    ],
)
def test_incomplete_commands_are_found_before_the_wire(command: Ask | PlaceOrder) -> None:
    """A command that lacks what its call needs never becomes a request."""
    with pytest.raises(CannotAsk):
        build(command, NAMES)


def test_calls_beside_the_topics() -> None:
    """The public calls used outside the engine, and the stream token."""
    assert requests.websockets_token() == Request("POST", "/api/v2/websockets_token/", private=True)
    assert requests.tickers() == Request("GET", "/api/v2/ticker/")
    assert requests.eur_usd() == Request("GET", "/api/v2/eur_usd/")
    assert requests.public_trades("btcusd", "day") == Request("GET", "/api/v2/transactions/btcusd/", "time=day")
    assert requests.ohlc("btcusd", 3600, 10).query == "step=3600&limit=10"
    assert requests.ohlc("btcusd", 60, 5, 1, 2) == Request(
        "GET", "/api/v2/ohlc/btcusd/", "step=60&limit=5&start=1&end=2"
    )
