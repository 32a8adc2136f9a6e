"""S3, S4, L6: every fill and row once, and the ledger equals the venue's balances."""

from __future__ import annotations

from tests.mutants.grounds import (
    FILLED_AFTER_ALL,
    HIDDEN,
    HIDDEN_ROWS,
    NAMELESS,
    OPENINGS,
    ROW_BURSTS,
    SELF_TRADES,
    SLEEPS,
    SLOW_STARTS,
    TRADES_BY_HAND,
    UNDISTURBED,
    one_test,
)
from tests.mutants.mutant import Edit, mutant

MUTANTS = (
    mutant(
        "S3", "dedupe-by-timestamp", "a row is taken for booked when another one has its time",
        ("engine/bookkeeper.py", "if state.is_booked(row.key) or row.key in self._unowned:",
         "if row.utc_us in self._recent.values() or state.is_booked(row.key) or row.key in self._unowned:"),
        hunted=UNDISTURBED,
    ),
    mutant(
        "S3", "rows-known-by-id-alone", "the second row of a self-trade is not told from the first",
        ("domain/order.py", "return (self.transaction_id, self.order_id)", "return (self.transaction_id, None)"),
        hunted=SELF_TRADES,
    ),
    mutant(
        "S3", "one-row-of-two", "of the two rows of a self-trade only one is booked",
        ("engine/state.py", "return key[0] <= before or key in self.rows",
         "return key[0] <= before or any(key[0] == row_id for row_id, _ in self.rows)"),
        hunted=one_test("tests/engine/test_self_trades.py"),
    ),
    mutant(
        "S3", "rows-by-hand-are-ours", "a trade of the account's owner is booked for an order of the daemon",
        ("engine/attribution.py", "owner = self._core.state.order_of_row(waiting.row)\n",
         "owner = self._core.state.order_of_row(waiting.row) or next(\n"
         "                (name for name, order in self._core.state.orders.items()\n"
         "                 if order.terms.market == waiting.row.market), None)\n"),
        hunted=TRADES_BY_HAND,
    ),
    mutant(
        "S3", "own-rows-are-foreign", "a row of an unanswered order is called somebody else's",
        ("engine/attribution.py", "        return report is None or order.may_be(report)\n", "        return False\n"),
        hunted=NAMELESS,
    ),
    mutant(
        "S3", "sleep-makes-rows-foreign", "the age of an order is reckoned by a clock that does not count sleep",
        ("engine/core.py", "= min(venue_us, self.at.utc_us)\n", "= self.at.mono_ns // 1000\n"),
        Edit("engine/core.py", "        return self._noted_us.get(client_order_id)\n",
             "        noted_us = self._noted_us.get(client_order_id, -(10**18))\n"
             "        return noted_us + (self.clock_base_us or 0) + self.venue_offset_ms * 1000\n"),
        hunted=SLEEPS,
    ),
    mutant(
        "S3", "rows-hurry-each-other", "each row of an order that comes asks anew, and the answers soon seem enough",
        ("engine/attribution.py", "Unowned(row) if same is None else replace(same, row=row)", "Unowned(row)"),
        hunted=one_test("tests/sim/test_sim.py::test_lives_that_showed_something_hold_every_promise[30003095]"),
    ),
    mutant(
        "S3", "age-by-the-later-clock", "one reply that is stamped wrongly makes an order younger than its row",
        ("engine/core.py", "= min(venue_us, self.at.utc_us)\n", "= max(venue_us, self.at.utc_us)\n"),
        hunted=one_test("tests/engine/test_doubt.py"),
    ),
    mutant(
        "S3", "fill-booked-twice", "the fill that two sources tell is booked from both",
        ("engine/tracker.py",
         "        if known or core.state.is_booked((fill.trade_id, order.venue_order_id)):\n",
         "        if known and source != 'status':\n"),
        Edit("engine/state.py", "        if key in self.fills:\n", "        if False:\n"),
    ),
    mutant(
        "S3", "late-fill-ignored", "a fill after an order's end is not booked",
        ("engine/tracker.py",
         "        if known or core.state.is_booked((fill.trade_id, order.venue_order_id)):\n",
         "        if known or core.state.is_booked((fill.trade_id, order.venue_order_id)) or order.state.terminal:\n"),
        hunted=FILLED_AFTER_ALL,
    ),
    mutant(
        "S4", "fee-forgotten", "the ledger does not know of fees",
        ("engine/bookings.py",
         "        entries.extend(move(row.fee_currency, -row.fee, LedgerAccount.FEES))\n", "        pass\n"),
    ),
    mutant(
        "S4", "withdrawal-fee-forgotten", "the ledger does not know what a withdrawal cost",
        ("engine/bookings.py",
         "        entries.extend(move(row.fee_currency, -row.fee, LedgerAccount.EXTERNAL))\n", "        pass\n"),
    ),
    mutant(
        "S4", "float-money", "amounts are read as binary fractions",
        ("bitstamp/wire.py", "        parsed = Decimal(written)\n", "        parsed = Decimal(float(written))\n"),
    ),
    mutant(
        "S4", "rounding-takes-anything", "whatever the ledger cannot explain is called rounding",
        ("engine/statement.py", "return abs(difference.total) <= room and abs(rounded) <= cap", "return True"),
        hunted=HIDDEN_ROWS,
    ),
    mutant(
        "S4", "hedges-before-agreement", "trading goes on while the ledger was not seen to equal the venue",
        ("engine/risk.py",
         "return Refusal.RECONCILING if not core.state.agreed or core.unattributed else None", "return None"),
    ),
    mutant(
        "S4", "armed-without-a-statement",
        "after a restart trading begins before the ledger was held against the venue",
        ("engine/step.py", "and fees and self.books.concluded", "and fees"),
        hunted=SLOW_STARTS,
    ),
    mutant(
        "S4", "half-a-sandwich", "balances are compared without rows read after them",
        ("engine/bookkeeper.py",
         "        if self._reading is Reading.ROWS_AFTER and self._quiet() and not new and now == self._before:\n",
         "        if self._reading is Reading.ROWS_AFTER:\n"),
        hunted=OPENINGS,
    ),
    mutant(
        "S4", "opening-without-the-lag", "an opening is taken while a row of what it holds may still be on its way",
        ("engine/bookkeeper.py", "        if self._core.anchoring:\n            self._ask_id = None\n",
         "        if False:\n            self._ask_id = None\n"),
        hunted=OPENINGS,
    ),
    mutant(
        "L6", "opening-never-comes", "an opening's last rows are never asked for",
        ("engine/bookkeeper.py",
         "            self._next_poll_ns = self._core.at.mono_ns + ns(self._core.rules.account.lag_s)\n",
         "            self._next_poll_ns = 2**62\n"),
    ),
    mutant(
        "L6", "agreement-unsaid", "a ledger that equals the venue's balances again is not said to",
        ("engine/bookkeeper.py", "        core.emit(StatementAgreed(lines, core.at.utc_us))\n", "        lines = ()\n"),
    ),
    mutant(
        "L6", "last-page-dropped", "the last page of user_transactions is not read",
        ("bitstamp/replies.py", "    words = [_good(ask, answer, reading) for answer in answers]\n",
         "    words = [_good(ask, answer, reading) for answer in answers[:-1] or answers]\n"),
        hunted=ROW_BURSTS,
    ),
    mutant(
        "L6", "no-further-pages", "only the first page of user_transactions is read",
        ("bitstamp/replies.py",
         "        if command.topic is Topic.TRANSACTIONS:\n            return transactions_page(",
         "        if command.topic is Topic.TRANSACTIONS:\n            return None\n            transactions_page("),
        hunted=ROW_BURSTS,
    ),
    mutant(
        "L6", "no-overlap", "rows that come late, with a lower id, are never looked for",
        ("engine/bookkeeper.py",
         "        floor_us = max(self._recent.values()) - ns(self._core.rules.account.overlap_s) // 1000\n",
         "        floor_us = max(self._recent.values()) + 1\n"),
        hunted=HIDDEN,
    ),
)  # fmt: skip
