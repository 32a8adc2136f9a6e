"""What is remembered, in memory only, about an order that is being followed, and how often it is asked about."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from arbbot.domain.order import VenueOrderStatus
from arbbot.engine.view import NEVER

LIVE_POLLS_S = (Decimal("0.15"), Decimal("0.3"), Decimal("0.6"), Decimal(1))
"""Pauses between status questions of an acknowledged order; the last repeats."""
DOUBT_POLLS_S = (Decimal("0.2"), Decimal("0.5"), Decimal(1), Decimal(2), Decimal(4), Decimal(5))
ROUND_EVERY_S = Decimal(15)
"""Pause between rounds of all four views for an order in doubt."""
RECANCEL_S = (Decimal(3), Decimal(6), Decimal(12), Decimal(30))
"""An order still open this long after a cancel is cancelled again; the last repeats. (A place never is.)"""


@dataclass(slots=True)
class Watch:
    """What is remembered, in memory only, about an order that is being followed."""

    next_ask_ns: int = NEVER
    polls: int = 0
    status_ask: int | None = None
    last_reading: tuple[VenueOrderStatus, Decimal, int] | None = None
    """Terminal status, filled total and time of a reading that did not add up."""
    next_cancel_ns: int = NEVER
    cancels: int = 0
    round_asks: set[int] = field(default_factory=set)
    round_counts: bool = False
    next_round_ns: int = NEVER
    empty_rounds: int = 0
    since_ns: int | None = None
    alerted: bool = False
