"""What became of a mutant."""

from __future__ import annotations

import re
from dataclasses import dataclass

INVARIANT = re.compile(r"([SLT]\d+|[DRW])\b")
RAISED = re.compile(r"raised (\w+): .*\((\w+)\.py:\d+\)", re.DOTALL)
GUARDS = frozenset({"StateError", "LedgerError", "AssertionError", "DeskFault"})
SURVIVED, CRASH, ASSERTION = "survived", "crash", "engine assertion"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`killed_by`: an invariant's name, or one of the words above. `seeds`: how many lives that took."""

    killed_by: str
    text: str = ""
    seed: int | None = None
    seeds: int = 0
    seconds: float = 0.0

    @property
    def killed(self) -> bool:
        """Whether something noticed that was made to notice; a crash is no notice."""
        return self.killed_by not in (SURVIVED, CRASH)

    @property
    def by(self) -> str:
        """What kind of witness that was: an invariant, which anything may break; one test, which asks for just this; or
        a guard, the engine's own or the judge of the whole daemon. "-" for nobody.
        """
        if not self.killed:
            return "-"
        if INVARIANT.fullmatch(self.killed_by):
            return "invariant"
        return "test" if self.killed_by == "test" else "guard"

    @property
    def certain(self) -> bool:
        """Whether no better verdict can be had."""
        return self.killed and self.killed_by != ASSERTION


def judged(invariant: str, text: str) -> str:
    """Who noticed: the invariant, the engine's own guards, or nobody who was meant to."""
    if invariant != "bug":
        return invariant
    found = RAISED.search(text)
    if found is not None and (found[1] in GUARDS or (found[1], found[2]) == ("ValueError", "risk")):
        return ASSERTION
    return CRASH


def judged_words(problem: str) -> str:
    """The same of a problem that the judge of the whole daemon tells in words, some of them without an invariant."""
    found = INVARIANT.match(problem)
    if found is not None:
        return found[1]
    if "the simulation broke" in problem:
        return CRASH
    if "a fault of the program" in problem or " broke: " in problem:
        return ASSERTION if any(guard in problem for guard in GUARDS) else CRASH
    return "judge"
