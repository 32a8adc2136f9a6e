"""The life of many days in the test run: its first hour, and that what grows is found."""

from __future__ import annotations

from collections import Counter, deque
from functools import partial
from typing import Any

import pytest

from arbbot.telemetry.fold import Telemetry
from tests.shell import week
from tests.shell.command import pool
from tests.shell.test_shell import PLAYTIME_S
from tests.shell.week import Day, judged, live
from tests.shell.weigh import lengths

PART = 0.02
"""Of a day: half a virtual hour."""


def _lived(days: float) -> dict[str, Any]:
    """Played in a process of its own; what the test looks at."""
    found = live(days, 3, lambda _: None)
    (day,) = found.lived
    return {"problems": found.problems, "code": found.code, "hedges": day.hedges, "peaks": day.peaks}


@pytest.mark.timeout(PLAYTIME_S)
def test_a_long_life_begins_well() -> None:
    """Within the first part of a day there are hedges, and the containers, tasks and connections of the whole daemon
    are seen; it stops flat, with code 0.
    """
    with pool(1) as worker:
        found = worker.apply(partial(_lived, PART))
    assert (found["problems"], found["code"]) == ([], 0)
    assert found["hedges"] > 2
    assert found["peaks"][week.STATE + "hedges"] == found["hedges"]
    gone = {name for name in week.BOUNDS if not name.endswith("[]")} - found["peaks"].keys()
    assert not gone, "a bound of what is no longer kept there"
    for name in (
        "tasks",
        "connections",
        "_in_flight",
        "_backlog",
        "days.curve",
        "limiter._sent[]",
        "Series.run.self._written",
    ):
        assert any(path.endswith(name) for path in found["peaks"]), f"{name} was not seen"


def _day(held: int, resident_mb: float, **more: int) -> Day:
    sizes = [resident_mb + hour / 24 * more.get("a_day_mb", 0) for hour in range(24)]
    return Day(peaks=Counter({"daemon.kept": held, week.STATE + "hedges": more.get("hedges", 400)}), resident_mb=sizes)


def test_what_grows_is_found() -> None:
    """A container that holds more than on the first day, one beyond the daemon's own bound, and memory that grows by
    more than so much a day are told; what is full, or as large as before, is not.
    """
    steady = [_day(100, 120.0, hedges=300 + 40 * number) for number in range(5)]
    assert judged(steady) == []
    assert judged([*steady, _day(200, 120.0)]) == ["L7: daemon.kept holds 200, its bound is 125"]
    assert judged([*steady, _day(100, 120.0, hedges=502)]) == [f"L7: {week.STATE}hedges holds 502, its bound is 501"]
    grown = judged([_day(100, 120.0 + 9 * number, a_day_mb=9) for number in range(5)])
    assert grown == [f"L7: it grows by 9.00 MB a day, more than {week.GROWTH_MB_A_DAY_MAX}"]


def test_containers_are_found_wherever_they_are() -> None:
    """The length of a container within the project's objects, and the sum of those within a container; whatever is
    reached twice counts once, and what is of other programs is left alone.
    """
    batches: deque[Any] = deque([([1, 2], {3}), ([4],)])
    telemetry = Telemetry.__new__(Telemetry)
    telemetry._backlog = batches
    found = lengths({"one": telemetry, "two": batches, "other": Counter})
    assert found == Counter({"one._backlog": 2, "one._backlog[][]": 4})
