"""The built-in exchange as a process of its own: started, asked where it is, and never left behind."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import arbbot
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 5.0


def program(*words: str) -> tuple[str, ...]:
    """The command that runs this program with these words."""
    return (sys.executable, "-m", "arbbot", *words)


def environment() -> dict[str, str]:
    """For a child of ours: this very code, wherever it starts, and none of the operator's variables."""
    root = str(Path(arbbot.__file__).parents[1])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ARBBOT_")}
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "CREDENTIALS_DIRECTORY"):  # ours, not the child's
        kept.pop(name, None)
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, (root, kept.get("PYTHONPATH"))))}


@asynccontextmanager
async def exchange_child(*options: str) -> AsyncIterator[dict[str, str]]:
    """An exchange for as long as the context lasts; its addresses and key. Raises Failure (VENUE) without one.

    It is on a leash: it ends when this process does, however that ends.
    """
    process = await asyncio.create_subprocess_exec(
        *program("exchange", "--port", "0", "--json", "--leash", *options),
        env=environment(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield await _addresses(process)
    finally:
        await _stop(process)


async def _addresses(process: asyncio.subprocess.Process) -> dict[str, str]:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            line = await process.stdout.readline()
        addresses: dict[str, str] = json.loads(line)
    except (TimeoutError, ValueError) as error:
        raise Failure(ExitCode.VENUE, "the built-in exchange did not start") from error
    return addresses


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Closing its leash ends it; it is killed only when that does not help."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
