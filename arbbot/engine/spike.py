"""The spike guard ("anti-wick"): is this edge a price, or an accident of one book?

A signal that passes every other rule must also

* have *persisted*: its touch edge reached the threshold and has not been seen below it since, over so many changes of
  the route's books and so long a time. While something else forbids trading nobody watches, so watching starts anew;
* lie near the rolling *median* of the premium (sampled between frames, at a bounded rate). Too few samples refuse;
* not be *too good*: a gross edge above a ceiling is disbelieved;
* not rest on books that are *skewed in time* (below);
* be priced at an FX book near the venue's own conversion *rate* (see `conversion`).

Skew. Quiet is not stale: books are sent only on change, so the age of a book says nothing by itself. What must not
happen is that one book has seen a move of which another has not been told yet. So every book must show that it is no
older than the newest of the three: by a venue time stamp at most `max_skew_s` before that one's, or, where it is quiet,
by REST having shown the very same book in answer to a question put after the edge appeared. A quiet market costs one
question an edge; a feed that lags behind has old stamps and differs from REST, and refuses for as long as it lags. A
lag shorter than `max_skew_s` makes edges that last no longer than it does: so `persist_s` may not be shorter.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass
from decimal import Decimal

from arbbot.domain.commands import Topic
from arbbot.domain.grounds import Grounds
from arbbot.domain.market import Direction
from arbbot.domain.money import BPS, ONE
from arbbot.engine.conversion import ConversionCheck
from arbbot.engine.core import Core, ns
from arbbot.engine.refusal import Refusal
from arbbot.engine.spread import Triangle, exceeds
from arbbot.engine.view import BookSlot

SAMPLE_EVERY_NS = 500_000_000
"""The premium is sampled at most this often."""
MOST_SAMPLES = 1_000
"""Of one window; where it is too long for that, the pauses between them are longer."""
ASK_EVERY_NS = 500_000_000
"""REST is asked about a quiet book at most this often while an edge stands."""

BPS_STEP = Decimal("0.0001")
"""Of figures that are journaled but not decided on."""

_BUY_DOMESTIC = Direction.BUY_DOMESTIC
"""Looked up once: a member's name costs more than the comparison it is for."""


@dataclass(slots=True)
class Standing:
    """An edge at the threshold or beyond, since it was first seen there."""

    since_ns: int
    stamps: int
    """The sum of the three books' venue times, as last seen: it is another when a book is."""
    changes: int = 1
    """Changes of the books that showed it, the one that made it included."""


class MedianPremium:
    """The median of the premium over a window. Samples are kept in order of value too: none costs a sort."""

    def __init__(self, window_ns: int) -> None:
        self._window_ns = window_ns
        self._pause_ns = sample_pause_ns(window_ns)
        self._samples: deque[tuple[int, Decimal]] = deque()
        self._ordered: list[Decimal] = []

    def __len__(self) -> int:
        return len(self._samples)

    @property
    def value(self) -> Decimal | None:
        """The median; None without samples."""
        middle = len(self._ordered) // 2
        return (self._ordered[middle] + self._ordered[~middle]) / 2 if self._ordered else None

    def tick(self, now_ns: int) -> bool:
        """Forget what has left the window; True when a sample is due."""
        samples, oldest_ns = self._samples, now_ns - self._window_ns
        while samples and samples[0][0] < oldest_ns:
            _, premium = samples.popleft()
            del self._ordered[bisect_left(self._ordered, premium)]
        return not samples or now_ns >= samples[-1][0] + self._pause_ns

    def add(self, now_ns: int, premium: Decimal) -> None:
        """Take a sample."""
        self._samples.append((now_ns, premium))
        insort(self._ordered, premium)


def sample_pause_ns(window_ns: int) -> int:
    """Between two samples of the premium."""
    return max(SAMPLE_EVERY_NS, window_ns // MOST_SAMPLES)


class SpikeGuard:
    """Watches both directions' edges for `Entry`, which tells it of each judged set of books."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._view = core.view
        self._rules = core.rules.spike
        self._persist_ns = ns(self._rules.persist_s)
        self._skew_us = ns(self._rules.max_skew_s) // 1000
        self.median = MedianPremium(ns(self._rules.median_window_s))
        self.conversion = ConversionCheck(core)
        self._buy_domestic: Standing | None = None
        self._buy_foreign: Standing | None = None

    # --- between frames ------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Sample the premium, and ask what is to be asked, each when due."""
        core, now_ns = self._core, self._core.at.mono_ns
        if not self._rules.enabled:
            return
        self.conversion.tick()
        for standing in (self._buy_domestic, self._buy_foreign):
            if standing is not None:
                self._ask_the_quiet(standing)
        if self.median.tick(now_ns) and core.view.refusal(now_ns) is None:
            premium = core.view.premium()
            assert premium is not None, "the books were just found tradable"
            self.median.add(now_ns, premium)

    def blocked(self, now_ns: int) -> Refusal | None:
        """What refuses every signal, however it looks."""
        if not self._rules.enabled:
            return None
        refusal = self.conversion.refusal(now_ns)
        if refusal is not None:
            return refusal
        return Refusal.MEDIAN_UNKNOWN if len(self.median) < self._rules.median_samples else None

    # --- on frames that show an edge -----------------------------------------------------------------------

    def reached(self, direction: Direction) -> None:
        """The touch edge of this direction is at the threshold or beyond, by the books as they are now."""
        domestic, foreign, fx = self._view.domestic.book, self._view.foreign.book, self._view.fx.book
        assert domestic is not None, "an edge takes three books"
        assert foreign is not None
        assert fx is not None
        stamps = domestic.microtimestamp + foreign.microtimestamp + fx.microtimestamp
        standing = self._buy_domestic if direction is _BUY_DOMESTIC else self._buy_foreign
        if standing is None:
            self._began(direction, stamps)
        elif stamps != standing.stamps:
            standing.stamps = stamps
            standing.changes += 1

    def _began(self, direction: Direction, stamps: int) -> None:
        if not self._rules.enabled:
            return
        standing = Standing(self._core.at.mono_ns, stamps)
        if direction is _BUY_DOMESTIC:
            self._buy_domestic = standing
        else:
            self._buy_foreign = standing
        self._ask_the_quiet(standing)

    def left(self, direction: Direction) -> None:
        """It is not."""
        if direction is _BUY_DOMESTIC:
            self._buy_domestic = None
        else:
            self._buy_foreign = None

    def forget(self) -> None:
        """Neither is, or nobody watches: something else forbids trading, or a hedge is open."""
        self._buy_domestic = self._buy_foreign = None

    def _ask_the_quiet(self, standing: Standing) -> None:
        """Put to REST every book that is not shown to be as new as the newest."""
        core = self._core
        for slot in self._behind(standing):
            if core.at.mono_ns >= slot.asked_ns + ASK_EVERY_NS:
                slot.asked_ns = core.at.mono_ns
                core.ask(Topic.BOOK, market=slot.symbol)

    def _behind(self, standing: Standing) -> list[BookSlot]:
        """The books that may not have seen what the newest has."""
        shown = [(slot, slot.book) for slot in self._core.view.slots.values() if slot.book is not None]
        oldest = max(book.microtimestamp for _, book in shown) - self._skew_us
        return [
            slot
            for slot, book in shown
            if book.microtimestamp < oldest and not (slot.unchanged is book and slot.unchanged_ns >= standing.since_ns)
        ]

    def refusal(self, triangle: Triangle) -> Refusal | None:
        """Why a signal that `reached` is not believed, or None."""
        core, rules = self._core, self._rules
        if not rules.enabled:
            return None
        touch = triangle.touch()
        if exceeds(touch.out, touch.paid, rules.max_gross):
            return Refusal.TOO_GOOD
        refusal = self.blocked(core.at.mono_ns)
        if refusal is not None:
            return refusal
        over, under = (touch.out, touch.paid)
        if triangle.direction is not _BUY_DOMESTIC:
            over, under = under, over
        middle = self.median.value
        if middle is None or abs(over / under - ONE - middle) > rules.median_distance:
            return Refusal.FAR_FROM_MEDIAN
        standing = self._buy_domestic if triangle.direction is _BUY_DOMESTIC else self._buy_foreign
        assert standing is not None, "only what was reached is judged"
        if self._behind(standing):
            return Refusal.BOOKS_SKEWED
        if standing.changes < rules.persist_changes or core.at.mono_ns - standing.since_ns < self._persist_ns:
            return Refusal.NOT_PERSISTED
        return None

    def grounds(self, direction: Direction, fx_policy: str, threshold: Decimal) -> Grounds:
        """What a signal that is taken rested on; `threshold` a fraction."""
        threshold_bps = (threshold * BPS).quantize(BPS_STEP)
        standing = self._buy_domestic if direction is _BUY_DOMESTIC else self._buy_foreign
        middle = self.median.value
        if standing is None or middle is None:
            return Grounds(fx_policy, threshold_bps, None, None, None, None)
        stood_ms = (self._core.at.mono_ns - standing.since_ns) // 1_000_000
        median_bps = (middle * BPS).quantize(BPS_STEP)
        return Grounds(fx_policy, threshold_bps, stood_ms, standing.changes, median_bps, len(self.median))
