"""A request journal that is older than what the daemon has noted sends nothing and says nothing of it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.funding import RequestStatus
from arbbot.treasury.journal import decode, encode
from arbbot.treasury.policy import Asked
from arbbot.treasury.records import RequestIntended, RequestState, SettlementRefused
from arbbot.treasury.resolve import Resolution
from tests.treasury.test_presence import state as presence
from tests.treasury.test_settler import refusal
from tests.treasury.world import POLICY, D, Died, World


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


def doubted(trouble: str) -> World:
    """The daemon has noted a withdrawal that nobody knows the end of, and the venue's list does not show it."""
    world = World(profit=D(3_000), request_trouble=trouble, sees=True)
    with contextlib.suppress(Died):
        world.settle()
    world.request_trouble = "late"
    return world


@pytest.mark.parametrize("trouble", ["late", "dies_before", "dies_after"])
def test_what_an_older_daemon_lacks_is_not_absent(trouble: str) -> None:
    """The daemon had noted a withdrawal whose answer was lost, or nobody was there to hear it. It runs on an older copy
    since: that it knows nothing of it is no proof, however long the venue's list hides it. Nothing else is sent, the
    line says first that it does not end, and what it advises ends it.
    """
    world = doubted(trouble)
    world.withdrawals.clear()
    for _ in range(3):
        world.later(3_600)
        done = world.settle()
        assert done.code is ExitCode.SETTLEMENT_OPEN
        assert "does not end" in done.text.partition(";")[0]
        assert "older copy" in done.text
        assert refusal(world).cause == "daemon_behind"
    assert presence(world) is RequestState.IN_DOUBT
    assert len(world.sent) == 1
    name = world.sent[0].name
    assert f"--resolve {name} --as absent" in done.text
    assert world.code(Resolution(name, "absent", "ann", "the venue has none")) is ExitCode.OK
    world.profit = D(0)
    world.request_trouble = ""
    assert world.replayed().open_requests() == []
    assert "does not end" not in world.settle().text


@pytest.mark.parametrize("trouble", ["dies_before", "dies_after"])
def test_a_death_as_it_is_sent_is_found_out(trouble: str) -> None:
    """A daemon that has noted it is witness enough: there it is found, never there it is absent."""
    world = doubted(trouble)
    world.request_trouble, world.policy = "", replace(world.policy, threshold=D(10_000))
    assert presence(world) is RequestState.ANNOUNCED
    world.later(3_600)
    assert world.code() is ExitCode.OK
    assert presence(world) is (RequestState.ACCEPTED if trouble == "dies_after" else RequestState.ABSENT)
    assert len(world.sent) == 1


@pytest.mark.parametrize("daemon", ["up", "down", "a new journal"])
@pytest.mark.parametrize("noted", [False, True])
def test_what_was_never_sent_is_over_at_once(daemon: str, noted: bool) -> None:
    """Killed after the intent, before or after the daemon noted it, whatever that is since: no list is read, nothing is
    in doubt, the day's cap is free, and the next settlement sends.
    """
    world = World(profit=D(3_000))
    kinds = doubted("dies_before").kinds()
    world.die_after = kinds.index("request_intended") + 1
    with pytest.raises(Died):
        world.settle()
    world.die_after, (name,) = None, world.replayed().requests
    if noted:
        world.withdrawals[name] = {"outcome": "announced"}
    if daemon == "a new journal":
        world.orders.clear()
        world.withdrawals.clear()
        world.anchor_us = world.at.utc_us + 10**6
    world.daemon_up = daemon != "down"
    world.request_trouble = "late"
    world.later(60)
    begun_ns = world.at.mono_ns
    world.code(Asked(address="0x0"))
    assert presence(world) is RequestState.REFUSED
    assert world.at.mono_ns - begun_ns < 60 * 10**9
    assert world.replayed().asked_on(world.at.utc_us) == 0
    world.daemon_up, world.request_trouble = True, ""
    assert world.code() is ExitCode.OK
    assert [each.name for each in world.sent] == [name for name in world.replayed().requests][1:]
    if name in world.withdrawals:
        assert world.withdrawals[name] == {"outcome": "refused"}


def test_an_intent_of_an_older_program_may_have_been_sent() -> None:
    """It wrote no line before it sent: its last word is read as announced, and looked for."""
    world = doubted("dies_after")
    del world.journal[-1]
    (intended,) = [each for each in world.journal if isinstance(each, RequestIntended)]
    world.journal[-1] = replace(intended, announces=False)
    assert presence(world) is RequestState.ANNOUNCED
    body = json.loads(encode(intended))
    del body["announces"]
    assert decode(intended.kind, json.dumps(body)) == world.journal[-1]
    world.request_trouble = ""
    assert world.code() is ExitCode.OK
    assert presence(world) is RequestState.ACCEPTED
    assert len(world.sent) == 1


def forgets(world: World) -> None:
    """The daemon is on an older copy."""
    world.withdrawals.clear()


def knows_more(world: World) -> None:
    """The treasury is."""
    world.withdrawals["tk-w00009"] = {"outcome": "accepted"}


def contradicts(world: World) -> None:
    """One that was absent, as we had said, has left."""
    world.withdrawals["tk-w00002"]["rowed"] = "300"


@pytest.mark.parametrize(
    ("cause", "befalls"), [("daemon_behind", forgets), ("journal_behind", knows_more), ("contradicted", contradicts)]
)
def test_a_journal_that_is_wrong_is_told_of_though_a_withdrawal_is_under_way(
    cause: str, befalls: Callable[[World], None]
) -> None:
    """The venue has one in process for hours: that is said first, and is no OK of a timer any more."""
    world = World(profit=D(3_000), policy=replace(POLICY, max_per_day=D(5_000)), request_trouble="lost_before")
    assert world.code() is ExitCode.SETTLEMENT_REFUSED
    world.request_trouble = ""
    assert world.code() is ExitCode.OK
    assert [each.state for each in world.replayed().requests.values()] == [RequestState.ABSENT, RequestState.ACCEPTED]
    befalls(world)
    world.later(60)
    done = world.settle()
    assert done.code is ExitCode.SETTLEMENT_OPEN
    assert "is accepted" in done.text.partition(";")[0]
    assert refusal(world).cause == cause
    assert done.text.endswith(refusal(world).text)
    assert len(world.sent) == 2
