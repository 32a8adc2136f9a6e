"""Promises of the virtual-time driver, kept against the built-in exchange's own books."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from arbbot.domain.book import Book
from arbbot.domain.commands import Ask, CancelOrder, PlaceOrder
from arbbot.domain.events import Event
from arbbot.domain.records import DurableRecord, HedgeOpened, OrderIntended
from arbbot.engine.state import State
from arbbot.exchange.market.episodes import Span, Spells
from arbbot.exchange.market.prices import Moment, RandomPrices
from arbbot.exchange.market.scenarios import Scenario
from arbbot.exchange.rules import VenueRules
from arbbot.rehearsal import SCENARIO_START_US, Rehearsal, Setting, compose, scenario, tier_with_taker
from arbbot.research.backtest import BacktestResult, Latency, Pace, run
from tests.research.rules import RULES

ROOT = Path(__file__).parents[2]
SECOND_US = 1_000_000
PACE = Pace(look_us=100_000, tick_us=50_000)
CURRENCIES = ("btc", "usd", "eur")
VARIANTS = {
    "two decimals": VenueRules(row_decimals=2),
    "five decimals": VenueRules(row_decimals=5),
    "eight decimals": VenueRules(row_decimals=8),
    "cut balances": VenueRules(row_decimals=2, balance_decimals=2),
    "finer cut balances": VenueRules(row_decimals=8, balance_decimals=5),
    "late rows": VenueRules(row_decimals=5, row_lag_us=1_500_000),
    "late everything": VenueRules(row_decimals=2, balance_decimals=2, row_lag_us=900_000, status_lag_us=700_000),
}
SCRIPT = """
from decimal import Decimal
from arbbot.rehearsal import Setting, scenario, tier_with_taker
from arbbot.research.backtest import Pace
from tests.research.rules import RULES
played = scenario("stress", Setting(RULES, tier_with_taker(Decimal("0.03")), seed=5))
result = played.play(played.start_us + 15_000_000, Pace(100_000, 50_000))
print(result.records, result.records_hash, result.fingerprint)
"""


def setting(taker: str = "0.03", seed: int = 1, venue: VenueRules | None = None) -> Setting:
    """The defaults at a fee tier."""
    return Setting(RULES, tier_with_taker(D(taker)), venue=venue or VenueRules(), seed=seed)


def play(rehearsal: Rehearsal, seconds: int) -> tuple[BacktestResult, list[DurableRecord]]:
    """A run with everything it journaled."""
    records: list[DurableRecord] = []
    return rehearsal.play(rehearsal.start_us + seconds * SECOND_US, PACE, journal=records.extend), records


def test_a_run_is_the_same_in_two_processes() -> None:
    """Equal seed, equal records and state, whatever order the processes' hashes give."""
    runs = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=150,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(runs) == 1
    assert int(runs.pop().split()[0]) > 10


def test_another_seed_is_another_run() -> None:
    """The hash tells runs apart."""
    first, _ = play(scenario("dislocated", setting(seed=1)), 11)
    second, _ = play(scenario("dislocated", setting(seed=2)), 11)
    assert first.records_hash != second.records_hash


@pytest.mark.parametrize("rules", VARIANTS.values(), ids=VARIANTS.keys())
def test_a_run_ends_flat_and_equal_to_the_venue(rules: VenueRules) -> None:
    """Whatever the venue shows: flat, nothing open, no difference, and the ledger is the venue's exact truth."""
    rehearsal = scenario("dislocated", setting(venue=rules))
    result, _ = play(rehearsal, 26)
    told = result.report
    assert result.exit_code == 0
    assert result.ended_by == "the end of the run"
    assert told["hedges"]["completed"] >= 3
    assert told["exposure"]["btc"] == {"low": 0, "high": 0}
    assert told["reconciled"]
    smallest = D(0) if rules.balance_decimals is None else D(1).scaleb(-rules.balance_decimals)
    for currency in CURRENCIES:
        line, truth = told["ledger"][currency], rehearsal.account.balance(currency)
        assert line["difference"] == 0
        ledger = line["opening"] + line["booked"] + line["external"] + line["rounding"]
        assert 0 <= truth.total - ledger < smallest or truth.total == ledger
        assert truth.reserved == 0
    assert {(row.row_id, row.order_id) for row in rehearsal.account.rows} == set(rehearsal.engine.core.state.rows)


def test_the_venue_neither_makes_nor_loses_money() -> None:
    """Account, house and collected fees of every currency sum to zero after a run."""
    rehearsal = scenario("dislocated", setting())
    play(rehearsal, 10)
    for currency in CURRENCIES:
        held = rehearsal.account.balance(currency).total
        assert held + rehearsal.venue.house[currency] + rehearsal.venue.collected[currency] == 0


def test_the_records_fold_to_the_same_state() -> None:
    """What was journaled, replayed, has the fingerprint of the engine that wrote it."""
    result, records = play(scenario("stress", setting(seed=5)), 20)
    state = State()
    for record in records:
        state.apply(record)
    assert len(records) == result.records
    assert state.fingerprint() == result.fingerprint


def test_a_minute_of_dislocations_pays_at_the_lowest_tier() -> None:
    """At 0.03 % taker hedges complete, and what they made after fees is told."""
    result, records = play(scenario("dislocated", setting("0.03")), 60)
    assert result.report["hedges"]["completed"] >= 10
    assert result.report["pnl"]["hedge"] > 0
    assert result.signals >= result.report["hedges"]["completed"]
    assert len(result.hedges) == sum(isinstance(record, HedgeOpened) for record in records)


def test_dislocations_below_the_fees_are_all_declined() -> None:
    """At 0.40 % taker, edges up to 0.7 % reach the threshold and are declined by name: they cost 0.8 %."""
    spells = Spells(Span(0.5, 1.5, 5.0), Span(1.5, 4.5, 60.0), low=0.0045, high=0.0065, alternate=True)
    prices = RandomPrices(Scenario("small dislocations", dislocation=spells), 1)
    result, records = play(compose(prices, SCENARIO_START_US, setting("0.40")), 60)
    assert not any(isinstance(record, OrderIntended) for record in records)
    assert result.signals > 50
    assert result.report["refusals"]["below_net_floor"] >= result.signals
    assert result.report["pnl"]["hedge"] == 0


def test_no_hedge_is_decided_below_the_net_floor() -> None:
    """Even where dislocations exceed the fees of the bottom tier, each decision nets more than the floor."""
    _, records = play(scenario("dislocated", setting("0.40")), 30)
    opened = [record for record in records if isinstance(record, HedgeOpened)]
    assert opened
    assert all(record.net_bps > 0 and record.expected_pnl > 0 for record in opened)


class Timed:
    """A world that notes when orders arrive."""

    def __init__(self, inner: Rehearsal) -> None:
        self._world = inner.world
        self.arrived: dict[str, int] = {}

    def stirs(self, now_us: int) -> bool:
        return self._world.stirs(now_us)

    def books(self, now_us: int) -> Sequence[Book]:
        return self._world.books(now_us)

    def answer(self, command: PlaceOrder | CancelOrder | Ask, now_us: int) -> Event:
        if isinstance(command, PlaceOrder):
            self.arrived[command.terms.client_order_id] = now_us
        return self._world.answer(command, now_us)

    def drain(self) -> Sequence[Event]:
        return self._world.drain()


def test_orders_take_their_time_to_the_venue() -> None:
    """Every order arrives between the stated latency and the latency with all of its jitter."""
    rehearsal = scenario("dislocated", setting())
    timed, latency = Timed(rehearsal), Latency(up_us=70_000, down_us=10_000, jitter_us=5_000)
    journal: list[DurableRecord] = []
    end_us = rehearsal.start_us + 10 * SECOND_US
    run(timed, rehearsal.engine, rehearsal.start_us, end_us, PACE, latency=latency, journal=journal.extend)
    intended = {each.terms.client_order_id: each.utc_us for each in journal if isinstance(each, OrderIntended)}
    took = [timed.arrived[name] - at_us for name, at_us in intended.items()]
    assert intended.keys() == timed.arrived.keys()
    assert len(set(took)) > 2
    assert all(70_000 <= each <= 75_000 for each in took)


def test_a_run_ends_when_only_a_person_could_go_on() -> None:
    """A deposit that nobody announced pauses trading; the run says so instead of waiting for a resume."""
    rehearsal = scenario("calm", setting())
    deposits = [D(5)]

    def deposit(share: float) -> None:
        if share > 0.3 and deposits:
            now_us = rehearsal.start_us + 10 * SECOND_US
            rehearsal.venue.external(rehearsal.account, {"usd": deposits.pop()}, 0, now_us)

    result = rehearsal.play(rehearsal.start_us + 120 * SECOND_US, PACE, progress=deposit)
    assert result.ended_by.startswith("paused: 1 transaction rows are not ours")
    assert result.report["ledger"]["usd"]["external"] == 5
    assert result.report["ledger"]["usd"]["difference"] == 0


def test_stretches_without_interest_are_passed_by_price_alone() -> None:
    """Where the world says that nothing can come of the books, the engine sees none and nothing else happens."""
    rehearsal = compose(
        RandomPrices(Scenario("still"), 1), SCENARIO_START_US, setting(), interest=lambda _, now_us: False
    )
    pace = Pace(look_us=10 * SECOND_US, tick_us=10 * SECOND_US)
    result = rehearsal.play(rehearsal.start_us + 86_400 * SECOND_US, pace)
    assert result.quiet_looks > 8_000
    assert result.looks < 400
    assert result.exit_code == 0


class InStep:
    """Both base markets jump by one percent, up and down, always together: there is never an edge."""

    def __init__(self) -> None:
        self._high = False

    def advance(self, step_s: float) -> Moment:
        """One jump a call."""
        self._high = not self._high
        btcusd = 20_200.0 if self._high else 20_000.0
        return Moment({"btcusd": btcusd, "btceur": btcusd / 1.1, "eurusd": 1.1}, 1.0, 1.0, None)


@pytest.mark.parametrize("whole", [True, False])
def test_prices_of_different_moments_make_no_signal(whole: bool) -> None:
    """A whole look judges its books together; one by one, each jump would look like an edge of one percent."""
    believing = replace(RULES, feed=replace(RULES.feed, fresh_s=D(100)))
    rehearsal = compose(
        InStep(), SCENARIO_START_US, Setting(believing, tier_with_taker(D("0.03"))), only_changed=not whole
    )
    pace = Pace(look_us=10 * SECOND_US, tick_us=10 * SECOND_US, whole=whole)
    result = rehearsal.play(rehearsal.start_us + 300 * SECOND_US, pace)
    assert (result.signals == 0) is whole
    assert result.looks >= 30


@pytest.mark.parametrize("change", [{"look_us": 0}, {"tick_us": 0}, {"tick_us": 200_000}, {"busy_look_us": 200_000}])
def test_a_pace_that_makes_no_sense_is_refused(change: dict[str, Any]) -> None:
    """Ticks and busy looks are at least as frequent as idle looks, and all take some time."""
    with pytest.raises(ValueError, match="at least as frequent"):
        replace(PACE, **change)
