"""How a daemon's life ends, at a step or commit of its own."""

from __future__ import annotations

from tests.shell.harms import HARMS
from tests.shell.world import World

AT_A_STEP = ("stop", "stop twice", "kill", "power")
ENDINGS = ("goes on", "stop", "stop twice", "stop", "kill", "kill", "kill", "power", *HARMS)


def carry_out(world: World, end: str) -> bool:
    """Now; whether it met a daemon that was not over yet. Of two stops the second is the one that makes them two."""
    reached = world.stop() if end in ("stop", "stop twice") else world.kill(power=end == "power")
    world.struck[f"end {end}"] += reached
    return reached
