"""Foreign currency that hedges leave behind is brought back by policy, one order at a time, on the FX market."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from arbbot.domain import events as ev
from arbbot.domain.book import Book
from arbbot.domain.commands import Topic
from arbbot.domain.market import Side
from arbbot.domain.mode import Mode
from arbbot.domain.order import OrderKind, Purpose
from arbbot.engine import risk
from arbbot.engine.rules import FxPolicy, Rules
from tests.engine.conftest import MakeRig
from tests.engine.played_venue import Play
from tests.engine.rig import EUR_USD, FEE, KEY, D, Rig, book, fx_book, rules
from tests.engine.scenes import CALM, RICH, conversions, ended, hedge, waits

EACH = rules(fx_policy=FxPolicy.EACH)
BAND = rules(fx_policy=FxPolicy.BAND, band=D(2000))
LEFT = D("2753.898")
"""What one hedge of the usual scene leaves: 0.05 x 55,100 EUR less 0.04 %."""
CHEAP = book("btceur", "53900", "53910", stamp=2**55)
"""1 % the other way: buy for euros, sell for dollars."""


def drift(rig: Rig) -> Decimal:
    """Foreign currency that trading changed, by booked rows."""
    return rig.state.drift("EUR")


# --- policy -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chosen", [EACH, BAND], ids=["each", "band"])
def test_a_hedge_is_followed_by_one_sale_of_what_it_left(make_rig: MakeRig, chosen: Rules) -> None:
    """One IOC sale of the whole drift at the walked price; afterwards nothing is left and the ledger agrees."""
    rig = make_rig(chosen)
    hedge(rig).run(3)
    ((order),) = conversions(rig)
    terms = order.terms
    assert (terms.market, terms.side, terms.kind, terms.size) == ("eurusd", Side.SELL, OrderKind.IOC, LEFT)
    assert terms.hedge_id == f"{KEY}-c00001"
    assert terms.price == D("1.09978"), "1.1 less 0.02 % of slack, on the tick"
    ((end),) = ended(rig)
    assert (end.outcome, end.foreign_delta, end.drift) == ("converted", -LEFT, D(0))
    assert drift(rig) == 0
    assert rig.state.agreed
    assert rig.mode() is Mode.ACTIVE
    assert waits(rig) is None


def test_what_a_hedge_the_other_way_took_is_bought_back(make_rig: MakeRig) -> None:
    """A negative drift is bought, at most at the walked price and its slack, with dollars that are there."""
    rig = make_rig(EACH)
    hedge(rig, rich=CHEAP).run(3)
    assert [order.terms.side for order in conversions(rig)] == [Side.BUY]
    assert conversions(rig)[0].terms.price == D("1.10032")
    assert drift(rig) == 0


def test_the_band_itself_may_stand_and_more_goes_back_to_zero(make_rig: MakeRig) -> None:
    """A drift of exactly the band stays; beyond a smaller one it goes to zero, not to its edge."""
    for band, left in ((LEFT, LEFT), (LEFT - D("0.001"), D(0))):
        rig = make_rig(rules(fx_policy=FxPolicy.BAND, band=band))
        hedge(rig).run(10)
        assert drift(rig) == left
        assert waits(rig) is None


def test_never_sends_nothing_to_the_fx_market(make_rig: MakeRig) -> None:
    """Whatever piles up, stays."""
    rig = make_rig(rules(fx_policy=FxPolicy.NEVER, band=D(1)))
    hedge(rig).run(60)
    assert conversions(rig) == []
    assert drift(rig) == LEFT
    assert waits(rig) is None


def test_the_cap_of_one_conversion_leaves_the_rest_for_the_next(make_rig: MakeRig) -> None:
    """Each order stays within the cap; one follows the other until nothing is left."""
    rig = make_rig(replace(EACH, fx=replace(EACH.fx, max_conversion=D(1000))))
    hedge(rig).run(10)
    sizes = [order.terms.size for order in conversions(rig)]
    assert sizes == [D("909.09090909"), D("909.09090909"), D("909.09090909"), LEFT - 3 * D("909.09090909")]
    assert drift(rig) == 0
    opened = [record for record in rig.records if record.kind in ("conversion_opened", "conversion_closed")]
    assert [record.kind for record in opened] == ["conversion_opened", "conversion_closed"] * 4


def test_what_the_venue_would_not_take_as_an_order_is_left_alone(make_rig: MakeRig) -> None:
    """Less than the venue's minimum order is nobody's trouble: no order, no refusal."""
    rig = make_rig(EACH)
    rig.ready()
    rig.venue.plays = {(Purpose.CONVERT, Side.SELL): [Play(fill=LEFT - 9)]}
    rig.show(RICH)
    rig.run("0.03")
    rig.show(CALM)
    rig.run(10)
    assert [end.outcome for end in ended(rig)] == ["partial"]
    assert drift(rig) == 9
    assert waits(rig) is None


def test_below_the_minimum_at_the_limit_is_left_alone_too(make_rig: MakeRig) -> None:
    """A drift worth the minimum at the middle of the book but not at the limit is no order yet and no trouble."""
    left = D("9.0915")
    assert left * D("1.10005") > 10 > left * D("1.09978")
    rig = make_rig(EACH)
    rig.ready()
    rig.venue.plays = {(Purpose.CONVERT, Side.SELL): [Play(fill=LEFT - left)]}
    rig.show(RICH)
    rig.run("0.03")
    rig.show(CALM)
    rig.run(40)
    assert len(conversions(rig)) == 1
    assert waits(rig) is None
    assert drift(rig) == left


# --- means and market ---------------------------------------------------------------------------------------------


def test_no_more_is_converted_than_is_available(make_rig: MakeRig) -> None:
    """What somebody's manual orders hold cannot be sold: the rest is, and then the shortage is named."""
    rig = make_rig(EACH)
    rig.venue.reserved["EUR"] = D(101_000)
    hedge(rig).run(10)
    assert [order.terms.size for order in conversions(rig)] == [D("1753.898")]
    assert drift(rig) == 1000
    assert waits(rig) == "fx_balance"


def test_buying_back_counts_limit_and_fee_against_the_dollars(make_rig: MakeRig) -> None:
    """The dollars must do for the dearest price and the fee; what they do not reach for is named."""
    rig = make_rig(EACH)
    rig.ready()
    rig.venue.reserved["USD"] = D(100_000) - 1_500
    rig.run(31)
    rig.show(CHEAP)
    rig.run("0.03")
    rig.show(CALM)
    rig.venue.reserved["USD"] = rig.venue.totals["USD"] - 1_500
    rig.run(10)
    first = conversions(rig)[0].terms
    assert first.price is not None
    assert D(1_490) < first.size * first.price * (1 + FEE) <= 1_500
    assert waits(rig) == "fx_balance"


def test_a_thin_book_takes_what_it_takes_and_then_says_so(make_rig: MakeRig) -> None:
    """The order is halved until the book carries it; with no book worth an order the reason is named."""
    rig = make_rig(EACH)
    hedge(rig, wait="0.01")
    thin = book("eurusd", "1.10000", "1.10010", levels=1, amount="700", step="0.0001")
    rig.show(thin)
    rig.run(1)
    assert conversions(rig)[0].terms.size == D("688.4745")
    rig.show(book("eurusd", "1.10000", "1.10010", levels=1, amount="5", step="0.0001"))
    rig.run(10)
    assert waits(rig) == "fx_depth"
    rig.show(fx_book())
    rig.run(5)
    assert drift(rig) == 0


def test_no_order_sweeps_further_than_it_may(make_rig: MakeRig) -> None:
    """Levels beyond the reach are as good as not there."""
    rig = make_rig(EACH)
    hedge(rig, wait="0.01")
    rig.show(book("eurusd", "1.10000", "1.10010", amount="400", step="0.00050"))
    rig.run(1)
    terms = conversions(rig)[0].terms
    assert terms.size == D("688.4745"), "a quarter: 0.045 % deep; a half would be 0.14 %"
    assert terms.price == D("1.09929")
    rig.show(Book("eurusd", rig.at.utc_us, [["1.1", "5"], ["1.0", "99999"]], [["1.1001", "99999"]]))
    rig.run(10)
    assert waits(rig) == "fx_collar"


def test_a_cap_below_the_minimum_is_named(make_rig: MakeRig) -> None:
    """A cap under which no order fits keeps the drift, and says why."""
    rig = make_rig(replace(EACH, fx=replace(EACH.fx, max_conversion=D(9))))
    hedge(rig).run(5)
    assert conversions(rig) == []
    assert waits(rig) == "notional_cap"


def test_a_broken_row_in_the_fx_book_is_no_price(make_rig: MakeRig) -> None:
    """A book whose rows cannot be walked is not traded on."""
    rig = make_rig(EACH)
    hedge(rig, wait="0.01")
    rig.show(Book("eurusd", rig.at.utc_us, [["1.1", "5"], ["nan", "5"]], [["1.1001", "99999"]]))
    rig.run(5)
    assert conversions(rig) == []
    assert waits(rig) == "bad_book"


def _no_frames(rig: Rig) -> None:
    rig.feeding = False
    rig.venue.failing.add(Topic.BOOK)
    rig.run(11)


def _clock(rig: Rig) -> None:
    rig.at = ev.Moment(rig.at.mono_ns, rig.at.utc_us + 90_000_000)


def _premium(rig: Rig) -> None:
    rig.venue.failing.add(Topic.TICKER)
    rig.run(95)


def _rate(rig: Rig) -> None:
    rig.venue.failing.add(Topic.CONVERSION_RATE)
    rig.run(95)


TROUBLES: dict[str, Callable[[Rig], object]] = {
    "stale_book": _no_frames,
    "feed_down": lambda rig: rig.step(ev.FeedDown(rig.epoch, "gone")),
    "no_book": lambda rig: rig.step(ev.FeedUp(rig.epoch + 1)),
    "market_halted": lambda rig: rig.step(ev.MarketHalted("eurusd", True, "maintenance")),
    "no_fees": lambda rig: rig.engine.core.view.fees.clear(),
    "clock_stepped": _clock,
    "clock_unseen": lambda rig: setattr(rig.engine.core, "clock_base_us", None),
    "premium_unchecked": _premium,
    "rate_unchecked": _rate,
    "crossed_book": lambda rig: rig.show(book("eurusd", "1.10020", "1.10010", amount="100000", step="0.0001")),
    "paused": lambda rig: rig.step(ev.OperatorPaused("ann", "a look")),
    "halted": lambda rig: rig.step(ev.OperatorHalted("ann", "unsure")),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_any_trouble_forbids_a_conversion_and_is_named(make_rig: MakeRig, name: str) -> None:
    """Fail closed: with a drift to convert and one thing missing, no order goes out and that thing is the reason."""
    rig = make_rig(EACH)
    rig.venue.reserved["EUR"] = D(102_753)
    hedge(rig).run(5)
    assert waits(rig) == "fx_balance"
    rig.step(ev.VenueClockSeen(0))
    TROUBLES[name](rig)
    rig.venue.failing |= {Topic.FEES, Topic.MARKETS}
    rig.venue.reserved.clear()
    rig.engine.books.balances = {each.currency: each for each in rig.venue.balances()}
    rig.run("0.5")
    assert waits(rig) == name
    assert conversions(rig) == []


def test_before_start_up_has_recovered_nothing_is_converted(make_rig: MakeRig) -> None:
    """A drift found in the journal waits like everything else."""
    rig = Rig(rules(fx_policy=FxPolicy.BAND))
    hedge(rig).run(5)
    after = Rig(EACH, venue=rig.venue, journal=rig.journal, at=rig.at)
    after.venue.failing.add(Topic.FEES)
    after.start()
    after.run(5)
    assert waits(after) == "recovering"
    assert conversions(after) == []
    after.venue.failing.clear()
    after.run(10)
    assert drift(after) == 0
    after.check()


def test_rows_that_lag_are_waited_for(make_rig: MakeRig) -> None:
    """Nothing is converted, and nothing hedged, before the ledger was seen equal to the venue."""
    rig = make_rig(EACH)
    rig.venue.row_lag_s = D(3)
    hedge(rig).run(2)
    assert conversions(rig) == []
    rig.run(10)
    assert [end.outcome for end in ended(rig)] == ["converted"]
    assert drift(rig) == 0


def test_reducing_still_converts(make_rig: MakeRig) -> None:
    """No new hedges does not mean that what they left must stay."""
    rig = make_rig(replace(BAND, hedge=replace(BAND.hedge, dust_cap=D("0.00001"))))
    hedge(rig, sell=Play(fill=D("0.04995")), wait="0.03").run(10)
    assert rig.mode() is Mode.REDUCING
    assert len(conversions(rig)) == 1
    assert drift(rig) == 0


def test_a_stop_starts_no_conversion(make_rig: MakeRig) -> None:
    """Asked to leave before the ledger agreed, the daemon leaves the drift, and is flat."""
    rig = make_rig(EACH)
    hedge(rig, wait="0.04")
    rig.step(ev.StopAsked("enough"))
    rig.run(30)
    assert conversions(rig) == []
    assert waits(rig) == "stopping"
    assert rig.exit is not None
    assert rig.exit.code == 0


def test_a_stop_waits_for_the_conversion_on_its_way(make_rig: MakeRig) -> None:
    """An order that went out is followed to its end before the process leaves."""
    rig = make_rig(EACH)
    hedge(rig)
    while not conversions(rig):
        rig.run("0.01")
    rig.step(ev.StopAsked("enough"))
    rig.run(30)
    assert [end.outcome for end in ended(rig)] == ["converted"]
    assert rig.exit is not None
    assert rig.exit.code == 0


def test_a_long_standing_trouble_is_told_once(make_rig: MakeRig) -> None:
    """After ten minutes of the same shortage a person hears of it; another trouble starts its own ten minutes."""
    rig = make_rig(EACH)
    rig.venue.reserved["EUR"] = D(103_000)
    hedge(rig).run(590)
    assert "not_converting" not in rig.alerts()
    rig.run(30)
    rig.run(900)
    assert rig.alerts().count("not_converting") == 1
    rig.venue.reserved.clear()
    rig.run(60)
    assert drift(rig) == 0


# --- the door -----------------------------------------------------------------------------------------------------


def test_only_an_order_that_lessens_the_drift_is_approved(make_rig: MakeRig) -> None:
    """Another market, side, kind, purpose or size is a bug and raises; so does anything while something forbids it."""
    rig = make_rig(rules(fx_policy=FxPolicy.BAND))
    hedge(rig).run(5)
    core = rig.engine.core
    good = core.mint("x", Purpose.CONVERT, "eurusd", Side.SELL, OrderKind.IOC, LEFT, D(1))
    assert risk.approve_conversion(core, good).orders == (good,)
    for bad in (
        replace(good, market="btceur"),
        replace(good, purpose=Purpose.UNWIND),
        replace(good, side=Side.BUY),
        replace(good, kind=OrderKind.LIMIT),
        replace(good, size=LEFT + EUR_USD.lot),
    ):
        with pytest.raises(ValueError, match="does not lessen"):
            risk.approve_conversion(core, bad)
    rig.step(ev.OperatorPaused("ann", "a look"))
    with pytest.raises(ValueError, match="forbidden: paused"):
        risk.approve_conversion(core, good)
    with pytest.raises(ValueError, match="does not reduce"):
        risk.approve_exit(core, good, LEFT)
