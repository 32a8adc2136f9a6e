"""A leg that a doubt leaves open is told in time, and nothing is sent beside an order that may still fill."""

from __future__ import annotations

from dataclasses import replace

import pytest

from arbbot.domain import events as ev
from arbbot.domain.market import Side
from arbbot.domain.mode import Mode
from arbbot.domain.order import OrderState, Purpose, VenueOrderStatus
from arbbot.domain.records import ConversionClosed, HedgeClosed
from tests.engine.played_venue import Play
from tests.engine.rig import D, Rig, book, rules
from tests.engine.scenes import BUY, CALM, REFUSED, RESTS, SELL, closed, hedge

RICHER = book("btceur", "55200", "55210", stamp=2**57)


def taken_for_absent(rig: Rig) -> Rig:
    """The first hedge's sale, wrongly declared absent, comes alive beside the second hedge's resting one; cancels of it
    are not answered, the second hedge's are.
    """
    rig.venue.channel = False
    hedge(rig, buy=REFUSED, sell=Play("lost", fill=D(0), hidden_s=D(4000))).run(5)
    rig.step(ev.OperatorResolved("q7-000002", None, "ann", "did not look"))
    rig.run(15)
    rig.venue.plays = {BUY: [], SELL: [RESTS]}
    rig.show(RICHER)
    rig.run("0.5")
    assert rig.state.open_hedge_id is not None
    rig.venue.cancels = [("unanswered", False), ("canceled", True)] + [("unanswered", False)] * 100
    old = rig.venue.orders[0]
    old.shown_ns, old.terms, old.status = 0, replace(old.terms, expire_utc_ms=None), VenueOrderStatus.OPEN
    rig.step(ev.OrderEventSeen(rig.venue.event_of(old, "created")))
    assert rig.mode() is Mode.HALTED
    return rig


def test_no_exit_beside_a_living_order_of_an_earlier_hedge(rig: Rig) -> None:
    """The exit waits until that order is over, which is cancelled again and again; at T2 a person is called, once."""
    taken_for_absent(rig).run(40)
    assert [command.terms.purpose for command in rig.placed()] == [Purpose.LEG] * 4
    assert rig.cancelled().count("q7-000002") > 2
    (told,) = rig.alert_texts("leg_open")
    assert "q7-000002 may still fill" in told
    rig.venue.cancels = []
    rig.run(40)
    assert rig.stands(2) is OrderState.CANCELED
    assert [command.terms.size for command in rig.placed()[4:]] == [D("0.05")]
    assert rig.state.position == 0
    assert rig.state.open_hedge_id is None


def test_every_start_beside_a_living_order_of_an_earlier_hedge_survives(rig: Rig) -> None:
    """The journal leads straight to that exit: the next processes wait as the first does, each tells it once."""
    taken_for_absent(rig).run(10)
    for _ in range(3):
        rig = Rig(rig.rules, venue=rig.venue, journal=rig.journal, at=rig.at)
        rig.start()
        rig.run(30)
        assert rig.exit is None
        assert rig.alerts().count("leg_open") == 1
    rig.venue.cancels = []
    rig.run(40)
    assert rig.state.position == 0
    assert rig.all(HedgeClosed)[-1].outcome == "one_sided"


def test_a_leg_that_a_doubt_leaves_open_is_told_at_its_deadline() -> None:
    """The purchase is lost, the sale filled: told once when the exit would be forced, not when the doubt is old; the
    mode stays, and the exit follows when the doubt is over.
    """
    rig = Rig(rules())
    rig.venue.channel = False
    hedge(rig, buy=Play("lost", taken=False)).run(14)
    assert rig.alerts() == []
    rig.run(150)
    assert rig.alerts() == ["leg_open"]
    assert rig.alert_texts("leg_open") == ["q7-h00001: -0.05000000 BTC unhedged: q7-000001 may still fill"]
    assert rig.mode() is Mode.ACTIVE
    rig.run(40)
    assert closed(rig).outcome == "one_sided"
    assert rig.alerts() == ["leg_open"]


def test_a_doubt_of_which_nothing_is_filled_leaves_no_leg_open() -> None:
    """Purchase lost, sale cancelled unfilled: there is a doubt, and no leg."""
    rig = Rig(rules())
    rig.venue.channel = False
    hedge(rig, buy=Play("lost", taken=False), sell=RESTS).run(100)
    assert rig.alerts() == []


def test_a_forced_exit_on_its_way_is_no_doubt(rig: Rig) -> None:
    """At the deadline the exit goes out; what may fill for these moments is that exit, and nobody is called."""
    hedge(rig, sell=RESTS)
    rig.show(book("btcusd", "59000", "59010"), book("btceur", "53600", "53610"))
    rig.run(30)
    assert closed(rig).outcome == "one_sided"
    assert rig.alerts() == []


def test_a_doubt_about_the_way_out_is_told_as_well() -> None:
    """A person ends the doubt of the purchase, and the answer to the exit is lost: that is another doubt, and told."""
    rig = Rig(rules())
    rig.venue.channel = False
    hedge(rig, buy=Play("lost", taken=False)).run(20)
    rig.venue.plays = {
        (purpose, Side.BUY): [Play("lost", taken=False)] for purpose in (Purpose.COMPLETE, Purpose.UNWIND)
    }
    rig.step(ev.OperatorResolved("q7-000001", None, "ann", "looked: not there"))
    rig.run(40)
    first, second = rig.alert_texts("leg_open")
    assert "q7-000001 may still fill" in first
    assert "q7-000003 may still fill" in second


def left_over(rig: Rig) -> Rig:
    """A sale that was declared absent has filled after its hedge was closed; a person resumes all the same."""
    rig.venue.channel = False
    hedge(rig, buy=REFUSED, sell=Play("lost", taken=False)).run(5)
    rig.step(ev.OperatorResolved("q7-000002", None, "ann", "did not look"))
    rig.run(15)
    late = rig.placed()[1].terms
    rig.venue.plays = {SELL: [RESTS]}
    rig.venue.place(late)
    order = rig.venue.orders[0]
    fill = rig.venue.fill(order, D("0.02"), D(55_100))
    rig.venue.end(order, VenueOrderStatus.CANCELED)
    rig.step(ev.FillSeen(order.venue_order_id, late.client_order_id, fill))
    rig.run(40)
    assert rig.state.position == D("-0.02")
    rig.step(ev.OperatorResumed("ann", "what of it"))
    return rig


def test_what_is_left_without_a_hedge_trips_by_its_worth() -> None:
    """A position that no hedge answers for halts again, however often a person resumes: 0.02 is worth 1,200."""
    rig = left_over(Rig(rules(unhedged_notional=D(1_000))))
    rig.run(1)
    assert rig.mode() is Mode.HALTED
    assert rig.state.limits.open_trips["unhedged_notional"].measured > 1_190


def test_what_is_left_without_a_hedge_trips_by_its_time() -> None:
    """Below the limit of its worth it halts when it has been there for too long, and again as long after a resume."""
    rig = left_over(Rig(rules(unhedged_s=D(100))))
    for quiet_s, more_s in ((50, 20), (95, 8)):
        rig.run(quiet_s)
        assert rig.mode() is Mode.ACTIVE
        rig.run(more_s)
        assert rig.mode() is Mode.HALTED
        assert list(rig.state.limits.open_trips) == ["unhedged_s"]
        rig.step(ev.OperatorResumed("ann", "what of it"))


def test_its_time_goes_on_over_restarts() -> None:
    """A process that is restarted more often than the limit is long trips it all the same; a resume begins it anew."""
    rig = left_over(Rig(rules(unhedged_s=D(100))))
    for resumed in (False, True):
        for _ in range(2):
            later = ev.Moment(7, rig.at.utc_us + 5 * 10**6)
            rig = Rig(rig.rules, venue=rig.venue, journal=rig.journal, at=later)
            rig.start()
            rig.run(30)
        assert (rig.mode() is Mode.ACTIVE) is resumed
        assert list(rig.state.limits.open_trips) == ([] if resumed else ["unhedged_s"])
        if not resumed:
            rig.step(ev.OperatorResumed("ann", "what of it"))


@pytest.mark.parametrize("band", ["1", "1000000"])
def test_a_conversion_does_not_change_what_is_left(band: str) -> None:
    """Drift is converted while base is left: its time goes on, over a restart too."""
    rig = left_over(Rig(rules(unhedged_s=D(100), band=D(band), retry_s=D(1))))
    left_us = rig.state.limits.left_since_us
    rig.run(15)
    assert (len(rig.all(ConversionClosed)) > 0) is (band == "1")
    assert rig.state.limits.left_since_us == left_us


@pytest.mark.parametrize("ahead_s", [300, 86_400])
def test_its_time_is_not_lost_with_a_clock_that_was_ahead(ahead_s: int) -> None:
    """What was left while our clock was ahead is left since the clock was right again, over restarts too."""
    rig = left_over(Rig(rules(unhedged_s=D(100))))
    rig.at = ev.Moment(rig.at.mono_ns, rig.at.utc_us - ahead_s * 10**6)
    for _ in range(4):
        assert rig.mode() is Mode.ACTIVE
        rig = Rig(rig.rules, venue=rig.venue, journal=rig.journal, at=ev.Moment(7, rig.at.utc_us + 10**6))
        rig.start()
        rig.step(ev.VenueClockSeen(0))
        rig.run(30)
    assert list(rig.state.limits.open_trips) == ["unhedged_s"]


def test_what_cannot_be_priced_trips() -> None:
    """Without a mark nobody knows what is left to be worth: it counts as more than the limit."""
    rig = left_over(Rig(rules(unhedged_notional=D(10**9))))
    rig.run(1)
    assert rig.mode() is Mode.ACTIVE
    rig.state.last_marks.clear()
    rig.engine.limits.watch()
    assert list(rig.state.limits.open_trips) == ["unhedged_notional"]


def test_dust_that_is_carried_trips_nothing() -> None:
    """Up to the dust cap what is left is carried, for ever."""
    rig = left_over(Rig(rules(unhedged_s=D(60), unhedged_notional=D(1_000), dust_cap=D("0.02"))))
    rig.show(CALM)
    rig.run(120)
    assert rig.mode() is Mode.ACTIVE


def test_a_row_that_an_absent_order_may_have_made_waits_for_its_name() -> None:
    """A person calls the purchase absent, the venue shows its row and finds its order only later: the row is nobody
    else's, the fill is booked, told and halts.
    """
    rig = Rig(rules())
    rig.venue.channel = False
    hedge(rig, buy=Play("lost", hidden_s=D(15)), sell=RESTS, wait="0.01").run("0.1")
    rig.step(ev.OperatorResolved("q7-000001", None, "ann", "did not look"))
    rig.run(14)
    assert rig.alerts() == []
    rig.run(20)
    assert "external_row" not in rig.alerts()
    assert "order_contradiction" in rig.alerts()
    assert rig.mode() is Mode.HALTED
    assert rig.state.position == D("0.05")
