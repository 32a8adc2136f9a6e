"""The judge judged: every invariant is seen to fail on a life whose journal, wire or venue was doctored."""

from __future__ import annotations

import ast
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.sim.checker import Checker
from tests.sim.lies import LIES, Doctor, Lines, before, honest, judged, plan
from tests.sim.life import run_plan
from tests.sim.plan import Plan
from tests.sim.worded_lies import WORDED

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


@pytest.mark.parametrize(
    ("invariant", "words", "judge"), WORDED, ids=[f"{name}-{judge.__name__}" for name, _, judge in WORDED]
)
def test_every_lie_is_seen_for_what_it_is(invariant: str, words: str, judge: type[Checker]) -> None:
    """A doctored life breaks the very rule that it was doctored against, by the words of the verdict."""
    violations = run_plan(plan(), judge=judge).violations
    assert [each.text for each in violations if each.invariant == invariant and words in each.text]


def test_a_life_without_disturbances_is_held_to_more() -> None:
    """L1: where nothing goes wrong the life of the lies holds every promise; an alert in it that only a fault can
    explain, or an end that is not in order, does not.
    """

    def undisturbed(plan: Plan) -> Plan:
        return replace(plan, disturbances=())

    class Ends(Checker):
        def ended(self, code: int | None, now_us: int) -> None:
            self.fold.stopped = {"code": 22}
            super().ended(22, now_us)

    alert = {"severity": "warning", "name": "row_missing", "text": "x", "utc_us": 1}
    assert judged(Checker, undisturbed) == set()
    assert judged(before("hedge_opened", "alert_raised", alert), undisturbed) == {"L1"}
    assert judged(Ends, undisturbed) == {"L1"}


def test_exposure_beyond_the_cap_is_seen() -> None:
    """S5: with a cap below the hedges of the life, the first hedge already is too much."""

    class Narrow(Checker):
        def began(self, now_us: int) -> None:
            super().began(now_us)
            self._exposure._cap = Decimal("0.00001")

    assert "S5" in judged(Narrow)


def test_a_hedge_below_the_floor_is_seen() -> None:
    """S7: with a floor above what the hedges were decided at, each of them is a violation."""

    class Greedy(Checker):
        def began(self, now_us: int) -> None:
            super().began(now_us)
            self._decisions._limits = replace(self._limits, net_floor=Decimal(1))

    assert "S7" in judged(Greedy)


@pytest.mark.parametrize(
    "limit",
    [
        {"notional_per_hour": Decimal(1)},
        {"daily_loss": Decimal(-(10**6))},
        {"max_hedges": 0},
        {"losers_in_row": 0},
        {"orders_per_minute": 1},
        {"duplicate_us": 10**12},
    ],
)
def test_every_risk_limit_is_counted(limit: dict[str, Any]) -> None:
    """R: with a limit below what the life does, its hedges are too many; and the same hedge twice is one too many."""

    class Strict(Doctor):
        def began(self, now_us: int) -> None:
            super().began(now_us)
            self._risk._limits = replace(self._limits.risk, steady=True, **limit)

        def lines(self, lines: Lines) -> Lines:
            for kind, line in lines:
                if kind == "hedge_opened" and "duplicate_us" in limit:
                    line |= {"size": "0.01", "limit_price": "1", "direction": "buy_domestic"}
            return lines

    assert "R" in judged(Strict)


def test_a_narrower_rate_is_seen() -> None:
    """S9: under a budget of two requests a minute the life asks too often."""

    class Strict(Checker):
        def began(self, now_us: int) -> None:
            self._wire._limits = replace(self._limits, windows=((2, 60), (3, 600)))
            super().began(now_us)

    assert "S9" in judged(Strict)


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
