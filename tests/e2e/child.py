"""The body of a daemon process: `arbbot run` as the command line would call it, started by fork.

A fork of a process that has imported everything costs milliseconds instead of a second, and is a process like any
other to signals, locks, sockets and the disk.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from arbbot import bootstrap
from arbbot.domain.failure import Failure
from arbbot.domain.records import DurableRecord
from arbbot.journal.sqlite import SqliteJournal
from arbbot.settings import Settings

_FORK = get_context("forkserver")
_FORK.set_forkserver_preload(["arbbot.bootstrap.daemon", "uvloop", "tests.e2e.warm"])


@dataclass(frozen=True, slots=True)
class Harm:
    """What is done to the process from outside while it runs."""

    kill_after_commits: int | None = None
    """SIGKILL right after this many journal commits."""
    kill_at: str | None = None
    """SIGKILL right after the first commit that holds a record of this kind."""
    error_at: str | None = None
    """A mistake in the program (ZeroDivisionError) right after the first commit that holds a record of this kind."""
    file_size_max: int | None = None
    """Bytes no file may grow beyond (RLIMIT_FSIZE), from the first order on: the disk is full."""


def start(settings: Settings, out: Path, harm: Harm | None = None, record: Path | None = None) -> ForkServerProcess:
    """A daemon process on these settings; what it says goes to `out`/stdout.jsonl and stderr.txt."""
    process = _FORK.Process(target=body, args=(settings, out, harm or Harm(), record))
    process.start()
    return process


def body(settings: Settings, out: Path, harm: Harm, record: Path | None) -> None:
    """What the process does."""
    for name, descriptor in (("stdout.jsonl", 1), ("stderr.txt", 2)):
        file = os.open(out / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, descriptor)
        os.close(file)
    suffer(harm)
    try:
        code = int(bootstrap.run(settings, for_s=None, record=record, demo=False))
    except Failure as failure:
        os.write(2, f"arbbot: {failure.reason}\n".encode())
        code = int(failure.code)
    sys.exit(code)


def suffer(harm: Harm) -> None:
    """Put the harm behind the journal's commits: the only moments a test can name exactly."""
    commit, commits = SqliteJournal.append, 0

    def append(self: SqliteJournal, records: Sequence[DurableRecord]) -> None:
        nonlocal commits
        commit(self, records)
        commits += 1
        kinds = {record.kind for record in records}
        if commits == harm.kill_after_commits or harm.kill_at in kinds:
            os.kill(os.getpid(), signal.SIGKILL)
        if harm.error_at in kinds:
            raise ZeroDivisionError("divided\nby nothing")
        if harm.file_size_max is not None and "order_intended" in kinds:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (harm.file_size_max, resource.RLIM_INFINITY))

    if harm != Harm():
        SqliteJournal.append = append  # type: ignore[method-assign]  # this process is there to die
