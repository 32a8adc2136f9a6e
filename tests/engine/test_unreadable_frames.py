"""A frame of a book that nobody can read: what is held is outdated, and what is one-sided is left all the same."""

from __future__ import annotations

import pytest

from arbbot.domain import events as ev
from arbbot.domain.commands import ReplaceFeed, Topic
from arbbot.domain.exit_codes import ExitCode
from tests.engine.rig import ROUTE, D, Rig, book, rules
from tests.engine.scenes import RESTS, hedge


def unreadable(rig: Rig) -> None:
    """One of each market."""
    for symbol in ROUTE.symbols:
        rig.step(ev.FrameBad("unreadable", symbol))


@pytest.mark.parametrize(("every_s", "rest_ms"), [("0.1", 90), ("0.1", 200), ("0.5", 500), ("1", 1000)])
def test_a_leg_is_left_while_no_frame_can_be_read(every_s: str, rest_ms: int) -> None:
    """However often they come and however slowly REST answers: by its books, in the time that it takes with a feed."""
    rig = hedge(Rig(rules()), sell=RESTS)
    rig.feeding = False
    rig.slow_ms[Topic.BOOK] = rest_ms
    for _ in range(int(D(12) / D(every_s))):
        unreadable(rig)
        rig.run(every_s)
    assert len(rig.placed()) > 2
    assert rig.state.position == 0


def test_a_stop_ends_flat_while_no_frame_can_be_read() -> None:
    """What is one-sided is left, and the process leaves in order."""
    rig = hedge(Rig(rules()), sell=RESTS)
    rig.feeding = False
    rig.slow_ms[Topic.BOOK] = 200
    rig.step(ev.StopAsked("enough"))
    for _ in range(100):
        if rig.exit is None:
            unreadable(rig)
            rig.run("0.1")
    assert rig.exit is not None
    assert rig.exit.code == ExitCode.OK
    assert rig.state.position == 0


@pytest.mark.parametrize("waited_s", ["0.6", "7"])
def test_rest_does_not_confirm_rows_that_are_wrong_or_old(waited_s: str) -> None:
    """The held book has another stamp by now, or other rows: REST shows its stamp from a cache, or later with its own
    rows, and neither makes an edge of ours.
    """
    rig = Rig(rules()).ready()
    rig.feeding = False
    stamp = rig.at.utc_us + 10
    rig.venue.books["btceur"] = book("btceur", "54536", "54546", stamp=stamp)
    rig.engine.entry.cooldown_until_ns = rig.at.mono_ns + 4 * 10**8
    rig.step(ev.BookSeen(book("btceur", "55100", "55110", stamp=stamp), rig.epoch))
    rig.step(ev.FrameBad("book from diffs differs", "btceur"))
    rig.run(waited_s)
    rig.step(ev.BookSeen(book("btcusd", "59990", "60000", stamp=stamp + 1), rig.epoch))
    assert not rig.placed()


def test_a_feed_of_which_a_market_is_never_readable_is_replaced() -> None:
    """REST has newer books of it all the time: that is a stalled feed, though frames come; not at each of them."""
    rig = Rig(rules()).ready()
    rig.feeding = False
    for _ in range(300):
        rig.venue.books["btceur"] = book("btceur", "54536", "54546", stamp=rig.at.utc_us + 1)
        rig.step(ev.FrameBad("unreadable", "btceur"))
        rig.run("0.2")
    assert 0 < sum(isinstance(each, ReplaceFeed) for each in rig.sent) <= 20
