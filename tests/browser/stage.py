"""The page on a stage: its real server, and behind it a daemon in whichever state is asked for.

`python -m tests.browser.stage [SCENE]` serves one to look at until Ctrl-C; time in it goes on as in the world.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from pydantic import SecretStr

from arbbot.dashboard import Dashboard, Place
from arbbot.dashboard.counts import Refused
from arbbot.dashboard.stream import EVERY_S, Stream
from arbbot.domain.money import use_exact_context
from tests.browser.played_daemon import PlayedDaemon
from tests.browser.scenes import SCENES, Scene

TOKEN = "stage-token-" + "x" * 32
R = TypeVar("R")


class Actor:
    """The daemon that is on at present. See `dashboard.Source`."""

    def __init__(self) -> None:
        self.daemon: PlayedDaemon | None = None
        self.since_s = 0.0
        self.ahead_s = 0.0
        """How much more has passed on the daemon's wall clock than in the world."""

    @property
    def on(self) -> PlayedDaemon:
        assert self.daemon is not None
        return self.daemon

    def about(self) -> dict[str, Any]:
        return self.on.source.about()

    def snapshot(self) -> dict[str, Any]:
        self.on.live(self.on.pace_s)
        if self.on.pace_s:
            self.on.sample()
        told = self.on.source.snapshot()
        passed_s = time.monotonic() - self.since_s + self.ahead_s
        return {**told, "utc_us": told["utc_us"] + int(passed_s * 1_000_000)}

    def series(self) -> dict[str, Any]:
        return self.on.source.series()

    def hedges(self) -> dict[str, Any]:
        return self.on.source.hedges()

    async def hedges_before(self, cursor: int) -> dict[str, Any]:
        return await self.on.source.hedges_before(cursor)

    async def timeline(self, hedge_id: str) -> dict[str, Any] | None:
        return await self.on.source.timeline(hedge_id)

    def command(self, verb: str, reason: str, phrase: str | None) -> dict[str, Any]:
        return self.on.source.command(verb, reason, phrase)


class HeldStream(Stream):
    """A stream that can fall silent with its connections open, as when the venue's frames keep a loop busy."""

    held = False
    crowd = 0
    """Readers that are counted and not there."""

    @property
    def readers(self) -> int:
        return super().readers + self.crowd

    async def tell(self) -> None:
        if not self.held:
            await super().tell()


class Stage:
    """Use as a context manager; it lives in a thread of its own, and `call` reaches into it."""

    def __init__(self) -> None:
        self.actor = Actor()
        self.stream = HeldStream(self.actor.snapshot, Refused())
        self.address = ""
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._over: asyncio.Event | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="stage-")
        self._scenes = 0
        self._thread = threading.Thread(target=self._live, name="stage")

    @property
    def link(self) -> str:
        """The address that logs in."""
        return f"{self.address}#{TOKEN}"

    def play(self, scene: Scene, *, pace_s: str = "0") -> PlayedDaemon:
        """Put a daemon on in some state; its time goes on by `pace_s` with each frame, four times a second."""

        async def act() -> PlayedDaemon:
            use_exact_context()
            if self.actor.daemon is not None:
                self.actor.daemon.close()
            self._scenes += 1
            folder = Path(self._folder.name) / str(self._scenes)
            folder.mkdir()
            played = scene(folder)
            played.pace_s = Decimal(pace_s)
            self.actor.daemon, self.actor.since_s, self.actor.ahead_s = played, time.monotonic(), 0.0
            await self.stream.tell()
            return played

        self.hold(False)
        return asyncio.run_coroutine_threadsafe(act(), self._loop).result()

    def hold(self, held: bool) -> None:
        """Let the stream fall silent, or go on."""
        self.stream.held = held

    def drop(self) -> None:
        """End all open streams; they may come back."""
        self.call(self.stream.close)

    def call(self, what: Callable[[], R]) -> R:
        """Do something in the stage's own thread, between two frames."""

        async def act() -> R:
            return what()

        return asyncio.run_coroutine_threadsafe(act(), self._loop).result()

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._over is not None
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        self._folder.cleanup()

    def _live(self) -> None:
        use_exact_context()
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._over = asyncio.Event()
        page = Dashboard(Place("127.0.0.1", 0), SecretStr(TOKEN), self.actor)
        page.stream = self.stream
        async with page:
            self.address = page.address
            self._ready.set()
            await self._over.wait()
        if self.actor.daemon is not None:
            self.actor.daemon.close()


def main() -> None:
    """Serve one scene for a person."""
    name = sys.argv[1] if len(sys.argv) > 1 else "flat"
    if name not in SCENES:
        sys.exit(f"no scene {name}; there are {', '.join(SCENES)}")
    with Stage() as stage:
        stage.play(SCENES[name], pace_s=str(EVERY_S))
        sys.stdout.write(f"{name}: {stage.link}\n")
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
