"""Control endpoint, for loopback callers only: the venue's truth in full, and levers to disturb it."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from ipaddress import ip_address

from aiohttp import web

from arbbot.exchange.accounts import Account, AccountOrder, FeeRates, Row
from arbbot.exchange.clock import MarketClock
from arbbot.exchange.entry import OrderRequest
from arbbot.exchange.faults import FAULTS, BadFault, Fault, Faults
from arbbot.exchange.matching import Kind, Side
from arbbot.exchange.refusal import Refusal
from arbbot.exchange.server.funding_levers import FundingLevers, request_state
from arbbot.exchange.server.levers import LEVERS, Body, amount_of, as_body, needed
from arbbot.exchange.server.stream import StreamServer
from arbbot.exchange.server.targets import check
from arbbot.exchange.server.wire import Json
from arbbot.exchange.venue import Venue
from arbbot.exchange.withdrawals import Request

DEPOSIT, WITHDRAWAL, CONVERSION = 0, 1, 36
Spike = Callable[[str, float, int], None]
"""Market, share off its fair price, until when in microseconds of market time."""


def _row(row: Row) -> Json:
    return {
        "id": row.row_id,
        "at_us": row.at_us,
        "type": row.row_type,
        "amounts": {currency: f"{amount:f}" for currency, amount in row.amounts},
        "fee": f"{row.fee:f}",
        "order_id": row.order_id,
        "market": row.market,
        "price": None if row.price is None else f"{row.price:f}",
    }


def _order(order: AccountOrder) -> Json:
    return {
        "id": order.order_id,
        "client_order_id": order.client_order_id,
        "market": order.market,
        "side": order.side.value,
        "kind": order.kind.value,
        "price": None if order.price is None else f"{order.price:f}",
        "created": f"{order.created:f}",
        "created_us": order.created_us,
        "remaining": f"{order.remaining:f}",
        "status": order.status.value,
        "fills": [_row(row) for row in order.fills],
    }


def _complaint(request: web.Request, error: Exception) -> str:
    """What was wrong with a request, and what its action takes."""
    told = f"{error} is missing" if isinstance(error, KeyError) else str(error)
    takes = LEVERS.get(request.match_info.get("action", ""))
    return told if takes is None else f"{told}; it takes {takes}"


def account_state(
    account: Account, rows_after: int = 0, *, only_open: bool = False, requests: Sequence[Request] = ()
) -> dict[str, Json]:
    """Spell everything about an account in full precision, without lag, rounding or cache.

    For those who look again and again: only rows above an id, and only open orders.
    """
    orders = account.open_orders if only_open else account.orders
    rows = account.rows[bisect_right(account.rows, rows_after, key=lambda row: row.row_id) :]
    return {
        "user_id": account.user_id,
        "name": account.name,
        "balances": {
            currency: {"total": f"{b.total:f}", "available": f"{b.available:f}", "reserved": f"{b.reserved:f}"}
            for currency, b in account.balances.items()
        },
        "orders": [_order(order) for order in orders.values()],
        "rows": [_row(row) for row in rows],
        "withdrawals": [request_state(request) for request in requests],
    }


class Control:
    """Handlers of `/control/...`. Bodies and replies are JSON; decimals are strings."""

    def __init__(
        self, venue: Venue, clock: MarketClock, stream: StreamServer, faults: Faults, spike: Spike | None = None
    ) -> None:
        """Control these parts; `spike` where a market process quotes."""
        self._venue = venue
        self._clock = clock
        self._stream = stream
        self._faults = faults
        self._spike_market = spike
        self.market_paused = False
        self._actions: dict[str, Callable[[Body], Json]] = {
            **FundingLevers(venue, clock, self._account).actions,
            "deposit": lambda body: self._external(body, DEPOSIT, 1),
            "withdraw": lambda body: self._external(body, WITHDRAWAL, -1),
            "convert": self._convert,
            "trade": self._trade,
            "cancel_all": self._cancel_all,
            "fees": self._fees,
            "minimum": self._minimum,
            "market_status": self._market_status,
            "announce": self._announce,
            "request_reconnect": self._request_reconnect,
            "drop_connections": self._drop,
            "stall": self._stall,
            "book": self._book,
            "pause_market": self._pause_market,
            "spike": self._spike,
        }

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to add to the application."""
        return [
            web.get("/control", self._guard(self._index)),
            web.get("/control/", self._guard(self._index)),
            web.get("/control/state", self._guard(self._get_state)),
            web.get("/control/faults", self._guard(self._get_faults)),
            web.post("/control/faults", self._guard(self._post_fault)),
            web.delete("/control/faults", self._guard(self._clear_faults)),
            web.post("/control/{action}", self._guard(self._post_action)),
        ]

    def _guard(
        self, handler: Callable[[web.Request], Awaitable[Json]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def guarded(request: web.Request) -> web.Response:
            if not ip_address(request.remote or "0.0.0.0").is_loopback:  # noqa: S104 - a peer's address
                raise web.HTTPForbidden(text="loopback only")
            try:
                return web.json_response(await handler(request))
            except Refusal as refusal:
                return web.json_response({"error": refusal.reason}, status=409)
            except (BadFault, LookupError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
                return web.json_response({"error": _complaint(request, error)}, status=400)

        return guarded

    async def _index(self, request: web.Request) -> Json:
        return {
            "GET /control/state": "[?account=NAME&orders=open&rows_after=ID]: balances, orders, rows, markets in full",
            "GET /control/faults": "what is switched on and how often it struck, and all faults there are",
            "DELETE /control/faults": "switch all off",
            **{f"POST /control/{action}": words for action, words in LEVERS.items()},
        }

    async def _get_state(self, request: web.Request) -> Json:
        wanted = request.query.get("account")
        rows_after, only_open = int(request.query.get("rows_after", "0")), request.query.get("orders") == "open"
        return {
            "now_us": self._clock.now_us(),
            "connections": self._stream.connections,
            "subscriptions": self._stream.subscriptions,
            "markets": {
                market: {"trading": li.enabled, "last": str(li.market_price()), "changed_us": li.changed_us}
                for market, li in self._venue.listings.items()
            },
            "house": {currency: f"{amount:f}" for currency, amount in self._venue.house.items()},
            "collected_fees": {currency: f"{amount:f}" for currency, amount in self._venue.collected.items()},
            "accounts": [
                account_state(account, rows_after, only_open=only_open, requests=self._venue.withdrawals.of(account))
                for account in self._venue.accounts.values()
                if wanted is None or account.name == wanted
            ],
        }

    async def _get_faults(self, request: web.Request) -> Json:
        return {
            "active": self._active(),
            "known": {name: kind.meaning for name, kind in FAULTS.items()},
        }

    async def _post_fault(self, request: web.Request) -> Json:
        body = as_body(json.loads(await request.text()))
        fault = Fault.parse(str(needed(body, "fault")))
        check(fault, self._venue)
        self._faults.active.append(fault)
        return {"ok": True}

    async def _clear_faults(self, request: web.Request) -> Json:
        """Switch all faults off; the reply tells how often each has struck."""
        cleared = self._active()
        self._faults.active.clear()
        return {"ok": True, "cleared": cleared}

    def _active(self) -> list[Json]:
        return [
            {"name": f.name, "pattern": f.pattern, "left": f.left, "fired": f.fired, "params": f.params}
            for f in self._faults.active
        ]

    async def _post_action(self, request: web.Request) -> Json:
        action = self._actions.get(request.match_info["action"])
        if action is None:
            raise ValueError(f"unknown action; known are {', '.join(self._actions)}")
        text = await request.text()
        return action(as_body(json.loads(text)) if text else {})

    def _account(self, body: Body) -> Account:
        """Return the account named in the body, by default the first one."""
        for account in self._venue.accounts.values():
            if body.get("account") in (None, account.name):
                return account
        raise ValueError(f"no account {body['account']!r}")

    def _external(self, body: Body, row_type: int, sign: int) -> Json:
        amounts = {str(body["currency"]): sign * amount_of(needed(body, "amount"))}
        fee = amount_of(body.get("fee", "0"))
        kind = int(body.get("type", row_type))
        return _row(self._venue.external(self._account(body), amounts, kind, self._clock.now_us(), fee))

    def _convert(self, body: Body) -> Json:
        amounts = {str(currency): amount_of(amount) for currency, amount in body["amounts"].items()}
        kind = int(body.get("type", CONVERSION))
        return _row(self._venue.external(self._account(body), amounts, kind, self._clock.now_us()))

    def _trade(self, body: Body) -> Json:
        """Trade for the account by hand: at market, or as a limit order when a price is given."""
        price = Decimal(body["price"]) if "price" in body else None
        kind = Kind.MARKET if price is None else Kind.LIMIT
        request = OrderRequest(body["market"], Side(body["side"]), kind, Decimal(body["amount"]), price)
        return _order(self._venue.place(self._account(body), request, self._clock.now_us()))

    def _cancel_all(self, body: Body) -> Json:
        orders = self._venue.cancel_all(self._account(body), body.get("market"), self._clock.now_us())
        return [_order(order) for order in orders]

    def _fees(self, body: Body) -> Json:
        self._account(body).fixed_rates = FeeRates(Decimal(body["maker"]), Decimal(body["taker"]))
        return {"ok": True}

    def _minimum(self, body: Body) -> Json:
        listing = self._venue.listing(body["market"])
        listing.spec = replace(listing.spec, minimum_order_value=Decimal(body["value"]))
        return {"ok": True}

    def _market_status(self, body: Body) -> Json:
        self._venue.set_trading(body["market"], enabled=bool(body["enabled"]), now_us=self._clock.now_us())
        return {"ok": True}

    def _announce(self, body: Body) -> Json:
        self._venue.announce(str(body["text"]), self._clock.now_us())
        return {"ok": True}

    def _request_reconnect(self, body: Body) -> Json:
        self._stream.request_reconnect()
        return {"ok": True}

    def _drop(self, body: Body) -> Json:
        self._stream.drop(body.get("code"), reset=bool(body.get("reset")))
        return {"ok": True}

    def _stall(self, body: Body) -> Json:
        kind = str(body.get("kind", "all"))
        if kind not in {"all", "frames"}:
            raise ValueError("kind is all or frames")
        self._stream.stall(kind, float(body["seconds"]))
        return {"ok": True}

    def _book(self, body: Body) -> Json:
        """Replace the house's book of a market by these levels; pause the market process to keep them."""
        market, now_us = str(body["market"]), self._clock.now_us()
        sides = ((Side.BUY, body.get("bids", [])), (Side.SELL, body.get("asks", [])))
        rows = [(side, Decimal(price), Decimal(amount)) for side, levels in sides for price, amount in levels]
        for order_id, *_ in list(self._venue.house_orders(market)):
            self._venue.house_cancel(order_id, now_us)
        for side, price, amount in rows:
            self._venue.house_limit(market, side, price, amount, now_us)
        return {"ok": True}

    def _spike(self, body: Body) -> Json:
        """Quote a market off its fair price for so many market seconds, for one tick at least."""
        if self._spike_market is None:
            raise ValueError("no market process quotes here")
        until_us = self._clock.now_us() + int(float(body["seconds"]) * 1_000_000)
        self._spike_market(str(body["market"]), float(body["share"]), until_us)
        return {"ok": True}

    def _pause_market(self, body: Body) -> Json:
        self.market_paused = bool(body["paused"])
        return {"ok": True}
