"""The trace of a life: every event, record, command and request in order, as a hash, and as text when asked for."""

from __future__ import annotations

import hashlib

SHOWN = 2_000


class Trace:
    """Equal lives have equal hashes."""

    def __init__(self, *, keep: bool) -> None:
        self._digest = hashlib.blake2b(digest_size=16)
        self.keep = keep
        self.lines: list[str] = []

    def note(self, at_us: int, text: str, body: bytes = b"") -> None:
        """Add one thing that happened at a true time. Of a body the hash takes all, the text what a person reads."""
        line = f"{at_us} {text}"
        self._digest.update(line.encode())
        self._digest.update(b"\n")
        self._digest.update(body)
        if self.keep:
            self.lines.append(f"{line} {body[:SHOWN].decode(errors='replace')}" if body else line)

    @property
    def hash(self) -> str:
        """Of everything noted so far."""
        return self._digest.hexdigest()
