"""The judge judged: every invariant is seen to fail on a life whose journal, wire or venue was doctored."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from arbbot.engine.rules import FxPolicy
from tests.sim.checker import Checker
from tests.sim.lies import LIES, Doctor, Lines, before, each, honest, judged, plan, told
from tests.sim.lies_of_limits import NARROWED
from tests.sim.lies_of_orders import LIVED, ORDERS, LeavesWithoutACause, calm
from tests.sim.lies_of_ramps import DRILLS, WEIGHTS, LosesByHedges, drilling, growing
from tests.sim.lies_of_rebases import REBASES
from tests.sim.life import run_plan
from tests.sim.plan import Plan
from tests.sim.test_treasury_judge import settlements_broken
from tests.sim.worded_lies import WORDED
from tests.sim.world import World

HERE = Path(__file__).parent


def test_the_honest_life_holds_every_promise() -> None:
    """The life that is lied about below breaks nothing as it is, and has a hedge, an exit and a cancel."""
    assert honest().violations == ()
    assert honest().reach["row own"]
    assert any(branch.startswith("exit ") for branch in honest().reach)
    assert any(branch.startswith("cancel ") for branch in honest().reach)
    assert any(branch.startswith("conversion ") for branch in honest().reach)


@pytest.mark.parametrize(
    ("invariant", "judge"), LIES, ids=[f"{name}-{number}" for number, (name, _) in enumerate(LIES)]
)
def test_every_lie_is_seen(invariant: str, judge: type[Checker]) -> None:
    """A doctored journal, wire, venue or end breaks the invariant it was doctored against."""
    assert invariant in judged(judge)


def seen(invariant: str, words: str, judge: type[Checker], lived: Callable[[], Plan] = plan) -> bool:
    """Whether a doctored life breaks the very rule that it was doctored against, by the words of the verdict."""
    return any(each.invariant == invariant and words in each.text for each in told(judge, lived))


WITH_WORDS = [*WORDED, *ORDERS, *REBASES, *NARROWED]


@pytest.mark.parametrize(
    ("invariant", "words", "judge"),
    WITH_WORDS,
    ids=[f"{name}-{words.replace(' ', '-')}-{judge.__name__}" for name, words, judge in WITH_WORDS],
)
def test_every_lie_is_seen_for_what_it_is(invariant: str, words: str, judge: type[Checker]) -> None:
    """A doctored life breaks the very rule that it was doctored against; so does one that is held to less than it does,
    to a limit that it reaches, or to one that ought to have tripped at once.
    """
    assert seen(invariant, words, judge)


@pytest.mark.parametrize(("words", "judge", "lived"), WEIGHTS, ids=[words.replace(" ", "-") for words, _, _ in WEIGHTS])
def test_every_lie_about_weights_is_seen(words: str, judge: type[Checker], lived: Callable[[], Plan]) -> None:
    """W: a weight that its evidence does not carry, told of a life in which it goes up by evidence."""
    assert seen("W", words, judge, lived)


@pytest.mark.parametrize(
    ("invariant", "words", "judge", "lived"),
    [*DRILLS, *LIVED],
    ids=[words.replace(" ", "-") for _, words, _, _ in (*DRILLS, *LIVED)],
)
def test_every_lie_about_lives_of_their_own_is_seen(
    invariant: str, words: str, judge: type[Checker], lived: Callable[[], Plan]
) -> None:
    """D, S7 and L1: drills that are none, that are large, dear or frequent; a loss by choice that is no drill, and one
    that nothing explains; an end without a cause.
    """
    assert seen(invariant, words, judge, lived)


def test_the_life_with_drills_holds_every_promise() -> None:
    """It breaks nothing as it is."""
    honestly = run_plan(drilling())
    assert honestly.violations == ()
    assert any(name.endswith("by drill") for name in honestly.reach)


def test_the_life_in_which_the_weight_goes_up_holds_every_promise() -> None:
    """It breaks nothing as it is."""
    honestly = run_plan(growing())
    assert honestly.violations == ()
    assert honestly.reach["ramp up"]


def test_a_life_without_disturbances_is_held_to_more() -> None:
    """L1: where nothing goes wrong the life of the lies holds every promise; an alert in it that only a fault can
    explain, or an end that is not in order, does not.
    """

    def broken(judge: type[Checker]) -> set[str]:
        return {each.invariant for each in told(judge, calm)}

    alert = {"severity": "warning", "name": "row_missing", "text": "x", "utc_us": 1}
    assert broken(Checker) == set()
    assert broken(before("hedge_opened", "alert_raised", alert)) == {"L1"}
    assert broken(LeavesWithoutACause) == {"L1"}


@pytest.mark.parametrize("policy", list(FxPolicy))
def test_the_fee_of_a_conversion_is_held_by_the_judges_own_drift(policy: FxPolicy) -> None:
    """S7: whichever the policy, a hedge's FX fee is demanded, or forbidden, by what the trades so far have left of the
    foreign currency, whatever the journal says: left out where it is due, or counted where it is not, it is seen.
    """

    def changed(plan: Plan) -> Plan:
        return replace(plan, rules=replace(plan.rules, trade=replace(plan.rules.trade, fx_policy=policy)))

    def with_a_fee(fee: str) -> list[str]:
        violations = run_plan(changed(plan()), judge=each("hedge_opened", lambda line: line.update(fx_fee=fee)))
        return [each.text for each in violations.violations if "reckons with fees" in each.text]

    left_out, counted = with_a_fee("0"), with_a_fee("0.0004")
    assert run_plan(changed(plan())).violations == ()
    assert bool(left_out) is (policy is not FxPolicy.NEVER)
    assert bool(counted) is (policy is not FxPolicy.EACH)


def test_a_resume_forgives_what_had_tripped_and_nothing_else() -> None:
    """R: a loss is counted on over a person's resume, unless it was the loss that had tripped."""

    class Lost(LosesByHedges, Doctor):
        name = "losers_in_row"

        def began(self, now_us: int) -> None:
            super().began(now_us)
            self._risk._limits = replace(self._limits.risk, daily_loss=Decimal(30))

        def lines(self, lines: Lines) -> Lines:
            told: Lines = []
            for kind, line in lines:
                told.append((kind, line))
                if kind == "hedge_settled":
                    told.append(("limit_tripped", {"name": self.name, "utc_us": line["utc_us"]}))
                    told.append(("mode_changed", {"mode": "active", "who": "ann", "own": False, "reason": "x"}))
            return told

    class Forgiven(Lost):
        name = "daily_loss"

    def losses(judge: type[Checker]) -> list[str]:
        violations = run_plan(plan(), judge=judge).violations
        return [each.text for each in violations if "opens after a loss" in each.text]

    assert losses(Lost)
    assert not losses(Forgiven)


def test_what_a_person_gave_up_is_no_leg_of_which_nobody_knows() -> None:
    """L1: what stays one-sided in the end by just what was given up was told when it was (seed 40000109); by any other
    size it was not.
    """

    def one_sided(dust: str) -> bool:
        class GivenUp(Checker):
            def settled(self, now_us: int, lag_us: int, *, feed_up: bool) -> None:
                self.truth.position += 1
                next(iter(self.fold.hedges.values())).closed = {"outcome": "abandoned", "dust": dust}
                super().settled(now_us, lag_us, feed_up=feed_up)

        return any("in mode" in each.text for each in run_plan(plan(), judge=GivenUp).violations)

    assert not one_sided("1")
    assert one_sided("2")


def test_dust_is_what_the_process_has_read_of_the_minimum() -> None:
    """L1: the venue halves its minimum while a process runs, which reads it as it starts: what is left is dust to that
    one as before, and none to the next (seed 100166).
    """
    world = World(plan(), keep_trace=False)
    world.house.quote(plan().quotes[0])
    world.checker.began(0)
    before_it = world.checker.truth.dust()
    for market in ("btcusd", "btceur"):
        listing = world.venue.listing(market)
        listing.spec = replace(listing.spec, minimum_order_value=listing.spec.minimum_order_value / 2)
    assert world.checker.truth.dust() == before_it
    world.checker.began(1)
    assert abs(world.checker.truth.dust() * 2 - before_it) < Decimal("1e-20")


def test_the_checker_shares_no_code_with_the_daemon() -> None:
    """Nothing in it imports the engine, the adapter or the runtime, nor any part of the simulation that does."""
    for path in sorted((HERE / "checker").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            names = [module] if module else [a.name for a in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                if name.startswith("arbbot."):
                    assert name.startswith("arbbot.exchange."), f"{path.name} imports {name}"
                if name.startswith("tests."):
                    assert name.startswith("tests.sim.checker"), f"{path.name} imports {name}"


def test_every_rule_of_the_judge_is_broken_by_a_lie() -> None:
    """Of all places in the judge at which a promise can be told as broken, each is, by a lie that is told above or in
    the stories of settlements: a rule that no lie breaks may be one that nothing can.
    """
    lied = [told(judge) for _, judge in LIES] + [told(judge) for _, _, judge in WITH_WORDS]
    lied += [told(judge, lived) for _, judge, lived in WEIGHTS]
    lied += [told(judge, lived) for _, _, judge, lived in (*DRILLS, *LIVED)]
    broken = {each.site for violations in lied for each in violations} | settlements_broken()
    missed = []
    for path in sorted((HERE / "checker").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "fail":
                lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
                if not any((path.name, line) in broken for line in lines):
                    missed.append(f"{path.name}:{node.lineno}: {ast.unparse(node)}")
    assert missed == []
