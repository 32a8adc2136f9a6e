"""Balances that become the ledger's opening hold everything up to one row, and nothing after it, however late it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from arbbot.domain import events as ev
from arbbot.domain.commands import Ask, Topic
from arbbot.domain.market import Side
from arbbot.domain.mode import Mode
from arbbot.domain.records import AnchorSet, Discrepancy, HedgeOpened, RowBooked
from arbbot.engine.core import SECOND_NS
from arbbot.engine.refusal import EXPLANATIONS, Refusal
from arbbot.engine.unread import ACCOUNT
from arbbot.runtime.answers import Run, status, why
from tests.engine.rig import RULES, D, Rig, rules
from tests.engine.scenes import RESTS, RICH, closed, hedge

LAG_S = RULES.account.lag_s
SOMEBODY: dict[str, Callable[[Rig], None]] = {
    "deposit": lambda rig: rig.venue.external(0, "EUR", D(7)),
    "withdrawal": lambda rig: rig.venue.external(1, "USD", D(-7), D("0.5")),
    "trade by hand": lambda rig: rig.venue.manual("btcusd", Side.BUY, D("0.01"), D(60_000)),
}


def readings(rig: Rig, for_s: int) -> list[tuple[Topic, int]]:
    """Questions for rows and balances in the coming seconds, and the monotonic time when each was put."""
    found: list[tuple[Topic, int]] = []
    known, end_ns = len(rig.sent), rig.at.mono_ns + for_s * SECOND_NS
    while rig.at.mono_ns < end_ns:
        rig.run("0.05")
        asked = [each.topic for each in rig.sent[known:] if isinstance(each, Ask) and each.topic in ACCOUNT]
        found += [(topic, rig.at.mono_ns) for topic in asked]
        known = len(rig.sent)
    return found


@pytest.mark.parametrize("who", SOMEBODY)
@pytest.mark.parametrize("before_s", ["0", "2", "4"])
def test_what_came_right_before_the_first_start_is_booked_once(rig: Rig, who: str, before_s: str) -> None:
    """The balances hold it at once, its row comes within the lag: no difference, no halt, no row of somebody else's
    (seeds 60126 and 60458, as once drawn).
    """
    rig.venue.row_lag_s = D("4.9")
    rig.venue.at = rig.at
    SOMEBODY[who](rig)
    rig.run(before_s)
    rig.start()
    rig.run(60)
    assert [anchor.cause for anchor in rig.all(AnchorSet)] == ["opening"]
    assert rig.all(RowBooked) == []
    assert rig.all(Discrepancy) == []
    assert rig.mode() is Mode.ACTIVE
    assert rig.engine.entry.armed


@pytest.mark.parametrize("who", SOMEBODY)
@pytest.mark.parametrize("after_s", ["0.02", "0.3", "3", "4.9", "5.2", "7"])
def test_what_comes_while_a_start_waits_is_booked_once(rig: Rig, who: str, after_s: str) -> None:
    """Before the balances, between them and the rows, or after both: in the opening or a row of its own, never both."""
    rig.venue.row_lag_s = D(3)
    rig.start()
    rig.run(after_s)
    SOMEBODY[who](rig)
    rig.run(80)
    assert rig.all(Discrepancy) == [] or not any(record.halts for record in rig.all(Discrepancy))
    assert rig.mode() in (Mode.ACTIVE, Mode.PAUSED)
    assert rig.state.agreed
    assert "ledger_difference" not in rig.alerts()


@pytest.mark.parametrize("who", SOMEBODY)
def test_what_came_right_before_a_rebase_is_booked_once(rig: Rig, who: str) -> None:
    """A rebase takes balances like a first start does."""
    rig.ready()
    rig.venue.row_lag_s = D(4)
    SOMEBODY[who](rig)
    rig.step(ev.OperatorRebased("ann", "as it is"))
    rig.run(60)
    assert [anchor.cause for anchor in rig.all(AnchorSet)] == ["opening", "rebase"]
    assert rig.all(Discrepancy) == [] or not any(record.halts for record in rig.all(Discrepancy))
    assert rig.state.agreed
    assert "ledger_difference" not in rig.alerts()


def test_an_anchors_last_rows_are_read_a_lag_after_its_balances(rig: Rig) -> None:
    """Rows, balances, the lag, rows: and so again when something came meanwhile."""
    rig.start()
    early = readings(rig, 3)
    rig.venue.external(0, "EUR", D(7))
    found = early + readings(rig, 15)
    assert [topic for topic, _ in early] == [Topic.BALANCES], "the first rows were asked for at the start"
    rows, balances = Topic.TRANSACTIONS, Topic.BALANCES
    assert [topic for topic, _ in found] == [balances, rows, rows, balances, rows]
    assert all(found[after][1] - found[before][1] >= LAG_S * SECOND_NS for before, after in ((0, 1), (3, 4)))
    (anchor,) = rig.all(AnchorSet)
    assert {holding.currency: holding.total for holding in anchor.holdings}["EUR"] == 100_007


def test_the_wait_is_told_in_words(rig: Rig) -> None:
    """`status` and `why` say what a first start waits for, and stop saying it; the gate is shut meanwhile."""
    run = Run.begin(rig.engine, "live", "1", rig.at)
    rig.start()
    rig.run(3)
    rig.show(RICH)
    told = EXPLANATIONS[Refusal.ANCHORING]
    assert told in status(rig.engine, run, rig.at)["problems"]
    assert [each["meaning"] for each in why(rig.engine, run, rig.at)["refusals"]] == [told]
    assert rig.placed() == []
    rig.run(5)
    assert status(rig.engine, run, rig.at)["problems"] == []
    assert rig.engine.entry.armed


def test_a_restart_does_not_wait(rig: Rig) -> None:
    """A ledger that has its opening is compared, not opened again: it trades within a moment, whatever the lag."""
    rig.ready()
    slow = replace(RULES, account=rules(lag_s=D(300)).account)
    again = Rig(slow, venue=rig.venue, journal=rig.journal, at=rig.at)
    again.start()
    again.run(1)
    assert again.engine.entry.armed
    assert again.all(AnchorSet) == []


def test_no_hedge_opens_while_a_rebase_waits(rig: Rig) -> None:
    """However long an edge stands, the rebase has its quiet moment; then trading goes on."""
    rig.ready()
    rig.step(ev.OperatorRebased("ann", "a new month"))
    rig.show(RICH)
    assert rig.last() == ("anchoring",)
    rig.run(4)
    assert rig.all(HedgeOpened) == []
    rig.run(3)
    assert rig.all(AnchorSet)[-1].cause == "rebase"
    assert rig.all(HedgeOpened)


def test_a_crash_does_not_forget_a_rebase_that_waits(rig: Rig) -> None:
    """The next process does what was asked of the one that died; what had been done is not done again."""
    rig.ready()
    rig.step(ev.OperatorRebased("ann", "a new month"))
    again = Rig(venue=rig.venue, journal=rig.journal, at=rig.at)
    again.start()
    again.run(10)
    (anchor,) = again.all(AnchorSet)
    assert (anchor.cause, anchor.who, anchor.reason) == ("rebase", "ann", "a new month")
    third = Rig(venue=rig.venue, journal=again.journal, at=again.at)
    third.start()
    third.run(10)
    assert third.all(AnchorSet) == []


def test_a_rebase_that_waits_for_an_hour_is_dropped(rig: Rig) -> None:
    """Who asked had looked at balances of that hour: a process that comes back a day later asks again."""
    rig.ready()
    rig.step(ev.OperatorRebased("ann", "a new month"))
    day_ns = 86_400 * SECOND_NS
    later = ev.Moment(rig.at.mono_ns + day_ns, rig.at.utc_us + day_ns // 1000)
    again = Rig(venue=rig.venue, journal=rig.journal, at=later)
    again.start()
    again.run(10)
    assert again.all(AnchorSet) == []
    assert "rebase_undone" in again.alerts()


def test_a_rebase_asked_for_in_the_middle_of_a_reading_waits_as_well(rig: Rig) -> None:
    """A reading that began as a comparison has young balances: it does not become an opening."""
    rig.ready()
    before = sum(isinstance(each, Ask) and each.topic is Topic.BALANCES for each in rig.sent)
    while sum(isinstance(each, Ask) and each.topic is Topic.BALANCES for each in rig.sent) == before:
        rig.run("0.005")
    asked_ns = rig.at.mono_ns
    rig.step(ev.OperatorRebased("ann", "now"))
    while len(rig.all(AnchorSet)) == 1:
        rig.run("0.05")
    assert rig.at.mono_ns - asked_ns >= LAG_S * SECOND_NS


def test_a_fill_that_comes_while_a_rebase_waits_is_in_the_new_opening_or_after_it(rig: Rig) -> None:
    """The venue fills an order it had cancelled, between the balances and the last rows, and the row is late: those
    balances do not hold it, so they open nothing.
    """
    hedge(rig, sell=RESTS)
    rig.run(10)
    assert closed(rig).outcome == "one_sided"
    rig.venue.row_lag_s = D(60)
    rig.step(ev.OperatorRebased("ann", "as it is"))
    rig.run(3)
    rig.venue.fill(rig.venue.orders[1], D("0.01"), D(54_900))
    rig.run(15)
    anchor = rig.all(AnchorSet)[-1]
    assert anchor.cause == "rebase"
    assert {holding.currency: holding.total for holding in anchor.holdings}["BTC"] == rig.venue.totals["BTC"]
    rig.run(90)
    assert rig.state.agreed
    assert "ledger_difference" not in rig.alerts()
