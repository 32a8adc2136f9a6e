"""Why a hedge made what it made: each order against its decision, and the difference split into named causes.

Everything from the journal's records of that hedge. Money is the numeraire, foreign at the decision's FX.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from arbbot.domain.market import Route, Side
from arbbot.domain.money import ZERO
from arbbot.domain.order import OrderTerms, Purpose, slippage_bps
from arbbot.domain.records import (
    ConversionOpened,
    DurableRecord,
    FillBooked,
    HedgeOpened,
    HedgeSettled,
    OrderIntended,
)

BPS_STEP = Decimal("0.01")
MONEY_STEP = Decimal("1e-10")


@dataclass(frozen=True, slots=True)
class Order:
    """One order: what was decided, and what came of it."""

    client_order_id: str
    purpose: str
    market: str
    side: str
    kind: str
    decided: Decimal | None
    """Average price that the decision counted on; None for what a hedge's end made necessary."""
    limit: Decimal | None
    size: Decimal
    filled: Decimal
    average: Decimal | None
    """None where nothing filled."""
    slippage_bps: Decimal | None
    """Average against decided; above zero is worse than decided."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A part of the difference between what was expected and what was made."""

    name: str
    worth: Decimal
    """Numeraire; below zero it cost."""
    words: str


@dataclass(frozen=True, slots=True)
class Made:
    """What a settled hedge made, and why not what was expected. The causes sum to the difference exactly."""

    expected: Decimal
    realised: Decimal
    causes: tuple[Cause, ...]

    @property
    def main(self) -> Cause | None:
        """What weighs most in the direction of the difference; None where there is no difference."""
        difference = self.realised - self.expected
        alike = [each for each in self.causes if each.worth * difference > 0]
        return max(alike, key=lambda each: abs(each.worth), default=None)


def orders(records: Sequence[DurableRecord]) -> tuple[Order, ...]:
    """The orders of a hedge or conversion, as intended."""
    decided = _decided(records)
    found = []
    for record in records:
        if isinstance(record, OrderIntended):
            filled, cash = _filled(records, record.terms.client_order_id)
            found.append(_order(record.terms, decided, filled, cash))
    return tuple(found)


def made(records: Sequence[DurableRecord], route: Route) -> Made | None:
    """Expected against realised; None before a hedge is settled, and for conversions."""
    opened = next((each for each in records if isinstance(each, HedgeOpened)), None)
    settled = next((each for each in records if isinstance(each, HedgeSettled)), None)
    if opened is None or settled is None:
        return None
    return Made(opened.expected_pnl, settled.realised_pnl, _causes(opened, settled, orders(records), route))


def _decided(records: Sequence[DurableRecord]) -> dict[tuple[Purpose, Side], Decimal]:
    for record in records:
        if isinstance(record, HedgeOpened):
            return {(Purpose.LEG, Side.BUY): record.buy_vwap, (Purpose.LEG, Side.SELL): record.sell_vwap}
        if isinstance(record, ConversionOpened):
            return {(Purpose.CONVERT, record.side): record.vwap}
    return {}


def _filled(records: Sequence[DurableRecord], client_order_id: str) -> tuple[Decimal, Decimal]:
    """Size and counter currency of an order's fills."""
    fills = [each.fill for each in records if isinstance(each, FillBooked) and each.client_order_id == client_order_id]
    return (sum((fill.size for fill in fills), ZERO), sum((fill.size * fill.price for fill in fills), ZERO))


def _order(terms: OrderTerms, decided: dict[tuple[Purpose, Side], Decimal], filled: Decimal, cash: Decimal) -> Order:
    price = decided.get((terms.purpose, terms.side))
    average = cash / filled if filled else None
    slippage = None
    if price is not None and average is not None:
        slippage = slippage_bps(terms.side, price, average).quantize(BPS_STEP) + ZERO
    return Order(
        client_order_id=terms.client_order_id,
        purpose=terms.purpose.value,
        market=terms.market,
        side=terms.side.value,
        kind=terms.kind.value,
        decided=price,
        limit=terms.price,
        size=terms.size,
        filled=filled,
        average=None if average is None else average.quantize(MONEY_STEP),
        slippage_bps=slippage,
    )


def _causes(opened: HedgeOpened, settled: HedgeSettled, legs: Sequence[Order], route: Route) -> tuple[Cause, ...]:
    worth_of = {route.domestic.counter: Decimal(1), route.foreign.counter: opened.fx_vwap}
    buy, sell = route.legs(opened.direction)
    value = {
        Side.BUY.value: -opened.buy_vwap * worth_of[buy.counter],
        Side.SELL.value: opened.sell_vwap * worth_of[sell.counter],
    }
    """What a unit of either leg was to bring in."""
    slips: dict[str, Decimal] = dict.fromkeys(value, ZERO)
    brought = settled.leftover - opened.size * sum(value.values(), ZERO)
    for order in legs:
        if order.average is None:
            continue
        sign = 1 if order.side == Side.SELL.value else -1
        in_numeraire = worth_of[route.instrument(order.market).counter]
        if order.decided is None:
            brought += sign * order.filled * order.average * in_numeraire
            continue
        slips[order.side] += sign * order.filled * (order.average - order.decided) * in_numeraire
        brought += order.filled * value[order.side]
    fees_then = opened.size * (opened.buy_fee * -value[Side.BUY.value] + opened.sell_fee * value[Side.SELL.value])
    fees = fees_then - sum((each.total * worth_of.get(each.currency, ZERO) for each in settled.fees), ZERO)
    named = [Cause(f"{side}_price", slips[side].quantize(MONEY_STEP), _price_words(side, legs)) for side in value]
    named.append(Cause("exit", brought.quantize(MONEY_STEP), _exit_words(legs)))
    named.append(Cause("fees", fees.quantize(MONEY_STEP), "fees other than the decision's, or on other sizes"))
    rest = settled.realised_pnl - opened.expected_pnl - sum((each.worth for each in named), ZERO)
    return (*named, Cause("rounding", rest, "the venue's rounding of amounts and fees"))


def _price_words(side: str, legs: Sequence[Order]) -> str:
    leg = next((each for each in legs if each.purpose == Purpose.LEG.value and each.side == side), None)
    verb = "bought" if side == Side.BUY.value else "sold"
    if leg is None or leg.average is None or leg.decided is None or leg.slippage_bps is None:
        return f"nothing {verb} by its leg"
    how = "worse" if leg.slippage_bps > 0 else "better"
    return (
        f"{verb} on {leg.market} at {leg.average:.2f}, {abs(leg.slippage_bps)} bp {how} than the {leg.decided:.2f} "
        f"decided ({leg.kind} order)"
    )


def _exit_words(legs: Sequence[Order]) -> str:
    short = [each for each in legs if each.purpose == Purpose.LEG.value and each.filled < each.size]
    after = [each for each in legs if each.purpose != Purpose.LEG.value]
    if not short and not after:
        return "both legs filled in full"
    missing = (
        ", ".join(f"the {each.side} leg filled {each.filled} of {each.size}" for each in short) or "an order after"
    )
    ways = ", ".join(f"{each.purpose} of {each.filled} on {each.market}" for each in after) or "nothing after it"
    return f"{missing}; {ways}"
