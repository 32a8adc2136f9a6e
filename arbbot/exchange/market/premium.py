"""The premium of the EUR book over the USD book as a mean-reverting process with two time scales.

Premium means `btceur * eurusd / btcusd - 1`. What is fitted, from hourly Bitstamp closes of 2017-2022: of a
large deviation a median 54 % is left after one hour and 22 % after six. One time scale cannot do both (54 %
an hour would leave 2.5 % after six), so the deviation is the sum of two Ornstein-Uhlenbeck processes that
share one variance:

    left(h) = FAST_SHARE * exp(-h / FAST_H) + (1 - FAST_SHARE) * exp(-h / SLOW_H)

Two figures fix two of the three constants. FAST_H is set to half an hour: it leaves 42 % after 2 h, 35 % after
3 h and 9 % after 12 h, nearest to the measured 48, 39 and 20 % without the slow part lasting for days.
Solving left(1) = 0.54 and left(6) = 0.22 for the other two gives the values below.
"""

from __future__ import annotations

from math import exp, sqrt
from random import Random

FAST_SHARE = 0.438
FAST_H = 0.5
SLOW_H = 6.4
HOUR_S = 3600.0


class Reverting:
    """One Ornstein-Uhlenbeck deviation around zero, advanced exactly for any step."""

    def __init__(self, time_constant_h: float, deviation_sd: float, rng: Random) -> None:
        """Start from the stationary law with standard deviation `deviation_sd`."""
        self._rate = 1.0 / (time_constant_h * HOUR_S)
        self._rng = rng
        self.value = rng.gauss(0.0, deviation_sd)

    def advance(self, step_s: float, deviation_sd: float) -> None:
        """Advance by `step_s` towards a stationary standard deviation of `deviation_sd`."""
        kept = exp(-self._rate * step_s)
        self.value = kept * self.value + deviation_sd * sqrt(1.0 - kept * kept) * self._rng.gauss(0.0, 1.0)


class Premium:
    """The sum of the fast and the slow part, as a fraction (0.0005 is 5 bp)."""

    def __init__(self, deviation_sd: float, rng: Random) -> None:
        """Start from the stationary law with standard deviation `deviation_sd`."""
        self._fast = Reverting(FAST_H, deviation_sd * sqrt(FAST_SHARE), rng)
        self._slow = Reverting(SLOW_H, deviation_sd * sqrt(1.0 - FAST_SHARE), rng)

    @property
    def value(self) -> float:
        """The present deviation."""
        return self._fast.value + self._slow.value

    def advance(self, step_s: float, deviation_sd: float) -> None:
        """Advance by `step_s`, exact in the step as long as `deviation_sd` holds throughout."""
        self._fast.advance(step_s, deviation_sd * sqrt(FAST_SHARE))
        self._slow.advance(step_s, deviation_sd * sqrt(1.0 - FAST_SHARE))
