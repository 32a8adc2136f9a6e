"""Metrics of what is no record: read now and then where it lies, in a task beside trading."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from arbbot.bitstamp.limiter import Limiter
from arbbot.bitstamp.rest import BitstampGateway
from arbbot.bootstrap.page.machine import disk_free_bytes, journal_bytes, rest_figures, rss_bytes
from arbbot.domain.events import Moment
from arbbot.domain.money import BPS
from arbbot.engine.step import Engine
from arbbot.ports import Clock
from arbbot.telemetry.metrics import Metrics

EVERY_S = 10.0
RATIO_WINDOW_S = 600
LOOKS = int(RATIO_WINDOW_S / EVERY_S)


@dataclass(frozen=True, slots=True)
class Places:
    """Where the figures lie."""

    engine: Engine
    gateway: BitstampGateway
    clock: Clock
    journal: Path
    state_dir: Path
    started: Moment


class Gauges:
    """Tells them, from one look to the next."""

    def __init__(self, metrics: Metrics, places: Places) -> None:
        self._metrics = metrics
        self._places = places
        self._ratio = HitRatio(places.gateway.limiter)
        self._limits: set[str] = set()
        """Those that could be measured so far."""

    async def run(self) -> None:
        """Tell every ten seconds, until cancelled."""
        while True:
            self.tell()
            await asyncio.sleep(EVERY_S)

    def tell(self) -> None:
        """Everything, as of now."""
        now = self._places.clock.now()
        self._venue(now)
        self._account(now)
        self._limits_used()
        self._machine(now)
        self._metrics.repeat_checks()

    def _venue(self, now: Moment) -> None:
        """How the venue answers, how hard it is asked, and how far its tickers and its clock are from what we see."""
        gauge, core = self._metrics.gauge, self._places.engine.core
        figures = rest_figures(self._places.gateway, now)
        gauge("rest.p50_ms", _number(figures["p50_ms"]))
        gauge("rest.p99_ms", _number(figures["p99_ms"]))
        gauge("rate_limit.used", float(figures["budget_used"]))
        self._metrics.count("rest.requests", self._ratio.look())
        gauge("rate_limit.ratio", self._ratio.ratio)
        difference = self._places.engine.premium.difference
        gauge("premium.difference_bps", None if difference is None else float(difference * BPS))
        gauge("clock.off_ms", None if core.clock_base_us is None else abs(core.venue_offset_ms))

    def _account(self, now: Moment) -> None:
        """How old doubts and the last agreement are, what is one-sided, and what was made."""
        gauge, engine = self._metrics.gauge, self._places.engine
        core, state = engine.core, engine.core.state
        oldest_us = min((order.intended_utc_us for order in state.in_doubt()), default=now.utc_us)
        gauge("orders.in_doubt_age_s", _age_s(oldest_us, now))
        agreed_us = max(filter(None, (state.last_agreed_utc_us, engine.books.agreed_utc_us)), default=None)
        gauge("reconcile.age_s", None if agreed_us is None else _age_s(agreed_us, now))
        low, high = state.exposure()
        middle = core.view.mid(core.route.domestic.symbol)
        one_sided = max(-low, high)
        gauge("exposure.notional", None if middle is None and one_sided else float(one_sided * (middle or 0)))
        gauge("pnl.realised", float(state.realised_pnl))
        gauge("pnl.day", float(state.limits.today(engine.limits.now_us)[1]))

    def _limits_used(self) -> None:
        """How near each hard limit is; one that cannot be measured at present is not told."""
        used = {each.name: float(each.measured / each.limit) for each in self._places.engine.limits.measures()}
        for name in sorted(self._limits | used.keys()):
            self._metrics.gauge("limits.used", used.get(name), limit=name)
        self._limits |= used.keys()

    def _machine(self, now: Moment) -> None:
        gauge, places = self._metrics.gauge, self._places
        gauge("uptime_s", (now.mono_ns - places.started.mono_ns) / 1e9)
        gauge("process.rss_bytes", rss_bytes())
        gauge("journal.bytes", journal_bytes(places.journal))
        gauge("disk.free_bytes", disk_free_bytes(places.state_dir))


class HitRatio:
    """Rate-limit answers per request of the last ten minutes."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._looks: deque[tuple[int, int]] = deque([(0, 0)], maxlen=LOOKS + 1)

    def look(self) -> int:
        """Take note of where the counts stand; returns by how much the requests have grown since the last look."""
        before = self._looks[-1][0]
        self._looks.append((self._limiter.requests, self._limiter.hits))
        return self._limiter.requests - before

    @property
    def ratio(self) -> float:
        """As of the last look; 0 without a request."""
        requests = self._looks[-1][0] - self._looks[0][0]
        return (self._looks[-1][1] - self._looks[0][1]) / requests if requests else 0.0


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _age_s(utc_us: int, now: Moment) -> float:
    return max(0, now.utc_us - utc_us) / 1e6
