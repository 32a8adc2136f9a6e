"""The log goes into the file when no order waits for it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from arbbot.domain.market import Side
from arbbot.domain.mode import Severity
from arbbot.domain.order import OrderKind, OrderTerms, Purpose
from arbbot.domain.records import AlertRaised, OrderIntended
from arbbot.journal.sqlite import CHECKPOINT_EVERY, Identity, open_journal, read_journal

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
