"""Fair prices of the five markets when no history is followed: a seeded random process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Protocol

from arbbot.exchange.market.episodes import Episodes, stream
from arbbot.exchange.market.premium import Premium, Reverting
from arbbot.exchange.market.scenarios import STRESS_DEPTH, STRESS_VOLATILITY, STRESS_WIDTH, Scenario
from arbbot.exchange.matching import Side

BTC_USD = 85_000.0
EUR_USD = 1.13
EUR_USD_VOLATILITY = 0.08
STANDING_PREMIUM = 0.0002
TETHER_H = 12.0
TETHER_USD_SD = 0.0003
TETHER_EUR_SD = 0.0002
YEAR_S = 365.0 * 86_400.0


@dataclass(frozen=True, slots=True)
class Moment:
    """What the books are quoted around: fair prices, and how willing the house is.

    `width` multiplies spreads and `depth` sizes, 1 being normal; `empty_side` is the side of the EUR book from
    which liquidity has withdrawn.
    """

    fair: Mapping[str, float]
    width: float
    depth: float
    empty_side: Side | None


class Prices(Protocol):
    """A source of fair prices in market time."""

    def advance(self, step_s: float) -> Moment:
        """Advance by `step_s` seconds of market time and tell what holds then."""
        ...


class Tether:
    """USDT at a dollar, give or take a few basis points that fade within half a day."""

    def __init__(self, seed: int) -> None:
        """Start from the stationary law."""
        rng = stream(seed, "usdt")
        self._usd = Reverting(TETHER_H, TETHER_USD_SD, rng)
        self._eur = Reverting(TETHER_H, TETHER_EUR_SD, rng)

    def advance(self, step_s: float, eurusd: float) -> dict[str, float]:
        """Advance and return the fair prices of its two markets."""
        self._usd.advance(step_s, TETHER_USD_SD)
        self._eur.advance(step_s, TETHER_EUR_SD)
        usd = 1.0 + self._usd.value
        return {"usdtusd": usd, "usdteur": usd * (1.0 + self._eur.value) / eurusd}


class RandomPrices:
    """Random walks for BTC/USD and EUR/USD; BTC/EUR follows from them and from the premium."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        """Start at the reference prices; `seed` fixes everything that follows."""
        self._scenario = scenario
        self._walk = stream(seed, "walk")
        self._premium = Premium(scenario.premium_sd, stream(seed, "premium"))
        self._stress = Episodes(scenario.stress, stream(seed, "stress"))
        self._dislocation = Episodes(scenario.dislocation, stream(seed, "dislocation"))
        self._spike = Episodes(scenario.spike, stream(seed, "spike"))
        self._one_sided = Episodes(scenario.one_sided, stream(seed, "one-sided"))
        self._tether = Tether(seed)
        self._log_btcusd = log(BTC_USD)
        self._log_eurusd = log(EUR_USD)

    @property
    def stressed(self) -> bool:
        """Whether a spell of stress is on."""
        return self._stress.strength > 0

    @property
    def premium(self) -> float:
        """`btceur * eurusd / btcusd - 1` of the fair prices."""
        return STANDING_PREMIUM + self._premium.value + self._dislocation.strength + self._spike.strength

    def advance(self, step_s: float) -> Moment:
        """Advance by `step_s` seconds, exactly, whatever the step."""
        scenario = self._scenario
        for part_s, stress_sd in self._stress.slices(step_s):
            rough = STRESS_VOLATILITY if stress_sd else 1.0
            self._premium.advance(part_s, stress_sd or scenario.premium_sd)
            self._log_btcusd += self._move(part_s, scenario.volatility * rough)
            self._log_eurusd += self._move(part_s, EUR_USD_VOLATILITY)
        for episodes in (self._dislocation, self._spike, self._one_sided):
            episodes.advance(step_s)
        return self._moment(step_s)

    def _move(self, step_s: float, volatility: float) -> float:
        return volatility * sqrt(step_s / YEAR_S) * self._walk.gauss(0.0, 1.0)

    def _moment(self, step_s: float) -> Moment:
        btcusd, eurusd = exp(self._log_btcusd), exp(self._log_eurusd)
        fair = {"btcusd": btcusd, "btceur": btcusd * (1.0 + self.premium) / eurusd, "eurusd": eurusd}
        fair |= self._tether.advance(step_s, eurusd)
        empty = {-1.0: Side.BUY, 0.0: None, 1.0: Side.SELL}[self._one_sided.strength]
        width = self._scenario.width * (STRESS_WIDTH if self.stressed else 1.0)
        depth = self._scenario.depth * (STRESS_DEPTH if self.stressed else 1.0)
        return Moment(fair, width, depth, empty)
