"""The first version of the API: paths without a market, which mean btcusd, and its shapes of errors and answers.

The venue has long deprecated it, yet older clients still send some of their calls there, with the
credentials in the body that `auth` checks. Paths, and the bare `true` of cancels, are those of such clients:
bitstampclient 2.2.10, bitstampy 0.0.9, BitEx 1.2.12 (Python), node-bitstamp 3.1.0 and bitstamp 1.0.6 (Node).
"""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

from arbbot.exchange.server.wire import JSON_TYPE, HttpRequest, Json, Reply, rest_json

PREFIX = "/api/"
MARKET = "btcusd"
OF_THE_MARKET = (
    "ticker", "ticker_hour", "order_book", "transactions", "balance", "user_transactions", "open_orders", "buy", "sell",
)  # fmt: skip
PATHS = {name: f"{name}/{MARKET}" for name in OF_THE_MARKET} | {
    "eur_usd": "eur_usd",
    "order_status": "order_status",
    "cancel_order": "cancel_order",
    "cancel_all_orders": "cancel_all_orders",
    "withdrawal_requests": "withdrawal-requests",
    "unconfirmed_btc": "btc_unconfirmed",
    "bitcoin_deposit_address": "btc_address",
    "bitcoin_withdrawal": "btc_withdrawal",
}
CONFIRMED = frozenset({"cancel_order", "cancel_all_orders"})
"""Calls that answer with a bare `true`."""


def old_name(path: str) -> str | None:
    """Return the call a path of the first version names, None for any other path."""
    name = path.removeprefix(PREFIX).strip("/").lower()
    return name if path.startswith(PREFIX) and name in PATHS else None


def modern(request: HttpRequest, name: str, prefix: str) -> HttpRequest:
    """Return the same request to the present API below `prefix`."""
    return replace(request, path=f"{prefix}{PATHS[name]}/")


def reshape(reply: Reply, name: str) -> Reply:
    """Spell the present API's reply as the first version did."""
    if reply.content_type != JSON_TYPE:
        return reply
    answer: Json = json.loads(reply.body, parse_float=Decimal)
    if not isinstance(answer, dict):
        return reply
    if answer.get("status") == "error":
        answer = {"error": answer["reason"]}
    elif name in CONFIRMED:
        answer = True
    elif name == "bitcoin_deposit_address":
        answer = answer["address"]
    return replace(reply, body=rest_json(answer))
