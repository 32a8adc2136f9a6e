"""S8 too: limits with memory trip in time, stay tripped, and forget nothing."""

from __future__ import annotations

from tests.mutants.grounds import one_test
from tests.mutants.mutant import mutant

LIMITS = one_test("tests/engine/test_limits.py")

MUTANTS = (
    mutant(
        "S8", "limit-one-late", "a limit trips only when it has been passed, not when it is reached",
        ("engine/limits.py", "return Measure(name, measured, limit, mode, measured >= limit)",
         "return Measure(name, measured, limit, mode, measured > limit)"),
        hunted=LIMITS,
    ),
    mutant(
        "S8", "hour-limit-without-the-hedge", "the hour's notional may be passed by one hedge",
        ("engine/limits.py", "if self._memory.hour_notional(now_us) + worth > rules.notional_per_hour:",
         "if self._memory.hour_notional(now_us) > rules.notional_per_hour:"),
        hunted=LIMITS,
    ),
    mutant(
        "S8", "trip-not-latched", "a tripped limit is told, and trading goes on",
        ("engine/limits.py", '        core.restrict(measure.mode, told)\n', ''),
        hunted=LIMITS,
    ),
    mutant(
        "S8", "unknown-equity-is-no-loss", "where the balances cannot be valued, nothing is thought to be lost",
        ("engine/limits.py", "        if isinstance(loss, Refusal):\n            return loss\n        if self.too_many",
         "        if self.too_many"),
        hunted=LIMITS,
    ),
    mutant(
        "S8", "same-hedge-twice", "a hedge on the very books of the last one is not suspicious",
        ("engine/limits.py", "return Refusal.DUPLICATE if self._repeats(opened) else None", "return None"),
        hunted=LIMITS,
    ),
    mutant(
        "S8", "resume-forgives-everything", "a resume from a pause wipes out the day's loss",
        ("engine/limit_memory.py", "        for trip in self.open_trips.values():\n            _keep(",
         "        self.day_pnl.clear()\n        for trip in self.open_trips.values():\n            _keep("),
        hunted=LIMITS,
    ),
    mutant(
        "S8", "deposit-is-a-gain", "money that was paid in makes up for losses",
        ("engine/limit_memory.py", "currency: total + state.ledger.balance(LedgerAccount.EXTERNAL, currency)",
         "currency: total"),
        hunted=LIMITS,
    ),
)  # fmt: skip
