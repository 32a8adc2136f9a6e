"""What is said of a withdrawal frees nothing that the venue may still take, and a day's sum is the daemon's own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from arbbot.domain import events as ev
from arbbot.domain import lease_words as words
from arbbot.domain.ledger import LedgerAccount
from arbbot.domain.mode import Mode
from arbbot.domain.order import Balance
from arbbot.engine.withdrawable import principal
from tests.engine.conftest import MakeRig
from tests.engine.rig import D, Rig
from tests.engine.treasurer import CONVERTING, TUSD, Treasurer, with_profit

TREASURY, TRANSIT, EXTERNAL = LedgerAccount.TREASURY, LedgerAccount.TRANSIT, LedgerAccount.EXTERNAL
DAY_CAP = replace(CONVERTING, account=replace(CONVERTING.account, withdrawn_per_day=D(12)))


@pytest.fixture
def treasurer(make_rig: MakeRig) -> Treasurer:
    """A treasury beside a daemon that converts at once."""
    return Treasurer(make_rig(CONVERTING))


def beside_principal(treasurer: Treasurer) -> Rig:
    """A hundred USDT of a person's own beside the twenty at hand, acknowledged, under a new lease."""
    rig = treasurer.converted().rig
    rig.venue.totals[TUSD] += 100
    treasurer.write(D(100), kind=0)
    rig.run(40)
    rig.step(ev.OperatorResumed("ann", "my deposit"))
    treasurer.release()
    rig.run(5)
    assert treasurer.ask(), treasurer.denials()
    assert principal(rig.state, TUSD) == 100
    assert rig.engine.lease.at_hand(TUSD) == 20
    return rig


def reserve(rig: Rig, size: str) -> None:
    """The venue holds so much back: of the total, not available."""
    rig.venue.reserved[TUSD] = D(size)
    rig.run(32)


# --- absent -------------------------------------------------------------------------------------------------------


def test_absent_frees_nothing(treasurer: Treasurer) -> None:
    """The list that never showed it may be wrong: what it takes stays announced, beside principal of the same coin."""
    rig = beside_principal(treasurer)
    assert treasurer.request()
    said(treasurer, "absent")
    assert rig.state.settlements.withdrawals["t-w1"].outcome == "absent"
    assert rig.engine.lease.at_hand(TUSD) == 0
    assert not treasurer.request("t-w2")
    treasurer.leave()
    rig.run(40)
    assert rig.own(TUSD) == 100 == principal(rig.state, TUSD)
    assert rig.state.external_rows == 1, "the deposit's"
    assert rig.state.agreed


@pytest.mark.parametrize("row", [True, False])
def test_a_person_is_called_when_an_absent_one_leaves(treasurer: Treasurer, row: bool) -> None:
    """By its row, or by the balance alone: it was there, and the treasury believes it was not."""
    rig = treasurer.converted().rig
    assert treasurer.request()
    said(treasurer, "absent")
    treasurer.leave(row=row)
    rig.run(40)
    assert rig.mode() is Mode.ACTIVE
    assert len(rig.alert_texts("settlement_stuck")) == 1
    assert "absent" in rig.alert_texts("settlement_stuck")[0]


def test_a_person_s_word_may_follow_absent(treasurer: Treasurer) -> None:
    """Said refused after all, and nothing has left: it is at hand again."""
    rig = treasurer.converted().rig
    assert treasurer.request()
    said(treasurer, "absent")
    assert rig.engine.lease.at_hand(TUSD) == 0
    said(treasurer, "refused")
    assert rig.engine.lease.at_hand(TUSD) == 20


def said(treasurer: Treasurer, outcome: str) -> None:
    """A word without the venue's id."""
    treasurer.rig.step(words.SettlementWord("t-w1", outcome, None, None, "nothing is there"))


@pytest.mark.parametrize("outcome", ["absent", "refused"])
def test_a_balance_that_lacks_it_proves_it_present(treasurer: Treasurer, outcome: str) -> None:
    """In transit, reserved at the venue, or gone by the newest balances: the word is denied, and all stays."""
    rig = treasurer.converted().rig
    assert treasurer.request()
    reserve(rig, "20")
    said(treasurer, outcome)
    assert "reserves 20" in "".join(treasurer.denials()[-1:])
    rig.engine.books.balances[TUSD] = Balance(TUSD, D(5), D(5), D(0))
    said(treasurer, outcome)
    assert "lacks 15" in "".join(treasurer.denials()[-1:])
    treasurer.leave(row=False)
    rig.run(35)
    said(treasurer, outcome)
    assert "left the balance" in "".join(treasurer.denials()[-1:])
    assert rig.state.settlements.withdrawals["t-w1"].outcome == "announced"


@pytest.mark.parametrize("outcome", ["absent", "refused"])
def test_what_the_venue_has_given_an_id_was_there(treasurer: Treasurer, outcome: str) -> None:
    """A treasury that remembers less than it once said is not believed."""
    treasurer.converted()
    assert treasurer.request()
    treasurer.told("accepted")
    said(treasurer, outcome)
    assert "id of it is 77" in "".join(treasurer.denials()[-1:])
    assert treasurer.rig.engine.lease.at_hand(TUSD) == 0


def test_what_is_at_hand_is_available_beyond_principal(treasurer: Treasurer) -> None:
    """Whatever is said of requests: what the venue reserves is not there twice."""
    rig = beside_principal(treasurer)
    reserve(rig, "20")
    assert rig.engine.lease.at_hand(TUSD) == 0
    assert not treasurer.request()


# --- the day's sum ------------------------------------------------------------------------------------------------


def test_the_daemon_denies_beyond_the_day_s_cap(make_rig: MakeRig) -> None:
    """By its own sum, fee in, whatever a treasury's journal has forgotten; the next UTC day begins at zero."""
    treasurer = Treasurer(make_rig(DAY_CAP)).converted()
    assert treasurer.request("t-w1", "5", "1")
    treasurer.leave("5", "1")
    assert not treasurer.request("t-w2", "6", "0.01")
    assert "12 may be" in treasurer.denials()[-1]
    treasurer.rig.run(35)
    assert treasurer.request("t-w3", "5", "1"), treasurer.denials()
    told = treasurer.rig.state.settlements
    now_us = treasurer.rig.at.utc_us
    assert told.withdrawn_on(TUSD, now_us) == 12
    assert told.withdrawn_on(TUSD, now_us + 86_400_000_000) == 0
    assert told.withdrawn_on("BTC", now_us) == 0


@pytest.mark.parametrize(("outcome", "counts"), [("absent", True), ("finished", True), ("refused", False)])
def test_what_was_refused_never_existed(make_rig: MakeRig, outcome: str, counts: bool) -> None:
    """All else counts against the day."""
    treasurer = Treasurer(make_rig(DAY_CAP)).converted()
    assert treasurer.request("t-w1", "5", "1")
    said(treasurer, outcome)
    told = treasurer.rig.state.settlements
    assert told.withdrawn_on(TUSD, treasurer.rig.at.utc_us) == (6 if counts else 0)


def test_a_row_after_a_wrong_last_word_counts_as_spent(treasurer: Treasurer) -> None:
    """Told that nothing has filled, and then the row comes: what it paid is profit spent, not profit left."""
    rig = with_profit(treasurer.rig)
    assert treasurer.ask()
    assert treasurer.order()
    treasurer.trade(lag_s=4)
    treasurer.over(filled="0")
    assert rig.state.settlements.spent == 0
    rig.run(40)
    assert rig.state.settlements.spent == D("20.008")


# --- a new opening ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [True, False])
def test_what_leaves_after_a_rebase_was_principal_of_the_new_opening(treasurer: Treasurer, row: bool) -> None:
    """Announced before it, gone after it: principal shrinks with the balance, so that later profit is at hand."""
    rig = treasurer.converted().rig
    assert treasurer.request()
    treasurer.told("accepted")
    treasurer.release()
    rig.step(ev.OperatorRebased("ann", "as it is"))
    rig.run(60)
    assert principal(rig.state, TUSD) == 20
    treasurer.leave(row=row)
    rig.run(40)
    assert rig.own(TUSD) == 0
    assert principal(rig.state, TUSD) == 0
    if not row:
        treasurer.write(D(-15), D(5))
        rig.run(40)
    assert principal(rig.state, TUSD) == 0
    assert treasurer.on(TREASURY) == treasurer.on(TRANSIT) == 0
    assert rig.mode() is Mode.ACTIVE
    assert rig.state.agreed


def test_what_comes_back_after_such_a_rebase_is_principal_again(treasurer: Treasurer) -> None:
    """It was the opening's, and a person has called all of that principal."""
    rig = treasurer.converted().rig
    assert treasurer.request()
    treasurer.told("accepted")
    treasurer.release()
    rig.step(ev.OperatorRebased("ann", "as it is"))
    rig.run(60)
    treasurer.leave()
    rig.run(40)
    treasurer.told("returned")
    rig.venue.totals[TUSD] += 20
    treasurer.write(D(20))
    rig.run(40)
    assert principal(rig.state, TUSD) == 20
    assert rig.engine.lease.at_hand(TUSD) == 0
    assert rig.mode() is Mode.ACTIVE
