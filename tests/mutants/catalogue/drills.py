"""D: readiness drills are few, small, labelled, and within the day's budget."""

from __future__ import annotations

from tests.mutants.grounds import DRILLS, one_test
from tests.mutants.mutant import mutant

SCENES = one_test("tests/engine/test_drill.py")

MUTANTS = (
    mutant(
        "D", "drills-without-budget", "drills go on whatever they have lost today",
        ("engine/drill.py", " + best.worst > rules.budget:", " > 100 * rules.budget:"),
        hunted=DRILLS,
    ),
    mutant(
        "D", "budget-without-the-worst", "what a forced exit of the next drill may cost is not reckoned in",
        ("engine/drill.py", " + walk.paid * self._core.rules.hedge.forced_exit_loss", ""),
        hunted=DRILLS,
    ),
    mutant(
        "D", "large-drills", "a drill is ten times as large as the venue asks for",
        ("engine/drill.py", 'OVER_MINIMUM = Decimal("1.1")', 'OVER_MINIMUM = Decimal("11")'),
        hunted=SCENES,
    ),
    mutant(
        "D", "drill-after-drill", "one drill follows the other",
        ("engine/drill.py", "< ns(rules.every_s) // 1000:", "< 0:"),
        hunted=DRILLS,
    ),
    mutant(
        "D", "unlabelled-settlement", "what a drill made is told as a hedge's result",
        ("engine/hedge.py", "        drill=opened.drill,\n", ""),
        hunted=DRILLS,
    ),
    mutant(
        "D", "restart-has-its-own-budget", "what the day's drills lost is forgotten when they are settled",
        ("engine/drill_memory.py", "opened.expected_pnl - record.realised_pnl + fx",
         "opened.expected_pnl + fx"),
        hunted=SCENES,
    ),
    mutant(
        "W", "drills-are-edge-evidence", "what drills lose is counted as the edge of hedges",
        ("engine/ramp_memory.py", "or hedge.before_anchor or record.drill or", "or hedge.before_anchor or"),
        hunted=SCENES,
    ),
)  # fmt: skip
