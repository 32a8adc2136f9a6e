"""R: limits with memory trip in time, stay tripped, and forget nothing."""

from __future__ import annotations

from tests.mutants.grounds import CANCELLED, LEFT_OVER, NARROW, REFUSED, REPEATED, one_test
from tests.mutants.mutant import Edit, mutant

LIMITS = one_test("tests/engine/test_limits.py")
CLOCKS = one_test("tests/engine/test_limits_clock.py")
REACH = one_test("tests/engine/test_limits_reach.py")

MUTANTS = (
    mutant(
        "R", "limit-one-late", "a limit trips only when it has been passed, not when it is reached",
        ("engine/limits.py", "return Measure(name, measured, limit, mode, measured >= limit)",
         "return Measure(name, measured, limit, mode, measured > limit)"),
        hunted=REFUSED,
    ),
    mutant(
        "R", "hour-limit-without-the-hedge", "the hour's notional may be passed by one hedge",
        ("engine/limits.py", "if self._memory.hour_notional(now_us) + worth > rules.notional_per_hour:",
         "if self._memory.hour_notional(now_us) > rules.notional_per_hour:"),
        hunted=LIMITS,
    ),
    mutant(
        "R", "trip-not-latched", "a tripped limit is told, and trading goes on",
        ("engine/limits.py", '        core.restrict(measure.mode, told)\n', ''),
        hunted=NARROW,
    ),
    mutant(
        "R", "unknown-equity-is-no-loss", "where the balances cannot be valued, nothing is thought to be lost",
        ("engine/limits.py", "        if isinstance(loss, Refusal):\n            return loss\n        if self.too_many",
         "        if self.too_many"),
        hunted=LIMITS,
    ),
    mutant(
        "R", "left-time-forgotten", "a restart gives what no hedge answers for its time anew",
        ("engine/limits.py", "since_us = None if self._watched else self._memory.left_since_us", "since_us = None"),
        hunted=one_test("tests/engine/test_left_by_doubt.py"),
    ),
    mutant(
        "R", "unpriced-is-worth-nothing", "what is left is worth nothing where there is no mark for it",
        ("engine/limits.py", "            if left and price is None:\n", "            if False:\n"),
        hunted=one_test("tests/engine/test_left_by_doubt.py"),
    ),
    mutant(
        "R", "same-hedge-twice", "a hedge on the very books of the last one is not suspicious",
        ("engine/limits.py", "return Refusal.DUPLICATE if self._repeats(opened) else None", "return None"),
        hunted=REPEATED,
    ),
    mutant(
        "R", "resume-forgives-everything", "a resume from a pause wipes out the day's loss",
        ("engine/limit_memory.py", "        for trip in self.open_trips.values():\n            _keep(",
         "        self.day_pnl.clear()\n        for trip in self.open_trips.values():\n            _keep("),
        hunted=LIMITS,
    ),
    mutant(
        "R", "deposit-is-a-gain", "money that was paid in makes up for losses",
        ("engine/limit_memory.py",
         "currency: total + sum(state.ledger.balance(account, currency) for account in _NO_TRADING)",
         "currency: total"),
        hunted=NARROW,
    ),
    mutant(
        "R", "refusals-not-counted", "orders that the venue refuses are forgotten",
        ("engine/limit_memory.py", "_keep(self.outcomes, record.state is OrderState.REJECTED, KEPT_OUTCOMES)",
         "_keep(self.outcomes, False, KEPT_OUTCOMES)"),
        hunted=REFUSED,
    ),
    mutant(
        "R", "one-sided-for-ever", "nobody measures for how long a hedge is one-sided",
        ("engine/limits.py", "        return open_s if self._one_sided()", "        return ZERO if self._one_sided()"),
        hunted=NARROW,
    ),
    mutant(
        "R", "one-sided-however-much", "nobody measures by how much a hedge is one-sided",
        ("engine/limits.py", "        one_sided = abs(state.position) if young", "        one_sided = ZERO if young"),
        hunted=NARROW,
    ),
    mutant(
        "R", "equity-not-watched", "what the balances lose trips nothing",
        ("engine/limits.py", '            yield _at_limit("equity_loss", loss,',
         '            yield _at_limit("equity_loss", -loss,'),
        hunted=NARROW,
    ),
    mutant(
        "R", "cancels-not-counted", "hedges go on whatever was cancelled",
        ("engine/limit_memory.py", "        _keep_time(self.cancelled_us, record.utc_us)", "        pass"),
        hunted=CANCELLED,
    ),
    mutant(
        "R", "conversions-without-rate", "the order rate is not asked before a conversion",
        ("engine/fx_desk.py", "        if self._limits.too_many_orders(1):",
         "        if self._limits.too_many_orders(-9):"),
        hunted=NARROW,
    ),
    mutant(
        "R", "conversions-lose-nothing", "what conversions lose is not of the day's loss",
        ("engine/limit_memory.py", "self._made(record.realised_pnl - record.fee, record.utc_us)",
         "self._made(record.realised_pnl - record.realised_pnl, record.utc_us)"),
        hunted=REACH,
    ),
    mutant(
        "R", "rebase-forgives-equity", "a rebase begins the day's loss of equity anew",
        ("engine/limit_memory.py", "        if self.openings:\n            self._begin_day(record",
         "        if self.openings and record.cause == \"opening\":\n            self._begin_day(record"),
        Edit("engine/limit_memory.py", "            self.openings[record.utc_us // DAY_US] = totals\n",
         "            self.openings = {record.utc_us // DAY_US: totals}\n"),
        hunted=REACH,
    ),
    mutant(
        "R", "any-old-clock-is-believed", "a record that is dated before the last one re-dates what is remembered",
        ("engine/limit_memory.py", "        fold = _FOLDS.get(type(record))\n",
         "        if record.utc_us < state.last_utc_us:\n            self._clock_agreed(record, state)\n"
         "        fold = _FOLDS.get(type(record))\n"),
        hunted=CLOCKS,
    ),
    mutant(
        "R", "left-over-for-nothing", "a position that no open hedge answers for is worth nothing to the limits",
        ("engine/limits.py", "        left = abs(state.position) if state.open_hedge_id is None else ZERO\n",
         "        left = ZERO\n"),
        hunted=LEFT_OVER,
    ),
    mutant(
        "R", "clock-never-seen", "a process trades before it has seen the venue's clock",
        ("engine/risk.py", "    if core.clock_base_us is None:\n        return Refusal.CLOCK_UNSEEN\n", ""),
        hunted=REACH,
    ),
)  # fmt: skip
