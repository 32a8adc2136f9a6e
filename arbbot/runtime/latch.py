"""The panic latch: a file beside the journal, left by `arbbot panic`, that stops a daemon.

It works where a control socket does not: with no daemon there, or with one that does not answer. A daemon that finds
it at its start begins halted: no new hedge, but what is one-sided is resolved. One that is running, halted or not, goes
to panic within a second and sends no more than cancels. A person's resume lifts it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

NAME = "panic.latch"
_UNREADABLE = "the latch cannot be read"


class Latch:
    """The file. Who finds it needs to know no more than that it is there."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def mark(self) -> tuple[int, int] | None:
        """What tells this latch from one left later; None while there is none. What cannot be looked at is there."""
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            return None
        except OSError:
            return (0, 0)
        return (found.st_ino, found.st_mtime_ns)

    def words(self) -> str:
        """Who left it, when and why, in one line."""
        try:
            told = json.loads(self.path.read_text("utf-8"))
            line = f"panic by {told['who']} at {told['utc']}: {told['reason']}"
        except (OSError, ValueError, TypeError, LookupError):
            line = _UNREADABLE
        return " ".join(line.split())[:400]

    def leave(self, who: str, reason: str, utc: str) -> None:
        """Latch, durably; one that is there is replaced. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_name(f"{NAME}.{os.getpid()}")
        try:
            with fresh.open("w", encoding="utf-8") as file:
                json.dump({"who": who, "utc": utc, "reason": reason}, file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
        finally:
            fresh.unlink(missing_ok=True)
        directory = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def lift(self) -> None:
        """Take it away; nothing where there is none. Raises OSError."""
        self.path.unlink(missing_ok=True)
