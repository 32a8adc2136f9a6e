"""Metrics of what is no record: read now and then where it lies, in a task beside trading."""

from __future__ import annotations

import asyncio

from arbbot.bitstamp.limiter import Limiter
from arbbot.domain.money import BPS
from arbbot.engine.premium import PremiumCheck
from arbbot.telemetry.metrics import Metrics

EVERY_S = 10.0


async def watch(metrics: Metrics, limiter: Limiter, premium: PremiumCheck) -> None:
    """Tell every ten seconds, until cancelled."""
    while True:
        tell(metrics, limiter, premium)
        await asyncio.sleep(EVERY_S)


def tell(metrics: Metrics, limiter: Limiter, premium: PremiumCheck) -> None:
    """How often the venue said slower, and how far its tickers' premium is from that of the books."""
    metrics.gauge("rate_limit.ratio", limiter.hit_ratio)
    if premium.difference is not None:
        metrics.gauge("premium.difference_bps", float(premium.difference * BPS))
