"""Trades between two orders of one account: two rows under one transaction id, told apart by their orders."""

from __future__ import annotations

from dataclasses import replace

import pytest

from arbbot.domain import events as ev
from arbbot.domain.market import Side
from arbbot.domain.mode import Mode
from arbbot.domain.order import Fill, Transaction
from arbbot.domain.records import Discrepancy, FillBooked, RowBooked
from arbbot.engine.state import StateError
from tests.engine.rig import D, Rig
from tests.engine.scenes import RESTS, closed, hedge

PRICE = D(54_900)
LATE_NS = 2_000_000_000


def owners(rig: Rig, row: Transaction) -> list[str]:
    """Whose the booked rows under this row's transaction id are."""
    booked = [each for each in rig.all(RowBooked) if each.row.transaction_id == row.transaction_id]
    return sorted(each.client_order_id or "somebody else's" for each in booked)


@pytest.mark.parametrize("late", ["neither", "ours", "theirs"])
def test_a_persons_order_that_takes_ours_gives_each_its_row(rig: Rig, late: str) -> None:
    """Our resting sale is bought by hand: ours completes the hedge, the other is external and pauses; either may come
    readings before the other. The ledger equals the venue, and a restart books nothing again.
    """
    hedge(rig, sell=RESTS)
    theirs = rig.venue.by_hand_against(rig.venue.orders[1], D("0.05"), PRICE)
    for index, (shown_ns, row) in enumerate(rig.venue.rows):
        if row.transaction_id == theirs.transaction_id and late == ("theirs" if row == theirs else "ours"):
            rig.venue.rows[index] = (shown_ns + LATE_NS, row)
    rig.run(45)
    assert closed(rig).outcome == "completed"
    assert owners(rig, theirs) == ["q7-000002", "somebody else's"]
    assert rig.mode() is Mode.PAUSED
    assert rig.state.agreed
    assert not any(record.halts for record in rig.all(Discrepancy))
    again = Rig(rig.rules, venue=rig.venue, journal=rig.journal, at=rig.at)
    again.start()
    again.run(40)
    assert again.all(RowBooked) == []
    again.check()


def test_a_fill_is_booked_although_the_other_row_of_its_trade_is_already(rig: Rig) -> None:
    """The stranger's row is booked when ours comes, with no word of the fill before: it is no row booked twice."""
    rig.venue.channel = False
    hedge(rig, sell=RESTS)
    theirs = rig.venue.by_hand_against(rig.venue.orders[1], D("0.05"), PRICE)
    everything = tuple(row for _, row in rig.venue.rows)
    known_as = ev.OrderReported(-1, None, theirs.order_id, None)
    rig.step(ev.TransactionsFetched(-1, 1, tuple(row for row in everything if row.order_id != everything[-2].order_id)))
    for waiting in rig.engine.books._unowned._waiting.values():
        waiting.ask_id, waiting.answers = known_as.ask_id, 5
    rig.step(known_as)
    assert owners(rig, theirs) == ["somebody else's"]
    rig.step(ev.TransactionsFetched(-1, 1, everything))
    assert [each.fill.trade_id for each in rig.all(FillBooked)].count(theirs.transaction_id) == 1
    assert owners(rig, theirs) == ["q7-000002", "somebody else's"]
    rig.run(45)
    assert rig.state.agreed


def test_a_person_who_trades_with_himself_is_external_twice(rig: Rig) -> None:
    """Both rows are somebody else's: both are booked, and the fees are what is gone."""
    rig.ready()
    rig.venue.manual("btceur", Side.BUY, D("0.01"), PRICE)
    bought = rig.venue.rows[-1][1]
    rig.venue.totals["BTC"] -= D("0.01")
    rig.venue.totals["EUR"] += D("0.01") * PRICE - bought.fee
    amounts = tuple((name, -shown) for name, shown in bought.amounts)
    rig.venue.write(replace(bought, order_id=31338, amounts=amounts))
    rig.run(75)
    assert owners(rig, bought) == ["somebody else's"] * 2
    assert rig.own("BTC") == 1
    assert rig.own("EUR") == 100_000 - 2 * bought.fee
    assert rig.state.agreed


def test_two_fills_of_ours_may_share_a_trade() -> None:
    """Both orders of a trade are the daemon's own: each has its fill. The same one twice is a bug."""
    shared = Fill(70_001, "btceur", Side.SELL, D("0.01"), PRICE, D(0))
    state = hedge(Rig(), buy=RESTS, sell=RESTS).state
    for name in ("q7-000001", "q7-000002"):
        state.apply(FillBooked(name, shared, "channel", False, 1))
    assert {name for trade_id, name in state.unconfirmed if trade_id == 70_001} == {"q7-000001", "q7-000002"}
    with pytest.raises(StateError, match="twice"):
        state.apply(FillBooked("q7-000001", shared, "status", False, 1))
