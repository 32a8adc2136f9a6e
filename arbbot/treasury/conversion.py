"""One conversion: announced, intended, sent once, and followed until its fills are known.

No answer is doubt. It ends by `order_status` alone: found, it is followed like any; it never existed only when the
venue could no longer accept it, and says so twice, a lag apart.
"""

from __future__ import annotations

from collections.abc import Generator
from decimal import Decimal

from arbbot.domain.commands import PlaceOrder
from arbbot.domain.events import OrderAcked, OrderRefused, OrderReported, OrderUnanswered
from arbbot.domain.market import Side
from arbbot.domain.money import ZERO
from arbbot.domain.order import OrderKind, OrderReport, OrderTerms, Purpose, VenueOrderStatus
from arbbot.treasury.desk import Desk, Steps
from arbbot.treasury.plan import Plan, Refused
from arbbot.treasury.records import ConversionIntended, ConversionMoved, OrderState
from arbbot.treasury.state import Conversion
from arbbot.treasury.words import Command, DaemonRefused, Event, ReadOrder

PAUSES_S = (Decimal("0.3"), Decimal(1), Decimal(2), Decimal(5))
"""Between questions about an order; the last repeats."""
PATIENCE_S = Decimal(60)
"""Beyond the venue's bound: how long one process follows an order."""


def convert(desk: Desk, plan: Plan, lease_id: str) -> Generator[Command, Event, Conversion]:
    """Send it, and follow it. Raises Refused where the daemon would not have it announced."""
    policy, name = desk.policy, desk.state.mint(desk.key, "c")
    desk.emit(
        ConversionIntended(name, policy.market, plan.convert, plan.limit_price, plan.taker, desk.utc_us, desk.anchor_us)
    )
    answer = yield from desk.told(
        "announce", "settle", what="order", lease=lease_id, name=name, base=policy.buys, counter=policy.pays,
        size=f"{plan.convert:f}", price=f"{plan.limit_price:f}", fee=f"{plan.taker:f}",
    )  # fmt: skip
    if isinstance(answer, DaemonRefused):
        denied = desk.denied(name, answer)
        _over(desk, name, ZERO, f"never sent: {answer.reason}")
        if not denied:
            yield from tell(desk, desk.state.conversions[name])
        raise Refused("denied", answer.reason)
    terms = OrderTerms(
        name, "", Purpose.CONVERT, policy.market, Side.BUY, OrderKind.IOC, plan.convert, plan.limit_price, None
    )
    answered = yield PlaceOrder(terms)
    match answered:
        case OrderAcked():
            _move(desk, name, OrderState.LIVE, "acknowledged", answered.venue_order_id)
        case OrderRefused():
            _over(desk, name, ZERO, f"{answered.code}: {answered.reason}")
        case OrderUnanswered():
            _move(desk, name, OrderState.IN_DOUBT, answered.reason, answered.venue_order_id)
    yield from follow(desk, desk.state.conversions[name])
    return desk.state.conversions[name]


def follow(desk: Desk, conversion: Conversion) -> Steps:
    """Until it is over, or patience is; then the daemon is told."""
    name, policy, looked_ns = conversion.intended.name, desk.policy, desk.at.mono_ns
    silence = desk.silence(conversion.intended.utc_us)
    last: tuple[Decimal, int] | None = None
    asked = 0
    while not conversion.over:
        if desk.since(looked_ns) > policy.bound_s + 3 * policy.lag_s + PATIENCE_S:
            text = f"still {conversion.state}; look at the venue's orders of {policy.market}"
            yield from desk.call(name, conversion.state.value, text)
            return
        answer = yield ReadOrder(name, conversion.venue_id)
        report = answer.report if isinstance(answer, OrderReported) else None
        if report is not None and report.client_order_id in (name, None):
            last = _read(desk, conversion, report, last)
        elif isinstance(answer, OrderReported) and conversion.venue_id is None and silence.lasts(desk.at):
            _over(desk, name, ZERO, "the venue has never had it")
        if not conversion.over:
            yield from desk.wait(PAUSES_S[min(asked, len(PAUSES_S) - 1)])
            asked += 1
    yield from tell(desk, conversion)


def tell(desk: Desk, conversion: Conversion) -> Steps:
    """Let the daemon know that it is over; what it has never heard of it need not know."""
    yield from desk.told(
        "announce", "settle", what="word", name=conversion.intended.name, outcome="over",
        filled=f"{conversion.filled:f}", venue_id=conversion.venue_id,
    )  # fmt: skip


def _read(
    desk: Desk, conversion: Conversion, report: OrderReport, last: tuple[Decimal, int] | None
) -> tuple[Decimal, int] | None:
    """A reading: over once its fills add up, or are the same twice, a lag apart. Returns what to compare with."""
    name, filled = conversion.intended.name, sum((fill.size for fill in report.fills), ZERO)
    if conversion.state is not OrderState.LIVE:
        _move(desk, name, OrderState.LIVE, "found by order_status", report.venue_order_id)
    if report.status in (VenueOrderStatus.OPEN, VenueOrderStatus.CANCEL_PENDING):
        return None
    size = conversion.intended.size
    if filled == size or (report.remaining is not None and filled == size - report.remaining):
        _over(desk, name, filled, f"order_status says {report.status}", report.venue_order_id)
    elif last is not None and last[0] == filled:
        if desk.since(last[1]) >= desk.policy.lag_s:
            _over(desk, name, filled, f"order_status says {report.status}, twice", report.venue_order_id)
        return last
    return filled, desk.at.mono_ns


def _move(desk: Desk, name: str, state: OrderState, cause: str, venue_id: int | None = None) -> None:
    desk.emit(ConversionMoved(name, state, venue_id, None, cause, desk.utc_us))


def _over(desk: Desk, name: str, filled: Decimal, cause: str, venue_id: int | None = None) -> None:
    desk.emit(ConversionMoved(name, OrderState.OVER, venue_id, filled, cause, desk.utc_us))
