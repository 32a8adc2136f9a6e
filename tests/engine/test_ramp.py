"""The capital ramp: a larger weight wants every piece of evidence, a smaller one a single piece against it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbbot.domain import events as ev
from arbbot.domain.mode import Mode
from arbbot.domain.ramp import RampDecided, RampFigures, RampSet
from arbbot.domain.records import DurableRecord
from arbbot.engine.ramp import judge, ran_whole
from arbbot.engine.ramp_memory import KEPT_DECISIONS
from arbbot.engine.ramp_told import ramp_figures
from arbbot.engine.state import State
from tests.engine.ramp_scenes import AT, GOOD, PERIOD_S, RAMP, next_period, ramped, rig_of, trade
from tests.engine.rig import NS, RULES, D, Rig
from tests.engine.scenes import REFUSED, RESTS


def test_nothing_is_decided_without_a_ramp() -> None:
    """Off means off: the settings' weight, and no record of it."""
    rig = rig_of(ramped(None))
    trade(rig)
    rig.run(3 * PERIOD_S)
    rig.step(ev.OperatorRampSet(D("0.06"), "ops", "more"))
    assert "ramp.enabled is false" in rig.alert_texts("ramp_refused")[0]
    assert rig.engine.ramp.weight == D("0.05")
    assert not rig.all(RampDecided)
    rig.check()


def test_the_weight_goes_up_on_evidence_and_the_next_hedge_is_larger() -> None:
    """Two good hedges a period: a step up, which is the size of the next; the cap ends it."""
    rig = rig_of()
    assert trade(rig).size == D("0.025")
    trade(rig)
    first = next_period(rig)
    assert (first.verdict, first.before, first.weight) == ("up", D("0.05"), D("0.1"))
    assert (first.figures.hedges, first.figures.edge_hedges, first.figures.one_sided) == (2, 2, 0)
    assert first.figures.requests > 0
    assert trade(rig).size == D("0.05")
    trade(rig)
    assert next_period(rig).weight == D("0.12")
    trade(rig)
    trade(rig)
    last = next_period(rig)
    assert (last.verdict, last.weight, last.lacking) == ("hold", D("0.12"), ())
    rig.check()


def test_without_enough_hedges_the_weight_stays() -> None:
    """One good hedge is no evidence for more."""
    rig = rig_of()
    trade(rig)
    decided = next_period(rig)
    assert (decided.verdict, decided.weight, decided.lacking) == ("hold", D("0.05"), ("hedges", "edge_hedges"))


def test_no_hedge_is_evidence_twice() -> None:
    """What one decision was made of is nothing to the next."""
    rig = rig_of()
    trade(rig)
    trade(rig)
    assert next_period(rig).verdict == "up"
    second = next_period(rig)
    assert (second.verdict, second.figures.hedges, second.weight) == ("hold", 0, D("0.1"))


def test_a_one_sided_hedge_takes_a_step_back_but_never_below_the_beginning() -> None:
    """Evidence turns: down by itself, told to a person; at the beginning's weight there is no further down."""
    rig = rig_of()
    trade(rig)
    trade(rig)
    assert next_period(rig).weight == D("0.1")
    trade(rig, sell=RESTS)
    turned = next_period(rig)
    assert (turned.verdict, turned.weight) == ("down", D("0.05"))
    assert "one_sided" in turned.against
    assert any("one_sided" in text for text in rig.alert_texts("ramp_reduced"))
    trade(rig, sell=RESTS)
    again = next_period(rig)
    assert (again.verdict, again.weight) == ("hold", D("0.05"))
    assert "one_sided" in again.against


def test_being_told_to_wait_counts_over_restarts() -> None:
    """Questions, orders and cancels alike; what was counted ten seconds before a crash is not forgotten."""
    rig = rig_of()
    trade(rig)
    trade(rig)
    assert next_period(rig).weight == D("0.1")
    rig.step(ev.AskFailed(0, "429", rate_limited=True))
    rig.step(ev.OrderUnanswered("q7-000001", "HTTP 429", rate_limited=True))
    rig.step(ev.CancelResult("q7-000001", "refused", "slower", rate_limited=True))
    rig.run(11)
    again = Rig(rig.rules, venue=rig.venue, journal=rig.journal, at=rig.at).ready()
    assert again.state.ramp.figures.rate_limited == 3
    turned = next_period(again)
    assert (turned.verdict, turned.against) == ("down", ("rate_limit",))


def test_a_hedge_that_never_filled_is_none() -> None:
    """Neither good nor bad: nothing was shown."""
    rig = rig_of()
    trade(rig, buy=REFUSED, sell=REFUSED)
    assert next_period(rig).figures.hedges == 0


def test_a_trip_is_not_waited_with() -> None:
    """A tripped limit takes a step back at once; whoever resumes does so at the smaller weight."""
    rig = rig_of(ramped(losers_in_row=1))
    trade(rig)
    trade(rig)
    assert next_period(rig).weight == D("0.1")
    trade(rig, sell=RESTS, after="54000")
    assert rig.mode() is Mode.REDUCING
    turned = rig.all(RampDecided)[-1]
    assert (turned.verdict, turned.weight) == ("down", D("0.05"))
    assert {"trips", "halts"} <= set(turned.against)


def test_a_person_chooses_and_the_journal_says_who() -> None:
    """In effect at once, evidence begins anew, and people are told what is at risk now, by whom and why; more than the
    cap, nothing, or dust is refused and told.
    """
    rig = rig_of()
    trade(rig)
    rig.step(ev.OperatorRampSet(D("0.08"), "ops", "a quiet week"))
    (chosen,) = rig.all(RampSet)
    assert (chosen.before, chosen.weight, chosen.who, chosen.reason) == (D("0.05"), D("0.08"), "ops", "a quiet week")
    assert rig.alert_texts("ramp_set") == [
        "one hedge may use 8 % of the target size and of the capital, before 5 %, by ops: a quiet week"
    ]
    assert rig.state.ramp.figures.hedges == 0
    assert trade(rig).size == D("0.04")
    for weight, words in (
        (D("0.13"), "ramp.max_weight_percent is 12 %"),
        (D(0), "more than zero"),
        (D("0.001"), "dust_cap"),
    ):
        rig.step(ev.OperatorRampSet(weight, "ops", "why not"))
        assert words in rig.alert_texts("ramp_refused")[-1]
    assert rig.engine.ramp.weight == D("0.08")
    assert len(rig.alert_texts("ramp_set")) == 1
    rig.check()


def test_a_rebase_is_no_period_to_grow_on() -> None:
    """Whoever rebases found the ledger wrong: good hedges of that period prove too little."""
    rig = rig_of()
    trade(rig)
    trade(rig)
    rig.step(ev.OperatorRebased("ops", "a cent was missing"))
    rig.run(10)
    decided = next_period(rig)
    assert (decided.verdict, decided.lacking) == ("hold", ("rebase",))


def test_a_restart_forgets_nothing() -> None:
    """Weight, evidence and decisions are the journal's: a crash at any moment leaves the same."""
    rig = rig_of()
    trade(rig)
    trade(rig)
    next_period(rig)
    trade(rig)
    again = Rig(rig.rules, venue=rig.venue, journal=rig.journal, at=rig.at)
    assert again.engine.ramp.weight == D("0.1")
    assert again.state.ramp == rig.state.ramp
    again.ready()
    trade(again)
    assert next_period(again).verdict == "up"


def test_a_period_that_was_slept_through_shows_nothing() -> None:
    """A daemon that was away for days does not grow on what was before; bad news is still news."""
    rig = rig_of()
    trade(rig)
    trade(rig)
    later = ev.Moment(rig.at.mono_ns, rig.at.utc_us + 5 * PERIOD_S * 1_000_000)
    again = Rig(rig.rules, venue=rig.venue, journal=rig.journal, at=later).ready()
    again.run(1)
    (decided,) = again.all(RampDecided)
    assert (decided.verdict, decided.lacking) == ("hold", ("period",))


def test_a_clock_that_jumps_decides_nothing() -> None:
    """Until the venue's clock agrees with ours nothing is decided; then each period's evidence counts once."""
    rig = rig_of()
    trade(rig)
    trade(rig)
    for jump_s in (86_400, -172_800):
        rig.at = ev.Moment(rig.at.mono_ns + NS, rig.at.utc_us + jump_s * 1_000_000)
        rig.step(ev.Tick())
        assert not rig.all(RampDecided)
        rig.step(ev.VenueClockSeen(-jump_s * 1000))
        rig.step(ev.Tick())
        assert not rig.all(RampDecided)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"trips": 1}, "trips"),
        ({"halts": 1}, "halts"),
        ({"one_sided": 1}, "one_sided"),
        ({"rate_limited": 2}, "rate_limit"),
        ({"slipped": D("1.01")}, "slippage"),
        ({"realised_pnl": D("4.49")}, "edge"),
        ({"expected_pnl": D("0.1"), "realised_pnl": D(0)}, "loss"),
    ],
)
def test_each_piece_of_evidence_alone_turns_it(change: dict[str, object], name: str) -> None:
    """One figure beyond its bound, everything else as it should be."""
    assert judge(GOOD, RAMP, whole_period=True).word == "up"
    turned = judge(replace(GOOD, **change), RAMP, whole_period=True)  # type: ignore[arg-type]  # by field name
    assert (turned.word, turned.against) == ("down", (name,))


@pytest.mark.parametrize(
    "change", [{"one_sided": 0, "rate_limited": 1}, {"slipped": D(1)}, {"realised_pnl": D("4.5")}], ids=str
)
def test_a_bound_is_not_beyond_itself(change: dict[str, object]) -> None:
    """Exactly at the bound is still good."""
    assert judge(replace(GOOD, **change), RAMP, whole_period=True).word == "up"  # type: ignore[arg-type]  # by name


@given(
    st.integers(0, 4), st.integers(0, 4), st.decimals(-20, 20, places=2), st.integers(0, 100), st.integers(0, 3),
    st.integers(0, 1), st.booleans(),
)  # fmt: skip
def test_more_good_evidence_never_shrinks_and_bad_never_grows(
    hedges: int, one_sided: int, realised: Decimal, requests: int, limited: int, trips: int, whole: bool
) -> None:
    """Adding trouble to any figures never turns a verdict upward."""
    order = ("down", "hold", "up")
    figures = RampFigures(
        hedges=hedges, one_sided=min(one_sided, hedges), edge_hedges=hedges, full_hedges=hedges,
        turnover=D(1000) * hedges,
        expected_pnl=D(5) * hedges, realised_pnl=realised, legs_worth=D(2000) * hedges, requests=requests,
        rate_limited=min(limited, requests), trips=trips,
    )  # fmt: skip
    word = judge(figures, RAMP, whole_period=whole).word
    worse = (
        replace(figures, trips=trips + 1), replace(figures, rebases=1), replace(figures, slipped=D(10)),
        replace(figures, realised_pnl=realised - 1), replace(figures, rate_limited=figures.rate_limited + 1),
    )  # fmt: skip
    for each in worse:
        assert order.index(judge(each, RAMP, whole_period=whole).word) <= order.index(word)
    assert judge(figures, RAMP, whole_period=False).word != "up"


def test_only_so_many_decisions_are_remembered() -> None:
    """Memory is bounded; the journal has them all."""
    state = State()
    for number in range(2 * KEPT_DECISIONS):
        state.apply(RampDecided("hold", D("0.05"), D("0.05"), (), (), GOOD, number))
    assert [each.utc_us for each in state.ramp.decisions] == list(range(KEPT_DECISIONS, 2 * KEPT_DECISIONS))


def test_what_people_are_shown() -> None:
    """Weight, evidence with its shares, what is asked, and the decisions, newest first."""
    rig = rig_of()
    trade(rig)
    trade(rig)
    next_period(rig)
    rig.step(ev.OperatorRampSet(D("0.06"), "ops", "less"))
    trade(rig)
    told = ramp_figures(rig.state.ramp, rig.rules)
    assert (told["weight_percent"], told["begins_percent"], told["hedge_size"]) == (6, 5, D("0.03"))
    assert [each["verdict"] for each in told["decisions"]] == ["set", "up"]
    assert told["evidence"]["hedges"] == 1
    assert told["evidence"]["realised_bps"] is not None
    assert told["lacking"] == ["hedges", "edge_hedges", "requests"]
    assert told["asked"]["max_weight_percent"] == 12
    off = ramp_figures(State().ramp, RULES)
    assert (off["enabled"], off["asked"], off["weight_percent"]) == (False, None, 100)


def test_a_cap_that_was_lowered_holds_at_once() -> None:
    """Whatever was decided before: the settings' cap is never exceeded."""
    decided: list[DurableRecord] = [RampSet(D("0.05"), D("0.12"), "ops", "more", AT.utc_us)]
    rig = Rig(ramped(replace(RAMP, max_weight=D("0.1"))), journal=decided, at=AT)
    assert rig.engine.ramp.weight == D("0.1")


def test_small_hedges_are_no_evidence_for_large_ones() -> None:
    """Whatever keeps them small, here a cap in money: none was half of what the weight allows, so none shows it."""
    rig = rig_of(ramped(max_notional=D(600)))
    for _ in range(2):
        assert 2 * trade(rig).size < D("0.025")
    decided = next_period(rig)
    assert (decided.verdict, decided.weight, decided.lacking) == ("hold", D("0.05"), ("size",))
    assert (decided.figures.edge_hedges, decided.figures.full_hedges) == (2, 0)


def test_what_capital_allows_is_large_enough() -> None:
    """A hedge as large as the weight of all capital is evidence, whatever target the settings dream of."""
    dreamed = ramped()
    rig = rig_of(replace(dreamed, trade=replace(dreamed.trade, target_size=D(50))))
    size = trade(rig).size
    assert size < D("0.05") * 50 / 2
    trade(rig)
    assert next_period(rig).verdict == "up"


@pytest.mark.parametrize("weight", [D("0.05"), D("0.12")])
def test_a_target_that_grows_is_no_larger_hedge(weight: D) -> None:
    """What was decided was decided of a size: over the same journal ten times the target is a tenth of the weight, also
    where that is less than a new journal would begin with, and its hedge is no larger.
    """
    rig = rig_of()
    rig.step(ev.OperatorRampSet(weight, "ops", "as it was elsewhere"))
    for factor in (1, 2, 10):
        trade_rules = replace(rig.rules.trade, target_size=D("0.5") * factor)
        again = Rig(replace(rig.rules, trade=trade_rules), venue=rig.venue, journal=rig.journal, at=rig.at)
        assert again.engine.ramp.weight * factor == weight
    assert trade(again.ready()).size <= D("0.5") * weight


def test_the_end_of_a_period_is_no_period() -> None:
    """A journal that begins late in a period has not seen it; the next one counts."""
    late = ev.Moment(AT.mono_ns, AT.utc_us + 30_000_000)
    rig = rig_of(at=late)
    trade(rig)
    trade(rig)
    first = next_period(rig)
    assert (first.verdict, first.lacking) == ("hold", ("period",))
    trade(rig)
    trade(rig)
    assert next_period(rig).verdict == "up"


def test_what_a_trip_took_is_not_won_back_at_the_period_s_end() -> None:
    """The step down is a decision in a period's midst: what is left of it shows too little."""
    rig = rig_of(ramped(losers_in_row=1))
    rig.step(ev.OperatorRampSet(D("0.1"), "ops", "as it was elsewhere"))
    rig.run(15)
    trade(rig, sell=RESTS, after="54000")
    assert rig.all(RampDecided)[-1].verdict == "down"
    rig.step(ev.OperatorResumed("ops", "seen"))
    trade(rig)
    trade(rig)
    assert next_period(rig).lacking == ("period",)
    assert rig.engine.ramp.weight == D("0.05")


@pytest.mark.parametrize(("period_s", "late_s"), [(86_400, 3600), (1800, 450)])
def test_how_late_a_period_may_begin(period_s: int, late_s: int) -> None:
    """An hour of a day, a quarter of what is shorter: decisions wait for a quiet moment."""
    asked = replace(RAMP, period_s=D(period_s))
    begun_us = 20_000 * 86_400_000_000
    ended_us = begun_us + period_s * 1_000_000
    assert ran_whole(begun_us + late_s * 1_000_000, ended_us, asked)
    assert not ran_whole(begun_us + late_s * 1_000_000 + 1, ended_us, asked)
    assert not ran_whole(begun_us, ended_us - 1, asked)
    assert not ran_whole(begun_us, ended_us + period_s * 1_000_000, asked)
    assert not ran_whole(None, ended_us, asked)
