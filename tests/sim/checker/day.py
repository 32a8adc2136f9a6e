"""UTC days as limits may count them: by our clock and by the venue's, of which the earlier one counts."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

ZERO = Decimal(0)
DAY_US = 86_400_000_000
SEEN_TO_US = 5_000_000
"""The daemon knows the venue's clock by dates in whole seconds, and by replies that took their time."""


class Reading(NamedTuple):
    """What both clocks say at one moment, microseconds."""

    ours_us: int
    venue_us: int

    @property
    def days(self) -> tuple[int, int]:
        """The day of each, the earlier one first."""
        ours, venue = self.ours_us // DAY_US, self.venue_us // DAY_US
        return min(ours, venue), max(ours, venue)

    @property
    def today(self) -> tuple[int, ...]:
        """The day of the earlier clock; at its edge the next one as well, for the venue's is not known so well."""
        earlier_us = min(self.ours_us, self.venue_us)
        return tuple(sorted({(earlier_us - SEEN_TO_US) // DAY_US, (earlier_us + SEEN_TO_US) // DAY_US}))


@dataclass(frozen=True, slots=True)
class Part:
    """One of what adds up. `first` and `last`: the day by the earlier clock and by the later one."""

    worth: Decimal
    first: int
    last: int


class DaySum:
    """Adds up by the day. What the clocks date into two days is surely of the first, and may count in the second."""

    def __init__(self) -> None:
        self._parts: list[Part] = []

    def add(self, worth: Decimal, at: Reading) -> None:
        """One more; negative for what makes up for others."""
        self._parts.append(Part(worth, *at.days))

    def clear(self) -> None:
        """Begin anew."""
        self._parts.clear()

    def least(self, at: Reading) -> Decimal:
        """So much has surely come together today."""
        return min(self._sum(day, sure=True) for day in at.today)

    def most(self, at: Reading) -> Decimal:
        """So much may count as today's."""
        return max(self._sum(day, sure=False) for day in at.today)

    @property
    def whole(self) -> Decimal:
        """Whatever the day, and without what makes up for it."""
        return sum((each.worth for each in self._parts if each.worth > 0), ZERO)

    def _sum(self, day: int, *, sure: bool) -> Decimal:
        """What is dated on a day or later counts; where that is doubtful, what `sure` makes least or most of."""
        return sum(
            (each.worth for each in self._parts if (each.first if sure == (each.worth > 0) else each.last) >= day), ZERO
        )
