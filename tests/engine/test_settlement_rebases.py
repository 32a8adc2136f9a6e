"""What becomes of a conversion's missing rows: trading stays shut until they come, or until a person takes the venue's
balances for the opening; and the ledger is compared again after that.
"""

from __future__ import annotations

import pytest

from arbbot.domain import events as ev
from arbbot.domain.commands import Ask, Topic
from arbbot.domain.ledger import LedgerAccount
from arbbot.domain.mode import Mode
from arbbot.engine.refusal import Refusal
from tests.engine.conftest import MakeRig
from tests.engine.rig import D, Rig
from tests.engine.treasurer import CONVERTING, Treasurer, with_profit

DOLLARS = D(1000)


@pytest.fixture
def treasurer(make_rig: MakeRig) -> Treasurer:
    """One whose conversion of twenty is announced, with its lease given back."""
    treasurer = Treasurer(make_rig(CONVERTING))
    with_profit(treasurer.rig)
    assert treasurer.ask()
    assert treasurer.order()
    return treasurer


def rebased(rig: Rig) -> None:
    """A person takes the balances as they are; some time later they are the opening."""
    rig.step(ev.OperatorRebased("ann", "the balances are plainly right"))
    rig.run(60)
    assert rig.state.anchor is not None
    assert rig.state.anchor.cause == "rebase"
    assert rig.state.rebase_asked is None
    assert rig.engine.entry.blocked() is None


def missed(rig: Rig) -> None:
    """What the venue loses is seen, now as ever."""
    rig.venue.totals["USD"] -= DOLLARS
    rig.run(600)
    assert rig.mode() is Mode.HALTED
    assert "-1000" in rig.state.mode_reason


def unread(treasurer: Treasurer) -> Rig:
    """Traded, and nobody can be asked whose row that is; then rebased."""
    rig, answers = treasurer.rig, treasurer.rig.venue.perform
    treasurer.trade()
    treasurer.release()

    def deaf(what: object, at: object) -> object:
        if isinstance(what, Ask) and what.topic is Topic.ORDER_STATUS:
            return ev.AskFailed(what.ask_id, "HTTP 500")
        return answers(what, at)  # type: ignore[arg-type] # as the rig calls it

    rig.venue.perform = deaf  # type: ignore[method-assign, assignment] # one answer is lost
    rig.run(200)
    assert rig.engine.entry.blocked() is Refusal.RECONCILING
    rebased(rig)
    rig.venue.perform = answers  # type: ignore[method-assign] # and comes again
    return rig


def test_a_late_last_word_after_a_rebase_ends_an_order(treasurer: Treasurer) -> None:
    """Its rows lie before the opening and never come: trading goes on, and what is missing later is seen."""
    rig = unread(treasurer)
    treasurer.over()
    assert not rig.state.settlements.open_orders()
    rig.run(60)
    assert rig.state.agreed
    assert rig.engine.entry.blocked() is None
    missed(rig)


def test_a_restart_and_another_rebase_after_it_end_as_well(treasurer: Treasurer) -> None:
    """The next process finds its ledger equal, and may be told to begin it anew."""
    rig = unread(treasurer)
    treasurer.over()
    again = Rig(CONVERTING, venue=rig.venue, journal=rig.journal, at=rig.at)
    again.start()
    again.run(60)
    assert again.state.agreed
    assert again.engine.entry.blocked() is None
    rebased(again)
    again.check()


@pytest.mark.parametrize("filled", ["20", "0.00001"])
def test_what_is_said_to_have_filled_is_waited_for(treasurer: Treasurer, filled: str) -> None:
    """A conversion that never existed, called filled by mistake when trading has long gone on: nothing opens until its
    rows come or the word is mended, and a person is called.
    """
    rig = treasurer.rig
    treasurer.release()
    rig.run(200)
    assert rig.engine.entry.blocked() is None
    treasurer.over(filled=filled)
    assert rig.engine.entry.blocked() is Refusal.RECONCILING
    rig.run(200)
    assert rig.alerts() == ["row_missing"]
    treasurer.over(filled="0")
    rig.run(10)
    assert rig.engine.entry.blocked() is None
    missed(rig)


def test_a_rebase_lets_go_of_rows_that_never_come(treasurer: Treasurer) -> None:
    """It is called wholly filled and was not: nobody mends the word, and the balances are plainly right."""
    rig = treasurer.rig
    treasurer.trade(size="12")
    treasurer.over()
    treasurer.release()
    rig.run(300)
    assert rig.engine.entry.blocked() is Refusal.RECONCILING
    rebased(rig)
    missed(rig)


def test_a_rebase_waits_for_an_order_that_may_still_fill(treasurer: Treasurer) -> None:
    """Of one about which nothing is told the venue's balances are not the last word before its bound."""
    rig = treasurer.rig
    rig.step(ev.OperatorRebased("ann", "now"))
    rig.run(60)
    assert rig.state.rebase_asked is not None
    treasurer.trade()
    treasurer.over()
    rig.run(60)
    assert rig.state.rebase_asked is None
    assert rig.own("USDT") == 20


def test_a_row_that_comes_after_a_rebase_is_in_its_opening(treasurer: Treasurer) -> None:
    """It is the settlement's, and moves nothing any more: the balances of the opening held it."""
    rig = treasurer.rig
    treasurer.trade(lag_s=600, decimals=2)
    treasurer.over()
    treasurer.release()
    rig.run(300)
    rebased(rig)
    rig.run(400)
    assert rig.state.settlements.orders["t-c1"].rowed == 20
    assert treasurer.on(LedgerAccount.TREASURY) == 0
    assert rig.state.external_rows == 0
    assert rig.mode() is Mode.ACTIVE
    assert rig.state.agreed
    assert not rig.state.rounding_room
    missed(rig)
