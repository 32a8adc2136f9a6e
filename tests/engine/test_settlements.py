"""What a settlement announced is booked to it, to the unit, whenever its rows come; and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from arbbot.domain import events as ev
from arbbot.domain import lease
from arbbot.domain import lease_words as words
from arbbot.domain.ledger import LedgerAccount
from arbbot.domain.market import Side
from arbbot.domain.mode import Mode
from arbbot.domain.records import RowBooked
from arbbot.engine.report import report
from arbbot.engine.settlements import KEPT, Settlements
from tests.engine.conftest import MakeRig
from tests.engine.played_venue import Play
from tests.engine.rig import ROUTE, D, Rig
from tests.engine.scenes import hedge
from tests.engine.treasurer import CONVERTING, TUSD, Treasurer, with_profit

TREASURY, TRANSIT, EXTERNAL = LedgerAccount.TREASURY, LedgerAccount.TRANSIT, LedgerAccount.EXTERNAL


@pytest.fixture
def treasurer(make_rig: MakeRig) -> Treasurer:
    """A treasury beside a daemon that converts at once."""
    return Treasurer(make_rig(CONVERTING))


def no_alarm(rig: Rig) -> None:
    """Nobody was called, nothing stopped, and the ledger equals the venue."""
    assert rig.mode() is Mode.ACTIVE
    assert rig.state.external_rows == 0
    assert rig.state.agreed
    assert rig.alerts() == []


# --- the conversion ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lag_s", [0, 3, 40, 200])
def test_an_announced_order_is_booked_to_the_settlement(treasurer: Treasurer, lag_s: int) -> None:
    """Its row comes at once, late, or after the lease is long over: dollars out, USDT in, fee in; not foreign."""
    rig = with_profit(treasurer.rig)
    drift = rig.state.drift("EUR")
    assert treasurer.ask()
    assert treasurer.order()
    treasurer.trade(lag_s=lag_s)
    treasurer.over()
    if lag_s < 60:
        rig.run(lag_s + 5)
        treasurer.release()
    else:
        rig.run(lag_s + 5)  # a row so late is told as missing meanwhile, and no more
    rig.run(3)
    assert treasurer.on(TREASURY, "USD") == D("20.008")
    assert treasurer.on(TREASURY) == -20
    assert rig.own(TUSD) == 20
    assert rig.state.external_rows == 0
    assert rig.mode() is Mode.ACTIVE
    assert rig.state.agreed
    assert rig.state.drift("EUR") == drift
    assert rig.state.settlements.spent == D("20.008")


def test_a_treasury_that_dies_after_sending_leaves_its_row_no_stranger(treasurer: Treasurer) -> None:
    """Neither its venue id nor its end was told: the row's order is looked up and carries the announced name."""
    rig = with_profit(treasurer.rig)
    assert treasurer.ask()
    assert treasurer.order()
    treasurer.trade(lag_s=130)
    rig.run(170)
    assert [each.client_order_id for each in rig.all(RowBooked)][-1] == "t-c1"
    assert rig.mode() is Mode.ACTIVE
    rig.run(10)
    assert rig.state.agreed
    treasurer.over()
    assert not rig.state.settlements.open_orders()


def test_a_daemon_that_dies_after_the_announcement_books_it_all_the_same(treasurer: Treasurer) -> None:
    """The next process knows the order from its journal."""
    rig = with_profit(treasurer.rig)
    assert treasurer.ask()
    assert treasurer.order()
    again = Rig(CONVERTING, venue=rig.venue, journal=rig.journal, at=rig.at)
    heir = Treasurer(again, treasurer.lease)
    heir.trade()
    again.start()
    heir.over()
    again.run(10)
    assert heir.on(TREASURY) == -20
    assert again.state.agreed
    assert again.state.external_rows == 0
    again.check()


def test_rows_that_show_fewer_digits_are_rounding_and_no_difference(treasurer: Treasurer) -> None:
    """Two decimals of a trade in five: what display hides goes to the rounding account."""
    rig = with_profit(treasurer.rig)
    assert treasurer.ask()
    assert treasurer.order(size="20.12345")
    treasurer.trade(size="20.12345", price="0.99876", decimals=2)
    treasurer.over(filled="20.12345")
    rig.run(10)
    no_alarm(rig)
    assert rig.own(TUSD) == D("20.12345")


def test_a_trade_of_another_order_on_that_market_is_foreign(treasurer: Treasurer) -> None:
    """The announcement explains the order of its name alone."""
    rig = with_profit(treasurer.rig)
    assert treasurer.ask()
    assert treasurer.order()
    treasurer.trade(name="by-hand")
    rig.run(35)
    assert rig.mode() is Mode.PAUSED
    assert rig.state.external_rows == 1


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"size": "400"}, "may be withdrawn"),
        ({"size": "0"}, "make no order"),
        ({"fee": "1"}, "make no order"),
    ],
)
def test_what_would_touch_principal_is_denied(treasurer: Treasurer, changes: dict[str, str], word: str) -> None:
    """The daemon judges by its own figures, whatever the treasury believes."""
    with_profit(treasurer.rig)
    assert treasurer.ask()
    assert not treasurer.order(**changes)
    assert word in treasurer.denials()[-1]


def test_an_announcement_wants_a_lease_and_a_new_name(treasurer: Treasurer) -> None:
    """Without one, under another's, and under a name that was used: denied."""
    with_profit(treasurer.rig)
    assert not treasurer.order()
    assert treasurer.ask()
    assert treasurer.order()
    assert not treasurer.order()
    assert not treasurer.order(name="t-c2")
    assert "not yet been seen equal" in treasurer.denials()[-1]


# --- the withdrawal ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lag_s", [0, 4, 90])
def test_a_withdrawal_s_money_is_explained_before_its_row(treasurer: Treasurer, lag_s: int) -> None:
    """From the balance's word to the row's it is in transit; then it is settled, and nothing is left there."""
    rig = treasurer.converted().rig
    assert treasurer.request()
    treasurer.leave(lag_s=lag_s)
    treasurer.told("accepted")
    rig.run(3)
    assert rig.state.agreed
    assert treasurer.on(TRANSIT) == (20 if lag_s > 3 else 0)
    treasurer.release()
    rig.run(lag_s + 35)
    no_alarm(rig)
    assert treasurer.on(TRANSIT) == 0
    assert treasurer.on(TREASURY) == 0
    assert rig.own(TUSD) == 0
    line = report(rig.state, ROUTE, "sandbox")["ledger"][TUSD]
    assert line["difference"] == 0


def test_trading_goes_on_while_money_is_in_transit(treasurer: Treasurer) -> None:
    """A row that comes when the venue has finished, hours later, keeps nothing shut."""
    rig = treasurer.converted().rig
    assert treasurer.request()
    treasurer.leave(row=False)
    treasurer.told("accepted")
    rig.run(3)
    treasurer.release()
    rig.run(40)
    assert rig.engine.entry.blocked() is None
    assert treasurer.on(TRANSIT) == 20
    treasurer.write(D(-15), D(5))
    rig.run(40)
    assert treasurer.on(TRANSIT) == 0
    no_alarm(rig)


def test_one_that_failed_comes_back_by_a_row(treasurer: Treasurer) -> None:
    """What had been booked as withdrawn is at hand again, and is neither a deposit nor a profit."""
    rig = treasurer.converted().rig
    assert treasurer.request()
    treasurer.leave()
    rig.run(32)
    treasurer.told("returned")
    rig.venue.totals[TUSD] += 20
    treasurer.write(D(20))
    rig.run(5)
    no_alarm(rig)
    assert rig.engine.lease.at_hand(TUSD) == 20


def test_the_word_that_it_is_back_may_come_before_both_of_its_rows(treasurer: Treasurer) -> None:
    """The venue says reversed, and rows that are late tell only then that it went and came back (seed 110230)."""
    rig = treasurer.converted().rig
    assert treasurer.request()
    treasurer.told("accepted")
    treasurer.told("returned")
    treasurer.write(D(-15), D(5))
    treasurer.write(D(20))
    rig.run(40)
    no_alarm(rig)
    assert rig.engine.lease.at_hand(TUSD) == 20


def goes_and_comes_back(treasurer: Treasurer, lag_s: int) -> None:
    """The venue takes it and says that it is back; both rows are read so much later."""
    treasurer.leave(lag_s=lag_s)
    treasurer.told("returned")
    treasurer.rig.venue.totals[TUSD] += 20
    treasurer.write(D(20), lag_s=lag_s)


def test_one_that_is_told_returned_before_its_rows_are_read(treasurer: Treasurer) -> None:
    """The venue was quicker than the daemon's next reading: both rows are the settlement's all the same."""
    rig = treasurer.converted().rig
    assert treasurer.request()
    goes_and_comes_back(treasurer, 2)
    rig.run(40)
    no_alarm(rig)
    assert rig.engine.lease.at_hand(TUSD) == 20
    assert treasurer.request("t-w2")
    treasurer.leave(lag_s=3)
    treasurer.told("accepted", "t-w2")
    rig.run(40)
    no_alarm(rig)
    assert rig.engine.lease.at_hand(TUSD) == 0


def set_clock(rig: Rig, by_s: int, ahead_s: int) -> None:
    """Our wall clock is set by so much; from now on it is so far ahead of the venue's, which is seen."""
    rig.at = ev.Moment(rig.at.mono_ns, rig.at.utc_us + by_s * 10**6)
    rig.step(ev.VenueClockSeen(-ahead_s * 1000))


def booked_for(rig: Rig) -> list[tuple[str | None, Decimal]]:
    """Whose each row of what is withdrawn is, and what it shows."""
    rows = [(each.client_order_id, dict(each.row.amounts)) for each in rig.all(RowBooked)]
    return [(name, amounts[TUSD]) for name, amounts in rows if TUSD in amounts]


@pytest.mark.parametrize("gap_s", [1, 4, 6, 9])
@pytest.mark.parametrize("behind_s", [0, 60])
def test_the_rows_of_one_that_is_back_are_not_the_next_ones(treasurer: Treasurer, gap_s: int, behind_s: int) -> None:
    """Both rows of the first are read when the second, of the same size, is under way: they are older than that
    (seed 9004440), however little, and wherever our clock stood when the second was announced.
    """
    rig = treasurer.converted().rig
    assert treasurer.request()
    goes_and_comes_back(treasurer, 17)
    rig.run(gap_s)
    set_clock(rig, -behind_s, -behind_s)
    assert treasurer.request("t-w2")
    treasurer.told("accepted", "t-w2")
    rig.run(15)
    set_clock(rig, behind_s, 0)
    assert booked_for(rig)[-1][0] != "t-w1", "the rows are late"
    rig.run(9)
    treasurer.leave()
    rig.run(40)
    assert booked_for(rig)[-3:] == [("t-w1", D(-15)), ("t-w1", D(20)), ("t-w2", D(-15))]
    no_alarm(rig)
    assert rig.engine.lease.at_hand(TUSD) == 0


@pytest.mark.parametrize("step_s", [0, 2, -2, 60, -60])
@pytest.mark.parametrize("seen", [False, True])
def test_a_word_by_a_wrong_clock_loses_no_late_row(treasurer: Treasurer, step_s: int, *, seen: bool) -> None:
    """The word that it is back comes while our clock is off and the venue's not seen since, or while one reply is
    stamped wrongly; both rows are read when the next of its size is under way.
    """
    rig = treasurer.converted().rig
    assert treasurer.request()
    treasurer.leave(lag_s=25)
    true = rig.at
    if seen:
        rig.step(ev.VenueClockSeen(step_s * 1000))
    else:
        rig.at = ev.Moment(true.mono_ns, true.utc_us + step_s * 10**6)
    treasurer.told("returned")
    rig.at = true
    rig.step(ev.VenueClockSeen(0))
    rig.venue.totals[TUSD] += 20
    treasurer.write(D(20), lag_s=25)
    rig.run(9)
    assert treasurer.request("t-w2")
    treasurer.told("accepted", "t-w2")
    rig.run(30)
    treasurer.leave()
    rig.run(40)
    assert booked_for(rig)[-3:] == [("t-w1", D(-15)), ("t-w1", D(20)), ("t-w2", D(-15))]
    no_alarm(rig)


def test_a_word_told_late_by_a_wrong_clock_takes_no_row_of_the_next_one(treasurer: Treasurer) -> None:
    """The first came back without rows, told while our clock was ahead; the next has a row stamped a moment before its
    announcement, for the venue's clock is known to half a second: it is the next one's.
    """
    rig = treasurer.converted().rig
    assert treasurer.request()
    treasurer.leave(row=False)
    rig.run(32)
    rig.venue.totals[TUSD] += 20
    true = rig.at
    rig.at = ev.Moment(true.mono_ns, true.utc_us + 60 * 10**6)
    treasurer.told("returned")
    rig.at = true
    rig.step(ev.VenueClockSeen(0))
    rig.run(35)
    rig.step(ev.VenueClockSeen(700))
    assert treasurer.request("t-w2")
    treasurer.leave()
    treasurer.told("finished", "t-w2")
    rig.run(40)
    assert booked_for(rig)[-1] == ("t-w2", D(-15))


def test_a_journal_of_before_loses_no_late_row(treasurer: Treasurer) -> None:
    """Its words do not say what time it was at the venue: ours then stands for it."""
    rig = treasurer.converted().rig
    assert treasurer.request()
    goes_and_comes_back(treasurer, 17)
    rig.run(2)
    before = [
        replace(each, venue_utc_us=None)
        if isinstance(each, lease.WithdrawalAnnounced)
        else replace(each, venue_utc_us=None, latest_utc_us=None)
        if isinstance(each, lease.SettlementTold)
        else each
        for each in rig.journal
    ]
    again = Rig(CONVERTING, venue=rig.venue, journal=before, at=rig.at)
    again.start()
    again.run(40)
    assert booked_for(again)[-2:] == [("t-w1", D(-15)), ("t-w1", D(20))]
    no_alarm(again)


@pytest.mark.parametrize("ahead_s", [4, 60])
def test_a_clock_that_is_set_right_gives_the_next_ones_row_to_no_other(treasurer: Treasurer, ahead_s: int) -> None:
    """The first came back without a row, and both were announced by a clock that was ahead: the row is the second's,
    and what a person pays in and takes out in the same sizes later is nobody's.
    """
    rig = treasurer.converted().rig
    set_clock(rig, ahead_s, ahead_s)
    assert treasurer.request()
    treasurer.leave(row=False)
    rig.run(32)
    rig.venue.totals[TUSD] += 20
    treasurer.told("returned")
    treasurer.release()
    rig.run(35)
    assert treasurer.ask()
    assert treasurer.request("t-w2")
    treasurer.told("accepted", "t-w2")
    set_clock(rig, -ahead_s, 0)
    treasurer.leave()
    treasurer.told("finished", "t-w2")
    rig.run(40)
    assert booked_for(rig)[-1] == ("t-w2", D(-15))
    no_alarm(rig)
    rig.venue.external(0, TUSD, D(20))
    rig.run(40)
    assert booked_for(rig)[-1] == (None, D(20))
    assert rig.state.mode is Mode.PAUSED


def test_one_that_failed_in_transit_comes_back_without_a_row(treasurer: Treasurer) -> None:
    """The balance alone told that it went, and tells that it is back."""
    rig = treasurer.converted().rig
    assert treasurer.request()
    treasurer.leave(row=False)
    rig.run(32)
    assert treasurer.on(TRANSIT) == 20
    rig.venue.totals[TUSD] += 20
    treasurer.told("returned")
    rig.run(35)
    no_alarm(rig)
    assert treasurer.on(TRANSIT) == 0
    assert rig.engine.lease.at_hand(TUSD) == 20


@pytest.mark.parametrize("row", [True, False])
def test_a_fee_that_comes_out_of_the_amount_is_explained_too(treasurer: Treasurer, row: bool) -> None:
    """No source tells which it is: both are to the unit, with the row or before it."""
    rig = treasurer.converted().rig
    assert treasurer.request()
    treasurer.leave("10", "5", row=row)
    treasurer.told("accepted")
    rig.run(3)
    assert treasurer.on(TRANSIT) == (0 if row else 15)
    if not row:
        treasurer.write(D(-10), D(5))
    rig.run(40)
    no_alarm(rig)
    assert treasurer.on(TRANSIT) == 0
    assert rig.engine.lease.at_hand(TUSD) == 5


def test_a_refused_one_explains_nothing(treasurer: Treasurer) -> None:
    """Told refused, the same money leaving is a difference, and halts."""
    rig = treasurer.converted().rig
    assert treasurer.request()
    treasurer.told("refused")
    treasurer.leave(row=False)
    rig.run(50)
    assert rig.mode() is Mode.HALTED
    assert "ledger_difference" in rig.alerts()


@pytest.mark.parametrize("size", ["15.01", "14.99", "9.99"])
def test_another_amount_than_the_announced_one_is_not_explained(treasurer: Treasurer, size: str) -> None:
    """To the unit: a cent more or less halts as it would without any settlement."""
    rig = treasurer.converted().rig
    assert treasurer.request()
    rig.venue.totals[TUSD] -= D(size) + 5
    rig.run(50)
    assert rig.mode() is Mode.HALTED


def test_a_withdrawal_nobody_announced_is_foreign(treasurer: Treasurer) -> None:
    """Also beside an announced one of the same amount: each announcement explains one row."""
    rig = treasurer.converted().rig
    assert treasurer.request(size="5", fee="5")
    treasurer.leave("5", "5")
    treasurer.leave("5", "5")
    rig.run(35)
    assert rig.state.external_rows == 1
    assert rig.mode() is Mode.PAUSED


@pytest.mark.parametrize(("size", "fee"), [("15.01", "5"), ("20", "5"), ("0", "5"), ("15", "-1")])
def test_no_more_is_withdrawn_than_was_bought(treasurer: Treasurer, size: str, fee: str) -> None:
    """Fee in, to the unit."""
    treasurer.converted()
    assert not treasurer.request(size=size, fee=fee)


def test_what_is_traded_with_is_never_withdrawn(treasurer: Treasurer) -> None:
    """Dollars, euros and bitcoin are principal's."""
    treasurer.converted()
    for currency in ROUTE.currencies:
        before = len(treasurer.denials())
        treasurer.rig.step(words.RequestAnnounced(treasurer.lease or "", "t-x", currency, D(1), D(0), "bitcoin"))
        assert len(treasurer.denials()) == before + 1


def test_a_rebase_while_money_is_in_transit_books_its_row_to_nothing(treasurer: Treasurer) -> None:
    """The new opening holds what was left, so the late row of what had gone before changes no balance."""
    rig = treasurer.converted().rig
    assert treasurer.request()
    treasurer.leave(row=False)
    treasurer.told("accepted")
    rig.run(3)
    treasurer.release()
    rig.step(ev.OperatorRebased("ann", "as it is"))
    rig.run(12)
    assert rig.state.anchor is not None
    assert rig.state.anchor.cause == "rebase"
    treasurer.write(D(-15), D(5))
    rig.run(40)
    no_alarm(rig)
    assert rig.own(TUSD) == 0
    assert treasurer.on(EXTERNAL) == 0


def test_the_word_of_the_treasury_must_fit_what_is_known(treasurer: Treasurer) -> None:
    """Less filled than is booked, refused after it has left, an outcome or a name nobody knows: denied, in words."""
    rig = treasurer.converted().rig
    before = len(treasurer.denials())
    treasurer.over(filled="19")
    treasurer.told("vanished", "t-c1")
    treasurer.told("accepted", "nobody")
    assert treasurer.request()
    treasurer.leave()
    rig.run(32)
    treasurer.told("refused")
    assert len(treasurer.denials()) == before + 4
    treasurer.told("stuck")
    assert len(rig.alert_texts("settlement_stuck")) == 1


def test_a_deposit_beside_a_settlement_is_still_a_deposit(treasurer: Treasurer) -> None:
    """Principal grows by it, and what may be withdrawn does not."""
    rig = treasurer.converted().rig
    before = rig.engine.lease.figures("USD")
    rig.venue.at = rig.at
    rig.venue.external(0, "USD", D(500))
    rig.run(40)
    after = rig.engine.lease.figures("USD")
    assert dict(after.principal)["USD"] == dict(before.principal)["USD"] + 500
    assert replace(after, principal=before.principal, available=before.available) == before


# --- what is denied, and what is forgotten ----------------------------------------------------------------------


def test_a_name_is_announced_once_and_one_thing_at_a_time(treasurer: Treasurer) -> None:
    """The same order or withdrawal again, a settlement that buys what is traded with: denied, each in its words."""
    rig = treasurer.converted().rig
    assert not treasurer.order()
    rig.step(words.OrderAnnounced(treasurer.lease or "", "t-c2", "BTC", "USD", D(1), D(1), D(0)))
    assert treasurer.request(size="1", fee="0.1")
    assert not treasurer.request(size="1", fee="0.1")
    told = treasurer.denials()
    assert "this id was announced before" in told[0]
    assert "no settlement buys BTC" in told[1]
    assert "this name was announced before" in told[2]


def test_an_order_that_nobody_called_over_stops_the_next_settlement(treasurer: Treasurer) -> None:
    """Until the treasury has found out what became of it."""
    rig = with_profit(treasurer.rig)
    assert treasurer.ask()
    assert treasurer.order()
    rig.run(200)
    assert treasurer.ask()
    assert not treasurer.order("t-c2")
    assert not treasurer.request()
    assert all("not over" in reason for reason in treasurer.denials())
    treasurer.over(filled="0")
    rig.run(3)
    assert rig.state.settlements.spent == 0
    assert treasurer.order("t-c3")


def test_withdrawals_that_wait_for_their_rows_are_few(treasurer: Treasurer) -> None:
    """More than eight could explain too much."""
    treasurer.converted()
    assert all(treasurer.request(f"t-w{number}", "0.5", "0.1") for number in range(8))
    assert not treasurer.request("t-w8", "0.5", "0.1")
    assert "wait for their rows" in treasurer.denials()[-1]


def test_no_lease_while_stopping_with_a_hedge_open(rig: Rig) -> None:
    """Nor where a base position is left over."""
    hedge(rig, sell=Play(fill=D(0)), gone=False)
    rig.step(ev.StopAsked("SIGTERM"))
    treasurer = Treasurer(rig)
    assert not treasurer.ask()
    assert "stopping" in treasurer.denials()[-1]
    other = Rig().ready()
    other.state.position = D("0.01")
    assert not Treasurer(other).ask()


def test_an_order_whose_venue_id_was_told_needs_no_look_up(treasurer: Treasurer) -> None:
    """Its rows are known at once."""
    rig = with_profit(treasurer.rig)
    assert treasurer.ask()
    assert treasurer.order()
    venue_id = treasurer.trade()
    rig.step(words.SettlementWord("t-c1", "named", venue_id, None, "by its reply"))
    treasurer.over()
    rig.run(3)
    assert not any(getattr(each, "venue_order_id", None) == venue_id for each in rig.sent)
    assert treasurer.on(TREASURY) == -20


def test_a_nameless_order_is_the_only_open_one_s_on_its_market(treasurer: Treasurer) -> None:
    """Older replies leave the client order id out."""
    rig = with_profit(treasurer.rig)
    assert treasurer.ask()
    assert treasurer.order()
    treasurer.trade()
    placed = rig.venue.orders[-1]
    placed.terms = replace(placed.terms, client_order_id=None)  # type: ignore[arg-type]  # an older reply
    rig.run(35)
    assert treasurer.on(TREASURY) == -20
    assert rig.state.external_rows == 0
    rig.venue.orders.remove(placed)


def test_old_settlements_leave_the_memory() -> None:
    """What is over and booked; what is not stays."""
    held = Settlements()
    for number in range(KEPT + 20):
        name, when = f"t{number}", number + 1
        held.take(lease.SettlementOrderAnnounced(
            "l", f"{name}c", "usdtusd", Side.BUY, D(1), D(1), "usd", D(1), D(1), when
        ))  # fmt: skip
        held.take(lease.SettlementTold(f"{name}c", "over", when, D(0), "never", when))
        held.take(lease.WithdrawalAnnounced("l", f"{name}w", "usdt", D(1), D(0), "ethereum", when))
        held.take(lease.SettlementTold(f"{name}w", "refused", None, None, "no", when))
    assert len(held.orders) <= KEPT + 1
    assert len(held.order_by_venue_id) <= KEPT + 1
    assert len(held.withdrawals) <= KEPT + 1
    assert held.spent == 0
