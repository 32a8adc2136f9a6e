"""One process at a time on a file: a lock beside it that ends with the process, however it ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO


class LockHeldError(Exception):
    """Another process has it; `owner` is its id, as far as it has written it."""

    def __init__(self, owner: str) -> None:
        super().__init__(f"in use by process {owner}")
        self.owner = owner


def _owners(name: str, flags: int) -> int:
    """Nobody else may hold the lock and so keep a process from starting."""
    return os.open(name, flags, 0o600)


def take_lock(path: Path) -> IO[str]:
    """Hold the lock of a file for as long as the result is open. Raises LockHeldError, and OSError."""
    name = path.with_name(path.name + ".lock")
    lock = open(name, "a+", encoding="ascii", opener=_owners)  # noqa: SIM115 - held for life
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        owner = lock.read().strip() or "unknown"
        lock.close()
        raise LockHeldError(owner) from error
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock
