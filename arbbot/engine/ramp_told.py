"""The ramp for people and programs: weight, evidence so far, what it is held against, and what was decided before."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from arbbot.domain.money import BPS
from arbbot.domain.ramp import RampDecided, RampFigures, RampSet
from arbbot.engine.ramp import judge
from arbbot.engine.ramp_memory import KEPT_DECISIONS, RampMemory, weight_in_effect
from arbbot.engine.rules import RampRules, Rules
from arbbot.engine.state import State
from arbbot.engine.step import Engine

_HUNDREDTH = Decimal("0.0001")


def drill_figures(state: State, rules: Rules, waiting: str | None) -> dict[str, Any]:
    """Readiness drills: how many, what they lost, and what is in the way of the next. Money is numeraire."""
    drill, held = rules.drill, state.drills
    return {
        "enabled": drill is not None,
        "every_s": None if drill is None else drill.every_s,
        "budget": None if drill is None else drill.budget,
        "lost_today": held.lost_on(state.last_utc_us),
        "drills": held.drills,
        "pnl": held.pnl,
        "fx_fees": held.fx_fees,
        "waiting": waiting,
    }


def ramp_answer(engine: Engine, most: int = KEPT_DECISIONS) -> dict[str, Any]:
    """The same of a running daemon: with what is not written down yet, and why there is no drill now. `most`
    decisions, the newest.
    """
    core = engine.core
    told = ramp_figures(core.state.ramp, core.rules, engine.ramp.figures, most)
    return {**told, "drill": drill_figures(core.state, core.rules, engine.drills.waiting)}


def ramp_of(state: State, rules: Rules) -> dict[str, Any]:
    """The same of a journal."""
    return {**ramp_figures(state.ramp, rules), "drill": drill_figures(state, rules, None)}


def ramp_figures(
    memory: RampMemory, rules: Rules, figures: RampFigures | None = None, most: int = KEPT_DECISIONS
) -> dict[str, Any]:
    """What `arbbot ramp --json` prints, drills apart. Shares are percent; absent figures None. `figures`: where more is
    known than the journal has yet.
    """
    ramp, figures = rules.ramp, figures or memory.figures
    told: dict[str, Any] = {
        "enabled": ramp is not None,
        "weight_percent": _percent(weight_in_effect(memory, rules)),
        "begins_percent": _percent(rules.trade.weight),
        "hedge_size": (rules.trade.target_size * weight_in_effect(memory, rules)).normalize(),
        "evidence": evidence(figures),
        "against": [],
        "lacking": [],
        "asked": None,
        "decisions": decisions(memory)[:most],
    }
    if ramp is not None:
        verdict = judge(figures, ramp, whole_period=True)
        told |= {
            "against": list(verdict.against),
            "lacking": list(verdict.lacking),
            "asked": _asked(ramp, figures),
        }
    return told


def _asked(ramp: RampRules, figures: RampFigures) -> dict[str, Any]:
    """What a larger weight wants, and how far it may go."""
    least = figures.expected_pnl - figures.turnover * ramp.max_shortfall
    return {
        "period_s": ramp.period_s,
        "step_percent": _percent(ramp.step),
        "max_weight_percent": _percent(ramp.max_weight),
        "min_hedges": ramp.min_hedges,
        "min_edge_hedges": ramp.min_edge_hedges,
        "max_shortfall_bps": _bps(ramp.max_shortfall),
        "least_realised_bps": _share(least, figures.turnover, BPS),
        "max_slippage_bps": _bps(ramp.max_slippage),
        "max_rate_limited_percent": _percent(ramp.max_rate_limited),
        "max_one_sided_percent": _percent(ramp.max_one_sided),
    }


def evidence(figures: RampFigures) -> dict[str, Any]:
    """Counts, and the shares that are made of them."""
    return {
        "since_utc_us": figures.since_us,
        "hedges": figures.hedges,
        "one_sided": figures.one_sided,
        "one_sided_percent": _share(figures.one_sided, figures.hedges, 100),
        "edge_hedges": figures.edge_hedges,
        "full_hedges": figures.full_hedges,
        "expected_bps": _share(figures.expected_pnl, figures.turnover, BPS),
        "realised_bps": _share(figures.realised_pnl + figures.fx_pnl, figures.turnover, BPS),
        "realised_pnl": figures.realised_pnl + figures.fx_pnl,
        "fx_pnl": figures.fx_pnl,
        "slippage_bps": _share(figures.slipped, figures.legs_worth, BPS),
        "requests": figures.requests,
        "rate_limited": figures.rate_limited,
        "rate_limited_percent": _share(figures.rate_limited, figures.requests, 100),
        "trips": figures.trips,
        "halts": figures.halts,
        "rebases": figures.rebases,
    }


def decisions(memory: RampMemory) -> list[dict[str, Any]]:
    """What was decided and set, the newest first."""
    return [_decision(each) for each in reversed(memory.decisions)]


def _decision(record: RampDecided | RampSet) -> dict[str, Any]:
    told: dict[str, Any] = {
        "utc_us": record.utc_us,
        "verdict": "set",
        "before_percent": _percent(record.before),
        "weight_percent": _percent(record.weight),
    }
    if isinstance(record, RampSet):
        return {**told, "who": record.who, "reason": record.reason}
    return {
        **told,
        "verdict": record.verdict,
        "against": list(record.against),
        "lacking": list(record.lacking),
        "evidence": evidence(record.figures),
    }


def _share(part: Decimal | int, whole: Decimal | int, of: Decimal | int) -> Decimal | None:
    """part / whole as percent or basis points, for people; None of nothing."""
    return (Decimal(part) * of / Decimal(whole)).quantize(_HUNDREDTH) if whole else None


def _percent(rate: Decimal) -> Decimal:
    return (rate * 100).normalize()


def _bps(rate: Decimal) -> Decimal:
    return (rate * BPS).normalize()
