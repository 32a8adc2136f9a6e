"""A daemon for the page to look at: the real engine, journal and page source, on a venue played in virtual time."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from decimal import Decimal
from itertools import count
from pathlib import Path
from random import Random

from arbbot.bitstamp.limiter import Limiter
from arbbot.bitstamp.rest import BitstampGateway, RestSettings
from arbbot.bootstrap.page.memory import Memory
from arbbot.bootstrap.page.series import Series
from arbbot.bootstrap.page.source import PageSource, Parts
from arbbot.bootstrap.radar.live import seen
from arbbot.domain.events import Event, Moment
from arbbot.domain.records import Record
from arbbot.journal.sqlite import Identity, open_journal
from arbbot.research.radar import Radar
from arbbot.runtime.answers import Run
from arbbot.telemetry.alerts import Alerts, Answer, Choice, Message
from arbbot.telemetry.fold import Telemetry
from arbbot.telemetry.logging import Identity as LogIdentity
from arbbot.telemetry.logging import build_logger
from arbbot.telemetry.metrics import Metrics
from arbbot.telemetry.redact import Redactor
from arbbot.telemetry.sink import LineSink
from tests.engine.rig import KEY, ROUTE, Rig

NOWHERE = "http://127.0.0.1:9"
_numbers = count()


class PlayedDaemon:
    """One process of the daemon; also its clock."""

    def __init__(
        self, rig: Rig, folder: Path, *, mode: str = "sandbox", demo: bool = False, radar: Radar | None = None
    ) -> None:
        self.rig = rig
        self.pace_s = Decimal(0)
        """How far its time goes on each time that it is looked at."""
        self.still: str | None = None
        """What of it does not move."""
        self._told = 0
        self._journaled = 0
        self._journal = open_journal(
            folder / "journal.db", Identity(mode, "venue", "somebody", ROUTE.name), sync_full=False
        )
        self._journal.key = KEY
        self._memory = Memory()
        gateway = BitstampGateway(RestSettings(NOWHERE), self, Limiter(Random(1)))
        chance = Random(7)
        gateway.round_trips_ns.extend(int(chance.lognormvariate(3.2, 0.3) * 1e6) for _ in range(200))
        gateway.limiter.requests = 4_182
        self.alerts = Alerts(Choice(), _refuse, Random(1))
        """To a webhook that is gone; nobody sends them of themselves."""
        telemetry = _quiet_telemetry(self.alerts)
        telemetry.loop_lags_ms.extend([0.4, 1.3, 0.9])
        number = next(_numbers)
        self.version = f"0.9.{number}"
        """Another for each, so that a person, or a test, sees which one the page shows."""
        self._memory.rows.version = 1_000 * number
        run = Run.begin(rig.engine, mode, self.version, rig.at)
        parts = Parts(
            rig.engine, run, self, self._journal, gateway, telemetry, None, folder, demo, self._deliver,
            lambda _: self.still, None if radar is None else lambda: seen(radar, 3),
        )  # fmt: skip
        self._series: Series | None = None
        self.source = PageSource(parts, self._memory)
        self.source.series_kept = self._series = Series(self.source.series_kept._sample)
        self.source.page_figures = lambda: {"clients": 1, "refused": {}}

    # --- its time ------------------------------------------------------------------------------------------

    def now(self) -> Moment:
        """See `Clock.now`."""
        return self.rig.at

    async def sleep(self, seconds: float) -> None:
        """See `Clock.sleep`."""
        await asyncio.sleep(seconds)

    def live(self, seconds: Decimal | int | str) -> None:
        """Let time pass, and tell what came of it."""
        if Decimal(seconds) and self.rig.exit is None:
            self.rig.run(seconds)
        self.catch_up()

    def sample(self) -> None:
        """One more point of the charts."""
        self.catch_up()
        assert self._series is not None
        self._series.take()

    def catch_up(self) -> None:
        """Fold and journal what the engine has said since."""
        self._memory.fold(self.rig.records[self._told :], self.rig.at)
        self._told = len(self.rig.records)
        self._journal.append(self.rig.journal[self._journaled :])
        self._journaled = len(self.rig.journal)

    def close(self) -> None:
        """Let go of the journal."""
        self._journal.close()

    def _deliver(self, event: Event, _: Moment) -> Sequence[Record]:
        records = self.rig.step(event).records
        self.catch_up()
        return records


async def _refuse(messages: Sequence[Message], dropped: int) -> Answer:
    return Answer("refused", why="status 404")


def _quiet_telemetry(alerts: Alerts) -> Telemetry:
    """The real thing, its lines into nothing and its metrics to no agent."""
    sink = LineSink(os.open(os.devnull, os.O_WRONLY))
    identity = LogIdentity("arbbot", "test", "0", "bitstamp", "sandbox", ROUTE.name)
    redactor = Redactor()
    metrics = Metrics(None, identity.tags(), redactor)
    return Telemetry(build_logger(sink, identity, redactor), sink, metrics, alerts=alerts)
