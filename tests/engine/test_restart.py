"""A crash at any moment of a hedge: the next process finds the truth, resends nothing, and ends flat or says so."""

from __future__ import annotations

from copy import deepcopy

import pytest

from arbbot.domain.life import Started
from arbbot.domain.mode import Mode
from arbbot.domain.order import OrderState
from arbbot.domain.records import DurableRecord, HedgeClosed, OrderIntended
from arbbot.engine.rules import Rules
from tests.engine.played_venue import Placed, Play, PlayedVenue
from tests.engine.rig import D, Rig, rules
from tests.engine.scenes import CALM, hedge

SHORT_BOUND: Rules = rules(doubt_bound_s=D(20), doubt_alert_s=D(10))
PLAYS: dict[str, tuple[Play | None, Play | None]] = {
    "both filled": (None, None),
    "sale rests": (None, Play(fill=D(0))),
    "sale in part": (None, Play(fill=D("0.02"))),
    "buy refused": (Play("refuse"), None),
    "buy lost, dead": (Play("lost", taken=False), None),
    "sale lost, alive": (None, Play("lost")),
}


def lived(buy: Play | None, sell: Play | None) -> tuple[list[DurableRecord], list[tuple[int, PlayedVenue, int]]]:
    """A hedge's whole journal, and every moment at which the process could have died: journal length and venue."""
    rig = Rig(SHORT_BOUND)
    rig.venue.channel = False
    rig.snapshots = []
    hedge(rig, buy=buy, sell=sell)
    rig.run(12)
    rig.check()
    seen = {}
    for length, venue, at in rig.snapshots:
        seen[(length, len(venue.orders), tuple(order.status for order in venue.orders))] = (length, venue, at)
    return rig.journal, [(length, venue, at.mono_ns) for length, venue, at in seen.values()]


def filled_truth(orders: list[Placed], intended: set[str]) -> object:
    """What our orders bought minus what they sold, by the venue."""
    return sum(
        (order.terms.side.sign * order.filled for order in orders if order.terms.client_order_id in intended), D(0)
    )


@pytest.mark.parametrize("case", PLAYS)
def test_a_restart_at_any_moment_ends_flat_or_says_so(case: str) -> None:
    """For every journal length and venue state a crash can leave: reconciled, no id reused, no order forgotten."""
    journal, moments = lived(*PLAYS[case])
    assert len(moments) > 10
    for length, venue, _ in moments:
        before = [record.terms.client_order_id for record in journal[:length] if isinstance(record, OrderIntended)]
        rig = Rig(SHORT_BOUND, venue=deepcopy(venue), journal=journal[:length], at=venue.at)
        rig.venue.plays = {}
        rig.venue.books["btceur"] = CALM
        rig.start()
        rig.run(75)
        rig.check()
        known = {record.terms.client_order_id for record in rig.journal if isinstance(record, OrderIntended)}
        assert set(before) <= known
        assert not set(before) & {command.terms.client_order_id for command in rig.placed()}
        assert rig.state.position == filled_truth(rig.venue.orders, known)
        assert not rig.state.live
        assert rig.state.open_hedge_id is None
        assert abs(rig.state.position) < D("0.0002")
        assert rig.state.agreed
        assert rig.mode() is Mode.ACTIVE, (case, length, rig.alerts())
        assert rig.engine.entry.armed


def test_a_prefix_that_ends_inside_a_batch_is_also_survived() -> None:
    """Batches are written whole; yet even a journal cut inside one leads back to a quiet, empty hedge."""
    journal, moments = lived(None, None)
    first = next(index for index, record in enumerate(journal) if isinstance(record, OrderIntended))
    venue = next(venue for length, venue, _ in moments if length == first + 2)
    for length in (first, first + 1):
        rig = Rig(SHORT_BOUND, venue=deepcopy(venue), journal=journal[:length], at=venue.at)
        rig.venue.orders.clear()
        rig.venue.rows.clear()
        rig.venue.books["btceur"] = CALM
        rig.start()
        rig.run(75)
        rig.check()
        assert rig.all(HedgeClosed)[0].outcome == "nothing"


def test_every_unanswered_order_is_in_doubt_after_a_restart() -> None:
    """INTENT without an answer becomes IN_DOUBT before anything else is done."""
    journal, _ = lived(None, None)
    last = max(index for index, record in enumerate(journal) if isinstance(record, OrderIntended))
    rig = Rig(SHORT_BOUND, journal=journal[: last + 1])
    rig.start()
    assert isinstance(rig.records[0], Started)
    assert [order.state for order in rig.state.open_orders()] == [OrderState.IN_DOUBT] * 2


def test_a_hedge_closed_but_not_settled_is_settled_by_the_next_process() -> None:
    """Rows that come after the restart still settle the hedge."""
    journal, moments = lived(None, None)
    closed_at = next(index for index, record in enumerate(journal) if isinstance(record, HedgeClosed))
    length, venue, _ = next(moment for moment in moments if moment[0] == closed_at + 1)
    rig = Rig(SHORT_BOUND, venue=deepcopy(venue), journal=journal[:length], at=venue.at)
    rig.start()
    rig.run(5)
    rig.check()
    settled = [hedge.settled for hedge in rig.state.hedges.values()]
    assert settled[0] is not None
    assert settled[0].realised_pnl > 20
