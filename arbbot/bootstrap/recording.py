"""The recording of a run: where it goes, and how its operator hears that it cannot be replayed."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

from structlog.typing import FilteringBoundLogger

from arbbot import __version__
from arbbot.bootstrap.terminal import say
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.domain.market import Route
from arbbot.journal.codec import encode
from arbbot.journal.sqlite import SqliteJournal
from arbbot.research.record import FORMAT, Header, Recorder
from arbbot.runtime.clock import SystemClock
from arbbot.settings import BookFeed, Settings, rules

LOOK_EVERY_S = 1.0


def make_directory(directory: Path) -> None:
    """See to it, before anything else happens, that a recording can go there. Raises Failure (USAGE)."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Failure(ExitCode.USAGE, f"--record {directory}: {error.strerror}") from error
    if (directory / "header.json").exists():
        raise Failure(ExitCode.USAGE, f"--record {directory}: holds a recording already")
    if not os.access(directory, os.W_OK | os.X_OK):
        raise Failure(ExitCode.USAGE, f"--record {directory}: cannot be written")


def open_recording(
    settings: Settings, record: Path | None, route: Route, journal: SqliteJournal, clock: SystemClock
) -> Recorder | None:
    """A recorder, where one is wanted. Raises Failure (USAGE)."""
    if record is None and not settings.recording_on:
        return None
    most_bytes = int(settings.recording.most_gb * 1_000_000_000)
    remove_oldest(settings.recordings_dir, most_bytes)
    directory = record or settings.recordings_dir / f"{clock.now().utc_us // 1_000_000}"
    header = Header(
        format=FORMAT,
        version=__version__,
        mode=settings.mode.value,
        journal_key=journal.key,
        route=route,
        rules=rules(settings),
        journal=tuple((line.record.kind, encode(line.record)) for line in journal.lines()),
        books_from_frames=settings.feed.books is BookFeed.SNAPSHOT,
    )
    try:
        return Recorder(directory, header, encode, most_bytes)
    except OSError as error:
        raise Failure(ExitCode.USAGE, f"--record {directory}: {error}") from error


def remove_oldest(recordings: Path, most_bytes: int) -> None:
    """Remove whole recordings, the oldest first, until the others take no more room than this. They are known by their
    names, seconds of their beginning, and by their headers: whatever else lies there stays.
    """
    found = sorted(
        (path for path in recordings.glob("*/header.json") if path.parent.name.isdecimal()),
        key=lambda path: int(path.parent.name),
    )
    sizes = [sum(file.stat().st_size for file in path.parent.iterdir()) for path in found]
    taken = sum(sizes)
    for path, size in zip(found, sizes, strict=True):
        if taken <= most_bytes:
            return
        shutil.rmtree(path.parent, ignore_errors=True)
        say(f"recording  {path.parent} removed: the recordings took more than {most_bytes / 1e9:g} GB")
        taken -= size


def figures(recorder: Recorder | None) -> dict[str, Any] | None:
    """The recording's part of `status`; None when nothing is recorded."""
    if recorder is None:
        return None
    return {"directory": str(recorder.directory), "dropped": recorder.dropped, "failed": recorder.failed}


async def watch(recorder: Recorder, logger: FilteringBoundLogger, look_every_s: float = LOOK_EVERY_S) -> None:
    """Log each trouble of the recording once, until cancelled; one of the last moment then."""
    told: str | None = None

    def look() -> None:
        nonlocal told
        trouble = recorder.trouble()
        if trouble is not None and trouble != told:
            told = trouble
            logger.warning(trouble, kind="recording", directory=str(recorder.directory))

    try:
        while True:
            look()
            await asyncio.sleep(look_every_s)
    finally:
        look()
