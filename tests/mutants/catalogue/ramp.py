"""W: the weight of a hedge is never above its evidence."""

from __future__ import annotations

from tests.mutants.grounds import RAMP_LOSSES, RAMP_ONE_SIDED, RAMP_TRIPS, RAMPS, one_test
from tests.mutants.mutant import Edit, mutant

SCENES = one_test("tests/engine/test_ramp.py")

MUTANTS = (
    mutant(
        "W", "resumed-before-the-weight", "who resumes at once trades at the weight that was stopped",
        ("engine/step.py", "        self.ramp.tick()  # what has stopped us", "        # what has stopped us"),
        hunted=one_test("tests/sim/test_sim.py::test_lives_that_showed_something_hold_every_promise[60006038]"),
    ),
    mutant(
        "W", "evidence-used-twice", "what one decision was made of is evidence for the next one too",
        ("engine/ramp_memory.py", "        self.figures = RampFigures(since_us=record.utc_us)\n",
         "        self.figures = replace(self.figures, since_us=record.utc_us)\n"),
        hunted=RAMPS,
    ),
    mutant(
        "W", "grows-beyond-its-cap", "the cap of the weight is forgotten",
        ("engine/ramp.py", "min(before + rules.step, rules.max_weight)", "before + rules.step"),
        hunted=RAMPS,
    ),
    mutant(
        "W", "grows-without-hedges", "the weight grows with every period in which nothing went wrong",
        ("engine/ramp.py", '        "hedges": figures.hedges < rules.min_hedges,\n', ""),
        Edit("engine/ramp.py", '        "edge_hedges": figures.edge_hedges < rules.min_edge_hedges,\n', ""),
        hunted=RAMPS,
    ),
    mutant(
        "W", "never-shrinks", "evidence that turns is no reason for a smaller weight",
        ("engine/ramp.py", 'return "down" if self.against else', 'return "hold" if self.against else'),
        hunted=RAMPS,
    ),
    mutant(
        "W", "losses-are-no-evidence", "what hedges really made is not looked at",
        ("engine/ramp.py", '        "edge": figures.edge_hedges > 0 and',
         '        "edge": figures.edge_hedges < 0 and'),
        Edit("engine/ramp.py", '        "loss": figures.edge_hedges > 0 and',
             '        "loss": figures.edge_hedges < 0 and'),
        hunted=RAMP_LOSSES,
    ),
    mutant(
        "W", "one-sided-is-as-good", "a hedge that had to be topped up counts like any other",
        ("engine/ramp_memory.py", "+ (record.outcome in LEFT_ONE_SIDED)", "+ 0"),
        hunted=RAMP_ONE_SIDED,
    ),
    mutant(
        "W", "trip-waits-for-the-day", "after a tripped limit the old weight stays until the period is over",
        ("engine/ramp.py", "        if self._turned(rules) or (", "        if ("),
        hunted=RAMP_TRIPS,
    ),
    mutant(
        "W", "rate-limits-forgotten", "requests that were told to wait are not counted",
        ("engine/ramp.py",
         '        "rate_limit": figures.rate_limited > figures.requests * rules.max_rate_limited,\n', ""),
        hunted=RAMPS,
    ),
    mutant(
        "W", "slippage-forgotten", "fills worse than their decisions are not counted",
        ("engine/ramp.py", '        "slippage": figures.slipped > figures.legs_worth * rules.max_slippage,\n', ""),
        hunted=SCENES,
    ),
    mutant(
        "W", "weight-is-not-the-size", "the weight is decided on, and hedges are as large as the cap allows",
        ("engine/ramp_memory.py", "    return min(weight, ramp.max_weight)", "    return ramp.max_weight"),
        hunted=RAMPS,
    ),
    mutant(
        "W", "person-beyond-the-cap", "a person's weight is taken whatever the cap is",
        ("engine/ramp.py", "        if weight > rules.max_weight:\n", "        if weight > 10 * rules.max_weight:\n"),
        hunted=RAMPS,
    ),
    mutant(
        "W", "rebase-is-no-matter", "a rebase in the period is forgotten",
        ("engine/ramp.py", '        "rebase": figures.rebases > 0,\n', ""),
        hunted=SCENES,
    ),
    mutant(
        "W", "any-clock-decides", "a decision does not wait until the venue's clock agrees",
        ("engine/ramp.py", "(self._due(rules) and clock_agrees(self._core) and self._quiet())",
         "(self._due(rules) and self._quiet())"),
        hunted=SCENES,
    ),
    mutant(
        "W", "slept-and-grew", "what was shown before days without a process is evidence",
        ("engine/ramp.py", '        "period": not whole_period,\n', ""),
        hunted=SCENES,
    ),
    mutant(
        "W", "conversions-are-no-evidence", "what conversions lose is not looked at",
        ("engine/ramp_memory.py", "    ConversionClosed: RampMemory._conversion_closed,\n", ""),
        hunted=one_test("tests/engine/test_ramp_incidents.py"),
    ),
    mutant(
        "W", "an-incident-takes-two-steps", "reducing and then halted is two steps back",
        ("engine/ramp_memory.py", "        self.answered = bool(stopped) and state.mode is not Mode.ACTIVE\n", ""),
        hunted=one_test("tests/engine/test_ramp_incidents.py"),
    ),
    mutant(
        "W", "slivers-are-evidence", "hedges far below the weight's size are evidence for a larger one",
        ("engine/ramp.py", '        "size": figures.full_hedges < rules.min_edge_hedges <= figures.edge_hedges,\n', ""),
        hunted=SCENES,
    ),
    mutant(
        "W", "target-is-no-size", "a raised target makes hedges larger over the same journal",
        ("engine/ramp_memory.py", "if was is not None and was < now:", "if was is not None and was < 0:"),
        hunted=SCENES,
    ),
    mutant(
        "W", "a-larger-target-begins-anew", "a raised target makes a small weight larger, up to where settings begin",
        ("engine/ramp_memory.py", "        weight = floor_to(weight * was / now, _STEP)\n",
         "        weight = max(floor_to(weight * was / now, _STEP), min(weight, begins))\n"),
        hunted=SCENES,
    ),
    mutant(
        "W", "a-sliver-is-a-period", "the rest of a period counts as a whole one",
        ("engine/ramp.py", "    return since_us % period_us <= min(period_us // 4, LATE_US)\n", "    return True\n"),
        hunted=SCENES,
    ),
)  # fmt: skip
