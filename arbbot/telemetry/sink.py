"""Lines to a file descriptor that never wait for whoever reads them."""

from __future__ import annotations

import os
import select
import time
from collections import deque

CHUNK_BYTES = 4096
"""A pipe that polls as writable takes this much without blocking (POSIX PIPE_BUF on Linux); so does journald's socket.
A terminal does not, and is written to by a description of our own that never blocks. A file is always ready, and a disk
that hangs holds the writer up whatever one does."""

QUEUE_LINES_MAX = 10_000
FULL_S = 0.01
"""A last wait looks this often at a terminal that polls as writable and takes nothing."""


class LineSink:
    """A bounded queue of lines before a descriptor: full means the oldest go, closed means all go; both counted."""

    def __init__(self, fd: int, lines_max: int = QUEUE_LINES_MAX) -> None:
        self.dropped = 0
        """Lines that will never be written."""
        self.gone = False
        """Whether nobody will read any more: the reader left, or the disk is full."""
        self._own = _own_description(fd)
        self._fd = fd if self._own is None else self._own
        self._closed = False
        self._lines: deque[bytes] = deque(maxlen=lines_max)
        self._rest = b""
        """The line being written."""
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLOUT)

    def put(self, line: bytes) -> None:
        """Queue one line, without its newline."""
        if self._closed or len(self._lines) == self._lines.maxlen:
            self.dropped += 1
        if not self._closed:
            self._lines.append(line)

    def flush(self) -> None:
        """Write what can be written at once."""
        self._write(wait_ms=0)

    def close(self, timeout_s: float) -> None:
        """Write the rest, waiting no longer than this for the reader; what is left counts as dropped."""
        deadline = time.monotonic() + timeout_s  # noqa: TID251 - bounds the last wait
        while self._pending() and (left_s := deadline - time.monotonic()) > 0:  # noqa: TID251 - bounds the last wait
            self._write(wait_ms=max(1, int(left_s * 1000)))
        self._give_up()

    def _write(self, wait_ms: int) -> None:
        while self._pending() and self._poll.poll(wait_ms):
            if not self._rest:
                self._rest = self._lines.popleft() + b"\n"
            try:
                written = os.write(self._fd, self._rest[:CHUNK_BYTES])
            except BlockingIOError:
                if wait_ms:
                    time.sleep(FULL_S)
                return
            except OSError:  # trading goes on without this log
                self.gone = True
                self._give_up()
                return
            self._rest = self._rest[written:]

    def _pending(self) -> bool:
        return not self._closed and bool(self._rest or self._lines)

    def _give_up(self) -> None:
        self._closed = True
        self.dropped += len(self._lines) + bool(self._rest)
        self._lines.clear()
        self._rest = b""
        if self._own is not None:
            self._poll.unregister(self._own)
            os.close(self._own)
            self._own = None


def _own_description(fd: int) -> int | None:
    """A terminal's second, non-blocking description: the flag of the first belongs to the shell as well. None for what
    is no terminal, or is one that may not be opened again, such as another user's.
    """
    if not os.isatty(fd):
        return None
    try:
        return os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return None
