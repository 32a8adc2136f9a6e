from __future__ import annotations

import asyncio
from pathlib import Path

from arbbot.exchange.options import DEMO_SECRET
from tests.e2e.judge import Case, problems
from tests.e2e.stage import EUR, QUICK, RICH_EUR
from tests.shell.loop import Life, VirtualLoop, within
from tests.shell.net import Network
from tests.shell.wire import HIGH_WATER, Wire
from tests.shell.world import World, played

MINUTES = 5


async def _quiet_day(world: World) -> None:
    world.start()
    for beat in range(MINUTES * 12):
        await asyncio.sleep(5.0)
        world.calm()
        if beat > 1:
            world.show(EUR, RICH_EUR)
    told = await world.ask("health")
    assert told["result"]["healthy"]
    world.stop()
    assert await world.ended(world.run, 60.0)


def test_a_life_without_faults_passes_in_virtual_time(tmp_path: Path) -> None:
    """The real daemon trades with the real exchange over sockets in memory, minutes in a moment, and ends flat."""
    world = played(1, tmp_path, QUICK, _quiet_day)
    assert world.loop.time() > MINUTES * 60
    assert world.run.code == 0
    assert world.records.all("hedge_closed")
    written = tuple(path for path in tmp_path.rglob("*") if path.is_file())
    assert problems(Case(world.records, world.account(), world.run.code, written, DEMO_SECRET)) == []
    assert (world.surprises, world.run.life.unfinished(), list(world.loop.network.ends)) == ([], [], [])


def test_a_timer_that_is_cancelled_as_a_frozen_process_wakes_does_not_run() -> None:
    """Those that came due meanwhile run in their order, and each may still take a later one back, as in a real loop."""
    loop = VirtualLoop(Network())
    life = Life("daemon", loop)
    ran: list[str] = []

    async def work() -> None:
        life.freeze(5.0)
        later = loop.call_at(2.0, ran.append, "taken back", context=within(life))
        loop.call_at(1.0, later.cancel, context=within(life))
        loop.call_at(3.0, ran.append, "not taken back", context=within(life))
        await asyncio.sleep(4.0)
        assert ran == []
        await asyncio.sleep(2.0)

    loop.run_until_complete(work())
    loop.close()
    assert ran == ["not taken back"]


class _Held(asyncio.Protocol):
    """Writes down when it is held back and let go."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pause_writing(self) -> None:
        self.told.append("held")

    def resume_writing(self) -> None:
        self.told.append("let go")


def test_who_writes_too_much_is_held_back_once_until_he_is_let_go() -> None:
    """Also where he fills the connection anew in the moment in which the other end has emptied it."""
    loop = VirtualLoop(Network())
    near, far = Wire(loop.network, None, 0, (0, 0)), Wire(loop.network, None, 0, (0, 0))
    near.peer, far.peer = far, near
    writer = _Held()

    async def work() -> None:
        near.begin(writer)
        far.begin(asyncio.Protocol())
        near.write(bytes(HIGH_WATER + 1))
        near.taken(HIGH_WATER + 1)
        near.write(bytes(HIGH_WATER + 1))
        await asyncio.sleep(0)
        assert writer.told == ["held"]
        near.taken(HIGH_WATER + 1)
        await asyncio.sleep(0)
        near.abort()

    loop.run_until_complete(work())
    loop.close()
    assert writer.told == ["held", "let go"]
