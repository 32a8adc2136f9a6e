"""Plays many scenes at once in one loop, and keeps how each ended for the test that asks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Scene = Callable[[Path], Awaitable[str]]
"""Plays in a directory of its own and says how it ended; raises where a promise was broken."""

PLAYTIME_S = 300
"""Bound of the first test that asks, which waits for all scenes; they take a fraction of it."""
AT_ONCE = 20
"""Scenes on stage at a time: they mostly wait, and two cores carry this many, and other tests, without delaying each
other. More would not end sooner: the exchanges share one loop.
"""


@dataclass(frozen=True, slots=True)
class Played:
    """How every scene ended."""

    endings: dict[str, str]
    failures: dict[str, BaseException]

    def outcome(self, name: str) -> str:
        """How a scene ended. Raises what it raised."""
        if name in self.failures:
            raise self.failures[name]
        return self.endings[name]

    def table(self) -> str:
        """All endings, for people."""
        width = max(map(len, [*self.endings, *self.failures]))
        rows = {**self.endings, **{name: f"FAILED: {error!r}"[:300] for name, error in self.failures.items()}}
        return "\n".join(f"{name:{width}}  {ending}" for name, ending in rows.items())


def play_all(root: Path, scenes: Mapping[str, Scene]) -> Played:
    """Play the scenes, several at a time."""
    return asyncio.run(_play_all(root, scenes))


async def _play_all(root: Path, scenes: Mapping[str, Scene]) -> Played:
    room = asyncio.Semaphore(AT_ONCE)

    async def play(scene: Scene, directory: Path) -> str:
        async with room:
            return await scene(directory)

    results = await asyncio.gather(
        *(play(scene, root / f"s{number}") for number, scene in enumerate(scenes.values())), return_exceptions=True
    )
    endings = {name: result for name, result in zip(scenes, results, strict=True) if isinstance(result, str)}
    failures = {name: result for name, result in zip(scenes, results, strict=True) if not isinstance(result, str)}
    return Played(endings, failures)
