"""SIGKILL at named points of a hedge's life; the next process on the same journal finds everything again."""

from __future__ import annotations

import asyncio
import signal
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.child import Harm
from tests.e2e.playbill import PLAYTIME_S, Played
from tests.e2e.stage import CALM, EUR, FAST, QUICK, Sections, Stage, staged

KILLED = -signal.SIGKILL
RESTS = {"trade": {"limit_reference": "sell_ask"}}

BY_HAND = {
    "before the answer, order taken": ("delay_after:buy:1,delay_s=2", "buy"),
    "on the wire, order taken after the death": ("delay_before:buy:1,delay_s=1", None),
    "sell on the wire, taken after the death": ("delay_before:sell:1,delay_s=1", None),
    "both legs filled, both answers outstanding": ("delay_after:*ll*:1,delay_s=2", "sell"),
}
"""A fault that holds the process at a point, and the side whose order must be at the venue before it dies."""

AT_RECORDS = (
    "order_intended", "order_moved", "fill_booked", "row_booked", "hedge_closed", "hedge_settled", "statement_agreed",
)  # fmt: skip
AFTER_COMMITS = tuple(range(1, 16))
IN_AN_EXIT = {"cancel_intended": QUICK, "cancel_answered": QUICK, "exit_planned": FAST}
"""The last leaves an order that never went out, which only the venue's bound can prove."""


async def recovers(stage: Stage, killed: int) -> None:
    """A second process recovers and closes what was open; a third trades again, under new ids. Both leave with 0."""
    assert killed == KILLED
    before, opened = len(stage.journal.read()), len(stage.journal.all("hedge_opened"))
    await stage.show(EUR, CALM[EUR])
    await stage.start()
    await stage.until(lambda: len(stage.journal.read()) > before, "a word of the second process")
    assert stage.journal.read()[before]["kind"] == "started"
    await stage.until(lambda: len(stage.journal.all("hedge_closed")) == opened, "the open hedge to be closed")
    await stage.quiet(opened)
    assert await stage.stop() == 0
    await stage.start()
    await stage.armed()
    await stage.rich()
    await stage.until(lambda: len(stage.journal.all("hedge_closed")) == opened + 1, "another hedge")
    await stage.quiet(opened + 1)
    assert await stage.stop() == 0
    await stage.verdict()


async def at_a_commit(directory: Path, harm: Harm) -> str:
    """Killed right after a commit of the first hedge."""
    async with staged(directory, FAST) as stage:
        await stage.start(harm)
        await stage.rich()
        await recovers(stage, await stage.gone())
        return stage.ended()


async def in_an_exit(directory: Path, harm: Harm, sections: Sections) -> str:
    """Killed while a resting leg is taken back or the exit goes out."""
    async with staged(directory, sections, over=RESTS) as stage:
        await stage.start(harm)
        await stage.rich()
        await recovers(stage, await stage.gone())
        return stage.ended()


async def by_hand(directory: Path, fault: str, at_venue: str | None) -> str:
    """Killed while the venue holds an answer back."""
    async with staged(directory, FAST) as stage:
        await stage.start()
        await stage.armed()
        await stage.fault(fault)
        await stage.rich()
        await stage.until(lambda: stage.journal.all("order_intended"), "the legs")
        if at_venue is not None:
            await stage.until(partial(stage.orders, side=at_venue), "the order at the venue")
        await asyncio.sleep(0.1)
        stage.signal(signal.SIGKILL)
        await recovers(stage, await stage.gone())
        return stage.ended()


async def again_and_again(directory: Path) -> str:
    """Killed over and over on one journal: no id is used twice and the ledger stays equal."""
    async with staged(directory, FAST) as stage:
        for commits in (1, 2, 5, 6, 4, 3):
            await stage.start(Harm(kill_after_commits=commits))
            await stage.rich()
            assert await stage.gone() == KILLED
        await stage.show(EUR, CALM[EUR])
        await stage.start()
        await stage.quiet(len(stage.journal.all("hedge_opened")))
        assert await stage.stop() == 0
        await stage.verdict()
        return stage.ended()


SCENES = {
    **{
        f"killed after commit {count}": partial(at_a_commit, harm=Harm(kill_after_commits=count))
        for count in AFTER_COMMITS
    },
    **{f"killed after the first {kind}": partial(at_a_commit, harm=Harm(kill_at=kind)) for kind in AT_RECORDS},
    **{
        f"killed in an exit, after {kind}": partial(in_an_exit, harm=Harm(kill_at=kind), sections=sections)
        for kind, sections in IN_AN_EXIT.items()
    },
    **{f"killed {name}": partial(by_hand, fault=fault, at_venue=side) for name, (fault, side) in BY_HAND.items()},
    "killed six times on one journal": again_and_again,
}


@pytest.mark.timeout(PLAYTIME_S)
@pytest.mark.parametrize("scene", SCENES)
def test_a_killed_daemon_recovers(played: Played, scene: str) -> None:
    """Restarted on its journal it ends flat, the ledger equal to the venue, every fill booked once, no id reused."""
    played.outcome(scene)
