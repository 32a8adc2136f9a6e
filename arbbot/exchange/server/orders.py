"""Private endpoints about orders: place, look up, cancel, replace."""

from __future__ import annotations

import re
from decimal import ROUND_DOWN

from arbbot.exchange.accounts import AccountOrder
from arbbot.exchange.entry import OrderRequest
from arbbot.exchange.matching import Kind, Side
from arbbot.exchange.refusal import Refusal, refused_for_all
from arbbot.exchange.server import shapes
from arbbot.exchange.server.call import Call
from arbbot.exchange.server.wire import Json, fixed

FLAGS = {
    "daily_order": Kind.DAILY,
    "ioc_order": Kind.IOC,
    "fok_order": Kind.FOK,
    "moc_order": Kind.MOC,
    "gtd_order": Kind.GTD,
}
THIRTY_DAYS_US = 30 * 86_400 * 1_000_000
REPLACEABLE = frozenset({Kind.LIMIT, Kind.DAILY, Kind.MOC, Kind.GTD})


def _kind(call: Call) -> Kind:
    chosen = [kind for name, kind in FLAGS.items() if call.flag(name)]
    if len(chosen) > 1:
        raise refused_for_all("Only one of the optional order parameters can be set.", "400.024")
    if chosen and call.params.get("limit_price"):
        if chosen == [Kind.DAILY]:
            raise refused_for_all("Both limit_price and daily_order cannot be set.", "400.025")
        raise refused_for_all("limit_price cannot be combined with other optional parameters.", "400.025")
    return chosen[0] if chosen else Kind.LIMIT


def _expire_us(call: Call) -> int | None:
    text = call.params.get("expire_time")
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,16}", text):
        raise Refusal("Invalid expire_time", "400.023")
    return int(text) * 1000


def _accept(call: Call, request: OrderRequest) -> Json:
    order = call.venue.place(call.account, request, call.now_us, fill_share=call.behaviour.fill_share)
    if call.behaviour.hidden_us:
        order.visible_us = call.now_us + call.behaviour.hidden_us
    return shapes.placed(order, call.listing.spec)


def _client_id(call: Call) -> str | None:
    return call.params.get("client_order_id") or None


def limit(call: Call) -> Json:
    """Place a limit order."""
    side, symbol = Side(call.place["side"]), call.listing.spec.symbol
    size, price = call.decimal("amount", "400.026"), call.decimal("price", "400.041")
    opposite = call.decimal("limit_price", "400.041") if call.params.get("limit_price") else None
    kind = _kind(call)
    return _accept(call, OrderRequest(symbol, side, kind, size, price, _client_id(call), opposite, _expire_us(call)))


def market(call: Call) -> Json:
    """Place a market order; the amount is in base units for both sides."""
    side, symbol = Side(call.place["side"]), call.listing.spec.symbol
    return _accept(
        call,
        OrderRequest(symbol, side, Kind.MARKET, call.decimal("amount", "400.026"), client_order_id=_client_id(call)),
    )


def instant(call: Call) -> Json:
    """Place an instant order: a purchase spends counter currency, a sale gives base unless told otherwise.

    Whether the venue takes the fee out of the amount spent is unknown; here it comes on top.
    """
    side, symbol = Side(call.place["side"]), call.listing.spec.symbol
    in_counter = side is Side.BUY or call.flag("amount_in_counter")
    size = call.decimal("amount", "400.026")
    request = OrderRequest(symbol, side, Kind.INSTANT, size, client_order_id=_client_id(call), in_counter=in_counter)
    return _accept(call, request)


def _named(call: Call, id_name: str = "id", client_name: str = "client_order_id") -> AccountOrder:
    """Find the order a call names by either id; raises Refusal."""
    text, client_id = call.params.get(id_name), call.params.get(client_name)
    if not text and not client_id:
        raise Refusal("Missing id POST param", "400.035")
    if text and not re.fullmatch(r"[0-9]{1,19}", text):
        raise Refusal("Invalid order id", "400.016")
    return call.venue.find(call.account, int(text) if text else None, client_id)


def status(call: Call) -> Json:
    """Return status and fills of an order; a fresh one may not be found yet, a closed one for 30 days only."""
    order = _named(call)
    if call.now_us < order.visible_us or order.created_us < call.now_us - THIRTY_DAYS_US:
        raise Refusal("Order not found.", "404.002")
    with_fills = not call.flag("omit_transactions")
    return shapes.order_status(order, call.venue.spec(order.market), with_fills=with_fills)


def open_orders(call: Call) -> Json:
    """Open orders of all markets or of one, from a cache of up to 10 s."""
    market_name = call.place.get("market", "all")
    if market_name != "all":
        call.venue.listing(market_name)
    slot = (call.account.user_id, market_name)
    at_us, rows = call.memory.open_orders.get(slot, (0, None))
    if rows is not None and call.now_us - at_us < call.venue.rules.open_orders_cache_us:
        return rows
    rows = [
        shapes.open_order(order, call.venue.spec(order.market), with_pair=market_name == "all")
        for order in call.account.open_orders.values()
        if market_name in ("all", order.market)
    ]
    call.memory.open_orders[slot] = (call.now_us, rows)
    return rows


def cancel(call: Call) -> Json:
    """Cancel one order."""
    order = call.venue.cancel(_named(call), call.now_us, late_fill=call.behaviour.late_fill)
    return shapes.canceled(order, call.venue.spec(order.market), call.venue.rules, in_list=False)


def cancel_all(call: Call) -> Json:
    """Cancel all orders, or those of one market."""
    only = call.listing.spec.symbol if "market" in call.place else None
    orders = call.venue.cancel_all(call.account, only, call.now_us)
    rows: list[Json] = [
        shapes.canceled(order, call.venue.spec(order.market), call.venue.rules, in_list=True) for order in orders
    ]
    return {"canceled": rows, "success": True}


def replace(call: Call) -> Json:
    """Replace an open limit order by a new one with a new id."""
    # Some clients send the original's client id under client_order_id and no id at all.
    client_name = "orig_client_order_id" if "orig_client_order_id" in call.params else "client_order_id"
    original = _named(call, client_name="orig_client_order_id" if "id" in call.params else client_name)
    size, price = call.decimal("amount", "400.026"), call.decimal("price", "400.041")
    if original.kind not in REPLACEABLE:
        raise Refusal("Order not found.", "404.002")
    order = call.venue.replace(original, size, price, _client_id(call), call.now_us)
    return shapes.replaced(order, original, call.venue.spec(order.market))


def largest(call: Call) -> Json:
    """Return the most an order could trade with the balance at hand, at its price or else the market's.

    The names are those JKorf/Bitstamp.Net reads; the venue's use of them for spot markets is not documented.
    """
    listing = call.venue.listing(call.params.get("market", "").replace("/", "").lower())
    spec, rates = listing.spec, call.account.rates(call.now_us)
    price = call.decimal("price", "400.041") if call.params.get("price") else listing.market_price()
    if not price or price < 0:
        raise Refusal("Missing amount and/or price POST parameters", "400.006")
    size = call.account.balance(spec.base).available
    if call.params.get("side", "buy").lower() in {"buy", "0"}:
        size = call.account.balance(spec.counter).available / (1 + max(rates.maker, rates.taker) / 100) / price
    size = size.quantize(spec.lot, ROUND_DOWN)
    return {
        "maximum_order_amount": fixed(size, spec.base_decimals),
        "maximum_order_value": fixed((size * price).quantize(spec.tick, ROUND_DOWN), spec.counter_decimals),
        "maximum_order_amount_currency": spec.base.upper(),
        "maximum_order_value_currency": spec.counter.upper(),
    }
