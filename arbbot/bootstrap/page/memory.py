"""What the page remembers of records. It takes note at once, and folds only when somebody asks."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from arbbot.bootstrap.page.daybook import Daybook
from arbbot.bootstrap.page.hedge_rows import HedgeRows
from arbbot.bootstrap.page.notes import Notes
from arbbot.domain import records as r
from arbbot.domain.events import Moment
from arbbot.ports import Telemetry

ROWS = 50
WAITING_MAX = 10_000
"""Records that may wait for the sampling of every second. More wait only when that has died, which is told; then the
oldest go: nothing of the page may break at the door through which trading goes.
"""


class Memory:
    """Takes the journal at the start, then listens to what goes to the telemetry."""

    def __init__(self) -> None:
        self.rows, self.days, self.notes = HedgeRows(ROWS), Daybook(), Notes()
        self.durable = 0
        """Another whenever a record was folded that is in the journal."""
        self.behind: Telemetry | None = None
        """What it passes records on to."""
        self._waiting: deque[r.Record] = deque(maxlen=WAITING_MAX)

    @property
    def version(self) -> int:
        """Another whenever a hedge has changed, or the days began anew."""
        return self.rows.version + self.days.beginnings

    def fold(self, records: Sequence[r.Record], at: Moment) -> None:
        """See `Telemetry.fold`."""
        if self.behind is not None:
            self.behind.fold(records, at)
        self._waiting.extend(records)

    def catch_up(self) -> None:
        """Fold what has come since; asked once a second at least."""
        while self._waiting:
            self.take(self._waiting.popleft())

    def take(self, record: r.Record) -> None:
        """Fold one record now."""
        self.durable += r.is_durable(record)
        for fold in (self.rows, self.days, self.notes):
            fold.take(record)
