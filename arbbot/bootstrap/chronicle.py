"""The story of one hedge for a person: each record in words, with the figures that led to it and came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from decimal import Decimal
from enum import Enum

from arbbot.bootstrap.summary import plain
from arbbot.domain.grounds import Grounds
from arbbot.domain.market import Route
from arbbot.domain.money import BPS
from arbbot.domain.order import Fill, OrderTerms, Transaction
from arbbot.domain.records import (
    CancelAnswered,
    CancelIntended,
    ConversionClosed,
    ConversionOpened,
    DurableRecord,
    ExitPlanned,
    FillBooked,
    HedgeClosed,
    HedgeOpened,
    HedgeSettled,
    Holding,
    OrderIntended,
    OrderMoved,
    RowBooked,
)
from arbbot.telemetry.utc import utc_text


def words(record: DurableRecord, route: Route) -> list[str]:
    """A record of a hedge or conversion in one line or a few."""
    match record:
        case HedgeOpened():
            return _opened(record, route)
        case RowBooked():
            return [f"{record.client_order_id or 'nobody of ours'}: {_row(record.row)}"]
        case ExitPlanned():
            return [_exit(record)]
        case HedgeClosed():
            left = f"bought {plain(record.bought)}, sold {plain(record.sold)}, left over {plain(record.dust)}"
            return [f"{record.outcome}: {left} ({record.cause})"]
        case HedgeSettled():
            return _settled(record, route)
        case ConversionOpened():
            return _conversion_opened(record)
        case ConversionClosed():
            return _conversion_closed(record)
    return [_of_order(record)]


def _of_order(record: DurableRecord) -> str:
    match record:
        case OrderIntended():
            return _terms(record.terms)
        case OrderMoved():
            venue = "" if record.venue_order_id is None else f", venue order {record.venue_order_id}"
            return f"{record.client_order_id} is {record.state.value}: {record.cause}{venue}"
        case FillBooked():
            late = ", LATE: the order was done already" if record.late else ""
            return f"{record.client_order_id} {_fill(record.fill)}, told by the {record.source}{late}"
        case CancelIntended():
            return f"cancel {record.client_order_id}: {record.cause}"
        case CancelAnswered():
            return f"cancel of {record.client_order_id}: {record.outcome} {record.reason}".rstrip()
    named = ((field.name, getattr(record, field.name)) for field in fields(record) if field.name != "utc_us")
    return ", ".join(f"{name} {_shown(value)}" for name, value in named)


def _opened(record: HedgeOpened, route: Route) -> list[str]:
    buy, sell = route.legs(record.direction)
    stamps = zip(route.symbols, record.book_microtimestamps, strict=True)
    grounds = record.grounds
    unpriced = grounds is not None and grounds.unpriced
    fx_fee = "unpriced (trade.fx_policy never)" if unpriced else _percent(record.fx_fee)
    a_drill = ", a readiness drill" if record.drill else ""
    before = "the FX leg unpriced" if unpriced else f"{record.legs_bps:.2f} before FX"
    return [
        f"{record.hedge_id}{a_drill}: buy {plain(record.size)} {route.base} on {record.buy_market} at an average of "
        f"{_price(record.buy_vwap)} {buy.counter}, sell on {record.sell_market} at {_price(record.sell_vwap)} "
        f"{sell.counter}, limit {plain(record.limit_price)}",
        f"FX {route.fx.symbol} at an average of {record.fx_vwap:.6f}; size bound by {record.bound_by}",
        f"fees: buying {_percent(record.buy_fee)}, selling {_percent(record.sell_fee)}, FX {fx_fee}",
        f"edge: gross {record.gross_bps:.2f} bp, net {record.net_bps:.2f} bp ({before}); "
        f"expected P&L {record.expected_pnl:.4f} {route.numeraire} after the legs' fees",
        *([] if grounds is None else [_grounds(grounds)]),
        "books of " + ", ".join(f"{symbol} {utc_text(stamp)}" for symbol, stamp in stamps),
    ]


def _grounds(grounds: Grounds) -> str:
    asked = f"threshold {plain(grounds.threshold_bps)} bp gross"
    if grounds.stood_ms is None:
        return f"{asked}; the spike guard was off"
    return (
        f"{asked}; the edge had stood for {grounds.stood_ms} ms over {grounds.changes} changes of the books, the "
        f"median premium was {plain(grounds.median_bps)} bp of {grounds.samples} samples"
    )


def _terms(terms: OrderTerms) -> str:
    limit = "" if terms.price is None else f" at {plain(terms.price)} or better"
    until = "" if terms.expire_utc_ms is None else f", good till {utc_text(terms.expire_utc_ms * 1000)}"
    purpose = "" if terms.purpose.value == "leg" else f" to {terms.purpose.value}"
    return (
        f"{terms.client_order_id}: {terms.kind.value} order, {terms.side.value} {plain(terms.size)} on {terms.market}"
        f"{limit}{until}{purpose}"
    )


def _fill(fill: Fill) -> str:
    fee = "fee not told" if fill.fee is None else f"fee {plain(fill.fee)}"
    verb = "bought" if fill.side.value == "buy" else "sold"
    return f"{verb} {plain(fill.size)} at {plain(fill.price)} on {fill.market}, {fee}, trade {fill.trade_id}"


def _row(row: Transaction) -> str:
    moved = ", ".join(f"{delta:+f} {currency}" for currency, delta in row.amounts)
    return f"transaction {row.transaction_id}: {moved}, fee {plain(row.fee)} {row.fee_currency or ''}".rstrip()


def _exit(record: ExitPlanned) -> str:
    forced = ", forced" if record.forced else ""
    return (
        f"one-sided by {plain(record.imbalance)}: {record.action}{forced} ({record.cause}); "
        f"completing is worth {plain(record.complete_value)}, unwinding {plain(record.unwind_value)}"
    )


def _settled(record: HedgeSettled, route: Route) -> list[str]:
    return [
        f"made {record.realised_pnl:.4f} {route.numeraire} after fees at the decision's FX, "
        f"{record.realised_bps:.2f} bp of {record.turnover:.2f}",
        f"fees {_holdings(record.fees)}; moved {record.domestic_delta:+f} {route.numeraire} and "
        f"{record.foreign_delta:+f} {route.foreign.counter}; left over {plain(record.leftover)}",
    ]


def _conversion_opened(record: ConversionOpened) -> list[str]:
    return [
        f"{record.conversion_id}: {record.side.value} {plain(record.size)} {record.foreign} on {record.market} at an "
        f"average of {record.vwap:.6f} {record.domestic}, limit {plain(record.limit_price)}",
        f"drift {record.drift:+f} {record.foreign}, policy {record.cause}; size bound by {record.bound_by}; "
        f"fee {_percent(record.fee)}",
        f"book of {utc_text(record.book_microtimestamp)}",
    ]


def _conversion_closed(record: ConversionClosed) -> list[str]:
    return [
        f"{record.outcome} ({record.cause}): moved {record.foreign_delta:+f} foreign and {record.domestic_delta:+f} "
        f"domestic, fee {plain(record.fee)}",
        f"FX P&L {record.realised_pnl:.4f} against the hedges' decisions, before the fee; drift left {record.drift:+f}",
    ]


def _holdings(holdings: Sequence[Holding]) -> str:
    return ", ".join(f"{plain(holding.total)} {holding.currency}" for holding in holdings) or "none"


def _price(price: Decimal) -> str:
    return f"{price:.2f}"


def _percent(fraction: Decimal) -> str:
    return f"{plain(fraction * BPS / 100)} %"


def _shown(value: object) -> str:
    if isinstance(value, Decimal):
        return plain(value)
    return str(value.value) if isinstance(value, Enum) else str(value)
