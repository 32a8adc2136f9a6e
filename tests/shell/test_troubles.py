"""Troubles judged: what does nothing is missing from the counts, and each kind goes by its own name."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing.pool import Pool
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from tests.shell import endings, expected, troubles
from tests.shell.command import pool
from tests.shell.scenes import SHORT, hedging, to_the_end
from tests.shell.world import World, played

COUNTED_BY_THE_EXCHANGE = {"rest_fault", "order_fault", "cancel_fault", "row_fault", "frame_fault", "auth_fault"}
NEEDS_MORE = {"crowd", "half_a_reply", "strange_bytes", "slow_commit"}
"""An order that rests, bytes to spoil, a commit: these strike when it comes."""


@pytest.fixture(scope="module")
def workers() -> Iterator[Pool]:
    """A process of its own: what dies in it is never cleaned up."""
    with pool(1) as started:
        yield started


def _before_anybody() -> dict[str, int]:
    """All troubles, before any daemon has a connection."""

    async def play(world: World) -> None:
        world.start()
        for trouble in troubles.TROUBLES:
            if trouble.__name__ not in COUNTED_BY_THE_EXCHANGE:
                for number in range(8):
                    kind = trouble(world, Random(number))
                    if kind is not None:
                        troubles.count(world, trouble, kind)
        world.kill()
        await to_the_end(world)

    with TemporaryDirectory(prefix="troubles-") as name:
        return dict(played(1, Path(name), SHORT, play).struck)


def _ended(end: str) -> dict[str, int]:
    """An end twice, the second time to a daemon that is over."""

    async def play(world: World) -> None:
        world.start()
        await hedging(world, lambda: False, 3.0)
        for _ in range(2):
            endings.carry_out(world, end)
            await world.ended(world.run, 60.0)
        await to_the_end(world)

    with TemporaryDirectory(prefix="troubles-") as name:
        return dict(played(1, Path(name), SHORT, play).struck)


def test_what_strikes_nothing_does_not_count(workers: Pool) -> None:
    """Without a connection nothing is cut, silent or spoilt, no stream ends, and no order that rests is met."""
    struck = workers.apply(_before_anybody)
    none = {"cut", "silence", "trickle", "whole_stream", "subscription_fault", *NEEDS_MORE}
    assert none.isdisjoint(struck)
    assert {"closed_door", "changed_terms", "freeze", "suspend", "wall_clock", "slow_road"} <= struck.keys()
    assert struck["deaf_audience"] == 1


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_what_is_over_is_not_ended_again(workers: Pool, end: str) -> None:
    """An end counts for a daemon that was still there."""
    assert workers.apply(_ended, (end,))[f"end {end}"] == 1


def test_each_kind_of_trouble_is_demanded_by_name() -> None:
    """The lists have the ways in which a stream may end, terms change, and times freeze."""
    for name in (
        "whole_stream only heartbeats", "changed_terms halt", "cut by RST", "freeze 120 s", "suspend 600 s",
        "wall_clock -3600 s", "strange_bytes early_end",
    ):  # fmt: skip
        assert name in expected.NEEDED
