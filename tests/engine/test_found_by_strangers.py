"""Defects that readers with fresh eyes found, each as the promise it broke."""

from __future__ import annotations

import pytest

from arbbot.domain import events as ev
from arbbot.domain.book import Book
from arbbot.domain.commands import Ask, Topic
from arbbot.domain.market import Side
from arbbot.domain.mode import Mode
from arbbot.domain.order import OrderReport, Purpose, VenueOrderStatus
from arbbot.domain.records import AnchorSet, FillBooked
from arbbot.domain.trips import LimitTripped
from tests.engine.played_venue import Play
from tests.engine.rig import NS, ROUTE, D, Rig, book, even_books, rules
from tests.engine.scenes import RESTS, RICH, hedge


@pytest.mark.parametrize("silent", ROUTE.symbols)
def test_a_book_that_stays_silent_holds_no_leg_open(rig: Rig, silent: str) -> None:
    """After an exit of which nothing filled the next goes out, or a person is told, whichever market has gone quiet."""
    rig.ready()
    rig.venue.plays = {(Purpose.LEG, Side.SELL): [Play(reply="refuse")]}
    for purpose in (Purpose.COMPLETE, Purpose.UNWIND):
        rig.venue.plays[(purpose, Side.SELL)] = [Play(fill=D(0))]
    rig.show(book("btceur", "55100", "55110", stamp=rig.at.utc_us))
    rig.feeding = False
    rig.venue.failing = {Topic.BOOK}
    end_ns = rig.at.mono_ns + 60 * NS
    while rig.at.mono_ns < end_ns:
        rig.run(1)
        for symbol in set(ROUTE.symbols) - {silent}:
            held = rig.venue.books[symbol]
            rig.venue.books[symbol] = Book(symbol, rig.at.utc_us, held.bids, held.asks)
            rig.step(ev.BookSeen(rig.venue.books[symbol], rig.epoch))
    assert rig.state.open_hedge_id is None or "leg_open" in rig.alerts()


def test_a_reply_about_another_order_books_nothing(rig: Rig) -> None:
    """`order_status` that names another order's venue id is a contradiction; its fills are that order's."""
    rig.ready()
    rig.venue.plays = {(Purpose.LEG, Side.SELL): [Play(fill=D("0.02"))]}
    rig.show(RICH)
    rig.run(12)
    first, second, *_ = [order for order in rig.venue.orders if order.terms.side is Side.SELL]
    position, fills = rig.state.position, len(rig.all(FillBooked))
    report = OrderReport(second.venue_order_id, None, VenueOrderStatus.FINISHED, D(0), tuple(second.fills))
    rig.step(ev.OrderReported(99_999, first.terms.client_order_id, None, report))
    assert (rig.state.position, len(rig.all(FillBooked))) == (position, fills)
    assert "order_contradiction" in rig.alerts()
    assert rig.mode() is Mode.HALTED


def test_a_stop_does_the_rebase_that_waits(rig: Rig) -> None:
    """A person who asked for a new opening gets it before the process leaves."""
    rig.ready()
    rig.step(ev.OperatorRebased("ann", "a withdrawal"))
    rig.run(2)
    rig.step(ev.StopAsked("SIGTERM"))
    rig.run(60)
    assert rig.exit is not None
    assert rig.exit.code == 0
    assert [anchor.cause for anchor in rig.all(AnchorSet)] == ["opening", "rebase"]


def test_a_rebase_that_could_not_be_done_is_told(rig: Rig) -> None:
    """When the grace is over first, a person hears that it has to be asked for again; the next process does not do it
    on its own.
    """
    rig.ready()
    rig.venue.failing = {Topic.BALANCES}
    rig.step(ev.OperatorRebased("ann", "a withdrawal"))
    rig.step(ev.StopAsked("SIGTERM"))
    rig.run(60)
    assert rig.exit is not None
    assert "rebase_undone" in rig.alerts()
    rig.venue.failing = set()
    again = Rig(venue=rig.venue, journal=rig.journal, at=rig.at).ready()
    assert again.all(AnchorSet) == []


def test_balances_that_nobody_asks_for_are_not_unread(rig: Rig) -> None:
    """One failure before a long doubt and one after it are two failures, not one that lasted as long as the doubt."""
    rig.ready()
    rig.venue.failing = {Topic.BALANCES}
    known = len(rig.sent)
    while not _asked(rig, known):
        rig.run("0.01")
    rig.run("0.02")
    rig.venue.failing = set()
    rig.venue.plays = {(Purpose.LEG, Side.SELL): [Play(reply="lost", taken=False)]}
    rig.show(RICH)
    rig.show(*even_books().values())
    began_ns, known = rig.at.mono_ns, len(rig.sent)
    while not _asked(rig, known):
        rig.venue.failing = {Topic.BALANCES}
        rig.run("0.25")
    assert rig.at.mono_ns - began_ns > 120 * NS, "a lost order keeps the account from being quiet"
    rig.run("0.3")
    rig.venue.failing = set()
    rig.run(5)
    assert "account_unread" not in rig.alerts()


def test_who_looks_before_the_start_does_not_age_the_open_hedge() -> None:
    """A page that asks before the first event must not make the machine's uptime the time one-sided."""
    rig = hedge(Rig(rules(unhedged_s=D(100), exit_loss=D(0), forced_exit_loss=D(0))), sell=RESTS)
    long_up = ev.Moment(36_000 * NS, rig.at.utc_us + 10_000_000)
    again = Rig(rig.rules, venue=rig.venue, journal=rig.journal, at=long_up)
    assert [each.measured for each in again.engine.limits.measures() if each.name == "unhedged_s"] == [D(0)]
    again.start()
    again.run(1)
    assert again.all(LimitTripped) == []


def _asked(rig: Rig, known: int) -> bool:
    """Whether balances were asked for since."""
    return any(isinstance(each, Ask) and each.topic is Topic.BALANCES for each in rig.sent[known:])
