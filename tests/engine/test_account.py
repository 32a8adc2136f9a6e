"""The ledger against the venue, and what fills and rows do in whatever order they come."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arbbot.domain import events as ev
from arbbot.domain.commands import Ask, Topic
from arbbot.domain.ledger import LedgerAccount
from arbbot.domain.mode import Mode
from arbbot.domain.order import OrderReport, OrderState, Transaction, VenueOrderStatus
from arbbot.domain.records import AlertRaised, AnchorSet, Discrepancy, HedgeSettled, MarkSet, RowBooked
from arbbot.engine.forgetting import KEPT_ROWS
from arbbot.engine.state import State
from tests.engine.conftest import MakeRig
from tests.engine.played_venue import Play
from tests.engine.rig import ROUTE, D, Rig, book, rules
from tests.engine.scenes import closed, hedge

# --- order does not matter --------------------------------------------------------------------------------------


def silent_hedge() -> Rig:
    """A hedge whose two legs filled in several trades, of which the engine has been told nothing but the acks."""
    rig = Rig(rules(target_size=D("0.06")))
    rig.venue.channel = False
    rig.ready()
    rig.venue.failing = set(Topic)
    rig.show(
        book("btcusd", "59990", "60000", amount="0.02", stamp=2**55),
        book("btceur", "55100", "55110", amount="0.02", stamp=2**55),
    )
    assert len(rig.placed()) == 2
    rig.run("0.05")
    return rig


@given(st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_fills_may_come_in_any_order_from_anywhere_any_number_of_times(chance: random.Random) -> None:
    """Channel, status and rows, shuffled and repeated: one position, one ledger, one realised P&L."""
    rig = silent_hedge()
    words: list[ev.Event] = []
    for order in rig.venue.orders:
        name = order.terms.client_order_id
        words += [ev.FillSeen(order.venue_order_id, name, fill) for fill in order.fills]
        for known in range(1, len(order.fills) + 1):
            report = OrderReport(
                order.venue_order_id, name, VenueOrderStatus.FINISHED, None, tuple(order.fills[:known])
            )
            words.append(ev.OrderReported(0, name, order.venue_order_id, report))
        words.append(ev.OrderEventSeen(rig.venue.event_of(order, "deleted")))
    rows = tuple(row for _, row in rig.venue.rows)
    words += [ev.TransactionsFetched(0, 1, tuple(chance.sample(rows, chance.randint(1, len(rows))))) for _ in range(4)]
    words.append(ev.TransactionsFetched(0, 1, rows))
    words += chance.sample(words, len(words) // 2)
    chance.shuffle(words)
    for word in words:
        rig.step(word)
    assert rig.mode() is Mode.ACTIVE
    assert [rig.stands(1), rig.stands(2)] == [OrderState.FILLED] * 2
    assert rig.state.position == 0
    assert not rig.state.unconfirmed
    assert {currency: rig.own(currency) for currency in ROUTE.currencies} == rig.venue.totals
    assert closed(rig).outcome == "completed"
    rig.step(ev.Tick())
    ((settled),) = rig.all(HedgeSettled)
    assert settled.domestic_delta == rig.venue.totals["USD"] - 100_000
    assert settled.foreign_delta == rig.venue.totals["EUR"] - 100_000
    rig.check()


# --- statements -------------------------------------------------------------------------------------------------


def test_a_difference_halts_only_after_two_like_readings_a_lag_apart(rig: Rig) -> None:
    """Money appears without a row: refused at once as unreconciled, halted after 5 s of the same difference."""
    rig.ready()
    rig.venue.totals["USD"] += D("0.01")
    while not rig.all(Discrepancy):
        rig.run("0.25")
    assert rig.mode() is Mode.ACTIVE
    assert rig.engine.entry.blocked() == "reconciling"
    first = rig.at.mono_ns
    while rig.mode() is Mode.ACTIVE:
        rig.run("0.25")
    assert rig.at.mono_ns - first >= 5_000_000_000
    found = rig.all(Discrepancy)
    assert [each.halts for each in found] == [False, True]
    assert [(each.currency, each.total) for each in found[-1].differences] == [("USD", D("0.01"))]
    assert "ledger_difference" in rig.alerts()
    rig.run(60)
    assert len(rig.all(Discrepancy)) == 2


def test_a_row_between_balances_and_rows_is_no_difference(rig: Rig) -> None:
    """Balances read before a deposit and rows read after it are no reading: nothing is concluded from them."""
    rig.ready()
    reads = sum(isinstance(each, Ask) and each.topic is Topic.BALANCES for each in rig.sent)
    while sum(isinstance(each, Ask) and each.topic is Topic.BALANCES for each in rig.sent) == reads:
        rig.run("0.005")
    rig.run("0.015")
    rig.venue.external(0, "USD", D(250))
    rig.run(10)
    assert rig.all(Discrepancy) == []
    assert rig.own("USD") == 100_250
    assert rig.state.agreed


def test_a_difference_that_goes_away_is_forgotten(rig: Rig) -> None:
    """The venue was only late: the next reading agrees, trading goes on, the difference is zero."""
    rig.ready()
    rig.venue.totals["EUR"] -= 1
    while not rig.all(Discrepancy):
        rig.run("0.25")
    assert rig.engine.books.difference["EUR"] == -1
    rig.venue.totals["EUR"] += 1
    rig.run(10)
    assert rig.mode() is Mode.ACTIVE
    assert rig.engine.entry.blocked() is None
    assert rig.engine.books.difference["EUR"] == 0


def test_differences_that_change_are_not_alike(rig: Rig) -> None:
    """Each other difference starts the two readings anew."""
    rig.ready()
    for step in range(1, 12):
        rig.venue.totals["EUR"] = D(100_000) + step
        rig.run(3)
    assert rig.mode() is Mode.ACTIVE
    assert len(rig.all(Discrepancy)) >= 2
    assert not any(each.halts for each in rig.all(Discrepancy))


def test_a_currency_out_of_nowhere_is_a_difference(rig: Rig) -> None:
    """The ledger watches every currency of the account, not the route's alone."""
    rig.ready()
    rig.venue.totals["XRP"] = D(5)
    rig.run(45)
    assert rig.mode() is Mode.HALTED


def test_rounding_has_a_cap(make_rig: MakeRig) -> None:
    """What display rounding could explain is no longer explained beyond the rounding account's cap."""
    rig = make_rig(rules(rounding_cap=D("0.001")))
    rig.venue.row_decimals = 2
    rig.ready()
    rig.show(book("btceur", "55100.3", "55110.3"))
    rig.run(12)
    assert rig.mode() is Mode.HALTED


# --- rows that are not ours -------------------------------------------------------------------------------------


def test_a_deposit_is_booked_as_external_and_pauses(rig: Rig) -> None:
    """Money that comes by itself is booked, told, and stops trading until a person has seen it."""
    rig.ready()
    rig.venue.external(0, "USD", D(250))
    rig.run(32)
    assert rig.own("USD") == 100_250
    assert rig.state.ledger.balance(LedgerAccount.EXTERNAL, "USD") == -250
    assert rig.mode() is Mode.PAUSED
    assert rig.engine.entry.blocked() == "paused"
    assert rig.state.external_unacknowledged == 1
    rig.run(3)
    assert rig.state.agreed
    rig.step(ev.OperatorResumed("ann", "my deposit"))
    assert rig.state.external_unacknowledged == 0
    assert rig.engine.entry.blocked() is None
    assert rig.state.position == 0


def test_a_withdrawal_with_a_fee(rig: Rig) -> None:
    """Amount and fee both leave the ledger."""
    rig.ready()
    rig.venue.external(1, "EUR", D(-100), D("0.9"))
    rig.run(35)
    assert rig.own("EUR") == rig.venue.totals["EUR"] == D("99899.1")


def manual_trade(rig: Rig, order_id: int, market: str = "btcusd") -> Transaction:
    """A trade that somebody made by hand on the venue's page."""
    rig.venue.totals["BTC"] += D("0.01")
    rig.venue.totals["USD"] -= 600
    row = Transaction(
        rig.venue.mint(), rig.at.utc_us, 2, (("BTC", D("0.01")), ("USD", D(-600))), D(0), None, order_id, market,
        D(60000),
    )  # fmt: skip
    rig.venue.at = rig.at
    rig.venue.write(row)
    return row


def test_a_manual_trade_is_looked_up_and_booked_as_external(rig: Rig) -> None:
    """A trade row of an unknown order is asked for three times before it is somebody else's."""
    rig.ready()
    row = manual_trade(rig, 31337)
    rig.run(40)
    looked = [each for each in rig.sent if isinstance(each, Ask) and each.venue_order_id == 31337]
    assert len(looked) == 3
    assert rig.mode() is Mode.PAUSED
    assert [booked.client_order_id for booked in rig.all(RowBooked)] == [None]
    assert rig.own("BTC") == D("1.01")
    assert rig.state.position == 0
    assert any(str(row.transaction_id) in alert.text for alert in rig.all(AlertRaised))


def test_a_manual_trade_in_another_market_is_external_at_once(rig: Rig) -> None:
    """It cannot be ours: we trade the route's markets only."""
    rig.ready()
    manual_trade(rig, 31337, market="btcusdt")
    rig.run(32)
    assert rig.mode() is Mode.PAUSED
    assert not any(isinstance(each, Ask) and each.venue_order_id == 31337 for each in rig.sent)


def test_a_known_foreign_order_is_external_by_its_name(rig: Rig) -> None:
    """`order_status` shows the order without our id, or with another's: external after one look."""
    rig.ready()
    manual_trade(rig, 31337)
    manual_trade(rig, 31338)
    rig.venue.failing = {Topic.ORDER_STATUS}
    rig.run(33)
    assert rig.mode() is Mode.ACTIVE
    assert rig.engine.core.unattributed
    rig.venue.failing = set()
    rig.engine.books._unowned._waiting[(7001, 31337)].ask_id = 10**6
    report = OrderReport(31337, None, VenueOrderStatus.FINISHED, D(0), ())
    rig.step(ev.OrderReported(10**6, None, 31337, report))
    assert rig.mode() is Mode.PAUSED


def test_a_row_of_an_order_in_doubt_waits_for_its_owner(rig: Rig) -> None:
    """While a doubt could own the row it is nobody's; found by its venue id, it is ours, and the doubt is over."""
    rig.venue.channel = False
    hedge(rig, buy=Play("lost", hidden_s=D(8)))
    rig.run(6)
    assert rig.engine.core.unattributed
    assert rig.stands(1) is OrderState.IN_DOUBT
    assert rig.mode() is Mode.ACTIVE
    rig.run(8)
    assert closed(rig).outcome == "completed"
    assert rig.state.external_rows == 0
    assert rig.state.agreed


# --- rows that contradict ---------------------------------------------------------------------------------------


def wrong_row(rig: Rig, **changes: object) -> None:
    """Replace the sale's row by one that does not fit."""
    rows = [(at, replace(row, **changes) if row.market == "btceur" else row) for at, row in rig.venue.rows]  # type: ignore[arg-type]  # hostile
    rig.venue.rows = rows


@pytest.mark.parametrize(
    "changes",
    [
        {"amounts": (("BTC", D("0.05")), ("EUR", D(-2755)))},
        {"amounts": (("BTC", D("-0.04")), ("EUR", D(2204)))},
        {"amounts": (("BTC", D(0)), ("EUR", D(2755)))},
    ],
)
def test_a_row_that_does_not_fit_its_order_halts(rig: Rig, changes: dict[str, object]) -> None:
    """The wrong side or another size than the fill told before: alarmed and halted."""
    rig.venue.row_lag_s = D(1)
    hedge(rig)
    wrong_row(rig, **changes)
    rig.run(4)
    assert rig.mode() is Mode.HALTED
    assert "row_contradiction" in rig.alerts()


# --- a new opening ----------------------------------------------------------------------------------------------


def test_a_rebase_takes_the_venues_balances_as_opening(rig: Rig) -> None:
    """After a difference halted, a person accepts the venue's word, with a reason; then trading may resume."""
    rig.ready()
    rig.venue.totals["USD"] += 5
    rig.run(45)
    assert rig.mode() is Mode.HALTED
    rig.step(ev.OperatorRebased("ann", "a bonus without a row"))
    rig.run(6)
    anchor = rig.all(AnchorSet)[-1]
    assert (anchor.cause, anchor.who, anchor.reason) == ("rebase", "ann", "a bonus without a row")
    assert rig.own("USD") == 100_005
    rig.step(ev.OperatorResumed("ann", "rebased"))
    rig.run(35)
    assert rig.mode() is Mode.ACTIVE
    assert rig.engine.entry.blocked() is None


def test_a_rebase_gives_up_a_leg_that_was_left_open(rig: Rig) -> None:
    """A leg left open beyond the loss cap is closed as abandoned, the position is nought, the books start anew."""
    hedge(rig, sell=Play(fill=D(0)))
    rig.show(book("btcusd", "50000", "50010", stamp=2**56), book("btceur", "45450", "45460", stamp=2**56))
    rig.run(18)
    assert rig.mode() is Mode.HALTED
    rig.step(ev.OperatorRebased("ann", "kept as float"))
    rig.run(6)
    assert closed(rig).outcome == "abandoned"
    assert closed(rig).dust == D("0.05")
    assert rig.state.position == 0
    assert rig.own("BTC") == D("1.05")
    rig.step(ev.OperatorResumed("ann", "kept as float"))
    assert rig.engine.entry.blocked() is None


def test_a_rebase_waits_for_orders_that_may_fill(rig: Rig) -> None:
    """With an order on the venue there is no quiet moment: the new opening comes after its end."""
    hedge(rig, sell=Play(fill=D(0)))
    rig.step(ev.OperatorRebased("ann", "impatient"))
    rig.run(3)
    assert len(rig.all(AnchorSet)) == 1
    rig.run(10)
    assert [anchor.cause for anchor in rig.all(AnchorSet)] == ["opening", "rebase"]
    assert closed(rig).outcome == "one_sided"


def test_a_rebase_asked_for_too_early_still_gives_up_the_leg_that_stays_open(rig: Rig) -> None:
    """Asked for while the sale rests: when the exit then finds no way within the cap, the rebase takes it along."""
    hedge(rig, sell=Play(fill=D(0)))
    rig.step(ev.OperatorRebased("ann", "whatever comes"))
    rig.show(book("btcusd", "50000", "50010", stamp=2**56), book("btceur", "45450", "45460", stamp=2**56))
    rig.run(25)
    assert closed(rig).outcome == "abandoned"
    assert rig.all(AnchorSet)[-1].cause == "rebase"
    assert rig.state.position == 0


def test_a_fill_whose_row_never_comes_is_told_once(rig: Rig) -> None:
    """Nothing new is traded, and after a while a person hears which fill it is."""
    rig.venue.row_lag_s = D(10_000)
    hedge(rig).run(130)
    assert rig.alerts().count("row_missing") == 1
    assert rig.engine.entry.blocked() == "reconciling"


def test_old_rows_are_forgotten_but_never_booked_again() -> None:
    """Memory is bounded: rows older than a day go, and a row with an id below theirs counts as booked."""
    state = State()
    state.apply(AnchorSet((), 5, "opening", "ann", "start", 0))
    gone, day_us = KEPT_ROWS + 500, 24 * 3600 * 1_000_000
    for number in range(gone):
        state.apply(RowBooked(deposit(10 + number, number), None, (), number))
    state.apply(RowBooked(deposit(90_000, 2 * day_us), None, (), 2 * day_us))
    assert set(state.rows) == {(90_000, None)}
    assert all(state.is_booked((row_id, None)) for row_id in (1, 5, 10, 9 + gone, 90_000))
    assert not state.is_booked((10 + gone, None))


def deposit(row_id: int, utc_us: int) -> Transaction:
    """A row that moves nothing."""
    return Transaction(row_id, utc_us, 0, (), D(0), None, None, None, None)


def test_marks_are_noted_every_minute(rig: Rig) -> None:
    """The first after the anchor are the zero of the revaluation; the last their end."""
    rig.ready().run(130)
    marks = rig.all(MarkSet)
    assert 2 <= len(marks) <= 3
    assert rig.state.first_marks == {"BTC": D(59995), "EUR": D("1.10005")}


def test_a_stray_answer_moves_no_sandwich(rig: Rig) -> None:
    """Balances or rows that answer no question of the bookkeeper's anchor and agree nothing."""
    rig.step(ev.BalancesFetched(0, ()))
    rig.step(ev.TransactionsFetched(0, None, ()))
    assert rig.all(AnchorSet) == []
    rig.ready()
    rig.step(ev.TransactionsFetched(0, 1, ()))
    assert len(rig.all(AnchorSet)) == 1
