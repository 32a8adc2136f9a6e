"""When what goes wrong: a seeded timetable in market seconds, the same for the same seed, length and level."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from random import Random

from arbbot.bootstrap.longrun.troubles import CATALOGUE, Trouble

DAY_S = Decimal(86_400)
"""Market seconds in which every trouble of the catalogue comes, and strikes."""
FIRST_AFTER_S = 45.0
"""Left alone at first: it has to be seen trading."""


class Level(StrEnum):
    """How much goes wrong."""

    NONE = "none"
    USUAL = "usual"
    HEAVY = "heavy"


class Death(StrEnum):
    """How the daemon's process ends from outside."""

    STOP = "stop"
    """SIGTERM: an orderly stop."""
    KILL = "kill"
    """SIGKILL."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Figures of a level, market seconds."""

    gap_s: tuple[float, float]
    """Between two spells of trouble, least and most."""
    spell_s: tuple[float, float]
    at_once: int
    """Troubles in one spell, at most."""
    death_every_s: float


PACES = {
    Level.USUAL: Pace((120.0, 420.0), (120.0, 300.0), 1, 10_800.0),
    Level.HEAVY: Pace((15.0, 60.0), (60.0, 150.0), 3, 2400.0),
}


@dataclass(frozen=True, slots=True)
class Spell:
    """Troubles that stand together for a while, or until all of them have struck."""

    at_s: float
    for_s: float
    troubles: tuple[Trouble, ...]


@dataclass(frozen=True, slots=True)
class Timetable:
    """Spells, which never overlap, and deaths, which may fall into them; both by time."""

    spells: tuple[Spell, ...]
    deaths: tuple[tuple[float, Death], ...]


def timetable(seed: int, length_s: float, level: Level) -> Timetable:
    """What happens in the first `length_s` market seconds of a rehearsal.

    Every trouble of the catalogue comes once before any comes again; a death of each kind comes in any length.
    """
    if level is Level.NONE:
        return Timetable((), ())
    pace = PACES[level]
    return Timetable(tuple(_spells(seed, length_s, pace)), tuple(_deaths(seed, length_s, pace)))


def _dice(seed: int, name: str) -> Random:
    return Random(f"{seed}/{name}")  # noqa: S311 - repeatable dice, not a secret


def _spells(seed: int, length_s: float, pace: Pace) -> list[Spell]:
    dice = _dice(seed, "spells")
    found: list[Spell] = []
    deck: list[Trouble] = []
    at_s = FIRST_AFTER_S + dice.uniform(0, pace.gap_s[0])
    while True:
        for_s = dice.uniform(*pace.spell_s)
        if at_s + for_s > length_s:
            return found
        drawn: list[Trouble] = []
        for _ in range(dice.randint(1, pace.at_once)):
            if not deck:
                deck = list(CATALOGUE)
                dice.shuffle(deck)
            if any(deck[-1] == each or deck[-1].strikes & each.strikes for each in drawn):
                break  # the exchange could not tell which of the two has struck
            drawn.append(deck.pop())
        found.append(Spell(at_s, for_s, tuple(drawn)))
        at_s += for_s + dice.uniform(*pace.gap_s)


def _deaths(seed: int, length_s: float, pace: Pace) -> list[tuple[float, Death]]:
    dice = _dice(seed, "deaths")
    count = max(2, round(length_s / pace.death_every_s))
    kinds = [Death.KILL, Death.STOP] * ((count + 1) // 2)
    share_s = (length_s - FIRST_AFTER_S) / count
    return [
        (FIRST_AFTER_S + share_s * (number + dice.uniform(0.2, 0.8)), kind) for number, kind in enumerate(kinds[:count])
    ]
