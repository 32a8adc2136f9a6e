"""Work that runs beside trading for as long as the daemon does, and whose death stops nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any

from arbbot.bootstrap.terminal import say_if_broken


def beside(stack: AsyncExitStack, work: Coroutine[Any, Any, None], name: str) -> None:
    """Run it until the stack unwinds; its death is told once, by its name."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(say_if_broken)
    stack.push_async_callback(_cancelled, task)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
