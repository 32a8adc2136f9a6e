"""T1 to T3 by the venue's own books: what is not profit leaves, twice, too much of it, too soon, or unknown to both
journals.
"""

from __future__ import annotations

from tests.mutants.grounds import SETTLED_BESIDE, SETTLED_CHANGED, SETTLED_COPIED, SETTLED_LATE
from tests.mutants.mutant import Edit, mutant

PAST = "        if not self._past_acceptance(at):\n            return False\n"

MUTANTS = (
    mutant(
        "T1", "all-of-it-at-hand", "whatever lies there of what settlements buy may leave, people's own too",
        ("engine/lease_desk.py",
         "return max(min(surplus(state, currency), available, available - principal(state, currency)), ZERO)",
         "return max(available, ZERO)"),
        hunted=SETTLED_BESIDE,
    ),
    mutant(
        "T1", "deposit-comes-back", "what somebody pays in is taken for a withdrawal that came back",
        ("engine/settlements.py", 'return next(told, None) or next(awaited, None)',
         "return next((name for name, _ in back), None)"),
        Edit("engine/settlements.py", 'if delta > 0 and withdrawal.outcome == "returned":', "if delta > 0:"),
        hunted=SETTLED_BESIDE,
    ),
    mutant(
        "T2", "no-wait-after-a-change", "new settings wait for as long as they say themselves",
        ("treasury/state.py", "max(left_s, self.cooling_off_s or ZERO, record.cooling_off_s or ZERO)",
         "record.cooling_off_s or ZERO"),
        hunted=SETTLED_CHANGED,
    ),
    mutant(
        "T2", "older-copy-goes-on", "a journal that lacks what the daemon has noted settles on",
        ("treasury/settler.py", "        if strange:\n", '        if "" in strange:\n'),
        hunted=SETTLED_COPIED,
    ),
    mutant(
        "T3", "silence-is-proof", "what the list does not show at the first look has never been there",
        ("treasury/silence.py", PAST, ""),
        Edit("treasury/silence.py", "        return self._readings >= READINGS\n", "        return True\n"),
        hunted=SETTLED_LATE,
    ),
    mutant(
        "T3", "own-request-unknown", "a request of ours is not known again in the venue's list",
        ("treasury/withdrawal.py", "        listed.currency == told.currency\n        and listed.size == told.size\n",
         "        listed.currency != told.currency\n        and listed.size == told.size\n"),
        hunted=SETTLED_LATE,
    ),
    mutant(
        "T3", "any-request-is-ours", "the newest request in the list is taken for the one in doubt",
        ("treasury/withdrawal.py",
         "[each for each in listed if _is(request, each) and each.request_id not in desk.state.known_ids()]",
         "list(listed)"),
        hunted=SETTLED_LATE,
    ),
)  # fmt: skip
