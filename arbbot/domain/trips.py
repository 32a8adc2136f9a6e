"""Durable records of the limits: one was reached, and when their clock can be believed; the others are in `records`."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from arbbot.domain.mode import Mode


@dataclass(frozen=True, slots=True)
class LimitTripped:
    """A hard limit was reached, and keeps the daemon in this mode, or a stricter one, until a person resumes."""

    kind: ClassVar[str] = "limit_tripped"
    durable: ClassVar[bool] = True
    name: str
    """As the setting is called."""
    measured: Decimal
    limit: Decimal
    mode: Mode
    utc_us: int


@dataclass(frozen=True, slots=True)
class ClockAgreed:
    """Our clock and the venue's agree, and limits remember something as later than both: a clock was wrong then."""

    kind: ClassVar[str] = "clock_agreed"
    durable: ClassVar[bool] = True
    utc_us: int
