"""A conversion's order lives by the rules of any order: doubt counts and is followed, nothing is ever sent again."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from itertools import pairwise

import pytest

from arbbot.domain import events as ev
from arbbot.domain.commands import Ask, Topic
from arbbot.domain.market import Side
from arbbot.domain.mode import Mode
from arbbot.domain.order import OrderReport, OrderState, Purpose
from arbbot.domain.records import (
    ConversionClosed,
    ConversionOpened,
    DurableRecord,
    FillBooked,
    HedgeOpened,
    OrderIntended,
)
from arbbot.engine.report import fx_exposure
from arbbot.engine.rules import FxPolicy, Rules
from tests.engine.conftest import MakeRig
from tests.engine.played_venue import Play, PlayedVenue
from tests.engine.rig import FEE, KEY, ROUTE, D, Rig, book, even_books, rules
from tests.engine.scenes import CALM, RICH, conversions, ended, hedge, waits

EACH: Rules = rules(fx_policy=FxPolicy.EACH, doubt_bound_s=D(20), doubt_alert_s=D(10), cooldown_s=D(600))
"""Doubts end soon, and no second hedge follows."""
SALE = (Purpose.CONVERT, Side.SELL)
LEFT = D("2753.898")
LOST_ALIVE, LOST_DEAD, NAMED = Play("lost"), Play("lost", taken=False), Play("named")
PLAYS = {
    "converted": Play(),
    "in part": Play(fill=D(1000)),
    "not at all": Play(fill=D(0)),
    "refused": Play("refuse"),
    "lost, alive": LOST_ALIVE,
    "lost, in part": Play("lost", fill=D(1000)),
    "lost, dead": LOST_DEAD,
    "named by an error": NAMED,
    "hidden for a while": Play("lost", hidden_s=D(8)),
}


def convert(rig: Rig, *plays: Play, quiet: bool = True) -> Rig:
    """A hedge, and a conversion that meets these plays, without the private channel's help; runs until it is sent."""
    rig.venue.channel = not quiet
    rig.ready()
    rig.venue.plays = {SALE: list(plays)}
    rig.show(RICH)
    rig.run("0.03")
    rig.show(CALM)
    while not conversions(rig):
        rig.run("0.01")
    return rig


# --- doubt --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("play", [LOST_ALIVE, LOST_DEAD, NAMED, PLAYS["hidden for a while"]])
def test_doubt_counts_in_full_on_the_fx_side_and_not_at_all_on_the_base(make_rig: MakeRig, play: Play) -> None:
    """While the order may have sold, the drift's interval reaches down to all of it; the base stays flat; neither a
    hedge nor another conversion begins.
    """
    rig = make_rig(replace(EACH, hedge=replace(EACH.hedge, cooldown_s=D(0))))
    convert(rig, play)
    rig.venue.failing |= {Topic.ORDER_STATUS, Topic.OPEN_ORDERS, Topic.ORDER_EVENTS, Topic.TRANSACTIONS}
    rig.run("0.1")
    assert rig.stands(3) is OrderState.IN_DOUBT
    rig.show(RICH)
    assert rig.last() == ("in_doubt",)
    rig.show(CALM)
    rig.run(60)
    assert rig.stands(3) is OrderState.IN_DOUBT
    assert fx_exposure(rig.state, "EUR") == (D(0), LEFT)
    assert rig.state.exposure() == (D(0), D(0))
    assert len(conversions(rig)) == 1
    assert len(rig.all(HedgeOpened)) == 1
    assert "doubt_unresolved" in rig.alerts()
    rig.venue.failing.clear()
    rig.run(100)
    assert rig.state.drift("EUR") == 0
    assert fx_exposure(rig.state, "EUR") == (D(0), D(0))
    assert len({order.terms.client_order_id for order in conversions(rig)}) == len(conversions(rig))


def test_a_lost_reply_with_the_order_alive_is_one_conversion(make_rig: MakeRig) -> None:
    """What was sold is found and booked; nothing is sent a second time."""
    rig = convert(make_rig(EACH), LOST_ALIVE)
    rig.run(60)
    assert [end.outcome for end in ended(rig)] == ["converted"]
    assert len(conversions(rig)) == 1
    assert rig.state.drift("EUR") == 0


def test_a_lost_reply_with_the_order_dead_is_tried_anew_only_after_its_absence_is_proven(make_rig: MakeRig) -> None:
    """ABSENT needs the venue's bound to pass; then the next conversion goes out under a new id, after the pause."""
    rig = convert(make_rig(EACH), LOST_DEAD)
    rig.run(25)
    assert rig.stands(3) is OrderState.IN_DOUBT
    assert len(conversions(rig)) == 1
    rig.run(100)
    assert rig.stands(3) is OrderState.ABSENT
    assert [end.outcome for end in ended(rig)] == ["nothing", "converted"]
    assert ended(rig)[1].utc_us - ended(rig)[0].utc_us >= 30_000_000


def test_a_person_may_decide_the_doubt(make_rig: MakeRig) -> None:
    """`arbbot resolve ID --as absent` ends it like any other order's."""
    rig = convert(make_rig(EACH), LOST_DEAD)
    rig.run(2)
    rig.step(ev.OperatorResolved(f"{KEY}-000003", None, "ann", "looked at the venue"))
    assert [end.cause for end in ended(rig)] == ["sell absent"]


def test_rows_find_a_doubtful_conversion(make_rig: MakeRig) -> None:
    """With every other view silent the row of its sale waits for its owner; it is never taken for somebody else's."""
    rig = convert(make_rig(EACH), LOST_ALIVE)
    rig.venue.failing |= {Topic.ORDER_STATUS, Topic.OPEN_ORDERS, Topic.ORDER_EVENTS}
    rig.run(40)
    assert rig.state.external_rows == 0
    assert rig.mode() is Mode.ACTIVE
    rig.venue.failing.clear()
    rig.run(60)
    assert [end.outcome for end in ended(rig)] == ["converted"]
    assert rig.state.external_rows == 0


def test_a_fill_before_its_row_counts_in_the_interval(make_rig: MakeRig) -> None:
    """What the channel tells is out of the drift at once, before the ledger has the row; the conversion stays open."""
    rig = make_rig(EACH)
    convert(rig, Play(), quiet=False)
    rig.venue.row_lag_s = D(2)
    rig.run(1)
    assert rig.state.drift("EUR") == LEFT
    assert fx_exposure(rig.state, "EUR") == (D(0), D(0))
    assert ended(rig) == []
    rig.show(RICH)
    assert rig.last() == ("converting",)
    rig.show(CALM)
    rig.run(10)
    assert [end.outcome for end in ended(rig)] == ["converted"]


def test_a_person_s_own_conversion_is_external_and_leaves_the_drift(make_rig: MakeRig) -> None:
    """A hand-made trade on the FX market pauses, says how to begin anew, and is not mistaken for ours; a rebase takes
    the balances as they are, and the drift is none.
    """
    rig = make_rig(rules(fx_policy=FxPolicy.BAND))
    hedge(rig).run(5)
    rig.venue.manual("eurusd", Side.SELL, LEFT, D("1.1"))
    rig.run(60)
    assert rig.mode() is Mode.PAUSED
    assert any("rebase" in text for text in rig.alert_texts("external_row"))
    assert rig.state.drift("EUR") == LEFT
    rig.step(ev.OperatorRebased("ann", "converted by hand"))
    rig.run(10)
    assert rig.state.drift("EUR") == 0
    assert rig.state.foreign.outstanding == 0


# --- no, and nothing ----------------------------------------------------------------------------------------------


def test_a_refused_conversion_is_tried_again_after_a_pause_and_not_for_ever(make_rig: MakeRig) -> None:
    """Three in a row of which nothing filled: REDUCING, an alert, and no more until a person resumes."""
    rig = convert(make_rig(EACH), *[Play("refuse"), Play(fill=D(0)), Play("refuse")])
    rig.run(20)
    assert waits(rig) == "cooldown"
    assert len(conversions(rig)) == 1
    rig.run(300)
    assert len(conversions(rig)) == 3
    assert waits(rig) == "fx_given_up"
    assert rig.mode() is Mode.REDUCING
    assert rig.alerts().count("fx_given_up") == 1
    times = [end.utc_us for end in ended(rig)]
    assert all(later - earlier >= 30_000_000 for earlier, later in pairwise(times))
    rig.step(ev.OperatorResumed("ann", "asked the venue"))
    rig.run(40)
    assert rig.state.drift("EUR") == 0
    assert rig.state.foreign.empty_in_row == 0


def test_what_did_not_fill_is_left_for_the_next(make_rig: MakeRig) -> None:
    """A partial fill is progress: the remainder follows after the pause, under a new id; a restart pauses anew."""
    rig = convert(make_rig(EACH), Play(fill=D(1000)))
    rig.run(10)
    assert [end.outcome for end in ended(rig)] == ["partial"]
    assert waits(rig) == "cooldown"
    again = Rig(EACH, venue=deepcopy(rig.venue), journal=rig.journal, at=rig.at)
    again.start()
    again.run(25)
    assert waits(again) == "cooldown"
    again.run(10)
    assert again.state.drift("EUR") == 0
    rig.run(25)
    assert [(end.outcome, -end.foreign_delta, end.drift) for end in ended(rig)] == [
        ("partial", D(1000), LEFT - 1000),
        ("converted", LEFT - 1000, D(0)),
    ]


def test_a_fill_after_its_end_is_booked_and_halts(make_rig: MakeRig) -> None:
    """The venue says cancelled and fills all the same: the money is in the ledger, and a person looks."""
    rig = convert(make_rig(EACH), Play(fill=D(0)))
    rig.run(5)
    rig.venue.at, rig.venue.channel = rig.at, True
    rig.venue.fill(rig.venue.orders[-1], D(10), D("1.1"))
    rig.run(60)
    assert rig.mode() is Mode.HALTED
    assert rig.state.drift("EUR") == LEFT - 10
    assert rig.state.position == 0


def test_an_order_that_lives_after_all_is_cancelled_and_halts(make_rig: MakeRig) -> None:
    """Declared absent by a person, then seen: it is followed, cancelled, and counts again."""
    rig = convert(make_rig(EACH), replace(PLAYS["hidden for a while"], fill=D(0)))
    rig.run(1)
    rig.step(ev.OperatorResolved(f"{KEY}-000003", None, "ann", "surely absent"))
    rig.venue.orders[-1].status = rig.venue.orders[0].status.OPEN
    rig.step(ev.OrderAcked(f"{KEY}-000003", rig.venue.orders[-1].venue_order_id))
    assert rig.mode() is Mode.HALTED
    assert f"{KEY}-000003" in rig.cancelled()
    assert fx_exposure(rig.state, "EUR") == (D(0), LEFT)
    rig.run(30)
    assert rig.stands(3) is OrderState.CANCELED


# --- crash --------------------------------------------------------------------------------------------------------


def lived(play: Play) -> tuple[list[DurableRecord], list[tuple[int, PlayedVenue]]]:
    """A hedge and a conversion; journal and every moment, from the conversion on, at which the process could die."""
    rig = Rig(EACH)
    rig.snapshots = []
    convert(rig, play)
    rig.run(75)
    rig.check()
    first = next(index for index, record in enumerate(rig.journal) if isinstance(record, ConversionOpened))
    seen = {}
    for length, venue, _ in rig.snapshots:
        if length > first:
            seen[(length, len(venue.orders), tuple(order.status for order in venue.orders))] = (length, venue)
    return rig.journal, list(seen.values())


@pytest.mark.parametrize("case", PLAYS)
def test_a_restart_at_any_moment_comes_to_the_same_end(case: str) -> None:
    """For every journal length and venue state a crash can leave: the drift is converted once, no id is used again,
    the base was never touched, and the ledger equals the venue.
    """
    journal, moments = lived(PLAYS[case])
    assert len(moments) > 4
    for length, venue in moments:
        before = {each.terms.client_order_id for each in journal[:length] if isinstance(each, OrderIntended)}
        rig = Rig(EACH, venue=deepcopy(venue), journal=journal[:length], at=venue.at)
        rig.venue.plays = {}
        rig.start()
        rig.run(120)
        rig.check()
        assert not before & {command.terms.client_order_id for command in rig.placed()}
        assert rig.state.position == 0
        assert rig.state.drift("EUR") == 0, (case, length)
        assert rig.venue.totals["EUR"] == 100_000
        assert rig.state.agreed
        assert not rig.state.live
        assert rig.state.foreign.open_id is None
        assert rig.mode() is Mode.ACTIVE
        opened = [each for each in rig.journal if isinstance(each, ConversionOpened)]
        closed = [each for each in rig.journal if isinstance(each, ConversionClosed)]
        assert [each.conversion_id for each in opened] == [each.conversion_id for each in closed]
        assert sum(-each.foreign_delta for each in closed) == LEFT


def test_a_journal_cut_between_decision_and_intent_closes_it_empty() -> None:
    """Batches are written whole; yet a decision without its order is closed as nothing, and tried after the pause."""
    journal, moments = lived(Play())
    first = next(index for index, record in enumerate(journal) if isinstance(record, ConversionOpened))
    venue = deepcopy(moments[0][1])
    rig = Rig(EACH, venue=venue, journal=journal[: first + 1], at=venue.at)
    rig.start()
    rig.run(10)
    assert [(end.outcome, end.cause) for end in ended(rig)] == [("nothing", "no order was intended")]
    assert waits(rig) == "cooldown"
    rig.run(40)
    assert rig.state.drift("EUR") == 0
    rig.check()


def test_a_restart_does_not_shorten_the_pause(make_rig: MakeRig) -> None:
    """After a conversion of which nothing filled, the next process waits as long before it tries."""
    rig = convert(make_rig(EACH), Play("refuse"))
    rig.run(2)
    after = Rig(EACH, venue=deepcopy(rig.venue), journal=rig.journal, at=rig.at)
    after.start()
    after.run(25)
    assert waits(after) == "cooldown"
    after.run(10)
    assert after.state.drift("EUR") == 0
    after.check()


def test_a_lower_bound_of_failures_after_a_restart_still_calls_a_person() -> None:
    """Given up on by the new settings: told and REDUCING, so that a resume has something to take off."""
    rig = convert(Rig(EACH), *[Play("refuse")] * 2)
    rig.run(50)
    assert rig.state.foreign.empty_in_row == 2
    again = Rig(rules(fx_policy=FxPolicy.EACH, max_failures=2), venue=rig.venue, journal=rig.journal, at=rig.at)
    again.start()
    again.run(60)
    assert (again.mode(), waits(again)) == (Mode.REDUCING, "fx_given_up")
    assert again.alerts().count("fx_given_up") == 1
    again.step(ev.OperatorResumed("ann", "asked the venue"))
    again.run(60)
    assert again.state.drift("EUR") == 0
    again.check()


class _SlowStatus(PlayedVenue):
    """Knows a conversion by its events long before `order_status` does."""

    def report(self, ask: Ask) -> OrderReport | None:
        report = super().report(ask)
        placed = next((each for each in self.orders if report and each.venue_order_id == report.venue_order_id), None)
        if placed and placed.terms.purpose is Purpose.CONVERT and self.at.mono_ns < placed.shown_ns + 20 * 10**9:
            return None
        return report


def test_a_rounded_row_waits_for_its_true_size_however_its_owner_was_found() -> None:
    """A doubt whose row shows two decimals, named by a late events view before `order_status` knows it: the fill is
    booked at its true size, not at the row's, or the ledger would differ for ever.
    """
    venue = _SlowStatus(ROUTE, even_books(), FEE)
    venue.foreign_decimals = 2
    rig = Rig(rules(fx_policy=FxPolicy.EACH), venue=venue)
    rig.slow_ms[Topic.ORDER_EVENTS] = 800
    rig.ready()
    rig.show(book("btceur", "55100.37", "55110", stamp=2**55))
    rig.run("0.03")
    rig.show(CALM)
    venue.plays[SALE] = [LOST_ALIVE]
    while not conversions(rig):
        rig.run("0.01")
    venue.channel = False
    rig.run(150)
    [true] = [fill.size for order in venue.orders if order.terms.purpose is Purpose.CONVERT for fill in order.fills]
    assert [fill.fill.size for fill in rig.all(FillBooked) if fill.fill.market == "eurusd"] == [true]
    assert true != round(true, 2)
    assert rig.mode() is Mode.ACTIVE
    rig.check()
