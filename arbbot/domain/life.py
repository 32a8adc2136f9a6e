"""The durable records of a process's beginning and end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from arbbot.domain.market import Instrument


@dataclass(frozen=True, slots=True)
class Started:
    """A process took the journal."""

    kind: ClassVar[str] = "started"
    durable: ClassVar[bool] = True
    version: str
    instruments: tuple[Instrument, Instrument, Instrument]
    """Domestic, foreign and FX market, as the venue described them then."""
    utc_us: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """A process is about to leave with this exit code."""

    kind: ClassVar[str] = "stopped"
    durable: ClassVar[bool] = True
    code: int
    reason: str
    utc_us: int
