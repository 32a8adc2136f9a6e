"""Following the recorded hours."""

from __future__ import annotations

from decimal import Decimal

import pytest

from arbbot.exchange.market.history import HistoricalPrices, closes, qualifying_hours
from arbbot.exchange.market.simulation import build
from arbbot.exchange.venue import Venue

HOUR_US = 3_600_000_000
THRESHOLDS = (Decimal("0.0035"), Decimal("0.0050"), Decimal("0.0060"))


@pytest.mark.parametrize(
    ("period", "hours", "counts"),
    [("2020-03", 531, (156, 64, 37)), ("2022", 6102, (5, 1, 0)), ("2020-03-12", 24, (10, 5, 2))],
)
def test_qualifying_hours_by_closing_prices(period: str, hours: int, counts: tuple[int, ...]) -> None:
    """Counts equal those made from the source files independently of this code."""
    assert qualifying_hours(period, THRESHOLDS) == (hours, dict(zip(THRESHOLDS, counts, strict=True)))


@pytest.mark.parametrize("step_s", [720.0, 7200.0])
def test_prices_equal_the_closes_on_the_hour(step_s: float) -> None:
    """Whatever the step, and across weekend gaps, prices and premium are the closes at their instants."""
    prices, at_s, met = HistoricalPrices("2020-03", 7), 0.0, 0
    recorded = {float(close.at_s): close for close in closes("2020-03")}
    start = min(recorded)
    prices.advance(0.0)
    while at_s < prices.length_s:
        fair = prices.advance(step_s).fair
        at_s += step_s
        close = recorded.get(start + at_s)
        if close is None:
            continue
        met += 1
        for market, price in (("btcusd", close.btcusd), ("btceur", close.btceur), ("eurusd", close.eurusd)):
            assert fair[market] == pytest.approx(float(price), rel=1e-12)
        premium = fair["btceur"] * fair["eurusd"] / fair["btcusd"] - 1
        assert premium == pytest.approx(float(close.premium), abs=1e-9)
    assert met >= (len(recorded) - 1) * (3600 / max(3600.0, step_s)) * 0.95


def test_process_shows_the_closes_on_the_price_grid() -> None:
    """Through the public door too: fair prices at the hour are the closes, to the cent, and stay so at the end."""
    start_us = 1_700_000_000_000_000
    process = build(None, "2020-03-12", 1, Venue(), start_us)
    recorded = closes("2020-03-12")
    for hour, close in enumerate(recorded):
        process.tick(start_us + hour * HOUR_US)
        assert process.fair("btcusd") == close.btcusd
        assert process.fair("btceur") == close.btceur
        assert process.fair("eurusd") == close.eurusd
    process.tick(start_us + 1000 * HOUR_US)
    assert process.fair("btcusd") == recorded[-1].btcusd


def test_path_between_closes_moves_but_stays_near() -> None:
    """Within the hour prices move, differently by seed, and by no more than a few hourly moves."""
    paths = []
    for seed in (1, 2):
        prices = HistoricalPrices("2022", seed)
        paths.append([prices.advance(60.0).fair["btcusd"] for _ in range(59)])
    assert paths[0] != paths[1]
    low, high = sorted(float(close.btcusd) for close in closes("2022")[:2])
    for path in paths:
        assert len(set(path)) == len(path)
        assert min(path) > low * 0.96
        assert max(path) < high * 1.04


def test_bridge_keeps_the_share_of_large_premiums() -> None:
    """The synthetic hours in between hold about as many large premiums as the closes do: a third either way."""
    prices, large, steps = HistoricalPrices("2020-03", 3), 0, 0
    while steps * 120.0 < prices.length_s:
        fair = prices.advance(120.0).fair
        large += abs(fair["btceur"] * fair["eurusd"] / fair["btcusd"] - 1) >= 0.0035
        steps += 1
    assert large / steps == pytest.approx(156 / 531, rel=0.33)


@pytest.mark.parametrize("period", ["2020-3", "march", "2016", "2020-03-14", "2020-03-12-05"])
def test_a_period_without_closes_is_refused(period: str) -> None:
    """A misspelt or empty period (14 March 2020 was a Saturday) is one clear error."""
    with pytest.raises(ValueError, match=r"period|closes"):
        build(None, period, 1, Venue(), 0)
