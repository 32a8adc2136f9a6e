"""Whatever is lost, and wherever the process dies: nothing is sent twice, no cap is exceeded, principal stays."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arbbot.domain.funding import RequestStatus
from arbbot.treasury.records import ConversionIntended, RequestIntended, RequestState
from tests.treasury.world import POLICY, D, Died, World

ORDER_TROUBLES = ("", "lost_before", "lost_after", "refused", "partial")
REQUEST_TROUBLES = ("", "lost_before", "lost_after", "refused", "late", "dies_before", "dies_after")


def hold(world: World) -> None:
    """What must be true of a world at any time."""
    names = [each.terms.client_order_id for each in world.placed] + [each.name for each in world.sent]
    assert len(set(names)) == len(names), "sent twice"
    intended = {each.name: each for each in world.journal if isinstance(each, ConversionIntended | RequestIntended)}
    for placed in world.placed:
        told = intended[placed.terms.client_order_id]
        assert isinstance(told, ConversionIntended)
        assert (told.size, told.limit_price) == (placed.terms.size, placed.terms.price)
    for sent in world.sent:
        request = intended[sent.name]
        assert isinstance(request, RequestIntended)
        assert (request.size, request.address) == (sent.asked.size, sent.asked.address)
        assert sent.asked.address in {each.address for each in world.policy.allowed}
        assert request.size + request.fee <= world.policy.max_request
    days: dict[int, Decimal] = {}
    for row in world.requests:
        day = row.utc_us // 86_400_000_000
        days[day] = days.get(day, D(0)) + row.size + 5
    assert all(total <= world.policy.max_per_day for total in days.values())
    assert world.spent <= world.profit
    assert world.withdrawn <= world.bought


def lives(world: World, runs: int) -> None:
    """Run again and again, as a timer does; the venue ends what it took meanwhile."""
    for _ in range(runs):
        with contextlib.suppress(Died):
            world.settle()
        hold(world)
        world.later(400)
        if world.requests and world.requests[0].status is RequestStatus.IN_PROCESS:
            world.end(RequestStatus.FINISHED)


@pytest.mark.parametrize("order", ORDER_TROUBLES)
@pytest.mark.parametrize("request_", REQUEST_TROUBLES)
def test_a_death_after_any_record_sends_nothing_twice(order: str, request_: str) -> None:
    """For every record of a settlement and every trouble: the next processes find out, and go on."""
    whole = World(order_trouble=order, request_trouble=request_)
    with contextlib.suppress(Died):
        whole.settle()
    for record in range(1, len(whole.journal) + 1):
        world = World(order_trouble=order, request_trouble=request_, die_after=record)
        lives(world, 4)
        state = world.replayed()
        assert state.open_conversion() is None
        assert {each.state for each in state.open_requests()} <= {RequestState.ACCEPTED}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(ORDER_TROUBLES), st.sampled_from(REQUEST_TROUBLES), st.integers(0, 12),
            st.sampled_from((RequestStatus.FINISHED, RequestStatus.FAILED, RequestStatus.IN_PROCESS)),
            st.integers(0, 900), st.booleans(),
        ),
        min_size=1, max_size=8,
    )
)  # fmt: skip
def test_any_series_of_settlements_holds_every_bound(
    series: list[tuple[str, str, int, RequestStatus, int, bool]],
) -> None:
    """Troubles, deaths, profits, failures at the venue and an absent daemon, in any order."""
    world = World(policy=replace(POLICY, max_per_day=D(600)))
    for order, request, die_in, end, profit, daemon in series:
        world.order_trouble, world.request_trouble, world.daemon_up = order, request, daemon
        world.profit += profit
        world.die_after = len(world.journal) + die_in if die_in else None
        with contextlib.suppress(Died):
            world.settle()
        hold(world)
        if world.requests and world.requests[0].status is RequestStatus.IN_PROCESS:
            world.end(end)
        world.later(200)
    world.die_after, world.daemon_up, world.order_trouble, world.request_trouble = None, True, "", ""
    lives(world, 3)
    assert world.replayed().open_conversion() is None
    assert {each.state for each in world.replayed().open_requests()} <= {RequestState.ACCEPTED}
