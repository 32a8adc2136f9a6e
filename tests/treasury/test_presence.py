"""What is in the venue's list, or has left the balance, is never called absent: then the same money would go twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.funding import RequestStatus, WithdrawalRequest
from arbbot.treasury.policy import Destination
from arbbot.treasury.records import RequestState
from tests.treasury.world import ADDRESS, POLICY, D, World

MIXED = "0xAb5801a7D398351b8bE11C439e05C5B3259aeC9B"
RICH = replace(POLICY, allowed=(Destination("usdt", "ethereum", MIXED),), max_per_day=D(5_000))
OTHERWISE: dict[str, Callable[[WithdrawalRequest], WithdrawalRequest]] = {
    "what arrives": lambda each: replace(each, size=each.size - 5),
    "the fee in": lambda each: replace(each, size=each.size + 5),
    "another name of the chain": lambda each: replace(each, network="erc20"),
    "a clock 40 s behind": lambda each: replace(each, utc_us=each.utc_us - 40_000_000),
    "a clock 150 s behind, no address": lambda each: replace(each, utc_us=each.utc_us - 150_000_000, address=None),
    "another size": lambda each: replace(each, size=D("1.5")),
}


def state(world: World) -> RequestState:
    """Of the only request."""
    (request,) = world.replayed().requests.values()
    return request.state


@pytest.mark.parametrize("how", OTHERWISE)
def test_a_line_that_could_be_it_forbids_to_call_it_absent(how: str) -> None:
    """The reply is lost and the venue lists the request otherwise than we believe: it stays in doubt, a person is
    called once, and however often the timer runs nothing else is sent.
    """
    world = World(policy=RICH, profit=D(3_000), request_trouble="lost_after", shows=OTHERWISE[how])
    for _ in range(3):
        done = world.settle()
        assert done.code is ExitCode.SETTLEMENT_OPEN
        world.later(3600)
    assert state(world) is RequestState.IN_DOUBT
    assert len(world.requests) == len(world.sent) == 1
    assert "request 500" in world.replayed().requests[world.sent[0].name].cause
    assert len([each for each in world.asked_daemon if each.get("outcome") == "stuck"]) == 1


@pytest.mark.parametrize("spelt", [str.lower, str.upper])
def test_an_address_is_known_in_small_and_large_letters(spelt: Callable[[str], str]) -> None:
    """Their mixture is a checksum: the same account."""
    world = World(policy=RICH, request_trouble="lost_after")
    world.shows = lambda each: replace(each, address=spelt(each.address or ""))
    assert world.code() is ExitCode.OK
    assert state(world) is RequestState.ACCEPTED


def test_a_request_of_ours_that_is_known_forbids_nothing() -> None:
    """The one before, to the same address minutes ago, has its own name."""
    world = World(profit=D(3_000))
    assert world.code() is ExitCode.OK
    world.end(RequestStatus.FINISHED)
    world.later(10)
    world.request_trouble = "lost_before"
    assert world.code() is ExitCode.SETTLEMENT_REFUSED
    assert [each.state for each in world.replayed().requests.values()] == [RequestState.FINISHED, RequestState.ABSENT]


def test_money_that_the_daemon_has_seen_leave_is_not_absent() -> None:
    """The list does not show the request, but the balance does: the daemon does not take the word, and that is proof of
    presence. It stays in doubt until the list shows it.
    """
    world = World(profit=D(3_000), request_trouble="late", sees=True)
    for _ in range(2):
        assert world.code() is ExitCode.SETTLEMENT_OPEN
        world.later(3600)
    assert state(world) is RequestState.IN_DOUBT
    assert len(world.sent) == 1
    world.request_trouble = ""
    world.end(RequestStatus.FINISHED)
    world.policy = replace(world.policy, threshold=D(10_000))
    assert world.code() is ExitCode.OK
    assert state(world) is RequestState.FINISHED
    assert list(world.withdrawals.values()) == [{"outcome": "finished"}]


def test_nothing_is_absent_without_the_daemon_s_word() -> None:
    """It does not run: the doubt lasts until it can be asked."""
    world = World(request_trouble="lost_before")
    world.daemon_trouble = lambda request: setattr(world, "daemon_up", request.get("what") != "withdrawal")
    assert world.code() is ExitCode.SETTLEMENT_OPEN
    assert state(world) is RequestState.IN_DOUBT
    world.daemon_up, world.daemon_trouble = True, lambda request: None
    world.policy = replace(world.policy, threshold=D(10_000))
    assert world.code() is ExitCode.OK
    assert state(world) is RequestState.ABSENT
    assert list(world.withdrawals.values()) == [{"outcome": "absent"}]


def test_what_is_older_than_the_venue_s_list_is_not_absent() -> None:
    """A machine that comes back after years: the list tells nothing of that time."""
    world = World(request_trouble="lost_before", daemon_trouble=lambda request: "no" if _absent(request) else None)
    assert world.code() is ExitCode.SETTLEMENT_OPEN
    world.daemon_trouble = lambda request: None
    world.later(50_000_001)
    assert world.code() is ExitCode.SETTLEMENT_OPEN
    assert state(world) is RequestState.IN_DOUBT


def _absent(request: Mapping[str, Any]) -> bool:
    return request.get("outcome") == "absent"


@pytest.mark.parametrize("told", ["in_transit", "rowed"])
def test_what_was_called_absent_and_has_left_all_the_same_stops_the_next_settlement(told: str) -> None:
    """The list did not show it, nor did the balance by then: when its row comes a person has to look."""
    world = World(profit=D(3_000), request_trouble="lost_before")
    assert world.code() is ExitCode.SETTLEMENT_REFUSED
    assert state(world) is RequestState.ABSENT
    world.withdrawals[world.sent[0].name][told] = "300"
    world.request_trouble = ""
    done = world.settle()
    assert done.code is ExitCode.SETTLEMENT_REFUSED
    assert "it has left the balance" in done.text
    assert len(world.sent) == 1


def test_a_refusal_that_the_daemon_s_rows_contradict_stops_the_next_settlement() -> None:
    """The venue said no, and yet the amount has left: a person has to look, and nothing new is sent."""
    world = World(request_trouble="refused", sees=True)
    assert world.code() is ExitCode.SETTLEMENT_REFUSED
    world.withdrawals[world.sent[0].name]["outcome"] = "announced"
    world.taken.append(world.sent[0].name)
    world.request_trouble = ""
    for _ in range(2):
        done = world.settle()
        assert done.code is ExitCode.SETTLEMENT_REFUSED
        assert "it has left the balance" in done.text
    assert len(world.sent) == 1
    assert world.requests == []
    assert world.sent[0].asked.address == ADDRESS
    assert len([each for each in world.asked_daemon if each.get("outcome") == "stuck"]) == 1


def crowd(since_us: int, least: int) -> list[WithdrawalRequest]:
    """A thousand requests of somebody else on the same account, one a second from a moment on, newest first."""
    return [
        WithdrawalRequest(
            least + count, since_us + count * 10**6, "btc", D(1), RequestStatus.FINISHED, None, None, None
        )
        for count in reversed(range(1000))
    ]


@pytest.mark.parametrize("reaches_back", [False, True])
def test_a_list_that_does_not_reach_back_to_it_proves_nothing(reaches_back: bool) -> None:
    """The venue gives a thousand, newest first: where all of them are younger, it may be the next."""
    world = World(request_trouble="lost_before", daemon_trouble=lambda request: "no" if _absent(request) else None)
    assert world.code() is ExitCode.SETTLEMENT_OPEN
    world.daemon_trouble = lambda request: None
    world.policy = replace(world.policy, threshold=D(10_000))
    (request,) = world.replayed().requests.values()
    world.later(3600)
    world.requests = crowd(request.intended.utc_us + (-400 if reaches_back else 1) * 10**6, 9000)
    world.code()
    assert state(world) is (RequestState.ABSENT if reaches_back else RequestState.IN_DOUBT)
    if not reaches_back:
        (request,) = world.replayed().requests.values()
        assert "all of which are younger" in request.cause


def test_one_that_the_list_leaves_out_is_asked_for_by_its_id() -> None:
    """It was accepted; a list that tells nothing of it is no end of it."""
    world = World()
    assert world.code() is ExitCode.OK
    assert world.asked_for == []
    world.request_trouble = "late"
    world.later(60)
    assert world.code() is ExitCode.OK
    assert (world.asked_for, state(world)) == ([500], RequestState.ACCEPTED)
    world.end(RequestStatus.FINISHED)
    world.policy = replace(world.policy, threshold=D(10_000))
    assert world.code() is ExitCode.OK
    assert (world.asked_for, state(world)) == ([500, 500], RequestState.FINISHED)
