"""Limits with memory: what they never let through, what they keep over restarts, and who may reset them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arbbot.domain import events as ev
from arbbot.domain.ledger import LedgerAccount, move
from arbbot.domain.market import Direction, Side
from arbbot.domain.mode import Mode, Severity
from arbbot.domain.order import OrderKind, OrderState, OrderTerms, Purpose, Transaction
from arbbot.domain.records import (
    AlertRaised,
    AnchorSet,
    CancelIntended,
    CurrencyStatement,
    DurableRecord,
    HedgeClosed,
    HedgeOpened,
    HedgeSettled,
    Holding,
    MarkSet,
    ModeChanged,
    OrderIntended,
    OrderMoved,
    Price,
    RowBooked,
    StatementAgreed,
    is_durable,
)
from arbbot.domain.trips import LimitTripped
from arbbot.engine.core import Core
from arbbot.engine.limit_memory import DAY_US, KEPT_HEDGE_MARKS, KEPT_MINUTES, KEPT_TIMES
from arbbot.engine.limits import Limits, limit_figures
from arbbot.engine.refusal import Refusal
from arbbot.engine.rules import Rules
from arbbot.engine.state import State
from tests.engine.played_venue import Play
from tests.engine.rig import KEY, NS, ROUTE, START, D, Rig, book, rules
from tests.engine.scenes import REFUSED, RESTS, RICH, hedge

NOON_US = START.utc_us // DAY_US * DAY_US + DAY_US // 2
SECOND_US = 1_000_000
PRICE = D(60_000)


class Desk:
    """The limits with a state of their own, without books: hedges are opened, closed and settled by records."""

    def __init__(self, rules: Rules, journal: Sequence[DurableRecord] = (), at: ev.Moment | None = None) -> None:
        state = State()
        for record in journal:
            state.apply(record)
        self.core = Core(ROUTE, rules, state, KEY)
        self.core.at = at or ev.Moment(START.mono_ns, NOON_US)
        self.limits = Limits(self.core)
        self._before = list(journal)
        if not journal:
            self.emit(AnchorSet(held("10", "100000", "100000"), 0, "opening", "test", "test", self.now_us))
            self.mark()

    @property
    def now_us(self) -> int:
        return self.core.at.utc_us

    @property
    def state(self) -> State:
        return self.core.state

    @property
    def journal(self) -> list[DurableRecord]:
        return [*self._before, *(record for record in self.core.records if is_durable(record))]

    def emit(self, record: DurableRecord) -> None:
        self.core.emit(record)

    def mark(self) -> None:
        self.emit(MarkSet((Price("BTC", PRICE), Price("EUR", D("1.1"))), self.now_us))

    def wait(self, seconds: int) -> None:
        """Time passes; prices are noted as the engine would."""
        at = self.core.at
        self.core.at = ev.Moment(at.mono_ns + seconds * NS, at.utc_us + seconds * SECOND_US)
        self.mark()

    def decision(self, size: str = "0.05", **changes: Any) -> HedgeOpened:
        """A decision of this moment, on books that nobody saw before."""
        number = self.state.hedges_minted + 1
        opened = HedgeOpened(
            f"{KEY}-h{number:05d}", Direction.BUY_DOMESTIC, D(size), "btcusd", "btceur", PRICE, D(55_000), D("1.1"),
            D(0), D(0), D(0), D(54_000 + number), D(90), D(80), D(85), D(3), "target", (number, number, number),
            self.now_us, self.core.at.mono_ns,
        )  # fmt: skip
        return replace(opened, **changes)

    def open(self, size: str = "0.05", **changes: Any) -> Refusal | None:
        """Open a hedge if the limits and the mode allow it."""
        opened = self.decision(size, **changes)
        refusal = self.limits.blocked() or self.limits.refusal(opened)
        self.limits.watch()
        if refusal is None and self.state.mode is not Mode.ACTIVE:
            refusal = Refusal.REDUCING
        if refusal is None:
            self.emit(opened)
            for side, market in ((Side.BUY, "btcusd"), (Side.SELL, "btceur")):
                self.emit(OrderIntended(self.terms(opened.hedge_id, side, market), self.now_us))
        return refusal

    def terms(self, hedge_id: str, side: Side, market: str) -> OrderTerms:
        name = f"{KEY}-{self.state.orders_minted + 1:06d}"
        return OrderTerms(name, hedge_id, Purpose.LEG, market, side, OrderKind.MARKET, D("0.05"), None, None)

    def settle(self, pnl: str = "1", end: OrderState = OrderState.FILLED) -> None:
        """The open hedge ends and is settled."""
        opened = self.state.open_hedge()
        assert opened is not None
        for order in self.state.open_orders():
            self.emit(OrderMoved(order.terms.client_order_id, end, None, "test", self.now_us))
        hedge_id, size = opened.opened.hedge_id, opened.opened.size
        self.emit(HedgeClosed(hedge_id, "completed", size, size, D(0), "test", self.now_us))
        self.emit(HedgeSettled(hedge_id, D(pnl), D(0), D(0), D(0), (), D(0), D(0), self.now_us))

    def trade(self, pnl: str = "1", size: str = "0.05") -> Refusal | None:
        """A whole hedge, if it may be opened."""
        refusal = self.open(size)
        if refusal is None:
            self.settle(pnl)
        return refusal

    def resume(self, reason: str = "looked at it") -> None:
        self.core.change_mode(Mode.ACTIVE, "ann", reason)

    def reopened(self) -> Desk:
        """Another process on the same journal."""
        return Desk(self.core.rules, self.journal, self.core.at)

    def trips(self) -> list[str]:
        return list(self.state.limits.open_trips)


def held(btc: str, eur: str, usd: str) -> tuple[Holding, ...]:
    """Balances of the three currencies."""
    return (Holding("BTC", D(btc)), Holding("EUR", D(eur)), Holding("USD", D(usd)))


def statement(desk: Desk, btc: str, eur: str, usd: str) -> None:
    """The venue's balances, to which the ledger is brought by hand."""
    lines = []
    for each in held(btc, eur, usd):
        there = desk.state.ledger.balance(LedgerAccount.VENUE, each.currency)
        desk.state.ledger.book(move(each.currency, each.total - there, LedgerAccount.TRADING))
        lines.append(CurrencyStatement(each.currency, each.total, D(0)))
    desk.emit(StatementAgreed(tuple(lines), desk.now_us))


# --- laws ---------------------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("trade"), st.integers(1, 12), st.integers(-60, 60)),
        st.tuples(st.just("wait"), st.sampled_from([1, 59, 61, 600, 3599, 3600, 43_200, 86_400]), st.just(0)),
        st.tuples(st.just("restart"), st.just(0), st.just(0)),
        st.tuples(st.just("resume"), st.just(0), st.just(0)),
    ),
    max_size=60,
)
TIGHT = rules(
    notional_per_hour=D(10_000), notional_per_day=D(25_000), daily_loss=D(100), max_hedges=4, hedges_window_s=D(600),
    losers_in_row=3,
)  # fmt: skip


def lawful(journal: Sequence[DurableRecord]) -> list[HedgeOpened]:
    """The hedges of a journal, each held to the hard limits of `TIGHT` as they stand between two resets."""
    latched, burst, losers, lost, found = False, list[int](), 0, dict[int, Decimal](), list[HedgeOpened]()
    for record in journal:
        if isinstance(record, HedgeOpened):
            assert not latched
            assert losers < 3
            assert lost.get(record.utc_us // DAY_US, D(0)) < 100
            burst = [*(each for each in burst if each > record.utc_us - 600 * SECOND_US), record.utc_us]
            assert len(burst) <= 4
            found.append(record)
        elif isinstance(record, HedgeSettled):
            day = record.utc_us // DAY_US
            losers = losers + 1 if record.realised_pnl < 0 else 0 if record.realised_pnl else losers
            lost[day] = lost.get(day, D(0)) - record.realised_pnl
        elif isinstance(record, LimitTripped | ModeChanged):
            latched = isinstance(record, LimitTripped) or record.mode is not Mode.ACTIVE
            if not latched:
                burst, losers, lost = [], 0, {}
    return found


@given(STEPS)
@settings(max_examples=150, deadline=None)
def test_no_sequence_gets_more_through_than_a_limit_allows(steps: list[tuple[str, int, int]]) -> None:
    """Whatever is tried, waited, restarted and resumed: no hour, no day and no burst ever holds more than its bound."""
    desk = Desk(TIGHT)
    for what, size, pnl in steps:
        if what == "trade":
            desk.trade(str(pnl), str(D(size) / 100))
        elif what == "wait":
            desk.wait(size)
        elif what == "restart":
            desk = desk.reopened()
        else:
            desk.resume()
    opened = [(record.utc_us, record.size * PRICE) for record in desk.journal if isinstance(record, HedgeOpened)]
    for at_us, _ in opened:
        assert sum(worth for then, worth in opened if at_us - 3600 * SECOND_US < then <= at_us) <= 10_000
        assert sum(worth for then, worth in opened if then // DAY_US == at_us // DAY_US) <= 25_000
    assert opened == [(record.utc_us, record.size * PRICE) for record in lawful(desk.journal)]


@given(STEPS)
@settings(max_examples=25, deadline=None)
def test_a_restart_at_any_record_forgets_nothing(steps: list[tuple[str, int, int]]) -> None:
    """From every prefix of the journal: the same fold, and once a limit was reached the latch stands or trips again."""
    desk = Desk(TIGHT)
    for what, size, pnl in steps:
        if what == "trade":
            desk.trade(str(pnl), str(D(size) / 100))
        elif what == "wait":
            desk.wait(size)
    journal = desk.journal
    assert desk.reopened().state.fingerprint() == desk.state.fingerprint()
    for length in range(2, len(journal)):
        cut = journal[:length]
        again = Desk(TIGHT, cut, ev.Moment(START.mono_ns, cut[-1].utc_us))
        again.mark()
        reached = [each.name for each in again.limits.measures() if each.tripped]
        again.limits.watch()
        assert set(reached) <= set(again.trips())
        assert (again.state.mode is Mode.ACTIVE) is not (
            bool(again.trips()) or any(isinstance(record, ModeChanged) for record in cut)
        )


def test_memory_is_bounded() -> None:
    """Thousands of hedges, orders and cancels leave windows, not histories."""
    desk = Desk(rules())
    for _ in range(1_200):
        desk.wait(61)
        assert desk.trade() is None
        desk.emit(CancelIntended("x", "test", desk.now_us))
    memory = desk.state.limits
    assert (len(memory.hedges), len(memory.minutes)) == (KEPT_HEDGE_MARKS, KEPT_MINUTES)
    assert (len(memory.ordered_us), len(memory.cancelled_us)) == (KEPT_TIMES, KEPT_TIMES)
    assert (len(memory.outcomes), memory.unknown_orders) == (200, [])


# --- soft limits --------------------------------------------------------------------------------------------------


def test_the_hour_shrinks_hedges_before_it_refuses_them() -> None:
    """4,000 of notional an hour: one of 3,000, one of what is left, then none; the day likewise."""
    for limit, name in (("notional_per_hour", Refusal.NOTIONAL_HOUR), ("notional_per_day", Refusal.NOTIONAL_DAY)):
        rig = Rig(rules(**{limit: D(4_000)})).ready()
        rig.feeding = False
        for number in range(3):
            rig.show(book("btceur", "55100", "55110", stamp=rig.at.utc_us + number))
            rig.run(3)
        first, second = rig.all(HedgeOpened)
        assert first.size == D("0.05")
        assert D(990) < second.size * 60_000 < D(1_000)
        assert second.bound_by == Refusal.NOTIONAL_CAP
        assert rig.engine.entry.blocked() is name
        assert rig.mode() is Mode.ACTIVE
        rig.check()


def test_a_foreign_purchase_counts_at_the_decisions_fx() -> None:
    """0.05 bought for 55,000 EUR each at 1.1 is 3,025 of notional."""
    desk = Desk(rules(notional_per_hour=D(3_025)))
    bought: dict[str, Any] = {"direction": Direction.BUY_FOREIGN, "buy_vwap": D(55_000)}
    assert desk.open("0.051", **bought) is Refusal.NOTIONAL_HOUR
    assert desk.open(**bought) is None


def test_a_new_hour_and_a_new_day_make_room() -> None:
    """The hour rolls; the day is UTC's."""
    desk = Desk(rules(notional_per_hour=D(3_000), notional_per_day=D(6_000)))
    assert [desk.trade(), desk.trade()] == [None, Refusal.NOTIONAL_HOUR]
    desk.wait(3_661)
    assert [desk.trade(), desk.trade()] == [None, Refusal.NOTIONAL_DAY]
    desk.wait(13 * 3600)
    assert desk.trade() is None


@pytest.mark.parametrize("name", ["orders_per_minute", "cancels_per_minute"])
def test_too_many_messages_keep_new_hedges_waiting(name: str) -> None:
    """The next hedge would exceed the orders of a minute, or its cancels are used up; a minute later all is well."""
    desk = Desk(rules(**{name: 5}))
    expected = Refusal.ORDER_RATE if name == "orders_per_minute" else Refusal.CANCEL_RATE
    for number in range(3):
        assert desk.trade() is (expected if number == 2 and expected is Refusal.ORDER_RATE else None)
        for _ in range(2):
            desk.emit(CancelIntended("x", "test", desk.now_us))
    assert desk.trade() is expected
    assert desk.limits.blocked() is expected
    desk.wait(61)
    assert desk.trade() is None


def test_the_same_hedge_is_never_opened_twice() -> None:
    """The same way on the same books: never; the same size and limit: not within moments; another way or size: yes."""
    desk = Desk(rules(duplicate_s=D(2)))
    assert desk.trade() is None
    stamps = desk.state.limits.hedges[0].book_microtimestamps
    limit = desk.state.limits.hedges[0].limit_price
    assert desk.open(limit_price=limit) is Refusal.DUPLICATE
    assert desk.open("0.04", limit_price=limit) is None
    desk.settle()
    assert desk.open(limit_price=limit, direction=Direction.BUY_FOREIGN) is None
    desk.settle()
    desk.wait(3)
    assert desk.open(limit_price=limit) is None
    desk.settle()
    desk.wait(3_600)
    assert desk.open(book_microtimestamps=stamps) is Refusal.DUPLICATE
    assert desk.reopened().open(book_microtimestamps=stamps) is Refusal.DUPLICATE


# --- losses -------------------------------------------------------------------------------------------------------


def test_a_days_loss_halts_until_a_person_resumes() -> None:
    """Gains count against losses; at the limit it halts, over restarts and midnight; the reset names who and why."""
    desk = Desk(rules(daily_loss=D(100)))
    for pnl in ("-60", "20", "-59"):
        assert desk.trade(pnl) is None
    assert desk.trade("-1") is None
    assert desk.trade() is not None
    assert (desk.state.mode, desk.trips()) == (Mode.HALTED, ["daily_loss"])
    desk.wait(86_400)
    desk = desk.reopened()
    assert desk.trade() is not None
    desk.resume("the fees were wrong, mended")
    assert desk.trade() is None
    (reset,) = desk.state.limits.resets
    assert (reset.who, reset.reason, reset.trip.measured) == ("ann", "the fees were wrong, mended", D(100))
    assert desk.trips() == []


def test_resuming_from_a_pause_forgives_nothing() -> None:
    """Only what has tripped is reset: a pause and its end leave the day's loss where it was."""
    desk = Desk(rules(daily_loss=D(100)))
    desk.trade("-99")
    desk.core.change_mode(Mode.PAUSED, "ann", "lunch")
    desk.resume()
    assert desk.state.limits.resets == []
    assert desk.trade("-1") is None
    assert desk.trade() is not None
    assert desk.trips() == ["daily_loss"]


def test_a_reset_begins_its_own_measure_anew_and_no_other() -> None:
    """After three losers and a reset it takes three more; the day's loss goes on adding up."""
    desk = Desk(rules(losers_in_row=3, daily_loss=D(100)))
    for _ in range(3):
        assert desk.trade("-10") is None
    assert desk.trade() is not None
    assert (desk.state.mode, desk.trips()) == (Mode.REDUCING, ["losers_in_row"])
    desk.resume()
    assert [desk.trade("-10"), desk.trade("0"), desk.trade("1"), desk.trade("-10")] == [None] * 4
    assert -desk.state.limits.pnl_today(desk.now_us) == 49
    assert desk.trade("-51") is None
    desk.limits.watch()
    assert desk.trips() == ["daily_loss"]


def test_an_equity_loss_is_one_of_balances_not_of_prices() -> None:
    """Balances fall by 0.01 BTC and 100 EUR: 710 at the marks. A lower price is no loss, and neither is a deposit."""
    desk = Desk(rules(equity_loss=D(711)))
    desk.emit(MarkSet((Price("BTC", D(30_000)), Price("EUR", D("1.1"))), desk.now_us))
    assert desk.limits.equity_loss() == 0
    desk.mark()
    statement(desk, "9.99", "99900", "100000")
    assert desk.limits.equity_loss() == 710
    row = Transaction(7, desk.now_us, 0, (("USD", D(-5_000)),), D(0), None, None, None, None)
    desk.emit(RowBooked(row, None, move("USD", D(-5_000), LedgerAccount.EXTERNAL), desk.now_us))
    statement(desk, "9.99", "99900", "95000")
    assert desk.limits.equity_loss() == 710
    assert desk.trade() is None
    statement(desk, "9.99", "99900", "94999")
    assert desk.trade() is not None
    assert (desk.state.mode, desk.trips()) == (Mode.HALTED, ["equity_loss"])
    desk.resume()
    assert desk.limits.equity_loss() == 0
    assert desk.trade() is None


def test_the_equitys_day_begins_with_what_was_there_before_it() -> None:
    """A loss of yesterday is none of today; the first statement of a day is held against the last one before it."""
    desk = Desk(rules(equity_loss=D(100)))
    statement(desk, "10", "100000", "99910")
    assert desk.limits.equity_loss() == 90
    desk.wait(86_400)
    assert desk.limits.equity_loss() == 0
    statement(desk, "10", "100000", "99900")
    assert desk.limits.equity_loss() == 10


def test_what_cannot_be_valued_refuses() -> None:
    """No marks, old ones, a changed currency without one, or no balances at all: refused by name, nothing trips."""
    desk = Desk(rules())
    at = desk.core.at
    desk.core.at = ev.Moment(at.mono_ns, at.utc_us + 301 * SECOND_US)
    assert desk.trade() is Refusal.NO_MARKS
    desk.mark()
    assert desk.trade() is None
    desk.emit(StatementAgreed((CurrencyStatement("XRP", D(5), D(0)),), desk.now_us))
    assert desk.trade() is Refusal.NO_MARKS
    bare = Desk(rules(), [MarkSet((Price("BTC", PRICE),), NOON_US)])
    assert bare.trade() is Refusal.NO_BALANCES
    unmarked = Desk(rules(), [AnchorSet(held("1", "1", "1"), 0, "opening", "test", "test", NOON_US)])
    assert unmarked.trade() is Refusal.NO_MARKS
    assert {*desk.trips(), *bare.trips(), *unmarked.trips()} == set()


def test_prices_are_noted_as_soon_as_there_are_any() -> None:
    """After a restart without books the marks wait for the first of them, not for the next minute."""
    rig = Rig().ready()
    again = Rig(venue=rig.venue, journal=rig.journal, at=ev.Moment(1, rig.at.utc_us + 3600 * SECOND_US))
    again.step(ev.Tick())
    again.start()
    again.run(3)
    assert again.engine.entry.blocked() is None


# --- how often, how wrong -----------------------------------------------------------------------------------------


def test_one_hedge_too_many_reduces() -> None:
    """Four within ten minutes pass, the fifth trips; after the reset four more may be tried."""
    desk = Desk(rules(max_hedges=4, hedges_window_s=D(600)))
    for _ in range(4):
        assert desk.trade() is None
    assert desk.trade() is Refusal.REDUCING
    assert (desk.state.mode, desk.trips()) == (Mode.REDUCING, ["max_hedges"])
    desk.wait(86_400)
    assert desk.reopened().trade() is not None
    desk.resume()
    assert [desk.trade() for _ in range(5)] == [None] * 4 + [Refusal.REDUCING]
    spread = Desk(rules(max_hedges=4, hedges_window_s=D(600)))
    for _ in range(20):
        spread.wait(151)
        assert spread.trade() is None


@pytest.mark.parametrize("end", [OrderState.REJECTED, OrderState.CANCELED, OrderState.ABSENT])
def test_refused_orders_reduce(end: OrderState) -> None:
    """Four of the last six orders refused trip; orders that were taken, or never arrived, do not."""
    desk = Desk(rules(reject_window=6, max_rejects=4))
    for number in range(2):
        assert desk.open() is None
        if end is OrderState.ABSENT:
            for order in desk.state.open_orders():
                name = order.terms.client_order_id
                desk.emit(OrderMoved(name, OrderState.IN_DOUBT, None, "test", desk.now_us))
        desk.settle(end=end)
        assert desk.trips() == [], number
    refusal = desk.trade()
    assert (refusal is not None) is (end is OrderState.REJECTED)
    assert desk.trips() == (["max_rejects"] if refusal else [])
    if refusal:
        desk.resume()
        assert desk.trade() is None


def test_refusals_of_long_ago_do_not_count() -> None:
    """Only the last orders are looked at, each once."""
    desk = Desk(rules(reject_window=4, max_rejects=3))
    assert desk.open() is None
    desk.settle(end=OrderState.REJECTED)
    for _ in range(2):
        assert desk.trade() is None
    assert desk.open() is None
    desk.settle(end=OrderState.REJECTED)
    assert desk.trade() is None
    assert desk.trips() == []


def test_the_first_word_of_an_order_is_its_only_one() -> None:
    """Taken, then cancelled: one outcome; a later cancel adds none."""
    desk = Desk(rules())
    assert desk.open() is None
    for order in desk.state.open_orders():
        desk.emit(OrderMoved(order.terms.client_order_id, OrderState.LIVE, None, "test", desk.now_us))
    desk.settle(end=OrderState.CANCELED)
    assert desk.state.limits.outcomes == [False, False]


# --- one-sided ----------------------------------------------------------------------------------------------------


def test_too_long_one_sided_halts_and_is_ended() -> None:
    """The sale rests for longer than the limit: halted, the exit goes out at once, and the latch stays."""
    rig = hedge(Rig(rules(unhedged_s=D(3), wait_s=D(60), force_s=D(120))), sell=RESTS)
    rig.run(2)
    assert rig.mode() is Mode.ACTIVE
    rig.run(3)
    assert rig.mode() is Mode.HALTED
    (trip,) = rig.all(LimitTripped)
    assert (trip.name, trip.limit) == ("unhedged_s", D(3))
    assert D(3) <= trip.measured < D(4)
    assert rig.state.open_hedge_id is None
    rig.run(600)
    assert rig.mode() is Mode.HALTED
    assert len(rig.all(LimitTripped)) == 1
    rig.check()


def test_the_time_one_sided_goes_on_over_a_restart() -> None:
    """A process that finds a hedge one-sided since before counts from its first fill."""
    rig = hedge(Rig(rules(unhedged_s=D(10), exit_loss=D(0), forced_exit_loss=D(0))), sell=RESTS)
    rig.run(2)
    later = ev.Moment(7, rig.at.utc_us + 20 * SECOND_US)
    again = Rig(rig.rules, venue=rig.venue, journal=rig.journal, at=later)
    again.start()
    again.run(1)
    assert [trip.name for trip in again.all(LimitTripped)] == ["unhedged_s"]


def test_a_resume_gives_a_one_sided_hedge_its_time_again() -> None:
    """After a person has reset the trip the clock begins anew, and trips again when nothing has come of it."""
    rig = hedge(
        Rig(rules(unhedged_s=D(10), wait_s=D(5), force_s=D(6), exit_loss=D(0), forced_exit_loss=D(0))), sell=RESTS
    )
    rig.run(15)
    assert [trip.name for trip in rig.all(LimitTripped)] == ["unhedged_s"]
    rig.step(ev.OperatorResumed("ann", "watching it"))
    rig.run(8)
    assert len(rig.all(LimitTripped)) == 1
    rig.run(4)
    assert len(rig.all(LimitTripped)) == 2


def test_too_much_one_sided_halts() -> None:
    """0.05 bought at 60,000 and nothing sold is 3,000; above the limit it halts at the next tick."""
    rig = hedge(Rig(rules(unhedged_notional=D(2_999))), sell=RESTS, gone=False)
    rig.run(1)
    assert [(trip.name, trip.measured) for trip in rig.all(LimitTripped)] == [("unhedged_notional", D(3_000))]
    assert rig.mode() is Mode.HALTED
    rig.step(ev.OperatorResumed("ann", "it is being sold by hand"))
    assert [reset.trip.name for reset in rig.state.limits.resets] == ["unhedged_notional"]
    free = hedge(Rig(rules(unhedged_notional=D(3_000))), sell=RESTS, gone=False)
    free.run(1)
    assert free.all(LimitTripped) == []


def in_doubt(bound: str, limit: str) -> Rig:
    """Both legs are lost, the purchase will be filled, and the venue shows nothing of it."""
    rig = Rig(rules(**{bound: D(limit)}))
    rig.venue.channel = False
    rig.venue.row_lag_s = D(140)
    return hedge(rig, buy=Play("lost", hidden_s=D(140)), sell=Play("lost", taken=False))


def test_doubt_counts_as_one_sided_time() -> None:
    """Nothing is known to have filled, and all of it may have: the limit trips by then, not when the doubt ends."""
    rig = in_doubt("unhedged_s", "60")
    rig.run(59)
    assert rig.all(LimitTripped) == []
    rig.run(2)
    assert [trip.name for trip in rig.all(LimitTripped)] == ["unhedged_s"]
    assert rig.state.position == 0
    assert rig.mode() is Mode.HALTED


def test_a_clock_set_right_does_not_make_an_open_hedge_younger() -> None:
    """It was decided while our clock was two minutes ahead: its time runs on, also when its date is mended."""
    rig = in_doubt("unhedged_s", "60")
    rig.run(30)
    rig.at = ev.Moment(rig.at.mono_ns, rig.at.utc_us - 120 * 10**6)
    rig.step(ev.VenueClockSeen(0))
    rig.run(29)
    assert rig.all(LimitTripped) == []
    rig.run(2)
    assert [trip.name for trip in rig.all(LimitTripped)] == ["unhedged_s"]


def test_doubt_counts_as_one_sided_notional() -> None:
    """0.05 that may have been bought at 60,000 is 3,000 as soon as it is in doubt."""
    rig = in_doubt("unhedged_notional", "2999")
    rig.run(1)
    assert [(trip.name, trip.measured) for trip in rig.all(LimitTripped)] == [("unhedged_notional", D(3_000))]
    assert rig.state.position == 0


def test_legs_on_their_way_are_not_one_sided() -> None:
    """Two legs of which nothing has filled are no one-sided notional while the hedge may wait for them."""
    rig = hedge(Rig(rules(unhedged_notional=D(1))), gone=False, wait="0")
    assert rig.state.exposure() == (D("-0.05"), D("0.05"))
    rig.step(ev.Tick())
    assert len(rig.state.live) == 2
    assert rig.all(LimitTripped) == []


# --- as a whole ---------------------------------------------------------------------------------------------------


def test_a_tripped_engine_refuses_by_its_mode_and_tells_everybody() -> None:
    """Losing hedges on a real engine: reducing, an alert, figures in status and report, and no order until resumed."""
    rig = Rig(rules(losers_in_row=1)).ready()
    rig.feeding = False
    rig.venue.plays = {(Purpose.LEG, Side.SELL): [RESTS]}
    rig.show(RICH)
    rig.run("0.03")
    rig.show(book("btceur", "54300", "54310", stamp=2**55 + 1))
    rig.run(40)
    assert rig.mode() is Mode.REDUCING
    assert "mode_reducing" in rig.alerts()
    placed = len(rig.placed())
    rig.show(book("btceur", "55100", "55110", stamp=2**55 + 2))
    assert (len(rig.placed()), rig.last()) == (placed, (Refusal.REDUCING,))
    figures = limit_figures(rig.state, ROUTE, rig.at.utc_us)
    assert [trip["name"] for trip in figures["tripped"]] == ["losers_in_row"]
    rig.step(ev.OperatorResumed("ann", "one is no series"))
    figures = limit_figures(rig.state, ROUTE, rig.at.utc_us)
    assert figures["tripped"] == []
    assert [(each["name"], each["who"], each["reason"]) for each in figures["last_resets"]] == [
        ("losers_in_row", "ann", "one is no series")
    ]
    rig.check()


def test_a_trip_that_a_frame_finds_goes_out_with_it() -> None:
    """The throttle trips while books are looked at: its records leave with that very frame."""
    rig = Rig(rules(max_hedges=1, hedges_window_s=D(600))).ready()
    rig.feeding = False
    rig.show(book("btceur", "55100", "55110", stamp=2**55))
    rig.run(5)
    assert len(rig.all(HedgeOpened)) == 1
    rig.show(book("btceur", "55100", "55110", stamp=2**55 + 5))
    assert [trip.name for trip in rig.all(LimitTripped)] == ["max_hedges"]
    assert rig.mode() is Mode.REDUCING
    assert len(rig.all(HedgeOpened)) == 1


def test_a_stricter_mode_stays() -> None:
    """A trip never loosens: panicked stays panicked, and the trip is on record all the same."""
    desk = Desk(rules(losers_in_row=1))
    desk.core.change_mode(Mode.PANIC, "ann", "fire")
    desk.emit(desk.decision())
    desk.settle("-1")
    desk.limits.watch()
    desk.limits.watch()
    assert (desk.state.mode, desk.trips()) == (Mode.PANIC, ["losers_in_row"])
    assert sum(isinstance(record, LimitTripped) for record in desk.journal) == 1


@pytest.mark.parametrize("mode", [Mode.REDUCING, Mode.HALTED, Mode.PANIC])
def test_a_trip_that_changes_no_mode_is_told_all_the_same(mode: Mode) -> None:
    """In its own or a stricter mode a trip alerts once, by its name; a trip that changes the mode alerts with that."""
    desk = Desk(rules(losers_in_row=1))
    desk.emit(desk.decision())
    desk.settle("-1")
    desk.core.change_mode(mode, "ann", "looking at it")
    desk.limits.watch()
    desk.limits.watch()
    (told,) = [each for each in desk.journal if isinstance(each, AlertRaised) and each.name == "limit_tripped"]
    assert told.severity is Severity.CRITICAL
    assert told.text == f"{mode} already; limit losers_in_row: 1 of 1"


@pytest.mark.parametrize("step_s", [3_600, -3_600])
def test_a_clock_that_is_set_loosens_nothing(step_s: int) -> None:
    """An hour forward or back, as the venue's clock shows: what was opened before still counts."""
    desk = Desk(rules(notional_per_hour=D(3_000)))
    assert desk.trade() is None
    at = desk.core.at
    desk.core.at = ev.Moment(at.mono_ns, at.utc_us + step_s * SECOND_US)
    desk.core.venue_offset_ms = -step_s * 1000
    desk.mark()
    assert desk.open() is Refusal.NOTIONAL_HOUR


def test_both_legs_refused_is_no_loser() -> None:
    """A hedge that made nothing neither adds to the losers nor ends their row."""
    rig = hedge(Rig(rules(losers_in_row=1)), buy=REFUSED, sell=Play("refuse"))
    rig.run(30)
    assert rig.all(LimitTripped) == []
    assert rig.state.limits.outcomes == [True, True]
