"""Where violations are put down."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

MOST = 20


class Violation(NamedTuple):
    """A promise that did not hold."""

    invariant: str
    text: str
    site: tuple[str, int]
    """File and line of the judge that put it down."""


class Report:
    """All violations of a life, each once."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []
        self.when_ms = 0
        """True time since the beginning, for the texts."""

    def fail(self, invariant: str, text: str) -> None:
        """Put one down, unless it was before."""
        caller = sys._getframe(1)
        for known in self.violations:
            if known.invariant == invariant and known.text.partition(": ")[2] == text:
                return
        site = (Path(caller.f_code.co_filename).name, caller.f_lineno)
        self.violations.append(Violation(invariant, f"{self.when_ms / 1000:.3f}s: {text}", site))

    @property
    def full(self) -> bool:
        """More would not help."""
        return len(self.violations) >= MOST
