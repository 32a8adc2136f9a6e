"""How much of the order events is read again: nothing that may be an order's is ever left out."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from arbbot.domain.commands import Ask, Topic
from arbbot.domain.market import Side
from arbbot.domain.order import OrderKind, OrderTerms, Purpose
from arbbot.engine.watch import MARK_LIFE_NS, EventMarks
from tests.engine.played_venue import Play
from tests.engine.rig import Rig
from tests.engine.scenes import hedge

D = Decimal


def order(number: int) -> OrderTerms:
    """Our order number so-and-so."""
    return OrderTerms(f"q7-{number:06d}", "q7-h1", Purpose.LEG, "btcusd", Side.BUY, OrderKind.MARKET, D(1), None, None)


steps = st.lists(st.sampled_from(["mint", "read"]), max_size=60)


@given(steps)
def test_no_mark_lies_behind_the_birth_of_the_order_it_is_for(steps: list[str]) -> None:
    """Whenever orders are minted and events read, an order's mark is of a reading that ended before it was minted."""
    marks, minted, events = EventMarks(), 0, 0
    newest_at_birth: dict[int, int] = {}
    for now_ns, step in enumerate(steps):
        if step == "mint":
            minted += 1
            newest_at_birth[minted] = events
            events += 1
        else:
            marks.note("btcusd", minted, f"{events:08d}", now_ns)
        for number, newest in newest_at_birth.items():
            mark = marks.before(order(number), now_ns)
            assert mark is None or int(mark) <= newest


def test_an_old_mark_is_worth_less_than_none() -> None:
    """Without a mark the venue tells of a day; one of longer ago would only make the reading longer."""
    marks = EventMarks()
    marks.note("btcusd", 0, "e1", 0)
    assert marks.before(order(1), MARK_LIFE_NS) == marks.latest("btcusd", MARK_LIFE_NS) == "e1"
    assert marks.before(order(1), MARK_LIFE_NS + 1) is marks.latest("btcusd", MARK_LIFE_NS + 1) is None
    assert marks.latest("btceur", 0) is None


def test_only_the_first_round_and_those_that_count_read_a_whole_day() -> None:
    """An order that never reached the venue: rounds before the bound go on from the last one, so that a day of
    thousands of orders is read three times and not a dozen times; the two that prove its absence leave nothing out.
    """
    rig = Rig()
    rig.venue.last_event = "e77"
    hedge(rig, buy=Play("lost", taken=False)).run(220)
    asked = [each for each in rig.sent if isinstance(each, Ask) and each.topic is Topic.ORDER_EVENTS]
    assert len(asked) > 5
    assert [each.since_event for each in asked] == [None, *["e77"] * (len(asked) - 3), None, None]
    assert not rig.state.in_doubt()
    rig.check()
