"""The named scenarios of the market process and their figures."""

from __future__ import annotations

from dataclasses import dataclass

from arbbot.exchange.market.episodes import Span, Spells

HOUR_S = 3600.0
QUIET_SD = 0.0005


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that tells one scenario from another.

    `premium_sd` and the strength of `stress` are stationary standard deviations of the premium, fractions.
    `dislocation` and `spike` add their strength to the premium while they last; `one_sided` empties one side
    of the EUR book. `volatility` is that of BTC/USD per square root of a year. `width` multiplies spreads and
    `depth` sizes; while stress lasts, spreads are `STRESS_WIDTH` wider and sizes `STRESS_DEPTH` of normal.
    """

    meaning: str
    premium_sd: float = QUIET_SD
    stress: Spells | None = None
    dislocation: Spells | None = None
    spike: Spells | None = None
    one_sided: Spells | None = None
    volatility: float = 0.45
    width: float = 1.0
    depth: float = 1.0


STRESS_WIDTH = 3.0
STRESS_DEPTH = 0.3
STRESS_VOLATILITY = 3.0

SCENARIOS = {
    "calm": Scenario("Quiet as in 2026: practically never a 0.35 % signal."),
    "mixed": Scenario(
        "Quiet with spells of stress of a day or two, as in 2020 and 2021.",
        stress=Spells(
            gap=Span(12 * HOUR_S, 220 * HOUR_S, 2000 * HOUR_S),
            length=Span(6 * HOUR_S, 36 * HOUR_S, 240 * HOUR_S),
            low=0.0015,
            high=0.0050,
        ),
    ),
    "dislocated": Scenario(
        "ARTIFICIAL, for demonstrations: the EUR book is 0.5-1.5 % off, to and fro, every few seconds.",
        dislocation=Spells(gap=Span(0.5, 1.5, 5.0), length=Span(1.5, 4.5, 60.0), low=0.005, high=0.015, alternate=True),
    ),
    "eventful": Scenario(
        "ARTIFICIAL, for rehearsals: the EUR book is 0.5-1.5 % off for minutes, to and fro, with spells of stress.",
        stress=Spells(
            gap=Span(0.5 * HOUR_S, 3 * HOUR_S, 12 * HOUR_S),
            length=Span(0.25 * HOUR_S, 0.75 * HOUR_S, 2 * HOUR_S),
            low=0.0015,
            high=0.0050,
        ),
        dislocation=Spells(
            gap=Span(30.0, 240.0, 900.0), length=Span(60.0, 150.0, 600.0), low=0.005, high=0.015, alternate=True
        ),
    ),
    "stress": Scenario(
        "Wide, fast and thin: spikes shorter than a second, one-sided liquidity.",
        premium_sd=0.0030,
        spike=Spells(gap=Span(1.0, 8.0, 60.0), length=Span(0.2, 0.4, 0.8), low=0.004, high=0.02, alternate=True),
        one_sided=Spells(gap=Span(5.0, 30.0, 300.0), length=Span(2.0, 6.0, 30.0), low=1.0, high=1.0, alternate=True),
        volatility=1.8,
        width=6.0,
        depth=0.15,
    ),
}
