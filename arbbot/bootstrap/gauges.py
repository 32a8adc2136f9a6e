"""Metrics of what is no record: read now and then where it lies, in a task beside trading."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from arbbot.bitstamp.limiter import Limiter
from arbbot.bitstamp.rest import BitstampGateway
from arbbot.bootstrap.page.machine import disk_free_bytes, journal_bytes, rest_figures, rss_bytes
from arbbot.bootstrap.terminal import mention
from arbbot.domain.events import Moment
from arbbot.domain.money import BPS
from arbbot.engine.step import Engine
from arbbot.ports import Clock
from arbbot.telemetry.metrics import Metrics

EVERY_S = 10.0
RATIO_WINDOW_S = 600
LOOKS = int(RATIO_WINDOW_S / EVERY_S)

At = TypeVar("At")
Figure = TypeVar("Figure")


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
    """Tells them, from one look to the next. One that cannot be read is not told, and costs nothing else."""

    def __init__(self, metrics: Metrics, places: Places) -> None:
        self._metrics = metrics
        self._places = places
        self._ratio = HitRatio(places.gateway.limiter)
        self._limits: set[str] = set()
        """Those that could be measured so far."""
        self._broken: set[str] = set()
        """What failed so far: each is said once."""
        self._reads: dict[str, Callable[[Moment], float | None]] = {
            "rest.p50_ms": lambda now: _number(rest_figures(places.gateway, now)["p50_ms"]),
            "rest.p99_ms": lambda now: _number(rest_figures(places.gateway, now)["p99_ms"]),
            "rate_limit.used": lambda now: float(rest_figures(places.gateway, now)["budget_used"]),
            "rate_limit.ratio": lambda _: self._ratio.ratio,
            "premium.difference_bps": self._premium_bps,
            "clock.off_ms": self._clock_off_ms,
            "orders.in_doubt_age_s": self._doubt_s,
            "reconcile.age_s": self._unreconciled_s,
            "exposure.notional": self._exposure,
            "pnl.realised": lambda _: float(places.engine.core.state.realised_pnl),
            "pnl.day": lambda _: float(places.engine.core.state.limits.pnl_today(places.engine.limits.now_us)),
            "ramp.weight": lambda _: float(places.engine.ramp.weight),
            "uptime_s": lambda now: (now.mono_ns - places.started.mono_ns) / 1e9,
            "process.rss_bytes": lambda _: rss_bytes(),
            "journal.bytes": lambda _: journal_bytes(places.journal),
            "disk.free_bytes": lambda _: disk_free_bytes(places.state_dir),
        }

    async def run(self) -> None:
        """Tell every ten seconds, until cancelled."""
        self._metrics.count("telemetry.dropped", 0, what="gauges")
        while True:
            self._read("the look at the gauges", lambda _: self.tell(), None)
            await asyncio.sleep(EVERY_S)

    def tell(self) -> None:
        """Everything, as of now."""
        now = self._places.clock.now()
        self._metrics.count("rest.requests", self._read("rest.requests", lambda _: self._ratio.look(), now) or 0)
        for name, read in self._reads.items():
            self._metrics.gauge(name, self._read(name, read, now))
        used = self._read("limits.used", self._limits_used, now) or {}
        for limit in sorted(self._limits | used.keys()):
            self._metrics.gauge("limits.used", used.get(limit), limit=limit)
        self._limits |= used.keys()
        self._metrics.repeat_checks()

    def _read(self, name: str, read: Callable[[At], Figure], at: At) -> Figure | None:
        """The figure; None where it cannot be had, which is counted."""
        try:
            return read(at)
        except Exception as error:  # noqa: BLE001 - the edge: what cannot be read must not end the reading of the rest
            self._metrics.count("telemetry.dropped", what="gauges")
            if name not in self._broken:
                self._broken.add(name)
                mention(f"arbbot: {name} cannot be read: {type(error).__name__}: {' '.join(str(error).split())}")
            return None

    def _premium_bps(self, _: Moment) -> float | None:
        """How far the tickers' premium is from the books'."""
        difference = self._places.engine.premium.difference
        return None if difference is None else float(difference * BPS)

    def _clock_off_ms(self, _: Moment) -> float | None:
        core = self._places.engine.core
        return None if core.clock_base_us is None else abs(core.venue_offset_ms)

    def _doubt_s(self, now: Moment) -> float:
        """The age of the oldest doubt; 0 without one."""
        state = self._places.engine.core.state
        return _age_s(min((order.intended_utc_us for order in state.in_doubt()), default=now.utc_us), now)

    def _unreconciled_s(self, now: Moment) -> float:
        """Since the last agreement; where there has never been one, since the start."""
        engine = self._places.engine
        agreed_us = max(filter(None, (engine.core.state.last_agreed_utc_us, engine.books.agreed_utc_us)), default=None)
        return _age_s(self._places.started.utc_us if agreed_us is None else agreed_us, now)

    def _exposure(self, _: Moment) -> float | None:
        """What is one-sided, at the domestic book's middle; before there is a book, at the journal's last price."""
        core = self._places.engine.core
        low, high = core.state.exposure()
        one_sided = max(-low, high)
        price = core.view.mid(core.route.domestic.symbol) or core.state.last_marks.get(core.route.base)
        return None if price is None and one_sided else float(one_sided * (price or 0))

    def _limits_used(self, _: Moment) -> dict[str, float]:
        """How near each hard limit is; one that cannot be measured at present is not there."""
        return {each.name: float(each.measured / each.limit) for each in self._places.engine.limits.measures()}


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
