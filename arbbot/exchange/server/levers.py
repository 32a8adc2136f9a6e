"""What `POST /control/ACTION` takes, in words: for `GET /control`, and for whoever forgets a field."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

Body = dict[str, Any]
LEVERS: Mapping[str, str] = {
    "deposit": "currency, amount [, fee, type]: money comes in, as a transaction row",
    "withdraw": "currency, amount [, fee, type]: money leaves",
    "deposit_crypto": "currency, amount [, network, pending_reason]: seen on its chain, credited when confirmed",
    "release_deposit": "id: a deposit no longer waits for a person",
    "withdrawal_status": "id, status (open, in_process, finished, canceled, failed, reversed): bring a request there",
    "network": "currency, network [, fee, minimum, deposit, withdrawal]: change what a chain costs, or switch it",
    "account": "[frozen, blocked, withdrawals_disabled]: what the account may not do, true or false",
    "convert": "amounts {currency: signed amount} [, type]: a conversion outside the order books",
    "trade": "market, side (buy or sell), amount [, price]: by hand for the account, at market without a price",
    "cancel_all": "[market]: cancel the account's orders",
    "fees": "maker, taker: percent, for the account from now on",
    "minimum": "market, value: the smallest order's worth",
    "market_status": "market, enabled (true or false): switch trading",
    "announce": "text: on the announcements channel",
    "request_reconnect": "nothing: ask every WebSocket client for a new connection",
    "drop_connections": "[code, reset]: close every WebSocket connection, with a code or a TCP reset",
    "stall": "seconds [, kind (all or frames)]: send nothing, or only heartbeat replies",
    "book": "market, bids, asks ([[price, amount], ...]): replace the house's book; pause the market process first",
    "pause_market": "paused (true or false): keep the books as they are",
    "spike": "market, share, seconds: quote off the fair price for so many market seconds",
    "faults": "fault: switch a fault on, as in reply_lost:buy:1; DELETE switches all off, GET tells which there are",
}
"""By action. Each takes `account` too, by its name; the first account else. Decimals are strings."""


def as_body(value: object) -> Body:
    """The JSON object that an action takes. Raises ValueError."""
    if not isinstance(value, dict):
        raise ValueError("the body is a JSON object")
    return value


def needed(body: Body, key: str) -> Any:
    """A field that must be there. Raises ValueError."""
    if key not in body:
        raise ValueError(f"{key} is missing")
    return body[key]


def amount_of(value: object) -> Decimal:
    """A finite decimal. Raises ValueError."""
    try:
        amount = Decimal(str(value))
    except ArithmeticError as error:
        raise ValueError(f"{value!r} is no amount") from error
    if not amount.is_finite():
        raise ValueError(f"{value!r} is no amount")
    return amount
