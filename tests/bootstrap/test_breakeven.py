"""What a hedge costs before the first order is sent, by exact sums of our own and a real exchange's fees."""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import replace
from decimal import Decimal as D
from fractions import Fraction
from itertools import pairwise

import pytest

from arbbot.bootstrap.breakeven import Fees, answer
from arbbot.bootstrap.opening import verdict
from arbbot.domain.market import FeeRate
from arbbot.engine.rules import FxPolicy, LimitReference, ThresholdMode, TradeRules
from arbbot.exchange.market.history import qualifying_hours
from arbbot.exchange.options import DEMO_KEY, DEMO_SECRET
from arbbot.settings import load, rules
from tests.bootstrap.program import ROOT, arbbot, exchange, variables
from tests.engine.rig import ROUTE

CLOSES = ROOT / "arbbot" / "exchange" / "market" / "hourly_closes.csv.gz"
TRADE = rules(load(ROOT / "settings.toml")).trade
STEP = Fraction(1, 10**6)


def net(gross_pct: D, taker_pct: D, fx_pct: D) -> Fraction:
    """What a hundred of domestic currency make at this gross edge, buying at home: fees of both legs and the FX leg."""
    taker, fx, gross = Fraction(taker_pct) / 100, Fraction(fx_pct) / 100, Fraction(gross_pct) / 100
    return 100 * ((1 + gross) * (1 - taker) * (1 - fx) / (1 + taker) - 1)


def test_a_hedge_at_the_edge_needed_nets_nothing_and_not_less() -> None:
    """At every tier, for two legs and with the FX leg, to the last digit shown."""
    tiers = answer(TRADE, None, "not asked")["tiers"]
    assert [tier["taker_pct"] for tier in tiers] == sorted((tier["taker_pct"] for tier in tiers), reverse=True)
    for tier in tiers:
        for needed, fx in (("gross_needed_pct", D(0)), ("gross_needed_with_fx_pct", tier["taker_pct"])):
            assert 0 <= net(tier[needed], tier["taker_pct"], fx) < 2 * STEP, tier


def test_hours_are_counted_in_the_recorded_closes() -> None:
    """An own reading of the file gives the same counts; a cheaper tier never has fewer hours."""
    rows = list(csv.DictReader(gzip.decompress(CLOSES.read_bytes()).decode().splitlines()))
    tiers = answer(TRADE, None, "not asked")["tiers"]
    found = answer(TRADE, None, "not asked")["hours"]
    assert sum(found.values()) == len(rows) == 33_146
    for tier in (tiers[0], tiers[3], tiers[-1]):
        taker = Fraction(tier["taker_pct"]) / 100
        exact = (1 + taker) / (1 - taker) - 1
        counts = dict.fromkeys(found, 0)
        for row in rows:
            home, away, fx = (Fraction(row[name]) for name in ("btcusd", "btceur", "eurusd"))
            counts[row["hour_utc"][:4]] += abs(away * fx / home - 1) >= exact
        assert tier["hours_by_year"] == counts
    for dear, cheap in pairwise(tiers):
        assert all(dear["hours_by_year"][year] <= cheap["hours_by_year"][year] for year in found)


def test_the_dearer_direction_counts() -> None:
    """An account with other fees on each market needs the edge of the direction that costs more."""
    cheap, dear = FeeRate(D(0), D("0.001")), FeeRate(D(0), D("0.004"))
    account = answer(TRADE, Fees("a test", cheap, dear, cheap), None)["account"]
    assert account["legs_cost_pct"] == D("0.5"), "one leg at each market's rate, whichever way round"
    gross = 1 + Fraction(account["gross_needed_pct"]) / 100
    home, away = Fraction("0.001"), Fraction("0.004")
    nets = [gross * (1 - away) / (1 + home) - 1, gross * (1 - home) / (1 + away) - 1]
    assert 0 <= min(nets) < 2 * STEP
    assert not account["threshold_pays"]


def test_the_accounts_own_tier_is_asked_of_the_venue() -> None:
    """Fees as the venue charges them; the verdict on the threshold follows; nothing is traded."""
    with exchange("--tier", "20000000") as venue:
        ended = arbbot("breakeven", "--json", **variables(venue, DEMO_KEY, DEMO_SECRET))
    account = json.loads(ended.out)["account"]
    assert ended.code == 0, ended.err
    assert account["markets"]["fx"] == {"maker_pct": "0.020", "taker_pct": "0.100"}
    assert account["source"].startswith("fees/trading")
    assert (account["gross_needed_pct"], account["gross_needed_with_fx_pct"]) == ("0.200201", "0.300501")
    assert account["threshold_pays_with_fx"]


@pytest.mark.parametrize(
    ("taker", "words"), [("0.40", "cannot pay"), ("0.16", "but not for its FX leg"), ("0.03", "pays, slippage apart")]
)
def test_three_tiers_in_words(taker: str, words: str) -> None:
    """Fees by hand ask nobody, and the verdict on the threshold is said."""
    ended = arbbot("breakeven", "--taker", taker)
    assert ended.code == 0, ended.err
    assert words in ended.out
    assert "closing prices (last trades)" in ended.out


def test_without_a_key_the_ladder_is_told_all_the_same() -> None:
    """What is not known is said with its reason, and exit code 0: the question has an answer."""
    ended = arbbot("breakeven")
    assert ended.code == 0
    assert "this account's fees are not known: keys.key_id: missing" in ended.out
    assert "1,000,000,000" in ended.out


def test_half_a_rate_is_refused() -> None:
    """A maker fee alone is a slip of the hand."""
    ended = arbbot("breakeven", "--maker", "0.1")
    assert (ended.code, ended.out) == (2, "")
    assert "--maker wants --taker" in ended.err


CHEAP = FeeRate(D(0), D("0.0003"))
SYMBOLS = ROUTE.symbols


def at_start(trade: TradeRules, rate: FeeRate) -> str:
    """What a daemon says at these fees before its first order."""
    return "\n".join(verdict(ROUTE, dict.fromkeys(SYMBOLS, rate), trade))


def test_a_threshold_below_the_net_floor_is_told_not_to_pay() -> None:
    """Fees of 0.1 % a leg and a floor of 0.2 % want 0.4 % gross: a threshold of 0.35 % is above break-even, and every
    signal at it is declined.
    """
    rate = FeeRate(D(0), D("0.001"))
    trade = replace(TRADE, net_floor=D("0.002"), gross_threshold=D("0.0035"), limit_markup=D(0))
    account = answer(trade, Fees("a test", rate, rate, rate), None)["account"]
    wanted = account["gross_wanted_pct"]
    assert D("0.2") <= net(wanted, D("0.1"), D(0)) < D("0.2") + 2 * D(STEP.numerator) / STEP.denominator
    assert not account["threshold_pays"]
    assert "WARNING    a signal at the threshold cannot pay" in at_start(trade, rate)
    enough = replace(trade, gross_threshold=wanted / 100)
    assert answer(enough, Fees("a test", rate, rate, rate), None)["account"]["threshold_pays"]
    assert "cannot pay at this tier" not in at_start(enough, rate)


@pytest.mark.parametrize("mode", list(ThresholdMode))
def test_edges_that_the_sell_limit_forbids_are_not_promised(mode: ThresholdMode) -> None:
    """With the limit 0.3 % above the purchase no hedge lies below that, however cheap the tier: its hours are those at
    0.3 %, and a threshold that asks for less is warned of, unless the limit hangs on the other market.
    """
    low = replace(TRADE, threshold_mode=mode, gross_threshold=D("0.002"), fx_policy=FxPolicy.NEVER)
    fees = Fees("a test", CHEAP, CHEAP, CHEAP)
    told = answer(low, fees, None)
    account = told["account"]
    assert (told["limit_needs_pct"], account["gross_wanted_pct"]) == (D("0.3"), D("0.3"))
    assert account["threshold_below_limit"]
    assert "no hedge is made below 0.300% gross" in at_start(low, CHEAP)
    for year, hours in account["hours_wanted_by_year"].items():
        assert hours == qualifying_hours(year, [D("0.003")])[1][D("0.003")] < account["hours_by_year"][year]
    hung_out = replace(low, limit_reference=LimitReference.SELL_ASK)
    told = answer(hung_out, fees, None)
    assert told["limit_needs_pct"] is None
    assert not told["account"]["threshold_below_limit"]
    assert told["account"]["gross_wanted_pct"] == told["account"]["gross_needed_pct"]
    assert "no hedge is made below" not in at_start(hung_out, CHEAP)


def test_the_limit_is_told_in_words() -> None:
    """Where the threshold follows the cheap fees below it."""
    ended = arbbot("breakeven", "--taker", "0.03", ARBBOT_TRADE__THRESHOLD_MODE="cost_plus")
    assert ended.code == 0, ended.err
    assert "no hedge is made below 0.3 % gross" in ended.out
