"""How a daemon's life ends, at a step or commit of its own."""

from __future__ import annotations

from tests.shell.harms import HARMS
from tests.shell.world import World

AT_A_STEP = ("stop", "stop twice", "kill", "power")
ENDINGS = ("goes on", "stop", "stop twice", "stop", "kill", "kill", "kill", "power", *HARMS)


def carry_out(world: World, end: str) -> None:
    """Now."""
    if end in ("stop", "stop twice"):
        world.stop()
    else:
        world.kill(power=end == "power")
