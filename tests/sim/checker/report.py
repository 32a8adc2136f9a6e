"""Where violations are put down."""

from __future__ import annotations

from typing import NamedTuple

MOST = 20


class Violation(NamedTuple):
    """A promise that did not hold."""

    invariant: str
    text: str


class Report:
    """All violations of a life, each once."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []
        self.when_ms = 0
        """True time since the beginning, for the texts."""

    def fail(self, invariant: str, text: str) -> None:
        """Put one down, unless it was before."""
        for known in self.violations:
            if known.invariant == invariant and known.text.partition(": ")[2] == text:
                return
        self.violations.append(Violation(invariant, f"{self.when_ms / 1000:.3f}s: {text}"))

    @property
    def full(self) -> bool:
        """More would not help."""
        return len(self.violations) >= MOST
