"""What broken copies of the engine showed that no other test would have seen."""

from __future__ import annotations

import pytest

from arbbot.domain.commands import Topic
from tests.engine.rig import Rig
from tests.engine.scenes import RICH


@pytest.mark.parametrize("topic", [Topic.BALANCES, Topic.TRANSACTIONS])
def test_a_new_process_trades_on_no_statement_of_the_last_one(topic: Topic) -> None:
    """The journal ends with a ledger that agreed; what has become of the account since must be read all the same."""
    before = Rig().ready()
    rig = Rig(journal=before.journal, venue=before.venue, at=before.at)
    assert rig.state.agreed
    rig.venue.failing = {topic}
    rig.start()
    rig.show(RICH)
    rig.run(20)
    assert rig.placed() == []
    assert rig.last() == ("recovering",)
    rig.venue.failing = set()
    rig.run(10)
    rig.check()
    assert rig.placed()
