from __future__ import annotations

from decimal import Decimal

import pytest

from arbbot.domain import events as ev
from arbbot.domain.market import Side
from arbbot.domain.order import Purpose
from arbbot.engine.step import Output
from tests.engine.played_venue import Play, PlayedVenue
from tests.engine.rig import FEE, ROUTE, RULES, Rig, book, even_books

D = Decimal
EVEN = even_books()
RICH = book("btceur", "56000", "56010")


class Forgetful(Rig):
    """Works everything out anew for every event."""

    def step(self, event: ev.Event) -> Output:
        self.engine.core.changes += 1
        return super().step(event)


def lively(kind: type[Rig], play: Play) -> Rig:
    """Hedges, a pause, a market halt and a lost feed, one after the other, under an edge."""
    rig = kind(RULES, venue=PlayedVenue(ROUTE, dict(EVEN), FEE)).ready()
    rig.venue.plays[Purpose.LEG, Side.SELL] = [play]
    rig.show(RICH)
    rig.run(8)
    rig.step(ev.OperatorPaused("somebody", "lunch"))
    rig.run(2)
    rig.step(ev.OperatorResumed("somebody", "back"))
    rig.run(3)
    rig.step(ev.MarketHalted("btceur", True, "maintenance"))
    rig.run(1)
    rig.step(ev.MarketHalted("btceur", False, ""))
    rig.run(3)
    rig.step(ev.FeedDown(rig.epoch, "cut off"))
    rig.run(1)
    rig.connect()
    rig.run(4)
    rig.show(EVEN["btceur"])
    rig.run(2)
    return rig


@pytest.mark.parametrize("play", [Play(), Play(reply="refuse"), Play(reply="lost"), Play(fill=D("0.01"))])
def test_what_is_kept_between_frames_decides_nothing(play: Play) -> None:
    """An engine that keeps its reasons between frames writes and refuses as one that works them out each time."""
    kept, forgetful = lively(Rig, play), lively(Forgetful, play)
    assert kept.journal == forgetful.journal
    assert kept.refusals() == forgetful.refusals()
    assert len(kept.placed()) >= 2
    assert {"below_threshold", "market_halted", "paused"} <= kept.refusals().keys()
