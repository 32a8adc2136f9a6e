"""The market process: five fair prices from one source, quoted by the house in five books."""

from __future__ import annotations

from decimal import Decimal

from arbbot.exchange.market.episodes import stream
from arbbot.exchange.market.history import HistoricalPrices
from arbbot.exchange.market.house import LEVELS, House, Style
from arbbot.exchange.market.prices import Prices, RandomPrices
from arbbot.exchange.market.scenarios import SCENARIOS
from arbbot.exchange.venue import Venue

# Measured depth within 10 bp of the best price in normal times: btcusd about 4 BTC, btceur 2 BTC, eurusd 260,000 EUR,
# usdtusd 320,000 and usdteur 165,000 USDT. Mean spreads: 1.7, 2.5, 1.8, 1.8 and 2.9 bp. In stress as scenarios say.
STYLES = {
    "btcusd": Style(half_spread=0.4e-4, touch_size=0.12, takes_s=2.0, take_size=0.05),
    "btceur": Style(half_spread=0.8e-4, touch_size=0.06, takes_s=4.0, take_size=0.03),
    "eurusd": Style(half_spread=0.5e-4, touch_size=8_000.0, takes_s=6.0, take_size=1_500.0),
    "usdtusd": Style(half_spread=0.5e-4, touch_size=10_000.0, takes_s=6.0, take_size=1_000.0),
    "usdteur": Style(half_spread=1.0e-4, touch_size=5_000.0, takes_s=12.0, take_size=1_000.0),
}


class MarketProcess:
    """Moves the market. Everything random in it follows from the seed and the sequence of ticks."""

    def __init__(self, prices: Prices, seed: int, venue: Venue, start_us: int, levels: int = LEVELS) -> None:
        """Start at `start_us`, microseconds of market time; the first tick places the first quotes.

        Of the markets that have a style, those that the venue lists are quoted, `levels` a side.
        """
        self._prices = prices
        self._now_us = start_us
        styles = {market: style for market, style in STYLES.items() if market in venue.listings}
        self._houses = {
            market: House(market, style, venue, stream(seed, f"house-{market}"), levels)
            for market, style in styles.items()
        }
        self._ticks = {market: venue.spec(market).tick for market in styles}
        self._fair = prices.advance(0.0).fair
        self._spikes: dict[str, tuple[float, int]] = {}

    def spike(self, market: str, share: float, until_us: int) -> None:
        """Quote a market this share off its fair price until a moment, for one tick at least; KeyError for another."""
        self._spikes[self._require(market)] = (1.0 + share, until_us)

    def tick(self, now_us: int) -> None:
        """Bring prices and books to `now_us`, microseconds of market time, however long the step.

        Raises ValueError when time runs backwards.
        """
        if now_us < self._now_us:
            raise ValueError(f"market time runs backwards: {now_us} after {self._now_us}")
        step_s = (now_us - self._now_us) / 1_000_000
        self._now_us = now_us
        moment = self._prices.advance(step_s)
        self._fair = moment.fair
        for market, house in self._houses.items():
            empty_side = moment.empty_side if market == "btceur" else None
            fair = moment.fair[market] * self._spiked(market, now_us)
            house.requote(fair, moment.width, moment.depth, empty_side, step_s, now_us)

    def _require(self, market: str) -> str:
        if market not in self._houses:
            raise KeyError(f"no house quotes {market}")
        return market

    def _spiked(self, market: str, now_us: int) -> float:
        factor, until_us = self._spikes.get(market, (1.0, now_us + 1))
        if now_us >= until_us:
            del self._spikes[market]
        return factor

    def fair(self, market: str) -> Decimal:
        """Return the fair price behind a market's quotes, on its price grid; KeyError for another market."""
        tick = self._ticks[market]
        return tick * round(self._fair[market] / float(tick))


def build(scenario: str | None, history: str | None, seed: int, venue: Venue, start_us: int) -> MarketProcess:
    """Build the process for a scenario, or along the recorded hours of a period such as `2020-03`.

    The first recorded hour falls on `start_us`, market time passes as on the calendar, and after the last hour
    prices stand still. With neither argument it is calm. Raises ValueError for both, an unknown scenario, or a
    period without records.
    """
    if scenario is not None and history is not None:
        raise ValueError("a scenario and a history exclude each other")
    if history is not None:
        return MarketProcess(HistoricalPrices(history, seed), seed, venue, start_us)
    name = scenario or "calm"
    if name not in SCENARIOS:
        raise ValueError(f"unknown scenario {name!r}; there are {', '.join(SCENARIOS)}")
    return MarketProcess(RandomPrices(SCENARIOS[name], seed), seed, venue, start_us)
