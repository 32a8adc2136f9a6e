"""What the disk can do to the journal: full, read-only, failing, locked."""

from __future__ import annotations

import sqlite3
from typing import Any

from arbbot.journal.sqlite import SqliteJournal
from tests.shell.world import Run, World

HARMS = ("disk full", "read only", "error before commit", "error after commit", "locked")


class Failing:
    """A connection whose disk fails."""

    def __init__(self, connection: sqlite3.Connection, at: str) -> None:
        self._connection = connection
        self._at = at

    def execute(self, statement: str, *parameters: Any) -> Any:
        """Raises OperationalError before or after what would be durable is."""
        word = statement.split()[0]
        if word == ("COMMIT" if self._connection.in_transaction else "INSERT"):
            if self._at == "error after commit":
                self._connection.execute(statement, *parameters)
            raise sqlite3.OperationalError("disk I/O error")
        return self._connection.execute(statement, *parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def harm(world: World, name: str, fatal: int, run: Run, journal: SqliteJournal) -> None:
    """Before its fatal commit the journal is harmed for the rest of this life."""
    if run.commits + 1 < fatal or run.harmed:
        return
    run.harmed = True
    world.note(f"harm {name}")
    world.struck[f"harm {name}"] += 1
    connection = journal._connection
    match name:
        case "disk full":
            connection.execute("PRAGMA max_page_count=1")
        case "read only":
            connection.execute("PRAGMA query_only=1")
        case "locked":
            connection.execute("PRAGMA busy_timeout=5")
            other = sqlite3.connect(journal.path, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            world.held.append(other)
        case _:
            journal._connection = Failing(connection, name)  # type: ignore[assignment]  # as far as it is asked


def cured(world: World) -> None:
    """Whoever held the lock lets go."""
    for other in world.held:
        other.close()
    world.held.clear()
