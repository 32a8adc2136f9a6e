"""Silence is doubt: what is believed, asked, concluded, and never resent."""

from __future__ import annotations

import pytest

from arbbot.domain import events as ev
from arbbot.domain.commands import Ask, CancelOrder, Topic
from arbbot.domain.market import Side
from arbbot.domain.mode import Mode
from arbbot.domain.order import Fill, OpenOrder, OrderEvent, OrderReport, OrderState, Purpose, VenueOrderStatus
from arbbot.domain.records import FillBooked, HedgeClosed, OrderMoved, RowBooked
from tests.engine.conftest import MakeRig
from tests.engine.played_venue import Play
from tests.engine.rig import D, Rig
from tests.engine.scenes import RESTS, closed, hedge
from tests.engine.test_account import manual_trade

LOST_ALIVE = Play("lost")
LOST_DEAD = Play("lost", taken=False)
DAY_S = 86_400


def states(rig: Rig, number: int) -> list[OrderState]:
    """The states an order went through."""
    name = f"q7-{number:06d}"
    return [move.state for move in rig.all(OrderMoved) if move.client_order_id == name]


@pytest.mark.parametrize("channel", [True, False])
def test_a_lost_reply_is_found_and_the_hedge_completes(rig: Rig, channel: bool) -> None:
    """The order lives although its answer was lost: it is found, once, and nothing is sent again."""
    rig.venue.channel = channel
    hedge(rig, buy=LOST_ALIVE).run(5)
    assert closed(rig).outcome == "completed"
    assert len(rig.placed()) == 2
    assert states(rig, 1)[-1] is OrderState.FILLED
    assert (states(rig, 1)[0] is OrderState.IN_DOUBT) is not channel
    assert rig.state.agreed


def test_doubt_counts_as_exposure_and_refuses_new_hedges(rig: Rig) -> None:
    """Until it is known what became of the buy, its full size stands in the interval, and in_doubt is the refusal."""
    hedge(rig, buy=LOST_DEAD, sell=Play(fill=D(0)))
    rig.run(1)
    assert rig.state.exposure() == (D("-0.05"), D("0.05"))
    assert rig.engine.entry.blocked() == "in_doubt"
    assert [order.terms.client_order_id for order in rig.state.in_doubt()] == ["q7-000001"]


def test_not_found_for_seconds_is_no_proof(make_rig: MakeRig) -> None:
    """Accepted, but no view shows it for 20 s: it is waited for, found, and never taken for absent."""
    rig = make_rig()
    rig.venue.channel = False
    rig.venue.row_lag_s = D(20)
    hedge(rig, buy=Play("lost", hidden_s=D(20))).run(19)
    assert rig.stands(1) is OrderState.IN_DOUBT
    assert rig.all(HedgeClosed) == []
    rig.run(12)
    assert OrderState.ABSENT not in states(rig, 1)
    assert closed(rig).outcome == "completed"


@pytest.mark.parametrize("step_s", [-DAY_S, -60, 60, DAY_S])
def test_a_clock_set_since_makes_a_doubts_row_nobody_elses(rig: Rig, step_s: int) -> None:
    """Its row is shown before its order is found, and our clock has been set between the two: the row waits."""
    rig.venue.channel = False
    hedge(rig, buy=Play("lost", hidden_s=D(20))).run("0.1")
    rig.at = ev.Moment(rig.at.mono_ns, rig.at.utc_us + step_s * 1_000_000)
    rig.step(ev.VenueClockSeen(-step_s * 1000))
    rig.run(19)
    assert rig.stands(1) is OrderState.IN_DOUBT
    rig.run(12)
    assert {each.client_order_id for each in rig.all(RowBooked)} == {"q7-000001", "q7-000002"}
    assert closed(rig).outcome == "completed"


def test_absence_needs_the_bound_and_two_whole_rounds(rig: Rig) -> None:
    """Never before 155 s by the venue's clock and two full readings; then the sold leg is bought back, not resent."""
    rig.venue.channel = False
    hedge(rig, buy=LOST_DEAD).run(150)
    assert rig.stands(1) is OrderState.IN_DOUBT
    rig.run(60)
    moved = [move for move in rig.all(OrderMoved) if move.state is OrderState.ABSENT]
    intended = rig.state.orders["q7-000001"].intended_utc_us
    assert len(moved) == 1
    assert moved[0].utc_us - intended >= (155 + 15) * 1_000_000
    assert [command.terms.purpose for command in rig.placed()] == [Purpose.LEG, Purpose.LEG, Purpose.COMPLETE]
    assert closed(rig).outcome == "one_sided"
    assert "doubt_unresolved" not in rig.alerts(), "what ends by itself calls nobody"


@pytest.mark.parametrize("slept_s", [6, 600])
@pytest.mark.parametrize("hidden_s", [5, 20])
def test_a_machine_that_slept_does_not_make_a_doubts_row_a_strangers(rig: Rig, slept_s: int, hidden_s: int) -> None:
    """Its monotonic clock does not count a sleep, so the order seems younger by it than its row: the row waits."""
    rig.venue.channel = False
    hedge(rig, buy=Play("lost", hidden_s=D(hidden_s))).run("0.1")
    rig.at = ev.Moment(rig.at.mono_ns, rig.at.utc_us + slept_s * 1_000_000)
    rig.step(ev.VenueClockSeen(0))
    rig.run(79)
    assert {each.client_order_id for each in rig.all(RowBooked)} == {"q7-000001", "q7-000002"}
    assert closed(rig).outcome == "completed"
    assert rig.venue.totals["BTC"] == 1


@pytest.mark.parametrize(
    ("off_s", "before"), [(-60, False), (-6, False), (6, False), (60, False), (-60, True), (-6, True), (6, True)]
)
def test_a_reply_that_is_stamped_wrongly_does_not_make_a_doubts_row_a_strangers(
    rig: Rig, off_s: int, *, before: bool
) -> None:
    """One `Date` is off, when the order is written down or after it: the row waits until the order is found."""
    rig.venue.channel = False
    if before:
        rig.ready()
        rig.step(ev.VenueClockSeen(off_s * 1000))
    hedge(rig, buy=Play("lost", hidden_s=D(8))).run("0.1")
    rig.step(ev.VenueClockSeen(off_s * 1000))
    rig.run(5)
    rig.step(ev.VenueClockSeen(0))
    rig.run(79)
    assert {each.client_order_id for each in rig.all(RowBooked)} == {"q7-000001", "q7-000002"}
    assert rig.venue.totals["BTC"] == 1


@pytest.mark.parametrize(("step_s", "told_apart"), [(0, True), (60, True), (-60, False)])
def test_a_strangers_trade_before_the_order_is_not_the_doubts(rig: Rig, step_s: int, *, told_apart: bool) -> None:
    """A person traded shortly before the hedge and the row is read after it: it is external, and the doubt ends by
    evidence, as it would without it. Where our clock is behind the venue's, one of the two is wrong and the row may be
    the order's: it waits, the doubt stays open, and a person is called.
    """
    rig.venue.channel = False
    rig.ready()
    manual_trade(rig, 31337)
    rig.run(8)
    rig.at = ev.Moment(rig.at.mono_ns, rig.at.utc_us + step_s * 1_000_000)
    rig.step(ev.VenueClockSeen(-step_s * 1000))
    hedge(rig, buy=LOST_DEAD).run(1)
    rig.run(300)
    assert (rig.state.external_rows == 1) is told_apart
    assert rig.stands(1) is (OrderState.ABSENT if told_apart else OrderState.IN_DOUBT)
    assert told_apart or "doubt_unresolved" in rig.alerts()


@pytest.mark.parametrize("topic", [Topic.OPEN_ORDERS, Topic.ORDER_EVENTS, Topic.TRANSACTIONS, Topic.ORDER_STATUS])
def test_a_round_with_a_failed_view_proves_nothing(rig: Rig, topic: Topic) -> None:
    """As long as one of the four views does not answer, an order is not absent, however long ago it was sent."""
    rig.venue.channel = False
    hedge(rig, buy=LOST_DEAD)
    rig.venue.failing = {topic}
    rig.run(300)
    assert rig.stands(1) is OrderState.IN_DOUBT
    rig.venue.failing = set()
    rig.run(60)
    assert rig.stands(1) is OrderState.ABSENT


def test_the_bound_is_told_by_the_venues_clock(rig: Rig) -> None:
    """Our wall clock running ahead does not shorten the bound: the venue's own time rules."""
    rig.step(ev.VenueClockSeen(-100_000))
    rig.venue.channel = False
    hedge(rig, buy=LOST_DEAD).run(250)
    assert rig.stands(1) is OrderState.IN_DOUBT
    rig.run(60)
    assert rig.stands(1) is OrderState.ABSENT


def test_a_positive_answer_never_completes_a_round_of_absence(rig: Rig) -> None:
    """The order shows up in the very last answer of the second round: it lives, it is not absent."""
    rig.venue.channel = False
    rig.venue.row_lag_s = D(1000)
    rig.slow_ms = {Topic.ORDER_STATUS: 4500}
    hedge(rig, buy=Play("lost", hidden_s=D(184)), sell=Play(fill=D(0)))
    rig.run(200)
    assert states(rig, 1)[-1] is OrderState.FILLED
    assert OrderState.ABSENT not in states(rig, 1)
    assert rig.mode() is Mode.ACTIVE


def test_an_error_that_names_the_order_is_followed_by_its_id(rig: Rig) -> None:
    """500.016: nobody knows, but the order has an id; it is looked up by it and found alive."""
    rig.venue.channel = False
    hedge(rig, buy=Play("named")).run(3)
    assert states(rig, 1)[0] is OrderState.IN_DOUBT
    assert rig.state.orders["q7-000001"].venue_order_id is not None
    assert closed(rig).outcome == "completed"


def test_a_cancel_in_doubt_leaves_the_order_counting_in_full(rig: Rig) -> None:
    """Its answer lost, the cancel is repeated; until a reading says so the sale may still fill; no exit before."""
    rig.venue.cancels = [("unanswered", False), ("canceled", True)]
    hedge(rig, sell=Play(fill=D(0))).run(7)
    assert rig.state.exposure() == (D(0), D("0.05"))
    assert len(rig.placed()) == 2
    rig.run(3)
    assert len(rig.cancelled()) == 2
    assert closed(rig).outcome == "one_sided"


def test_a_cancel_that_worked_without_an_answer_is_read_back(rig: Rig) -> None:
    """The venue cancelled, we never heard: a status reading tells, and the leg is closed on the exact remainder."""
    rig.venue.channel = False
    rig.venue.cancels = [("unanswered", True)]
    hedge(rig, sell=Play(fill=D("0.01"))).run(8)
    assert [command.terms.size for command in rig.placed()][2:] == [D("0.04")]
    assert closed(rig).outcome == "one_sided"


def test_a_sale_in_doubt_is_cancelled_by_its_client_order_id(rig: Rig) -> None:
    """An order without a venue id is cancelled by ours."""
    rig.venue.channel = False
    hedge(rig, sell=Play("lost", fill=D(0), hidden_s=D(9))).run(7)
    cancel = next(command for command in rig.sent if isinstance(command, CancelOrder))
    assert (cancel.client_order_id, cancel.venue_order_id) == ("q7-000002", None)
    rig.run(9)
    assert closed(rig).outcome == "one_sided"


def test_terminal_without_known_fills_waits_for_them(rig: Rig) -> None:
    """Finished, but the fills do not add up and no remaining is told: only two readings a lag apart end it."""
    rig.venue.channel = False
    rig.venue.tells_remaining = False
    hedge(rig, sell=Play(fill=D("0.02")))
    rig.run(6)
    assert rig.stands(2) is OrderState.LIVE
    assert len(rig.placed()) == 2
    rig.run(6)
    assert rig.stands(2) is OrderState.CANCELED
    assert rig.placed()[2].terms.size == D("0.03")


def test_finished_short_of_its_size_is_cancelled_not_filled(rig: Rig) -> None:
    """A market order that found no more depth: what it filled is what counts."""
    rig.venue.channel = False
    hedge(rig, sell=Play(fill=D(0)))
    rig.venue.orders[1].status = VenueOrderStatus.FINISHED
    rig.run(3)
    assert rig.stands(2) is OrderState.LIVE
    rig.run(6)
    assert rig.stands(2) is OrderState.CANCELED


# --- contradictions ---------------------------------------------------------------------------------------------


def test_a_fill_after_absence_is_booked_and_halts(rig: Rig) -> None:
    """An order taken for absent that fills after all moves the position, is cancelled, alarmed, and halts."""
    rig.venue.channel = False
    hedge(rig, buy=LOST_DEAD).run(220)
    assert closed(rig).outcome == "one_sided"
    late = rig.placed()[0].terms
    rig.venue.at = rig.at
    assert isinstance(rig.venue.place(late), ev.OrderAcked)
    rig.venue.channel = True
    fill = rig.venue.orders[-1].fills[0]
    rig.step(ev.FillSeen(rig.venue.orders[-1].venue_order_id, late.client_order_id, fill))
    assert rig.state.position == D("0.05")
    assert states(rig, 1)[-2:] == [OrderState.LIVE, OrderState.FILLED]
    assert rig.all(FillBooked)[-1].client_order_id == late.client_order_id
    assert rig.mode() is Mode.HALTED
    assert late.client_order_id in rig.cancelled()
    rig.run(10)
    assert rig.state.agreed
    rig.step(ev.OperatorResumed("ann", "seen"))
    assert rig.engine.entry.blocked() == "unhedged"


def test_a_row_after_the_end_is_booked_and_halts(rig: Rig) -> None:
    """A transaction row that no reading had shown still enters position and ledger, and a person is called."""
    hedge(rig, sell=Play(fill=D("0.02"))).run(10)
    sale = rig.venue.orders[1]
    rig.venue.channel = False
    rig.venue.fill(sale, D("0.01"), D(54600))
    rig.run(40)
    assert rig.state.position == D("-0.01")
    assert rig.mode() is Mode.HALTED
    assert "order_contradiction" in rig.alerts()


def test_a_refusal_of_a_living_order_is_a_contradiction(rig: Rig) -> None:
    """The channel showed it, then the reply refuses it: it is not rejected, and trading halts."""
    hedge(rig, sell=Play(fill=D(0)))
    rig.step(ev.OrderRefused("q7-000002", "400.009", "no"))
    assert rig.stands(2) is OrderState.LIVE
    assert rig.mode() is Mode.HALTED


def test_a_refused_order_that_exists_is_cancelled(rig: Rig) -> None:
    """Refused, yet among the open orders: cancelled at once, alarmed, halted. Refused twice is only refused."""
    hedge(rig, buy=Play("refuse"), sell=Play(fill=D(0)))
    rig.step(ev.OrderRefused("q7-000001", "400.009", "again"))
    assert rig.mode() is Mode.ACTIVE
    rig.step(ev.OpenOrdersFetched(0, (OpenOrder(123, "q7-000001", "btcusd", Side.BUY, D(1), D("0.05")),)))
    assert "q7-000001" in rig.cancelled()
    assert rig.mode() is Mode.HALTED
    assert rig.stands(1) is OrderState.LIVE
    assert rig.state.exposure()[1] == D("0.05")


def test_two_venue_orders_under_one_of_our_ids_halt(rig: Rig) -> None:
    """The venue accepts duplicate client order ids: a second order under one of ours is a contradiction."""
    hedge(rig, sell=Play(fill=D(0)))
    rig.step(ev.OrderAcked("q7-000002", 424242))
    assert rig.mode() is Mode.HALTED
    assert rig.state.orders["q7-000002"].venue_order_id != 424242


def test_somebody_elses_answer_is_not_believed(rig: Rig) -> None:
    """A status reply about another order changes no state and halts."""
    hedge(rig, sell=Play(fill=D(0)))
    order = rig.state.orders["q7-000002"]
    report = OrderReport(order.venue_order_id or 0, "zz-1", VenueOrderStatus.CANCELED, D(0), ())
    rig.step(ev.OrderReported(0, "q7-000002", None, report))
    assert order.state is OrderState.LIVE
    assert rig.mode() is Mode.HALTED


def test_words_about_foreign_orders_are_ignored(rig: Rig) -> None:
    """Fills, events and reports of orders that are not ours change nothing, and they are never cancelled."""
    rig.ready()
    before = rig.state.fingerprint()
    rig.step(ev.FillSeen(1, "their-1", Fill(2, "btcusd", Side.BUY, D(1), D(1), None)))
    rig.step(ev.FillSeen(1, None, Fill(2, "btcusd", Side.BUY, D(1), D(1), None)))
    rig.step(ev.OrderEventSeen(OrderEvent(1, None, "btcusd", Side.BUY, "created", D(1), 0)))
    rig.step(ev.OpenOrdersFetched(0, (OpenOrder(1, "their-1", "btcusd", Side.BUY, D(1), D(1)),)))
    rig.step(ev.OrderReported(0, None, 1, OrderReport(1, None, VenueOrderStatus.OPEN, D(1), ())))
    rig.step(ev.OrderReported(0, "their-1", 1, None))
    assert rig.state.fingerprint() == before
    assert rig.cancelled() == []


def test_an_own_order_that_the_journal_does_not_know_is_cancelled(rig: Rig) -> None:
    """An id of this journal that was never written: cancelled and alarmed, its cancel's answer survived."""
    rig.ready()
    rig.step(ev.OpenOrdersFetched(0, (OpenOrder(77, "q7-000099", "btcusd", Side.BUY, D(1), D(1)),)))
    rig.run(1)
    assert rig.cancelled() == ["q7-000099"]
    assert "unknown_own_order" in rig.alerts()


def test_a_deleted_order_is_over_only_with_its_fills(rig: Rig) -> None:
    """The channel says deleted before it tells the last fill: the status is asked, not guessed."""
    hedge(rig, sell=Play(fill=D(0)))
    sale = rig.state.orders["q7-000002"]
    event = OrderEvent(sale.venue_order_id or 0, "q7-000002", "btceur", Side.SELL, "deleted", D("0.01"), 0)
    rig.step(ev.OrderEventSeen(event))
    assert rig.stands(2) is OrderState.LIVE
    rig.step(ev.OrderEventSeen(OrderEvent(sale.venue_order_id or 0, None, "btceur", Side.SELL, "changed", D(0), 0)))
    assert rig.stands(2) is OrderState.LIVE


# --- a person's way out -----------------------------------------------------------------------------------------


def test_a_person_declares_an_order_absent(rig: Rig) -> None:
    """`resolve --as absent` ends the doubt at once and the hedge goes on from what is known."""
    rig.venue.channel = False
    hedge(rig, buy=LOST_DEAD).run(2)
    rig.step(ev.OperatorResolved("q7-000001", None, "ann", "support says it never came"))
    rig.run(3)
    assert rig.stands(1) is OrderState.ABSENT
    assert closed(rig).outcome == "one_sided"


def test_a_person_names_the_venues_order(rig: Rig) -> None:
    """`resolve --as ID`: the order is followed under that id."""
    rig.venue.channel = False
    rig.venue.row_lag_s = D(30)
    hedge(rig, buy=Play("lost", hidden_s=D(3))).run(1)
    named = rig.venue.orders[0].venue_order_id
    rig.step(ev.OperatorResolved("q7-000001", named, "ann", "seen on the page"))
    assert rig.state.orders["q7-000001"].venue_order_id == named
    rig.run(5)
    assert closed(rig).outcome == "completed"


def test_a_persons_word_that_cannot_be_is_refused(rig: Rig) -> None:
    """Unknown, finished, filled, or somebody else's: nothing changes, and the person is told why."""
    hedge(rig, sell=Play(fill=D("0.02")))
    before = rig.stands(2)
    bought = rig.state.orders["q7-000001"].venue_order_id
    for name, venue_order_id in (("nobody", None), ("q7-000001", None), ("q7-000002", None), ("q7-000002", bought)):
        rig.step(ev.OperatorResolved(name, venue_order_id, "ann", "a guess"))
    assert rig.alerts().count("resolve_refused") == 4
    assert rig.stands(2) is before


def test_an_order_that_the_venue_shows_is_not_called_absent(rig: Rig) -> None:
    """Nobody's word denies what the venue has just called open; once it is told as stuck a person may know better."""
    rig.venue.channel = False
    rig.venue.failing = {Topic.ORDER_STATUS}
    hedge(rig, sell=RESTS).run(1)
    rig.step(ev.OperatorResolved("q7-000002", None, "ann", "did not look"))
    assert rig.stands(2) is OrderState.LIVE
    assert "not yet stuck" in rig.alert_texts("resolve_refused")[0]
    rig.run(120)
    assert "order_stuck" in rig.alerts()
    rig.step(ev.OperatorResolved("q7-000002", None, "ann", "the venue has no such order"))
    assert rig.stands(2) is OrderState.ABSENT


def test_before_its_answer_an_order_is_not_asked_about(rig: Rig) -> None:
    """Between the wire and the reply there is nothing to ask; a doubt a moment old proves nothing in any view."""
    rig.venue.channel = False
    hedge(rig, buy=LOST_DEAD, wait="0", gone=False)
    rig.step(ev.OrderUnanswered("q7-000001", "timeout"))
    rig.step(ev.OpenOrdersFetched(0, ()))
    assert rig.stands(1) is OrderState.IN_DOUBT
    rig.step(ev.Tick())
    asked = [each for each in rig.sent if isinstance(each, Ask) and each.topic is Topic.ORDER_STATUS]
    assert [ask.client_order_id for ask in asked] == ["q7-000001"]


def test_a_strangers_trade_keeps_a_doubt_open_until_a_person_decides(rig: Rig) -> None:
    """A trade row of an unknown order in the doubt's own market may be the doubt's: no absence, but an alert."""
    rig.venue.channel = False
    hedge(rig, buy=LOST_DEAD)
    manual_trade(rig, 31337)
    rig.run(220)
    assert rig.stands(1) is OrderState.IN_DOUBT
    assert rig.alerts().count("doubt_unresolved") == 1
    rig.step(ev.OperatorResolved("q7-000001", None, "ann", "the trade was mine"))
    rig.run(70)
    assert rig.stands(1) is OrderState.ABSENT
    assert rig.state.external_rows == 1
    assert rig.mode() is Mode.PAUSED
