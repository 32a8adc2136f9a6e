"""Moments for people: microseconds since the epoch as the UTC text of ISO 8601."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc_text(utc_us: int) -> str:
    """As in `2026-11-23T00:05:39.123456Z`."""
    moment = _EPOCH + timedelta(microseconds=utc_us)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
