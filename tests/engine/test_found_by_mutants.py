"""What broken copies of the engine showed that no other test would have seen."""

from __future__ import annotations

import pytest

from arbbot.domain import events as ev
from arbbot.domain.commands import Command, Topic
from arbbot.domain.mode import Mode
from arbbot.domain.order import OrderState
from tests.engine.played_venue import Play
from tests.engine.rig import D, Rig, book
from tests.engine.scenes import RICH, closed, hedge


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


class SlowToGiveUp(Rig):
    """Learns only after the order timeout that an answer is lost."""

    held = False

    def _deliver(self, what: Command | ev.Event) -> None:
        if isinstance(what, ev.OrderUnanswered) and not self.held:
            self.held = True
            self._later(what, 10_000)
        else:
            super()._deliver(what)


def test_a_row_of_an_order_that_is_still_to_be_answered_waits_for_its_owner() -> None:
    """An order on its way may have filled as well as one in doubt: its row, told before its answer, is nobody else's.
    Taken for foreign, the fill would be lost for ever, and the leg would be left a second time.
    """
    rig = SlowToGiveUp()
    rig.venue.channel = False
    hedge(rig, buy=Play("lost", hidden_s=D(9)))
    rig.run(8)
    assert rig.stands(1) is OrderState.INTENT
    assert rig.engine.core.unattributed
    assert rig.state.external_rows == 0
    assert rig.mode() is Mode.ACTIVE
    rig.run(12)
    rig.check()
    assert closed(rig).outcome == "completed"
    assert rig.state.external_rows == 0


def test_a_frame_a_moment_older_puts_no_book_back() -> None:
    """Out of order by a moment only, and so not late by any clock: the newer book stays."""
    rig = Rig().ready()
    held = rig.engine.core.view.foreign.book
    assert held is not None
    older = book("btceur", "55100", "55110", stamp=held.microtimestamp - 1)
    assert rig.engine.step(ev.BookSeen(older, rig.epoch), rig.at) == ([], [])
    assert rig.engine.core.view.foreign.book is held
    assert rig.placed() == []
