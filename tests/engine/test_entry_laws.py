"""From frames to decisions, for any books: exactly what the exact path accepts is opened, never below the floor."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arbbot.domain import events as ev
from arbbot.domain.book import Book
from arbbot.domain.ledger import LedgerAccount, move
from arbbot.domain.market import Direction, Side
from arbbot.domain.records import HedgeOpened
from arbbot.engine.refusal import Refusal
from arbbot.engine.rules import FxPolicy
from arbbot.engine.sizing import Sized
from arbbot.engine.spread import Triangle
from arbbot.engine.view import MarketView
from tests.engine.rig import F_RULES, FEE, ROUTE, D, Rig, book
from tests.engine.test_edge_laws import F, Naive, owing, triangles


@given(triangles(), st.sampled_from(list(FxPolicy)), st.just(D(0)) | st.decimals(-20_000, 20_000, places=2))
@settings(max_examples=60)
def test_a_hedge_is_opened_exactly_when_the_exact_path_accepts_it(
    triangle: Triangle, policy: FxPolicy, drift: Decimal
) -> None:
    """The fast screen refuses nothing that sizing accepts, and what is opened clears the net floor in fractions,
    whatever the policy says of the conversion's fee and whatever the trades so far have left to convert.
    """
    rig = Rig(replace(F_RULES, trade=replace(F_RULES.trade, fx_policy=policy)))
    rig.ready()
    rig.feeding = False
    books = {book.symbol: book for book in (triangle.buy, triangle.sell, triangle.fx)}
    rig.step(ev.OperatorPaused("law", "while the books change"))
    left = drift if policy is FxPolicy.BAND else D(0)
    balances = dict(rig.state.ledger.balances)
    rig.state.ledger.book(move("EUR", left, LedgerAccount.TRADING))
    for symbol in ROUTE.symbols:
        book = books[symbol]
        book.microtimestamp = 2**60
        rig.step(ev.BookSeen(book, rig.epoch))
    rig.step(ev.OperatorResumed("law", "all there"))
    accepted = {}
    for direction in Direction:
        sizer = rig.engine.entry.sizer(direction)
        assert sizer is not None
        accepted[direction] = (sizer, sizer.largest())
    rig.step(ev.BookSeen(books["eurusd"], rig.epoch))
    opened = rig.all(HedgeOpened)
    assert bool(opened) is any(isinstance(sized, Sized) for _, sized in accepted.values())
    for decision in opened:
        sizer, sized = accepted[decision.direction]
        assert isinstance(sized, Sized)
        naive = owing(sizer, decision.size)
        assert isinstance(naive, Naive)
        assert (decision.buy_fee, decision.sell_fee, decision.fx_fee) == naive.costs
        assert (naive.costs.fx == FEE) is (policy is FxPolicy.EACH or (policy is FxPolicy.BAND and grows(left, naive)))
        assert naive.net() > F(F_RULES.trade.net_floor)
        assert naive.gross() >= F(F_RULES.trade.gross_threshold)
        assert naive.net(F(decision.limit_price)) >= F(F_RULES.trade.net_floor)
    rig.state.ledger.balances = balances
    rig.check()


def grows(drift: Decimal, naive: Naive) -> bool:
    """Whether a hedge drives the drift further from zero, in fractions."""
    buys_domestic = naive.triangle.direction is Direction.BUY_DOMESTIC
    got, paid = naive.sold[0] * (1 - F(naive.costs.sell)), naive.bought[0] * (1 + F(naive.costs.buy))
    return abs(F(drift) + (got if buys_domestic else -paid)) > abs(F(drift))


def test_a_missing_book_is_no_signal() -> None:
    """Before the books are there: no triangle, no premium, no value, no edge, and nothing passes the screen."""
    rig = Rig()
    view: MarketView = rig.engine.core.view
    for direction in Direction:
        assert view.triangle(direction) is None
        assert rig.engine.entry.sizer(direction) is None
        assert rig.engine.entry.touch_gross_bps(direction) is None
        assert not rig.engine.entry._screen(direction)
    assert view.premium() is None
    assert view.mid("btcusd") is None
    assert rig.engine.entry._try(Direction.BUY_DOMESTIC) is Refusal.NO_BOOK
    assert view.to_numeraire("EUR", Side.SELL, D(1), 0) is None


@pytest.mark.parametrize("symbol", ROUTE.symbols)
@pytest.mark.parametrize("side", list(Side))
def test_a_one_sided_book_is_no_signal(symbol: str, side: Side) -> None:
    """Where the side that a direction takes from is empty, that direction has no triangle and passes no screen."""
    rig = Rig()
    rig.ready()
    whole = rig.venue.books[symbol]
    empty = Book(symbol, 2**60, [] if side is Side.SELL else whole.bids, [] if side is Side.BUY else whole.asks)
    rig.step(ev.BookSeen(empty, rig.epoch))
    view = rig.engine.core.view
    assert rig.last() == ("crossed_book",)
    for direction in Direction:
        assert rig.engine.entry.touch_gross_bps(direction) is None
        triangle = view.triangle(direction)
        if triangle is None or symbol == "eurusd":
            assert not rig.engine.entry._screen(direction)
        else:
            assert triangle.buy.ask is not None
            assert triangle.sell.bid is not None


def test_the_sell_side_bounds_the_size_too(rig: Rig) -> None:
    """A sell book that slips more than 0.05 % before the target is reached shrinks the hedge, named slippage."""
    rig.ready()
    rig.show(book("btceur", "55100", "55110", amount="0.01", step="20"))
    ((opened),) = rig.all(HedgeOpened)
    assert opened.bound_by == "slippage"
    assert D("0.01") < opened.size < D("0.05")
    assert opened.sell_vwap >= D(55100) * D("0.9995")


def test_a_stand_in_book_is_never_replaced_by_an_older_one(rig: Rig) -> None:
    """Without a feed, REST books stand in; a cached reply that is older than what is held changes nothing."""
    rig.ready()
    view = rig.engine.core.view
    rig.step(ev.FeedDown(rig.epoch, "1006"))
    held = view.foreign.book
    view.fetched(book("btceur", "1", "2", stamp=5), rig.at.mono_ns)
    assert view.foreign.book is held
    newer = book("btceur", "54600", "54610", stamp=2**60)
    rig.step(ev.BookFetched(0, newer))
    assert view.foreign.book is held
    view.fetched(newer, rig.at.mono_ns)
    assert view.exit_book("btceur", rig.at.mono_ns) is newer
    assert rig.engine.entry.blocked() is Refusal.FEED_DOWN
