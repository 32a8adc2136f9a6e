"""Everything that was sent stands in exactly one statement, with its own figures, whoever found out how it ended; and
what does not end calls a person until the daemon has heard of it.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest

from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.funding import RequestStatus
from arbbot.treasury.records import DAEMON, OWN, ConversionIntended, PersonCalled, StatementWritten
from arbbot.treasury.resolve import Resolution
from tests.treasury.world import D, Died, World


def statements(world: World) -> list[StatementWritten]:
    """All lines of them."""
    return [each for each in world.journal if isinstance(each, StatementWritten)]


def test_a_settlement_without_a_conversion_tells_of_none() -> None:
    """What was at hand is withdrawn: nothing was spent for it now."""
    world = World(profit=D(300))
    assert world.code() is ExitCode.OK
    world.end(RequestStatus.FINISHED)
    world.later(60)
    world.bought += 100
    world.profit = world.spent
    assert world.code() is ExitCode.OK
    first, second = statements(world)
    assert first.bought > 0
    assert second.spent == second.bought == 0
    assert second.conversions == ()
    assert second.withdrawn == world.replayed().requests[second.name].total


def test_whatever_died_every_conversion_and_withdrawal_stands_in_one_statement() -> None:
    """After a death after any record, with a reply lost or not: once each, and the sums are the venue's."""
    for trouble in ("", "lost_after"):
        whole = World(request_trouble=trouble, fate=RequestStatus.FINISHED)
        whole.settle()
        for record in range(1, len(whole.journal) + 1):
            world = World(request_trouble=trouble, fate=RequestStatus.FINISHED, die_after=record)
            with contextlib.suppress(Died):
                world.settle()
            world.request_trouble, world.die_after = "", None
            for _ in range(2):
                world.later(400)
                world.code()
            told = statements(world)
            assert sum(each.bought for each in told) == world.bought
            assert sum(each.withdrawn for each in told) == world.withdrawn
            names = [name for each in told for name in each.conversions or ()]
            bought = [each.name for each in world.journal if isinstance(each, ConversionIntended)]
            assert sorted(names) == sorted(name for name in bought if world.fills.get(name))


def test_a_conversion_whose_withdrawal_was_denied_has_a_statement_of_its_own() -> None:
    """It was bought and lies at hand."""
    world = World(daemon_trouble=lambda request: "no" if request.get("what") == "withdrawal" else None)
    assert world.code() is ExitCode.SETTLEMENT_REFUSED
    (told,) = statements(world)
    assert (told.name, told.bought) == (world.placed[0].terms.client_order_id, world.bought)
    assert told.withdrawn == 0
    assert told.spent > 0


def test_a_stuck_request_is_told_when_the_daemon_is_back() -> None:
    """It was away at that moment; this program calls meanwhile, once, by its own webhook and its exit code."""
    world = World()
    assert world.code() is ExitCode.OK
    world.later(90_000)
    world.daemon_up = False
    for _ in range(2):
        done = world.settle()
        assert done.code is ExitCode.SETTLEMENT_OPEN
        assert "does not end, request 500 not finished after 25 h" in done.text
        assert callers(world) == [OWN]
    world.daemon_up = True
    for _ in range(3):
        world.later(3600)
        assert world.code() is ExitCode.SETTLEMENT_OPEN
        assert callers(world) == [OWN, DAEMON]


def test_a_call_that_nobody_took_is_made_again_and_not_journaled() -> None:
    """Only one that was taken is known: each settlement calls until then, and none after it."""
    world = World()
    assert world.code() is ExitCode.OK
    world.later(90_000)
    world.daemon_up = world.webhook_up = False
    for calls in (1, 2):
        assert world.code() is ExitCode.SETTLEMENT_OPEN
        assert (len(world.called), callers(world)) == (calls, [])
    world.webhook_up = True
    for _ in range(2):
        assert world.code() is ExitCode.SETTLEMENT_OPEN
        assert (len(world.called), callers(world)) == (3, [OWN])


def callers(world: World) -> list[str]:
    """Who called a person."""
    return [each.by for each in world.journal if isinstance(each, PersonCalled)]


def test_one_that_was_in_doubt_and_then_hangs_calls_again() -> None:
    """Another thing is wrong with it: another call."""
    world = World(request_trouble="late", sees=True)
    assert world.code() is ExitCode.SETTLEMENT_OPEN
    world.request_trouble = ""
    world.later(60)
    assert world.code() is ExitCode.OK
    world.later(5 * 86_400)
    assert world.code() is ExitCode.SETTLEMENT_OPEN
    stuck = [each["reason"] for each in world.asked_daemon if each.get("outcome") == "stuck"]
    assert len(stuck) == 2
    assert "not finished after" in stuck[1]


@pytest.mark.parametrize("by_person", [False, True])
def test_what_comes_back_is_taken_back_by_a_line_of_its_own(by_person: bool) -> None:
    """The venue fails it, or reverses it when it has finished, after a statement called it withdrawn: all of them
    together say what has left, also when it is sent again.
    """
    world = World()
    assert world.code() is ExitCode.OK
    name, total = world.sent[0].name, world.withdrawn
    assert total > 0
    if by_person:
        world.end(RequestStatus.FINISHED)
        world.later(60)
        world.code()
        assert world.settle(Resolution(name, "returned", "ann", "the venue reversed it")).code is ExitCode.OK
    world.end(RequestStatus.FAILED)
    world.later(60)
    world.profit = world.spent
    assert world.code() is ExitCode.OK
    assert len(world.sent) == 2
    told = statements(world)
    assert sum(each.withdrawn for each in told) == world.withdrawn
    (back,) = [each for each in told if each.withdrawn < 0]
    assert (back.name, back.state, back.withdrawn, back.bought) == (name, "returned", -total, D(0))
    world.later(60)
    world.code()
    assert statements(world) == told


@pytest.mark.parametrize("off", [False, True])
def test_what_the_daemon_missed_it_is_told_whether_or_not_anything_may_be_settled(off: bool) -> None:
    """It did not run when a withdrawal ended; settlements are turned off by then, or have to cool off."""
    world = World()
    assert world.code() is ExitCode.OK
    (name,), (order,) = world.withdrawals, world.orders
    world.end(RequestStatus.FINISHED)
    world.daemon_up = False
    world.later(60)
    assert world.code() is ExitCode.DAEMON
    world.daemon_up = True
    world.orders[order]["filled"] = None
    assert world.withdrawals[name]["outcome"] == "accepted"
    change = {"enabled": False} if off else {"max_per_day": D(9_000), "cooling_off_s": D(86_400)}
    world.policy = replace(world.policy, **change)
    heard = len(world.asked_daemon)
    assert world.code() is ExitCode.SETTLEMENT_REFUSED
    assert world.withdrawals[name]["outcome"] == "finished"
    assert D(world.orders[order]["filled"]) == world.bought
    assert not any(each["verb"] == "lease" for each in world.asked_daemon[heard:])
