"""S9: the venue's rate budget is kept, and a cancel never waits for a question."""

from __future__ import annotations

from tests.mutants.grounds import LIMITED, TIGHT
from tests.mutants.mutant import mutant

MUTANTS = (
    mutant(
        "S9", "budget-one-over", "one request more than a window allows",
        ("bitstamp/limiter.py", "            if len(sent) >= allowed:\n", "            if len(sent) > allowed:\n"),
        hunted=TIGHT,
    ),
    mutant(
        "S9", "no-room-for-cancels", "questions may use up the whole budget",
        ("bitstamp/limiter.py",
         "    return max(1, int(window.count * lane.value)) if lane.value else 0", "    return 0"),
        hunted=TIGHT,
    ),
    mutant(
        "S9", "cancels-wait-like-questions", "a cancel shares the budget of the questions and waits out their pauses",
        ("bitstamp/limiter.py", "wait = 0.0 if lane is Lane.CANCEL else max(0.0, self._paused_until - now_s)",
         "lane, wait = Lane.ASK, max(0.0, self._paused_until - now_s)"),
        hunted=LIMITED,
    ),
    mutant(
        "S9", "window-half-as-long", "requests are forgotten too soon",
        ("bitstamp/limiter.py", "            horizon = now_s - seconds\n",
         "            horizon = now_s - seconds / 2\n"),
        hunted=TIGHT,
    ),
)  # fmt: skip
