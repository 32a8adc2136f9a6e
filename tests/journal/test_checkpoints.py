"""The log goes into the file when no order waits for it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from arbbot.domain.market import Side
from arbbot.domain.mode import Severity
from arbbot.domain.order import OrderKind, OrderTerms, Purpose
from arbbot.domain.records import AlertRaised, OrderIntended
from arbbot.journal.sqlite import AT_ONCE, CHECKPOINT_EVERY, Identity, open_journal, read_journal
from arbbot.ports import JournalFault

NOTE = AlertRaised(Severity.NOTICE, "note", "something happened", 1)
TERMS = OrderTerms("k-1", "k-h1", Purpose.LEG, "btcusd", Side.BUY, OrderKind.MARKET, Decimal(1), None, None)
MINE = Identity("paper", "https://venue.example", "paper", "a-b")


def test_no_order_waits_for_a_checkpoint(tmp_path: Path) -> None:
    """However full the log is, an intent is only appended; the next record that nobody waits for tidies up."""
    journal = open_journal(tmp_path / "journal.db", MINE, sync_full=False)
    journal.append([NOTE] * CHECKPOINT_EVERY)
    statements: list[str] = []
    journal._connection.set_trace_callback(statements.append)
    journal.append([OrderIntended(TERMS, 2)])
    assert not any("checkpoint" in statement for statement in statements)
    journal.append([NOTE])
    assert any("checkpoint" in statement for statement in statements)
    statements.clear()
    journal.append([NOTE])
    assert not any("checkpoint" in statement for statement in statements)
    journal.close()


def test_the_log_stays_small_and_nothing_is_lost(tmp_path: Path) -> None:
    """Thousands of records later the log is no larger than a few checkpoints' worth, and every record is there."""
    path = tmp_path / "journal.db"
    journal = open_journal(path, MINE, sync_full=False)
    largest = 0
    for _ in range(20):
        journal.append([NOTE] * 250)
        largest = max(largest, path.with_name("journal.db-wal").stat().st_size)
    assert largest < 1_000_000
    with read_journal(path) as (_, lines):
        assert sum(1 for _ in lines) == 5_000
    journal.close()
    assert not path.with_name("journal.db-wal").exists()


@pytest.mark.parametrize("count", [2, AT_ONCE, AT_ONCE + 1])
def test_all_records_of_a_batch_are_committed_or_none(tmp_path: Path, count: int) -> None:
    """A file that is full in the middle of a batch keeps nothing of it and what was before it, and says so."""
    long = AlertRaised(Severity.NOTICE, "note", "x" * 3000, 1)
    journal = open_journal(tmp_path / "journal.db", MINE, sync_full=False)
    journal.append([NOTE])
    journal.append([])
    [[pages]] = journal._connection.execute("PRAGMA page_count")
    journal._connection.execute(f"PRAGMA max_page_count={pages + count // 2}")
    with pytest.raises(JournalFault, match="full"):
        journal.append([long] * count)
    assert [line.record for line in journal.lines()] == [NOTE]
    journal.append([NOTE])
    journal._connection.execute("PRAGMA max_page_count=10000")
    journal.append([long] * count)
    assert [line.record for line in journal.lines()] == [NOTE, NOTE, *[long] * count]
    assert [line.seq for line in journal.lines()] == list(range(1, count + 3))
    journal.close()
