"""Private endpoints about the account: balances, fees, rows, events, tokens."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from arbbot.exchange.accounts import Row
from arbbot.exchange.events import OrderEvent
from arbbot.exchange.ids import event_time_us
from arbbot.exchange.networks import usual_fees
from arbbot.exchange.refusal import Refusal
from arbbot.exchange.server import shapes
from arbbot.exchange.server.call import TOKEN_LIFE_US, Call
from arbbot.exchange.server.wire import Json, fixed
from arbbot.exchange.venue import DAY_US

SECOND_US = 1_000_000
THIRTY_DAYS_S = 30 * 86_400
EVENTS_MOST = 1000


def balances(call: Call) -> Json:
    """All balances of the account."""
    held = call.account.balances
    return [shapes.balance(currency, held[currency], call.venue.rules) for currency in sorted(held)]


def balance(call: Call) -> Json:
    """Return the balance of one currency."""
    currency = call.place["currency"]
    if currency not in call.account.balances:
        raise Refusal("Currency not found.", "404.006")
    return shapes.balance(currency, call.account.balances[currency], call.venue.rules)


def old_balance(call: Call) -> Json:
    """Return the flat map of the older balance call, for all markets or for one."""
    taker = fixed(call.account.rates(call.now_us).taker, 3)
    if "market" not in call.place:
        fees = {f"{li.spec.symbol}": taker for li in call.venue.listings.values()}
        return shapes.old_balance(call.account, fees, call.venue.rules, usual_fees(call.venue.networks))
    spec = call.listing.spec
    everything = shapes.old_balance(call.account, {}, call.venue.rules, usual_fees(call.venue.networks))
    wanted = (spec.base + "_", spec.counter + "_")
    return {name: value for name, value in everything.items() if name.startswith(wanted)} | {"fee": taker}


def _trading_fee(call: Call, market: str) -> dict[str, Json]:
    rates = call.account.rates(call.now_us)
    fees: dict[str, Json] = {"maker": fixed(rates.maker, 3), "taker": fixed(rates.taker, 3)}
    return {"currency_pair": market, "market": market, "fees": fees}


def trading_fees(call: Call) -> Json:
    """Fee rates of all markets, percent strings."""
    return [_trading_fee(call, market) for market in call.venue.listings]


def trading_fee(call: Call) -> Json:
    """Fee rates of one market."""
    return _trading_fee(call, call.listing.spec.symbol)


def my_markets(call: Call) -> Json:
    """Markets the account may trade on."""
    return [{"name": li.spec.name, "url_symbol": li.spec.symbol} for li in call.venue.listings.values()]


def _stamp_s(call: Call, name: str) -> int | None:
    text = call.params.get(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit():
        raise Refusal(f"{name} parameter must be digits")
    if len(text) > 11:
        raise Refusal(f"Failed to convert {name} parameter.")
    oldest_s = call.now_us // SECOND_US - THIRTY_DAYS_S
    if int(text) < oldest_s:
        raise Refusal(f"{name} parameter must be higher than {oldest_s}")
    return int(text)


def _rows_between(call: Call, since_id: int, since_s: int, until_s: int | None) -> list[Row]:
    """Rows of the account, or of the market in the path, oldest first; ids and times of rows both ascend."""
    lag_us = max(call.venue.rules.row_lag_us, call.behaviour.rows_late_us)
    until_us = call.now_us - lag_us if until_s is None else min((until_s + 1) * SECOND_US - 1, call.now_us - lag_us)
    rows = call.account.rows
    first = max(
        bisect_left(rows, since_id, key=lambda row: row.row_id),
        bisect_left(rows, since_s * SECOND_US, key=lambda row: row.at_us),
    )
    last = bisect_right(rows, until_us, key=lambda row: row.at_us)
    if "market" not in call.place:
        return rows[first:last]
    market = call.listing.spec.symbol
    return [row for row in rows[first:last] if row.market == market]


def user_transactions(call: Call) -> Json:
    """Rows of the account; since_timestamp is inclusive, with the resolution of a second."""
    offset = call.integer("offset", 0, 0, 200_000, Refusal("Invalid offset.", "400.010"))
    limit = call.integer("limit", 100, 1, 1000, Refusal("Invalid limit.", "400.011"))
    order = call.params.get("sort", "desc")
    if order not in {"asc", "desc"}:
        raise Refusal("Invalid sort parameter.", "400.012")
    since_id = call.integer("since_id", 0, 0, 10**18, Refusal("Invalid since_id.", "400.081"))
    if since_id:
        limit = 1000
    rows = _rows_between(call, since_id, _stamp_s(call, "since_timestamp") or 0, _stamp_s(call, "until_timestamp"))
    if order == "desc":
        rows = rows[::-1]
    venue = call.venue
    return [
        shapes.transaction(row, venue.spec(row.market) if row.market else None, venue.rules)
        for row in rows[offset : offset + limit]
    ]


def _after(events: list[OrderEvent], since: str | None, until: str | None, now_us: int) -> list[OrderEvent]:
    """Cut events to `since` (inclusive) and `until` (exclusive); by default the last 24 hours."""
    ids = [event.event_id for event in events]
    start = 0
    if since in ids:
        start = ids.index(since)
    else:
        since_us = now_us - DAY_US if since is None else event_time_us(since)
        if since_us is None:
            raise Refusal("Invalid since_id.", "400.081")
        start = next((i for i, event in enumerate(events) if event.at_us >= since_us), len(events))
    end = ids.index(until) if until in ids else len(events)
    return events[start:end][:EVENTS_MOST]


def _market_by_name(call: Call) -> str:
    name = call.params.get("market")
    if name is None:
        raise Refusal("Missing market POST parameter", "400.079")
    return call.venue.listing(name.replace("/", "").lower()).spec.symbol


def public_order_events(call: Call) -> Json:
    """Public order events of a market, oldest first, to fill gaps of live_orders."""
    listing = call.venue.listing(_market_by_name(call))
    events = _after(list(listing.events), call.params.get("since_id"), call.params.get("until_id"), call.now_us)
    return [shapes.order_event_row(event, listing.spec, own=False) for event in events]


def own_order_events(call: Call) -> Json:
    """Order events of the account in a market, oldest first, to fill gaps of my_orders."""
    market = _market_by_name(call)
    own = [event for event in call.account.events if event.market == market]
    events = _after(own, call.params.get("since_id"), call.params.get("until_id"), call.now_us)
    return [shapes.order_event_row(event, call.venue.spec(market), own=True) for event in events]


def websockets_token(call: Call) -> Json:
    """Return a token to subscribe to private channels with."""
    token = call.memory.tokens.issue(call.account.user_id, call.now_us)
    return {"token": token, "valid_sec": TOKEN_LIFE_US // SECOND_US, "user_id": call.account.user_id}
