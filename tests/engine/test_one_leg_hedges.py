"""Every row of the one-leg table end to end, on a venue that does what the row is about."""

from __future__ import annotations

from decimal import Decimal

import pytest

from arbbot.domain import events as ev
from arbbot.domain.commands import Topic
from arbbot.domain.market import Side
from arbbot.domain.mode import Mode
from arbbot.domain.order import Purpose, VenueOrderStatus
from arbbot.domain.records import (
    AlertRaised,
    ExitPlanned,
    HedgeClosed,
    HedgeOpened,
)
from arbbot.engine.hedge import fx_fee_sign
from arbbot.engine.rules import LimitReference
from tests.engine.conftest import MakeRig
from tests.engine.played_venue import Play
from tests.engine.rig import D, Rig, book, rules
from tests.engine.scenes import BUY, REFUSED, RESTS, RICH, SELL, closed, hedge


def exits(rig: Rig) -> list[tuple[str, str, Decimal]]:
    """(purpose, market, size) of the top-ups sent."""
    return [
        (command.terms.purpose.value, command.terms.market, command.terms.size)
        for command in rig.placed()
        if command.terms.purpose is not Purpose.LEG
    ]


def test_a_resting_sale_is_cancelled_at_t1_and_the_cheaper_way_is_taken(rig: Rig) -> None:
    """The spread went: after 5 s the sale is cancelled and the exact remainder leaves where it costs least."""
    hedge(rig, sell=RESTS).run(4)
    assert rig.cancelled() == []
    rig.run(3)
    assert len(rig.cancelled()) == 1
    ((plan),) = rig.all(ExitPlanned)
    assert plan.imbalance == D("0.05")
    assert plan.complete_value is not None
    assert plan.unwind_value is not None
    assert plan.complete_value > plan.unwind_value
    assert exits(rig) == [("complete", "btceur", D("0.05"))]
    assert closed(rig).outcome == "one_sided"
    assert closed(rig).dust == 0
    rig.run(3)
    assert rig.state.agreed


def test_unwinding_is_chosen_when_it_is_cheaper(rig: Rig) -> None:
    """The sell market fell further than a round trip costs: the leg is undone where it was bought."""
    hedge(rig, sell=RESTS)
    rig.show(book("btceur", "54400", "54410", stamp=2**56))
    rig.run(7)
    ((plan),) = rig.all(ExitPlanned)
    assert plan.action == "unwind"
    assert exits(rig) == [("unwind", "btcusd", D("0.05"))]
    rig.run(2)
    assert closed(rig).outcome == "one_sided"


def test_a_sale_that_filled_in_part_is_topped_up_by_the_rest(rig: Rig) -> None:
    """Only the exact remainder is sold, after the first order is over with known fills."""
    hedge(rig, sell=Play(fill=D("0.02"))).run(7)
    assert exits(rig) == [("complete", "btceur", D("0.03"))]
    assert closed(rig).outcome == "one_sided"


def test_a_resting_sale_that_fills_in_time_completes(rig: Rig) -> None:
    """Before T1 nothing is touched: the hedge completes by itself."""
    hedge(rig, sell=RESTS).run(2)
    resting = rig.venue.orders[1]
    rig.venue.fill(resting, D("0.05"), resting.terms.price or D(0))
    rig.run(2)
    assert rig.cancelled() == []
    assert closed(rig).outcome == "completed"


def test_a_refused_buy_takes_the_sale_back(rig: Rig) -> None:
    """Sale resting: cancelled at once. Nothing filled: cool-down, nothing bought."""
    hedge(rig, buy=REFUSED, sell=RESTS).run(1)
    assert len(rig.cancelled()) == 1
    assert exits(rig) == []
    assert closed(rig).outcome == "nothing"


def test_a_refused_buy_with_a_filled_sale_is_bought_back(rig: Rig) -> None:
    """For exactly what was sold: here completing the buy is the cheaper way."""
    hedge(rig, buy=REFUSED, gone=False).run(1)
    assert exits(rig)[0] == ("complete", "btcusd", D("0.05"))
    assert rig.all(ExitPlanned)[0].imbalance == D("-0.05")


def test_a_refused_buy_with_a_sale_filled_in_part(rig: Rig) -> None:
    """The sale is cancelled first, then exactly what it filled is bought back."""
    hedge(rig, buy=REFUSED, sell=Play(fill=D("0.02"))).run(2)
    assert len(rig.cancelled()) == 1
    assert [size for _, _, size in exits(rig)] == [D("0.02")]
    assert closed(rig).outcome == "one_sided"


def test_a_refused_sale_with_a_filled_buy_leaves_by_the_better_way(rig: Rig) -> None:
    """The leg is completed at the best price within the cap, or undone."""
    hedge(rig, sell=REFUSED).run(2)
    assert exits(rig) == [("complete", "btceur", D("0.05"))]
    assert closed(rig).cause == "buy filled, sell rejected"


def test_an_exit_that_the_venue_refuses_is_tried_the_other_way(rig: Rig) -> None:
    """A refused top-up is not sent again into the same market."""
    hedge(rig, sell=RESTS)
    rig.venue.plays[(Purpose.COMPLETE, Side.SELL)] = [REFUSED]
    rig.run(8)
    assert [purpose for purpose, _, _ in exits(rig)] == ["complete", "unwind"]
    assert closed(rig).outcome == "one_sided"


def test_both_refused_cools_down_and_repeated_reduces(rig: Rig) -> None:
    """Nothing filled: 10 s pause; three times in a row: REDUCING, latched until a person resumes."""
    rig.venue.plays = {BUY: [REFUSED] * 3, SELL: [REFUSED] * 3}
    rig.ready()
    rig.show(RICH)
    rig.run(9)
    assert len(rig.all(HedgeOpened)) == 1
    rig.run(25)
    assert [end.outcome for end in rig.all(HedgeClosed)] == ["nothing"] * 3
    assert rig.mode() is Mode.REDUCING
    assert rig.engine.entry.blocked() == "reducing"
    rig.run(30)
    assert len(rig.all(HedgeOpened)) == 3
    rig.step(ev.OperatorResumed("ann", "balances topped up"))
    rig.run(4)
    assert len(rig.all(HedgeOpened)) > 3


def test_no_exit_within_the_cap_waits_until_it_is_forced(make_rig: MakeRig) -> None:
    """Between T1 and T2 a loss beyond the small cap waits; at T2 the larger cap rules."""
    rig = make_rig(rules(exit_loss=D("-0.5")))
    hedge(rig, sell=RESTS).run(10)
    assert exits(rig) == []
    rig.run(6)
    assert exits(rig) == [("complete", "btceur", D("0.05"))]
    assert rig.all(ExitPlanned)[0].forced


def test_a_loss_beyond_the_forced_cap_leaves_the_leg_open_and_says_so(rig: Rig) -> None:
    """Left open, HALTED, alerted, and said again every minute; when the market comes back the leg is closed."""
    hedge(rig, sell=RESTS)
    rig.show(book("btcusd", "50000", "50010", stamp=2**56), book("btceur", "45450", "45460", stamp=2**56))
    rig.run(14)
    assert rig.all(ExitPlanned) == []
    rig.run(5)
    assert [(plan.action, plan.forced) for plan in rig.all(ExitPlanned)] == [("leave", True)]
    assert rig.mode() is Mode.HALTED
    assert rig.alerts().count("leg_open") == 1
    rig.run(60)
    assert rig.alerts().count("leg_open") == 2
    assert exits(rig) == []
    rig.show(book("btcusd", "59800", "59810", stamp=2**57))
    rig.run(3)
    assert exits(rig) == [("unwind", "btcusd", D("0.05"))]
    assert closed(rig).outcome == "one_sided"
    assert rig.mode() is Mode.HALTED


def test_dust_is_carried_and_counted(rig: Rig) -> None:
    """A remainder below every minimum is no order: it is carried as position, and the next hedge may start."""
    hedge(rig, sell=Play(fill=D("0.0499"))).run(7)
    assert exits(rig) == []
    assert closed(rig).dust == D("0.0001")
    rig.run(3)
    assert rig.state.position == D("0.0001")
    assert rig.state.agreed
    assert rig.engine.entry.blocked() is None


def test_dust_beyond_its_cap_reduces(make_rig: MakeRig) -> None:
    """Carried dust has a cap; beyond it no hedge starts until a person looked."""
    rig = make_rig(rules(dust_cap=D("0.00005")))
    hedge(rig, sell=Play(fill=D("0.0499"))).run(7)
    assert rig.mode() is Mode.REDUCING
    rig.step(ev.OperatorResumed("ann", "seen"))
    rig.run(3)
    assert rig.engine.entry.blocked() == "unhedged"


def test_exits_that_do_not_fill_are_bounded(make_rig: MakeRig) -> None:
    """Each try pauses a second; after max_exits a person is called and nothing more is sent."""
    rig = make_rig(rules(max_exits=3))
    hedge(rig, sell=RESTS)
    for purpose in (Purpose.COMPLETE, Purpose.UNWIND):
        rig.venue.plays[(purpose, Side.SELL)] = [RESTS] * 9
    rig.run(20)
    assert len(exits(rig)) == 3
    assert rig.mode() is Mode.HALTED
    assert rig.alerts().count("leg_open") == 1
    rig.run(60)
    assert rig.alerts().count("leg_open") == 2


def test_the_venue_ends_a_forgotten_sale_itself(rig: Rig) -> None:
    """The dead man's switch: cancels that get lost do not matter, at T2 the sale expires and the leg is closed."""
    rig.venue.cancels = [("unanswered", False)] * 9
    rig.venue.channel = False
    hedge(rig, sell=RESTS).run(18)
    assert 2 <= len(rig.cancelled()) <= 5
    assert rig.venue.orders[1].status is VenueOrderStatus.EXPIRED
    assert closed(rig).outcome == "one_sided"
    assert closed(rig).cause == "buy filled, sell expired"


def test_a_maker_sale_is_carried_by_the_one_leg_policy(make_rig: MakeRig) -> None:
    """Reference sell_ask: the sale rests above the touch, is given T1, then resolved like any other."""
    rig = hedge(make_rig(rules(limit_reference=LimitReference.SELL_ASK)), gone=False)
    rig.run(4)
    assert rig.venue.orders[1].status is VenueOrderStatus.OPEN
    rig.run(4)
    assert rig.all(HedgeClosed)[0].outcome == "one_sided"


def test_a_leg_is_closed_on_rest_books_when_the_feed_is_down(rig: Rig) -> None:
    """A lost feed does not leave a leg open: books are fetched by REST and the exit goes out on them."""
    hedge(rig, sell=RESTS)
    rig.feeding = False
    rig.step(ev.FeedDown(rig.epoch, "1006"))
    rig.run(8)
    assert closed(rig).outcome == "one_sided"
    assert rig.mode() is Mode.ACTIVE


def test_no_book_at_all_leaves_the_leg_open_with_an_alert(rig: Rig) -> None:
    """Without any book there is no price to leave at: the operator is told; books that come back end it."""
    hedge(rig, sell=RESTS)
    rig.feeding = False
    rig.step(ev.FeedDown(rig.epoch, "1006"))
    rig.venue.failing = {Topic.BOOK}
    rig.run(25)
    assert "leg_open" in rig.alerts()
    assert rig.mode() is Mode.ACTIVE
    rig.venue.failing = set()
    rig.run(3)
    assert closed(rig).outcome == "one_sided"


def test_every_alert_of_an_open_leg_names_hedge_and_amount(rig: Rig) -> None:
    """The alert says which hedge, how much of what, and why."""
    hedge(rig, sell=RESTS)
    rig.feeding = False
    rig.step(ev.FeedDown(rig.epoch, "1006"))
    rig.venue.failing = {Topic.BOOK}
    rig.run(25)
    ((alert),) = [alert for alert in rig.all(AlertRaised) if alert.name == "leg_open"]
    assert "q7-h00001" in alert.text
    assert "0.05" in alert.text
    assert "BTC" in alert.text


# --- books that are no way out ----------------------------------------------------------------------------------

SPOILERS = {
    "sell book crossed": book("btceur", "54600", "54500", stamp=2**56),
    "sell book unsorted": book("btceur", "54600", "54610", step="0", amount="0.001", stamp=2**56),
    "sell book too thin": book("btceur", "54600", "54610", amount="0.000001", stamp=2**56),
    "fx crossed": book("eurusd", "1.1", "1.0", stamp=2**56),
    "fx too thin": book("eurusd", "1.10000", "1.10010", amount="0.1", step="0.0001", stamp=2**56),
}


@pytest.mark.parametrize("spoiler", SPOILERS)
def test_a_leg_leaves_by_the_way_that_is_left(rig: Rig, spoiler: str) -> None:
    """A crossed, unsorted or thin book on one side: after a short wait for better, the other side is taken."""
    hedge(rig, sell=RESTS)
    rig.show(SPOILERS[spoiler])
    rig.run(12)
    assert exits(rig) == [("unwind", "btcusd", D("0.05"))]
    assert closed(rig).outcome == "one_sided"


def test_without_any_way_out_the_leg_stays_open(rig: Rig) -> None:
    """Both books too thin: nothing is sent before or after T2, and at T2 the operator is told."""
    hedge(rig, sell=RESTS)
    thin = [book(name, bid, ask, amount="0.000001", stamp=2**56) for name, bid, ask in (
        ("btcusd", "59990", "60000"), ("btceur", "54600", "54610"))]  # fmt: skip
    rig.show(*thin)
    rig.run(14)
    assert rig.all(ExitPlanned) == []
    rig.run(5)
    assert [plan.action for plan in rig.all(ExitPlanned)] == ["leave"]
    assert exits(rig) == []
    assert "leg_open" in rig.alerts()


@pytest.mark.parametrize(
    ("side", "purpose", "sign"),
    [
        (Side.SELL, Purpose.COMPLETE, -1),
        (Side.SELL, Purpose.UNWIND, 1),
        (Side.BUY, Purpose.COMPLETE, 1),
        (Side.BUY, Purpose.UNWIND, -1),
    ],
)
def test_the_fx_fee_counts_for_completing_and_against_unwinding(side: Side, purpose: Purpose, sign: int) -> None:
    """Foreign money from completing must still be converted, and costs the fee; unwinding saves a conversion."""
    assert fx_fee_sign(side, purpose) == sign
