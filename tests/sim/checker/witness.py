"""S6: the second witnesses, by the replies that reached the process: the venue's own rate and its tickers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import product

import orjson

from tests.sim.checker.books import Shown
from tests.sim.checker.fold import Json
from tests.sim.checker.report import Report

ONE = Decimal(1)
MARKETS = ("btcusd", "btceur", "eurusd")
ROUND = Decimal("1e-15")
"""A quotient is exact to so many digits."""


@dataclass(frozen=True, slots=True)
class WitnessLimits:
    """What the rules promise. Tolerances are fractions."""

    rate_tolerance: Decimal | None
    """None where the rate is not asked for."""
    rate_max_age_ms: int
    premium_tolerance: Decimal
    ticker_max_age_ms: int
    fresh_ms: int


class WitnessJudge:
    """Reads rates and tickers as they come. Of the books that tickers were held against it judges what is sure."""

    def __init__(self, limits: WitnessLimits, shown: Shown, report: Report) -> None:
        self._limits = limits
        self._shown = shown
        self._report = report
        self.began()

    def began(self) -> None:
        """A new process has heard nothing."""
        self._rate: tuple[Decimal, int] | None = None
        self._tickers: dict[str, Decimal] = {}
        self._asked_ns = 0
        self._compared: tuple[int, bool] | None = None
        """When all three tickers were there, and whether they surely disagreed with the books."""

    def rate_read(self, body: bytes, mono_ns: int) -> None:
        """A reply to a question for the rate reached the process."""
        middle = _middle(body, "sell", "buy")
        if middle is not None:
            self._rate = (middle, mono_ns)

    def ticker_read(self, market: str, body: bytes, asked_ns: int, mono_ns: int) -> None:
        """A ticker reached the process; the three that were asked for at once are held against the books."""
        if asked_ns != self._asked_ns:
            self._tickers, self._asked_ns = {}, asked_ns
        middle = _middle(body, "bid", "ask")
        if middle is None:
            return
        self._tickers[market] = middle
        if len(self._tickers) == len(MARKETS):
            self._compared = (mono_ns, self._disagree(mono_ns))

    def _disagree(self, mono_ns: int) -> bool:
        """Whether the tickers' premium is off that of every triple of books that the process may hold."""
        told = _premium(tuple(self._tickers[market] for market in MARKETS))
        oldest_ns = mono_ns - self._limits.fresh_ms * 1_000_000
        held = [{_touch_middle(book) for book in self._shown.surely(market, oldest_ns)} for market in MARKETS]
        if not all(held):
            return False
        return all(abs(told - _premium(middles)) > self._limits.premium_tolerance + ROUND for middles in product(*held))

    def decided(self, name: str, fx_book: Json, mono_ns: int) -> None:
        """A hedge or a conversion was, on this FX book."""
        limits, compared = self._limits, self._compared
        if compared is None or compared[0] < mono_ns - limits.ticker_max_age_ms * 1_000_000:
            self._report.fail("S6", f"{name} was decided though no tickers have confirmed the books of late")
        elif compared[1]:
            self._report.fail("S6", f"{name} was decided though the tickers' premium was not that of the books")
        if limits.rate_tolerance is None:
            return
        if self._rate is None or self._rate[1] < mono_ns - limits.rate_max_age_ms * 1_000_000:
            self._report.fail("S6", f"{name} was decided though the venue's own rate was not known of late")
        elif abs(_touch_middle(fx_book) / self._rate[0] - ONE) > limits.rate_tolerance + ROUND:
            self._report.fail("S6", f"{name} was decided on an FX book off the venue's own rate, {self._rate[0]}")


def _middle(body: bytes, low: str, high: str) -> Decimal | None:
    """Between two prices of a reply; None where it is none."""
    try:
        told = orjson.loads(body)
        lower, upper = Decimal(told[low]), Decimal(told[high])
        return (lower + upper) / 2 if 0 < lower <= upper else None
    except (ValueError, ArithmeticError, LookupError, TypeError):
        return None


def _touch_middle(book: Json) -> Decimal:
    return (Decimal(book["bids"][0][0]) + Decimal(book["asks"][0][0])) / 2


def _premium(middles: tuple[Decimal, ...]) -> Decimal:
    domestic, foreign, fx = middles
    return foreign * fx / domestic - ONE
