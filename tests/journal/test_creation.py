"""A journal is created whole or not at all, and a file that is neither is told from one that was traded on."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from arbbot.domain.life import Stopped
from arbbot.journal.sqlite import Identity, JournalRefused, open_journal, read_journal

ROOT = Path(__file__).parents[2]
OURS = Identity("sandbox", "http://venue", "key", "btcusd-btceur")
NAMES = ("mode", "host", "account", "route", "key")

DYING = """
import json, os, signal, sqlite3, sys
from pathlib import Path
from arbbot.journal.sqlite import Identity, open_journal

def create(path, dies_before):
    connect, seen = sqlite3.connect, 0

    def watched(*args, **keywords):
        connection = connect(*args, **keywords)

        def count(_statement):
            nonlocal seen
            seen += 1
            if seen == dies_before:
                os.kill(os.getpid(), signal.SIGKILL)

        connection.set_trace_callback(count)
        return connection

    sqlite3.connect = watched
    open_journal(path, Identity("sandbox", "http://venue", "key", "btcusd-btceur"), sync_full=False)

killed = []
while not killed or killed[-1]:
    path = Path(sys.argv[1]) / str(len(killed)) / "journal.db"
    child = os.fork()
    if child == 0:
        create(path, len(killed) + 1)
        os._exit(0)
    killed.append(os.WIFSIGNALED(os.waitpid(child, 0)[1]))
print(json.dumps(killed))
"""
"""Creates journals in processes of which each dies before one statement more than the last, until one survives."""


def tables(path: Path) -> set[str]:
    """What a file on disk holds by now."""
    with closing(sqlite3.connect(path)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_a_death_at_any_statement_leaves_nothing_or_all(tmp_path: Path) -> None:
    """Killed before each statement in turn: no table at all or a whole journal, and the next start opens it."""
    told = subprocess.run([sys.executable, "-c", DYING, tmp_path], cwd=ROOT, check=True, capture_output=True)
    killed = json.loads(told.stdout)
    assert len(killed) > 10
    assert killed == [True] * (len(killed) - 1) + [False]
    for number, dead in enumerate(killed):
        path = tmp_path / str(number) / "journal.db"
        assert tables(path) == (set() if dead else {"meta", "record"})
        open_journal(path, OURS, sync_full=False).close()
        with read_journal(path) as (meta, lines):
            assert (set(meta), list(lines)) == (set(NAMES), [])


def half(path: Path, kept: Iterable[str], *, traded: bool) -> None:
    """A journal of which only some of the identity was written, as earlier versions could leave it."""
    journal = open_journal(path, OURS, sync_full=False)
    if traded:
        journal.append([Stopped(0, "asked to", 1)])
    journal.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany("DELETE FROM meta WHERE key = ?", [(name,) for name in NAMES if name not in kept])


@pytest.mark.parametrize("kept", [NAMES[:count] for count in range(len(NAMES))])
def test_an_empty_half_journal_is_begun_anew(tmp_path: Path, kept: tuple[str, ...]) -> None:
    """Without a record nobody has traded on it: it becomes ours, whole, under a new key."""
    path = tmp_path / "journal.db"
    half(path, kept, traded=False)
    with pytest.raises(JournalRefused, match=r"no .*key in its meta table"), read_journal(path):
        pass
    journal = open_journal(path, OURS, sync_full=False)
    journal.append([Stopped(0, "asked to", 1)])
    journal.close()
    with read_journal(path) as (meta, lines):
        assert (meta["key"], len(list(lines))) == (journal.key, 1)


@pytest.mark.parametrize("missing", NAMES)
def test_a_half_journal_with_records_is_refused(tmp_path: Path, missing: str) -> None:
    """Records without a whole identity are somebody's: one line says what is missing, and nothing is changed."""
    path = tmp_path / "journal.db"
    half(path, [name for name in NAMES if name != missing], traded=True)
    for _ in range(2):
        with pytest.raises(JournalRefused, match=rf"no {missing} in its meta table"):
            open_journal(path, OURS, sync_full=False)
    with pytest.raises(JournalRefused, match=rf"no {missing} in its meta table"), read_journal(path):
        pass
