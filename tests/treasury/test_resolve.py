"""A person's word ends what does not end by itself: with a reason, journaled, and only as far as it can be true."""

from __future__ import annotations

from dataclasses import replace

import pytest

from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.funding import RequestStatus
from arbbot.treasury.journal import decode, encode
from arbbot.treasury.records import PersonResolved, RequestState
from arbbot.treasury.resolve import Resolution
from tests.treasury.test_older_copy import lived
from tests.treasury.test_settler import refusal
from tests.treasury.world import D, Died, World

REFUSED = ExitCode.SETTLEMENT_REFUSED


def said(name: str, what: str | int) -> Resolution:
    """Ann's word."""
    return Resolution(name, what, "ann", "told by the venue's support")


def doubtful() -> tuple[World, str]:
    """A request that the venue lists otherwise than we believe."""
    world = World(profit=D(3_000), request_trouble="lost_after")
    world.shows = lambda each: replace(each, size=each.size - 5)
    assert world.code() is ExitCode.SETTLEMENT_OPEN
    world.request_trouble = ""
    return world, world.sent[0].name


@pytest.mark.parametrize(
    ("what", "state", "word"),
    [
        ("absent", RequestState.ABSENT, "refused"),
        ("finished", RequestState.FINISHED, "finished"),
        ("returned", RequestState.RETURNED, "returned"),
        (500, RequestState.ACCEPTED, "accepted"),
    ],
)
def test_a_doubt_ends_by_a_word_and_nothing_is_sent_by_it(what: str | int, state: RequestState, word: str) -> None:
    """The daemon is told first, the journal keeps who and why, and the next settlement goes on from there."""
    world, name = doubtful()
    world.later(3600)
    done = world.settle(said(name, what))
    assert done.code is ExitCode.OK, done.text
    assert len(world.sent) == 1
    assert world.replayed().requests[name].state is state
    assert world.withdrawals[name]["outcome"] == word
    record = world.journal[-1]
    assert isinstance(record, PersonResolved)
    assert (record.who, record.reason) == ("ann", "told by the venue's support")
    assert decode(record.kind, encode(record)) == record
    if what == 500:
        world.end(RequestStatus.FINISHED)
    assert world.code() is ExitCode.OK
    assert len(world.sent) == 2
    assert world.replayed().requests[name].state.ended


def test_nobody_can_know_before_the_venue_s_bound() -> None:
    """As long as it may be accepted, absent is refused."""
    world = World(die_after=7)
    with pytest.raises(Died):
        world.settle()
    world.die_after = None
    (request,) = world.replayed().requests.values()
    assert world.code(said(request.intended.name, "absent")) is REFUSED
    assert "too early" in refusal(world).text
    world.later(160)
    assert world.code(said(request.intended.name, "absent")) is ExitCode.OK


def test_what_the_daemon_has_seen_leave_is_not_absent_by_a_word_either() -> None:
    """Its books are the stricter witness."""
    world, name = doubtful()
    world.sees = True
    world.later(3600)
    assert world.code(said(name, "absent")) is REFUSED
    assert refusal(world).cause == "denied"
    assert world.replayed().requests[name].state is RequestState.IN_DOUBT
    assert world.code(said(name, "finished")) is ExitCode.OK


def test_without_the_daemon_no_word_is_taken() -> None:
    """It must hear of it first."""
    world, name = doubtful()
    world.daemon_up = False
    assert world.code(said(name, "finished")) is ExitCode.DAEMON
    assert world.replayed().requests[name].state is RequestState.IN_DOUBT


def test_what_has_ended_or_never_was_takes_no_word() -> None:
    """One line each, and nothing changes."""
    world = World()
    assert world.code() is ExitCode.OK
    name, order = world.sent[0].name, world.placed[0].terms.client_order_id
    world.end(RequestStatus.FINISHED)
    world.policy = replace(world.policy, threshold=D(10_000))
    assert world.code() is ExitCode.OK
    for wrong in (said(name, "absent"), said(order, "finished"), said("tk-w99999", "finished")):
        assert world.code(wrong) is REFUSED
        assert refusal(world).cause == "resolved"
    assert world.replayed().requests[name].state is RequestState.FINISHED


def test_one_that_was_reversed_after_it_had_finished_is_told_by_a_person() -> None:
    """Its row is no other than a deposit of as much would be: nobody else can know."""
    world = World()
    assert world.code() is ExitCode.OK
    name = world.sent[0].name
    world.end(RequestStatus.FINISHED)
    assert world.code() is ExitCode.OK
    assert world.code(said(name, "returned")) is ExitCode.OK
    assert world.replayed().requests[name].state is RequestState.RETURNED
    assert world.withdrawals[name]["outcome"] == "returned"
    assert world.code(said(name, "finished")) is REFUSED


@pytest.mark.parametrize(("what", "filled"), [("absent", D(0)), ("finished", None), (77, None)])
def test_a_conversion_that_is_not_found_ends_by_a_word(what: str | int, filled: D | None) -> None:
    """None of it, all of it, or followed by the venue's id."""
    world = World(order_trouble="lost_after")
    world.die_after = 3
    with pytest.raises(Died):
        world.settle()
    world.die_after = None
    (order,) = world.replayed().conversions.values()
    world.orders.setdefault(order.intended.name, {"filled": None, "paid": "0", "complete": False, "venue_id": None})
    world.later(3600)
    assert world.code(said(order.intended.name, what)) is ExitCode.OK
    (order,) = world.replayed().conversions.values()
    if isinstance(what, int):
        assert (order.venue_id, order.over) == (77, False)
    else:
        assert order.over
        assert order.filled == (order.intended.size if filled is None else filled)
        assert D(world.orders[order.intended.name]["filled"]) == order.filled


@pytest.mark.parametrize(("again", "filled"), [(77, D(100)), ("absent", D(0))])
def test_a_wrong_word_is_said_anew_while_the_daemon_waits_for_rows(again: str | int, filled: D) -> None:
    """Called wholly filled, it was not: its rows never come, and the daemon trades no more until the word is mended."""
    world = World(order_trouble="never_ends")
    assert world.code() is ExitCode.SETTLEMENT_OPEN
    name = world.placed[0].terms.client_order_id
    world.fills[name] = D(100)
    world.later(3600)
    assert world.code(said(name, "finished")) is ExitCode.OK
    assert world.code(said(name, again)) is REFUSED
    world.orders[name]["complete"] = False
    assert world.code(said(name, again)) is ExitCode.OK
    world.order_trouble = ""
    world.code()
    order = world.replayed().conversions[name]
    assert order.over
    assert order.filled == filled
    assert D(world.orders[name]["filled"]) == filled


def test_a_lost_journal_is_made_whole_by_words() -> None:
    """Each name that only the daemon knows of is told; what has left counts against the day; no name comes twice."""
    world, _ = lived()
    world.journal.clear()
    assert world.code() is REFUSED
    for name in [*world.orders, *world.withdrawals]:
        assert refusal(world).cause == "journal_behind"
        world.withdrawals.get(name, {})["total"] = "400"
        assert world.code(said(name, "finished")) is ExitCode.OK
        world.code()
    assert refusal(world).cause == "day_cap"
    assert len(world.sent) == 2
    world.later(86_400)
    assert world.code() is ExitCode.OK
    assert len({each.name for each in world.sent}) == 3


def test_what_only_the_daemon_knows_takes_its_end_and_no_number() -> None:
    """Nothing here could follow it: it is told when it has ended, and until then nothing begins."""
    world = World()
    assert world.code() is ExitCode.OK
    world.journal.clear()
    world.later(60)
    (order,), (name,) = world.orders, world.withdrawals
    world.withdrawals[name].update(total="299.82", venue_id=500)
    assert world.code(said(order, "finished")) is ExitCode.OK
    assert world.code(said(name, 500)) is REFUSED
    assert "once it has" in refusal(world).text
    assert world.code() is REFUSED
    assert refusal(world).cause == "journal_behind"
    world.end(RequestStatus.FAILED)
    assert world.code(said(name, "returned")) is ExitCode.OK
    world.profit = D(0)
    assert world.code() is ExitCode.OK
    assert world.withdrawals[name]["outcome"] == "returned"


def test_the_line_of_one_that_a_person_told_of_is_nobody_else_s() -> None:
    """The next request of its size, whose reply is lost, is not taken for it: the daemon knew its id."""
    world = World(request_trouble="lost_before")
    kept = World()
    assert kept.code() is ExitCode.OK
    (order,), (name,), (listed,) = kept.orders, kept.withdrawals, kept.requests
    world.orders, world.withdrawals = kept.orders, kept.withdrawals
    world.withdrawals[name].update(total="299.82", venue_id=listed.request_id)
    world.later(60)
    assert world.code(said(order, "finished")) is ExitCode.OK
    assert world.code(said(name, "finished")) is ExitCode.OK
    world.requests.append(replace(listed, status=RequestStatus.FINISHED, utc_us=world.at.utc_us + 10**6))
    world.code()
    request = world.replayed().requests[world.sent[0].name]
    assert request.intended.size == listed.size
    assert request.state is RequestState.ABSENT
