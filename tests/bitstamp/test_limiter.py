"""The rate budget."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbbot.bitstamp.limiter import VENUE_WINDOWS, Backoff, Lane, Limiter, Window


@given(
    st.lists(st.tuples(st.floats(0, 3), st.sampled_from(Lane)), max_size=120),
    st.lists(st.builds(Window, st.integers(1, 20), st.floats(0.5, 20)), min_size=1, max_size=3),
)
def test_no_window_is_ever_exceeded(steps: list[tuple[float, Lane]], windows: list[Window]) -> None:
    """However requests come, none of the windows ever holds more than its count."""
    limiter = Limiter(Random(1), windows)
    now, granted = 0.0, []
    for pause, lane in steps:
        now += pause
        if limiter.acquire(lane, now) == 0:
            granted.append(now)
    for window in windows:
        for start in granted:
            assert sum(start <= at < start + window.seconds for at in granted) <= window.count
    assert limiter.requests == len(granted)


def test_the_default_budget_is_the_venue_s() -> None:
    """400 a second and 10,000 in ten minutes unless set otherwise; 800 in 10 s is a setting like any other."""
    assert list(VENUE_WINDOWS) == [Window(400, 1.0), Window(10_000, 600.0)]
    limiter = Limiter(Random(1), [Window(800, 10.0)])
    assert all(limiter.acquire(Lane.CANCEL, 0.0) == 0 for _ in range(800))
    assert limiter.acquire(Lane.CANCEL, 9.0) == pytest.approx(1.0)
    assert limiter.acquire(Lane.CANCEL, 10.0) == 0


def test_questions_never_starve_orders_nor_orders_cancels() -> None:
    """Questions leave a quarter of each window, orders a twentieth: a cancel always finds room."""
    limiter = Limiter(Random(1), [Window(100, 10.0)])
    while limiter.acquire(Lane.ASK, 0.0) == 0:
        pass
    assert limiter.requests == 75
    while limiter.acquire(Lane.ORDER, 0.0) == 0:
        pass
    assert limiter.requests == 95
    assert all(limiter.acquire(Lane.CANCEL, 0.0) == 0 for _ in range(5))
    assert limiter.acquire(Lane.CANCEL, 0.0) == pytest.approx(10.0)


@pytest.mark.parametrize("count", range(2, 20))
def test_small_windows_keep_room_for_a_cancel_too(count: int) -> None:
    """However few requests a window holds, orders and questions leave at least one of them to cancels."""
    for lane in (Lane.ASK, Lane.ORDER):
        limiter = Limiter(Random(1), [Window(count, 10.0)])
        while limiter.acquire(lane, 0.0) == 0:
            pass
        assert limiter.acquire(Lane.CANCEL, 0.0) == 0


def test_waiting_as_told_is_enough() -> None:
    """After the seconds named, the request is granted."""
    limiter = Limiter(Random(1), [Window(3, 1.0), Window(5, 4.0)])
    now = 0.0
    for _ in range(30):
        waits = 0
        while (wait_s := limiter.acquire(Lane.ASK, now)) > 0:
            now += wait_s
            waits += 1
            assert waits < 4


def test_rate_limit_answers_pause_longer_and_longer_but_not_cancels() -> None:
    """Pauses double up to a cap, with jitter from a seeded source, and begin small again after a good answer."""
    limiter = Limiter(Random(7), backoff=Backoff(first_s=1.0, cap_s=8.0, jitter=0.5))
    pauses = []
    now = 0.0
    for _ in range(6):
        limiter.limited(now, sent_s=now)
        pauses.append(limiter.acquire(Lane.ORDER, now))
        assert limiter.acquire(Lane.CANCEL, now) == 0
        now += 100.0
    for pause, full in zip(pauses, [1, 2, 4, 8, 8, 8], strict=True):
        assert full / 2 <= pause <= full
    limiter.answered(sent_s=now)
    limiter.limited(now, sent_s=now)
    assert limiter.acquire(Lane.ASK, now) <= 1.0
    assert limiter.hits == 7
    assert limiter.hit_ratio == 7 / limiter.requests


def test_what_was_sent_before_a_pause_makes_it_neither_longer_nor_shorter() -> None:
    """Many requests on the way at once, all refused, are one occasion; a good answer among them does not end it."""
    limiter = Limiter(Random(7), backoff=Backoff(first_s=1.0, cap_s=8.0, jitter=0.0))
    for answered_s in (10.0, 10.1, 10.2):
        limiter.limited(answered_s, sent_s=9.9)
    assert limiter.acquire(Lane.ASK, 10.2) == pytest.approx(0.8)
    assert limiter.hits == 3
    limiter.answered(sent_s=9.9)
    limiter.limited(12.0, sent_s=11.5)
    assert limiter.acquire(Lane.ASK, 12.0) == pytest.approx(2.0)


def test_the_ratio_of_nothing_is_zero() -> None:
    """Before the first request there is no ratio to speak of."""
    assert Limiter(Random(1)).hit_ratio == 0


@pytest.mark.parametrize(("count", "seconds"), [(0, 1.0), (1, 0.0), (-1, 5.0)])
def test_windows_that_allow_nothing_are_refused(count: int, seconds: float) -> None:
    """A window must have a positive count and length."""
    with pytest.raises(ValueError, match="positive"):
        Window(count, seconds)
