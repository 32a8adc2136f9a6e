"""What it costs to be watched: records as lines and metrics, the look at the gauges, an agent and a scraper."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random

from arbbot.bench import markets
from arbbot.bench.bed import START, Bed
from arbbot.bench.bookkeeping import a_decision
from arbbot.bench.measure import quiet_collector
from arbbot.bitstamp.limiter import Limiter
from arbbot.bitstamp.rest import BitstampGateway, RestSettings
from arbbot.bootstrap.gauges import EVERY_S, Gauges, Places
from arbbot.domain.events import Moment
from arbbot.domain.mode import Mode
from arbbot.domain.signals import Pulse
from arbbot.runtime.clock import SystemClock
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

    task_share: float
    """Of one core, with a pulse and a hedge's records a second, to an agent on this machine and a log."""
    gauges_ms: float
    """One look at every gauge."""
    scrape_ms: float
    """One text of every declared metric."""

    @property
    def share(self) -> float:
        """Of one core, gauges and scraper included."""
        return self.task_share + self.gauges_ms / 1000 / EVERY_S + self.scrape_ms / 1000 / SCRAPE_EVERY_S


def watched(seconds: int, looks: int) -> Watched:
    """Measure for so long, and the fastest of so many looks and scrapes. Wants a second at least."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as agent, quiet_collector():
        agent.bind(("127.0.0.1", 0))
        return asyncio.run(_watched(f"127.0.0.1:{agent.getsockname()[1]}", seconds, looks))


async def _watched(agent: str, seconds: int, looks: int) -> Watched:
    redactor = Redactor()
    exposition = Exposition(IDENTITY.tags())
    metrics = Metrics(parse_agent(agent), IDENTITY.tags(), redactor, exposition)
    _emit_everything(metrics)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    sink = LineSink(nowhere)
    telemetry = Telemetry(build_logger(sink, IDENTITY, redactor), sink, metrics)
    gauges = _gauges(metrics)

    async def look() -> None:
        gauges.tell()

    gauges_ms = await _fastest_ms(look, looks)
    scrape_ms = await _fastest_ms(lambda: exposition.text(OPENMETRICS), looks)
    hedge = a_decision().records
    running = asyncio.create_task(telemetry.run())
    began_s, used_s = time.monotonic(), time.thread_time()
    for second in range(seconds):
        telemetry.fold([PULSE, *hedge], Moment(second * 1_000_000_000, second * 1_000_000))
        await asyncio.sleep(1)
    share = (time.thread_time() - used_s) / (time.monotonic() - began_s)
    running.cancel()
    await asyncio.wait([running])
    telemetry.close()
    os.close(nowhere)
    return Watched(share, gauges_ms, scrape_ms)


async def _fastest_ms(work: Callable[[], Awaitable[object]], rounds: int) -> float:
    """CPU time of the fastest round: a busy neighbour can only make one slower."""
    fastest = float("inf")
    for _ in range(rounds):
        started = time.thread_time_ns()
        await work()
        fastest = min(fastest, (time.thread_time_ns() - started) / 1e6)
    return fastest


def _gauges(metrics: Metrics) -> Gauges:
    """As a daemon has them, of one that is ready to trade and has asked its venue a thousand times."""
    clock = SystemClock()
    gateway = BitstampGateway(RestSettings("http://127.0.0.1:9"), clock, Limiter(Random(1)))  # noqa: S311 - for pauses
    gateway.round_trips_ns.extend(range(1_000_000, 1_001_000))
    here = Path(__file__)
    return Gauges(metrics, Places(Bed(markets.books(markets.SHAPES)).engine, gateway, clock, here, here.parent, START))


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
