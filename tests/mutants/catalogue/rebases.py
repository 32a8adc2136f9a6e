"""L6, S4, S13 and L1: a rebase is done once, or told as undone, and gives up only what was told to be left open."""

from __future__ import annotations

from tests.mutants.grounds import GIVEN_UP, PANIC_REBASES, REBASES, UNDONE
from tests.mutants.mutant import Edit, mutant

GUARD = (
    "        if core.state.mode is not Mode.PANIC and self._left_open != hedge.opened.hedge_id:\n            return\n"
)

MUTANTS = (
    mutant(
        "S4", "rebase-for-ever", "a rebase that was done is done again by the next process",
        ("engine/state.py", "        self.anchor = Anchor.of(record, self.totals, self.foreign.totals)\n"
         "        self.rebase_asked = None\n",
         "        self.anchor = Anchor.of(record, self.totals, self.foreign.totals)\n"),
        hunted=REBASES,
    ),
    mutant(
        "L6", "rebase-never-done", "a rebase is noted and forgotten",
        ("engine/state.py", "        self.rebase_asked = record\n", "        pass\n"),
        hunted=REBASES,
    ),
    mutant(
        "L6", "crash-forgets-rebase", "the next process does not know of a rebase that waits",
        ("engine/state.py", "    RebaseAsked: State._rebase_wanted,\n",
         "    RebaseAsked: State._rebase_wanted,\n    Started: State._rebase_dropped,\n"),
        Edit("engine/state.py", "ClockAgreed, r.AlertRaised, Started, Stopped",
             "ClockAgreed, r.AlertRaised, Stopped"),
        hunted=REBASES,
    ),
    mutant(
        "L6", "dropped-in-silence", "a rebase that is not done is dropped, and nobody hears of it",
        ("engine/rebasing.py", '    core.alert(Severity.WARNING, "rebase_undone",',
         '    (lambda *_: None)(Severity.WARNING, "rebase_undone",'),
        hunted=UNDONE,
    ),
    mutant(
        "S13", "given-up-in-any-mode", "a rebase gives up a leg although trading goes on",
        ("engine/step.py", "if asked is not None and self.core.state.mode in (Mode.HALTED, Mode.PANIC):",
         "if asked is not None:"),
        Edit("engine/hedge.py", GUARD, ""),
        hunted=GIVEN_UP,
    ),
    mutant(
        "S13", "given-up-before-an-exit", "a rebase while halted gives up a leg of which an exit could still be tried",
        ("engine/hedge.py", GUARD, ""),
        hunted=GIVEN_UP,
    ),
    mutant(
        "L1", "given-up-in-silence", "a leg is given up, and nobody is told how much",
        ("engine/hedge.py", '        core.alert(Severity.CRITICAL, "hedge_abandoned", text)\n', ""),
        hunted=PANIC_REBASES,
    ),
)  # fmt: skip
