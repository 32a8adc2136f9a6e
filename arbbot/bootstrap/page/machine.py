"""How the process and its connections fare: figures for a person, of this moment."""

from __future__ import annotations

import os
import resource
from decimal import Decimal
from pathlib import Path
from statistics import quantiles
from typing import Any

from arbbot.bitstamp.rest import BitstampGateway
from arbbot.domain.events import Moment

_PAGE_BYTES = resource.getpagesize()
_STATM = Path("/proc/self/statm")


def rest_figures(source: BitstampGateway, now: Moment) -> dict[str, Any]:
    """How fast the venue answers, how hard it is asked, and how often it said too hard."""
    limiter = source.limiter
    trips_ms = sorted(each / 1e6 for each in source.round_trips_ns)
    return {
        "p50_ms": _quantile(trips_ms, 50),
        "p99_ms": _quantile(trips_ms, 99),
        "requests": limiter.requests,
        "rate_limit_hits": limiter.hits,
        "budget_used": _short(limiter.used(now.mono_ns / 1e9), "0.0001"),
    }


def disk_free_bytes(path: Path) -> int | None:
    """What the state directory may still grow by; None where the system does not tell."""
    try:
        found = os.statvfs(path)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize


def journal_bytes(path: Path) -> int | None:
    """The journal with its write-ahead log, which comes and goes; None where the system does not tell."""
    beside = path.with_name(path.name + "-wal")
    try:
        return path.stat().st_size + (beside.stat().st_size if beside.exists() else 0)
    except OSError:
        return None


def rss_bytes() -> int | None:
    """Resident memory; None where the system does not tell."""
    try:
        return int(_STATM.read_text(encoding="ascii").split()[1]) * _PAGE_BYTES
    except OSError:
        return None


def milliseconds(number: float) -> Decimal:
    """Shown with two decimals."""
    return _short(number, "0.01")


def _quantile(values: list[float], percent: int) -> Decimal | None:
    if not values:
        return None
    return milliseconds(values[0] if len(values) == 1 else quantiles(values, n=100, method="inclusive")[percent - 1])


def _short(number: float, step: str) -> Decimal:
    return Decimal(number).quantize(Decimal(step))
