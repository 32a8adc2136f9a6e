"""What a person would want to have heard, newest first: alerts (of trips and changes of state too), starts, stops."""

from __future__ import annotations

from collections import deque
from typing import Any

from arbbot.domain import records as r
from arbbot.domain.life import Started, Stopped
from arbbot.domain.mode import Severity
from arbbot.domain.rebase import RebaseAsked
from arbbot.domain.signals import FeedChanged

KEPT = 30


class Notes:
    """The fold."""

    def __init__(self) -> None:
        self._kept: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.mode_since_us: int | None = None
        """When the present state began, where the journal tells."""
        self._connections = 0

    def take(self, record: r.Record) -> None:
        """One record, in the journal's order."""
        match record:
            case r.AlertRaised():
                self._note(record.utc_us, record.severity, record.name, record.text)
            case r.ModeChanged():
                self.mode_since_us = record.utc_us  # its words are in an alert
            case RebaseAsked():
                self._note(record.utc_us, Severity.NOTICE, "rebase_asked", f"by {record.who}: {record.reason}")
            case FeedChanged(state="up"):
                self._connections += 1
            case Started():
                self._note(record.utc_us, Severity.NOTICE, "started", f"version {record.version}")
            case Stopped():
                severity = Severity.WARNING if record.code else Severity.NOTICE
                self._note(record.utc_us, severity, "stopped", f"exit code {record.code}: {record.reason}")

    @property
    def reconnects(self) -> int:
        """How often the feed came back, in this process."""
        return max(0, self._connections - 1)

    def newest_first(self) -> list[dict[str, Any]]:
        """The last ones."""
        return list(reversed(self._kept))

    def _note(self, utc_us: int, severity: Severity, name: str, text: str) -> None:
        self._kept.append({"utc_us": utc_us, "severity": severity.value, "name": name, "text": text})
