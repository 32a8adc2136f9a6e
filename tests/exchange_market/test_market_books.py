"""The house's books on a real venue: shape, determinism, refill, and what clients may rely on."""

from __future__ import annotations

from decimal import Decimal

import pytest

from arbbot.exchange.accounts import Account, AccountOrder, FeeRates, Status
from arbbot.exchange.entry import OrderRequest
from arbbot.exchange.market.house import REFILL_HALF_LIFE_S, REFILL_STEP
from arbbot.exchange.market.simulation import STYLES, MarketProcess, build
from arbbot.exchange.matching import Kind, Side
from arbbot.exchange.venue import Venue

TENTH_US = 100_000


def opened(scenario: str = "calm", seed: int = 1) -> tuple[Venue, MarketProcess, Account]:
    """Open a venue with a first set of quotes and a rich client."""
    venue = Venue()
    client = venue.add_account(
        "client",
        {"btc": Decimal(1000), "usd": Decimal(10**9), "eur": Decimal(10**9)},
        FeeRates(Decimal(0), Decimal(0)),
    )
    process = build(scenario, None, seed, venue, 0)
    process.tick(0)
    return venue, process, client


def best(venue: Venue, market: str, side: Side) -> Decimal:
    """Best price of one side."""
    level = venue.listing(market).book.side(side).best()
    assert level is not None
    return level.price


def assert_not_crossed(venue: Venue) -> None:
    """Every book has its best bid below its best ask."""
    for market in STYLES:
        assert best(venue, market, Side.BUY) < best(venue, market, Side.SELL)


def send(venue: Venue, client: Account, side: Side, size: str, price: Decimal | None, now_us: int) -> AccountOrder:
    """Place a client order on btcusd."""
    kind = Kind.MARKET if price is None else Kind.LIMIT
    return venue.place(client, OrderRequest("btcusd", side, kind, Decimal(size), price), now_us)


@pytest.mark.parametrize("scenario", ["calm", "mixed", "dislocated", "stress"])
@pytest.mark.parametrize("step_us", [TENTH_US, 10_000_000, 3_600_000_000])
def test_books_are_deep_on_the_grid_and_never_crossed(scenario: str, step_us: int) -> None:
    """At any step: no crossed book, 100 levels a side save a deserted one, everything on the venue's grid."""
    venue, process, _ = opened(scenario)
    for step in range(1, 41):
        process.tick(step * step_us)
        assert_not_crossed(venue)
        for market in STYLES:
            book = venue.listing(market).book
            deserted = scenario == "stress" and market == "btceur"
            assert max(len(book.bids), len(book.asks)) >= 100
            assert min(len(book.bids), len(book.asks)) >= (5 if deserted else 100)
            spec = venue.spec(market)
            for _, _, price, remaining in venue.house_orders(market):
                assert price % spec.tick == 0
                assert remaining % spec.lot == 0


def test_depth_grows_with_distance() -> None:
    """The far half of a side holds clearly more than the near half."""
    venue, _, _ = opened()
    for market in STYLES:
        sizes = [level.total for level in venue.listing(market).book.asks]
        assert sum(sizes[60:]) > sum(sizes[:60]) * Decimal("1.3")


def test_the_same_seed_gives_the_same_quotes_and_another_one_does_not() -> None:
    """Two processes of one seed agree to the last digit; a third of another seed does not."""
    rows = []
    for seed in (11, 11, 12):
        venue, process, _ = opened("dislocated", seed)
        for step in range(1, 60):
            process.tick(step * TENTH_US)
        rows.append([row for market in STYLES for row in venue.house_orders(market)])
    assert rows[0] == rows[1]
    assert [row[1:] for row in rows[0]] != [row[1:] for row in rows[2]]


def test_fair_prices_do_not_depend_on_what_clients_do() -> None:
    """A client moves quotes, never the fair price behind them, so runs of one seed stay comparable."""
    fair = []
    for trades in (False, True):
        venue, process, client = opened()
        for step in range(1, 30):
            if trades:
                send(venue, client, Side.BUY, "1.5", None, step * TENTH_US)
            process.tick(step * TENTH_US)
        fair.append([process.fair(market) for market in STYLES])
    assert fair[0] == fair[1]


def test_a_tick_is_incremental() -> None:
    """In calm a tick leaves more than 90 % of the orders alone."""
    venue, process, _ = opened()
    for step in range(1, 50):
        before = {row for market in STYLES for row in venue.house_orders(market)}
        process.tick(step * TENTH_US)
        after = {row for market in STYLES for row in venue.house_orders(market)}
        assert len(before & after) > 0.9 * len(before)


@pytest.mark.parametrize("step_us", [TENTH_US, 3_000_000])
def test_consumed_levels_refill_with_the_stated_half_life(step_us: int) -> None:
    """After each half-life half of what was missing at a level is back, at any step, give or take a refill step.

    Watched are levels so far out that the quotes, lifted by the sweep, still cover them.
    """
    venue, process, client = opened()
    fair = process.fair("btcusd")
    near, far = fair * Decimal("1.0015"), fair * Decimal("1.0025")
    swept = {price: size for _, _, price, size in venue.house_orders("btcusd") if near < price < far}
    assert len(swept) > 10
    send(venue, client, Side.BUY, str(venue.listing("btcusd").book.reachable(Side.BUY, far)), None, 0)
    half_life_us, now_us = round(REFILL_HALF_LIFE_S * 1_000_000), 0
    for halvings in (1, 2, 3):
        while now_us < halvings * half_life_us:
            now_us += step_us
            process.tick(now_us)
        back = sum(size for _, _, price, size in venue.house_orders("btcusd") if price in swept)
        assert float(back / sum(swept.values())) == pytest.approx(1 - 0.5**halvings, abs=REFILL_STEP)


def test_a_sweep_lifts_the_quotes_for_a_while() -> None:
    """A large purchase moves the whole ladder up, by its size, and the move fades."""
    venue, process, client = opened()
    twin, twin_process, _ = opened()
    send(venue, client, Side.BUY, "8", None, 0)
    lifted = []
    for step in (1, 2, 1800):
        process.tick(step * TENTH_US)
        twin_process.tick(step * TENTH_US)
        lifted.append(float(best(venue, "btcusd", Side.BUY) / best(twin, "btcusd", Side.BUY) - 1))
    assert 3e-4 < lifted[1] < 15e-4
    assert abs(lifted[2]) < 1.5e-4


def test_a_resting_order_inside_the_new_quotes_is_traded_not_crossed() -> None:
    """When prices run through a client's resting sale it fills at its own price and the book stays in order."""
    venue, process, client = opened("calm", 3)
    orders = []
    for step in range(1, 120):
        now_us = step * 50 * TENTH_US
        orders.append(send(venue, client, Side.SELL, "0.05", best(venue, "btcusd", Side.SELL), now_us))
        orders.append(send(venue, client, Side.BUY, "0.05", best(venue, "btcusd", Side.BUY), now_us))
        process.tick(now_us)
        assert_not_crossed(venue)
        for order in client.open_orders.values():
            assert order.price is not None
            if order.side is Side.SELL:
                assert order.price >= best(venue, "btcusd", Side.SELL)
            else:
                assert order.price <= best(venue, "btcusd", Side.BUY)
    filled = [order for order in orders if order.status is Status.FINISHED]
    assert len(filled) > 20
    assert all(row.price == order.price for order in filled for row in order.fills)


def test_a_wall_far_inside_the_market_is_eaten_up_without_a_crossed_book() -> None:
    """Even 300 BTC offered far below the market never leave a crossed book behind."""
    venue, process, client = opened()
    wall = send(venue, client, Side.SELL, "300", process.fair("btcusd") * Decimal("0.99") // 1, 0)
    resting = wall.remaining
    assert 0 < resting < 300
    for step in range(1, 60):
        process.tick(step * TENTH_US)
        assert_not_crossed(venue)
    assert wall.remaining < resting


def test_house_flow_fills_a_client_that_joins_the_best_price() -> None:
    """With prices standing still at the end of a history, random market orders still reach a resting order."""
    venue, now_us = Venue(), 30 * 3_600_000_000
    client = venue.add_account("client", {"usd": Decimal(10**6)})
    process = build(None, "2022-12-30", 5, venue, 0)
    process.tick(now_us)
    order = send(venue, client, Side.BUY, "0.2", best(venue, "btcusd", Side.SELL) - Decimal("0.01"), now_us)
    for step in range(1, 600):
        process.tick(now_us + step * TENTH_US)
    assert order.fills


def test_a_halted_market_keeps_its_quotes() -> None:
    """While halted nothing is quoted or lost; afterwards quotes follow again without a jump of their own making."""
    venue, process, _ = opened("dislocated", 2)
    venue.set_trading("btcusd", False, 0)
    before = list(venue.house_orders("btcusd"))
    for step in range(1, 50):
        process.tick(step * TENTH_US)
    assert list(venue.house_orders("btcusd")) == before
    venue.set_trading("btcusd", True, 50 * TENTH_US)
    process.tick(50 * TENTH_US)
    fair = process.fair("btcusd")
    assert best(venue, "btcusd", Side.BUY) < fair < best(venue, "btcusd", Side.SELL)


def test_time_cannot_run_backwards() -> None:
    """A tick before the last one is an error and changes nothing."""
    _, process, _ = opened()
    process.tick(TENTH_US)
    fair = process.fair("btcusd")
    with pytest.raises(ValueError, match="backwards"):
        process.tick(0)
    assert process.fair("btcusd") == fair
