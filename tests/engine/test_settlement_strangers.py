"""What people do beside a settlement stays theirs: deposits of a withdrawal's sum, trades by hand on its market."""

from __future__ import annotations

from dataclasses import replace

import pytest

from arbbot.domain import events as ev
from arbbot.domain import lease_words as words
from arbbot.domain.ledger import LedgerAccount
from arbbot.domain.market import Side
from arbbot.domain.mode import Mode
from arbbot.engine.withdrawable import principal
from tests.engine.conftest import MakeRig
from tests.engine.rig import D, Rig
from tests.engine.treasurer import CONVERTING, TUSD, Treasurer, with_profit

TREASURY, TRANSIT, EXTERNAL = LedgerAccount.TREASURY, LedgerAccount.TRANSIT, LedgerAccount.EXTERNAL


@pytest.fixture
def treasurer(make_rig: MakeRig) -> Treasurer:
    """A treasury beside a daemon that converts at once."""
    return Treasurer(make_rig(CONVERTING))


def deposit(rig: Rig, treasurer: Treasurer, size: str) -> None:
    """A person pays USDT in, and the row says so."""
    rig.venue.totals[TUSD] += D(size)
    treasurer.write(D(size), kind=0)
    rig.run(40)


def withdrawn(treasurer: Treasurer) -> Rig:
    """Twenty USDT have left, by their row, and nothing is at hand."""
    rig = treasurer.converted().rig
    assert treasurer.request()
    treasurer.leave()
    treasurer.told("accepted")
    treasurer.release()
    rig.run(40)
    assert rig.own(TUSD) == 0
    return rig


# --- deposits -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["word", "row"])
@pytest.mark.parametrize("kind", [0, 1])
def test_a_deposit_of_a_withdrawal_s_sum_is_principal(treasurer: Treasurer, first: str, kind: int) -> None:
    """To the unit what a finished one took, of whichever type: a person is told, and none of it is at hand."""
    rig = withdrawn(treasurer)
    if first == "word":
        treasurer.told("finished")
    rig.venue.totals[TUSD] += 20
    treasurer.write(D(20), kind=kind)
    rig.run(40)
    assert rig.engine.lease.at_hand(TUSD) == 0
    treasurer.told("finished")
    treasurer.told("finished")
    assert rig.state.external_rows == 1
    assert rig.mode() is Mode.PAUSED
    assert len(rig.alert_texts("external_row")) == 1
    assert principal(rig.state, TUSD) == 20
    assert rig.engine.lease.at_hand(TUSD) == 0
    rig.step(ev.OperatorResumed("ann", "my deposit"))
    rig.run(40)
    assert treasurer.ask(), treasurer.denials()
    assert not treasurer.request("t-w2")
    assert "over principal" in treasurer.denials()[-1]
    assert rig.state.agreed


def test_what_can_be_a_return_is_neither_at_hand_nor_principal_before_the_venue_s_word(treasurer: Treasurer) -> None:
    """It stops no trading and is in transit; called returned, it is at hand again, once."""
    rig = withdrawn(treasurer)
    deposit(rig, treasurer, "20")
    assert rig.mode() is Mode.ACTIVE
    assert rig.state.agreed
    assert principal(rig.state, TUSD) == 0
    assert rig.engine.lease.at_hand(TUSD) == 0
    assert treasurer.on(TRANSIT) == -20
    treasurer.told("returned")
    treasurer.told("returned")
    rig.run(40)
    assert principal(rig.state, TUSD) == treasurer.on(TRANSIT) == 0
    assert treasurer.on(TREASURY) == -20
    assert rig.engine.lease.at_hand(TUSD) == 20
    assert rig.state.agreed
    assert rig.alerts() == []


@pytest.mark.parametrize("word", ["accepted", "finished"])
def test_one_withdrawal_comes_back_once(treasurer: Treasurer, word: str) -> None:
    """Of two such rows one is its return and the other a deposit, also where the venue reverses a finished one."""
    rig = withdrawn(treasurer)
    treasurer.told(word)
    deposit(rig, treasurer, "20")
    treasurer.told("returned")
    deposit(rig, treasurer, "20")
    assert principal(rig.state, TUSD) == 20
    assert rig.engine.lease.at_hand(TUSD) == 20
    assert rig.mode() is Mode.PAUSED
    assert rig.state.agreed


def test_a_rebase_takes_what_may_be_a_return_into_the_opening(treasurer: Treasurer) -> None:
    """All that is there is principal then, whatever the venue says of it later."""
    rig = withdrawn(treasurer)
    deposit(rig, treasurer, "20")
    rig.step(ev.OperatorRebased("ann", "as it is"))
    rig.run(60)
    treasurer.told("returned")
    rig.run(40)
    assert principal(rig.state, TUSD) == 20
    assert rig.engine.lease.at_hand(TUSD) == 0
    assert rig.state.agreed


def test_a_withdrawal_by_hand_after_a_silent_return_is_a_person_s(treasurer: Treasurer) -> None:
    """It left and came back without rows; the same sum leaving a day later was not announced."""
    rig = treasurer.converted().rig
    assert treasurer.request()
    treasurer.leave(row=False)
    rig.run(32)
    rig.venue.totals[TUSD] += 20
    treasurer.told("returned")
    treasurer.release()
    rig.run(40)
    assert rig.engine.lease.at_hand(TUSD) == 20
    treasurer.leave()
    rig.run(40)
    assert rig.state.external_rows == 1
    assert rig.mode() is Mode.PAUSED


# --- trades by hand -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ours", [True, False])
@pytest.mark.parametrize("told_first", [True, False])
def test_a_larger_trade_by_hand_is_not_the_conversion(treasurer: Treasurer, ours: bool, told_first: bool) -> None:
    """An order without a name, of another size, beside an announced one: foreign, and the settlement can end."""
    rig = with_profit(treasurer.rig)
    filled = "20" if ours else "0"
    assert treasurer.ask()
    assert treasurer.order()
    treasurer.trade(name="", size="300")
    if ours:
        treasurer.trade()
    if told_first:
        treasurer.over(filled=filled)
    rig.run(40)
    if not told_first:
        treasurer.over(filled=filled)
    rig.run(40)
    assert rig.state.external_rows == 1
    assert rig.mode() is Mode.PAUSED
    assert treasurer.on(EXTERNAL) == -300
    assert not rig.state.settlements.open_orders()
    assert rig.engine.lease.at_hand(TUSD) == D(filled)
    assert rig.state.agreed


@pytest.mark.parametrize(("side", "age_s"), [(Side.SELL, 0), (Side.BUY, 20)])
def test_a_sale_or_an_old_trade_by_hand_is_not_the_conversion(treasurer: Treasurer, side: Side, age_s: int) -> None:
    """The side and the time of a nameless order speak too."""
    rig = with_profit(treasurer.rig)
    assert treasurer.ask()
    assert treasurer.order()
    treasurer.trade(name="", side=side, age_s=age_s)
    rig.run(40)
    assert rig.state.settlements.orders["t-c1"].rowed == 0
    assert rig.state.external_rows == 1


def test_an_older_reply_without_a_name_is_still_the_conversion(treasurer: Treasurer) -> None:
    """It fits in market, side, size and time, and the order was not named yet."""
    rig = with_profit(treasurer.rig)
    assert treasurer.ask()
    assert treasurer.order()
    treasurer.trade(name="")
    rig.run(10)
    treasurer.over()
    rig.run(5)
    assert rig.state.external_rows == 0
    assert treasurer.on(TREASURY) == -20


# --- a person is waited for ---------------------------------------------------------------------------------------


def test_all_rows_of_a_nameless_order_are_the_conversion_s(treasurer: Treasurer) -> None:
    """Two fills in one answer: the first row shows whose the order is, and the second is of the same (seed 300538)."""
    rig = with_profit(treasurer.rig)
    assert treasurer.ask()
    assert treasurer.order()
    treasurer.trade(name="")
    visible_ns, whole = rig.venue.rows.pop()
    for share in (D("0.75"), D("0.25")):
        amounts = tuple((currency, delta * share) for currency, delta in whole.amounts)
        part = replace(whole, transaction_id=rig.venue.mint(), amounts=amounts, fee=whole.fee * share)
        rig.venue.rows.append((visible_ns, part))
    rig.run(5)
    treasurer.over()
    rig.run(5)
    assert treasurer.on(TREASURY) == -20
    assert rig.state.external_rows == 0
    assert rig.mode() is Mode.ACTIVE


def test_no_money_leaves_while_foreign_rows_wait_for_a_person(treasurer: Treasurer) -> None:
    """An unknown withdrawal may be a thief's: neither lease nor announcement before it is acknowledged."""
    rig = with_profit(treasurer.rig)
    rig.venue.at = rig.at
    rig.venue.external(1, "USD", D(-5))
    rig.run(40)
    assert rig.mode() is Mode.PAUSED
    assert not treasurer.ask()
    assert "arbbot resume" in treasurer.denials()[-1]
    rig.step(ev.OperatorResumed("ann", "mine"))
    assert treasurer.ask()


def test_a_foreign_row_under_the_lease_forbids_the_next_announcement(treasurer: Treasurer) -> None:
    """What was announced stays; nothing further is granted."""
    rig = treasurer.converted().rig
    rig.venue.at = rig.at
    rig.venue.external(1, "USD", D(-5))
    rig.run(35)
    assert rig.mode() is Mode.PAUSED
    assert not treasurer.request()
    assert "arbbot resume" in treasurer.denials()[-1]


def test_a_pause_by_a_person_is_no_reason_to_wait(treasurer: Treasurer) -> None:
    """Paused without foreign rows, profit may still leave."""
    rig = with_profit(treasurer.rig)
    rig.step(ev.OperatorPaused("ann", "holiday"))
    assert treasurer.ask()
    rig.step(words.LeaseReleased(treasurer.lease or "", "treasury", "done"))
