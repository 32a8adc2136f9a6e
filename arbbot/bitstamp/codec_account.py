"""Replies about the account: balances, fees, transactions, the stream token. Pure; all raise `Malformed`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal

from arbbot.bitstamp.wire import (
    JsonObject,
    JsonValue,
    Malformed,
    as_list,
    as_object,
    decimal_field,
    identity,
    is_currency,
    number,
    small_integer,
    symbol_of_name,
    text,
    utc_us_of,
)
from arbbot.domain.market import FeeRate
from arbbot.domain.order import Balance, Transaction

_PERCENT = -2
_NUMERIC = re.compile(r"[-+]?\.?[0-9]")
_NOT_AMOUNTS = frozenset(
    {
        "id",
        "datetime",
        "type",
        "fee",
        "market",
        "order_id",
        "client_order_id",
        "self_trade",
        "self_trade_order_id",
        "margin_mode",
        "leverage_rate",
        "status",
    }
)
"""Keys of a transaction row that are neither an amount nor a rate."""


@dataclass(frozen=True, slots=True)
class StreamToken:
    """Opens private channels for `valid_s` seconds after it was made."""

    token: str = field(repr=False)
    user_id: int
    valid_s: int


def balances(parsed: JsonValue) -> tuple[Balance, ...]:
    """`account_balances/` (a list) or `account_balances/{currency}/` (one object)."""
    rows = [parsed] if isinstance(parsed, dict) else as_list(parsed, "balances")
    return tuple(_balance(as_object(row, "balance")) for row in rows)


def _balance(row: JsonObject) -> Balance:
    return Balance(
        text(row, "currency").lower(),
        decimal_field(row, "total"),
        decimal_field(row, "available"),
        decimal_field(row, "reserved"),
    )


def fees(parsed: JsonValue) -> tuple[tuple[str, FeeRate], ...]:
    """`fees/trading/` (a list) or `fees/trading/{market}/` (one object): percent texts, here as fractions.

    Clients all read `fees` as an object; the official description shows a list of one.
    """
    rows = [parsed] if isinstance(parsed, dict) else as_list(parsed, "fees")
    return tuple(_fee(as_object(row, "fee")) for row in rows)


def _fee(row: JsonObject) -> tuple[str, FeeRate]:
    symbol = symbol_of_name(row.get("market") or row.get("currency_pair"))
    rates = row.get("fees")
    if isinstance(rates, list) and len(rates) == 1:
        rates = rates[0]
    rates = as_object(rates, "fees")
    maker, taker = decimal_field(rates, "maker"), decimal_field(rates, "taker")
    if abs(maker) > 10 or not 0 <= taker <= 10:
        raise Malformed(f"{symbol}: fees of more than ten percent")
    return symbol, FeeRate(maker.scaleb(_PERCENT), taker.scaleb(_PERCENT))


def stream_token(parsed: JsonValue) -> StreamToken:
    """`websockets_token/`."""
    row = as_object(parsed, "token")
    token = text(row, "token")
    if not token.isascii() or not token.isalnum() or len(token) > 128:
        raise Malformed("token has characters a token should not have")
    return StreamToken(token, identity(row.get("user_id"), "user_id"), small_integer(row.get("valid_sec"), "valid_sec"))


def transactions(parsed: JsonValue) -> tuple[Transaction, ...]:
    """`user_transactions/`, in the order sent."""
    return tuple(transaction(as_object(row, "transaction")) for row in as_list(parsed, "transactions"))


def transaction(row: JsonObject) -> Transaction:
    """One row: amounts are under their currency's code, and the rate under `<base>_<counter>`.

    Currencies not involved come as 0 or 0.0 and are left out. The rate is a number for trades and the text "0.00"
    (of no meaning) for deposits and withdrawals; absent ids come as null, absent, or the text "None" in old rows.
    """
    shown = {
        key: number(value, key)
        for key, value in row.items()
        if key not in _NOT_AMOUNTS and is_currency(key) and _numeric(value)
    }
    pair = _rated_pair(row, shown)
    base, counter, price = pair or (None, None, None)
    moved = [code for code, amount in shown.items() if amount]
    fee_currency = moved[0] if pair is None and len(moved) == 1 else counter
    order_id = row.get("order_id")
    fee = row.get("fee")
    return Transaction(
        transaction_id=identity(row.get("id"), "id"),
        utc_us=utc_us_of(row.get("datetime"), "datetime"),
        kind=small_integer(row.get("type"), "type"),
        amounts=tuple(sorted((code, amount) for code, amount in shown.items() if amount or code in (base, counter))),
        fee=Decimal(0) if fee in (None, "None") else number(fee, "fee"),
        fee_currency=fee_currency,
        order_id=None if order_id in (None, "", "None") else identity(order_id, "order_id"),
        market=None if base is None or counter is None else base + counter,
        price=price,
    )


def _numeric(value: JsonValue) -> bool:
    """Whether a value means to be a number. A garbled amount must fail its row, a new text field must not."""
    if isinstance(value, str):
        return _NUMERIC.match(value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rated_pair(row: JsonObject, shown: dict[str, Decimal]) -> tuple[str, str, Decimal] | None:
    """Base, counter and price of the row's rate key: the one with a positive rate that joins two shown amounts.

    A dust trade's counter amount may be displayed as zero; one amount other than zero is enough.
    """
    for key, value in row.items():
        base, joined, counter = key.partition("_")
        if not joined or key in _NOT_AMOUNTS or base not in shown or counter not in shown or not _numeric(value):
            continue
        rate = number(value, key)
        if rate > 0 and (shown[base] or shown[counter]):
            return base, counter, rate
    return None
