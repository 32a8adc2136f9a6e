"""Commands to requests: path, query and exact body of every call. Pure; nothing here signs or sends."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, urlencode

from arbbot.domain.commands import Ask, CancelOrder, PlaceOrder, Topic
from arbbot.domain.order import OrderKind, OrderTerms

API = "/api/v2/"
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*").fullmatch
"""What quoting would leave as it is, as all ids of our own: asking costs a fifth of quoting."""
PAGE_ROWS = 1000
"""Rows of a full page of `user_transactions` and `account_order_data`: the most the venue gives."""
RATE_CALL = "eur_usd"
"""Tells the venue's own conversion rate of the one market it is named after."""
MAX_PAGES = 50
"""Pages read for one question before it counts as failed: 50,000 rows."""


class Request(NamedTuple):
    """One HTTP request without its signature. `path` begins with a slash; private ones are signed POSTs."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    private: bool = False


class CannotAsk(ValueError):
    """A command that lacks what its call needs; a fault of the caller, found before anything is sent."""


Names = Mapping[str, str]
"""Market symbol to the venue's name with a slash: `{"btcusd": "BTC/USD"}`."""


def build(command: PlaceOrder | CancelOrder | Ask, names: Names, unique: int = 0) -> Request:
    """The (first) request of a command. `unique` is a changing number for the order book's cache bypass.

    Raises CannotAsk when the command lacks a field its call needs.
    """
    if isinstance(command, PlaceOrder):
        return place(command.terms)
    if isinstance(command, CancelOrder):
        if command.venue_order_id is not None:
            return _private("cancel_order/", id=str(command.venue_order_id))
        return _private("cancel_order/", client_order_id=command.client_order_id)
    return _question(command, names, unique)


def place(terms: OrderTerms) -> Request:
    """The placement of an order. Decimals are written plainly, never as 1E-8."""
    path = f"{API}{terms.side.value}/market/" if terms.kind is OrderKind.MARKET else f"{API}{terms.side.value}/"
    body = f"amount={terms.size:f}"
    if terms.kind is not OrderKind.MARKET:
        if terms.price is None:
            raise CannotAsk(f"{terms.client_order_id}: a {terms.kind} order needs a price")
        body += f"&price={terms.price:f}"
        if terms.kind is OrderKind.IOC:
            body += "&ioc_order=True"
        elif terms.expire_utc_ms is not None:
            body += f"&gtd_order=True&expire_time={terms.expire_utc_ms}"
    own = terms.client_order_id
    body += f"&client_order_id={own if _PLAIN(own) else quote(own, safe='')}"
    return Request("POST", f"{path}{terms.market}/", body=body.encode(), private=True)


def venue_time() -> Request:
    """The venue's clock in milliseconds (`server_time`): seen in one client's code only, so never relied on at the real
    venue; the built-in exchange has it.
    """
    return _public("status/")


def _question(ask: Ask, names: Names, unique: int) -> Request:
    """The (first) request of a question."""
    match ask.topic:
        case Topic.ORDER_STATUS:
            return _order_status(ask)
        case Topic.ORDER_EVENTS:
            return order_events_page(ask, names, ask.since_event)
        case Topic.TRANSACTIONS if ask.since_id is not None:
            return transactions_page(ask.since_id)
        case Topic.BOOK:
            # The edge cache serves books up to a second old; a query it has not seen goes to the venue.
            return _public(f"order_book/{_market(ask)}/", _=str(unique))
        case Topic.TICKER:
            return _public(f"ticker/{_market(ask)}/")
        case Topic.CONVERSION_RATE:
            return conversion_rate(ask)
        case topic:
            return _FIXED[topic]


def transactions_page(since_id: int) -> Request:
    """Transactions of the whole account from this id on (inclusive), oldest first."""
    return _private("user_transactions/", since_id=str(since_id), sort="asc", limit=str(PAGE_ROWS))


def order_events_page(ask: Ask, names: Names, since_event: str | None) -> Request:
    """The account's order events of one market; from an event id on (inclusive), else of the last 24 hours."""
    name = names.get(_market(ask))
    if name is None:
        raise CannotAsk(f"the name of market {ask.market} is not known")
    fields = {"market": name} if since_event is None else {"market": name, "since_id": since_event}
    return _private("account_order_data/", **fields)


def conversion_rate(ask: Ask) -> Request:
    """The venue's own rate of an FX market. It tells one, of the pair in the path's name."""
    if _market(ask) != RATE_CALL.replace("_", ""):
        raise CannotAsk(f"the venue tells no conversion rate of {ask.market}")
    return eur_usd()


def _order_status(ask: Ask) -> Request:
    if ask.venue_order_id is not None:
        return _private("order_status/", id=str(ask.venue_order_id))
    if ask.client_order_id is not None:
        return _private("order_status/", client_order_id=ask.client_order_id)
    raise CannotAsk("an order's status needs one of its ids")


def _market(ask: Ask) -> str:
    if ask.market is None:
        raise CannotAsk(f"{ask.topic} needs a market")
    return ask.market


def _private(call: str, **fields: str) -> Request:
    return Request("POST", API + call, body=urlencode(fields).encode(), private=True)


def _public(call: str, **query: str) -> Request:
    return Request("GET", API + call, query=urlencode(query))


_FIXED = {
    # The documentation of 2026 shows `open_orders/`; clients in use still call the `all` form, which also names the
    # market in each row.
    Topic.OPEN_ORDERS: _private("open_orders/all/"),
    Topic.TRANSACTIONS: _private("user_transactions/", sort="desc", limit=str(PAGE_ROWS)),
    Topic.BALANCES: _private("account_balances/"),
    Topic.FEES: _private("fees/trading/"),
    Topic.MARKETS: _public("markets/"),
}


# --- calls no Topic asks for ------------------------------------------------------------------------------------


def cancel_all() -> Request:
    """Cancel every open order of the account, whoever placed it."""
    return _private("cancel_all_orders/")


def websockets_token() -> Request:
    """A token for private channels, good for about a minute."""
    return _private("websockets_token/")


def tickers() -> Request:
    """All markets' tickers at once."""
    return _public("ticker/")


def eur_usd() -> Request:
    """The venue's own EUR/USD conversion rate."""
    return _public(f"{RATE_CALL}/")


def ohlc(market: str, step_s: int, limit: int, start_s: int | None = None, end_s: int | None = None) -> Request:
    """Candles, oldest first: `step_s` one of the venue's steps (60 ... 259200), at most 1000, times in unix seconds.

    With both bounds the venue lets the end win: the last `limit` candles up to it.
    """
    query = {"step": str(step_s), "limit": str(limit)}
    if start_s is not None:
        query["start"] = str(start_s)
    if end_s is not None:
        query["end"] = str(end_s)
    return _public(f"ohlc/{market}/", **query)


def public_trades(market: str, span: str = "hour") -> Request:
    """Everybody's trades of the last `minute`, `hour` or `day`, newest first."""
    return _public(f"transactions/{market}/", time=span)
