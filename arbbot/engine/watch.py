"""What is remembered, in memory only, about an order that is being followed, and how often it is asked about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from arbbot.domain.order import OrderTerms, VenueOrderStatus
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


KEPT_MARKS = 8
MARK_LIFE_NS = 12 * 3600 * 1_000_000_000
"""Half of what is read without a mark: an older one would make the reading longer, not shorter."""


class EventMarks:
    """How far the order events of each market were read, so that a day of them is not read again for every doubt.

    A mark stands beside the number of orders minted by then. An order minted later has no event before it, whatever
    any clock says: the venue numbers events in the order in which they happen.
    """

    def __init__(self) -> None:
        self._marks: dict[str, list[tuple[int, str, int]]] = {}

    def note(self, market: str, minted: int, event_id: str, now_ns: int) -> None:
        """The events were read to this one when so many orders had been minted. The oldest mark of many is dropped."""
        marks = self._marks.setdefault(market, [])
        if marks and marks[-1][0] == minted:
            marks.pop()
        marks.append((minted, event_id, now_ns))
        del marks[:-KEPT_MARKS]

    def latest(self, market: str, now_ns: int) -> str | None:
        """The newest event read."""
        return next((mark for _, mark in self._young(market, now_ns)), None)

    def before(self, terms: OrderTerms, now_ns: int) -> str | None:
        """The newest event that is surely older than this order; None where none is known."""
        number = int(terms.client_order_id.rpartition("-")[2])
        return next((mark for minted, mark in self._young(terms.market, now_ns) if minted < number), None)

    def _young(self, market: str, now_ns: int) -> Iterator[tuple[int, str]]:
        """Marks that still make a reading shorter, newest first."""
        for minted, mark, noted_ns in reversed(self._marks.get(market, ())):
            if now_ns - noted_ns <= MARK_LIFE_NS:
                yield minted, mark
