"""Limits while the wall clock is set: nothing that counts is forgotten, and nothing is refused for ever after."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from arbbot.domain import events as ev
from arbbot.domain.life import Started
from arbbot.domain.market import Side
from arbbot.domain.mode import Mode
from arbbot.domain.records import CancelIntended, OrderIntended
from arbbot.domain.trips import ClockAgreed
from arbbot.engine.limit_memory import DAY_US, KEPT_DAYS
from arbbot.engine.refusal import Refusal
from tests.engine.rig import KEY, NS, ROUTE, D, Rig, rules
from tests.engine.test_limits import SECOND_US, Desk, statement

DAY_S = 86_400
YEAR_S = 365 * DAY_S


def agree(desk: Desk) -> None:
    """The venue's clock is seen, and is ours."""
    desk.core.venue_offset_ms = 0
    desk.limits.clock_seen()


def set_clock(desk: Desk, step_s: int, *, venue_known: bool = True) -> None:
    """The wall clock is set by so many seconds; the venue's is right, and tells so where it is asked."""
    at = desk.core.at
    desk.core.at = ev.Moment(at.mono_ns, at.utc_us + step_s * SECOND_US)
    if venue_known:
        desk.core.venue_offset_ms -= step_s * 1000
    desk.mark()


def test_a_day_ahead_forgets_no_loss_of_the_day() -> None:
    """A hedge dated tomorrow by a wrong clock adds to today's sums as the venue's clock has them."""
    desk = Desk(rules(daily_loss=D(100)))
    assert desk.trade("-90") is None
    set_clock(desk, DAY_S)
    assert desk.trade("-90") is None
    assert desk.trade() is Refusal.LIMIT_REACHED
    assert (desk.state.mode, desk.trips()) == (Mode.HALTED, ["daily_loss"])


@pytest.mark.parametrize("step_s", [DAY_S, YEAR_S])
def test_ahead_before_the_venue_is_seen_again_it_is_the_day_that_it_was(step_s: int) -> None:
    """The venue's clock runs on by the monotonic one, so that no day begins by ours alone; set back, ours is
    the earlier one.
    """
    rig = Rig()
    core, limits = rig.engine.core, rig.engine.limits
    core.at = ev.Moment(10 * NS, 20_000 * DAY_US)
    rig.engine.step(ev.VenueClockSeen(3_000), core.at)
    seen_us = core.at.utc_us
    core.at = ev.Moment(12 * NS, seen_us + step_s * SECOND_US)
    assert limits.now_us == seen_us + 5 * SECOND_US
    core.at = ev.Moment(13 * NS, seen_us - step_s * SECOND_US)
    assert limits.now_us == seen_us - step_s * SECOND_US


@pytest.mark.parametrize("step_s", [DAY_S, YEAR_S])
def test_days_ahead_and_set_right_forget_nothing_of_the_day(step_s: int) -> None:
    """What was lost and opened before, while and after it was ahead is one day's; so it is after a restart."""
    desk = Desk(rules(daily_loss=D(1_000), notional_per_day=D(9_000)))
    assert desk.trade("-90") is None
    set_clock(desk, step_s, venue_known=False)
    assert desk.trade("-80") is None
    set_clock(desk, -step_s, venue_known=False)
    assert desk.trade("-70") is None
    for each in (desk, desk.reopened()):
        assert (each.state.limits.notional_today(each.now_us), each.state.limits.pnl_today(each.now_us)) == (
            D(9_000),
            D(-240),
        )
        assert each.trade() is Refusal.NOTIONAL_DAY


def test_a_day_ahead_forgets_no_loss_of_equity() -> None:
    """A statement dated tomorrow begins no day that the venue's clock has not begun."""
    desk = Desk(rules(equity_loss=D(100)))
    statement(desk, "10", "100000", "99910")
    set_clock(desk, YEAR_S)
    statement(desk, "10", "100000", "99905")
    assert desk.limits.equity_loss() == 95
    set_clock(desk, -YEAR_S)
    statement(desk, "10", "100000", "99904")
    assert desk.limits.equity_loss() == 96
    agree(desk)
    assert desk.limits.equity_loss() == 96
    desk.wait(2 * DAY_S)
    statement(desk, "10", "100000", "99903")
    assert desk.limits.equity_loss() == 1


def test_a_clock_set_right_refuses_an_hour_more_and_no_longer() -> None:
    """A year ahead for some hedges: rates and sums go the way of what is new, over a restart too."""
    desk = Desk(rules(orders_per_minute=6, notional_per_hour=D(12_000), notional_per_day=D(20_000)))
    set_clock(desk, YEAR_S, venue_known=False)
    for _ in range(3):
        assert desk.trade() is None
        desk.wait(61)
    set_clock(desk, -YEAR_S, venue_known=False)
    assert desk.limits.blocked() is Refusal.ORDER_RATE
    desk = desk.reopened()
    desk.mark()
    assert desk.limits.blocked() is Refusal.ORDER_RATE
    agree(desk)
    desk.wait(2 * 3_600 + 60)
    assert desk.state.limits.hour_notional(desk.now_us) == 0
    assert desk.trade() is None
    desk.wait(2 * DAY_S)
    assert (desk.state.limits.notional_today(desk.now_us), desk.state.limits.pnl_today(desk.now_us)) == (D(0), D(0))


def test_minutes_ahead_crowd_out_no_real_ones() -> None:
    """Many hedges a year ahead, then set right: the hour's limit holds as ever."""
    desk = Desk(rules(notional_per_hour=D(20_000)))
    set_clock(desk, YEAR_S)
    for _ in range(130):
        assert desk.trade(size="0.001") is None
        desk.wait(61)
    set_clock(desk, -YEAR_S)
    for _ in range(4):
        assert desk.trade() is None
        desk.wait(8)
    assert desk.trade() is Refusal.NOTIONAL_HOUR
    assert desk.state.limits.hour_notional(desk.now_us) == 130 * 60 + 4 * 3_000


@pytest.mark.parametrize("back_s", [3_600, 12 * 3_600 + 60, 23 * 3_600, 2 * DAY_S, YEAR_S])
def test_set_back_and_right_again_the_days_loss_stays(back_s: int) -> None:
    """By hours, over midnight or not: what was lost before and meanwhile is today's."""
    desk = Desk(rules(daily_loss=D(100)))
    assert desk.trade("-60") is None
    set_clock(desk, -back_s, venue_known=False)
    assert desk.state.limits.pnl_today(desk.now_us) == -60
    set_clock(desk, back_s, venue_known=False)
    assert desk.trade("-40") is None
    assert desk.trade() is Refusal.LIMIT_REACHED


def test_a_clock_that_jumps_on_and_on_is_bounded() -> None:
    """Days are few; the oldest count with the next, so that the true day has them all."""
    desk = Desk(rules())
    for _ in range(30):
        set_clock(desk, DAY_S)
        assert desk.trade("-1") is None
    memory = desk.state.limits
    assert (len(memory.day_notional), len(memory.day_pnl)) == (KEPT_DAYS, KEPT_DAYS)
    assert (memory.notional_today(desk.limits.now_us), memory.pnl_today(desk.limits.now_us)) == (D(90_000), D(-30))
    assert (
        memory.notional_today(desk.now_us // DAY_US * DAY_US),
        memory.pnl_today(desk.now_us // DAY_US * DAY_US),
    ) == (D(3_000), D(-1))


@pytest.mark.parametrize("back_s", [12 * 3_600, 2 * DAY_S, YEAR_S])
def test_a_process_that_starts_with_an_old_clock_forgets_nothing(back_s: int) -> None:
    """A machine boots with its clock behind, writes that it started and is set right: every limit is as it was, also
    one with a window of ten hours, and also when the venue's clock is seen meanwhile.
    """
    wide = rules(
        daily_loss=D(100), equity_loss=D(100), max_hedges=1, hedges_window_s=D(36_000), notional_per_day=D(3_001),
        notional_per_hour=D(4_000), orders_per_minute=3, cancels_per_minute=1, duplicate_s=D(600),
    )  # fmt: skip
    desk = Desk(wide)
    statement(desk, "10", "100000", "99910")
    assert desk.trade("-90") is None
    desk.emit(CancelIntended(f"{KEY}-000001", "test", desk.now_us))
    before = asdict(desk.state.limits)
    set_clock(desk, -back_s)
    desk.emit(Started("test", ROUTE.instruments, desk.now_us))
    desk.limits.clock_seen()
    assert desk.state.limits.pnl_today(desk.now_us) == -90
    set_clock(desk, back_s)
    agree(desk)
    for each in (desk, desk.reopened()):
        assert asdict(each.state.limits) == before
        assert each.limits.equity_loss() == 90
        assert each.limits.blocked() is Refusal.NOTIONAL_DAY
        assert each.limits.refusal(each.decision()) is Refusal.REDUCING


def test_a_loss_that_is_written_by_a_clock_set_back_is_lost_today() -> None:
    """A hedge settles while the clock is two days behind for a moment; a gain of that moment makes up for nothing."""
    desk = Desk(rules(daily_loss=D(100)))
    assert desk.open() is None
    set_clock(desk, -2 * DAY_S, venue_known=False)
    desk.settle("-60")
    set_clock(desk, 2 * DAY_S, venue_known=False)
    assert desk.state.limits.pnl_today(desk.now_us) == -60
    assert desk.open() is None
    set_clock(desk, -2 * DAY_S, venue_known=False)
    desk.settle("30")
    set_clock(desk, 2 * DAY_S, venue_known=False)
    assert desk.trade("-40") is None
    assert desk.trade() is Refusal.LIMIT_REACHED


def test_what_comes_after_in_the_journal_hides_nothing_before_it() -> None:
    """A few orders by a clock that was behind do not stand between the rate and what was ordered just before."""
    desk = Desk(rules(orders_per_minute=4))
    assert desk.trade() is None
    assert desk.trade() is None
    set_clock(desk, -2 * DAY_S, venue_known=False)
    for number in range(4):
        desk.emit(CancelIntended(f"{KEY}-000001", "test", desk.now_us + number))
    assert desk.open() is Refusal.ORDER_RATE
    desk.emit(desk.decision())
    desk.emit(OrderIntended(desk.terms(desk.state.open_hedge_id or "", Side.BUY, "btcusd"), desk.now_us))
    set_clock(desk, 2 * DAY_S, venue_known=False)
    assert desk.limits.blocked() is Refusal.ORDER_RATE


@pytest.mark.parametrize("offset_s", [-YEAR_S, -60, 60, YEAR_S])
def test_neither_clock_alone_is_believed(offset_s: int) -> None:
    """While our clock and the venue's differ nothing is re-dated, whichever of them is wrong."""
    desk = Desk(rules(daily_loss=D(100)))
    set_clock(desk, YEAR_S, venue_known=False)
    assert desk.trade("-90") is None
    set_clock(desk, -YEAR_S, venue_known=False)
    desk.core.venue_offset_ms = offset_s * 1000
    desk.limits.clock_seen()
    assert desk.state.limits.day_pnl == {(desk.now_us + YEAR_S * SECOND_US) // DAY_US: D(-90)}
    agree(desk)
    assert desk.state.limits.day_pnl == {desk.now_us // DAY_US + 1: D(-90)}


def test_the_engine_dates_anew_with_the_venues_clock() -> None:
    """The venue's clock reaches the limits, once: what is right now stays as it is."""
    rig = Rig().ready()
    rig.engine.core.emit(CancelIntended("x", "test", rig.at.utc_us + YEAR_S * SECOND_US))
    for _ in range(2):
        rig.step(ev.VenueClockSeen(200))
    assert len(rig.all(ClockAgreed)) == 1
    assert rig.state.limits.cancelled_us == [rig.at.utc_us + 3_600 * SECOND_US]
    rig.check()
