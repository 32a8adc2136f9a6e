"""A request journal that is older than what the daemon has noted sends nothing and says nothing of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.funding import RequestStatus
from arbbot.treasury.records import RequestState, SettlementRefused
from tests.treasury.test_presence import state as presence
from tests.treasury.test_settler import refusal
from tests.treasury.world import POLICY, D, World


def words(world: World, since: int) -> list[tuple[str, str]]:
    """What the daemon was told from a moment on."""
    return [
        (each["name"], each["outcome"]) for each in world.asked_daemon[since:] if each.get("what") == "word"
    ]  # fmt: skip


def lived() -> tuple[World, int]:
    """Two settlements on one day; the journal is as it was after the first."""
    world = World(profit=D(3_000))
    assert world.code() is ExitCode.OK
    world.end(RequestStatus.FINISHED)
    world.later(60)
    kept = len(world.journal) + 1
    assert world.code() is ExitCode.OK
    world.end(RequestStatus.FINISHED)
    del world.journal[kept:]
    return world, len(world.asked_daemon)


def test_a_journal_restored_from_a_copy_sends_nothing() -> None:
    """It mints the names of the day over again and does not know what has left: the day's cap would not hold."""
    world, heard = lived()
    sent = len(world.sent)
    for _ in range(4):
        world.later(60)
        done = world.settle()
        assert done.code is ExitCode.SETTLEMENT_REFUSED
        assert refusal(world).cause == "journal_behind"
    assert len(world.sent) == sent
    assert words(world, heard) == []
    assert world.lease is None


def test_a_new_journal_in_the_place_of_a_lost_one_sends_nothing() -> None:
    """The daemon's list is the witness, whatever the names begin with."""
    world, heard = lived()
    world.journal.clear()
    assert world.code() is ExitCode.SETTLEMENT_REFUSED
    assert refusal(world).cause == "journal_behind"
    assert words(world, heard) == []


@pytest.mark.parametrize(("what", "name"), [("order", "tk-c00001"), ("withdrawal", "tk-w00002")])
def test_of_what_the_daemon_denies_it_is_told_nothing(what: str, name: str) -> None:
    """Two machines with a copy each: what one was denied is the other's, and open. Neither `over` nor `refused` is said
    of it, then or later, and nothing new begins.
    """
    world = World()

    def beside(request: Mapping[str, Any]) -> None:
        if request.get("what") == what == "order":
            world.orders.setdefault(name, {"filled": None, "paid": "0", "complete": False})
        elif request.get("what") == what:
            world.withdrawals.setdefault(name, {"outcome": "announced"})

    world.daemon_trouble = beside
    for _ in range(3):
        assert world.code() is ExitCode.SETTLEMENT_REFUSED
    assert [each for each in words(world, 0) if each[0] == name] == []
    causes = [each.cause for each in world.journal if isinstance(each, SettlementRefused)]
    assert causes == ["denied", "journal_behind", "journal_behind"]
    assert world.sent == []


def beside_an_older_daemon(anchored_us: int = 0) -> World:
    """All that was to leave has left; then the daemon's journal is put back, and the rows are somebody else's: there is
    as much profit again, and less principal. Its ledger began so much later than before.
    """
    world = World()
    assert world.code() is ExitCode.OK
    world.end(RequestStatus.FINISHED)
    world.later(90_000)
    assert world.code() is ExitCode.OK
    assert len(world.sent) == 1
    world.orders.clear()
    world.withdrawals.clear()
    world.profit += world.spent
    world.anchor_us += anchored_us
    return world


def test_beside_an_older_journal_of_the_daemon_nothing_is_sent_twice() -> None:
    """Its ledger is the one under which the profit was sent, and it knows nothing of that: principal would leave."""
    world = beside_an_older_daemon()
    for _ in range(3):
        world.later(60)
        assert world.settle().code is ExitCode.SETTLEMENT_REFUSED
        assert refusal(world).cause == "daemon_behind"
        assert "rebase" in refusal(world).text
    assert len(world.sent) == 1
    assert world.lease is None


@pytest.mark.parametrize("step_s", [-300, 0])
def test_a_clock_that_was_set_back_hides_no_older_journal(step_s: int) -> None:
    """What was sent carries the name of the ledger that had noted it, not a time alone."""
    world = World()
    world.anchor_us = world.at.utc_us + 60_000_000
    world.later(step_s)
    assert world.code() is ExitCode.OK
    world.orders.clear()
    world.withdrawals.clear()
    world.profit += world.spent
    world.end(RequestStatus.FINISHED)
    world.later(600)
    assert world.code() is ExitCode.SETTLEMENT_REFUSED
    assert refusal(world).cause == "daemon_behind"


def test_a_daemon_whose_ledger_began_since_owes_nobody_the_past() -> None:
    """A new journal, or a rebase: its opening holds what was left, and its profit is made since."""
    world = beside_an_older_daemon(anchored_us=90_000_000_000)
    assert world.code() is ExitCode.OK
    assert len(world.sent) == 2


def test_a_daemon_put_back_while_a_person_reads_the_plan_lends_for_nothing() -> None:
    """It is looked at again under the lease, before anything is announced."""
    world = World(policy=replace(POLICY, confirm=True), profit=D(3_000))
    assert world.code() is ExitCode.OK
    world.end(RequestStatus.FINISHED)
    world.later(60)

    def put_back(request: Mapping[str, Any]) -> None:
        if request["verb"] == "lease":
            world.orders.clear()
            world.withdrawals.clear()

    world.daemon_trouble = put_back
    assert world.code() is ExitCode.SETTLEMENT_REFUSED
    assert refusal(world).cause == "daemon_behind"
    assert len(world.sent) == 1
    assert len(world.placed) == 1
    assert world.lease is None


def test_what_an_older_daemon_lacks_is_not_absent() -> None:
    """The daemon had noted a withdrawal whose answer was lost, and runs on an older copy since: that it knows nothing
    of it is no proof, however long the venue's list hides it. Nothing else is sent, and the line says why.
    """
    world = World(profit=D(3_000), request_trouble="late", sees=True)
    world.settle()
    assert presence(world) is RequestState.IN_DOUBT
    world.withdrawals.clear()
    for _ in range(3):
        world.later(3_600)
        done = world.settle()
        assert done.code is not ExitCode.OK
        assert "older copy" in done.text
    assert presence(world) is RequestState.IN_DOUBT
    assert len(world.sent) == 1


def test_an_older_daemon_is_told_of_though_a_withdrawal_is_under_way() -> None:
    """The venue has one in process for hours: that the daemon lacks it is no OK of a timer."""
    world = World(profit=D(3_000))
    assert world.code() is ExitCode.OK
    assert presence(world) is RequestState.ACCEPTED
    world.withdrawals.clear()
    world.later(60)
    assert world.code() is ExitCode.SETTLEMENT_REFUSED
    assert refusal(world).cause == "daemon_behind"
    assert len(world.sent) == 1
