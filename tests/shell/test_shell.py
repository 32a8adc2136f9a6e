"""The shell simulation in the test run: seeds that once broke something, fresh ones, and every scene with a name."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.pool import Pool
from random import Random

import pytest

from tests.shell import await_points, scenes
from tests.shell.command import CORES_MAX, pool, shortened, told
from tests.shell.expected import NEEDED, missing
from tests.shell.story import Outcome
from tests.sim.command import revision

PLAYTIME_S = 180
"""Bound of the first test that asks for what the others have queued before it."""
FIXED = (16, 20, 33, 48, 64)
FRESH = 6
AT_POINTS = {"hedge, both legs take": 1, "hedge, a leg rests": 4, "conversion": 2, "recovery": 2, "rebase": 1}
"""At how many steps of each work, drawn anew each time; `--stride 1` takes all."""
TWICE = (1, 2, 3)
"""Seeds that are played in two processes."""


@pytest.fixture(scope="module")
def workers() -> Iterator[Pool]:
    """Processes of their own: what dies in them is never cleaned up."""
    with pool(CORES_MAX) as started:
        yield started


@pytest.mark.timeout(PLAYTIME_S)
def test_every_scene_keeps_its_promises(workers: Pool) -> None:
    """A full, read-only, failing, locked, torn or damaged journal, a second instance, a blocked loop, nobody reading,
    a venue that is away: each ends as it must, and the secret is nowhere.
    """
    found = workers.map(scenes.problems, scenes.SCENES, chunksize=1)
    assert {name: problems for name, problems in zip(scenes.SCENES, found, strict=True) if problems} == {}


@pytest.mark.timeout(PLAYTIME_S)
@pytest.mark.parametrize("end", await_points.ENDS)
def test_the_end_may_come_at_any_await_point(workers: Pool, end: str) -> None:
    """Stopped, stopped twice or killed at any step of a hedge, a conversion, a recovery or a rebase: it ends flat, or a
    next process does, and all is known.
    """
    drawn = Random(time.time_ns())
    points = [
        (name, end, drawn.randrange(await_points.WORKS[name].steps))
        for name, times in AT_POINTS.items()
        for _ in range(times)
    ]
    assert [problem for found in workers.starmap(await_points.at_step, points, chunksize=1) for problem in found] == []


@pytest.mark.timeout(PLAYTIME_S)
def test_seeds_keep_every_promise(workers: Pool) -> None:
    """Seeds that once broke something, and fresh ones, which are named when they break."""
    first = 1_000_000 + time.time_ns() % 1_000_000_000
    outcomes = workers.map(told, [*FIXED, *range(first, first + FRESH)], chunksize=1)
    assert {outcome.seed: outcome.problems for outcome in outcomes if outcome.problems} == {}, revision()


@pytest.mark.timeout(PLAYTIME_S)
def test_a_seed_is_the_same_in_any_process() -> None:
    """The same journal records and the same orders at the venue, field by field, in two processes."""
    with pool(1) as one, pool(1) as other:
        first, second = one.map_async(told, TWICE), other.map_async(told, TWICE)
        digests = [[outcome.digest for outcome in each.get()] for each in (first, second)]
    assert all(digests[0])
    assert digests[0] == digests[1]


def test_what_never_happened_is_named() -> None:
    """A run that has met nothing lacks every fault, end, harm and scene; one that has met them all lacks nothing."""
    assert missing({}) == list(NEEDED)
    assert missing(dict.fromkeys(NEEDED, 1)) == []
    assert len(set(NEEDED)) == len(NEEDED)


@pytest.mark.timeout(PLAYTIME_S)
def test_a_seed_is_cut_to_what_its_failure_needs(workers: Pool) -> None:
    """Nothing befalls a seed of which no item is named; of one that fails by two of its items the two are left."""
    bare = workers.apply(told, (TWICE[0], frozenset()))
    assert (bare.items, bare.problems) == ((), ())
    whole = replace(bare, items=("trouble 1", "end stop 2", "trouble 3"), problems=("L1: left",))

    def play(seed: int, only: frozenset[str]) -> Outcome:
        assert seed == whole.seed
        return whole if {"trouble 1", "trouble 3"} <= only else bare

    assert shortened(whole, play) == ["trouble 1", "trouble 3"]
