"""The free premium process against the measured figures of 2017-2022; no venue is involved."""

from __future__ import annotations

from math import exp, sqrt
from statistics import median, pstdev

import pytest

from arbbot.exchange.market.episodes import Episodes, Span, Spells, stream
from arbbot.exchange.market.premium import FAST_H, FAST_SHARE, SLOW_H, Premium
from arbbot.exchange.market.prices import RandomPrices
from arbbot.exchange.market.scenarios import QUIET_SD, SCENARIOS

HOUR_S = 3600.0
HOURS = 20_000
SEEDS = (1, 2, 3)


def hourly(scenario: str, seed: int, hours: int = HOURS) -> tuple[list[float], list[bool]]:
    """Sample premium and regime on the hour."""
    prices = RandomPrices(SCENARIOS[scenario], seed)
    premiums, stressed = [], []
    for _ in range(hours):
        prices.advance(HOUR_S)
        premiums.append(prices.premium)
        stressed.append(prices.stressed)
    return premiums, stressed


def left_after(premiums: list[float], hours: int, beyond: float) -> float:
    """Median share of a deviation that remains after some hours."""
    return median(later / now for now, later in zip(premiums, premiums[hours:], strict=False) if abs(now) >= beyond)


def test_constants_solve_the_two_measured_remainders() -> None:
    """The published fit leaves 54 % after one hour and 22 % after six, to half a percentage point."""
    for hours, measured in ((1, 0.54), (6, 0.22)):
        left = FAST_SHARE * exp(-hours / FAST_H) + (1 - FAST_SHARE) * exp(-hours / SLOW_H)
        assert left == pytest.approx(measured, abs=0.005)


@pytest.mark.parametrize("seed", SEEDS)
def test_quiet_spread_and_reach(seed: int) -> None:
    """Quiet: the standard deviation is 0.05 % within a tenth, and no hour comes near 0.35 %."""
    premiums, _ = hourly("calm", seed)
    assert pstdev(premiums) == pytest.approx(0.0005, rel=0.1)
    assert max(map(abs, premiums)) < 0.0030


@pytest.mark.parametrize("seed", SEEDS)
def test_large_deviations_fade_as_measured(seed: int) -> None:
    """A median 54 % of a deviation of 0.25 % or more is left after 1 h, 22 % after 6 h, each within 5 points."""
    premiums, _ = hourly("mixed", seed)
    assert left_after(premiums, 1, 0.0025) == pytest.approx(0.54, abs=0.05)
    assert left_after(premiums, 6, 0.0025) == pytest.approx(0.22, abs=0.05)


@pytest.mark.parametrize("seed", SEEDS)
def test_excursions_cluster_in_stress(seed: int) -> None:
    """Stress has a standard deviation of 0.15-0.5 %, holds nearly all excursions and about 3 % of all hours.

    Measured for 2020: 3.3 % of the hours at or beyond 0.35 %, 0.69 % beyond 0.60 %; tolerance one half.
    """
    premiums, stressed = hourly("mixed", seed)
    in_stress = [premium for premium, stress in zip(premiums, stressed, strict=True) if stress]
    assert 0.0015 < pstdev(in_stress) < 0.0050
    large = [stress for premium, stress in zip(premiums, stressed, strict=True) if abs(premium) >= 0.0035]
    assert sum(large) / len(large) > 0.9
    assert len(large) / HOURS == pytest.approx(0.033, rel=0.5)
    assert sum(abs(premium) >= 0.006 for premium in premiums) / HOURS == pytest.approx(0.0069, rel=0.5)


def test_about_two_thirds_of_excursions_last_one_hourly_bar() -> None:
    """Measured: 69 % of the excursions of 2019-22 beyond 0.35 % last one hourly bar; tolerance 8 points.

    This figure was not fitted, so it checks the two time scales.
    """
    runs: list[int] = []
    for seed in SEEDS:
        length = 0
        for premium in hourly("mixed", seed)[0]:
            if abs(premium) >= 0.0035:
                length += 1
            elif length:
                runs.append(length)
                length = 0
    assert sum(run == 1 for run in runs) / len(runs) == pytest.approx(0.69, abs=0.08)


@pytest.mark.parametrize("step_s", [6.0, 600.0, 3600.0])
def test_premium_is_exact_in_the_step(step_s: float) -> None:
    """Spread after an hour from a known start is the same law however the hour is cut up."""
    ends = []
    for seed in range(1500 if step_s > 60 else 300):
        premium = Premium(0.0, stream(seed, "exact"))
        for _ in range(round(HOUR_S / step_s)):
            premium.advance(step_s, QUIET_SD)
        ends.append(premium.value)
    variance = FAST_SHARE * (1 - exp(-2 / FAST_H)) + (1 - FAST_SHARE) * (1 - exp(-2 / SLOW_H))
    assert pstdev(ends) == pytest.approx(QUIET_SD * sqrt(variance), rel=0.15)


def test_episodes_do_not_depend_on_how_time_is_cut() -> None:
    """The same switch times and strengths come out of tenths of a second and of one leap."""
    spells = Spells(Span(0.5, 1.5, 5.0), Span(1.5, 4.5, 60.0), 0.005, 0.015, alternate=True)
    fine, leap = Episodes(spells, stream(5, "cut")), Episodes(spells, stream(5, "cut"))
    strengths = []
    for _ in range(1000):
        fine.advance(0.1)
        strengths.append(fine.strength)
    parts = list(leap.slices(100.0))
    assert sum(part_s for part_s, _ in parts) == pytest.approx(100.0)
    assert leap.strength == strengths[-1]
    seen = [strength for strength, before in zip(strengths, [0.0, *strengths], strict=False) if strength != before]
    assert [strength for strength in seen if strength] == [strength for _, strength in parts if strength]
