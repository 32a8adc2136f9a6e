"""The terminal a person may be looking at: told what there is to tell, and never waited for or relied on."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TextIO

from arbbot.telemetry.sink import LineSink

PATIENCE_S = 0.2
"""For a reader that is slow, or has stopped reading: what it has not taken by then is lost."""


def say(*lines: str, out: TextIO | None = None) -> bool:
    """Print lines, by default to stderr; False when nobody reads there any more, which must not stop trading. It may
    hold its caller up for `PATIENCE_S`: for a beginning and an end, and for a demonstration.
    """
    return _say(lines, out or sys.stderr, PATIENCE_S)


def mention(*lines: str) -> bool:
    """The same on stderr in the midst of trading: what is not taken at once is lost."""
    return _say(lines, sys.stderr, 0.0)


def _say(lines: Sequence[str], out: TextIO, patience_s: float) -> bool:
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
    sink.flush()
    sink.close(patience_s)
    if sink.gone:
        _empty_into_nothing(out)
    return not sink.dropped


def say_if_broken(task: asyncio.Task[None]) -> None:
    """A done callback for a task beside trading: its death costs what it did, and is told once."""
    if not task.cancelled() and (error := task.exception()) is not None:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        mention(f"arbbot: {task.get_name()} has ended, trading goes on: {reason}")


def _empty_into_nothing(out: TextIO) -> None:
    """What is left in the buffer would fail once more at the exit, and change its code."""
    with suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nothing, out.fileno())
        finally:
            os.close(nothing)
