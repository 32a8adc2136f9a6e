"""What a long run must have seen: every fault of the exchange and of the road, every end, every harm, every scene."""

from __future__ import annotations

from collections.abc import Mapping

from arbbot.exchange.faults import Fault
from tests.shell import apart, endings, harms, scenes, trial, troubles

ENOUGH_SEEDS = 300
"""A run of so many seeds plays the scenes too, and fails when something on the list never happened."""

FAULTS = tuple(
    dict.fromkeys(
        f"fault {apart.word(Fault.parse(kind.format(s=1, l=5)))}"
        for kinds in (
            troubles.REST_ANYWHERE, troubles.OF_ORDERS, troubles.OF_CANCELS, troubles.OF_ROWS, troubles.OF_FRAMES,
            ("refuse_subscription", "ignore_subscription", "auth_403", "ip_403"),
        )
        for kind in kinds
    )
)  # fmt: skip
KINDS = (
    *(f"strange_bytes {kind}" for kind in troubles.STRANGE),
    *(f"closed_door {kind}" for kind in troubles.DOORS),
    *(f"whole_stream {kind}" for kind in troubles.WHOLE_STREAM),
    *(f"changed_terms {kind}" for kind in troubles.TERMS),
    *(f"silence {way}" for way in troubles.WAYS.values()),
    *(f"cut {how}" for how in ("by FIN", "by RST")),
    *(f"freeze {for_s:g} s" for for_s in troubles.FREEZES_S),
    *(f"suspend {for_s:g} s" for for_s in troubles.SLEEPS_S),
    *(f"slow_commit {for_s:g} s" for for_s in troubles.COMMITS_S),
    *(f"wall_clock {off_s:+} s" for off_s in (-3600, 3600)),
    *(f"stream {kind}" for kind in trial.KINDS),
)
ENDS = tuple(f"end {end}" for end in endings.AT_A_STEP) + tuple(f"{end} at a step" for end in endings.AT_A_STEP)
NEEDED = (
    *(trouble.__name__ for trouble in troubles.TROUBLES),
    *KINDS,
    *FAULTS,
    *ENDS,
    *(f"harm {name}" for name in harms.HARMS),
    *(f"scene {name}" for name in scenes.SCENES),
)


def missing(counts: Mapping[str, int]) -> list[str]:
    """What never happened."""
    return [name for name in NEEDED if not counts.get(name)]
