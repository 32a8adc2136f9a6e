"""The one-leg table as a table, and what holds for every hedge that could ever stand in it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arbbot.domain.market import Side
from arbbot.domain.order import OrderKind, OrderState, OrderTerms, Purpose
from arbbot.engine.one_leg import CancelThese, Close, ExitImbalance, Move, Wait, next_move
from arbbot.engine.own import OwnOrder
from tests.engine.rig import D

DUST = D("0.0002")
S = OrderState


def order(
    side: Side, state: OrderState, filled: str | Decimal = "0", *, size: str = "1", kind: OrderKind | None = None,
    purpose: Purpose = Purpose.LEG,
) -> OwnOrder:  # fmt: skip
    """An order of ours as it stands: the buy leg is a market order, the sell leg rests, exits take."""
    kind = kind or (OrderKind.MARKET if side is Side.BUY else OrderKind.LIMIT)
    terms = OrderTerms(f"{side}-{purpose}", "h", purpose, "m", side, kind, D(size), None, None)
    return OwnOrder(terms, 0, state, None, D(filled))


def buy(state: OrderState, filled: str = "0") -> OwnOrder:
    """The buy leg."""
    return order(Side.BUY, state, filled)


def sell(state: OrderState, filled: str = "0") -> OwnOrder:
    """The sell leg."""
    return order(Side.SELL, state, filled)


def exit_(side: Side, state: OrderState, filled: str, size: str = "1") -> OwnOrder:
    """A top-up."""
    return order(side, state, filled, size=size, kind=OrderKind.IOC, purpose=Purpose.UNWIND)


TABLE: list[tuple[str, list[OwnOrder], bool, type[Move], object]] = [
    ("both on the wire", [buy(S.INTENT), sell(S.INTENT)], False, Wait, None),
    ("nothing to cancel before an answer", [buy(S.INTENT), sell(S.INTENT)], True, Wait, None),
    ("a taker order ends by itself", [buy(S.LIVE), sell(S.FILLED, "1")], True, Wait, None),
    ("filled, other resting: wait", [buy(S.FILLED, "1"), sell(S.LIVE)], False, Wait, None),
    ("filled, other resting: T1", [buy(S.FILLED, "1"), sell(S.LIVE, "0.4")], True, CancelThese, "no longer waiting"),
    ("in doubt may rest: cancel", [buy(S.FILLED, "1"), sell(S.IN_DOUBT)], True, CancelThese, "no longer waiting"),
    ("buy in doubt, sell filled: wait", [buy(S.IN_DOUBT), sell(S.FILLED, "1")], True, Wait, None),
    ("both in doubt", [buy(S.IN_DOUBT), sell(S.IN_DOUBT)], False, Wait, None),
    ("filled, other cancelled", [buy(S.FILLED, "1"), sell(S.CANCELED)], False, ExitImbalance, "1"),
    ("filled, other expired in part", [buy(S.FILLED, "1"), sell(S.EXPIRED, "0.4")], False, ExitImbalance, "0.6"),
    ("buy rejected, sell live", [buy(S.REJECTED), sell(S.LIVE)], False, CancelThese, "the other leg ended short"),
    ("buy rejected, sell part", [buy(S.REJECTED), sell(S.LIVE, "0.5")], False, CancelThese,
     "the other leg ended short"),
    ("buy short, sell may exceed", [buy(S.CANCELED, "0.3"), sell(S.LIVE, "0.1")], False, CancelThese,
     "the other leg ended short"),
    ("buy rejected, sell filled", [buy(S.REJECTED), sell(S.FILLED, "1")], False, ExitImbalance, "-1"),
    ("buy rejected, sell part, cancelled", [buy(S.REJECTED), sell(S.CANCELED, "0.5")], False, ExitImbalance, "-0.5"),
    ("buy absent, sell cancelled", [buy(S.ABSENT), sell(S.CANCELED)], False, Close, "nothing"),
    ("sell rejected, buy filled", [buy(S.FILLED, "1"), sell(S.REJECTED)], False, ExitImbalance, "1"),
    ("sell rejected, buy in doubt", [buy(S.IN_DOUBT), sell(S.REJECTED)], True, Wait, None),
    ("both rejected", [buy(S.REJECTED), sell(S.REJECTED)], False, Close, "nothing"),
    ("both filled", [buy(S.FILLED, "1"), sell(S.FILLED, "1")], False, Close, "completed"),
    ("both filled in part alike", [buy(S.CANCELED, "0.3"), sell(S.CANCELED, "0.3")], False, Close, "completed"),
    ("dust is carried", [buy(S.FILLED, "1"), sell(S.CANCELED, "0.9999")], False, Close, "one_sided"),
    ("topping up", [buy(S.FILLED, "1"), sell(S.CANCELED), exit_(Side.SELL, S.LIVE, "0.2")], True, Wait, None),
    ("topped up in part", [buy(S.FILLED, "1"), sell(S.CANCELED), exit_(Side.SELL, S.CANCELED, "0.2")], False,
     ExitImbalance, "0.8"),
    ("topped up", [buy(S.FILLED, "1"), sell(S.CANCELED), exit_(Side.SELL, S.FILLED, "1")], False, Close, "one_sided"),
    ("crash before the legs were written", [], True, Close, "nothing"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("orders", "overdue", "kind", "said"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_the_one_leg_table(orders: list[OwnOrder], overdue: bool, kind: type[Move], said: str | None) -> None:
    """Each row of the table leads to its move."""
    move = next_move(orders, overdue=overdue, dust=DUST)
    assert type(move) is kind
    match move:
        case ExitImbalance(imbalance=imbalance):
            assert imbalance == D(said or "")
        case CancelThese(orders=resting, cause=cause):
            assert cause == said
            assert [each.terms.side for each in resting] == [Side.SELL]
        case Close(outcome=outcome):
            assert outcome == said


def test_the_cause_names_how_the_legs_ended() -> None:
    """Causes are counted, so they name sides and states only, and of the legs alone."""
    move = next_move([buy(S.FILLED, "1"), sell(S.REJECTED), exit_(Side.SELL, S.FILLED, "1")], overdue=False, dust=DUST)
    assert isinstance(move, Close)
    assert move.cause == "buy filled, sell rejected"


@st.composite
def hedges(draw: st.DrawFn) -> list[OwnOrder]:
    """Two legs and up to two exits, in any states with any fills."""
    shares = st.integers(0, 10).map(lambda tenths: D(tenths) / 10)
    orders = [
        order(Side.BUY, draw(st.sampled_from(S)), draw(shares), kind=draw(st.sampled_from(OrderKind))),
        order(Side.SELL, draw(st.sampled_from(S)), draw(shares), kind=draw(st.sampled_from(OrderKind))),
    ]
    for side in draw(st.lists(st.sampled_from(Side), max_size=2)):
        orders.append(exit_(side, draw(st.sampled_from(S)), str(draw(shares))))
    return orders


@given(hedges(), st.booleans())
@settings(max_examples=300)
def test_whatever_stands_the_move_is_safe(orders: list[OwnOrder], overdue: bool) -> None:
    """Never an exit or a close while any order may fill; only orders that rest are cancelled; an exit is the exact
    remainder and never below dust.
    """
    move = next_move(orders, overdue=overdue, dust=DUST)
    unsettled = [each for each in orders if not each.state.terminal]
    imbalance = sum((each.terms.side.sign * each.filled for each in orders), D(0))
    match move:
        case CancelThese(orders=resting):
            assert resting
            assert all(each in unsettled and each.terms.kind is OrderKind.LIMIT for each in resting)
            assert all(each.state is not S.INTENT for each in resting)
        case ExitImbalance(imbalance=told):
            assert not unsettled
            assert told == imbalance
            assert abs(told) >= DUST
        case Close(outcome=outcome):
            assert not unsettled
            assert abs(imbalance) < DUST
            assert (outcome == "nothing") is all(each.filled == 0 for each in orders)
        case Wait():
            assert unsettled
            if overdue:
                assert all(each.terms.kind is not OrderKind.LIMIT or each.state is S.INTENT for each in unsettled)
