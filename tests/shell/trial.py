"""What a daemon in good health gets over by itself, in the middle of a life: its stream is cut, falls silent, or is to
be replaced.
"""

from __future__ import annotations

import asyncio

from tests.shell.wire import Wire
from tests.shell.world import World

KINDS = ("cut", "silent", "replaced")
SETTLED_S = 65.0
"""So long a stream must have carried frames for the failures before it to count no more."""
NOTICED_S = 45.0
"""L4: within this a daemon has noticed, and has another stream."""


def _streams(world: World) -> list[Wire]:
    """Those that the present daemon holds open."""
    return [end for end in world.loop.network.of(world.stream_port) if end.life is world.run.life]


async def stream(world: World, kind: str) -> None:
    """L4: there is another stream soon after. L7: and only one. The market must stand still meanwhile: then nothing
    but the stream itself can tell that it is silent.
    """
    await asyncio.sleep(SETTLED_S)
    run, before = world.run, _streams(world)
    if run.over:
        return
    if len(before) != 1:
        world.surprises.append(f"L7: a quiet daemon has {len(before)} streams")
        return
    world.note(f"its stream is {kind}")
    world.struck[f"stream {kind}"] += 1
    match kind:
        case "cut":
            before[0].cut(reset=world.random.random() < 0.5)
        case "silent":
            before[0].stalled_until_s = world.loop.time() + 1e6
        case _:
            world.pull("request_reconnect")
    await asyncio.sleep(NOTICED_S)
    after = _streams(world)
    if run.over:
        world.surprises.append(f"L4: {run.life.name} is over because its stream was {kind}: {run.said()[-300:]}")
    elif not after or before == after:
        world.surprises.append(f"L4: {NOTICED_S} s after its stream was {kind}, {run.life.name} has no other")
    elif len(after) > 1:
        world.surprises.append(f"L7: its stream was {kind}, now {run.life.name} has {len(after)}")
