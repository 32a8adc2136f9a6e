"""What happens counts only where something came of it: a list of faults is no proof unless each can go missing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.engine.rig import rules
from tests.sim import people
from tests.sim.catalogue import CRASHES, HAPPENINGS, SETTLED, WORDS
from tests.sim.draw import draw
from tests.sim.life import run_plan
from tests.sim.plan import Disturbance, Plan, Quote

TABLES: tuple[dict[str, Any], ...] = (people.FEED, people.MACHINE, people.TREASURY, people.VENUE, people.VERBS)
EDGE_MS = 6_000
QUOTES = tuple(Quote(at_ms, Decimal(60_000), bps, 200) for at_ms, bps in ((0, 0), (EDGE_MS, 90), (9_000, 0)))
RULES = rules(
    min_depth_levels=1, gross_threshold=Decimal("0.002"), limit_markup=Decimal(0), premium_tolerance=Decimal("0.02")
)
CALM = replace(draw(40), disturbances=(), length_ms=25_000, quotes=QUOTES, rules=RULES)
"""A life with one hedge."""
SETTLING = next(plan for plan in map(draw, range(60)) if plan.settlements)
RESTS = Disturbance("yank", EDGE_MS, "sell")
BEFORE = {
    "late_frame": Disturbance("fin", EDGE_MS - 2_000),
    "resolve": Disturbance("lost_before", EDGE_MS - 50, "buy"),
    "resolve_wrongly": RESTS,
    "owner_cancel": RESTS,
}
"""What it takes for some to find anything."""
LATER_MS = {"resolve_wrongly": 400, "owner_cancel": 400, "resolve": 14_000}
SIZES = {"row_burst": 1_005, "fee_change": 250, "minimum_change": 25, "clock_jump": -2_000, "manual_trade": 1}


def happening(kind: str) -> Plan:
    """A life in which little else happens, some time after its first edge."""
    target = {"stall_channel": "order_book_btcusd"}.get(kind, "btcusd")
    each = Disturbance(kind, EDGE_MS + LATER_MS.get(kind, 1_000), target, for_ms=5_000, size=SIZES.get(kind, 50))
    if kind in SETTLED:
        at_ms = SETTLING.settlements[-1] + 5_000
        return replace(SETTLING, disturbances=(replace(each, at_ms=at_ms),), length_ms=at_ms + 5_000)
    return replace(CALM, disturbances=(BEFORE[kind], each) if kind in BEFORE else (each,))


def fired(plan: Plan, kind: str) -> int:
    """How often it counts."""
    return run_plan(plan).fired.get(kind, 0)


KINDS = (*HAPPENINGS, *CRASHES, *WORDS, *SETTLED)


@pytest.mark.parametrize("kind", KINDS)
def test_what_does_nothing_has_not_happened(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each happening counts in a life that it changes; with its work left out it is missing from the same life."""
    assert fired(happening(kind), kind) == 1
    (table,) = (table for table in TABLES if kind in table)
    monkeypatch.setitem(table, kind, lambda *_: None)
    assert fired(happening(kind), kind) == 0


def test_every_happening_is_tried() -> None:
    """None is in the tables but not in the catalogue's lists, and none the other way round."""
    assert sorted(KINDS) == sorted(kind for table in TABLES for kind in table)


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("fin", Disturbance("crash_any", 8_000)),
        ("market_halt", Disturbance("market_halt", 8_000, "btcusd", for_ms=9_000)),
        ("fee_change", Disturbance("fee_change", 8_000, size=250)),
        ("minimum_change", Disturbance("minimum_change", 8_000, "btcusd", size=25)),
        ("loop_block", Disturbance("loop_block", 8_000, for_ms=9_000)),
        ("resolve_wrongly", None),
        ("resolve", None),
        ("owner_cancel", None),
        ("late_frame", None),
        ("requests_restored", None),
        ("settings_changed", None),
        ("withdrawal", None),
    ],
)
def test_what_finds_nothing_to_change_does_not_count(kind: str, more: Disturbance | None) -> None:
    """A cut without a connection, a halt of what is halted, fees that are the same, a word about no order, a treasury's
    fault without a treasury, a withdrawal of what is not there: once is once, and never is never.
    """
    each = Disturbance(kind, 8_001, "btcusd", for_ms=5_000, size=SIZES.get(kind, 50))
    quiet = replace(CALM, quotes=CALM.quotes[:1], settlements=(), balances=(("btc", CALM.balances[0][1]),))
    plan = replace(quiet, disturbances=(each,) if more is None else (more, each))
    assert fired(plan, kind) == (0 if more is None or more.kind != kind else 1)
