"""The terminal a person may be looking at: told what there is to tell, and never waited for or relied on."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from contextlib import suppress
from typing import TextIO

from arbbot.telemetry.sink import LineSink

PATIENCE_S = 0.2
"""For a reader that is slow, or has stopped reading: what it has not taken by then is lost."""


def say(*lines: str, out: TextIO | None = None) -> bool:
    """Print lines, by default to stderr; False when nobody reads there any more, which must not stop trading."""
    out = out or sys.stderr
    text = "\n".join(lines)
    try:
        out.flush()
        descriptor = out.fileno()
    except io.UnsupportedOperation:  # kept in memory
        print(text, file=out)
        return True
    except (OSError, ValueError):
        _empty_into_nothing(out)
        return False
    sink = LineSink(descriptor)
    sink.put(text.encode(out.encoding or "utf-8", "backslashreplace"))
    sink.close(PATIENCE_S)
    if sink.gone:
        _empty_into_nothing(out)
    return not sink.dropped


def say_if_broken(task: asyncio.Task[None]) -> None:
    """A done callback for a task beside trading: its death costs what it did, and is told once."""
    if not task.cancelled() and (error := task.exception()) is not None:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        say(f"arbbot: {task.get_name()} has ended, trading goes on: {reason}")


def _empty_into_nothing(out: TextIO) -> None:
    """What is left in the buffer would fail once more at the exit, and change its code."""
    with suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nothing, out.fileno())
        finally:
            os.close(nothing)
