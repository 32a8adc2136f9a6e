"""The fold: what it refuses, what it forgets, and the door to the wire."""

from __future__ import annotations

from dataclasses import replace

import pytest

from arbbot.domain import events as ev
from arbbot.domain.ledger import LedgerAccount, LedgerError
from arbbot.domain.market import Direction, Side
from arbbot.domain.order import ORDER_TABLE, OrderKind, OrderState, OrderTerms, Purpose
from arbbot.domain.records import (
    CancelAnswered,
    CancelIntended,
    DurableRecord,
    FillBooked,
    HedgeClosed,
    HedgeOpened,
    HedgeSettled,
    OrderIntended,
    OrderMoved,
    RowBooked,
)
from arbbot.engine import risk
from arbbot.engine.bookings import external_entries, trade_entries
from arbbot.engine.forgetting import KEPT_HEDGES
from arbbot.engine.refusal import Refusal
from arbbot.engine.state import State, StateError
from tests.engine.played_venue import Play
from tests.engine.rig import D, Rig
from tests.engine.scenes import RICH, hedge

S = OrderState


@pytest.fixture
def one_hedge(rig: Rig) -> list[DurableRecord]:
    """The journal of one hedge, from its decision to its settlement."""
    hedge(rig).run(3)
    first = next(index for index, record in enumerate(rig.journal) if isinstance(record, HedgeOpened))
    last = next(index for index, record in enumerate(rig.journal) if isinstance(record, HedgeSettled))
    return rig.journal[first : last + 1]


def renumbered(record: DurableRecord, number: int) -> DurableRecord:
    """The same record of another hedge."""

    def name(client_order_id: str) -> str:
        return f"{client_order_id}-{number}"

    def venue(venue_order_id: int) -> int:
        return venue_order_id + 100 * number

    hedge_id = f"h{number}"
    match record:
        case HedgeOpened() | HedgeClosed() | HedgeSettled():
            return replace(record, hedge_id=hedge_id)
        case OrderIntended(terms=terms):
            return replace(record, terms=replace(terms, hedge_id=hedge_id, client_order_id=name(terms.client_order_id)))
        case OrderMoved(venue_order_id=known):
            return replace(
                record,
                client_order_id=name(record.client_order_id),
                venue_order_id=None if known is None else venue(known),
            )
        case FillBooked(fill=fill):
            fill = replace(fill, trade_id=venue(fill.trade_id))
            return replace(record, client_order_id=name(record.client_order_id), fill=fill)
        case RowBooked(row=row, client_order_id=str() as own):
            row = replace(row, transaction_id=venue(row.transaction_id), order_id=venue(row.order_id or 0))
            return replace(record, client_order_id=name(own), row=row)
        case _:
            return record


def test_old_hedges_are_forgotten_and_their_sums_are_not(one_hedge: list[DurableRecord]) -> None:
    """Memory is bounded: orders, fills and names of the oldest settled hedges go; totals and booked rows stay."""
    state = State()
    for number in range(KEPT_HEDGES + 20):
        for record in one_hedge:
            state.apply(renumbered(record, number))
    assert len(state.hedges) == KEPT_HEDGES
    assert len(state.orders) == len(state.order_by_venue_id) == len(state.fills) == 2 * KEPT_HEDGES
    assert state.totals == {"completed": KEPT_HEDGES + 20}
    assert len(state.rows) == 2 * (KEPT_HEDGES + 20)
    assert state.hedges_minted == KEPT_HEDGES + 20
    assert state.orders_minted == 2 * (KEPT_HEDGES + 20)


def test_an_unsettled_hedge_is_never_forgotten(one_hedge: list[DurableRecord]) -> None:
    """As long as the oldest waits for its rows, nothing younger is dropped either; an order without a name goes."""
    state = State()
    for record in one_hedge:
        if isinstance(record, HedgeOpened | OrderIntended | HedgeClosed):
            if isinstance(record, HedgeClosed):
                for name in list(state.orders):
                    state.apply(OrderMoved(name, S.REJECTED, None, "", 1))
            state.apply(renumbered(record, 0))
    for number in range(1, KEPT_HEDGES + 3):
        for record in one_hedge:
            state.apply(renumbered(record, number))
    assert len(state.hedges) == KEPT_HEDGES + 3
    settled = next(record for record in one_hedge if isinstance(record, HedgeSettled))
    state.apply(replace(settled, hedge_id="h0"))
    assert len(state.hedges) == KEPT_HEDGES


def test_every_record_twice_or_out_of_place_is_refused(one_hedge: list[DurableRecord]) -> None:
    """A damaged journal is noticed: repeated intents, fills, rows, closings, and records of unknown things."""
    state = State()
    for record in one_hedge:
        state.apply(record)
    for record in one_hedge:
        if isinstance(record, OrderIntended | FillBooked | RowBooked | HedgeClosed):
            with pytest.raises(StateError):
                state.apply(record)
    for record in one_hedge:
        if isinstance(record, OrderIntended | OrderMoved | HedgeClosed | HedgeSettled | FillBooked):
            with pytest.raises(StateError, match="no earlier record"):
                State().apply(renumbered(record, 9))
    opened = next(record for record in one_hedge if isinstance(record, HedgeOpened))
    state.apply(replace(opened, hedge_id="h2"))
    with pytest.raises(StateError, match="beside an open hedge"):
        state.apply(replace(opened, hedge_id="h3"))


def test_words_on_cancels_of_unknown_orders_are_kept_in_the_journal_only(one_hedge: list[DurableRecord]) -> None:
    """An own order that the journal did not know may be cancelled: its records change no order."""
    state = State()
    state.apply(CancelIntended("q7-000099", "unknown", 1))
    state.apply(CancelAnswered("q7-000099", "canceled", "", 2))
    assert state.orders == {}
    assert one_hedge


def test_a_venue_order_belongs_to_one_of_ours(one_hedge: list[DurableRecord]) -> None:
    """The same venue id for two of our orders cannot be."""
    state = State()
    opening = [record for record in one_hedge if isinstance(record, HedgeOpened | OrderIntended)]
    for record in opening:
        state.apply(record)
    names = list(state.orders)
    state.apply(OrderMoved(names[0], S.LIVE, 5, "", 1))
    with pytest.raises(StateError, match="venue order 5"):
        state.apply(OrderMoved(names[1], S.LIVE, 5, "", 2))


@pytest.mark.parametrize("start", [S.LIVE, S.IN_DOUBT, S.FILLED, S.REJECTED, S.ABSENT, S.CANCELED, S.EXPIRED])
def test_orders_move_along_the_table_only(one_hedge: list[DurableRecord], start: OrderState) -> None:
    """From every state, exactly the table's moves are taken; staying is no move."""
    for goal in OrderState:
        state = State()
        for record in one_hedge:
            if isinstance(record, HedgeOpened | OrderIntended):
                state.apply(record)
        name = next(iter(state.orders))
        state.apply(OrderMoved(name, start, None, "", 1))
        move = OrderMoved(name, goal, None, "", 2)
        if goal is start or goal in ORDER_TABLE[start]:
            state.apply(move)
            assert state.orders[name].state is goal
            assert (name in state.live) is not goal.terminal
        else:
            with pytest.raises(StateError, match="cannot become"):
                state.apply(move)


def test_crooked_entries_never_enter(one_hedge: list[DurableRecord]) -> None:
    """A row whose entries do not balance is refused."""
    row = next(record for record in one_hedge if isinstance(record, RowBooked))
    with pytest.raises(LedgerError):
        State().apply(replace(row, client_order_id=None, entries=row.entries[:1]))


def test_rows_become_balanced_entries(one_hedge: list[DurableRecord]) -> None:
    """Amounts and fee, ours or not, sum to zero per currency; a row without a fee has none."""
    row = next(record.row for record in one_hedge if isinstance(record, RowBooked))
    for entries in (trade_entries(row), external_entries(row), trade_entries(replace(row, fee=D(0)))):
        for currency in ("BTC", "USD", "EUR"):
            assert sum(entry.delta for entry in entries if entry.currency == currency) == 0
    fees = [entry for entry in trade_entries(row) if entry.account is LedgerAccount.FEES]
    assert [entry.delta for entry in fees] == [row.fee]
    assert not [entry for entry in trade_entries(replace(row, fee=D(0))) if entry.account is LedgerAccount.FEES]


def test_equal_states_have_equal_fingerprints(one_hedge: list[DurableRecord]) -> None:
    """Any prefix gives the same hash twice, and every record that changes the state changes it."""
    one, other = State(), State()
    seen = {one.fingerprint()}
    for record in one_hedge:
        one.apply(record)
        other.apply(record)
        assert one.fingerprint() == other.fingerprint()
        seen.add(one.fingerprint())
    assert len(seen) == len(one_hedge) + 1


# --- the door to the wire ---------------------------------------------------------------------------------------


def leg(side: Side, size: str = "0.05", purpose: Purpose = Purpose.LEG) -> OrderTerms:
    """Some terms."""
    return OrderTerms(f"x-{side}", "h", purpose, "btcusd", side, OrderKind.IOC, D(size), D(1), None)


def test_only_risk_approves(rig: Rig) -> None:
    """An Approved made by anybody else is refused."""
    with pytest.raises(TypeError, match="only risk"):
        risk.Approved((leg(Side.BUY),), object())
    rig.ready()
    assert isinstance(risk.approve_hedge(rig.engine.core, leg(Side.BUY), leg(Side.SELL)), risk.Approved)


def test_legs_of_different_size_or_purpose_are_a_bug(rig: Rig) -> None:
    """Neither is ever approved."""
    core = rig.ready().engine.core
    with pytest.raises(ValueError, match="one size"):
        risk.approve_hedge(core, leg(Side.BUY), leg(Side.SELL, "0.06"))
    with pytest.raises(ValueError, match="one size"):
        risk.approve_hedge(core, leg(Side.BUY, purpose=Purpose.UNWIND), leg(Side.SELL))


def test_the_last_gate_refuses_by_itself(rig: Rig) -> None:
    """Even where nobody asked before, approval looks at mode and state again."""
    core = rig.ready().engine.core
    rig.feeding = False
    rig.step(ev.OperatorPaused("ann", "lunch"))
    assert risk.approve_hedge(core, leg(Side.BUY), leg(Side.SELL)) is Refusal.PAUSED
    rig.step(ev.BookSeen(RICH, rig.epoch))
    rig.engine.guard.reached(Direction.BUY_DOMESTIC)
    assert rig.engine.entry._try(Direction.BUY_DOMESTIC) is Refusal.PAUSED
    assert rig.placed() == []


def test_an_exit_must_lessen_the_imbalance(rig: Rig) -> None:
    """Wrong side, too large, a leg, or beside an order that may fill: never approved."""
    core = rig.ready().engine.core
    for order, imbalance in (
        (leg(Side.BUY, purpose=Purpose.UNWIND), "0.05"),
        (leg(Side.SELL, "0.06", Purpose.UNWIND), "0.05"),
        (leg(Side.SELL), "0.05"),
        (leg(Side.SELL, purpose=Purpose.COMPLETE), "-0.05"),
    ):
        with pytest.raises(ValueError, match="does not reduce"):
            risk.approve_exit(core, order, D(imbalance))
    rig.venue.plays = {(Purpose.LEG, Side.SELL): [Play(fill=D(0))]}
    rig.show(RICH)
    with pytest.raises(ValueError, match="another order may fill"):
        risk.approve_exit(core, leg(Side.SELL, purpose=Purpose.COMPLETE), D("0.05"))
