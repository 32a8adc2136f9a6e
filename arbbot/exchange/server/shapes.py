"""JSON shapes of orders, fills, rows, balances and events, with the venue's mix of numbers and strings."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal

from arbbot.exchange.accounts import Account, AccountOrder, Balance, Row
from arbbot.exchange.events import OrderEvent, OwnTrade, Trade
from arbbot.exchange.listing import BUY_AT_ANY_PRICE
from arbbot.exchange.matching import Kind, MarketSpec, Side
from arbbot.exchange.rules import CURRENCY_DECIMALS, VenueRules
from arbbot.exchange.server.wire import (
    Json,
    date_iso,
    date_micros,
    date_seconds,
    fixed,
    fixed_or_zero,
    number,
)

ALWAYS_LISTED = ("usd", "btc", "eur")
"""Currencies a user_transactions row lists even when they are not involved, as JSON zeros."""
SUBTYPES = {
    Kind.LIMIT: 0,
    Kind.INSTANT: 1,
    Kind.MARKET: 2,
    Kind.DAILY: 3,
    Kind.IOC: 4,
    Kind.MOC: 5,
    Kind.FOK: 6,
    Kind.GTD: 8,
}


def side_number(side: Side) -> int:
    """Return 0 for a buy, 1 for a sell."""
    return 0 if side is Side.BUY else 1


def order_price(order: AccountOrder) -> Decimal:
    """Return the price an order shows; market orders show the engine's placeholder."""
    if order.price is not None:
        return order.price
    return BUY_AT_ANY_PRICE if order.side is Side.BUY else Decimal(0)


def placed(order: AccountOrder, spec: MarketSpec) -> dict[str, Json]:
    """Reply to a placed order: all strings."""
    shape: dict[str, Json] = {
        "id": str(order.order_id),
        "market": spec.name,
        "datetime": date_micros(order.created_us),
        "type": str(side_number(order.side)),
        "price": fixed(order_price(order), spec.counter_decimals),
        "amount": fixed(order.created, spec.base_decimals),
    }
    if order.client_order_id is not None:
        shape["client_order_id"] = order.client_order_id
    return shape


def replaced(order: AccountOrder, original: AccountOrder, spec: MarketSpec) -> dict[str, Json]:
    """Reply of replace_order: ids as integers, an ISO time."""
    shape: dict[str, Json] = {
        "order_id": order.order_id,
        "order_type": str(side_number(order.side)),
        "market": spec.name,
        "amount": fixed(order.created, spec.base_decimals),
        "price": fixed(order_price(order), spec.counter_decimals),
        "datetime": date_iso(order.created_us),
        "orig_order_id": original.order_id,
        "status": order.status.value,
    }
    if original.client_order_id is not None:
        shape["orig_client_order_id"] = original.client_order_id
    if order.client_order_id is not None:
        shape["client_order_id"] = order.client_order_id
    return shape


def open_order(order: AccountOrder, spec: MarketSpec, *, with_pair: bool) -> dict[str, Json]:
    """Build one row of open_orders; `currency_pair` is there in the all-markets form only."""
    shape: dict[str, Json] = {
        "id": str(order.order_id),
        "datetime": date_seconds(order.created_us),
        "type": str(side_number(order.side)),
        "price": fixed(order_price(order), spec.counter_decimals),
        "amount": fixed(order.remaining, spec.base_decimals),
        "amount_at_create": fixed(order.created, spec.base_decimals),
        "market": spec.name,
    }
    if with_pair:
        shape["currency_pair"] = spec.name
    if order.limit_price is not None:
        shape["limit_price"] = fixed(order.limit_price, spec.counter_decimals)
    if order.client_order_id is not None:
        shape["client_order_id"] = order.client_order_id
    return shape


def order_status(order: AccountOrder, spec: MarketSpec, *, with_fills: bool) -> dict[str, Json]:
    """Reply of order_status: fills unrounded, neither the order's price nor its original amount."""
    shape: dict[str, Json] = {
        "id": order.order_id,
        "datetime": date_seconds(order.created_us),
        "type": str(side_number(order.side)),
        "subtype": order.kind.value,
        "status": order.status.value,
        "market": spec.name,
        "amount_remaining": fixed(order.remaining, spec.base_decimals),
    }
    if order.client_order_id is not None:
        shape["client_order_id"] = order.client_order_id
    if with_fills:
        shape["transactions"] = [_status_fill(row) for row in order.fills]
    return shape


def _status_fill(row: Row) -> dict[str, Json]:
    shape: dict[str, Json] = {
        "tid": row.row_id,
        "price": fixed(row.price or Decimal(0), 8),
        "fee": fixed(row.fee, 5),
        "datetime": date_micros(row.at_us),
        "type": row.row_type,
    }
    shape.update({currency: fixed(abs(amount), 8) for currency, amount in row.amounts})
    return shape


def canceled(order: AccountOrder, spec: MarketSpec, rules: VenueRules, *, in_list: bool) -> dict[str, Json]:
    """Reply to a cancel; amount and price are numbers or strings by the rules."""
    price, left = order_price(order), order.remaining
    shape: dict[str, Json] = {
        "id": order.order_id,
        "amount": number(left) if rules.cancel_numbers else fixed(left, spec.base_decimals),
        "price": number(price) if rules.cancel_numbers else fixed(price, spec.counter_decimals),
        "type": side_number(order.side),
        "market": spec.name,
    }
    if in_list:
        return shape | {"currency_pair": spec.name}
    return shape | {"status": "Canceled"}


def transaction(row: Row, spec: MarketSpec | None, rules: VenueRules) -> dict[str, Json]:
    """Build one row of user_transactions.

    Counter amounts of trades are rounded by the rules; the rate key `<base>_<counter>` is a number for
    trades and the string "0.00" under `btc_usd` otherwise.
    """
    shape: dict[str, Json] = {
        "id": row.row_id,
        "datetime": date_micros(row.at_us),
        "type": str(row.row_type),
        "fee": fixed(row.fee, 5 if spec else 8),
    }
    if row.order_id is not None:
        shape["order_id"] = row.order_id
    for currency, amount in row.amounts:
        if spec is None:
            shape[currency] = fixed(amount, max(CURRENCY_DECIMALS.get(currency, 8), _digits(amount)))
        else:
            shape[currency] = fixed(amount, spec.base_decimals if currency == spec.base else rules.row_decimals)
    if spec is None or row.price is None:
        shape["btc_usd"] = "0.00"
    else:
        shape[f"{spec.base}_{spec.counter}"] = row.price
    if row.self_trade_order_id is not None:
        shape |= {"self_trade": True, "self_trade_order_id": row.self_trade_order_id}
    return shape | {currency: 0 for currency in ALWAYS_LISTED if currency not in shape}


def _digits(amount: Decimal) -> int:
    exponent = amount.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def shown(amount: Decimal, currency: str, rules: VenueRules) -> str:
    """Spell a balance: every digit it has, or cut to the decimals the rules ask for."""
    if rules.balance_decimals is not None:
        cut = amount.quantize(Decimal(1).scaleb(-rules.balance_decimals), ROUND_DOWN)
        return f"{cut:f}"
    return fixed(amount, max(CURRENCY_DECIMALS.get(currency, 8), _digits(amount)))


def balance(currency: str, held: Balance, rules: VenueRules) -> dict[str, Json]:
    """Build one row of account_balances."""
    return {
        "currency": currency,
        "total": shown(held.total, currency, rules),
        "available": shown(held.available, currency, rules),
        "reserved": shown(held.reserved, currency, rules),
    }


def old_balance(
    account: Account, fees: dict[str, str], rules: VenueRules, withdrawal_fees: Mapping[str, Decimal]
) -> dict[str, Json]:
    """Build the flat map of the older `balance/` call."""
    shape: dict[str, Json] = {}
    for currency, held in account.balances.items():
        shape[currency + "_available"] = shown(held.available, currency, rules)
        shape[currency + "_balance"] = shown(held.total, currency, rules)
        shape[currency + "_reserved"] = shown(held.reserved, currency, rules)
        shape[currency + "_withdrawal_fee"] = fixed(withdrawal_fees.get(currency, Decimal(0)), 8)
    return shape | {market + "_fee": fee for market, fee in fees.items()}


def public_trade(trade: Trade, spec: MarketSpec) -> dict[str, Json]:
    """Build one row of `transactions/{market}/`."""
    return {
        "date": str(trade.at_us // 1_000_000),
        "tid": str(trade.trade_id),
        "price": fixed(trade.price, spec.counter_decimals),
        "type": str(side_number(trade.taker)),
        "amount": fixed(trade.amount, spec.base_decimals),
    }


def stream_trade(trade: Trade, spec: MarketSpec) -> dict[str, Json]:
    """Build the `data` of a live_trades frame."""
    return {
        "id": trade.trade_id,
        "timestamp": str(trade.at_us // 1_000_000),
        "amount": number(trade.amount),
        "amount_str": fixed(trade.amount, spec.base_decimals),
        "price": number(trade.price),
        "price_str": fixed(trade.price, spec.counter_decimals),
        "type": side_number(trade.taker),
        "microtimestamp": str(trade.at_us),
        "buy_order_id": trade.buy_order_id,
        "sell_order_id": trade.sell_order_id,
    }


def order_event(event: OrderEvent, spec: MarketSpec, *, own: bool) -> dict[str, Json]:
    """Build the `data` of a live_orders, my_orders or order_data event."""
    decimals = spec.base_decimals
    shape: dict[str, Json] = {
        "id": event.order_id,
        "id_str": str(event.order_id),
        "order_type": side_number(event.side),
        "order_subtype": SUBTYPES[event.kind],
        "datetime": str(event.at_us // 1_000_000),
        "microtimestamp": str(event.at_us),
        "amount": number(event.remaining),
        "amount_str": fixed_or_zero(event.remaining, decimals),
        "amount_traded": fixed_or_zero(event.traded, decimals),
        "amount_at_create": fixed(event.created, decimals),
        "price": number(event.price),
        "price_str": fixed(event.price, spec.counter_decimals),
        "is_liquidation": False,
    }
    if event.orig_order_id is not None:
        shape["orig_order_id"] = event.orig_order_id
    if own:
        shape["trade_account_id"] = 0
        if event.client_order_id is not None:
            shape["client_order_id"] = event.client_order_id
    return shape


def order_event_row(event: OrderEvent, spec: MarketSpec, *, own: bool) -> dict[str, Json]:
    """Build one row of order_data or account_order_data."""
    shape: dict[str, Json] = {"event": event.name, "event_id": event.event_id, "order_source": "orderbook"}
    if own:
        shape["trade_account_id"] = 0
    return shape | {"data": order_event(event, spec, own=own)}


def own_trade(fill: OwnTrade, spec: MarketSpec) -> dict[str, Json]:
    """Build the `data` of a my_trades frame."""
    shape: dict[str, Json] = {
        "id": fill.trade.trade_id,
        "amount": fixed(fill.trade.amount, spec.base_decimals),
        "price": fixed(fill.trade.price, spec.counter_decimals),
        "microtimestamp": str(fill.trade.at_us),
        "fee": fixed(fill.fee, 5),
        "order_id": str(fill.order_id),
        "trade_account_id": 0,
        "side": fill.side.value,
    }
    if fill.client_order_id is not None:
        shape["client_order_id"] = fill.client_order_id
    return shape
