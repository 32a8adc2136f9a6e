"""What the spike guard believes, rule by rule; each test sets one rule and leaves the others permissive."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arbbot.domain import events as ev
from arbbot.domain.book import Book
from arbbot.domain.commands import Ask, Topic
from arbbot.domain.mode import Mode
from arbbot.domain.records import HedgeOpened
from arbbot.engine.refusal import EXPLANATIONS, Refusal
from arbbot.engine.spike import MOST_SAMPLES, MedianPremium, sample_pause_ns
from arbbot.engine.view import NEVER
from tests.engine.rig import NS, D, Rig, book, even_books, fx_book, rules

MS = 1_000


def rich(rig: Rig, bid: str = "55100", age_us: int = 0) -> Book:
    """A EUR book one percent above fair, of this moment or a little older."""
    return book("btceur", bid, str(D(bid) + 10), stamp=rig.at.utc_us - age_us)


def fair(rig: Rig, symbol: str = "btceur") -> Book:
    """A book without an edge, of this moment."""
    held = even_books()[symbol]
    return Book(symbol, rig.at.utc_us, held.bids, held.asks)


def still(rig: Rig) -> Rig:
    """Make it ready, and let no frame come but those that a test sends."""
    rig.ready()
    rig.feeding = False
    return rig


def frame(rig: Rig, shown: Book) -> None:
    """The market changes to this book, and its frame arrives."""
    rig.venue.books[shown.symbol] = shown
    rig.step(ev.BookSeen(shown, rig.epoch))


def asked(rig: Rig, topic: Topic) -> int:
    """Questions put so far."""
    return sum(isinstance(each, Ask) and each.topic is topic for each in rig.sent)


# --- persistence --------------------------------------------------------------------------------------------------


@given(changes=st.integers(1, 5), wait_ms=st.integers(0, 900), gaps_ms=st.lists(st.integers(0, 400), max_size=12))
@settings(max_examples=60)
def test_nothing_opens_before_it_has_lasted(changes: int, wait_ms: int, gaps_ms: list[int]) -> None:
    """Whenever frames come, a hedge opens at the first of them by which both the changes and the time have passed."""
    rig = still(Rig(rules(persist_changes=changes, persist_s=D(wait_ms) / 1000)))
    waited_ms = 0
    for seen, gap_ms in enumerate([0, *gaps_ms], start=1):
        rig.run(D(gap_ms) / 1000)
        waited_ms += gap_ms
        frame(rig, rich(rig, age_us=-seen))
        due = seen >= changes and waited_ms >= wait_ms
        assert bool(rig.all(HedgeOpened)) is due
        if due:
            return
        assert rig.last()[0] == Refusal.NOT_PERSISTED


def test_the_same_book_again_is_no_change() -> None:
    """Sending a book once more says that it is still there, not that it changed."""
    rig = still(Rig(rules(persist_changes=2)))
    shown = rich(rig)
    for _ in range(5):
        frame(rig, shown)
    assert rig.all(HedgeOpened) == []
    frame(rig, rich(rig, age_us=-1))
    assert len(rig.all(HedgeOpened)) == 1


@pytest.mark.parametrize("blink", ["edge", "other direction", "feed", "pause"])
def test_what_was_not_there_all_the_time_starts_anew(blink: str) -> None:
    """Left for one frame, the other way round, or unwatched for a moment: counted from the beginning."""
    rig = still(Rig(rules(persist_changes=2)))
    frame(rig, rich(rig))
    rig.run("0.1")
    if blink == "edge":
        frame(rig, fair(rig))
    elif blink == "other direction":
        frame(rig, rich(rig, "53900"))
    elif blink == "feed":
        rig.step(ev.FeedDown(rig.epoch, "gone"))
        rig.connect()
        frame(rig, fair(rig))
    else:
        rig.step(ev.OperatorPaused("ann", "lunch"))
        frame(rig, rich(rig))
        rig.step(ev.OperatorResumed("ann", "back"))
    before = len(rig.all(HedgeOpened))
    rig.run("0.1")
    frame(rig, rich(rig))
    assert (len(rig.all(HedgeOpened)), before) == (0, 0)
    rig.run("0.1")
    frame(rig, rich(rig))
    assert len(rig.all(HedgeOpened)) == 1


def test_after_a_hedge_the_next_must_last_again() -> None:
    """What stood before a hedge does not count for the one after it."""
    rig = still(Rig(rules(persist_changes=3, cooldown_s=D("0.001"))))
    for _ in range(3):
        rig.run("0.01")
        frame(rig, rich(rig))
    assert len(rig.all(HedgeOpened)) == 1
    rig.run(3)
    assert rig.engine.entry.blocked() is None
    for _ in range(2):
        rig.run("0.01")
        frame(rig, rich(rig))
    assert len(rig.all(HedgeOpened)) == 1
    rig.run("0.01")
    frame(rig, rich(rig))
    assert len(rig.all(HedgeOpened)) == 2


# --- the median ---------------------------------------------------------------------------------------------------


def test_too_few_samples_refuse_and_say_so() -> None:
    """Two samples a second; until there are enough nothing is believed, and `blocked` names it."""
    rig = still(Rig(rules(median_samples=21)))
    assert rig.engine.entry.blocked() is Refusal.MEDIAN_UNKNOWN
    frame(rig, rich(rig))
    assert rig.last()[0] == Refusal.MEDIAN_UNKNOWN
    frame(rig, fair(rig))
    rig.run(3)
    assert rig.engine.entry.blocked() is None
    frame(rig, rich(rig))
    assert len(rig.all(HedgeOpened)) == 1


def test_no_samples_are_taken_of_books_nobody_would_trade_on() -> None:
    """A dead feed leaves the window to run empty, and then refuses."""
    rig = still(Rig(rules(median_window_s=D(5))))
    rig.step(ev.FeedDown(rig.epoch, "gone"))
    rig.run(4)
    assert len(rig.engine.guard.median) > 0
    rig.run(2)
    assert len(rig.engine.guard.median) == 0
    assert rig.engine.guard.blocked(rig.at.mono_ns) is Refusal.MEDIAN_UNKNOWN


@pytest.mark.parametrize(("bid", "opens"), [("55500", False), ("55100", True), ("53000", False), ("53900", True)])
def test_far_from_the_median_is_a_spike_until_it_lasts(bid: str, opens: bool) -> None:
    """Either way: 1 % away passes a limit of 1.5 %, and 2-3 % does not, until half of the window looks like it."""
    rig = still(Rig(rules(median_distance=D("0.015"), median_window_s=D(8), median_samples=4)))
    rig.run(6)
    rig.show()
    frame(rig, rich(rig, bid))
    assert bool(rig.all(HedgeOpened)) is opens
    if not opens:
        assert rig.last()[0 if D(bid) > 54_545 else 1] == Refusal.FAR_FROM_MEDIAN
        for _ in range(6):
            rig.run(1)
            frame(rig, rich(rig, bid))
        assert rig.all(HedgeOpened)


@given(st.lists(st.tuples(st.integers(0, 2 * NS), st.integers(-500, 500)), max_size=60), st.integers(1, 20))
def test_the_median_is_that_of_the_window(steps: list[tuple[int, int]], window_s: int) -> None:
    """At any time it is the middle of the samples not older than the window, None without any."""
    median, now_ns, kept = MedianPremium(window_s * NS), 0, list[tuple[int, int]]()
    for step_ns, premium in steps:
        now_ns += step_ns
        due = median.tick(now_ns)
        kept = [each for each in kept if each[0] >= now_ns - window_s * NS]
        assert due is (not kept or now_ns >= kept[-1][0] + sample_pause_ns(window_s * NS))
        if due:
            median.add(now_ns, D(premium))
            kept.append((now_ns, premium))
        ordered = sorted(each for _, each in kept)
        middle = len(ordered) // 2
        assert len(median) == len(kept)
        assert median.value == (D(ordered[middle] + ordered[-middle - 1]) / 2 if ordered else None)


@pytest.mark.parametrize("window_s", [1, 300, 3600, 86_400])
def test_its_memory_is_bounded(window_s: int) -> None:
    """However long the window, there are never more samples than the most, plus the one on either edge."""
    median, now_ns = MedianPremium(window_s * NS), NEVER
    pause_ns = sample_pause_ns(window_s * NS)
    for _ in range(3 * MOST_SAMPLES):
        now_ns += pause_ns
        if median.tick(now_ns):
            median.add(now_ns, D(1))
    assert len(median) <= MOST_SAMPLES + 1


# --- too good, and skewed -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ceiling", "opens"), [("0.0101", True), ("0.0100", False)])
def test_what_is_too_good_is_disbelieved(ceiling: str, opens: bool) -> None:
    """A gross edge at the touch of 1.0167 % less fees passes just below, and not above, the ceiling."""
    rig = still(Rig(rules(max_gross=D(ceiling))))
    frame(rig, rich(rig, "55095"))
    assert bool(rig.all(HedgeOpened)) is opens
    if not opens:
        assert rig.last()[0] == Refusal.TOO_GOOD


def test_a_quiet_book_is_confirmed_by_one_question() -> None:
    """Nothing has moved in the other markets for seconds: REST shows it, and the next frame opens."""
    rig = still(Rig(rules(max_skew_s=D("0.5"))))
    rig.run(2)
    books = asked(rig, Topic.BOOK)
    frame(rig, rich(rig))
    assert rig.last()[0] == Refusal.BOOKS_SKEWED
    assert asked(rig, Topic.BOOK) == books + 2
    rig.run("0.05")
    frame(rig, rich(rig))
    assert len(rig.all(HedgeOpened)) == 1
    assert asked(rig, Topic.BOOK) == books + 2


def test_a_lagging_feed_makes_no_signal() -> None:
    """Both markets rise by one percent; the dollar frames come two seconds late. REST and stamps know better."""
    rig = still(Rig(rules(max_skew_s=D("0.5"))))
    rig.run(2)
    risen = "60600"
    for step in range(20):
        now_us = rig.at.utc_us
        rig.venue.books["btcusd"] = book("btcusd", risen, str(D(risen) + 10), stamp=now_us)
        late = fair(rig, "btcusd")
        late.microtimestamp = now_us - 2_000 * MS
        rig.step(ev.BookSeen(late, rig.epoch))
        frame(rig, rich(rig))
        frame(rig, Book("eurusd", now_us, fx_book().bids, fx_book().asks))
        assert rig.last()[0] == Refusal.BOOKS_SKEWED, step
        rig.run("0.1")
    frame(rig, rig.venue.books["btcusd"])
    assert rig.all(HedgeOpened) == []
    assert rig.last() == (Refusal.BELOW_THRESHOLD, Refusal.BELOW_THRESHOLD)


def test_a_short_lag_is_outlasted() -> None:
    """Stamps of a feed less late than the skew look current; its edges end before they have lasted long enough."""
    rig = still(Rig(rules(max_skew_s=D("0.5"), persist_s=D("0.5"))))
    rig.run(2)
    for step in range(12):
        now_us = rig.at.utc_us
        seen = fair(rig, "btcusd") if step < 4 else book("btcusd", "60600", "60610")
        seen.microtimestamp = now_us - 400 * MS
        rig.step(ev.BookSeen(seen, rig.epoch))
        frame(rig, rich(rig))
        frame(rig, Book("eurusd", now_us, fx_book().bids, fx_book().asks))
        assert rig.last()[0] == (Refusal.NOT_PERSISTED if step < 4 else Refusal.BELOW_THRESHOLD), step
        rig.run("0.1")


def test_what_rest_showed_of_one_book_says_nothing_of_the_next() -> None:
    """A confirmed book is followed by one with an old stamp: the feed began to lag, and the signal is refused."""
    rig = still(Rig(rules(max_skew_s=D("0.5"), persist_changes=3)))
    rig.run(2)
    frame(rig, rich(rig))
    rig.run("0.05")
    frame(rig, rich(rig))
    assert rig.last()[0] == Refusal.NOT_PERSISTED
    late = fair(rig, "btcusd")
    late.microtimestamp -= 1_000 * MS
    rig.step(ev.BookSeen(late, rig.epoch))
    frame(rig, rich(rig, age_us=-1))
    assert rig.last()[0] == Refusal.BOOKS_SKEWED


def test_a_question_that_fails_is_put_again() -> None:
    """As long as the edge stands and the book stays quiet, every half second."""
    rig = still(Rig(rules(max_skew_s=D("0.5"))))
    rig.run(2)
    rig.venue.failing = {Topic.BOOK}
    books = asked(rig, Topic.BOOK)
    frame(rig, rich(rig))
    rig.run("1.1")
    assert asked(rig, Topic.BOOK) >= books + 3 * 2
    rig.venue.failing = set()
    rig.run("0.6")
    frame(rig, rich(rig))
    assert len(rig.all(HedgeOpened)) == 1


def test_books_that_change_together_need_no_question() -> None:
    """In a lively market stamps alone show that every book is as new as the edge."""
    rig = still(Rig(rules(max_skew_s=D("0.5"))))
    rig.run("0.3")
    rig.show()
    books = asked(rig, Topic.BOOK)
    frame(rig, rich(rig))
    assert len(rig.all(HedgeOpened)) == 1
    assert asked(rig, Topic.BOOK) == books


# --- the conversion rate ------------------------------------------------------------------------------------------


def test_the_fx_book_is_held_against_the_venues_own_rate() -> None:
    """Within the tolerance all is well; a book further away refuses at once, whoever of the two moved."""
    rig = still(Rig(rules(rate_tolerance=D("0.003"))))
    assert rig.engine.entry.blocked() is None
    assert rig.engine.guard.conversion.difference() == 0
    rig.step(ev.ConversionRateFetched(0, "eurusd", D("1.1000"), D("1.0920")))
    assert rig.engine.entry.blocked() is Refusal.RATE_DISAGREES
    frame(rig, rich(rig))
    assert rig.last()[0] == Refusal.RATE_DISAGREES
    rig.step(ev.ConversionRateFetched(0, "eurusd", D("1.1044"), D("1.0960")))
    assert rig.engine.entry.blocked() is None
    frame(rig, Book("eurusd", rig.at.utc_us, fx_book("1.1041", "1.1042").bids, fx_book("1.1041", "1.1042").asks))
    assert rig.last()[0] == Refusal.RATE_DISAGREES


@pytest.mark.parametrize("lie", [("btcusd", "1.1", "1.1"), ("eurusd", "0", "0"), ("eurusd", "1.0", "1.1")])
def test_what_is_no_rate_is_not_taken(lie: tuple[str, str, str]) -> None:
    """Another market's, zero, or the two sides swapped: the last good answer stands."""
    rig = still(Rig(rules(rate_tolerance=D("0.003"))))
    rig.step(ev.ConversionRateFetched(0, lie[0], D(lie[1]), D(lie[2])))
    assert rig.engine.guard.conversion.difference() == 0


def test_an_unchecked_or_old_rate_refuses_until_it_is_answered() -> None:
    """Nothing is believed without it; asked every two seconds while missing, in turns when good; old counts as none."""
    rig = Rig(rules(rate_max_age_s=D(40)))
    rig.venue.failing = {Topic.CONVERSION_RATE}
    rig.start()
    rig.run(7)
    assert rig.engine.entry.blocked() is Refusal.RATE_UNCHECKED
    assert 3 <= asked(rig, Topic.CONVERSION_RATE) <= 4
    rig.venue.failing = set()
    rig.run(3)
    assert rig.engine.entry.blocked() is None
    so_far = asked(rig, Topic.CONVERSION_RATE)
    rig.run(25)
    assert asked(rig, Topic.CONVERSION_RATE) == so_far
    rig.venue.failing = {Topic.CONVERSION_RATE}
    rig.run(15)
    assert rig.engine.entry.blocked() is Refusal.RATE_UNCHECKED


def test_without_a_feed_nothing_is_asked() -> None:
    """Before the feed is up, and after it is gone, no rate is asked for."""
    rig = Rig()
    rig.run(5)
    assert asked(rig, Topic.CONVERSION_RATE) == 0


# --- as a whole ---------------------------------------------------------------------------------------------------


def test_switched_off_it_asks_and_refuses_nothing() -> None:
    """Every signal opens at once, whatever the other figures say."""
    rig = still(Rig(rules(enabled=False, persist_changes=99, median_samples=99, max_gross=D(0), max_skew_s=D(0))))
    rig.run(2)
    frame(rig, rich(rig))
    assert len(rig.all(HedgeOpened)) == 1
    assert asked(rig, Topic.CONVERSION_RATE) == 0
    assert len(rig.engine.guard.median) == 0


def test_a_route_without_a_rate_can_leave_the_check_out() -> None:
    """Only that one rule: the others stand."""
    rig = still(Rig(rules(check_rate=False, persist_changes=2)))
    assert asked(rig, Topic.CONVERSION_RATE) == 0
    frame(rig, rich(rig))
    assert rig.last()[0] == Refusal.NOT_PERSISTED


def test_a_refused_signal_stays_counted_and_explained() -> None:
    """Every refusal of the guard has words of its own; a mode still comes first."""
    rig = still(Rig(rules(persist_changes=2)))
    frame(rig, rich(rig))
    assert rig.refusals()[Refusal.NOT_PERSISTED] == 1
    assert len({EXPLANATIONS[each] for each in Refusal}) == len(Refusal)
    rig.step(ev.OperatorHalted("ann", "enough"))
    assert rig.mode() is Mode.HALTED
    assert rig.engine.entry.blocked() is Refusal.HALTED
