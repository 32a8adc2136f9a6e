"""Rate limiter: so many calls a second and in ten minutes, per caller."""

from __future__ import annotations

from collections import defaultdict, deque

SECOND_US = 1_000_000
LONG_US = 600 * SECOND_US


class Limiter:
    """Counts calls in sliding windows of one second and ten minutes, by the wall clock."""

    def __init__(self, per_second: int = 400, per_ten_minutes: int = 10_000) -> None:
        """Set the two limits (documented: 400 and 10,000)."""
        self.per_second = per_second
        self.per_ten_minutes = per_ten_minutes
        self._calls: defaultdict[str, deque[int]] = defaultdict(deque)

    def admit(self, caller: str, wall_us: int) -> bool:
        """Count a call and say whether it is within the limits; a refused call is not counted."""
        calls = self._calls[caller]
        while calls and calls[0] <= wall_us - LONG_US:
            calls.popleft()
        if len(calls) >= self.per_ten_minutes:
            return False
        if len(calls) >= self.per_second and calls[-self.per_second] > wall_us - SECOND_US:
            return False
        calls.append(wall_us)
        return True
