"""What each scenario offers to a taker, measured by walking the books of a real venue."""

from __future__ import annotations

from decimal import Decimal

import pytest

from arbbot.exchange.market.scenarios import SCENARIOS
from arbbot.exchange.market.simulation import build
from arbbot.exchange.matching import Side
from arbbot.exchange.venue import Venue

SIZE = Decimal("0.05")
CHEAPEST_TAKER = Decimal("0.0003")
STEP_US = 250_000
PER_SECOND = 1_000_000 // STEP_US


def average(venue: Venue, market: str, side: Side, size: Decimal) -> Decimal:
    """Average price of a market order."""
    had, value = venue.listing(market).book.cost(side, size)
    assert had == size
    return value / had


def edges(venue: Venue, fee: Decimal) -> tuple[Decimal, Decimal]:
    """Return of buying USD and selling EUR, and of the reverse, each of three legs paying `fee`."""
    notional = (SIZE * average(venue, "btcusd", Side.BUY, SIZE)).quantize(Decimal("0.00001"))
    into_usd = average(venue, "eurusd", Side.SELL, notional)
    into_eur = average(venue, "eurusd", Side.BUY, notional)
    buy_usd, sell_usd = (average(venue, "btcusd", side, SIZE) for side in Side)
    buy_eur, sell_eur = (average(venue, "btceur", side, SIZE) for side in Side)
    forth = sell_eur * (1 - fee) * into_usd * (1 - fee) / (buy_usd * (1 + fee)) - 1
    back = sell_usd * (1 - fee) / (buy_eur * (1 + fee) * into_eur * (1 + fee)) - 1
    return forth, back


def chances(scenario: str, seed: int, seconds: int) -> tuple[list[int], list[int]]:
    """Lengths, in steps, of the stretches with gross >= 0.35 % and a positive net, by direction."""
    venue = Venue()
    process = build(scenario, None, seed, venue, 0)
    found: tuple[list[int], list[int]] = ([], [])
    running = [0, 0]
    for step in range(seconds * PER_SECOND + 1):
        process.tick(step * STEP_US)
        gross, net = edges(venue, Decimal(0)), edges(venue, CHEAPEST_TAKER)
        for way in (0, 1):
            if gross[way] >= Decimal("0.0035") and net[way] > 0:
                running[way] += 1
            elif running[way]:
                found[way].append(running[way])
                running[way] = 0
    return found[0] + [running[0]], found[1] + [running[1]]


@pytest.mark.parametrize("seed", range(8))
def test_dislocated_offers_several_hedges_in_thirty_seconds(seed: int) -> None:
    """Two chances or more in each direction, a second or longer, and net positive at 0.03 % taker."""
    lasting = [[length for length in way if length > PER_SECOND] for way in chances("dislocated", seed, 30)]
    assert min(map(len, lasting)) >= 2


@pytest.mark.parametrize("seed", range(3))
def test_calm_offers_nothing(seed: int) -> None:
    """No 0.35 % edge in a minute of calm."""
    assert chances("calm", seed, 60) == ([0], [0])


def test_stress_spikes_vanish_within_a_second() -> None:
    """Spikes of at least 0.4 % come and go in 0.8 s at most, in both directions."""
    process_spikes = SCENARIOS["stress"].spike
    assert process_spikes is not None
    assert process_spikes.length.most_s < 1.0
    venue = Venue()
    process = build("stress", None, 4, venue, 0)
    before, jumps = None, []
    for step in range(600):
        process.tick(step * 100_000)
        premium = process.fair("btceur") * process.fair("eurusd") / process.fair("btcusd") - 1
        if before is not None and abs(premium - before) > Decimal("0.003"):
            jumps.append((step, premium > before))
        before = premium
    starts, ends = jumps[0::2], jumps[1::2]
    assert len(ends) >= 4
    for (start, up), (end, back_up) in zip(starts, ends, strict=False):
        assert up != back_up
        assert end - start <= 9
    assert {up for _, up in starts} == {True, False}


def test_stress_is_wide_thin_and_at_times_one_sided() -> None:
    """Against calm: spreads at least three times as wide, a third of the depth at most, one side all but empty."""
    spread, depth, sides = {}, {}, set()
    for scenario in ("calm", "stress"):
        venue = Venue()
        process = build(scenario, None, 2, venue, 0)
        spreads, depths = [], []
        for step in range(400):
            process.tick(step * STEP_US)
            book, euro = venue.listing("btcusd").book, venue.listing("btceur").book
            bid, ask = book.bids.best(), book.asks.best()
            assert bid is not None
            assert ask is not None
            spreads.append((ask.price - bid.price) / bid.price)
            depths.append(book.reachable(Side.BUY, ask.price * Decimal("1.001")))
            sides |= {(scenario, side) for side in Side if len(euro.side(side)) < 20}
        spread[scenario], depth[scenario] = sum(spreads) / len(spreads), sum(depths) / len(depths)
    assert spread["stress"] > 3 * spread["calm"]
    assert depth["stress"] < depth["calm"] / 3
    assert sides == {("stress", Side.BUY), ("stress", Side.SELL)}


def test_an_unknown_scenario_or_two_wishes_at_once_are_refused() -> None:
    """Contradictions are errors before anything is quoted."""
    with pytest.raises(ValueError, match="unknown scenario"):
        build("stormy", None, 1, Venue(), 0)
    with pytest.raises(ValueError, match="exclude"):
        build("calm", "2022", 1, Venue(), 0)
