"""What a list of the venue's open orders proves: it may be of 10 s ago, and only a later one speaks of now."""

from __future__ import annotations

from arbbot.domain import events as ev
from arbbot.domain.commands import Ask, Topic
from arbbot.domain.market import Side
from arbbot.domain.order import OpenOrder
from arbbot.engine.open_orders import CACHE_S
from tests.engine.played_venue import Play
from tests.engine.rig import D, Rig
from tests.engine.scenes import hedge

RESTS = Play(fill=D(0))
THEIRS = OpenOrder(999_999, None, "btcusd", Side.SELL, D(70_000), D("0.5"))


def asked(rig: Rig) -> int:
    """How often for the list."""
    return sum(isinstance(each, Ask) and each.topic is Topic.OPEN_ORDERS for each in rig.sent)


def told(rig: Rig) -> tuple[int, int] | None:
    """Ours and others, of a list that cannot be an old one."""
    listed = rig.engine.open_orders.listed
    return None if listed is None else (listed.ours, listed.others)


def test_a_list_younger_than_the_venues_cache_proves_nothing(rig: Rig) -> None:
    """It is asked at the halt, which finds what the journal does not know, and again once it cannot be an old one."""
    rig.ready()
    rig.step(ev.OperatorHalted("ann", "look"))
    before = asked(rig)
    rig.run(CACHE_S - 1)
    assert asked(rig) == before + 1
    assert told(rig) is None
    rig.run(2)
    assert asked(rig) == before + 2
    assert told(rig) == (0, 0)
    assert rig.engine.open_orders.listed is not None
    assert rig.engine.open_orders.listed.utc_us >= rig.at.utc_us - 2_000_000
    rig.run(60)
    assert asked(rig) == before + 2


def test_the_cache_counts_from_the_end_of_the_last_order(rig: Rig) -> None:
    """A cancel that takes its time: the list is asked as long after it as after a halt."""
    rig.venue.cancels = [("unanswered", False)] * 3
    hedge(rig, sell=RESTS).run(1)
    rig.step(ev.OperatorHalted("ann", "look"))
    while rig.state.live:
        rig.run("0.25")
        assert told(rig) is None
    rig.run(CACHE_S - 1)
    assert told(rig) is None
    rig.run(3)
    assert told(rig) == (0, 0)


def test_an_order_that_ended_by_our_books_and_is_listed_is_counted(rig: Rig) -> None:
    """Long after the cache's age the list is right: it is asked until the order is gone from it."""
    hedge(rig).run(40)
    placed = rig.venue.orders[0]
    terms = placed.terms
    assert rig.state.orders[terms.client_order_id].state.terminal
    rig.venue.strays = (
        OpenOrder(placed.venue_order_id, terms.client_order_id, terms.market, terms.side, D(60_000), terms.size),
    )
    rig.step(ev.OperatorHalted("ann", "look"))
    rig.run(30)
    assert told(rig) == (1, 0)
    rig.venue.strays = ()
    rig.run(CACHE_S + 1)
    assert told(rig) == (0, 0)


def test_orders_of_others_are_counted_and_left_alone(rig: Rig) -> None:
    """They are on the account, so it is not said that nothing is; nobody cancels them, and nobody asks in haste."""
    rig.ready()
    rig.venue.strays = (THEIRS,)
    rig.step(ev.OperatorHalted("ann", "look"))
    before = asked(rig)
    rig.run(30)
    assert told(rig) == (0, 1)
    assert rig.cancelled() == []
    assert asked(rig) - before <= 1 + 30 // CACHE_S


def test_a_resumption_forgets_the_list(rig: Rig) -> None:
    """The next halt wants one of its own."""
    rig.ready()
    rig.step(ev.OperatorHalted("ann", "look"))
    rig.run(15)
    rig.step(ev.OperatorResumed("ann", "seen"))
    rig.run(1)
    rig.step(ev.OperatorHalted("ann", "look again"))
    rig.run(1)
    assert told(rig) is None
