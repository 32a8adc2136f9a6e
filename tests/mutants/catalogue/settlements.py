"""T1 to T4, S3 and S4: what leaves is profit, within its caps, once, announced before, and the ledger knows of it."""

from __future__ import annotations

from tests.mutants.grounds import SETTLED, SETTLED_BESIDE, one_test
from tests.mutants.mutant import Edit, mutant

DOUBT = "            _move(desk, name, RequestState.IN_DOUBT, reason)\n"
AGAIN = (
    "            yield SendWithdrawal("
    "name, Withdrawal(to.currency, plan.withdraw, to.network, to.address, to.extras))\n"
)
LEFT = "        if left is not None:\n            yield left\n"
ANNOUNCED = '    _move(desk, name, RequestState.ANNOUNCED, "noted by the daemon, about to be sent")\n'
NEVER_SENT = (
    '        _move(desk, request.intended.name, RequestState.REFUSED, "never sent: the process ended before that")\n'
    "        yield from tell(desk, request)\n"
)
LACKED = '        _doubt(desk, request, f"{cause}, and the daemon lacks it (an older copy?): {advice}")\n'
ANSWERED = "    if not isinstance(answered, Answered):\n"
SIZE = "size = max(min(left, over - aside, available), ZERO)"
MOST = "most = min(policy.max_request, policy.max_per_day - used_today)"

MUTANTS = (
    mutant(
        "S3", "one-row-of-a-nameless-order", "of a conversion's rows only the one that the venue names is its own",
        ("engine/transit.py",
         "    known = settlements.order_of_row(row)  # by another row of the same order, in the same answer\n"
         "    if known is not None:\n"
         "        return known\n", ""),
        hunted=one_test("tests/sim/test_sim.py::test_lives_that_showed_something_hold_every_promise[300538]"),
    ),
    mutant(
        "T1", "balance-is-profit", "whatever is available may leave",
        ("engine/withdrawable.py", SIZE, "size = available"),
        hunted=SETTLED,
    ),
    mutant(
        "T1", "nothing-set-aside", "what restoring the other currencies costs is forgotten",
        ("engine/withdrawable.py", SIZE, "size = max(min(left, over, available), ZERO)"),
        hunted=one_test("tests/engine/test_withdrawable.py"),
    ),
    mutant(
        "T1", "reserved-is-at-hand", "what the venue reserves is at hand beside principal of the same currency",
        ("engine/lease_desk.py", "available, available - principal(state, currency))", "available)"),
        hunted=one_test("tests/engine/test_settlement_absence.py"),
    ),
    mutant(
        "T1", "leaving-after-a-rebase-is-a-hole", "what leaves after a rebase takes none of the opening's principal",
        ("engine/settlements.py",
         "            elif each.unrowed:\n                each.against = LedgerAccount.EXTERNAL\n", ""),
        hunted=one_test("tests/engine/test_settlement_absence.py"),
    ),
    mutant(
        "T2", "day-cap-of-the-treasury-alone", "the daemon has no sum of its own",
        ("engine/lease_desk.py", "if cap is not None and today > cap:", "if cap is not None and cap < 0:"),
        hunted=one_test("tests/engine/test_settlement_absence.py"),
    ),
    mutant(
        "T3", "absent-frees", "what the list never showed may be withdrawn again",
        ("engine/settlements.py", "self.outcome not in (\"refused\", \"returned\"))",
         "self.outcome not in (\"refused\", \"absent\", \"returned\"))"),
        hunted=one_test("tests/engine/test_settlement_absence.py"),
    ),
    mutant(
        "T3", "presence-unseen", "a word against what the balance shows is believed",
        ("engine/lease_desk.py", "if present is not None:", "if present == \"\":"),
        hunted=one_test("tests/engine/test_settlement_absence.py"),
    ),
    mutant(
        "T4", "lent-beside-foreign-rows", "a settlement goes on while foreign rows wait for a person",
        ("engine/lease_desk.py",
         "if core.state.external_unacknowledged:", "if core.state.external_unacknowledged < 0:"),
        hunted=one_test("tests/engine/test_settlement_strangers.py"),
    ),
    mutant(
        "T2", "no-day-cap", "a day may take any number of requests",
        ("treasury/plan.py", MOST, "most = policy.max_request"),
        hunted=one_test("tests/treasury/test_settler.py"),
    ),
    mutant(
        "T2", "no-request-cap", "a request may take what a day may",
        ("treasury/plan.py", MOST, "most = policy.max_per_day - used_today"),
        hunted=SETTLED,
    ),
    mutant(
        "T2", "absent-is-nothing", "what is said never to have existed does not count against the day",
        ("treasury/state.py", "and each.state is not RequestState.REFUSED",
         "and each.state not in (RequestState.REFUSED, RequestState.ABSENT)"),
        hunted=one_test("tests/treasury/test_settler.py"),
    ),
    mutant(
        "T3", "sent-again-on-doubt", "a withdrawal whose reply was lost is sent again",
        ("treasury/withdrawal.py", DOUBT, DOUBT + AGAIN),
        hunted=SETTLED,
    ),
    mutant(
        "T3", "sent-before-written", "the last record of an event is written with the next",
        ("treasury/settler.py", "        records, self.desk.records = self.desk.records, []\n",
         "        records, self.desk.records = self.desk.records[:-1], self.desk.records[-1:]\n"),
        hunted=SETTLED,
    ),
    mutant(
        "T3", "sent-before-announced-is-written", "that it is announced is written when the answer has come",
        ("treasury/withdrawal.py", ANNOUNCED, ""),
        Edit("treasury/withdrawal.py", ANSWERED, ANNOUNCED + ANSWERED),
        hunted=SETTLED,
    ),
    mutant(
        "T3", "never-sent-stays-open", "what was never sent keeps the next settlement away for ever",
        ("treasury/withdrawal.py", NEVER_SENT, ""),
        hunted=SETTLED_BESIDE,
    ),
    mutant(
        "T3", "under-way-hides-the-wrong-journal", "of a journal that is wrong only an older daemon's is told",
        ("treasury/settler.py", "frozenset({\"journal_behind\", \"daemon_behind\", \"contradicted\"})",
         "frozenset({\"daemon_behind\"})"),
        hunted=one_test("tests/treasury/test_older_copy.py"),
    ),
    mutant(
        "T3", "lacked-is-absent", "a request is absent that the daemon had noted, and lacks since",
        ("treasury/withdrawal.py", LACKED, "        _move(desk, name, RequestState.ABSENT, cause)\n"),
        hunted=one_test("tests/treasury/test_older_copy.py"),
    ),
    mutant(
        "T3", "open-one-forgotten", "a settlement begins although the last one has not ended",
        ("treasury/settler.py", LEFT, ""),
        Edit("treasury/state.py",
             "        if self.open_requests() or self.open_conversion() is not None:\n"
             "            raise TreasuryError(f\"{name} intended while another is open\")\n", ""),
        hunted=SETTLED,
    ),
    mutant(
        "T3", "spelt-otherwise-is-absent", "a line of the list that could be the request does not keep it in doubt",
        ("treasury/withdrawal.py", "    if like is not None:\n", "    if like == -1:\n"),
        hunted=one_test("tests/treasury/test_presence.py"),
    ),
    mutant(
        "T3", "full-list-proves", "a request is absent that the venue's list is too short to show",
        ("treasury/withdrawal.py", "    if len(listed) >= LISTED_MOST and", "    if len(listed) < 0 and"),
        hunted=one_test("tests/treasury/test_presence.py"),
    ),
    mutant(
        "T3", "absent-unasked", "a request is absent although the daemon has seen it leave",
        ("treasury/withdrawal.py", "    if isinstance(answer, DaemonRefused):\n        _doubt(",
         "    if answer is None:\n        _doubt("),
        hunted=one_test("tests/treasury/test_presence.py"),
    ),
    mutant(
        "T2", "older-copy-settles", "a journal that lacks what the daemon has noted settles on",
        ("treasury/settler.py", "        self._refuse_behind(view)\n", ""),
        hunted=one_test("tests/treasury/test_older_copy.py"),
    ),
    mutant(
        "T2", "older-daemon-settles", "a daemon that lacks what was sent under its own ledger lends on",
        ("treasury/settler.py", "if view.anchor_us is not None and view.anchor_us <= noted_us and not known:",
         "if view.anchor_us is None:"),
        hunted=one_test("tests/treasury/test_older_copy.py"),
    ),
    mutant(
        "T1", "profit-leaves-twice", "what was sent is not looked for in the daemon's notes, and leaves again",
        ("treasury/settler.py", "    for sent in desk.state.newest_sent():\n", "    for sent in ():\n"),
        hunted=one_test("tests/sim/test_older_daemon.py"),
    ),
    mutant(
        "T3", "denied-is-told", "the daemon is told the end of what it would not have announced",
        ("treasury/desk.py", "        return not answer.unreachable\n", "        return False\n"),
        hunted=one_test("tests/treasury/test_older_copy.py"),
    ),
    mutant(
        "T2", "wait-of-the-new", "a change of settings waits only as long as the new ones say",
        ("treasury/state.py", "max(left_s, self.cooling_off_s or ZERO, record.cooling_off_s or ZERO)",
         "record.cooling_off_s or ZERO"),
        hunted=one_test("tests/treasury/test_cooling_off.py"),
    ),
    mutant(
        "T2", "yes-to-anything", "what was confirmed bounds no conversion",
        ("treasury/settler.py",
         "        means = replace(means, spendable=min(means.spendable, confirmed.worst_cost))\n", ""),
        hunted=one_test("tests/treasury/test_confirmed.py"),
    ),
    mutant(
        "T3", "unlisted-is-absent", "a request that the list does not show yet is said never to have existed",
        ("treasury/silence.py", "        if not self._past_acceptance(at):\n            return False\n", ""),
        hunted=one_test("tests/treasury/test_settler.py"),
    ),
    mutant(
        "T4", "lent-in-the-midst", "a lease is granted beside an open hedge",
        ("engine/lease_desk.py", "            refusal = risk.busy(core)\n", "            refusal = None\n"),
        Edit("engine/lease_desk.py", "refusal = risk.unreconciled(core) or risk.clock(core)", "refusal = None"),
        Edit("treasury/settler.py", "        if view.waiting is not None or not view.agreed:\n",
             "        if view.waiting == \"\":\n"),
        hunted=SETTLED,
    ),
    mutant(
        "T4", "lease-ignored", "hedges begin although the account is lent",
        ("engine/risk.py", "    if state.settlements.lease is not None:\n        return Refusal.LEASED\n", ""),
        hunted=SETTLED_BESIDE,
    ),
    mutant(
        "T4", "lease-for-ever", "a lease ends only when it is given back",
        ("engine/step.py", "        self.lease.tick()\n", ""),
        hunted=one_test("tests/engine/test_lease.py"),
    ),
    mutant(
        "S3", "settlement-is-foreign", "a withdrawal of a settlement is taken for somebody else's",
        ("engine/bookkeeper.py", "settlements.order_of_row(row) or settlements.withdrawal_of_row(row, lag_us)",
         "settlements.order_of_row(row)"),
        hunted=SETTLED,
    ),
    mutant(
        "S3", "leaving-by-our-clock", "whose a leaving is, is told by a clock that may have been set since",
        ("engine/settlements.py", "sent_us = each.announced.venue_utc_us", "sent_us = each.announced.utc_us"),
        hunted=one_test("tests/engine/test_settlements.py"),
    ),
    mutant(
        "S3", "return-by-our-clock", "when a withdrawal was back is told by a clock that may be wrong just then",
        ("engine/settlements.py", "withdrawal.told_latest_us = record.latest_utc_us or record.utc_us",
         "withdrawal.told_latest_us = record.utc_us"),
        hunted=one_test("tests/engine/test_settlements.py"),
    ),
    mutant(
        "S3", "leaving-give-or-take", "of two of a size the younger takes the leaving that was shortly before it",
        ("engine/settlements.py", "for slack_us in (0, lag_us):", "for slack_us in (lag_us,):"),
        hunted=one_test("tests/engine/test_settlements.py"),
    ),
    mutant(
        "S3", "deposit-is-a-return", "a deposit of what a finished withdrawal took is taken for its return",
        ("engine/settlements.py", "for name, each in back if each.outcome != \"finished\")", "for name, each in back)"),
        Edit("engine/transit.py", "withdrawal.outcome != \"returned\" and row", "withdrawal.outcome == \"\" and row"),
        hunted=one_test("tests/engine/test_settlement_strangers.py"),
    ),
    mutant(
        "S3", "trade-by-hand-is-the-conversion", "any nameless trade of its market is the conversion's",
        ("engine/transit.py", "if order.venue_id is None and _may_own(core, order, row, report)",
         "if order.venue_id is None and order.announced.market == row.market"),
        hunted=one_test("tests/engine/test_settlement_strangers.py"),
    ),
    mutant(
        "S4", "transit-unexplained", "money that left before its row is a difference",
        ("engine/bookkeeper.py", "        book_transit(core, self._balances)\n        found = differences",
         "        found = differences"),
        hunted=one_test("tests/engine/test_settlements.py"),
    ),
    mutant(
        "S4", "transit-booked-twice", "the row of what was in transit takes it from the balance again",
        ("engine/transit.py", "    if withdrawal is not None and withdrawal.out is not None:\n",
         "    if withdrawal is not None and withdrawal.out == -1:\n"),
        hunted=one_test("tests/engine/test_settlements.py"),
    ),
)  # fmt: skip
