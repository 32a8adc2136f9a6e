"""Readiness drills: rare, small, labelled, within a budget, and evidence of the operation alone."""

from __future__ import annotations

from dataclasses import replace

from arbbot.domain import events as ev
from arbbot.domain.book import Book
from arbbot.domain.mode import Mode
from arbbot.domain.order import OrderKind
from arbbot.domain.ramp import RampDecided
from arbbot.domain.records import ConversionClosed, HedgeClosed, HedgeOpened, HedgeSettled
from arbbot.engine.drill_memory import DAY_US, KEPT_DAYS, DrillMemory
from arbbot.engine.ramp_told import ramp_answer, ramp_of
from arbbot.engine.refusal import EXPLANATIONS, Refusal
from arbbot.engine.report import report
from arbbot.engine.rules import DrillRules, FxPolicy, Rules
from tests.engine.ramp_scenes import AT, PERIOD_S, RAMP, next_period, ramped, trade
from tests.engine.rig import NS, ROUTE, D, Rig, book, rules
from tests.engine.scenes import BUY, RESTS, SELL

DRILL = DrillRules(every_s=D(20), budget=D(2))


def drilled(drill: DrillRules | None = DRILL, **changes: object) -> Rules:
    """The usual rules with drills."""
    return replace(rules(**changes), drill=drill)


def rig_of(asked: Rules | None = None) -> Rig:
    """Ready, without an edge."""
    return Rig(asked or drilled(), at=AT).ready()


def test_there_are_none_unless_they_are_wanted() -> None:
    """Off is the default, and nothing is ever bought without an edge then."""
    rig = rig_of(drilled(None))
    rig.run(120)
    assert not rig.all(HedgeOpened)


def test_a_drill_is_the_smallest_hedge_and_goes_the_way_of_every_hedge() -> None:
    """About the venue's minimum on both sides, both legs at once, filled, settled, and flat; told apart by a label."""
    rig = rig_of()
    rig.run(5)
    assert len(rig.all(HedgeOpened)) == 1
    (opened,) = rig.all(HedgeOpened)
    assert opened.drill
    assert opened.bound_by == "drill"
    assert opened.expected_pnl < 0
    assert D(10) <= opened.size * opened.buy_vwap <= D("12.2")
    buy, sell = (command.terms for command in rig.placed())
    assert (buy.kind, sell.kind) == (OrderKind.MARKET, OrderKind.LIMIT)
    assert sell.price is not None
    assert sell.price < opened.sell_vwap
    (closed,), (settled,) = rig.all(HedgeClosed), rig.all(HedgeSettled)
    assert closed.outcome == "completed"
    assert settled.drill
    rig.check()


def test_its_result_is_in_no_sum_of_hedges() -> None:
    """Not in the edge, not in hedge P&L or turnover: a line of its own, with which the account's gain still adds up."""
    rig = rig_of()
    rig.run(10)
    (settled,) = rig.all(HedgeSettled)
    told = report(rig.state, ROUTE, "test")
    assert told["pnl"]["hedge"] == 0
    assert told["pnl"]["drills"] == settled.realised_pnl < 0
    assert told["edge_bps"] == {"expected": None, "realised": None}
    assert rig.state.turnover == 0
    prices = {"USD": D(1), **rig.state.last_marks}
    assert rig.state.anchor is not None
    gained = sum(
        (rig.own(currency) - rig.state.anchor.holdings[currency]) * prices[currency] for currency in ROUTE.currencies
    )
    assert abs(gained - told["pnl"]["drills"] - told["pnl"]["fx_drift"]) < D("0.0001")


def test_drills_come_seldom_and_not_beside_hedges() -> None:
    """One after so long without any hedge; while edges are traded there is nothing to show."""
    rig = rig_of()
    rig.run(15)
    assert len(rig.all(HedgeOpened)) == 1
    rig.run(12)
    assert len(rig.all(HedgeOpened)) == 2
    traded = rig_of(drilled(DRILL))
    traded.run(15)
    trade(traded)
    traded.run(5)
    assert [each.drill for each in traded.all(HedgeOpened)] == [True, False]


def test_the_budget_of_a_day_is_never_passed() -> None:
    """With what a forced exit might cost reckoned in: the last drill leaves room for that; the next day has its own."""
    rig = rig_of(drilled(DrillRules(every_s=D(5), budget=D("0.5"))))
    rig.run(240)
    drills = rig.all(HedgeSettled)
    assert len(drills) > 2
    assert sum(-each.realised_pnl for each in drills) <= D("0.5")
    assert rig.engine.drills.waiting is not None
    assert "budget" in rig.engine.drills.waiting
    before = len(drills)
    again = Rig(rig.rules, venue=rig.venue, journal=rig.journal, at=rig.at).ready()
    again.run(30)
    assert len(again.all(HedgeOpened)) == 0, "a restart has no budget of its own"
    tomorrow = ev.Moment(rig.at.mono_ns, rig.at.utc_us + 86_400_000_000)
    next_day = Rig(rig.rules, venue=rig.venue, journal=rig.journal, at=tomorrow).ready()
    next_day.run(10)
    assert before
    assert next_day.all(HedgeOpened)


def test_what_forbids_a_hedge_forbids_a_drill() -> None:
    """A pause, for one; and it says so."""
    rig = rig_of(drilled(DrillRules(every_s=D(30), budget=D(2))))
    rig.run(2)
    rig.step(ev.OperatorPaused("ops", "tea"))
    rig.run(60)
    assert len(rig.all(HedgeOpened)) == 1
    assert rig.engine.drills.waiting == "trading is paused; a person must resume it"


def test_a_drill_that_stays_one_sided_is_resolved_like_any_hedge() -> None:
    """And its loss is no loser in a row: a drill always loses."""
    rig = Rig(drilled(losers_in_row=1), at=AT)
    rig.venue.plays = {BUY: [], SELL: [RESTS]}
    rig.ready()
    rig.run(12)
    assert rig.all(HedgeClosed)[0].outcome == "one_sided"
    assert rig.all(HedgeSettled)[0].realised_pnl < 0
    assert rig.mode() is Mode.ACTIVE
    rig.check()


def test_no_drill_while_the_clock_is_doubted() -> None:
    """The day of its budget must be known."""
    rig = rig_of(drilled(DrillRules(every_s=D(30), budget=D(2))))
    rig.run(3)
    rig.run(28)
    rig.at = ev.Moment(rig.at.mono_ns + NS, rig.at.utc_us + 90_000_000_000)
    before = len(rig.all(HedgeOpened))
    rig.step(ev.Tick())
    assert len(rig.all(HedgeOpened)) == before
    assert rig.engine.drills.waiting == "this machine's clock and the venue's do not agree"


def test_money_and_books_must_carry_it() -> None:
    """Without either way round there is none."""
    rig = Rig(drilled(), at=AT)
    rig.venue.totals["BTC"] = D("0.00001")
    rig.ready()
    rig.run(30)
    assert not rig.all(HedgeOpened)
    assert rig.engine.drills.waiting is not None
    assert "neither way round" in rig.engine.drills.waiting


def test_drills_prove_the_operation_and_never_the_edge() -> None:
    """Many drills are hedges enough, and no edge: the weight stays until settled edges are there too."""
    ramp = replace(RAMP, min_hedges=3, min_edge_hedges=1)
    rig = Rig(replace(ramped(ramp), drill=DrillRules(every_s=D(10), budget=D(10))), at=AT).ready()
    held = next_period(rig)
    assert held.figures.hedges >= 3
    assert (held.verdict, held.lacking) == ("hold", ("edge_hedges",))
    assert held.figures.turnover == 0
    trade(rig)
    rig.show(book("btceur", "54536", "54546", stamp=rig.at.utc_us))
    assert next_period(rig).verdict == "up"
    assert PERIOD_S == 60
    assert len(rig.all(RampDecided)) == 2


def test_people_see_drills_in_the_ramp() -> None:
    """How many, what they lost today, the budget, and why there is none now; a journal tells the same."""
    rig = rig_of()
    rig.run(10)
    told = ramp_answer(rig.engine)["drill"]
    assert (told["enabled"], told["drills"], told["budget"]) == (True, 1, D(2))
    assert told["lost_today"] == told["fx_fees"] - rig.all(HedgeSettled)[0].realised_pnl
    assert ramp_of(rig.state, rig.rules)["drill"] == told | {"waiting": None}


def test_books_that_cannot_carry_a_drill_are_waited_out() -> None:
    """Too thin for the least order, or the least order would sweep beyond the collar."""
    thin = Rig(drilled(min_depth_levels=1), at=AT)
    for symbol, bid, ask in (("btcusd", "59990", "60000"), ("btceur", "54536", "54546")):
        thin.venue.books[symbol] = book(symbol, bid, ask, levels=1, amount="0.00001")
    thin.ready()
    thin.run(5)
    steep = Rig(drilled(min_depth_levels=1), at=AT)
    for symbol, bid, ask in (("btcusd", "59990", "60000"), ("btceur", "54536", "54546")):
        steep.venue.books[symbol] = book(symbol, bid, ask, levels=3, amount="0.0001", step="900")
    steep.ready()
    steep.run(5)
    for rig in (thin, steep):
        assert not rig.all(HedgeOpened)
        assert rig.engine.drills.waiting is not None


def test_only_the_last_days_are_remembered() -> None:
    """Memory is bounded; a settlement of a day long past changes nothing, one from before the opening no sum."""
    rig = rig_of()
    rig.run(10)
    (opened,), (settled,) = rig.all(HedgeOpened), rig.all(HedgeSettled)
    memory, state = DrillMemory(), rig.state
    for day in range(2 * KEPT_DAYS):
        memory.take(replace(opened, utc_us=day * DAY_US), state)
    assert sorted(memory.lost) == list(range(KEPT_DAYS, 2 * KEPT_DAYS))
    memory.take(settled, state)
    assert memory.pnl == settled.realised_pnl
    memory.take(replace(settled, hedge_id="q7-h09999"), state)
    state.hedges[opened.hedge_id].before_anchor = True
    memory.take(settled, state)
    assert memory.pnl == settled.realised_pnl
    assert memory.lost_on(0) == 0


def test_a_book_with_bad_rows_opens_no_drill() -> None:
    """It is no price to lose money on."""
    rig = Rig(drilled(min_depth_levels=1), at=AT)
    bad = book("btceur", "54536", "54546")
    rig.venue.books["btceur"] = Book("btceur", bad.microtimestamp, bad.bids, [["54546", "0.00001"], ["1", "9"]])
    rig.ready()
    rig.run(5)
    assert not rig.all(HedgeOpened)
    assert rig.engine.drills.waiting == EXPLANATIONS[Refusal.BAD_BOOK]


def test_what_a_limit_refuses_of_a_drill_is_told() -> None:
    """A limit that knows the hedge has the last word: too many within its window, here."""
    rig = rig_of(drilled(DrillRules(every_s=D(3), budget=D(5)), max_hedges=1, hedges_window_s=D(600)))
    rig.run(20)
    assert len(rig.all(HedgeOpened)) == 1


def test_the_budget_counts_what_converting_will_cost() -> None:
    """Each drill leaves foreign currency that is converted at a fee: the day's loss is what the account lost."""
    rig = rig_of(drilled(DrillRules(every_s=D(20), budget=D(2)), fx_policy=FxPolicy.EACH))
    rig.run(110)
    settled, converted = rig.all(HedgeSettled), rig.all(ConversionClosed)
    assert len(settled) == len(converted) > 2
    paid = sum(each.fee for each in converted)
    lost, told = rig.state.drills.lost_on(rig.at.utc_us), report(rig.state, ROUTE, "test")["pnl"]
    assert abs(lost + sum(each.realised_pnl for each in settled) - paid) < paid / 100
    assert abs(told["drills_fx_fees"] - paid) < paid / 100


def test_a_drill_that_is_never_converted_costs_no_fx_fee() -> None:
    """As the policy has it."""
    rig = rig_of(drilled(fx_policy=FxPolicy.NEVER))
    rig.run(10)
    assert rig.state.drills.lost_on(rig.at.utc_us) == -rig.all(HedgeSettled)[0].realised_pnl
    assert rig.state.drills.fx_fees == 0
