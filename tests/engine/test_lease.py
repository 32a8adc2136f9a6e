"""The account is lent to a settlement only when quiet, only for a while, and nothing else begins meanwhile."""

from __future__ import annotations

import pytest

from arbbot.domain import events as ev
from arbbot.domain import lease_words as words
from arbbot.domain.lease import LeaseEnded, LeaseGranted
from arbbot.domain.mode import Mode
from arbbot.engine.risk import conversion_blocker
from tests.engine.conftest import MakeRig
from tests.engine.played_venue import Play
from tests.engine.rig import D, Rig
from tests.engine.scenes import RICH, hedge
from tests.engine.treasurer import CONVERTING, Treasurer, with_profit


def test_no_hedge_begins_under_a_lease_and_the_next_one_does_after_it(rig: Rig) -> None:
    """One percent of edge is declined by name while the lease holds; released, the same edge is taken."""
    rig.ready()
    treasurer = Treasurer(rig)
    assert treasurer.ask()
    rig.show(RICH)
    rig.run(2)
    assert rig.placed() == []
    assert rig.last() == ("leased",)
    treasurer.release()
    rig.run(1)
    rig.show(RICH)
    assert len(rig.placed()) == 2


def test_no_conversion_begins_under_a_lease(make_rig: MakeRig) -> None:
    """It is forbidden by name, and no longer when the lease has ended."""
    rig = with_profit(make_rig(CONVERTING))
    treasurer = Treasurer(rig)
    assert treasurer.ask()
    before = len(rig.placed())
    assert conversion_blocker(rig.engine.core) == "leased"
    rig.run(3)
    assert len(rig.placed()) == before
    treasurer.release()
    assert conversion_blocker(rig.engine.core) is None


@pytest.mark.parametrize("seconds", ["0.02", "0.3"])
def test_an_open_hedge_denies_it(rig: Rig, seconds: str) -> None:
    """Asked while a leg rests, it is denied in words, in the journal, and nothing has changed."""
    hedge(rig, sell=Play(fill=D(0)), wait=seconds, gone=False)
    treasurer = Treasurer(rig)
    assert not treasurer.ask()
    assert treasurer.denials()
    assert rig.all(LeaseGranted) == []


def test_an_order_in_doubt_denies_it(rig: Rig) -> None:
    """A lost reply is no quiet account."""
    hedge(rig, buy=Play("lost", taken=False), wait="1")
    treasurer = Treasurer(rig)
    assert not treasurer.ask()


def test_a_ledger_that_has_not_agreed_denies_it(rig: Rig) -> None:
    """Before the opening, and while a row is looked up."""
    rig.start()
    treasurer = Treasurer(rig)
    assert not treasurer.ask()
    rig.run(9)
    assert treasurer.ask()


@pytest.mark.parametrize("event", [ev.OperatorHalted("ann", "strange"), ev.StopAsked("SIGTERM")])
def test_no_money_leaves_a_halted_or_stopping_daemon(rig: Rig, event: ev.Event) -> None:
    """What a person stopped is looked at first; a pause is no reason."""
    rig.ready()
    rig.step(ev.OperatorPaused("ann", "tea"))
    treasurer = Treasurer(rig)
    assert treasurer.ask()
    treasurer.release()
    rig.step(event)
    assert not treasurer.ask()


def test_one_at_a_time_and_only_its_own_is_released(rig: Rig) -> None:
    """A second asker is told who holds it; another's lease cannot be released."""
    rig.ready()
    treasurer = Treasurer(rig)
    assert treasurer.ask()
    rig.step(words.LeaseAsked("another", "me too"))
    rig.step(words.LeaseReleased("q7-l00009", "another", "mine"))
    assert [reason for reason in treasurer.denials() if "has not ended" in reason or "does not hold" in reason]
    assert len(rig.all(LeaseGranted)) == 1
    assert rig.state.settlements.lease is not None


def test_it_ends_by_itself_in_market_time(rig: Rig) -> None:
    """After `lease_s` trading goes on, whatever became of the treasury."""
    rig.ready()
    assert Treasurer(rig).ask()
    rig.run(119)
    assert rig.state.settlements.lease is not None
    rig.run(2)
    assert rig.state.settlements.lease is None
    assert [each.cause for each in rig.all(LeaseEnded)] == ["its time was over"]
    assert rig.alerts() == []


def test_a_restart_keeps_it_and_ends_it(rig: Rig) -> None:
    """The journal remembers it: the next process declines hedges by it until its time is over, and no longer."""
    rig.ready()
    assert Treasurer(rig).ask()
    rig.run(60)
    again = Rig(venue=rig.venue, journal=rig.journal, at=rig.at)
    again.start()
    again.run(10)
    assert again.engine.entry.blocked() == "leased"
    again.run(55)
    assert again.engine.entry.blocked() is None


def test_a_clock_that_was_set_back_makes_it_no_longer(rig: Rig) -> None:
    """The monotonic clock of the process bounds it too."""
    rig.ready()
    assert Treasurer(rig).ask()
    rig.at = ev.Moment(rig.at.mono_ns, rig.at.utc_us - 3_600_000_000)
    rig.run(121)
    assert rig.state.settlements.lease is None


def test_an_order_that_was_not_called_over_is_told_when_it_ends(make_rig: MakeRig) -> None:
    """A treasury that died between announcing and telling: a warning names the order, and trading goes on once the
    venue can neither accept it any more nor hide its rows.
    """
    rig = with_profit(make_rig(CONVERTING))
    treasurer = Treasurer(rig)
    assert treasurer.ask()
    assert treasurer.order()
    rig.run(125)
    assert "t-c1" in rig.alert_texts("lease_expired")[0]
    assert rig.engine.entry.blocked() == "reconciling"
    rig.run(65)
    assert rig.engine.entry.blocked() is None
    assert rig.mode() is Mode.ACTIVE
