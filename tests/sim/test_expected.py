"""The lists of what lives must reach, held against the names in the engine's source: none can be forgotten."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import arbbot.engine
from arbbot.domain.mode import Mode
from arbbot.engine.refusal import Refusal
from tests.sim.expected import ALERTS, LIMITS, NOT_HERE, REFUSALS

ENGINE = Path(arbbot.engine.__file__).parent
TELLS = {"alert": 1, "_tell": 0}
"""Functions that raise an alert, and which of their arguments names it."""


def _calls() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted(ENGINE.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = node.func
                yield (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")), node


def _words(argument: ast.expr) -> set[str]:
    """The names that an argument may be: a mode's alert is named by the mode."""
    constants = [each.value for each in ast.walk(argument) if isinstance(each, ast.Constant)]
    found = {each for each in constants if isinstance(each, str)}
    return {f"mode_{mode}" for mode in Mode} if found == {"mode_"} else found


def _alerts() -> set[str]:
    return {word for name, call in _calls() if name in TELLS for word in _words(call.args[TELLS[name]])}


def _limits() -> set[str]:
    return {word for name, call in _calls() if name in ("Measure", "_at_limit") for word in _words(call.args[0])}


def _listed(kind: str, demanded: tuple[str, ...]) -> list[str]:
    return sorted([*demanded, *(name for name in NOT_HERE if name.startswith(f"{kind} "))])


def test_every_refusal_is_demanded_or_told_why_not() -> None:
    """Each reason of the engine not to trade is on one list, once."""
    assert _listed("refusal", REFUSALS) == sorted(f"refusal {each}" for each in Refusal)


def test_every_alert_is_demanded_or_told_why_not() -> None:
    """So is each alert that its source raises."""
    assert "doubt_unresolved" in _alerts()
    assert _listed("alert", ALERTS) == sorted(f"alert {name}" for name in _alerts())


def test_every_limit_is_demanded() -> None:
    """And each limit that trips."""
    assert _listed("limit", LIMITS) == sorted(f"limit {name}" for name in _limits())
