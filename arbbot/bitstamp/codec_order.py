"""Replies and frames about the account's own orders. Pure; all raise `Malformed`."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from arbbot.bitstamp.wire import (
    JsonObject,
    JsonValue,
    Malformed,
    as_list,
    as_object,
    decimal_field,
    exact_field,
    identity,
    is_currency,
    number,
    optional_text,
    positive,
    side_of_type,
    symbol_of_name,
    text,
)
from arbbot.domain.events import FillSeen
from arbbot.domain.market import Side
from arbbot.domain.order import Fill, OpenOrder, OrderEvent, OrderReport, VenueOrderStatus

_STATUSES = {
    "open": VenueOrderStatus.OPEN,
    "in queue": VenueOrderStatus.OPEN,
    "finished": VenueOrderStatus.FINISHED,
    "canceled": VenueOrderStatus.CANCELED,
    "cancelled": VenueOrderStatus.CANCELED,
    "expired": VenueOrderStatus.EXPIRED,
    "cancel pending": VenueOrderStatus.CANCEL_PENDING,
}
"""`In Queue` is legacy; `Cancel pending` exists since 2025-10-23."""

_CHANGES = {"order_created": "created", "order_changed": "changed", "order_deleted": "deleted"}
_FILL_KEYS = frozenset({"tid", "price", "fee", "datetime", "type"})


@dataclass(frozen=True, slots=True)
class Placed:
    """The venue's word for an order it took: what it says it took, as far as it says it."""

    venue_order_id: int
    market: str | None
    side: Side | None
    size: Decimal | None
    client_order_id: str | None


def placed(parsed: JsonValue) -> Placed:
    """Reply of `buy/`, `sell/` and their market forms: all texts; older ones lack `market` or the client id."""
    row = as_object(parsed, "order")
    return Placed(
        venue_order_id=identity(row.get("id"), "id"),
        market=_optional_market(row),
        side=None if row.get("type") is None else side_of_type(row["type"], "type"),
        size=None if row.get("amount") is None else decimal_field(row, "amount"),
        client_order_id=optional_text(row, "client_order_id"),
    )


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Reply of `cancel_order/`; `status` None in replies older than 2025-10-23, which meant canceled."""

    venue_order_id: int
    market: str | None
    client_order_id: str | None
    status: str | None


def cancelled(parsed: JsonValue) -> Cancelled:
    """Amounts come as numbers or texts; nothing here needs them."""
    row = as_object(parsed, "cancel")
    return Cancelled(
        identity(row.get("id"), "id"),
        _optional_market(row),
        optional_text(row, "client_order_id"),
        optional_text(row, "status"),
    )


def cancelled_all(parsed: JsonValue) -> tuple[int, ...]:
    """The venue's ids in a reply of `cancel_all_orders/`. Without `success` some may be left, whatever it lists."""
    row = as_object(parsed, "cancel of all orders")
    if row.get("success") is not True:
        raise Malformed("the venue says that not all were cancelled")
    rows = (as_object(each, "cancelled order") for each in as_list(row.get("canceled"), "canceled"))
    return tuple(identity(each.get("id"), "id") for each in rows)


def _optional_market(row: JsonObject) -> str | None:
    name = optional_text(row, "market") or optional_text(row, "currency_pair")
    return None if name is None else symbol_of_name(name)


def order_report(parsed: JsonValue, side: Side | None = None) -> OrderReport:
    """Reply of `order_status/`: no price, no original amount; what filled is the sum of its transactions.

    Replies of older years tell neither market nor side. The market is then found by arithmetic: the counter amount
    is the exact product of base amount and price. The side must come from the caller, or fills cannot be read.
    """
    row = as_object(parsed, "order status")
    status = _STATUSES.get(text(row, "status").lower())
    if status is None:
        raise Malformed("status of an order is not one we know")
    kind = row.get("type")
    if kind is not None:
        side = side_of_type(kind, "type")
    name = optional_text(row, "market")
    remaining = row.get("amount_remaining")
    return OrderReport(
        venue_order_id=identity(row.get("id"), "id"),
        client_order_id=optional_text(row, "client_order_id"),
        status=status,
        remaining=None if remaining is None else number(remaining, "amount_remaining"),
        fills=tuple(
            _fill(as_object(part, "transaction"), name, side)
            for part in as_list(row.get("transactions", []), "transactions")
        ),
    )


def _fill(row: JsonObject, name: str | None, side: Side | None) -> Fill:
    if side is None:
        raise Malformed("a fill of an order whose side is not told")
    price = positive(decimal_field(row, "price"), "price")
    base, counter = _pair_of(row, name, price)
    return Fill(
        trade_id=identity(row.get("tid"), "tid"),
        market=base + counter,
        side=side,
        size=positive(abs(decimal_field(row, base)), base),
        price=price,
        fee=None if row.get("fee") is None else number(row["fee"], "fee"),
    )


def _pair_of(row: JsonObject, name: str | None, price: Decimal) -> tuple[str, str]:
    """Base and counter currency of a fill."""
    if name is not None and "/" in name:
        base, _, counter = name.lower().partition("/")
        return base, counter
    codes = [key for key in row if key not in _FILL_KEYS and is_currency(key)]
    matches = [
        (base, counter)
        for base in codes
        for counter in codes
        if base != counter and decimal_field(row, base) * price == decimal_field(row, counter)
    ]
    if len(matches) != 1:
        raise Malformed("a fill whose market cannot be told")
    return matches[0]


def open_orders(parsed: JsonValue) -> tuple[OpenOrder, ...]:
    """`open_orders/all/`: texts; `amount` is what remains."""
    return tuple(_open_order(as_object(row, "open order")) for row in as_list(parsed, "open orders"))


def _open_order(row: JsonObject) -> OpenOrder:
    market = _optional_market(row)
    if market is None:
        raise Malformed("an open order without its market")
    return OpenOrder(
        venue_order_id=identity(row.get("id"), "id"),
        client_order_id=optional_text(row, "client_order_id"),
        market=market,
        side=side_of_type(row.get("type"), "type"),
        price=decimal_field(row, "price"),
        remaining=decimal_field(row, "amount"),
    )


def order_events(parsed: JsonValue, market: str) -> tuple[OrderEvent, ...]:
    """`account_order_data/`, oldest first; kinds of event that say nothing about life and size are left out."""
    rows = [as_object(row, "order event") for row in as_list(parsed, "order events")]
    events = (order_event(text(row, "event"), as_object(row.get("data"), "data"), market) for row in rows)
    return tuple(event for event in events if event is not None)


def last_event_id(parsed: JsonValue) -> str:
    """The id the next page of order events starts from."""
    rows = as_list(parsed, "order events")
    return text(as_object(rows[-1] if rows else None, "order event"), "event_id")


def order_event(kind: str, row: JsonObject, market: str) -> OrderEvent | None:
    """One event of `private-my_orders_*` or `account_order_data/`; None for kinds we have no use for.

    `amount` is what remains after the event; ids come as numbers, texts, or both.
    """
    change = _CHANGES.get(kind)
    if change is None:
        return None
    return OrderEvent(
        venue_order_id=identity(row.get("id_str", row.get("id")), "id"),
        client_order_id=optional_text(row, "client_order_id"),
        market=market,
        side=side_of_type(row.get("order_type"), "order_type"),
        change=change,
        remaining=exact_field(row, "amount"),
        utc_us=_event_time(row),
    )


def _event_time(row: JsonObject) -> int:
    """Microseconds since the epoch; rows of the REST call carry whole seconds only."""
    if row.get("microtimestamp") is not None:
        return identity(row["microtimestamp"], "microtimestamp")
    return identity(row.get("datetime"), "datetime") * 1_000_000


def fill_seen(row: JsonObject, market: str) -> FillSeen:
    """One trade of `private-my_trades_*`; fee in counter currency."""
    side = text(row, "side")
    if side not in ("buy", "sell"):
        raise Malformed("side is neither buy nor sell")
    fee = row.get("fee")
    return FillSeen(
        venue_order_id=identity(row.get("order_id"), "order_id"),
        client_order_id=optional_text(row, "client_order_id"),
        fill=Fill(
            trade_id=identity(row.get("id_str", row.get("id")), "id"),
            market=market,
            side=Side(side),
            size=positive(exact_field(row, "amount"), "amount"),
            price=positive(exact_field(row, "price"), "price"),
            fee=None if fee is None else number(fee, "fee"),
        ),
    )
