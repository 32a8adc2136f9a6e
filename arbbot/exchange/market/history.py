"""The real hourly closes of 2017-2022, and a seeded path through them.

Real are the closes, one an hour (README.md beside this file names the sources). Synthetic is everything in
between: Brownian bridges in the logarithms of BTC/USD and EUR/USD, an Ornstein-Uhlenbeck bridge in that of the
premium, each with the volatility of the 24 closes around. Hourly closes are last trades and bounce between bid
and ask, so the synthetic premium moves somewhat more than the real one did.
"""

from __future__ import annotations

import csv
import gzip
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files
from math import exp, log, sqrt
from random import Random

from arbbot.exchange.market.episodes import stream
from arbbot.exchange.market.prices import Moment, Tether

HOUR_S = 3600.0
REVERSION_PER_H = -log(0.54)
USUAL_HOURLY_MOVE = 0.006
WIDEST = 6.0
WINDOW = 12


@dataclass(frozen=True, slots=True)
class Close:
    """The closes of one hour; `at_s` is its label in seconds since 1970, UTC."""

    at_s: int
    btcusd: Decimal
    btceur: Decimal
    eurusd: Decimal

    @property
    def premium(self) -> Decimal:
        """`btceur * eurusd / btcusd - 1`, a fraction."""
        return self.btceur * self.eurusd / self.btcusd - 1


def closes(period: str) -> tuple[Close, ...]:
    """Return the recorded closes of `2020`, `2020-03` or `2020-03-12`, in order.

    Raises ValueError when the period is spelled otherwise or holds fewer than two hours.
    """
    if not re.fullmatch(r"\d{4}(-\d\d){0,2}", period):
        raise ValueError(f"a history period is YYYY, YYYY-MM or YYYY-MM-DD, not {period!r}")
    packed = files(__package__).joinpath("hourly_closes.csv.gz").read_bytes()
    rows = csv.reader(gzip.decompress(packed).decode().splitlines())
    next(rows)
    found = tuple(_close(row) for row in rows if row[0].startswith(period))
    if len(found) < 2:
        raise ValueError(f"no hourly closes in {period}: they run from 2017-07-02 to 2022-12-30, weekdays mostly")
    return found


def qualifying_hours(period: str, thresholds: Iterable[Decimal]) -> tuple[int, dict[Decimal, int]]:
    """Count the hours of a period, and those whose closing premium is at or beyond each threshold.

    Thresholds are fractions (`Decimal("0.0035")`); both directions count. Closing prices only: no spread, fee,
    depth or duration is in it.
    """
    sizes = [abs(close.premium) for close in closes(period)]
    return len(sizes), {threshold: sum(size >= threshold for size in sizes) for threshold in thresholds}


def _close(row: Sequence[str]) -> Close:
    at = datetime.strptime(row[0], "%Y-%m-%d %H").replace(tzinfo=UTC)
    return Close(int(at.timestamp()), Decimal(row[1]), Decimal(row[2]), Decimal(row[3]))


class Bridge:
    """A random path that passes exactly through known points.

    Between two points it is the process conditioned on both: Brownian when `rate_h` is zero, else reverting
    at `rate_h` per hour to the mean of the two ends. Both laws are exact for any sequence of steps.
    """

    def __init__(self, times_s: Sequence[float], points: Sequence[float], rate_h: float, rng: Random) -> None:
        """Start on the first of `points`; `times_s` ascend."""
        self._times_s = times_s
        self._points = points
        self._rate = rate_h / HOUR_S
        self._rng = rng
        self._at_s = times_s[0]
        self.hourly_moves = _local_moves(times_s, points)
        self.value = points[0]

    def advance(self, index: int, to_s: float) -> None:
        """Move to `to_s`, which lies in the interval that starts at point `index`."""
        start_s, end_s = self._times_s[index], self._times_s[index + 1]
        if self._at_s < start_s:
            self._at_s, self.value = start_s, self._points[index]
        step_s, left_s = to_s - self._at_s, end_s - to_s
        if left_s <= 0:
            self._at_s, self.value = end_s, self._points[index + 1]
            return
        self._at_s = to_s
        hourly = self.hourly_moves[index]
        if self._rate == 0:
            span_s = step_s + left_s
            mean = self.value + (self._points[index + 1] - self.value) * step_s / span_s
            variance = hourly * hourly / HOUR_S * step_s * left_s / span_s
        else:
            mean, variance = self._reverting(index, step_s, left_s)
        self.value = mean + sqrt(variance) * self._rng.gauss(0.0, 1.0)

    def _reverting(self, index: int, step_s: float, left_s: float) -> tuple[float, float]:
        """Mean and variance of an Ornstein-Uhlenbeck bridge, sinh ratios written without overflow."""
        rate, end = self._rate, self._points[index + 1]
        centre = (self._points[index] + end) / 2
        step, left = 1.0 - exp(-2 * rate * step_s), 1.0 - exp(-2 * rate * left_s)
        span = 1.0 - exp(-2 * rate * (step_s + left_s))
        mean = (self.value - centre) * exp(-rate * step_s) * left + (end - centre) * exp(-rate * left_s) * step
        stationary = self.hourly_moves[index] ** 2 / (2 * (1.0 - exp(-rate * HOUR_S)))
        return centre + mean / span, stationary * step * left / span


def _local_moves(times_s: Sequence[float], points: Sequence[float]) -> list[float]:
    """Root mean square of the hourly changes around each interval, `WINDOW` intervals to either side."""
    squares = [
        ((points[i + 1] - points[i]) ** 2) / ((times_s[i + 1] - times_s[i]) / HOUR_S) for i in range(len(points) - 1)
    ]
    around = (squares[max(0, i - WINDOW) : i + WINDOW + 1] for i in range(len(squares)))
    return [sqrt(sum(near) / len(near)) for near in around]


class HistoricalPrices:
    """Follows the closes of one period; after the last close everything stays where it is."""

    def __init__(self, period: str, seed: int) -> None:
        """Start on the first close of `period`; raises ValueError for a period without closes."""
        recorded = closes(period)
        self._times_s = [float(close.at_s - recorded[0].at_s) for close in recorded]
        points = {
            "btcusd": [log(close.btcusd) for close in recorded],
            "eurusd": [log(close.eurusd) for close in recorded],
            "premium": [log(1 + close.premium) for close in recorded],
        }
        self._paths = {
            name: Bridge(
                self._times_s, values, REVERSION_PER_H if name == "premium" else 0.0, stream(seed, f"history-{name}")
            )
            for name, values in points.items()
        }
        self._tether = Tether(seed)
        self._at_s = 0.0

    @property
    def length_s(self) -> float:
        """Market time from the first close to the last."""
        return self._times_s[-1]

    def advance(self, step_s: float) -> Moment:
        """Advance by `step_s` seconds, exactly, whatever the step."""
        self._at_s = min(self._at_s + step_s, self.length_s)
        index = min(bisect_right(self._times_s, self._at_s), len(self._times_s) - 1) - 1
        for path in self._paths.values():
            path.advance(index, self._at_s)
        btcusd, eurusd = exp(self._paths["btcusd"].value), exp(self._paths["eurusd"].value)
        fair = {"btcusd": btcusd, "btceur": btcusd * exp(self._paths["premium"].value) / eurusd, "eurusd": eurusd}
        width = min(WIDEST, max(1.0, self._paths["btcusd"].hourly_moves[index] / USUAL_HOURLY_MOVE))
        return Moment(fair | self._tether.advance(step_s, eurusd), width, 1.0 / width, None)
