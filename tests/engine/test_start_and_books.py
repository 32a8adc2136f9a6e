"""Start-up, and every reason the market's side gives not to trade."""

from __future__ import annotations

from dataclasses import replace

import pytest

from arbbot.domain import events as ev
from arbbot.domain.book import Book
from arbbot.domain.commands import Ask, ReplaceFeed, Topic
from arbbot.domain.market import FeeRate
from arbbot.domain.records import AnchorSet
from arbbot.domain.signals import AskUnanswered, FeedChanged, FrameDropped
from arbbot.engine.refusal import Refusal
from arbbot.engine.state import State
from arbbot.engine.step import Engine
from tests.engine.rig import BTC_USD, KEY, ROUTE, RULES, D, Rig, book

RICH = ("btceur", "55100", "55110")
"""About 1 % above the domestic market."""


def asked(rig: Rig, topic: Topic) -> list[Ask]:
    """Questions put on one topic."""
    return [command for command in rig.sent if isinstance(command, Ask) and command.topic is topic]


def test_the_first_start_anchors_by_a_sandwich(rig: Rig) -> None:
    """Rows, balances, rows: then the ledger's opening is the venue's balances, and the gate opens."""
    rig.ready()
    ((anchor),) = rig.all(AnchorSet)
    assert anchor.cause == "opening"
    assert {holding.currency: holding.total for holding in anchor.holdings} == rig.venue.totals
    order = [command.topic for command in rig.sent if isinstance(command, Ask)]
    order = [topic for topic in order if topic in (Topic.TRANSACTIONS, Topic.BALANCES)]
    assert order[:3] == [Topic.TRANSACTIONS, Topic.BALANCES, Topic.TRANSACTIONS]
    assert asked(rig, Topic.TRANSACTIONS)[0].since_id is None


def test_the_opening_keeps_out_older_rows(rig: Rig) -> None:
    """What happened before the anchor is in its balances and is never booked again."""
    rig.venue.external(0, "USD", D(500))
    rig.ready().run(40)
    assert rig.own("USD") == 100_500
    assert rig.state.external_rows == 0


@pytest.mark.parametrize("topic", [Topic.MARKETS, Topic.FEES, Topic.OPEN_ORDERS, Topic.BALANCES, Topic.TRANSACTIONS])
def test_the_gate_waits_for_everything_start_up_reads(rig: Rig, topic: Topic) -> None:
    """While one of the readings fails nothing trades; once it comes, trading opens by itself."""
    rig.venue.failing = {topic}
    rig.start()
    rig.show(book(*RICH))
    rig.run(20)
    assert not rig.engine.entry.armed
    assert rig.placed() == []
    unread = topic in (Topic.BALANCES, Topic.TRANSACTIONS)
    assert rig.last() == ("anchoring" if unread else "recovering",)
    assert rig.all(AskUnanswered)
    rig.venue.failing = set()
    rig.run(10)
    assert rig.engine.entry.armed
    assert rig.placed()


def test_a_row_in_the_middle_of_the_sandwich_spoils_it(rig: Rig) -> None:
    """Balances read while a row came in between anchor nothing; the next quiet sandwich does."""
    rig.venue.external(0, "EUR", D(3))
    rig.start()
    while not asked(rig, Topic.BALANCES):
        rig.run("0.005")
    rig.run("0.015")
    rig.venue.external(0, "EUR", D(7))
    rig.run(11)
    ((anchor),) = rig.all(AnchorSet)
    assert dict((holding.currency, holding.total) for holding in anchor.holdings)["EUR"] == 100_010
    assert rig.state.external_rows == 0


def test_an_engine_refuses_unknown_owner_of_time() -> None:
    """A new engine decides nothing before it was started: a book frame leads to no command."""
    engine = Engine(ROUTE, RULES, State(), KEY)
    output = engine.step(ev.BookSeen(book(*RICH), 1), ev.Moment(1, 1))
    assert output.records == []
    assert output.commands == []


# --- books ------------------------------------------------------------------------------------------------------


def refused(rig: Rig, name: str) -> bool:
    """The last evaluation gave this refusal, and no order went out."""
    assert rig.placed() == []
    return name in rig.last()


def test_crossed_thin_bad_and_missing_books_are_each_refused_by_name(rig: Rig) -> None:
    """Each flaw of a book has its own refusal, and nothing is sent on it."""
    rig.ready()
    rig.show(book("btceur", "55100", "55090"))
    assert refused(rig, "crossed_book")
    rig.show(Book("btceur", 2**60, [], book(*RICH).asks))
    assert refused(rig, "crossed_book")
    rig.show(book(*RICH, levels=19, stamp=2**60 + 1))
    assert refused(rig, "thin_book")
    rig.show(book(*RICH, step="0", stamp=2**60 + 2, amount="0.001"))
    assert refused(rig, "bad_book")
    rig.epoch += 1
    rig.step(ev.FeedUp(rig.epoch))
    rig.step(ev.BookSeen(book(*RICH), rig.epoch))
    assert refused(rig, "no_book")


def test_a_silent_book_is_revalidated_by_rest_and_stays_fresh(rig: Rig) -> None:
    """Quiet is not stale: equal REST books keep a silent market tradable, for as long as it is silent."""
    rig.ready()
    rig.feeding = False
    rig.run(60)
    assert len(asked(rig, Topic.BOOK)) >= 3 * 5
    rig.step(ev.BookSeen(rig.venue.books["eurusd"], rig.epoch))
    assert rig.last() == ("below_threshold", "below_threshold")


def test_an_unconfirmed_book_is_stale(rig: Rig) -> None:
    """Where REST does not answer, a book older than the bound stops trading; the others are not enough."""
    rig.ready()
    rig.feeding = False
    rig.venue.failing = {Topic.BOOK}
    rig.run(11)
    rig.step(ev.BookSeen(rig.venue.books["eurusd"], rig.epoch))
    assert refused(rig, "stale_book")


def test_rest_disagreeing_with_a_live_feed_confirms_nothing(rig: Rig) -> None:
    """A newer REST book means that a frame is missing: the feed's book is left to go stale."""
    rig.ready()
    rig.feeding = False
    rig.venue.books["btceur"] = book(*RICH, stamp=rig.at.utc_us + 1)
    rig.run(11)
    assert rig.engine.core.view.foreign.book != rig.venue.books["btceur"]
    rig.step(ev.BookSeen(rig.venue.books["eurusd"], rig.epoch))
    assert refused(rig, "stale_book")
    rig.run(10)
    replaced = [command for command in rig.sent if isinstance(command, ReplaceFeed)]
    assert replaced
    assert {command.epoch for command in replaced} == {rig.epoch}


def test_frames_of_an_old_connection_or_of_the_past_change_nothing(rig: Rig) -> None:
    """A late frame of a closed connection, an older frame and an unknown market are ignored."""
    rig.ready()
    held = rig.engine.core.view.foreign.book
    for frame, epoch in (
        (book(*RICH), rig.epoch - 1),
        (book(*RICH), rig.epoch + 1),
        (book(*RICH, stamp=5), rig.epoch),
        (book("etheur", "1", "2"), rig.epoch),
    ):
        assert rig.engine.step(ev.BookSeen(frame, epoch), rig.at) == ([], [])
    assert rig.engine.core.view.foreign.book is held
    rig.step(ev.FeedUp(rig.epoch))
    rig.step(ev.FeedDown(rig.epoch - 1, "long gone"))
    assert rig.engine.core.view.foreign.book is held
    assert rig.engine.core.view.epoch == rig.epoch


def test_a_reconnected_feed_must_show_every_book_again(rig: Rig) -> None:
    """Between the loss of a connection and the last first frame on the next, nothing trades."""
    rig.ready()
    rig.feeding = False
    rig.step(ev.FeedDown(rig.epoch, "1006"))
    rig.venue.books["btceur"] = book(*RICH)
    rig.run(1)
    assert rig.engine.entry.blocked() is Refusal.FEED_DOWN
    assert rig.engine.step(ev.BookSeen(book(*RICH), rig.epoch), rig.at) == ([], [])
    rig.connect()
    assert len(rig.placed()) == 2
    assert [change.state for change in rig.all(FeedChanged)] == ["up", "down", "up"]


def test_a_bad_frame_is_counted_and_survived(rig: Rig) -> None:
    """It leaves a record and nothing else."""
    rig.ready()
    rig.step(ev.FrameBad("not JSON"))
    assert rig.all(FrameDropped) == [FrameDropped("not JSON")]
    rig.show(book(*RICH))
    assert rig.placed()


def test_a_book_that_cannot_be_believed_outdates_the_one_before(rig: Rig) -> None:
    """Its stamp is days after our clock, which may be wrong, and right at once: nothing trades on what is held until
    another book has come.
    """
    rig.ready()
    core = rig.engine.core
    held, asked = core.view.domestic.book, core.ask(Topic.BOOK, market="btcusd")
    assert held is not None
    rig.step(ev.FrameBad("stamped in the future", "btcusd"))
    rig.step(ev.BookFetched(asked, held))
    rig.step(ev.BookSeen(book(*RICH), rig.epoch))
    assert not rig.placed(), "what REST was asked before it says nothing either"
    rig.show(book(*RICH))
    assert rig.placed()


# --- witnesses, halts, fees -------------------------------------------------------------------------------------


def test_tickers_must_confirm_the_premium_first(rig: Rig) -> None:
    """Without tickers there is no trade; when they agree there is."""
    rig.venue.failing = {Topic.TICKER}
    rig.ready()
    rig.show(book(*RICH))
    assert refused(rig, "premium_unchecked")
    rig.venue.failing = set()
    rig.run(5)
    assert rig.placed()


def test_tickers_that_disagree_refuse_to_trade(rig: Rig) -> None:
    """A book premium that no ticker knows is not traded on, and the difference is told."""
    rig.ready()
    rig.step(ev.BookSeen(book("btceur", "54700", "54710", stamp=rig.at.utc_us + 1), rig.epoch))
    rig.feeding = False
    rig.run(31)
    assert rig.engine.premium.difference is not None
    assert rig.engine.premium.difference < D("-0.002")
    rig.step(ev.BookSeen(book(*RICH, stamp=rig.at.utc_us), rig.epoch))
    assert refused(rig, "premium_disagrees")


def test_a_nonsense_ticker_is_no_witness(rig: Rig) -> None:
    """Crossed, zero or foreign tickers are not taken."""
    rig.ready()
    before = rig.engine.premium.difference
    for market, bid, ask in (("btcusd", D(0), D(1)), ("btcusd", D(2), D(1)), ("etheur", D(1), D(2))):
        rig.step(ev.TickerFetched(0, market, bid, ask, bid))
    assert rig.engine.premium.difference == before


def test_a_halted_market_stops_hedges_until_it_trades_again(rig: Rig) -> None:
    """An announcement for the whole venue or one market stops, and is alerted once; a market list that says that all
    is well does not lift it unless it showed the halt before; a person's resume does.
    """
    rig.ready()
    rig.step(ev.MarketHalted(None, True, "maintenance"))
    rig.step(ev.MarketHalted("btcusd", True, "maintenance"))
    rig.show(book(*RICH))
    assert refused(rig, "market_halted")
    assert rig.alerts().count("market_halted") == 3
    rig.run(70)
    assert rig.placed() == []
    rig.step(ev.OperatorResumed("ann", "the venue trades"))
    rig.show()
    assert len(rig.placed()) == 2


def test_the_market_list_halts_and_releases(rig: Rig) -> None:
    """Trading off in `/markets/` stops hedges within a minute, trading on releases, changed rules need a restart."""
    rig.ready()
    rig.venue.halted = ("btceur",)
    rig.run(61)
    assert rig.engine.entry.blocked() is Refusal.MARKET_HALTED
    rig.venue.halted = ()
    rig.run(61)
    assert rig.engine.entry.blocked() is None
    rig.venue.instruments = (replace(BTC_USD, minimum_order_value=D(20)), *ROUTE.instruments[1:])
    rig.run(61)
    assert rig.engine.entry.blocked() is Refusal.MARKET_HALTED
    assert "restart" in rig.engine.core.view.halted["btcusd"]


def test_unknown_fees_are_no_fees(rig: Rig) -> None:
    """Rates for two markets of three do not open the gate."""
    del rig.venue.fees["eurusd"]
    rig.start()
    rig.run(8)
    assert not rig.engine.entry.armed
    rig.engine.entry.armed = True
    rig.show(book(*RICH))
    assert refused(rig, "no_fees")


def test_fees_are_read_again_and_change_the_verdict(rig: Rig) -> None:
    """A dearer tier turns a signal into a net-floor refusal: the bot says why it declines."""
    rig.ready()
    rig.venue.fees = dict.fromkeys(ROUTE.symbols, FeeRate(D("0.004"), D("0.004")))
    rig.run(301)
    rig.show(book(*RICH))
    assert refused(rig, "below_net_floor")
