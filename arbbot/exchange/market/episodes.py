"""Random streams, and episodes: spells of time during which something is switched on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random


def stream(seed: int, name: str) -> Random:
    """Return the random stream called `name` of a run; streams of one seed do not disturb each other."""
    return Random(f"{seed}/{name}")


@dataclass(frozen=True, slots=True)
class Span:
    """A random length of time: `least_s` plus an exponential part, never beyond `most_s`."""

    least_s: float
    mean_s: float
    most_s: float

    def draw_s(self, rng: Random) -> float:
        """Draw one length, seconds."""
        return min(self.most_s, self.least_s + rng.expovariate(1.0 / (self.mean_s - self.least_s)))


@dataclass(frozen=True, slots=True)
class Spells:
    """How episodes come and go: the gap between two, the length of one, and its strength.

    The strength is log-uniform between `low` and `high`. With `alternate` its sign flips from one episode
    to the next, so that neither direction can starve.
    """

    gap: Span
    length: Span
    low: float
    high: float
    alternate: bool = False


class Episodes:
    """A switch that a seeded renewal process turns on and off; `strength` is zero while it is off."""

    def __init__(self, spells: Spells | None, rng: Random) -> None:
        """Start switched off; without spells it stays off for ever."""
        self._spells = spells
        self._rng = rng
        self._sign = rng.choice((-1.0, 1.0)) if spells is not None and spells.alternate else 1.0
        self._left_s = float("inf") if spells is None else spells.gap.draw_s(rng)
        self.strength = 0.0

    def slices(self, step_s: float) -> Iterator[tuple[float, float]]:
        """Advance by `step_s`, yielding every stretch of constant strength as (seconds, strength)."""
        while step_s >= self._left_s and self._spells is not None:
            yield self._left_s, self.strength
            step_s -= self._left_s
            self._switch(self._spells)
        self._left_s -= step_s
        yield step_s, self.strength

    def advance(self, step_s: float) -> None:
        """Advance by `step_s` when the stretches in between do not matter."""
        for _ in self.slices(step_s):
            pass

    def _switch(self, spells: Spells) -> None:
        if self.strength:
            self.strength = 0.0
            self._left_s = spells.gap.draw_s(self._rng)
            return
        self.strength = self._sign * spells.low * (spells.high / spells.low) ** self._rng.random()
        self._sign = -self._sign if spells.alternate else self._sign
        self._left_s = spells.length.draw_s(self._rng)
