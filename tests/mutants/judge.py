"""The simulation's judge, and one promise more: what the venue has shown for long is booked, however a life ended."""

from __future__ import annotations

from tests.sim.checker import Checker

READ_ENDS = (0, 22)
"""Exit codes of processes that could read the account to the last: in order, and not flat."""
LONG_US = 30_000_000


class Strict(Checker):
    """A daemon that stands still and says so may not have stopped reading."""

    _calm = False
    """Faults stopped, and there was time to read everything."""

    def settled(self, now_us: int, *, feed_up: bool) -> None:
        """Faults stopped long ago."""
        self._calm = True
        super().settled(now_us, feed_up=feed_up)

    def finish(self, now_us: int, lag_us: int) -> None:
        """L6 where the life did not end with zero, too: the checker itself asks for it there only."""
        super().finish(now_us, lag_us)
        fold = self.fold
        if self.violations or not self._calm or fold.stopped is None or fold.stopped["code"] not in READ_ENDS:
            return
        for row in self.truth.rows():
            if row.row_id > fold.cursor and row.row_id not in fold.rows and row.at_us < now_us - lag_us - LONG_US:
                self.fail("L6", f"row {row.row_id} of type {row.row_type} was never booked")
