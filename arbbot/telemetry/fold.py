"""Records in, log lines and metrics out; later, in a task of its own, and never in the way of trading."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from structlog.typing import FilteringBoundLogger

from arbbot.domain.events import Moment
from arbbot.domain.records import Record
from arbbot.telemetry.alerts import Alerts
from arbbot.telemetry.lines import LINES, Line, ids_of, level_of, text_of
from arbbot.telemetry.measures import Measures
from arbbot.telemetry.metrics import Metrics
from arbbot.telemetry.sink import LineSink

BACKLOG_MAX = 10_000
"""Batches of records kept while the task is behind."""

EVERY_S = 0.05
TELL_EVERY_S = 1.0
"""What need not be known at once: how late the loop is, what was lost, and the metrics' packets."""
LAG_WINDOW_S = 10
SLICE = 5
"""Batches folded before the loop gets its turn again."""

CLOSE_TIMEOUT_S = 1.0


class Telemetry:
    """The one place that logs and measures trading. `fold` only takes note; `run` does the work."""

    def __init__(
        self,
        logger: FilteringBoundLogger,
        sink: LineSink,
        metrics: Metrics,
        backlog_max: int = BACKLOG_MAX,
        alerts: Alerts | None = None,
    ) -> None:
        self.dropped = 0
        """Batches of records that came while the backlog was full, and what failed: log, metrics and alerts each tell
        of a record by themselves, and each failure counts."""
        self._logger = logger
        self._sink = sink
        self._metrics = metrics
        self._measures = Measures(metrics)
        self._alerts = alerts
        self._backlog: deque[tuple[tuple[Record, ...], Moment]] = deque()
        self._backlog_max = backlog_max
        self._told: dict[str, int] = {}
        """Of what is counted elsewhere: how much of it the metrics have heard of."""
        self.loop_lags_ms: deque[float] = deque(maxlen=int(LAG_WINDOW_S / EVERY_S))
        """How late this task woke, of the last ten seconds."""
        self._quiet_until_ns: dict[str, int] = {}
        self._swallowed: dict[str, int] = {}

    def fold(self, records: Sequence[Record], at: Moment) -> None:
        """Take note of records, in order. Costs an append; a full backlog drops them, counted."""
        if not records:
            return
        if len(self._backlog) >= self._backlog_max:
            self.dropped += 1
            return
        self._backlog.append((tuple(records), at))

    def alert_figures(self) -> dict[str, Any] | None:
        """How the telling of alerts goes; None where nobody is told any."""
        return None if self._alerts is None else self._alerts.figures()

    async def run(self) -> None:
        """Turn records into lines and metrics until cancelled. `close` finishes what is still noted then."""
        loop = asyncio.get_running_loop()
        tell_due, worst_ms = loop.time(), 0.0
        while True:
            due = loop.time() + EVERY_S
            await asyncio.sleep(EVERY_S)
            self.loop_lags_ms.append(max(0.0, loop.time() - due) * 1000)
            worst_ms = max(worst_ms, self.loop_lags_ms[-1])
            while self._backlog:
                self._drain(SLICE)
                await asyncio.sleep(0)
            self._try(self._sink.flush)
            if loop.time() >= tell_due:
                self._try(partial(self._metrics.distribution, "loop.lag_ms", worst_ms))
                tell_due, worst_ms = loop.time() + TELL_EVERY_S, 0.0
                self._try(self._tell_losses)
                self._try(self._metrics.flush)

    def close(self) -> None:
        """The last call: fold the rest and write it out, waiting at most a second for the log's reader."""
        while self._backlog:
            self._drain(SLICE)
        self._try(lambda: self._sink.close(CLOSE_TIMEOUT_S))
        self._try(self._tell_losses)
        self._try(self._metrics.close)

    def _try(self, tell: Callable[[], None]) -> None:
        """One thing of many: if it fails it costs itself, and not what comes after it."""
        try:
            tell()
        except Exception:  # noqa: BLE001 - the edge: what cannot be told must not end the telling
            self.dropped += 1

    def _drain(self, batches: int) -> None:
        for _ in range(min(batches, len(self._backlog))):
            records, at = self._backlog.popleft()
            for record in records:
                self._try(partial(self._measures.take, record, at.mono_ns))
                self._try(partial(self._write, record, at))
                if self._alerts is not None:
                    self._try(partial(self._alerts.take, record, at))

    def _write(self, record: Record, at: Moment) -> None:
        line = LINES[record.kind]
        if line is None:
            return
        swallowed = self._swallowed_before(record.kind, line, at.mono_ns)
        if swallowed is None:
            return
        extra = {"swallowed": swallowed} if swallowed else {}
        self._logger.log(
            level_of(record, line),
            text_of(record, line),
            utc_us=at.utc_us,
            kind=record.kind,
            **ids_of(record),
            **extra,
            record=record,
        )

    def _swallowed_before(self, kind: str, line: Line, at_ns: int) -> int | None:
        """How many lines of this kind were held back since its last; None to hold this one back too."""
        if not line.every_s:
            return 0
        if at_ns < self._quiet_until_ns.get(kind, 0):
            self._swallowed[kind] = self._swallowed.get(kind, 0) + 1
            return None
        self._quiet_until_ns[kind] = at_ns + line.every_s * 1_000_000_000
        return self._swallowed.pop(kind, 0)

    def _tell_losses(self) -> None:
        """What is counted where it is lost, as metrics."""
        losses = {"records": self.dropped, "lines": self._sink.dropped, "packets": self._metrics.packets_lost}
        if self._alerts is not None:
            losses["messages"] = self._alerts.dropped
            for outcome, total in self._alerts.posts.items():
                self._tell_growth("alerts.posts", total, outcome=outcome)
        for what, total in losses.items():
            self._tell_growth("telemetry.dropped", total, what=what)

    def _tell_growth(self, name: str, total: int, **tag: str) -> None:
        """Add to a count what its total has grown by; zero the first time, so that the first loss is seen as a rise."""
        key = " ".join((name, *tag.values()))
        known = self._told.get(key)
        if known != total:
            self._metrics.count(name, total - (known or 0), **tag)
            self._told[key] = total
