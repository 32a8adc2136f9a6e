"""When hearing nothing is proof: what the venue could no longer accept, and does not show, twice, a lag apart."""

from __future__ import annotations

from decimal import Decimal

from arbbot.domain.events import Moment

READINGS = 2
SECOND_NS = 1_000_000_000
SECOND_US = 1_000_000


class Silence:
    """How often the venue has shown nothing of something in doubt since it could no longer accept it: by the wall clock
    since it was intended, and by this process's own since it began to look, for a wall clock may be set.
    """

    def __init__(self, bound_s: Decimal, lag_s: Decimal, intended_us: int, looked: Moment) -> None:
        self._bound_s, self._lag_s = bound_s, lag_s
        self._intended_us = intended_us
        self._looked_ns = self._last_ns = looked.mono_ns
        self._readings = 0

    def lasts(self, at: Moment) -> bool:
        """One more whole reading shows nothing; True when that is proof."""
        if not self._past_acceptance(at):
            return False
        if self._readings == 0 or at.mono_ns - self._last_ns >= self._lag_s * SECOND_NS:
            self._readings, self._last_ns = self._readings + 1, at.mono_ns
        return self._readings >= READINGS

    def _past_acceptance(self, at: Moment) -> bool:
        """True when the venue can no longer accept it, nor hide that it did."""
        bound_s = self._bound_s + self._lag_s
        looked_ns, age_us = at.mono_ns - self._looked_ns, at.utc_us - self._intended_us
        return looked_ns > bound_s * SECOND_NS and age_us > bound_s * SECOND_US
