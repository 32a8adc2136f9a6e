"""Defects found by reading the engine as its adversary, each kept with the events that showed it."""

from __future__ import annotations

import pytest

from arbbot.domain import events as ev
from arbbot.domain.commands import Ask, CancelOrder, Topic
from arbbot.domain.ledger import Entry, LedgerAccount
from arbbot.domain.market import Side
from arbbot.domain.mode import Mode
from arbbot.domain.order import Fill, OpenOrder, OrderState, Purpose, Transaction
from arbbot.domain.records import AnchorSet, Discrepancy, HedgeOpened, HedgeSettled
from arbbot.engine.bookings import rounded_amounts
from arbbot.engine.report import report
from arbbot.engine.rules import FxPolicy
from tests.engine.conftest import MakeRig
from tests.engine.played_venue import Play, PlayedVenue
from tests.engine.rig import ROUTE, D, Rig, book, even_books, rules
from tests.engine.scenes import CALM, RESTS, RICH, closed, hedge
from tests.engine.test_account import manual_trade

LOST_DEAD = Play("lost", taken=False)
FAR = 2**56
"""A stamp newer than any the scenes use."""


def fallen(rig: Rig, *, stamp: int = FAR) -> None:
    """The venue's books, 0.2 % lower, as REST shows them."""
    for symbol, bid, ask in (("btcusd", "59880", "59890"), ("btceur", "54420", "54430")):
        rig.venue.books[symbol] = book(symbol, bid, ask, stamp=stamp)
    rig.venue.books["eurusd"] = book("eurusd", "1.10000", "1.10010", amount="100000", step="0.0001", stamp=stamp)


def test_a_silent_feed_does_not_keep_a_leg_open(rig: Rig) -> None:
    """Heartbeats only: REST's newer books are good for the exit although they confirm nothing for a hedge."""
    hedge(rig, sell=RESTS, gone=False)
    rig.feeding = False
    fallen(rig)
    rig.run(40)
    assert closed(rig).outcome == "one_sided"
    assert rig.mode() is Mode.ACTIVE


def test_exits_wait_for_a_book_confirmed_since_the_last_one_missed(rig: Rig) -> None:
    """Against a book that is gone every IOC misses: the next waits until every book was vouched for again."""
    hedge(rig, sell=RESTS, gone=False)
    rig.feeding = False
    fallen(rig)
    rig.venue.failing = {Topic.BOOK}
    rig.run(9)
    missed = [command for command in rig.placed() if command.terms.purpose is not Purpose.LEG]
    assert len(missed) <= 1
    rig.venue.failing = set()
    rig.feeding = True
    rig.run(10)
    assert closed(rig).outcome == "one_sided"


def test_a_deposit_gives_no_room_for_rounding(rig: Rig) -> None:
    """A deposit written `1` hides nothing: 0.4 of it missing is a difference, however many decimals were written."""
    rig.ready()
    rig.venue.write(Transaction(rig.venue.mint(), rig.at.utc_us, 0, (("BTC", D(1)),), D(0), None, None, None, None))
    rig.venue.totals["BTC"] += D("0.6")
    rig.run(60)
    assert rig.all(Discrepancy)
    assert not rig.state.agreed


def test_a_trade_by_hand_is_rounded_like_ours(rig: Rig) -> None:
    """Shown as -307.41, booked as -307.407: half a cent is no difference to halt for, whoever traded."""
    rig.ready()
    amounts = (("BTC", D("0.00512345")), ("USD", D("-307.41")))
    rig.venue.totals["BTC"] += D("0.00512345")
    rig.venue.totals["USD"] -= D("307.407")
    rig.venue.write(Transaction(rig.venue.mint(), rig.at.utc_us, 2, amounts, D(0), "USD", 99, "btcusd", D(60_000)))
    rig.run(80)
    assert rig.mode() is Mode.PAUSED
    assert rig.state.agreed
    assert rig.state.ledger.balance(LedgerAccount.ROUNDING, "USD") == D("-0.003")


@pytest.mark.parametrize(("size", "shown", "room"), [("0.05", "-3000.00", None), ("0.00512345", "-307.41", "0.005")])
def test_only_an_inexact_fill_gives_room(size: str, shown: str, room: str | None) -> None:
    """Size times price is what the venue books; where the row shows just that, nothing can be hidden."""
    amounts = (("BTC", D(size)), ("USD", D(shown)))
    row = Transaction(9, 0, 2, amounts, D("1.2"), "USD", 1, "btcusd", D(60_000))
    fill = Fill(9, "btcusd", Side.BUY, D(size), D(60_000), D("1.2"))
    assert rounded_amounts(row, fill) == ([] if room is None else [("USD", D(room))])


def test_the_band_forgives_the_fx_fee_only_where_the_drift_shrinks() -> None:
    """A cent of drift is no licence: a hedge that would leave a far larger one pays for its FX leg, and is declined."""
    rig = Rig(rules(fx_policy=FxPolicy.BAND), venue=PlayedVenue(ROUTE, even_books(), D("0.0015")))
    rig.ready()
    drift = (Entry(LedgerAccount.VENUE, "EUR", D("0.01")), Entry(LedgerAccount.TRADING, "EUR", D("-0.01")))
    rig.state.ledger.book(drift)
    rig.step(ev.Tick())
    rig.show(book("btceur", "54290", "54300", stamp=FAR))
    assert rig.all(HedgeOpened) == []
    assert "below_net_floor" in rig.last()


def test_no_step_of_the_wall_clock_proves_absence(rig: Rig) -> None:
    """An hour added to the wall clock makes no order old: absence needs the bound by the monotonic clock as well."""
    rig.venue.channel = False
    hedge(rig, buy=LOST_DEAD)
    rig.at = ev.Moment(rig.at.mono_ns, rig.at.utc_us + 3_600_000_000)
    rig.run(120)
    assert rig.stands(1) is OrderState.IN_DOUBT
    rig.run(120)
    assert rig.stands(1) is OrderState.ABSENT


def test_an_order_with_a_row_is_never_absent(make_rig: MakeRig) -> None:
    """An error reply named it, no view shows it, but a row does: it lives, and is followed until it is over."""
    rig = make_rig(rules(force_s=D(400), wait_s=D(300)))
    rig.venue.channel = False
    hedge(rig, sell=Play("named", fill=D("0.02"), hidden_s=D(10_000)), gone=False)
    rig.run(200)
    assert rig.stands(2) is not OrderState.ABSENT
    assert rig.state.orders["q7-000002"].filled == D("0.02")


def test_a_row_without_an_owner_shuts_the_gate(rig: Rig) -> None:
    """A trade that cannot be looked up may be anybody's: nothing is traded, and a person hears of it."""
    rig.ready()
    rig.venue.failing = {Topic.ORDER_STATUS}
    manual_trade(rig, 31337)
    rig.run(40)
    rig.show(RICH)
    assert rig.placed() == []
    assert rig.engine.entry.blocked() == "reconciling"
    rig.run(70)
    assert "row_missing" in rig.alerts()


def test_a_frame_that_waited_confirms_nothing(rig: Rig) -> None:
    """After the loop stood still the socket holds frames of the past: they are not traded on before REST agrees."""
    rig.ready()
    rig.feeding = False
    rig.at = ev.Moment(rig.at.mono_ns, rig.at.utc_us + 600_000_000)
    for symbol, each in even_books().items():
        stale = RICH if symbol == "btceur" else each
        old = book(symbol, str(stale.bids[0][0]), str(stale.asks[0][0]), stamp=rig.at.utc_us - 590_000_000)
        rig.step(ev.BookSeen(old, rig.epoch))
    assert rig.placed() == []
    assert rig.engine.entry.blocked() in ("stale_book", "clock_stepped")


def test_an_unknown_own_order_is_cancelled_until_it_is_gone(rig: Rig) -> None:
    """The gate opens only after a reading of the open orders without one."""
    rig.venue.strays = (OpenOrder(77, "q7-000999", "btcusd", Side.SELL, D(90_000), D("0.01")),)
    rig.start()
    rig.run(9)
    cancels = [command for command in rig.sent if isinstance(command, CancelOrder)]
    assert len(cancels) >= 3
    assert not rig.engine.entry.armed
    assert rig.alerts().count("unknown_own_order") == 1
    rig.venue.strays = ()
    rig.run(5)
    assert rig.engine.entry.armed


def test_a_stepped_clock_sends_no_good_till_date(rig: Rig) -> None:
    """A minute back would put the sell leg's expiry into the past: no hedge until the venue's clock was seen anew."""
    rig.ready()
    rig.step(ev.VenueClockSeen(0))
    rig.at = ev.Moment(rig.at.mono_ns, rig.at.utc_us - 60_000_000)
    rig.step(ev.Tick())
    rig.show(RICH)
    assert rig.placed() == []
    assert rig.engine.entry.blocked() == "clock_stepped"
    rig.step(ev.VenueClockSeen(60_000))
    assert rig.engine.entry.blocked() is None


@pytest.mark.parametrize("restart", [False, True])
def test_a_late_row_with_a_lower_id_is_still_found(make_rig: MakeRig, restart: bool) -> None:
    """After quiet minutes the younger of two rows shows first: the older one is read all the same."""
    rig = make_rig()
    rig.ready()
    rig.run(700)
    hedge_rows = []
    write = rig.venue.write

    def late(row: Transaction) -> None:
        hedge_rows.append(row)
        if len(hedge_rows) != 1:
            write(row)

    rig.venue.write = late  # type: ignore[method-assign]  # the venue shows the first row late
    rig.show(RICH)
    rig.show(CALM)
    rig.run(20)
    assert len(rig.state.unconfirmed) == 1
    rig.venue.write = write  # type: ignore[method-assign]
    write(hedge_rows[0])
    if restart:
        rig = Rig(rig.rules, venue=rig.venue, journal=rig.journal, at=rig.at)
        rig.start()
    rig.run(20)
    assert rig.state.unconfirmed == set()
    assert rig.state.agreed


def test_many_foreign_rows_are_looked_up_a_few_at_a_time(rig: Rig) -> None:
    """One manual order of three hundred fills is one question, and one alert."""
    rig.ready()
    for _ in range(300):
        manual_trade(rig, 31337)
    rig.run(45)
    asked = [each for each in rig.sent if isinstance(each, Ask) and each.venue_order_id == 31337]
    assert len(asked) == 3
    assert rig.state.external_rows == 300
    assert rig.alerts().count("external_row") == 1


def test_an_absurd_touch_is_not_tradable(rig: Rig) -> None:
    """A book at 1e-60 moves nothing and breaks nothing."""
    rig.ready()
    rows = [[f"0.{'0' * 59}{digit}", "1"] for digit in (9, 8, 7)]
    asks = [["1e-20", "1"]]
    rig.step(ev.BookSeen(type(RICH)("btcusd", FAR, rows, asks), rig.epoch))
    rig.run(3)
    assert rig.placed() == []


def test_a_live_order_that_never_ends_is_told(rig: Rig) -> None:
    """Filled by rows, but its status is never answered: it ends by its fills; one that does not is alarmed."""
    rig.venue.channel = False
    rig.venue.failing = {Topic.ORDER_STATUS}
    hedge(rig, sell=RESTS)
    rig.run(120)
    assert rig.stands(1) is OrderState.FILLED
    assert "order_stuck" in rig.alerts()


def test_a_strangers_older_or_other_trade_does_not_hold_a_doubt(rig: Rig) -> None:
    """A row of the other side cannot be the doubt's: it is somebody else's at once, and the doubt goes on alone."""
    rig.venue.channel = False
    hedge(rig, buy=LOST_DEAD)
    row_id = rig.venue.mint()
    amounts = (("BTC", D("-0.01000000")), ("USD", D("600.00")))
    rig.venue.totals["BTC"] -= D("0.01")
    rig.venue.totals["USD"] += D(600)
    rig.venue.write(Transaction(row_id, rig.at.utc_us, 2, amounts, D(0), "USD", 31337, "btcusd", D(60_000)))
    rig.run(240)
    assert rig.state.external_rows == 1
    assert rig.stands(1) is OrderState.ABSENT


def test_a_contradiction_is_told_once(rig: Rig) -> None:
    """What a person has heard is not said again at every poll."""
    hedge(rig, sell=RESTS)
    for _ in range(50):
        rig.step(ev.OrderAcked("q7-000002", 424242))
    assert rig.alerts().count("order_contradiction") == 1


def test_a_difference_is_told_although_halted(rig: Rig) -> None:
    """Already halted for another reason: the ledger's difference is still named, once."""
    rig.ready()
    rig.step(ev.OperatorHalted("ann", "lunch"))
    rig.venue.totals["USD"] += 5
    rig.run(200)
    assert rig.alerts().count("ledger_difference") == 1


def test_a_difference_stands_until_it_is_gone(rig: Rig) -> None:
    """It is alerted once; whoever asks later hears of it as long as the ledger has not been seen equal since."""
    rig.ready()
    rig.venue.totals["USD"] += 5
    rig.run(400)
    assert rig.engine.books.differs == "venue minus ledger: +5.00000000 USD"
    rig.venue.totals["USD"] -= 5
    rig.run(400)
    assert rig.engine.books.differs is None


def test_a_revived_order_is_cancelled_until_it_is_over(rig: Rig) -> None:
    """Taken for absent and its hedge closed, then alive: every few seconds until the venue says that it is over."""
    rig.venue.channel = False
    hedge(rig, sell=LOST_DEAD).run(240)
    assert closed(rig).outcome == "one_sided"
    rig.step(ev.OpenOrdersFetched(0, (OpenOrder(555, "q7-000002", "btceur", Side.SELL, D(60_000), D("0.05")),)))
    rig.run(12)
    assert rig.cancelled().count("q7-000002") >= 3
    assert rig.mode() is Mode.HALTED


def test_an_abandoned_hedge_costs_what_it_cost_and_no_more(rig: Rig) -> None:
    """Given up with the base still owned: its worth at the decision is part of the P&L, before and after a restart."""
    hedge(rig, sell=RESTS)
    rig.show(book("btcusd", "50000", "50010", stamp=FAR), book("btceur", "45450", "45460", stamp=FAR))
    rig.run(18)
    rig.step(ev.OperatorRebased("ann", "kept as float"))
    rig.run(8)
    assert closed(rig).outcome == "abandoned"
    assert rig.all(AnchorSet)[-1].cause == "rebase"
    (settled,) = rig.all(HedgeSettled)
    assert settled.leftover > 2_900
    assert abs(settled.realised_pnl) < 5
    again = Rig(rig.rules, venue=rig.venue, journal=rig.journal, at=rig.at)
    again.start()
    again.run(5)
    assert report(again.state, ROUTE, "x")["pnl"]["hedge"] == report(rig.state, ROUTE, "x")["pnl"]["hedge"]


def test_a_rebase_gives_no_leg_up_that_an_exit_can_still_close(rig: Rig) -> None:
    """Halted with a leg open and a rebase asked for: between two exits nothing is open, and the leg is closed all the
    same.
    """
    hedge(rig, sell=RESTS)
    for purpose in (Purpose.COMPLETE, Purpose.UNWIND):
        rig.venue.plays[(purpose, Side.SELL)] = [Play(fill=D(0))]
    rig.run(1)
    rig.step(ev.OperatorHalted("ann", "look", panic=False))
    rig.step(ev.OperatorRebased("ann", "new"))
    rig.run(60)
    assert closed(rig).outcome == "one_sided"
    assert rig.venue.totals["BTC"] == 1
    assert rig.all(AnchorSet)[-1].cause == "rebase"


def test_a_leg_that_a_person_gives_up_is_told(rig: Rig) -> None:
    """With its amount; nothing is given up before it was told to be left open, by the next process neither."""
    hedge(rig, sell=RESTS)
    rig.run(1)
    rig.step(ev.OperatorHalted("ann", "look", panic=True))
    rig.run(5)
    rig.step(ev.OperatorRebased("ann", "kept as float"))
    rig.run(10)
    assert closed(rig).outcome == "abandoned"
    (told,) = rig.alert_texts("hedge_abandoned")
    assert "+0.05" in told
    assert "kept as float" in told


def test_a_halt_does_not_weaken_a_panic(rig: Rig) -> None:
    """A panic sends nothing more; a second person's halt is answered in words, and sends nothing either."""
    hedge(rig, sell=RESTS).run(1)
    rig.step(ev.OperatorHalted("ann", "look", panic=True))
    rig.run(5)
    before = len(rig.placed())
    rig.step(ev.OperatorHalted("bob", "stop", panic=False))
    rig.run(30)
    assert rig.mode() is Mode.PANIC
    assert len(rig.placed()) == before
    assert "halt_refused" in rig.alerts()


def test_a_fill_of_the_other_side_is_not_booked(rig: Rig) -> None:
    """A misread side would turn the position round: it is a contradiction, and the rows tell the truth."""
    hedge(rig, sell=RESTS)
    before = rig.state.position
    order = rig.venue.orders[1]
    wrong = Fill(999_999, "btceur", Side.BUY, D("0.01"), D(54_600), D(0))
    rig.step(ev.FillSeen(order.venue_order_id, "q7-000002", wrong))
    assert rig.state.position == before
    assert rig.mode() is Mode.HALTED


def test_standing_still_for_long_is_told_once(rig: Rig) -> None:
    """Tickers that never answer keep trading shut: after ten minutes a person hears why, once."""
    rig.venue.failing = {Topic.TICKER}
    rig.start()
    rig.run(1300)
    assert rig.alerts().count("not_trading") == 1


@pytest.mark.parametrize("lost", list(Side))
def test_a_hedge_from_before_a_rebase_adds_nothing_to_what_came_after(lost: Side, make_rig: MakeRig) -> None:
    """A leg's row never comes and a person rebases: the hedge is settled, but its flows lie in the new opening."""
    rig = make_rig(rules())
    write = rig.venue.write

    def losing(row: Transaction) -> None:
        bought = dict(row.amounts).get("BTC", D(0)) > 0
        rig.venue.row_lag_s = D(10**6) if bought is (lost is Side.BUY) else D(0)
        write(row)

    rig.venue.write = losing  # type: ignore[method-assign]  # rows are lost by their side
    hedge(rig)
    rig.run(20)
    assert rig.all(HedgeSettled) == []
    rig.step(ev.OperatorRebased("ann", "the row never came"))
    rig.run(60)
    assert len(rig.all(AnchorSet)) == 2
    assert len(rig.all(HedgeSettled)) == 1
    state = rig.state
    assert (state.foreign.outstanding, state.drift("EUR")) == (D(0), D(0))
    assert (state.realised_pnl, state.expected_pnl, state.turnover, state.fees_paid) == (D(0), D(0), D(0), {})
