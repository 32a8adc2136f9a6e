"""The judge's days: what counts to which, and that they begin anew at midnight UTC and at no other moment."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.mutants.grounds import WEIGHED
from tests.mutants.nights import NIGHT
from tests.sim.checker import Checker
from tests.sim.checker.day import DAY_US, DaySum, Reading
from tests.sim.clockwork import BIRTH_US, MIDNIGHT_US, MS
from tests.sim.draw import draw
from tests.sim.lies import Doctor, plan
from tests.sim.life import run_plan
from tests.sim.plan import Disturbance, Plan
from tests.sim.shrink import shrink

HOUR_US = 3_600_000_000
D = Decimal


def night() -> Plan:
    """The life of the lies, of which midnight parts the first two edges from the later."""
    return replace(plan(), birth_us=MIDNIGHT_US - 23_000 * MS)


def reading(hours: int, apart_s: int = 0) -> Reading:
    """So many hours after a midnight by the venue's clock; ours is so much ahead."""
    venue_us = 20_000 * DAY_US + hours * HOUR_US
    return Reading(venue_us + apart_s * 1_000_000, venue_us)


def test_a_night_holds_every_promise_and_is_told() -> None:
    """It is the same life, hours later."""
    lived, afternoon = run_plan(night()), run_plan(plan())
    assert lived.violations == ()
    assert lived.reach["midnight passed"]
    assert "midnight passed" not in afternoon.reach
    assert lived.counts == afternoon.counts


def test_nothing_but_the_hour_is_drawn_otherwise() -> None:
    """An eighth of all lives pass midnight in their middle half, and are what they would be in the afternoon but for
    the limits of a day.
    """
    plans = [draw(seed) for seed in range(400)]
    nights = [each for each in plans if each.birth_us != BIRTH_US]
    assert 30 < len(nights) < 70
    for each in nights:
        after_ms = (MIDNIGHT_US - each.birth_us) // MS
        assert each.length_ms // 4 <= after_ms <= each.length_ms * 3 // 4


def test_what_a_day_has_spent_is_forgotten_at_midnight_only() -> None:
    """R: a limit that seven hedges pass and five do not is passed in the afternoon, and not where midnight parts the
    last two from the others; the hedge for which it began anew is counted.
    """

    class Strict(Checker):
        def began(self, now_us: int) -> None:
            super().began(now_us)
            self._risk._limits = replace(self._limits.risk, notional_per_day=D(16_000))

    spent = [each.text for each in run_plan(plan(), judge=Strict).violations]
    assert [text for text in spent if "brings the day's notional to" in text]
    lived = run_plan(night(), judge=Strict)
    assert lived.violations == ()
    assert lived.reach["a day's limit begun anew"]


@pytest.mark.parametrize(("lived", "seen"), [(plan(), True), (night(), False)], ids=["afternoon", "night"])
def test_a_loss_of_yesterday_stops_nothing(lived: Plan, seen: bool) -> None:
    """R: what was lost before a hedge is held against it on the same day, and not on the next one."""

    class Lost(Doctor):
        def began(self, now_us: int) -> None:
            super().began(now_us)
            self._risk._limits = replace(self._limits.risk, daily_loss=D(30))
            self._risk._lost.add(D(100), Reading(now_us, now_us))

    texts = [each.text for each in run_plan(lived, judge=Lost).violations]
    later = [text for text in texts if "sim-h00006 opens after a loss of" in text]
    assert bool(later) is seen


def test_what_two_clocks_date_into_two_days_is_surely_of_the_first_only() -> None:
    """A loss counts to a day when both readings agree; a gain makes up for a loss where either says so."""
    total = DaySum()
    total.add(D(5), reading(-2))
    total.add(D(3), reading(-1, apart_s=7200))
    total.add(D(-1), reading(-1, apart_s=7200))
    total.add(D(2), reading(1))
    assert (total.least(reading(-1)), total.most(reading(-1))) == (D(9), D(9))
    assert (total.least(reading(2)), total.most(reading(2))) == (D(1), D(5))
    assert total.whole == D(10)
    total.clear()
    assert total.most(reading(-1)) == total.least(reading(2)) == total.whole == 0


def test_a_clock_that_is_set_over_midnight_begins_no_day() -> None:
    """R: a hedge loses, our clock is set ahead into the next day, and a statement comes before the venue's clock is
    seen again: the day is still the one on which more was made than lost, and nothing trips.
    """
    rules = replace(WEIGHED, limits=replace(WEIGHED.limits, equity_loss=D(5)))
    early = {
        **{each: NIGHT[each] for each in NIGHT if each != "disturbances"},
        "birth_us": MIDNIGHT_US - 38_332 * MS,
        "length_ms": 9_217,
        "clock_off_ms": 900,
    }
    jump = Disturbance("clock_jump", 13_305, size=60_000)
    lived = run_plan(replace(draw(3737), **early, rules=rules, disturbances=(jump,)))
    assert lived.violations == ()
    assert lived.reach["hedge settled at a loss"]
    assert "limit equity_loss" not in lived.reach


def test_at_the_edge_either_day_may_be_todays() -> None:
    """By the earlier clock; seconds around midnight the least of both days is sure, and the most of both possible."""
    total = DaySum()
    total.add(D(5), reading(-2))
    assert reading(0).today == (19_999, 20_000)
    assert reading(1, apart_s=-7200).today == (19_999,)
    assert reading(-1, apart_s=7200).today == (19_999,)
    assert (total.least(reading(0)), total.most(reading(0))) == (D(0), D(5))


def test_a_failure_that_needs_no_midnight_is_shown_in_the_afternoon() -> None:
    """What midnight has nothing to do with is shrunk to a life without one; what it takes stays."""
    assert shrink(night(), "L1", fails=lambda plan, _: True).birth_us == BIRTH_US
    kept = shrink(night(), "L1", fails=lambda plan, _: plan.birth_us != BIRTH_US)
    assert kept.birth_us == night().birth_us
