"""Identifiers the venue mints: order ids, trade and row ids, event ids.

Order ids follow the law observed on captured ids of 2022-2026, a snowflake of milliseconds since
the epoch 1288834974657 and twelve sequence bits. An event id starts with its time in microseconds as
sixteen hex digits, observed on captured live_orders frames.
"""

from __future__ import annotations

SNOWFLAKE_EPOCH_MS = 1_288_834_974_657
FIRST_TRADE_ID = 629_876_235


class OrderIds:
    """Mints ascending order ids; more than 4096 in one millisecond borrow from the next one."""

    def __init__(self) -> None:
        """Start before any id."""
        self._last = 0

    def mint(self, now_us: int) -> int:
        """Return the next id at market time `now_us`."""
        self._last = max(self._last + 1, (now_us // 1000 - SNOWFLAKE_EPOCH_MS) << 12)
        return self._last


def event_id(at_us: int, sequence: int) -> str:
    """Spell the id of event number `sequence` of a market at `at_us`."""
    stamp = f"{at_us:016x}"
    return f"{stamp[:8]}-{stamp[8:12]}-{stamp[12:]}-0000-{sequence & 0xFFFFFF:06x}000020"


def event_time_us(text: str) -> int | None:
    """Read the time back from an event id; None when it is not one."""
    try:
        return int(text.replace("-", "")[:16], 16)
    except ValueError:
        return None
