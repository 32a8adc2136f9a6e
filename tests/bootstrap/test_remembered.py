"""What is remembered of a journal before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from arbbot.bootstrap.journals import remembered
from arbbot.bootstrap.wiring import journal_path
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.domain.order import OrderState
from arbbot.domain.records import OrderMoved
from arbbot.journal.sqlite import Identity, open_journal
from arbbot.settings import Settings
from tests.engine.rig import ROUTE


def test_a_journal_whose_records_do_not_follow_each_other_is_one_failure(tmp_path: Path) -> None:
    """As after a botched restore: an order moves that nobody intended. Told as the journal's, with its exit code."""
    settings = Settings(state_dir=tmp_path)
    path = journal_path(settings)
    path.parent.mkdir(parents=True)
    journal = open_journal(path, Identity("sandbox", "h", "a", ROUTE.name), sync_full=False)
    journal.append([OrderMoved("q7-000001", OrderState.LIVE, 7, "acknowledged", 1)])
    journal.close()
    with pytest.raises(Failure, match="q7-000001") as refused:
        remembered(settings)
    assert refused.value.code is ExitCode.JOURNAL
