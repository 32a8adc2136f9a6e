"""S8: a mode that forbids hedges forbids them, until a person lifts it."""

from __future__ import annotations

from tests.mutants.grounds import PANIC, RESTARTS
from tests.mutants.mutant import mutant

MODE_GATE = (
    "    if state.mode is not Mode.ACTIVE:\n        return _MODE_REFUSALS[state.mode]\n    refusal = busy(core)\n"
)

MUTANTS = (
    mutant(
        "S8", "halted-still-hedges", "hedges open in every mode",
        ("engine/risk.py", MODE_GATE, "    refusal = busy(core)\n"),
    ),
    mutant(
        "S8", "paused-still-hedges", "a pause is overlooked",
        ("engine/risk.py", MODE_GATE,
         "    if state.mode not in (Mode.ACTIVE, Mode.PAUSED):\n"
         "        return _MODE_REFUSALS[state.mode]\n    refusal = busy(core)\n"),
    ),
    mutant(
        "S8", "reducing-still-hedges", "a daemon that has been told to reduce begins anew",
        ("engine/risk.py", MODE_GATE,
         "    if state.mode not in (Mode.ACTIVE, Mode.REDUCING):\n"
         "        return _MODE_REFUSALS[state.mode]\n    refusal = busy(core)\n"),
    ),
    mutant(
        "S8", "latch-cleared-by-restart", "a restart forgets that trading was halted",
        ("engine/step.py", "        self.hedges.recover()\n        self.conversions.recover()\n",
         "        self.hedges.recover()\n        self.conversions.recover()\n"
         "        self.core.state.mode = Mode.ACTIVE\n"),
        hunted=RESTARTS,
    ),
    mutant(
        "S8", "panic-still-exits", "in panic a leg is closed although a person said: cancel only",
        ("engine/hedge.py",
         "            case ExitImbalance() if self._core.state.mode is Mode.PANIC:\n                return\n", ""),
        hunted=PANIC,
    ),
    mutant(
        "S8", "softer-by-itself", "the daemon replaces a halt by a pause",
        ("engine/core.py", "if order.index(mode) > order.index(self.state.mode):", "if mode is not self.state.mode:"),
    ),
    mutant(
        "S8", "conversions-while-halted", "the FX market is traded in while halted",
        ("engine/risk.py",
         "    if state.mode not in (Mode.ACTIVE, Mode.REDUCING):\n        return _MODE_REFUSALS[state.mode]\n", ""),
    ),
)  # fmt: skip
