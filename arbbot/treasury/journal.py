"""The treasury's own journal: an append-only SQLite file of what was asked to leave, with a lock of its own.

A record survives the power supply once `append` returns: what follows it may be money.
"""

from __future__ import annotations

import os
import secrets  # noqa: TID251 - a journal's key is drawn once and then written in it
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, get_args

from pydantic import TypeAdapter, ValidationError

from arbbot.lock import LockHeldError, take_lock
from arbbot.treasury.records import TreasuryRecord
from arbbot.treasury.state import TreasuryState

SCHEMA_VERSION = 1
_SCHEMA = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
    """CREATE TABLE record (
        seq INTEGER PRIMARY KEY, utc_us INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL
    ) STRICT""",
    "CREATE TRIGGER record_never_changes BEFORE UPDATE ON record BEGIN SELECT RAISE(ABORT, 'append only'); END",
    "CREATE TRIGGER record_never_goes BEFORE DELETE ON record BEGIN SELECT RAISE(ABORT, 'append only'); END",
)
_ADAPTERS: dict[str, TypeAdapter[Any]] = {}
_CLASSES: dict[str, type] = {cls.kind: cls for cls in get_args(TreasuryRecord)}


class RequestJournalRefused(Exception):
    """The journal cannot be used: locked, of another venue, or damaged. One clear line."""


def encode(record: TreasuryRecord) -> str:
    """The body of a line: money as text, exactly."""
    return _adapter(record.kind).dump_json(record).decode()


def decode(kind: str, body: str) -> TreasuryRecord:
    """The record of a line. Raises ValueError."""
    if kind not in _CLASSES:
        raise ValueError(f"unknown record kind {kind!r}")
    record: TreasuryRecord = _adapter(kind).validate_json(body)
    return record


def _adapter(kind: str) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(_CLASSES[kind])
    return _ADAPTERS[kind]


class RequestJournal:
    """The writer; one process at a time holds it. Open it with `open_requests`."""

    def __init__(self, connection: sqlite3.Connection, lock: IO[str], path: Path, key: str) -> None:
        self._connection = connection
        self._lock = lock
        self.path = path
        self.key = key
        """Random name of this journal: it begins every name it mints."""

    def append(self, records: Sequence[TreasuryRecord]) -> None:
        """Commit all of them or none, before returning. Raises RequestJournalRefused."""
        if not records:
            return
        rows = [(record.utc_us, record.kind, encode(record)) for record in records]
        try:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.executemany("INSERT INTO record (utc_us, kind, body) VALUES (?, ?, ?)", rows)
        except sqlite3.Error as error:
            raise RequestJournalRefused(f"{self.path}: {error}") from error

    def records(self) -> Iterator[TreasuryRecord]:
        """All so far, oldest first. Raises RequestJournalRefused."""
        yield from _records(self._connection, self.path)

    def state(self) -> TreasuryState:
        """What they come to. Raises RequestJournalRefused, and TreasuryError for damage."""
        state = TreasuryState()
        for record in self.records():
            state.apply(record)
        return state

    def close(self) -> None:
        """Let go of the file and the lock."""
        self._connection.close()
        self._lock.close()


def open_requests(path: Path, mode: str, host: str) -> RequestJournal:
    """Lock, open or create. Raises RequestJournalRefused. Does no network I/O."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = _take_lock(path)
    try:
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            os.chmod(path, 0o600)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            key = _adopt(connection, path, {"mode": mode, "host": host})
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        lock.close()
        raise RequestJournalRefused(f"{path}: {error}") from error
    except BaseException:
        lock.close()
        raise
    return RequestJournal(connection, lock, path, key)


def _adopt(connection: sqlite3.Connection, path: Path, whose: dict[str, str]) -> str:
    """Create the journal, or check that it is of this venue; returns its key."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        key = f"tr{secrets.token_hex(4)}"
        connection.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.executemany("INSERT INTO meta VALUES (?, ?)", [*whose.items(), ("key", key)])
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        connection.execute("COMMIT")
        return key
    if version != SCHEMA_VERSION:
        raise RequestJournalRefused(f"{path}: schema version {version}, this program writes {SCHEMA_VERSION}")
    meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
    for name, value in whose.items():
        if meta.get(name) != value:
            raise RequestJournalRefused(f"{path}: belongs to {name} {meta.get(name)!r}, not {value!r}")
    return str(meta["key"])


def _records(connection: sqlite3.Connection, path: Path) -> Iterator[TreasuryRecord]:
    try:
        for kind, body in connection.execute("SELECT kind, body FROM record ORDER BY seq"):
            yield decode(kind, body)
    except (sqlite3.Error, ValueError, ValidationError) as error:
        raise RequestJournalRefused(f"{path}: {error}") from error


def _take_lock(path: Path) -> IO[str]:
    try:
        return take_lock(path)
    except LockHeldError as error:
        raise RequestJournalRefused(f"{path}: {error}; one settlement at a time") from error
