"""Scenes of the capital ramp: short periods, whole hedges, and the decisions between them."""

from __future__ import annotations

from dataclasses import replace

from arbbot.domain import events as ev
from arbbot.domain.ramp import RampDecided, RampFigures
from arbbot.domain.records import HedgeOpened
from arbbot.engine.rules import RampRules, Rules
from tests.engine.played_venue import Play
from tests.engine.rig import START, D, Rig, book, rules
from tests.engine.scenes import BUY, SELL

PERIOD_S = 60
RAMP = RampRules(
    period_s=D(PERIOD_S), step=D("0.05"), max_weight=D("0.12"), min_hedges=2, min_edge_hedges=2,
    max_shortfall=D("0.0005"), max_slippage=D("0.0005"), max_rate_limited=D("0.01"), max_one_sided=D("0.1"),
)  # fmt: skip
BEGUN_US = (START.utc_us // (PERIOD_S * 1_000_000) + 1) * PERIOD_S * 1_000_000
AT = ev.Moment(START.mono_ns, BEGUN_US + 1_000_000)
"""The second second of a period."""
GOOD = RampFigures(
    since_us=AT.utc_us, hedges=2, edge_hedges=2, full_hedges=2, turnover=D(1000), expected_pnl=D(5), realised_pnl=D(5),
    legs_worth=D(2000), slipped=D(0), requests=100,
)  # fmt: skip


def ramped(ramp: RampRules | None = RAMP, **changes: object) -> Rules:
    """The usual rules at 5 % of the target size, with a ramp."""
    return replace(rules(weight=D("0.05"), target_size=D("0.5"), **changes), ramp=ramp)


def rig_of(asked: Rules | None = None, at: ev.Moment = AT) -> Rig:
    """Ready to trade, near a period's beginning."""
    return Rig(asked or ramped(), at=at).ready()


def trade(rig: Rig, buy: Play | None = None, sell: Play | None = None, after: str = "54600") -> HedgeOpened:
    """One hedge from its signal to its settlement."""
    rig.venue.plays = {BUY: [buy] if buy else [], SELL: [sell] if sell else []}
    rig.show(book("btceur", "55100", "55110", stamp=rig.at.utc_us))
    rig.run("0.05")
    rig.show(book("btceur", after, "54610", stamp=rig.at.utc_us))
    rig.run(8)
    assert rig.state.open_hedge_id is None
    return rig.all(HedgeOpened)[-1]


def next_period(rig: Rig) -> RampDecided:
    """Let the period end; the decision."""
    before = len(rig.all(RampDecided))
    rig.run(PERIOD_S - (rig.at.utc_us - BEGUN_US) // 1_000_000 % PERIOD_S + 1)
    found = rig.all(RampDecided)
    assert len(found) == before + 1
    return found[-1]
