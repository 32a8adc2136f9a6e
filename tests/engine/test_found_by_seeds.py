"""Defects that simulated lives found, each kept as the promise it broke, with the seed that showed it."""

from __future__ import annotations

import pytest

from arbbot.domain import events as ev
from arbbot.domain.commands import Topic
from arbbot.domain.mode import Mode
from arbbot.domain.order import Balance, OrderState
from arbbot.domain.records import AnchorSet, Discrepancy, HedgeClosed, StatementAgreed
from tests.engine.conftest import MakeRig
from tests.engine.played_venue import PlayedVenue
from tests.engine.rig import ROUTE, D, Rig, book, even_books, rules
from tests.engine.scenes import RESTS, closed, hedge


def test_a_rebase_does_not_book_the_late_rows_of_fills_it_contains(make_rig: MakeRig) -> None:
    """Balances show a fill at once, its row seconds later: the new opening has it, so its row is not booked again
    (seed 142).
    """
    rig = make_rig()
    rig.venue.row_lag_s = D(4)
    hedge(rig)
    rig.run(1)
    assert closed(rig).outcome == "completed"
    assert rig.state.unconfirmed
    rig.step(ev.OperatorRebased("ann", "as it is"))
    rig.run(60)
    assert [anchor.cause for anchor in rig.all(AnchorSet)] == ["opening", "rebase"]
    assert rig.all(Discrepancy) == []
    assert rig.mode() is Mode.ACTIVE


def test_rows_rounded_and_balances_cut_to_the_same_digits_agree() -> None:
    """A fill rounded up in its row and cut in the balance is a whole displayed unit apart, and no reason to halt
    (seed 145).
    """
    rig = Rig(rules(target_size=D("0.00512345")), venue=PlayedVenue(ROUTE, even_books(), D(0)))
    rig.venue.row_decimals = rig.venue.balance_decimals = 2
    rig.venue.totals["USD"] = D("100000.00999")
    rig.ready()
    rig.show(book("btceur", "55100", "55110", stamp=2**55))
    rig.run("0.1")
    rig.show(book("btceur", "54536", "54546", stamp=2**55 + 1))
    rig.run(60)
    assert closed(rig).outcome == "completed"
    assert rig.mode() is Mode.ACTIVE
    (agreed,) = rig.all(StatementAgreed)
    assert {line.currency: line.rounding for line in agreed.currencies}["USD"] == D("0.01")


def test_a_forced_exit_takes_what_a_thin_book_has(rig: Rig) -> None:
    """No book is deep enough for all of it: what there is within the cap is taken, again and again, until at most dust
    is left (seed 13).
    """
    hedge(rig, sell=RESTS)
    rig.show(
        book("btcusd", "59990", "60000", levels=20, amount="0.001", stamp=2**56),
        book("btceur", "54536", "54546", levels=20, amount="0.001", stamp=2**56),
    )
    rig.run(90)
    assert closed(rig).outcome == "one_sided"
    assert abs(rig.state.position) < D("0.0005")


@pytest.mark.parametrize("acknowledged", [False, True])
def test_a_reply_that_names_an_earlier_order_is_a_doubt(rig: Rig, *, acknowledged: bool) -> None:
    """The reply to an earlier request, told again: an error that names its order says nothing of this one; a word that
    the venue took it as that one is a contradiction, and a doubt that ends by the venue's own lists (seed 6607).
    """
    hedge(rig)
    rig.run(10)
    earlier = next(iter(rig.state.order_by_venue_id))
    rig.show(book("btceur", "55100", "55110", stamp=2**55 + 2))
    name = list(rig.state.orders)[-1]
    told = ev.OrderAcked(name, earlier) if acknowledged else ev.OrderUnanswered(name, "500.016: timed out", earlier)
    rig.step(told)
    assert rig.state.orders[name].state is OrderState.IN_DOUBT
    assert rig.state.orders[name].venue_order_id is None
    rig.run(60)
    assert rig.state.orders[name].state is OrderState.FILLED
    assert [each.outcome for each in rig.all(HedgeClosed)][:2] == ["completed", "completed"]
    assert ("order_contradiction" in rig.alerts()) is acknowledged


def test_balances_that_a_later_answer_overtook_are_not_taken(rig: Rig) -> None:
    """What is available is what was asked for last: a reply that comes half a minute late is old (seed 9196)."""
    rig.ready()
    first = rig.engine.core.ask(Topic.BALANCES)
    second = rig.engine.core.ask(Topic.BALANCES)
    poor = tuple(Balance(currency, D(1), D(1), D(0)) for currency in ROUTE.currencies)
    rich = tuple(Balance(currency, D(9), D(9), D(0)) for currency in ROUTE.currencies)
    rig.step(ev.BalancesFetched(second, poor))
    rig.step(ev.BalancesFetched(first, rich))
    assert {rig.engine.entry.available[currency] for currency in ROUTE.currencies} == {D(1)}
    assert rig.engine.books.balances[ROUTE.numeraire].total == D(1)


@pytest.mark.parametrize("before_ms", [0, 1])
def test_what_rest_was_asked_before_a_subscription_is_no_way_out(rig: Rig, before_ms: int) -> None:
    """A REST book that was asked for before the last subscription, answered before it or after, is a book from before
    it: nothing is left on it (seeds 40000071 and 40000176).
    """
    rig.ready()
    view, asked_ns = rig.engine.core.view, rig.at.mono_ns - before_ms * 10**6
    newer = book("btceur", "54600", "54610", stamp=2**60)
    rig.step(ev.FeedDown(rig.epoch, "1006"))
    view.fetched(newer, asked_ns)
    assert view.exit_book("btceur", rig.at.mono_ns) is newer
    rig.epoch += 1
    rig.step(ev.FeedUp(rig.epoch))
    assert view.exit_book("btceur", rig.at.mono_ns) is None
    view.fetched(newer, asked_ns)
    assert (view.exit_book("btceur", rig.at.mono_ns) is None) is (before_ms > 0)
    rig.show()
    view.fetched(newer, rig.at.mono_ns)
    assert view.exit_book("btceur", rig.at.mono_ns) is newer
    rig.epoch += 1
    rig.step(ev.FeedUp(rig.epoch))
    assert view.exit_book("btceur", rig.at.mono_ns) is None


@pytest.mark.parametrize("late", ["frame", "stamp"])
def test_a_book_that_cannot_be_confirmed_outdates_what_rest_had_shown(rig: Rig, late: str) -> None:
    """A frame that seems late, or seems to come from the future, is newer than the REST book before it: nothing is left
    on that one, until REST or a frame shows what is there now.
    """
    rig.ready()
    view, now_ns = rig.engine.core.view, rig.at.mono_ns
    rest = book("btceur", "54600", "54610", stamp=rig.at.utc_us + 1)
    view.fetched(rest, now_ns)
    assert view.exit_book("btceur", now_ns) is rest
    after = book("btceur", "54500", "54510", stamp=rig.at.utc_us + 2)
    if late == "frame":
        rig.step(ev.VenueClockSeen(60_000))
        rig.step(ev.BookSeen(after, rig.epoch))
    else:
        rig.step(ev.FrameBad("stamped in the future", "btceur"))
    assert view.exit_book("btceur", now_ns) is None
    view.fetched(rest, now_ns)
    assert view.exit_book("btceur", now_ns) is None, "asked for before"
    view.fetched(after, now_ns + 1)
    assert view.exit_book("btceur", now_ns + 1) == after
