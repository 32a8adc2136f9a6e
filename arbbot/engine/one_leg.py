"""The one-leg table as a function: from the orders of a hedge as they stand to the next move.

It looks at fills and states only, never at how they came about, so a plan cut short by a crash is found again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from arbbot.domain.market import Side
from arbbot.domain.money import ZERO
from arbbot.domain.order import OrderKind, OrderState, Purpose
from arbbot.engine.own import OwnOrder


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do until a word comes or a deadline passes."""


@dataclass(frozen=True, slots=True)
class CancelThese:
    """Cancel these resting orders."""

    orders: tuple[OwnOrder, ...]
    cause: str


@dataclass(frozen=True, slots=True)
class ExitImbalance:
    """All orders are over and `imbalance` base units (bought minus sold) are left to remove."""

    imbalance: Decimal
    cause: str


@dataclass(frozen=True, slots=True)
class Close:
    """All orders are over and at most dust is left."""

    outcome: str
    cause: str


Move = Wait | CancelThese | ExitImbalance | Close


def filled(orders: Sequence[OwnOrder], side: Side) -> Decimal:
    """Base units filled on one side."""
    return sum((order.filled for order in orders if order.terms.side is side), ZERO)


def next_move(orders: Sequence[OwnOrder], *, overdue: bool, dust: Decimal) -> Move:
    """What the one-leg table asks for.

    `overdue`: T1 has passed, or there is no waiting (halt, stop, restart). `dust`: what no market takes as an order.
    """
    still_open = [order for order in orders if not order.state.terminal]
    if still_open:
        resting = tuple(order for order in still_open if may_be_cancelled(order))
        if overdue and resting:
            return CancelThese(resting, "no longer waiting")
        spoiled = tuple(order for order in resting if exceeds_sibling(order, orders))
        return CancelThese(spoiled, "the other leg ended short") if spoiled else Wait()
    imbalance = filled(orders, Side.BUY) - filled(orders, Side.SELL)
    if imbalance != 0 and abs(imbalance) >= dust:
        return ExitImbalance(imbalance, cause_of(orders))
    return Close(outcome_of(orders), cause_of(orders))


def may_be_cancelled(order: OwnOrder) -> bool:
    """Orders that can rest at the venue; a taker order ends by itself. Before its answer there is nothing to cancel."""
    return order.terms.kind is OrderKind.LIMIT and order.state is not OrderState.INTENT


def exceeds_sibling(order: OwnOrder, orders: Sequence[OwnOrder]) -> bool:
    """True when the opposite side is over and this order could still fill more than it did."""
    opposite = [other for other in orders if other.terms.side is not order.terms.side]
    if not opposite or any(not other.state.terminal for other in opposite):
        return False
    same = filled(orders, order.terms.side)
    return same + order.may_fill > filled(orders, order.terms.side.opposite)


def outcome_of(orders: Sequence[OwnOrder]) -> str:
    """completed: both legs as planned; one_sided: it took top-ups or ended with dust; nothing: no fill at all."""
    if all(order.filled == 0 for order in orders):
        return "nothing"
    legs = [order for order in orders if order.terms.purpose is Purpose.LEG]
    whole = all(order.filled == order.terms.size for order in legs)
    balanced = filled(orders, Side.BUY) == filled(orders, Side.SELL)
    partial = len(orders) == len(legs) and balanced
    return "completed" if whole or partial else "one_sided"


def cause_of(orders: Sequence[OwnOrder]) -> str:
    """How each leg ended, in words that are counted: market order of the legs, side and state."""
    return ", ".join(f"{order.terms.side} {order.state}" for order in orders if order.terms.purpose is Purpose.LEG)
