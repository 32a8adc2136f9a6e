"""A life in which the daemon's journal is put back to a copy of before a settlement, beside a treasury that remembers.

Profit is made, the daemon is paused and copied, the profit leaves; then the machine is lost, the copy is started, and a
person resumes it. What such a daemon trades is nobody's promise, so it trades no more, and only what leaves is judged.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from arbbot.domain import events as ev
from tests.mutants.grounds import EARNING
from tests.sim.checker import Checker, Violation
from tests.sim.clockwork import MS, SECOND
from tests.sim.draw import draw
from tests.sim.journal import Memory
from tests.sim.life import Life
from tests.sim.people import ANN, tell
from tests.sim.plan import Plan, Quote

EDGES_MS = (5_000, 12_000, 19_000)
PAUSED_MS, LOST_MS, RESUMED_MS = 32_000, 90_000, (140_000, 150_000)
SETTLES_MS = (50_000, 60_000, 160_000, 170_000, 180_000)
"""Two before the machine is lost, three after."""
PLENTY = Decimal(5_000)
"""Of caps that keep nothing back: else the day's cap alone would hide what is paid twice."""
JUDGED = ("T1", "T2", "T3", "bug")


class LeavingOnly(Checker):
    """Judges what leaves the account; the journal that was put back fits nothing else any more."""

    @property
    def violations(self) -> list[Violation]:
        """Of these promises."""
        return [each for each in super().violations if each.invariant in JUDGED]

    @property
    def full(self) -> bool:
        """It looks on to the end."""
        return False


def plan_of(seed: int) -> Plan:
    """Edges at first, then quiet; nothing else befalls it."""
    quotes = tuple(
        Quote(edge_ms + later_ms, Decimal(60_000), bps, 200)
        for edge_ms in EDGES_MS
        for later_ms, bps in ((0, 90), (3_000, 0))
    )
    earning = {**EARNING, "quotes": quotes, "settlements": SETTLES_MS, "length_ms": 190_000}
    return replace(draw(seed), disturbances=(), sqlite=False, quiet=False, **earning)


class OlderDaemon(Life):
    """Lives it. `rebases`: the person who resumes takes the balances for the opening."""

    def __init__(self, seed: int, *, rebases: bool = False, keep_trace: bool = False) -> None:
        self._lines = Memory()
        super().__init__(plan_of(seed), self._lines, keep_trace=keep_trace, judge=LeavingOnly)
        assert self.treasurer is not None
        self.treasurer.policy = replace(self.treasurer.policy, max_request=PLENTY, max_per_day=PLENTY)
        self._rebases = rebases
        clock = self.world.clock
        clock.at(clock.birth_us + PAUSED_MS * MS, lambda: tell(self, ev.OperatorPaused(ANN, "a backup")))
        clock.at(clock.birth_us + (PAUSED_MS + 1_000) * MS, self._copy)
        clock.at(clock.birth_us + LOST_MS * MS, self._put_back)
        for at_ms in RESUMED_MS:
            clock.at(clock.birth_us + at_ms * MS, self._resume)

    def _copy(self) -> None:
        """Once it stands still."""
        if self.process is None or self._busy():
            self.world.clock.after(SECOND, self._copy)
            return
        self._lines.keep()

    def _put_back(self) -> None:
        if self.process is not None and self.world.alive:
            self.process.die(clean=False)
        self._lines.put_back()

    def _resume(self) -> None:
        tell(self, ev.OperatorResumed(ANN, "rows of a settlement, I know them"))
        if self._rebases:
            tell(self, ev.OperatorRebased(ANN, "the balances are plainly right"))
