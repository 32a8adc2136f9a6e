"""The journal: an append-only SQLite file that belongs to one mode, host, account and route.

A record is durable once `append` returns: NORMAL survives the death of the process, FULL that of the power supply.
"""

from __future__ import annotations

import os
import secrets  # noqa: TID251 - a journal's key is drawn once and then written in it
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from itertools import chain
from pathlib import Path
from typing import IO

from arbbot.domain.records import AnchorSet, CancelIntended, ConversionOpened, DurableRecord, HedgeOpened, OrderIntended
from arbbot.journal.codec import decode, encode, prepare
from arbbot.lock import LockHeldError, take_lock
from arbbot.ports import JournalFault

SCHEMA_VERSION = 1
CHECKPOINT_EVERY = 500
"""Records after which the write-ahead log goes into the file, at the next commit that no order waits for: left to
SQLite it happens, with its fsyncs, in the middle of whichever commit fills the log.
"""
AT_ONCE = 8
"""Records up to which one statement, a transaction by itself, takes them all: an order's intent waits for its commit,
and three statements cost nearly twice as much.
"""
_SCHEMA = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
    """CREATE TABLE record (
        seq INTEGER PRIMARY KEY,
        utc_us INTEGER NOT NULL,
        kind TEXT NOT NULL,
        hedge_id TEXT,
        client_order_id TEXT,
        body TEXT NOT NULL
    ) STRICT""",
    "CREATE TRIGGER record_never_changes BEFORE UPDATE ON record BEGIN SELECT RAISE(ABORT, 'append only'); END",
    "CREATE TRIGGER record_never_goes BEFORE DELETE ON record BEGIN SELECT RAISE(ABORT, 'append only'); END",
)
BELONGS_TO = """coalesce(hedge_id, client_order_id,
    CASE WHEN kind IN ('conversion_opened', 'conversion_closed') THEN body ->> '$.conversion_id' END)"""
"""The hedge or conversion a record is about, else the order. SQLite finds records by it through the one index below:
the intent's commit, for which two orders wait, touches one page more by it, and by an index for each column two.
"""
_INDEX = f"CREATE INDEX IF NOT EXISTS record_belongs_to ON record ({BELONGS_TO})"
"""A journal from before gets it when it is next opened; whoever reads one without it needs longer, no more."""

_PROOF = """INSERT INTO meta VALUES ('commits_proven', '1')
    ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1"""

_NOTE = """INSERT INTO meta
    SELECT 'adopted_' || (count(*) + 1), ? FROM meta WHERE key GLOB 'adopted_*'"""
"""How the journal came to another key: the first is adopted_1."""

_URGENT = (HedgeOpened, ConversionOpened, OrderIntended, CancelIntended)
"""Records that something on its way to the venue waits for."""


class JournalRefused(Exception):
    """The journal cannot be used: locked, somebody else's, of another version, or damaged. One clear line."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose journal it is: it refuses any other."""

    mode: str
    host: str
    account: str
    """The API key's public part; "paper" without one."""
    route: str


@dataclass(frozen=True, slots=True)
class Line:
    """One journal line, for reading."""

    seq: int
    utc_us: int
    record: DurableRecord


class SqliteJournal:
    """The writer. Open it with `open_journal`; one process at a time holds it."""

    def __init__(self, connection: sqlite3.Connection, lock: IO[str], path: Path, key: str) -> None:
        self._connection = connection
        self._lock = lock
        self._last_utc_us = 0
        self._since_checkpoint = 0
        self.path = path
        self.key = key
        """Random name of this journal: it begins every client order id."""

    def append(self, records: Sequence[DurableRecord]) -> None:
        """Commit all records in one transaction. Raises JournalFault, having committed none of them."""
        if not records:
            return
        rows = []
        for record in records:
            self._last_utc_us = getattr(record, "utc_us", self._last_utc_us)
            terms = getattr(record, "terms", None)
            hedge_id = getattr(record, "hedge_id", None) or getattr(terms, "hedge_id", None)
            client_order_id = getattr(record, "client_order_id", None) or getattr(terms, "client_order_id", None)
            rows.append((self._last_utc_us, record.kind, hedge_id, client_order_id, encode(record)))
        connection = self._connection
        try:
            if self._since_checkpoint >= CHECKPOINT_EVERY and not any(type(each) in _URGENT for each in records):
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
                self._since_checkpoint = 0
            if len(rows) <= AT_ONCE:
                connection.execute(_insertion(len(rows)), list(chain.from_iterable(rows)))
            else:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(_insertion(1), rows)
                connection.execute("COMMIT")
            self._since_checkpoint += len(rows)
        except sqlite3.Error as error:
            if connection.in_transaction:
                try:
                    connection.execute("ROLLBACK")
                except sqlite3.Error as second:
                    raise JournalFault(f"{self.path}: {error}; rolling back: {second}") from error
            raise JournalFault(f"{self.path}: {error}") from error

    def prove(self) -> None:
        """Commit a count that means nothing, to know that commits still work. Raises JournalFault."""
        try:
            self._connection.execute(_PROOF)
            self._since_checkpoint += 1
        except sqlite3.Error as error:
            raise JournalFault(f"{self.path}: {error}") from error

    def lines(self) -> Iterator[Line]:
        """All records so far, oldest first."""
        return _lines(self._connection, self.path)

    def rebind(self, account: str, note: str) -> None:
        """Bind it to another key of its account, while it is in use. Raises JournalRefused, having changed nothing."""
        try:
            _bind(self._connection, account, note)
        except sqlite3.Error as error:
            raise JournalRefused(f"{self.path}: {error}") from error

    def close(self) -> None:
        """Let go of the file and the lock."""
        self._connection.close()
        self._lock.close()


def open_journal(path: Path, identity: Identity, *, sync_full: bool) -> SqliteJournal:
    """Lock, open or create the journal. Raises JournalRefused. Does no network I/O."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = _take_lock(path)
    try:
        prepare()
        connection = _connect(path, sync_full=sync_full)
        try:
            key = _adopt(connection, path, identity)
        except BaseException:
            connection.close()
            raise
    except BaseException:
        lock.close()
        raise
    return SqliteJournal(connection, lock, path, key)


def rebind(path: Path, identity: Identity, note: str) -> str:
    """Bind a journal of this mode, host and route to another key of its account; returns the key it had.

    The note is kept beside the identity. Raises JournalRefused: in use, somebody else's, or bound to that key already.
    Whether it is the same account, the ledger will tell: it must equal the venue before anything is traded.
    """
    if not path.is_file():
        raise JournalRefused(f"{path}: there is no journal")
    lock = _take_lock(path)
    try:
        with closing(_connect(path, sync_full=True)) as connection:
            meta = _meta(connection, path)
            old = meta.get("account", "")
            _refuse_others(path, meta, replace(identity, account=old))
            if old == identity.account:
                raise JournalRefused(f"{path}: belongs to account {old!r} already")
            _bind(connection, identity.account, f"from {old!r}: {note}")
    except sqlite3.Error as error:
        raise JournalRefused(f"{path}: {error}") from error
    finally:
        lock.close()
    return old


def _bind(connection: sqlite3.Connection, account: str, note: str) -> None:
    """Write whose the journal is now, and how that came: both or neither."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("UPDATE meta SET value = ? WHERE key = 'account'", (account,))
        connection.execute(_NOTE, (note,))
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def read_journal(path: Path) -> Iterator[tuple[dict[str, str], Iterator[Line]]]:
    """(identity and key, lines) of a journal on disk, without its lock: a running daemon is not disturbed."""
    if not path.is_file():
        raise JournalRefused(f"{path}: there is no journal")
    connection = connect_to_read(path)
    try:
        meta = _meta(connection, path)
        _require_whole(path, meta)
        yield meta, _lines(connection, path)
    finally:
        connection.close()


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing, whatever the path's characters mean in an address. Raises sqlite3.Error."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


@cache
def _insertion(rows: int) -> str:
    values = ", ".join(["(?, ?, ?, ?, ?)"] * rows)
    return f"INSERT INTO record (utc_us, kind, hedge_id, client_order_id, body) VALUES {values}"  # noqa: S608 - no values


def _take_lock(path: Path) -> IO[str]:
    try:
        return take_lock(path)
    except LockHeldError as error:
        raise JournalRefused(f"{path}: {error}; one process at a time may trade on it") from error


def _connect(path: Path, *, sync_full: bool) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(path, isolation_level=None)
        os.chmod(path, 0o600)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={'FULL' if sync_full else 'NORMAL'}")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        damage = connection.execute("PRAGMA quick_check").fetchone()[0]
    except (sqlite3.Error, OSError) as error:
        raise JournalRefused(f"{path}: {error}") from error
    if damage != "ok":
        connection.close()
        raise JournalRefused(f"{path}: damaged: {damage}")
    return connection


def _adopt(connection: sqlite3.Connection, path: Path, identity: Identity) -> str:
    """Create the journal, or check that the file is ours; returns its key.

    A file that has its tables but was never given a whole identity is created anew if it holds no record: nobody can
    have traded on it.
    """
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            return _create(connection, identity, (*_SCHEMA, _INDEX))
        if version != SCHEMA_VERSION:
            raise JournalRefused(f"{path}: schema version {version}, this program writes {SCHEMA_VERSION}")
        meta = _meta(connection, path)
        if _lacking(meta) and connection.execute("SELECT 1 FROM record LIMIT 1").fetchone() is None:
            return _create(connection, identity, ("DELETE FROM meta", _INDEX))
    except sqlite3.Error as error:
        raise JournalRefused(f"{path}: {error}") from error
    _refuse_others(path, meta, replace(identity, account=meta.get("account", "")))
    if meta["account"] != identity.account:
        _take_over_unread(connection, path, meta["account"], identity.account)
    try:
        connection.execute(_INDEX)
    except sqlite3.Error as error:
        raise JournalRefused(f"{path}: {error}") from error
    return meta["key"]


def _create(connection: sqlite3.Connection, identity: Identity, statements: Sequence[str]) -> str:
    """Tables, version, identity and key in one transaction: a death in the middle leaves nothing."""
    key = f"ab{secrets.token_hex(4)}"
    meta = {**asdict(identity), "key": key}
    connection.execute("BEGIN IMMEDIATE")
    for statement in statements:
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
    connection.execute("COMMIT")
    return key


def _lacking(meta: dict[str, str]) -> list[str]:
    """What an identity and key still miss."""
    return [name for name in (*(each.name for each in fields(Identity)), "key") if name not in meta]


def _require_whole(path: Path, meta: dict[str, str]) -> None:
    if lacking := _lacking(meta):
        raise JournalRefused(f"{path}: does not say whose it is: no {', '.join(lacking)} in its meta table")


def _refuse_others(path: Path, meta: dict[str, str], identity: Identity) -> None:
    _require_whole(path, meta)
    for name, value in asdict(identity).items():
        if meta[name] != value:
            raise JournalRefused(f"{path}: belongs to {name} {meta[name]!r}, not {value!r}")


def _take_over_unread(connection: sqlite3.Connection, path: Path, old: str, new: str) -> None:
    """Without an anchor nothing was ever read of an account, as after a mistyped key: the new one takes it over."""
    try:
        if connection.execute("SELECT 1 FROM record WHERE kind = ? LIMIT 1", (AnchorSet.kind,)).fetchone():
            raise JournalRefused(
                f"{path}: belongs to account {old!r}, not {new!r}; if that is a new key of the same account, "
                "bind it by `arbbot adopt --reason TEXT`"
            )
        connection.execute("UPDATE meta SET value = ? WHERE key = 'account'", (new,))
    except sqlite3.Error as error:
        raise JournalRefused(f"{path}: {error}") from error


def _meta(connection: sqlite3.Connection, path: Path) -> dict[str, str]:
    try:
        return dict(connection.execute("SELECT key, value FROM meta").fetchall())
    except sqlite3.Error as error:
        raise JournalRefused(f"{path}: not a journal: {error}") from error


def _lines(connection: sqlite3.Connection, path: Path) -> Iterator[Line]:
    try:
        for seq, utc_us, kind, body in connection.execute("SELECT seq, utc_us, kind, body FROM record ORDER BY seq"):
            yield Line(seq, utc_us, decode(kind, body))
    except (sqlite3.Error, ValueError) as error:
        raise JournalRefused(f"{path}: {error}") from error
