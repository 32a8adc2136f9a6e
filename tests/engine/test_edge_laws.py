"""Spread, sizing and limit price against the product's formulas, in fractions, for any books."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arbbot.domain.book import Book, BookError, Row
from arbbot.domain.market import Direction, Side
from arbbot.engine.refusal import Refusal
from arbbot.engine.rules import BuyAs, LimitReference
from arbbot.engine.sizing import Funds, Sized, Sizer, limit_price
from arbbot.engine.spread import Costs, Triangle, Walk, exceeds, reaches
from tests.engine.rig import BTC_EUR, BTC_USD, ROUTE, rules

D = Decimal
F = Fraction
directions = st.sampled_from(list(Direction))
fees = st.decimals(0, D("0.005"), places=4)


@st.composite
def sides(draw: st.DrawFn, best: Decimal, tick: Decimal, lot: str, most: str, *, ascending: bool) -> list[Row]:
    """A few levels from a best price on, unevenly spaced."""
    gaps = draw(st.lists(st.integers(1, 4000), max_size=5))
    price = best
    rows: list[Row] = []
    for gap in [0, *gaps]:
        price += tick * gap if ascending else -tick * gap
        rows.append([str(price), str(draw(st.decimals(D(lot), D(most), places=8)))])
    return rows


@st.composite
def books(draw: st.DrawFn, symbol: str, mid: Decimal, tick: Decimal, lot: str, most: str) -> Book:
    """A tradable book round a price."""
    bid = mid.quantize(tick)
    ask = bid + tick * draw(st.integers(1, 300))
    return Book(
        symbol,
        1,
        draw(sides(bid, tick, lot, most, ascending=False)),
        draw(sides(ask, tick, lot, most, ascending=True)),
    )


@st.composite
def triangles(draw: st.DrawFn, direction: Direction | None = None) -> Triangle:
    """Three books whose premium lies between -2 % and +4 % in the drawn direction."""
    direction = direction or draw(directions)
    edge = draw(st.integers(-200, 400))
    fx = draw(books("eurusd", D("1.1"), D("0.00001"), "1", "20000"))
    domestic = draw(books("btcusd", D(60_000), D("0.01"), "0.0001", "0.4"))
    lift = 1 + D(edge) / 10_000 * (1 if direction is Direction.BUY_DOMESTIC else -1)
    foreign = draw(books("btceur", D(60_000) / D("1.1") * lift, D("0.01"), "0.0001", "0.4"))
    fx_ask = fx.ask or D(0)
    if direction is Direction.BUY_DOMESTIC:
        return Triangle(
            direction, domestic, foreign, fx, domestic.ask or D(0), foreign.bid or D(0), domestic.ask or D(0)
        )
    return Triangle(
        direction, foreign, domestic, fx, foreign.ask or D(0), domestic.bid or D(0), (foreign.ask or D(0)) * fx_ask
    )


def total(rows: list[list[str]], size: Fraction) -> tuple[Fraction, Fraction] | None:
    """(counter total, worst price) of a naive walk."""
    left, paid, worst = size, F(0), F(0)
    for price, amount in ((F(row[0]), F(row[1])) for row in rows):
        if left <= 0:
            break
        part = min(left, amount)
        left, paid, worst = left - part, paid + part * price, price
    return None if left > 0 else (paid, worst)


@dataclass(frozen=True)
class Naive:
    """A size walked through the three books in fractions, and the product's formulas on it."""

    triangle: Triangle
    costs: Costs
    size: Fraction
    bought: tuple[Fraction, Fraction]
    sold: tuple[Fraction, Fraction]
    fx_rate: Fraction

    @classmethod
    def walk(cls, triangle: Triangle, costs: Costs, size: Decimal) -> Naive | Refusal:
        """Walk, or say which book is too thin."""
        bought = total(list(map(list, triangle.buy.asks)), F(size))
        sold = total(list(map(list, triangle.sell.bids)), F(size))
        if bought is None or sold is None:
            return Refusal.BOOK_DEPTH
        selling = triangle.direction is Direction.BUY_DOMESTIC
        notional = sold[0] if selling else bought[0]
        fx = total(list(map(list, triangle.fx.bids if selling else triangle.fx.asks)), notional)
        return Refusal.FX_DEPTH if fx is None else cls(triangle, costs, F(size), bought, sold, fx[0] / notional)

    @property
    def ask(self) -> Fraction:
        return self.bought[0] / self.size

    @property
    def bid(self) -> Fraction:
        return self.sold[0] / self.size

    def gross(self) -> Fraction:
        """The product's formula."""
        if self.triangle.direction is Direction.BUY_DOMESTIC:
            return self.bid * self.fx_rate / self.ask - 1
        return self.bid / (self.ask * self.fx_rate) - 1

    def net(self, bid: Fraction | None = None) -> Fraction:
        """The product's formula, at the sell VWAP or at another sell price."""
        bid = self.bid if bid is None else bid
        buy, sell, fx = F(self.costs.buy), F(self.costs.sell), F(self.costs.fx)
        if self.triangle.direction is Direction.BUY_DOMESTIC:
            return bid * (1 - sell) * self.fx_rate * (1 - fx) / (self.ask * (1 + buy)) - 1
        return bid * (1 - sell) / (self.ask * (1 + buy) * self.fx_rate * (1 + fx)) - 1

    def paid(self) -> Fraction:
        """Numeraire paid."""
        return self.bought[0] * (1 if self.triangle.direction is Direction.BUY_DOMESTIC else self.fx_rate)

    def limit_floor(self, markup: Decimal, net_floor: Decimal) -> Fraction:
        """The unrounded limit: V k / FX or V k FX."""
        buy, sell, fx = F(self.costs.buy), F(self.costs.sell), F(self.costs.fx)
        selling = self.triangle.direction is Direction.BUY_DOMESTIC
        lift = 1 / (1 - fx) if selling else 1 + fx
        k = max(1 + F(markup), (1 + buy) * (1 + F(net_floor)) / (1 - sell) * lift)
        return self.ask * k / self.fx_rate if selling else self.ask * k * self.fx_rate


all_costs = st.builds(Costs, fees, fees, fees)
small_sizes = st.decimals(D("0.0001"), D("0.5"), places=8)


@given(triangles(), all_costs, small_sizes)
@settings(max_examples=120)
def test_gross_and_net_are_the_products_formulas(triangle: Triangle, costs: Costs, size: Decimal) -> None:
    """Both directions, any books, fees and size: the totals give exactly the formulas' edges, or the same refusal."""
    walk, naive = triangle.walk(size), Naive.walk(triangle, costs, size)
    if isinstance(naive, Refusal):
        assert walk is naive
        return
    assert isinstance(walk, Walk)
    assert F(walk.out) / F(walk.paid) - 1 == naive.gross()
    assert F(walk.net_out(costs)) / F(walk.net_paid(costs)) - 1 == naive.net()
    assert abs(F(walk.gross_bps()) / 10_000 - naive.gross()) < F(1, 10**8)
    assert abs(F(walk.net_bps(costs)) / 10_000 - naive.net()) < F(1, 10**8)
    for rate in (D(0), D("0.0035")):
        assert exceeds(walk.net_out(costs), walk.net_paid(costs), rate) is (naive.net() > F(rate))


@given(triangles(), all_costs, small_sizes)
@settings(max_examples=80)
def test_net_is_zero_at_break_even(triangle: Triangle, costs: Costs, size: Decimal) -> None:
    """Net and gross minus break-even have one sign; 1 + net = (1 + gross) / (1 + break-even)."""
    naive = Naive.walk(triangle, costs, size)
    if isinstance(naive, Refusal):
        return
    even = F(costs.break_even(triangle.direction))
    assert abs((1 + naive.gross()) / (1 + even) - (1 + naive.net())) < F(1, 10**50)


@given(triangles(), all_costs, small_sizes, fees, st.sampled_from([BTC_USD, BTC_EUR]))
@settings(max_examples=150)
def test_a_fill_at_the_limit_never_lies_below_the_net_floor(
    triangle: Triangle, costs: Costs, size: Decimal, floor: Decimal, market: object
) -> None:
    """Sold at the limit, bought and converted at their VWAPs: net >= floor, gross >= 0.3 %, and less than a tick more
    than needed.
    """
    walk, naive = triangle.walk(size), Naive.walk(triangle, costs, size)
    if isinstance(walk, Refusal) or isinstance(naive, Refusal):
        return
    trade = rules(net_floor=floor).trade
    tick = D("0.01")
    limit = limit_price(triangle.direction, walk.bought, walk.fx, costs, trade, tick)
    assert limit % tick == 0
    exact = naive.limit_floor(trade.limit_markup, floor)
    assert exact <= F(limit) < exact + F(tick)
    assert naive.net(F(limit)) >= F(floor)
    free = Naive(triangle, Costs(D(0), D(0), D(0)), naive.size, naive.bought, naive.sold, naive.fx_rate)
    assert free.net(F(limit)) >= F("0.003")


@st.composite
def sizers(draw: st.DrawFn) -> Sizer:
    """Books, rules and funds of which any may bind."""
    triangle = draw(triangles())
    buy, sell = ROUTE.legs(triangle.direction)
    trade = rules(
        gross_threshold=draw(st.decimals(0, D("0.01"), places=4)),
        net_floor=draw(st.decimals(0, D("0.004"), places=4)),
        max_slippage=draw(st.sampled_from([D("0.0005"), D("0.002"), D("0.01")])),
        collar=draw(st.sampled_from([D("0.0003"), D("0.003"), D("0.01")])),
        limit_reference=draw(st.sampled_from(list(LimitReference))),
        buy_as=draw(st.sampled_from(list(BuyAs))),
        target_size=draw(st.decimals(D("0.0001"), 1, places=5)),
        weight=draw(st.sampled_from([D("0.05"), D("0.5"), D(1)])),
        max_notional=draw(st.sampled_from([D(5), D(500), D(10_000), D(10**6)])),
    ).trade
    funds = Funds(
        base=draw(st.decimals(0, 1, places=8)),
        quote=draw(st.decimals(0, 60_000, places=2)),
        capital_size=draw(st.decimals(0, 2, places=8)),
    )
    drift = draw(st.none() | st.decimals(-500, 500, places=2) | st.decimals(-40_000, 40_000, places=2))
    return Sizer(trade, triangle, buy, sell, draw(all_costs), funds, trade.gross_threshold, False, drift)


def owing(sizer: Sizer, size: Decimal) -> Naive | Refusal:
    """A size walked, with the fees that it owes: a drift lets it off the conversion's where it ends no further from
    zero than it is, and nothing else does.
    """
    naive = Naive.walk(sizer.triangle, sizer.costs, size)
    if isinstance(naive, Refusal) or sizer.drift is None:
        return naive
    buy, sell, drift = F(sizer.costs.buy), F(sizer.costs.sell), F(sizer.drift)
    buys_domestic = sizer.triangle.direction is Direction.BUY_DOMESTIC
    after = drift + (naive.sold[0] * (1 - sell) if buys_domestic else -naive.bought[0] * (1 + buy))
    return naive if abs(after) > abs(drift) else replace(naive, costs=sizer.costs._replace(fx=D(0)))


def limit_of(sizer: Sizer, naive: Naive) -> Fraction:
    """The sell limit of a size, rounded up to the tick, by the product's words."""
    trade = sizer.rules
    if trade.limit_reference is LimitReference.SELL_ASK:
        exact = F(sizer.triangle.sell.ask or 0) * (1 + F(trade.limit_markup))
    else:
        exact = naive.limit_floor(trade.limit_markup, trade.net_floor)
    tick = F(sizer.sell_market.tick)
    return -(-exact // tick) * tick


def broken(sizer: Sizer, size: Decimal) -> set[Refusal]:
    """Every rule that a size breaks, worked out anew in fractions."""
    trade, triangle, funds = sizer.rules, sizer.triangle, sizer.funds
    naive = owing(sizer, size)
    if isinstance(naive, Refusal):
        return {naive}
    limit = limit_of(sizer, naive)
    ask, bid = F(triangle.ask), F(triangle.bid)
    collar = ask * (1 + F(trade.collar))
    dearest = naive.bought[1]
    if trade.buy_as is BuyAs.IOC:
        dearest = collar // F(sizer.buy_market.tick) * F(sizer.buy_market.tick)
    cover = naive.size * dearest * (1 + F(sizer.costs.buy)) * (1 + F(trade.cost_reserve))
    verdicts = {
        Refusal.BELOW_THRESHOLD: naive.gross() < F(sizer.threshold),
        Refusal.BELOW_NET_FLOOR: naive.net() <= F(trade.net_floor),
        Refusal.SLIPPAGE: naive.ask > ask * (1 + F(trade.max_slippage))
        or naive.bid < bid * (1 - F(trade.max_slippage)),
        Refusal.COLLAR: naive.bought[1] > collar,
        Refusal.SELL_BELOW_LIMIT: trade.limit_reference is LimitReference.BUY_VWAP and naive.sold[1] < limit,
        Refusal.QUOTE_BALANCE: cover > F(funds.quote),
        Refusal.NOTIONAL_CAP: naive.paid() > F(trade.max_notional),
        Refusal.TARGET: F(size) > F(trade.target_size) * F(trade.weight),
        Refusal.CAPITAL: F(size) > F(funds.capital_size) * F(trade.weight),
        Refusal.BASE_BALANCE: F(size) > F(funds.base),
    }
    return {refusal for refusal, breaks in verdicts.items() if breaks}


@given(sizers())
@settings(max_examples=150)
def test_the_largest_size_is_feasible_and_maximal(sizer: Sizer) -> None:
    """It breaks no rule, whatever the policy and the drift so far, and nets more than its floor with every fee that it
    owes; it is worth both minimums, and one lot more breaks the rule it names; its limit is the law's.
    """
    sized = sizer.largest()
    if isinstance(sized, Refusal):
        return
    assert sized.size % sizer.lot == 0
    assert broken(sizer, sized.size) == set()
    assert sized.bound_by in broken(sizer, sized.size + sizer.lot)
    naive = owing(sizer, sized.size)
    assert isinstance(naive, Naive)
    assert naive.net() > F(sizer.rules.net_floor)
    assert F(sized.limit_price) == limit_of(sizer, naive)
    assert sized.size * sized.limit_price >= sizer.sell_market.minimum_order_value
    assert sized.walk.bought.total >= sizer.buy_market.minimum_order_value


@given(sizers())
@settings(max_examples=150)
def test_a_refused_size_is_truly_refused(sizer: Sizer) -> None:
    """Where nothing is offered, the named rule is broken by every size worth the venue's minimums that was tried."""
    sized = sizer.largest()
    if isinstance(sized, Sized):
        return
    lot = sizer.lot
    for size in (D("0.0002"), D("0.0005"), D("0.002"), D("0.01"), D("0.1")):
        naive = owing(sizer, size)
        if isinstance(naive, Refusal):
            continue
        worth = min(
            naive.bought[0] / F(sizer.buy_market.minimum_order_value),
            F(size) * limit_of(sizer, naive) / F(sizer.sell_market.minimum_order_value),
        )
        if worth >= 1:
            assert broken(sizer, size // lot * lot), size


@given(triangles(), all_costs)
@settings(max_examples=100)
def test_walking_is_never_better_than_the_touch(triangle: Triangle, costs: Costs) -> None:
    """The fast screen's ground: the touch's gross edge bounds that of every size, so it refuses nothing good."""
    bid, ask = F(triangle.bid), F(triangle.ask)
    if triangle.direction is Direction.BUY_DOMESTIC:
        touch = bid * F(triangle.fx.bid or 0) / ask - 1
    else:
        touch = bid / (ask * F(triangle.fx.ask or 0)) - 1
    for size in (D("0.0001"), D("0.01"), D("0.2")):
        naive = Naive.walk(triangle, costs, size)
        if isinstance(naive, Naive):
            assert naive.gross() <= touch


def test_the_sell_ask_reference_hangs_on_the_sell_markets_own_touch() -> None:
    """The other reading: 0.3 % above the best ask, rounded up, whatever the buy market pays; without an ask, none."""
    bids, asks = [["60000.00", "1"]], [["60000.01", "1"]]
    foreign = Book("btceur", 1, [["55100.00", "1"]], [["55110.01", "1"]])
    fx = Book("eurusd", 1, [["1.10000", "100000"]], [["1.10010", "100000"]])
    trade = rules(limit_reference=LimitReference.SELL_ASK).trade
    funds = Funds(D(1), D(100_000), D(1))
    costs = Costs(D("0.0004"), D("0.0003"), D("0.0004"))

    def sizer(sell: Book) -> Sizer:
        triangle = Triangle(
            Direction.BUY_DOMESTIC, Book("btcusd", 1, bids, asks), sell, fx, D("60000.01"), D("55100"), D("60000.01")
        )
        return Sizer(trade, triangle, BTC_USD, BTC_EUR, costs, funds, D("0.0035"), False, None)

    sized = sizer(foreign).largest()
    assert isinstance(sized, Sized)
    assert sized.limit_price == D("55275.35")
    assert foreign.touch(Side.BUY) == D("55110.01")
    with pytest.raises(BookError, match="no ask"):
        sizer(Book("btceur", 1, [["55100.00", "1"]], [])).largest()


def test_the_threshold_is_reached_and_the_floor_exceeded() -> None:
    """Exactly at the rate: enough for the threshold, not for the net floor; the last digit decides."""
    paid, rate = D(3000), D("0.0035")
    out = paid * (1 + rate)
    assert reaches(out, paid, rate)
    assert not exceeds(out, paid, rate)
    assert exceeds(out + D("1e-30"), paid, rate)
    assert not reaches(out - D("1e-30"), paid, rate)
