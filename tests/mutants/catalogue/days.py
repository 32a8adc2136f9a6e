"""R: a day's limits begin anew at midnight UTC, by the earlier of two clocks, and at no other moment."""

from __future__ import annotations

from tests.mutants.grounds import one_test
from tests.mutants.mutant import mutant
from tests.mutants.nights import AHEAD, LOSSES, LOST_BALANCES, RESTARTS, SPENT

CLOCKS = one_test("tests/engine/test_limits_clock.py")

MUTANTS = (
    mutant(
        "R", "day-that-never-ends", "what was opened yesterday is of today's notional for ever",
        ("engine/limit_memory.py", "_since(self.day_notional, now_us // DAY_US)", "_since(self.day_notional, 0)"),
        hunted=SPENT,
    ),
    mutant(
        "R", "loss-of-yesterday", "what was lost yesterday trips today's limit",
        ("engine/limit_memory.py", "_since(self.day_pnl, now_us // DAY_US)", "_since(self.day_pnl, 0)"),
        hunted=LOSSES,
    ),
    mutant(
        "R", "equity-since-ever", "what the balances had lost before midnight is lost today",
        ("engine/limit_memory.py", "        if day > max(self.openings, default=0):\n",
         "        if not self.openings:\n"),
        hunted=LOST_BALANCES,
    ),
    mutant(
        "R", "equity-since-the-last-statement", "each statement begins the day anew",
        ("engine/limit_memory.py", "        if day > max(self.openings, default=0):\n",
         "        if day >= max(self.openings, default=0):\n"),
        hunted=LOST_BALANCES,
    ),
    mutant(
        "R", "day-by-the-later-clock", "the day begins anew as soon as one of two clocks says so",
        ("engine/limits.py", "return self._core.earliest_us", "return self._core.latest_us"),
        hunted=AHEAD,
    ),
    mutant(
        "R", "day-by-a-clock-just-set", "until the venue's clock is seen again, ours is believed however it was set",
        ("engine/limits.py", "return self._core.earliest_us",
         "return self._core.at.utc_us + min(0, self._core.venue_offset_ms * 1000)"),
        hunted=CLOCKS,
    ),
    mutant(
        "R", "restart-begins-the-day", "each start has all the day's notional before it",
        ("engine/limit_memory.py", "        fold = _FOLDS.get(type(record))\n",
         '        if record.kind == "started":\n            self.day_notional.clear()\n'
         "        fold = _FOLDS.get(type(record))\n"),
        hunted=RESTARTS,
    ),
)  # fmt: skip
