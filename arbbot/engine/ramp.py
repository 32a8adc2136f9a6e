"""The capital ramp: once a period the weight goes up by a step, down by a step, or stays, by what the journal shows.

Up only where every piece of evidence is there, at once down where one speaks against it, and never above the cap. Below
the weight that the settings begin with it is never taken: there the hard limits speak. A tripped limit is not waited
with until the period is over.

A decision waits for a quiet moment, so that the figures hold whole hedges, and for a clock that the venue's agrees
with. What a wrong clock dates costs at most a step upward: a period that evidence does not fill shows nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from arbbot.domain.commands import Command, Exit, ReplaceFeed
from arbbot.domain.mode import Severity
from arbbot.domain.ramp import RampDecided, RampFigures, RampSet, RequestsCounted
from arbbot.engine import risk
from arbbot.engine.core import CLOCK_OFF_S, SECOND_NS, Core
from arbbot.engine.entry import Entry
from arbbot.engine.hedge import HedgeDesk
from arbbot.engine.ramp_memory import weight_in_effect
from arbbot.engine.rules import RampRules
from arbbot.engine.view import NEVER

COUNT_EVERY_NS = 3600 * SECOND_NS
HITS_EVERY_NS = 10 * SECOND_NS
"""What was told to wait is written down sooner: a crash would forget it."""


LATE_US = 3600 * 1_000_000
"""How late in a period what is seen may begin, and a quarter of it at most: decisions wait for a quiet moment."""


class Verdict(NamedTuple):
    """What the evidence says."""

    against: tuple[str, ...]
    lacking: tuple[str, ...]

    @property
    def word(self) -> str:
        """up, down or hold, as far as there is room for it."""
        return "down" if self.against else "hold" if self.lacking else "up"


def judge(figures: RampFigures, rules: RampRules, *, whole_period: bool) -> Verdict:
    """What speaks against the weight, and what a larger one lacks. Shares are compared as products, exactly."""
    realised = figures.realised_pnl + figures.fx_pnl
    shortfall = figures.expected_pnl - realised
    against = {
        "trips": figures.trips > 0,
        "halts": figures.halts > 0,
        "one_sided": figures.one_sided > figures.hedges * rules.max_one_sided,
        "rate_limit": figures.rate_limited > figures.requests * rules.max_rate_limited,
        "slippage": figures.slipped > figures.legs_worth * rules.max_slippage,
        "edge": figures.edge_hedges > 0 and shortfall > figures.turnover * rules.max_shortfall,
        "loss": figures.edge_hedges > 0 and realised <= 0,
    }
    lacking = {
        "period": not whole_period,
        "hedges": figures.hedges < rules.min_hedges,
        "edge_hedges": figures.edge_hedges < rules.min_edge_hedges,
        "size": figures.full_hedges < rules.min_edge_hedges <= figures.edge_hedges,
        "requests": not figures.requests,
        "rebase": figures.rebases > 0,
    }
    return Verdict(_names(against), _names(lacking))


def _names(found: dict[str, bool]) -> tuple[str, ...]:
    return tuple(name for name, holds in found.items() if holds)


class Ramp:
    """Counts requests, decides once a period, and takes a person's word."""

    def __init__(self, core: Core, entry: Entry, hedges: HedgeDesk) -> None:
        self._core = core
        self._entry = entry
        self._hedges = hedges
        self._requests = self._rate_limited = 0
        """Not written down yet."""
        self._counted_ns = NEVER

    @property
    def weight(self) -> Decimal:
        """The share of target and capital that one hedge may use now."""
        return weight_in_effect(self._core.state.ramp, self._core.rules)

    @property
    def figures(self) -> RampFigures:
        """The evidence so far, with what is not written down yet."""
        held = self._core.state.ramp.figures
        requests, rate_limited = held.requests + self._requests, held.rate_limited + self._rate_limited
        return replace(held, requests=requests, rate_limited=rate_limited)

    def sent(self, commands: Sequence[Command]) -> None:
        """These are about to go out."""
        self._requests += sum(not isinstance(each, Exit | ReplaceFeed) for each in commands)

    def told_to_wait(self) -> None:
        """A request met a rate limit: the venue's, or that of our own budget."""
        self._rate_limited += 1

    def tick(self) -> None:
        """Write counts down when they are due; decide when that is due."""
        rules = self._core.rules.ramp
        if rules is None or self._core.stopping is not None:
            return
        pause_ns = HITS_EVERY_NS if self._rate_limited else COUNT_EVERY_NS
        if self._core.at.mono_ns >= self._counted_ns + pause_ns:
            self._count()
        if self._turned(rules) or (self._due(rules) and clock_agrees(self._core) and self._quiet()):
            self._decide(rules)

    def _count(self) -> None:
        """Write down what was counted."""
        self._counted_ns = self._core.at.mono_ns
        if self._requests or self._rate_limited:
            self._core.emit(RequestsCounted(self._requests, self._rate_limited, self._core.at.utc_us))
            self._requests = self._rate_limited = 0

    # --- deciding ------------------------------------------------------------------------------------------

    def _turned(self, rules: RampRules) -> bool:
        """Whether a limit tripped, or we stopped ourselves, at a weight that can still be lessened."""
        figures = self._core.state.ramp.figures
        return bool(figures.trips or figures.halts) and self._lower(rules) < self.weight

    def _due(self, rules: RampRules) -> bool:
        """Whether another period has begun since the last decision, whichever way the clock went."""
        since_us = self._core.state.ramp.figures.since_us
        return since_us is not None and since_us // _period_us(rules) != self._core.at.utc_us // _period_us(rules)

    def _quiet(self) -> bool:
        """Whether nothing is open, in doubt, unsettled or unreconciled, so that every hedge is told whole."""
        state = self._core.state
        return self._entry.armed and risk.busy(self._core) is None and state.agreed and not self._hedges.settling

    def _lower(self, rules: RampRules) -> Decimal:
        """One step down: not below where the settings begin, or where a person went below that."""
        return max(self.weight - rules.step, min(self.weight, self._core.rules.trade.weight))

    def _decide(self, rules: RampRules) -> None:
        core, before = self._core, self.weight
        self._count()
        figures = core.state.ramp.figures
        verdict = judge(figures, rules, whole_period=ran_whole(figures.since_us, core.at.utc_us, rules))
        aims = {"up": min(before + rules.step, rules.max_weight), "down": self._lower(rules), "hold": before}
        weight = aims[verdict.word]
        word = verdict.word if weight != before else "hold"
        target, at_us = core.rules.trade.target_size, core.at.utc_us
        core.emit(RampDecided(word, before, weight, verdict.against, verdict.lacking, figures, at_us, target))
        if word == "down":
            text = f"{shown(before)} to {shown(weight)}, by its evidence: {', '.join(verdict.against)}"
            core.alert(Severity.WARNING, "ramp_reduced", text)

    # --- people --------------------------------------------------------------------------------------------

    def set(self, weight: Decimal, who: str, reason: str) -> None:
        """A person's weight, from now on, and all are told of it; so are they where it cannot be."""
        core, problem = self._core, self._problem(weight)
        if problem is not None:
            core.alert(Severity.NOTICE, "ramp_refused", f"{who} asks for {shown(weight)}: {problem}")
            return
        self._count()
        before = self.weight
        core.emit(RampSet(before, weight, who, reason, core.at.utc_us, core.rules.trade.target_size))
        text = f"one hedge may use {shown(weight)} of the target size and of the capital, before {shown(before)}"
        core.alert(Severity.WARNING, "ramp_set", f"{text}, by {who}: {reason}")

    def _problem(self, weight: Decimal) -> str | None:
        """Why a person's weight cannot be taken."""
        core, rules = self._core, self._core.rules.ramp
        if rules is None:
            return "ramp.enabled is false, so trade.weight_percent is what counts"
        if not weight.is_finite() or weight <= 0:
            return "it must be more than zero; `arbbot pause` opens no new hedges"
        if weight > rules.max_weight:
            return f"ramp.max_weight_percent is {shown(rules.max_weight)}"
        if core.rules.trade.target_size * weight <= core.rules.hedge.dust_cap:
            return f"a hedge of it would be no more than hedge.dust_cap, {core.rules.hedge.dust_cap:f}"
        return None


def ran_whole(since_us: int | None, now_us: int, rules: RampRules) -> bool:
    """Whether the period before this one was run through from its beginning, or nearly. A sliver of it, after a first
    start or a decision in its midst, is not what a period shows.
    """
    period_us = _period_us(rules)
    if since_us is None or since_us // period_us + 1 != now_us // period_us:
        return False
    return since_us % period_us <= min(period_us // 4, LATE_US)


def _period_us(rules: RampRules) -> int:
    return int(rules.period_s * 1_000_000)


def clock_agrees(core: Core) -> bool:
    """Whether the venue's clock agrees with ours, and ours was not stepped since."""
    return risk.clock(core) is None and abs(core.venue_offset_ms) < CLOCK_OFF_S * 1000


def shown(weight: Decimal) -> str:
    """A weight in percent, for people."""
    return f"{(weight * 100).normalize():f} %"
