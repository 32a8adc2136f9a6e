"""What it costs to be watched: the telemetry's task with an agent and a scraper, while nothing is traded."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal

from arbbot.bench.measure import quiet_collector
from arbbot.domain.events import Moment
from arbbot.domain.mode import Mode
from arbbot.domain.signals import Pulse
from arbbot.telemetry.address import parse_agent
from arbbot.telemetry.exposition import OPENMETRICS, Exposition
from arbbot.telemetry.fold import Telemetry
from arbbot.telemetry.logging import Identity, build_logger
from arbbot.telemetry.manifest import MANIFEST, MetricType
from arbbot.telemetry.metrics import Metrics
from arbbot.telemetry.redact import Redactor
from arbbot.telemetry.sink import LineSink

IDENTITY = Identity("arbbot", "bench", "0", "bitstamp", "paper", "bench")
SCRAPE_EVERY_S = 15
"""As in deploy/grafana/prometheus.yml."""
SERIES = ("a", "b", "c", "d")
"""Values of each tag: as many series as a daemon of one route has, and some more."""
PULSE = Pulse(Decimal(0), Decimal(0), 0, 0, Decimal(0), (), Mode.ACTIVE, (("btcusd", 120),), ())


@dataclass(frozen=True, slots=True)
class Watched:
    """CPU time of the loop's thread."""

    idle_share: float
    """Of one core, with a pulse a second to an agent on this machine."""
    scrape_ms: float
    """One text of every declared metric."""

    @property
    def share(self) -> float:
        """Of one core, scraper included."""
        return self.idle_share + self.scrape_ms / 1000 / SCRAPE_EVERY_S


def watched(seconds: int, scrapes: int) -> Watched:
    """Measure for so long. Wants a second at least."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as agent, quiet_collector():
        agent.bind(("127.0.0.1", 0))
        return asyncio.run(_watched(f"127.0.0.1:{agent.getsockname()[1]}", seconds, scrapes))


async def _watched(agent: str, seconds: int, scrapes: int) -> Watched:
    redactor = Redactor()
    exposition = Exposition(IDENTITY.tags())
    metrics = Metrics(parse_agent(agent), IDENTITY.tags(), redactor, exposition)
    _emit_everything(metrics)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    sink = LineSink(nowhere)
    telemetry = Telemetry(build_logger(sink, IDENTITY, redactor), sink, metrics)
    scrape_ms = float("inf")
    for _ in range(scrapes):
        started = time.thread_time_ns()
        await exposition.text(OPENMETRICS)
        scrape_ms = min(scrape_ms, (time.thread_time_ns() - started) / 1e6)
    running = asyncio.create_task(telemetry.run())
    began_s, used_s = time.monotonic(), time.thread_time()
    for second in range(seconds):
        telemetry.fold([PULSE], Moment(second * 1_000_000_000, second * 1_000_000))
        await asyncio.sleep(1)
    share = (time.thread_time() - used_s) / (time.monotonic() - began_s)
    running.cancel()
    await asyncio.wait([running])
    telemetry.close()
    os.close(nowhere)
    return Watched(share, scrape_ms)


def _emit_everything(metrics: Metrics) -> None:
    """Every declared metric, for each value of its tags."""
    emit = {
        MetricType.COUNT: lambda name, tags: metrics.count(name, 1, **tags),
        MetricType.GAUGE: lambda name, tags: metrics.gauge(name, 1.0, **tags),
        MetricType.DISTRIBUTION: lambda name, tags: metrics.distribution(name, 1.0, **tags),
        MetricType.SERVICE_CHECK: lambda name, tags: metrics.service_check(name, 0),
    }
    for metric in MANIFEST.values():
        for value in SERIES:
            emit[metric.type](metric.name, dict.fromkeys(metric.tags, value))
