"""What survives a process: encoded journal lines, in memory or in the real file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from arbbot.domain.records import DurableRecord
from arbbot.journal.codec import decode, encode
from arbbot.journal.sqlite import Identity, SqliteJournal, open_journal

IDENTITY = Identity("sandbox", "venue.test", "sim", "btcusd-btceur")
Line = tuple[str, str]
"""Kind and body, as they stand in the journal."""


class Shelf(Protocol):
    """Where the journal stands."""

    def append(self, records: Sequence[DurableRecord]) -> list[Line]:
        """Commit them; the lines that were written."""
        ...

    def reopen(self) -> list[DurableRecord]:
        """What a new process reads."""
        ...

    def close(self) -> None:
        """The process is gone."""
        ...


class Memory:
    """Lines in a list, through the real codec both ways."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._kept = 0

    def keep(self) -> None:
        """Make a copy."""
        self._kept = len(self._lines)

    def put_back(self) -> None:
        """The copy is all there is."""
        del self._lines[self._kept :]

    def append(self, records: Sequence[DurableRecord]) -> list[Line]:
        """See Shelf."""
        lines = [(record.kind, encode(record)) for record in records]
        self._lines += lines
        return lines

    def reopen(self) -> list[DurableRecord]:
        """See Shelf."""
        return [decode(kind, body) for kind, body in self._lines]

    def close(self) -> None:
        """See Shelf."""


class OnDisk:
    """The real SQLite file."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "journal.db"
        self._open: SqliteJournal | None = None

    def append(self, records: Sequence[DurableRecord]) -> list[Line]:
        """See Shelf."""
        assert self._open is not None
        self._open.append(records)
        return [(record.kind, encode(record)) for record in records]

    def reopen(self) -> list[DurableRecord]:
        """See Shelf."""
        self.close()
        self._open = open_journal(self._path, IDENTITY, sync_full=False)
        return [line.record for line in self._open.lines()]

    def close(self) -> None:
        """See Shelf."""
        if self._open is not None:
            self._open.close()
            self._open = None
