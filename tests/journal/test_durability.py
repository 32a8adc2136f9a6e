from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from arbbot.journal.sqlite import Identity, open_journal

NORMAL, FULL = 1, 2
"""SQLite's levels of `synchronous`: the first survives the process, the second the power supply."""


@pytest.mark.parametrize(("sync_full", "level"), [(False, NORMAL), (True, FULL)])
def test_a_commit_survives_what_it_promises_to(tmp_path: Path, sync_full: bool, level: int) -> None:
    """By default a commit outlives the process; where it is asked for, the power supply too. Never less than that."""
    journal = open_journal(tmp_path / "journal.db", Identity("live", "h", "a", "r"), sync_full=sync_full)
    with closing(journal):
        assert journal._connection.execute("PRAGMA synchronous").fetchone()[0] == level
        assert journal._connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
