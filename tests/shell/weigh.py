"""What one daemon holds: its memory, tasks, connections, and the length of every container that it can reach.

Nothing of it is listed by hand: from the variables of the running program on, every attribute of the project's own
objects is followed, so a container that nobody thought of is weighed too.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from types import CoroutineType, FrameType
from typing import Any, cast

from arbbot.runtime.daemon import Daemon
from tests.shell.world import Run, World

ROOTS = ("daemon", "memory", "source", "feeds", "telemetry", "control")
"""Variables of the program that are walked first, so that what they hold always has the same name."""
ATOMS = (str, bytes, bytearray, int)
PLAYED = ("arbbot.exchange", "arbbot.settings")
"""What is not the daemon's, or never changes."""


def resident_mb() -> float:
    """Of this process, the played venue and network in it. Linux only."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def called(thing: object) -> str:
    """What kind of thing it is, and of a frame whose."""
    kind = type(thing)  # never asked of the thing itself: it may be a proxy of something dead
    if kind is FrameType:
        frame = cast(FrameType, thing)
        return f"frame of {frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}"
    return f"{kind.__module__}.{kind.__qualname__}"


def variables(task: asyncio.Task[Any]) -> dict[str, Any]:
    """Local variables of a task's functions, from its first down to where it waits; of one name the first counts."""
    found: dict[str, Any] = {}
    waiting: Any = task.get_coro()
    while isinstance(waiting, CoroutineType):
        if waiting.cr_frame is not None:
            found = {**waiting.cr_frame.f_locals, **found}
        waiting = waiting.cr_await
    return found


def daemon_of(run: Run) -> Daemon:
    """The daemon in the middle of the program."""
    daemon: Daemon = variables(run.task)["daemon"]
    return daemon


def lengths(roots: Mapping[str, Any]) -> Counter[str]:
    """Items by where they are kept, as `daemon.engine.core.state.hedges`; those of all containers that lie in one
    container are added up. What is reached from two roots counts with the first.
    """
    found: Counter[str] = Counter()
    seen: set[int] = set()
    for root, whole in roots.items():
        line = deque([(root, whole)])
        while line:
            path, thing = line.popleft()
            if isinstance(thing, ATOMS) or thing is None or id(thing) in seen:
                continue
            seen.add(id(thing))
            items = _items(thing)
            if items is None:
                line.extend((f"{path}.{name}", value) for name, value in _attributes(thing))
                continue
            if not isinstance(thing, tuple):
                found[path] += len(thing)
            line.extend((f"{path}[]", item) for item in items)
    return found


def _items(thing: Any) -> Iterator[Any] | None:
    """What a container holds, of a mapping the values; None for what is none."""
    if isinstance(thing, Mapping):
        return iter(thing.values())
    if isinstance(thing, Sequence | AbstractSet | deque):
        return iter(thing)
    return None


def _attributes(thing: Any) -> Iterator[tuple[str, Any]]:
    """Those of an object of the project, by name; of a method's owner too."""
    kind = type(thing)
    if not kind.__module__.startswith("arbbot.") or kind.__module__.startswith(PLAYED):
        return
    yield from getattr(thing, "__dict__", {}).items()
    for base in kind.__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(thing, name):
                yield name, getattr(thing, name)


def held(world: World) -> Counter[str]:
    """Everything that is counted of the present daemon, memory apart."""
    life = world.run.life
    running = life.unfinished()
    own = variables(world.run.task)
    roots = {**{name: own[name] for name in ROOTS}, **own}
    for task in life.tasks:
        named = getattr(task.get_coro(), "__qualname__", "")
        roots.update((f"{named}.{name}", value) for name, value in variables(task).items())
    found = lengths(roots)
    ends = [end for end in world.loop.network.ends if end.life is life]
    found["tasks"], found["connections"] = len(running), len(ends)
    found["bytes not taken"] = sum(end.peer.get_write_buffer_size() + end.get_write_buffer_size() for end in ends)
    return found
