"""A stop, two or a kill at each step of what a daemon does: a hedge, a conversion, a recovery, a rebase."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from arbbot.domain.records import DurableRecord
from tests.e2e.stage import Sections, merged
from tests.shell import endings, verdict
from tests.shell.scenes import RESTS, SHORT, Scene, dies_at, hedging, judged, to_the_end
from tests.shell.world import Run, World

ENDS = ("stop", "stop twice", "kill")
AGAIN = 3
"""Steps from the first of two signals to the second."""
Ends = Callable[[Run], None]


@dataclass(frozen=True, slots=True)
class Work:
    """What the daemon is doing when its end comes."""

    play: Callable[[World, Ends], Coroutine[Any, Any, None]]
    """Brings it about, and calls back with the process from whose present step on the steps are counted."""
    sections: Sections
    steps: int
    """After about so many nothing of it is left."""


def _when(run: Run, kind: str, ends: Ends) -> None:
    """Count from the commit of the first record of this kind."""

    def after(_run: Run, records: Sequence[DurableRecord]) -> None:
        if any(record.kind == kind for record in records):
            run.after_commit = None
            ends(run)

    run.after_commit = after


async def _trades(world: World, ends: Ends, kind: str) -> None:
    _when(world.start(), kind, ends)
    await hedging(world, lambda: False, 20.0)


async def _recovers(world: World, ends: Ends) -> None:
    """It starts on what was killed with one leg filled."""
    world.start()
    world.run.after_commit = partial(dies_at, world, "fill_booked")
    await hedging(world, lambda: False)
    ends(world.start())
    world.calm()
    await asyncio.sleep(20.0)


async def _rebases(world: World, ends: Ends) -> None:
    """Somebody asks for a new opening after a hedge."""
    run = world.start()
    await hedging(world, lambda: world.records.all("hedge_settled"))
    world.calm()
    _when(run, "rebase_asked", ends)
    asked = asyncio.create_task(world.ask("rebase"))
    await asyncio.sleep(20.0)
    asked.cancel()  # whoever was killed does not answer
    await asyncio.wait([asked])


WORKS = {
    "hedge, both legs take": Work(partial(_trades, kind="hedge_opened"), SHORT, 230),
    "hedge, a leg rests": Work(partial(_trades, kind="hedge_opened"), RESTS, 230),
    "conversion": Work(
        partial(_trades, kind="conversion_opened"), merged(SHORT, {"trade": {"fx_policy": "each"}}), 250
    ),
    "recovery": Work(_recovers, SHORT, 400),
    "rebase": Work(_rebases, SHORT, 1000),
}


async def _ends_at(world: World, work: Work, end: str, step: int) -> None:
    def ends(run: Run) -> None:
        for again in (0, AGAIN) if end == "stop twice" else (0,):
            run.life.at_steps[run.life.steps + 1 + step + again] = partial(endings.carry_out, world, end)

    await work.play(world, ends)
    if not world.run.over:
        await world.ended(world.run, verdict.STOPS_S)
    await to_the_end(world)


def at_step(name: str, end: str, step: int) -> list[str]:
    """This end so many steps into a work; everything that was broken."""
    work = WORKS[name]
    found = judged(Scene(partial(_ends_at, work=work, end=end, step=step), work.sections))
    return [f"{name}, {end} at step {step}: {problem}" for problem in found]
