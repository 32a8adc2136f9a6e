"""What the ramp counts besides hedges: conversions, and what stopped the daemon."""

from __future__ import annotations

from dataclasses import replace

import pytest

from arbbot.domain import events as ev
from arbbot.domain.mode import Mode
from arbbot.domain.records import ConversionClosed, HedgeSettled
from arbbot.engine.fx_cost import fx_cost
from arbbot.engine.ramp_told import ramp_figures
from arbbot.engine.rules import FxPolicy
from tests.engine.ramp_scenes import RAMP, next_period, ramped, rig_of, trade
from tests.engine.rig import D, book, fx_book


def test_what_conversions_lose_is_evidence() -> None:
    """Hedges that were good until their foreign currency was converted made less than they were decided for."""
    rig = rig_of(ramped(fx_policy=FxPolicy.EACH, premium_tolerance=D("0.02")))
    rig.step(ev.OperatorRampSet(D("0.1"), "ops", "as it was elsewhere"))
    for _ in range(2):
        rig.show(book("btceur", "55100", "55110", stamp=rig.at.utc_us))
        rig.run("0.05")
        rig.show(book("btceur", "54600", "54610", stamp=rig.at.utc_us), fx_book("1.09500", "1.09510"))
        rig.run(8)
        rig.show(fx_book("1.10000", "1.10010"))
        rig.run(4)
    lost = sum(each.realised_pnl for each in rig.all(ConversionClosed))
    assert lost < 0
    turned = next_period(rig)
    assert (turned.verdict, turned.against) == ("down", ("edge",))
    assert abs(turned.figures.fx_pnl - lost) < D("0.001")
    told = ramp_figures(rig.state.ramp, rig.rules)["decisions"][0]["evidence"]
    assert told["realised_pnl"] == turned.figures.realised_pnl + turned.figures.fx_pnl


def test_the_fx_leg_s_fee_is_in_what_a_hedge_is_decided_for_and_makes() -> None:
    """Where the policy counts it: on both sides, so it is no shortfall, and what is left is what came of it."""
    rig = rig_of(ramped(fx_policy=FxPolicy.EACH))
    trade(rig)
    opened = trade(rig)
    decided = next_period(rig)
    assert decided.verdict == "up"
    assert abs(fx_cost(opened) - rig.all(ConversionClosed)[-1].fee) < D("0.001")
    gained = sum((each.realised_pnl for each in rig.all(HedgeSettled)), D(0))
    paid = sum((each.fee for each in rig.all(ConversionClosed)), D(0))
    assert abs(decided.figures.realised_pnl - (gained - paid)) < D("0.001")
    assert abs(decided.figures.expected_pnl - decided.figures.realised_pnl) < D("0.001")


def test_one_incident_takes_one_step() -> None:
    """Reducing, and a second later halted, and the period's end before anybody has come: one step. Resumed, and
    stopped once more: another.
    """
    rig = rig_of(ramped(replace(RAMP, max_weight=D("0.3"))))
    rig.step(ev.OperatorRampSet(D("0.3"), "ops", "as it was elsewhere"))
    rig.engine.core.restrict(Mode.REDUCING, "something")
    rig.run(1)
    assert rig.engine.ramp.weight == D("0.25")
    rig.engine.core.restrict(Mode.HALTED, "more of it")
    rig.run(1)
    assert rig.engine.ramp.weight == D("0.25")
    assert next_period(rig).verdict == "hold"
    rig.step(ev.OperatorResumed("ops", "seen"))
    rig.engine.core.restrict(Mode.REDUCING, "something else")
    rig.run(1)
    assert rig.engine.ramp.weight == D("0.2")


@pytest.mark.parametrize("who", ["ops", "arbbot"])
def test_a_person_who_halts_is_no_evidence_by_whatever_name(who: str) -> None:
    """Services often run as a user called like the program: the record says who is meant, not the name."""
    rig = rig_of()
    rig.step(ev.OperatorRampSet(D("0.1"), "ops", "as it was elsewhere"))
    rig.step(ev.OperatorHalted(who, "lunch"))
    rig.run(1)
    assert rig.engine.ramp.weight == D("0.1")
    assert rig.state.ramp.figures.halts == 0
