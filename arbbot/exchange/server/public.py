"""Public endpoints: tickers, books, trades, candles, markets, currencies, conversion rate."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from itertools import islice

from arbbot.exchange.listing import Listing, conversion_rates
from arbbot.exchange.matching import BookSide, MarketSpec, Order, Side
from arbbot.exchange.networks import Network, networks_of
from arbbot.exchange.refusal import Refusal
from arbbot.exchange.rules import CURRENCY_DECIMALS, CURRENCY_NAMES
from arbbot.exchange.server import shapes
from arbbot.exchange.server.call import Call
from arbbot.exchange.server.wire import HTML_TYPE, Json, Reply, fixed

DAY_S = 86_400
STEPS_S = (60, 180, 300, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400, 259_200)
PERIODS_S = {"minute": 60, "hour": 3600, "day": DAY_S}
NOT_FOUND = Reply(
    404,
    b"<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n"
    b"<center><h1>404 Not Found</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
    HTML_TYPE,
)


def _find(call: Call) -> Listing | None:
    return call.venue.listings.get(call.place["market"])


def _ticker(listing: Listing, now_us: int, *, hourly: bool = False, named: bool = False) -> dict[str, Json]:
    spec, now_s = listing.spec, now_us // 1_000_000
    price = listing.market_price() or Decimal(0)
    window = listing.tape.since(now_s - (3600 if hourly else DAY_S))
    today = listing.tape.since(now_s // DAY_S * DAY_S)
    opened = window if hourly else today
    bid, ask = listing.book.bids.best(), listing.book.asks.best()

    def spell(value: Decimal) -> str:
        return fixed(value, spec.counter_decimals)

    shape: dict[str, Json] = {
        "timestamp": str(now_s),
        "open": spell(opened.open if opened else price),
        "high": spell(window.high if window else price),
        "low": spell(window.low if window else price),
        "last": spell(price),
        "volume": fixed(window.volume if window else Decimal(0), 8),
        "vwap": spell(window.value / window.volume if window else price),
        "bid": spell(bid.price if bid else Decimal(0)),
        "ask": spell(ask.price if ask else Decimal(0)),
        "side": str(shapes.side_number(listing.tape.last.taker if listing.tape.last else Side.BUY)),
    }
    if not hourly:
        before = window.open if window else price
        shape["open_24"] = spell(before)
        shape["percent_change_24"] = fixed((price / before - 1) * 100, 2) if before else "0.00"
    shape["market_type"] = "SPOT"
    if named:
        shape |= {"pair": spec.name, "market": spec.name}
    return shape


def tickers(call: Call) -> Json:
    """All markets' tickers."""
    return [_ticker(listing, call.now_us, named=True) for listing in call.venue.listings.values()]


def ticker(call: Call) -> Json:
    """One market's ticker; for an unknown market the venue answers with all of them."""
    listing = _find(call)
    return tickers(call) if listing is None else _ticker(listing, call.now_us)


def ticker_hour(call: Call) -> Json | Reply:
    """One market's ticker of the last hour."""
    listing = _find(call)
    return NOT_FOUND if listing is None else _ticker(listing, call.now_us, hourly=True)


_fixed = lru_cache(maxsize=1 << 16)(fixed)
"""Most rows of a book are those of the book before; what rests is never zero, whose sign would be lost here."""


def book_rows(side: BookSide, spec: MarketSpec, group: str, most: int | None = None) -> list[Json]:
    """Rows of one side, best first: per level for group 1 and 3, else per order, with its id for 2."""
    amounts, prices = spec.base_decimals, spec.counter_decimals
    if group not in {"0", "2"}:
        return [[_fixed(level.price, prices), _fixed(level.total, amounts)] for level in islice(side, most)]
    rows: list[Json] = []
    for order, price in islice(_queue(side), most):
        row = [_fixed(price, prices), _fixed(order.remaining, amounts)]
        rows.append([*row, str(order.order_id)] if group == "2" else row)
    return rows


def _queue(side: BookSide) -> Iterator[tuple[Order, Decimal]]:
    """Every order of a side with its price, in the order they are met."""
    return ((order, level.price) for level in side for order in level.orders.values())


def book(listing: Listing, group: str, most: int | None = None) -> dict[str, Json]:
    """Return a snapshot of the book, stamped with its last change."""
    return {
        "timestamp": str(listing.changed_us // 1_000_000),
        "microtimestamp": str(listing.changed_us),
        "bids": book_rows(listing.book.bids, listing.spec, group, most),
        "asks": book_rows(listing.book.asks, listing.spec, group, most),
    }


def order_book(call: Call) -> Json | Reply:
    """Return the full book, grouped as asked."""
    listing = _find(call)
    return NOT_FOUND if listing is None else book(listing, call.params.get("group", "1"))


def transactions(call: Call) -> Json | Reply:
    """Trades of the last minute, hour or day, newest first."""
    listing = _find(call)
    if listing is None:
        return NOT_FOUND
    since_us = call.now_us - PERIODS_S.get(call.params.get("time", "hour"), 3600) * 1_000_000
    rows: list[Json] = []
    for trade in reversed(listing.tape.trades):
        if trade.at_us < since_us:
            break
        rows.append(shapes.public_trade(trade, listing.spec))
    return rows


def ohlc(call: Call) -> Json | Reply:
    """Candles, oldest first; if start and end are given, end wins."""
    listing = _find(call)
    if listing is None:
        return NOT_FOUND
    for name in ("step", "limit"):
        if name not in call.params:
            raise Refusal({name: ["Missing data for required field."]})
    step_s = call.integer("step", 60, 1, 10**9, Refusal({"step": ["Not a valid choice."]}))
    if step_s not in STEPS_S:
        raise Refusal({"step": ["Not a valid choice."]})
    limit = call.integer("limit", 1, 1, 1000, Refusal({"limit": ["Must be between 1 and 1000."]}))
    last_s = call.now_us // 1_000_000
    if call.flag("exclude_current_candle"):
        last_s = last_s // step_s * step_s - 1
    bad = Refusal({"start": ["Must be between 0 and 253402297199."]})
    start_s = call.integer("start", -1, 0, 253_402_297_199, bad)
    end_s = call.integer("end", -1, 0, 253_402_297_199, bad)
    if end_s >= 0:
        last_s = min(last_s, end_s)
    elif start_s >= 0:
        last_s = min(last_s, -(-start_s // step_s) * step_s + (limit - 1) * step_s)
    last_s = last_s // step_s * step_s
    candles = listing.tape.candles(step_s, last_s - (limit - 1) * step_s, last_s)
    decimals = listing.spec.counter_decimals
    rows: list[Json] = [
        {
            "timestamp": str(candle.start_s),
            "open": fixed(candle.open, decimals),
            "high": fixed(candle.high, decimals),
            "low": fixed(candle.low, decimals),
            "close": fixed(candle.close, decimals),
            "volume": fixed(candle.volume, 8),
        }
        for candle in candles
    ]
    return {"data": {"pair": listing.spec.name, "market": listing.spec.name, "ohlc": rows}}


def _description(spec: MarketSpec) -> str:
    return f"{CURRENCY_NAMES.get(spec.base, spec.base)} / {CURRENCY_NAMES.get(spec.counter, spec.counter)}"


def markets(call: Call) -> Json:
    """All markets; decimals are integers, the minimum a string."""
    return [
        {
            "name": li.spec.name,
            "market_symbol": li.spec.symbol,
            "base_currency": li.spec.base.upper(),
            "base_decimals": li.spec.base_decimals,
            "counter_currency": li.spec.counter.upper(),
            "counter_decimals": li.spec.counter_decimals,
            "minimum_order_value": f"{li.spec.minimum_order_value:f}",
            "trading": "Enabled" if li.enabled else "Disabled",
            "instant_order_counter_decimals": 2,
            "instant_and_market_orders": "Enabled",
            "description": _description(li.spec),
            "market_type": "SPOT",
        }
        for li in call.venue.listings.values()
    ]


def trading_pairs(call: Call) -> Json:
    """Return the older list of markets, still used by clients."""
    return [
        {
            "trading": "Enabled" if li.enabled else "Disabled",
            "base_decimals": li.spec.base_decimals,
            "url_symbol": li.spec.symbol,
            "name": li.spec.name,
            "instant_and_market_orders": "Enabled",
            "minimum_order": f"{li.spec.minimum_order_value:.5f} {li.spec.counter.upper()}",
            "counter_decimals": li.spec.counter_decimals,
            "instant_order_counter_decimals": 2,
            "description": _description(li.spec),
        }
        for li in call.venue.listings.values()
    ]


def _network(network: Network) -> dict[str, Json]:
    return {
        "network": network.network,
        "withdrawal_minimum_amount": fixed(network.minimum, 8),
        "withdrawal_decimals": network.decimals,
        "deposit": _enabled(network.deposit),
        "withdrawal": _enabled(network.withdrawal),
    }


def _enabled(enabled: bool) -> str:
    return "Enabled" if enabled else "Disabled"


def _currency(call: Call, code: str) -> dict[str, Json]:
    networks = networks_of(call.venue.networks, code)
    return {
        "name": CURRENCY_NAMES.get(code, code.upper()),
        "currency": code.upper(),
        "type": "crypto" if networks else "fiat",
        "symbol": {"btc": "₿", "usd": "$", "eur": "€", "usdt": "₮"}.get(code, code.upper()),
        "decimals": CURRENCY_DECIMALS.get(code, 8),
        "logo": "",
        "available_supply": "0",
        "deposit": _enabled(not networks or any(each.deposit for each in networks)),
        "withdrawal": _enabled(not networks or any(each.withdrawal for each in networks)),
        "networks": [_network(each) for each in networks],
    }


def currencies(call: Call) -> Json:
    """All currencies the markets trade."""
    codes = {code for li in call.venue.listings.values() for code in (li.spec.base, li.spec.counter)}
    return [_currency(call, code) for code in sorted(codes)]


def eur_usd(call: Call) -> Json:
    """Return the venue's own conversion rates, 0.4 % around its EUR/USD market."""
    listing = call.venue.listings.get("eurusd")
    buy, sell = (conversion_rates(listing) if listing else None) or (Decimal(1), Decimal(1))
    return {"sell": fixed(sell, 4), "buy": fixed(buy, 4)}


def status(call: Call) -> Json:
    """Return the server time in milliseconds, as one client expects it; not documented."""
    return {"server_time": call.now_us // 1000}
