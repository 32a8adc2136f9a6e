"""S6: nothing is decided on books that are old, crossed, thin, or another connection's; the spike guard's figures."""

from __future__ import annotations

from tests.mutants.grounds import FEEDS, LATE_FRAMES, MARKET_HALTS, NO_RATES, SHORT_HALTS, STALE_TICKERS, one_test
from tests.mutants.mutant import Edit, mutant

MUTANTS = (
    mutant(
        "S6", "book-age-ignored", "a book that nobody has confirmed for long is traded on",
        ("engine/view.py", "return Refusal.STALE_BOOK if self.confirmed_ns < oldest_ns else self.fault",
         "return self.fault"),
        hunted=FEEDS,
    ),
    mutant(
        "S6", "late-frame-is-fresh", "a frame that waited counts as news of now",
        ("engine/view.py", "        if late_us <= self.fresh_ns // 1000:\n", "        if True:\n"),
        hunted=LATE_FRAMES,
    ),
    mutant(
        "S6", "crossed-book-traded", "a crossed book is a bargain",
        ("engine/view.py",
         "        if not book.tradable:\n            self.fault = Refusal.CROSSED_BOOK\n        elif ",
         "        if "),
        hunted=FEEDS,
    ),
    mutant(
        "S6", "thin-book-traded", "a book with a row or two is traded on",
        ("engine/view.py", "elif len(book.bids) < self.min_levels or len(book.asks) < self.min_levels:", "elif False:"),
        hunted=FEEDS,
    ),
    mutant(
        "S6", "old-connection-heard", "frames of a connection that is gone change the books",
        ("engine/view.py", "if slot is None or epoch != self.epoch:", "if slot is None:"),
        hunted=FEEDS,
    ),
    mutant(
        "S6", "books-survive-reconnect", "books from before the last subscription are still believed",
        ("engine/view.py",
         "        self.epoch = epoch\n        for slot in self.slots.values():\n"
         "            slot.since_ns = slot.vouched_ns = now_ns\n"
         "            slot.epoch = slot.newer = None\n            slot.confirmed_ns = slot.newer_ns = NEVER\n",
         "        self.epoch = epoch\n"),
        Edit("engine/view.py", "        self.epoch = None\n        for slot in self.slots.values():\n"
             "            slot.epoch = None\n            slot.confirmed_ns = NEVER\n",
             "        self.epoch = None\n"),
        hunted=FEEDS,
    ),
    mutant(
        "S6", "unreadable-changes-nothing", "after a frame that nobody can read the book before it is traded on",
        ("engine/step.py", "        if event.outdates is not None:\n", "        if False:\n"),
        hunted=one_test("tests/engine/test_start_and_books.py"),
    ),
    mutant(
        "S6", "older-frames-accepted", "a frame that comes out of order puts an older book back",
        ("engine/view.py", "slot.epoch == epoch and book.microtimestamp < held.microtimestamp:", "False:"),
        Edit("bitstamp/session.py", "            if stamp <= route.last:\n                self.duplicates += 1\n",
             "            if stamp == route.last:\n                self.duplicates += 1\n"),
        hunted=FEEDS,
    ),
    mutant(
        "S6", "rest-always-confirms", "a REST book confirms the feed's although it is another",
        ("engine/view.py", "if book.microtimestamp == slot.book.microtimestamp and asked_ns",
         "if asked_ns"),
        hunted=FEEDS,
    ),
    mutant(
        "S6", "market-halt-ignored", "a market that the venue has halted is traded in",
        ("engine/risk.py", "    if view.halted:\n        return Refusal.MARKET_HALTED\n", ""),
        hunted=MARKET_HALTS,
    ),
    mutant(
        "S6", "announced-halt-forgotten", "a list that has not caught up with an announcement ends its halt",
        ("engine/market_halts.py", "            elif symbol not in self._announced:\n", "            else:\n"),
        hunted=SHORT_HALTS,
    ),
    mutant(
        "S6", "premium-unchecked", "the tickers need not confirm what the books show",
        ("engine/premium.py", "return None if self._agrees else Refusal.PREMIUM_DISAGREES", "return None"),
        hunted=STALE_TICKERS,
    ),
    mutant(
        "S6", "rate-unchecked", "the venue's own EUR/USD rate need not confirm the FX book",
        ("engine/conversion.py",
         "return Refusal.RATE_DISAGREES if abs(difference) > self._rules.rate_tolerance else None", "return None"),
    ),
    mutant(
        "S6", "rate-for-ever", "a rate that was told once is believed for ever",
        ("engine/conversion.py", "if difference is None or self._told_ns < now_ns - ns(self._rules.rate_max_age_s):",
         "if difference is None:"),
        hunted=NO_RATES,
    ),
    mutant(
        "S6", "persistence-one-short", "an edge need last one change of the books less than is set",
        ("engine/spike.py", "if standing.changes < rules.persist_changes or",
         "if standing.changes + 1 < rules.persist_changes or"),
    ),
    mutant(
        "S6", "persistence-ends-at-once", "an edge need not last any time",
        ("engine/spike.py", " or core.at.mono_ns - standing.since_ns < self._persist_ns:", ":"),
    ),
    mutant(
        "S6", "guard-believes-all", "the spike guard is asked and ignored",
        ("engine/entry.py", "return self._guard.refusal(triangle) or self.open(", "return self.open("),
    ),
    mutant(
        "S6", "quiet-book-of-any-time", "a quiet book counts as new by an answer from before the edge",
        ("engine/spike.py", "and not (slot.unchanged is book and slot.unchanged_ns >= standing.since_ns)",
         "and slot.unchanged is not book"),
    ),
    mutant(
        "S6", "too-good-believed", "an edge above the ceiling is taken for true",
        ("engine/spike.py", "if exceeds(touch.out, touch.paid, rules.max_gross):", "if False:"),
    ),
    mutant(
        "S6", "median-one-sided", "only spikes upwards are far from the median",
        ("engine/spike.py", "abs(over / under - ONE - middle) > rules", "(over / under - ONE - middle) > rules"),
        hunted=one_test("tests/engine/test_spike.py"),
    ),
    mutant(
        "S6", "skew-ignored", "books may be of different times",
        ("engine/spike.py", "        if self._behind(standing):\n            return Refusal.BOOKS_SKEWED\n", ""),
    ),
)  # fmt: skip
