"""An unmodified third-party client, ccxt, trades on the exchange by REST and by WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

import ccxt  # type: ignore[import-untyped] # ccxt ships no types
import ccxt.pro  # type: ignore[import-untyped] # ccxt ships no types
import pytest

from arbbot.exchange.options import DEMO_KEY, DEMO_SECRET

if TYPE_CHECKING:
    from tests.exchange.conftest import Live

Served = Callable[..., "AbstractAsyncContextManager[Live]"]
MARKET = "BTC/USD"


@asynccontextmanager
async def _client(live: Live) -> AsyncIterator[Any]:
    client = ccxt.pro.bitstamp({"apiKey": DEMO_KEY, "secret": DEMO_SECRET, "enableRateLimit": False})
    api = live.at.rest + "/api"
    client.urls["api"] = {"public": api, "private": api, "ws": live.at.websocket}
    try:
        yield client
    finally:
        await client.close()


async def test_it_reads_the_market(served: Served) -> None:
    """Markets, currencies, ticker, book, trades and candles parse, with their values."""
    async with served() as live, _client(live) as client:
        markets = await client.load_markets()
        assert set(markets) == {"BTC/USD", "BTC/EUR", "EUR/USD", "USDT/USD", "USDT/EUR"}
        assert markets[MARKET]["precision"] == {"amount": 1e-8, "price": 0.01}
        book = await client.fetch_order_book(MARKET)
        assert (book["bids"][0], book["asks"][0]) == ([99.0, 1.0], [101.0, 1.0])
        await client.create_order(MARKET, "market", "buy", 0.5)
        ticker = (await client.fetch_tickers([MARKET]))[MARKET]
        assert (ticker["bid"], ticker["ask"], ticker["last"]) == (99.0, 101.0, 101.0)
        assert [t["amount"] for t in await client.fetch_trades(MARKET)] == [0.5]
        assert (await client.fetch_ohlcv(MARKET, "1m", limit=5))[-1][4:] == [101.0, 0.5]


async def test_it_trades_by_rest(served: Served) -> None:
    """Log in, balances, limit and market orders, open orders, edit, cancel, order status, own trades, fees."""
    async with served() as live, _client(live) as client:
        assert (await client.fetch_balance())["BTC"] == {"free": 10.0, "used": 0.0, "total": 10.0}
        resting = await client.create_order(MARKET, "limit", "sell", 2, 150, {"clientOrderId": "mine"})
        assert [(o["id"], o["clientOrderId"]) for o in await client.fetch_open_orders(MARKET)] == [
            (resting["id"], "mine")
        ]
        assert (await client.fetch_balance())["BTC"]["used"] == 2.0
        edited = await client.edit_order(resting["id"], MARKET, "limit", "sell", 1, 160)
        assert (await client.cancel_order(edited["id"], MARKET))["id"] == edited["id"]
        assert (await client.fetch_order(edited["id"], MARKET))["status"] == "canceled"
        sold = await client.create_order(MARKET, "market", "sell", 1.5)
        order = await client.fetch_order(sold["id"], MARKET)
        assert (order["status"], order["filled"], order["cost"]) == ("closed", 1.5, 99 + 49)
        mine = await client.fetch_my_trades(MARKET)
        assert [(t["side"], t["amount"], t["price"]) for t in mine] == [("sell", 1.0, 99.0), ("sell", 0.5, 98.0)]
        assert [t["fee"]["cost"] for t in mine] == [0.396, 0.196]
        assert (await client.fetch_trading_fee(MARKET))["taker"] == 0.4
        await client.create_order(MARKET, "limit", "buy", 1, 50)
        assert len(await client.cancel_all_orders(MARKET)) == 1
        await live.control("deposit", currency="usd", amount="12.5")
        moved = await client.fetch_deposits_withdrawals()
        assert [(t["type"], t["currency"], t["amount"]) for t in moved] == [("deposit", "USD", 12.5)]


async def test_it_understands_refusals(served: Served) -> None:
    """Its error classes fit: bad signature, unknown order, too little money, too small an order."""
    async with served() as live, _client(live) as client:
        await client.load_markets()
        with pytest.raises(ccxt.OrderNotFound):
            await client.fetch_order("123", MARKET)
        with pytest.raises(ccxt.InsufficientFunds):
            await client.create_order(MARKET, "limit", "sell", 1000, 150)
        with pytest.raises(ccxt.InvalidOrder):
            await client.create_order(MARKET, "limit", "buy", 0.01, 100)
        client.secret = "wrong"
        with pytest.raises(ccxt.AuthenticationError):
            await client.fetch_balance()


async def test_it_trades_by_websocket(served: Served) -> None:
    """Order book, public trades, and own orders and trades arrive on its channels."""
    async with served() as live, _client(live) as client:
        await client.load_markets()
        watching = [
            asyncio.create_task(coroutine)
            for coroutine in (
                client.watch_orders(MARKET),
                client.watch_my_trades(MARKET),
                client.watch_trades(MARKET),
                client.watch_order_book(MARKET),
            )
        ]
        for _ in range(500):
            if (await live.state())["subscriptions"] == len(watching):
                break
            await asyncio.sleep(0.01)
        placed = await client.create_order(MARKET, "market", "buy", 1.5)
        orders, mine, trades = [await task for task in watching[:3]]
        assert orders[-1]["id"] == placed["id"]
        assert {t["order"] for t in mine} == {placed["id"]}
        assert {t["price"] for t in trades} <= {101.0, 102.0}
        # The client takes its snapshot only after several book changes.
        for step in range(12):
            await live.control("book", market="btcusd", bids=[[str(90 + step / 4), "1"]], asks=[["110", "2"]])
            await asyncio.sleep(0.11)
            if watching[3].done():
                break
        book = await watching[3]
        assert book["asks"][0] == [110.0, 2.0]
