"""Records that are not durable: they feed logs and metrics, and no state rests on them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from arbbot.domain.mode import Mode


@dataclass(frozen=True, slots=True)
class Pulse:
    """Once a second: what the operator's four questions ask."""

    kind: ClassVar[str] = "pulse"
    durable: ClassVar[bool] = False
    exposure_low: Decimal
    exposure_high: Decimal
    open_orders: int
    in_doubt: int
    fx_drift: Decimal
    blockers: tuple[str, ...]
    mode: Mode
    book_age_ms: tuple[tuple[str, int], ...]
    gross_bps: tuple[tuple[str, Decimal], ...]
    """Per direction, from the touch."""


@dataclass(frozen=True, slots=True)
class FeedChanged:
    """A feed came, went or died."""

    kind: ClassVar[str] = "feed_changed"
    durable: ClassVar[bool] = False
    epoch: int
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class FrameDropped:
    """A malformed frame was counted and survived."""

    kind: ClassVar[str] = "frame_dropped"
    durable: ClassVar[bool] = False
    reason: str


@dataclass(frozen=True, slots=True)
class AskUnanswered:
    """A question to the venue failed."""

    kind: ClassVar[str] = "ask_unanswered"
    durable: ClassVar[bool] = False
    topic: str
    reason: str
    rate_limited: bool
