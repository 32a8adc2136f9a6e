"""Promises of runs along recorded closes."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest

from arbbot.engine.rules import ThresholdMode
from arbbot.exchange.accounts import FeeRates
from arbbot.exchange.market.prices import Moment
from arbbot.rehearsal import RecordedHours, history_run, least_gross, near_threshold, tier_with_taker
from tests.research.rules import RULES

HOUR_S = 3600


def moment(premium: float) -> Moment:
    """A moment at which the fair prices differ by a premium."""
    return Moment({"btcusd": 8000.0, "btceur": 8000.0 * (1 + premium) / 1.1, "eurusd": 1.1}, 1.0, 1.0, None)


def test_the_stormiest_day_told_honestly() -> None:
    """Closing prices and synthetic figures stand apart, the ledger equals the venue, the same run has the same hash."""
    told = history_run("2020-03-12", D("0.03"), RULES, 1, 300)
    assert told["raised_rules"] == {"feed.ticker_max_age_s": 600, "account.rounding_cap": 100}
    assert told["hedge_size"] == RULES.trade.target_size * RULES.trade.weight
    assert told["closing_prices"]["hours"] == 24
    assert told["closing_prices"]["qualifying_hours"] == {"0.35%": 10, "0.50%": 5, "0.60%": 2}
    synthetic = told["synthetic"]
    assert synthetic["meaning"].startswith("SYNTHETIC")
    assert synthetic["exit_code"] == 0
    assert synthetic["hedges"]["completed"] > 10
    assert synthetic["signals"] >= synthetic["hedges"]["completed"]
    assert {line["difference"] for line in synthetic["ledger"].values()} == {0}
    assert "no_book" not in synthetic["refusals"]
    assert history_run("2020-03-12", D("0.03"), RULES, 1, 300)["records_hash"] == told["records_hash"]


def test_a_quiet_day_is_told_as_such() -> None:
    """No signal, no hedge, nothing earned, and the price path was looked at all day."""
    told = history_run("2022-06-01", D("0.40"), RULES, 1, 60)
    assert told["closing_prices"]["qualifying_hours"]["0.35%"] == 0
    synthetic = told["synthetic"]
    assert (synthetic["signals"], synthetic["hedges"]["completed"], synthetic["turnover"]) == (0, 0, 0)
    assert synthetic["looks_passed_by_price"] > 1300


def test_a_period_without_records_is_refused() -> None:
    """There are no closes of 2016."""
    with pytest.raises(ValueError, match="no hourly closes"):
        history_run("2016", D("0.40"), RULES, 1)


def test_only_recorded_hours_are_played() -> None:
    """Inside two closes an hour apart yes; in a gap, before the first and after the last no."""
    hours = RecordedHours([0, HOUR_S, 50 * HOUR_S, 51 * HOUR_S])
    played = [at_s for at_s in (0, HOUR_S - 1, HOUR_S, 30 * HOUR_S, 50 * HOUR_S, 51 * HOUR_S) if at_s * 10**6 in hours]
    assert played == [0, HOUR_S - 1, 50 * HOUR_S]
    assert -1 not in hours


@pytest.mark.parametrize(("premium", "interesting"), [(0.0029, False), (0.0031, True), (-0.0031, True), (0.0, False)])
def test_looks_are_spent_near_the_threshold_in_either_direction(premium: float, interesting: bool) -> None:
    """Within five basis points of 0.35 % or beyond, books are looked at."""
    interest = near_threshold(D("0.0035"), RecordedHours([0, HOUR_S]))
    assert interest(moment(premium), 10) is interesting


def test_the_screen_follows_the_threshold_of_the_rules() -> None:
    """Fixed: the threshold itself. Cost plus: two legs' fees at the cheaper rate and the margin."""
    rates = FeeRates(D("0.06"), D("0.16"))
    assert least_gross(RULES, rates) == D("0.0035")
    cost_plus = replace(RULES, trade=replace(RULES.trade, threshold_mode=ThresholdMode.COST_PLUS))
    assert D("0.0026") < least_gross(cost_plus, rates) < D("0.0028")


def test_tiers_are_those_of_the_ladder() -> None:
    """A taker fee of the ladder brings its maker fee along; another one counts for both."""
    assert tier_with_taker(D("0.03")) == FeeRates(D("0.00"), D("0.03"))
    assert tier_with_taker(D("0.4")) == FeeRates(D("0.30"), D("0.40"))
    assert tier_with_taker(D("0.25")) == FeeRates(D("0.25"), D("0.25"))
