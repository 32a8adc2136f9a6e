"""Where mutants are hunted: lives of the core, some in a weather of their own; lives of the whole daemon; one test."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.sim.plan import Disturbance, Plan

EDGE_BPS = 20


@dataclass(frozen=True, slots=True)
class Ground:
    """Seeds of a simulation, or a test's name."""

    kind: str
    """core, shell or test."""
    name: str
    seeds: range
    weather: tuple[Disturbance, ...] = ()
    """What befalls every life at its edges, `at_ms` counted from there, beside what its seed has in store."""
    edges: int = 100
    """At so many of them, from the first one on."""
    undisturbed: bool = False
    """Nothing befalls these lives: nobody may be called, and they end with zero."""

    def change(self, plan: Plan) -> Plan:
        """The plan in this ground's weather."""
        if self.undisturbed:
            return replace(plan, disturbances=())
        edges = [quote.at_ms for quote in plan.quotes if abs(quote.premium_bps) > EDGE_BPS][: self.edges]
        added = [
            replace(each, at_ms=max(0, min(edge + each.at_ms, plan.length_ms)))
            for edge in edges
            for each in self.weather
        ]
        return replace(plan, disturbances=tuple(sorted((*plan.disturbances, *added), key=lambda each: each.at_ms)))


def _in(name: str, seeds: int, *weather: Disturbance) -> Ground:
    return Ground("core", f"core, {name}", range(seeds), weather)


CORE = Ground("core", "core", range(200))
UNDISTURBED = Ground("core", "core, undisturbed", range(60), undisturbed=True)
ROW_BURSTS = replace(_in("row bursts", 12, Disturbance("row_burst", 2_000, size=1_005)), edges=1)
TRADES_BY_HAND = _in("trades by hand", 40, Disturbance("manual_trade", 1_500, "btcusd", size=1),
Disturbance("crash_any", 2_500),
                     Disturbance("manual_trade", 2_600, "btcusd", size=2), Disturbance("resume", 9_000))  # fmt: skip
NAMELESS = _in(
    "rows before names", 40,
    Disturbance("private_lost", 0, count=50, for_ms=20_000),
    Disturbance("lost_after", 0, "place", for_ms=2_000),
    Disturbance("not_found", 0, "place", 2, 2_000, 12_000),
)  # fmt: skip
DOUBTS = _in("doubts", 40, Disturbance("lost_after", 0, "sell", for_ms=2_000), Disturbance("timed_out", 0, "buy",
for_ms=2_000),
             Disturbance("not_found", 0, "place", for_ms=2_000, size=4_000), Disturbance("stop", 4_000))  # fmt: skip
FEEDS = _in("feed faults", 60, Disturbance("crossed", -300, "order_book_btceur", 2), Disturbance("older", 0,
"order_book_btcusd", 2),
            Disturbance("stall_channel", -12_000, "order_book_btcusd", for_ms=14_000), Disturbance("request_reconnect",
            200),
            Disturbance("late_frame", 500))  # fmt: skip
RESTARTS = _in("halts and restarts", 24, Disturbance("halt", -3_000), Disturbance("crash_any", -2_000))
REJECTS = _in("refusals", 40, Disturbance("reject", 0, "place", 2), Disturbance("mis_signed", 0, "place", for_ms=1_500))
UNSIGNED = _in("unsigned refusals", 40, Disturbance("reject", 0, "place", 2), Disturbance("unsigned", 0, "place", 2))
LOST = _in("orders that never arrive", 24, Disturbance("lost_before", 0, "buy", for_ms=2_000))
PANIC = _in("panic", 40, Disturbance("yank", 0, "sell"), Disturbance("panic", 700))
DARK = _in(
    "stops in the dark", 40,
    Disturbance("private_lost", 0, count=50, for_ms=90_000),
    Disturbance("lost_after", 0, "buy", for_ms=2_000),
    Disturbance("http_503", 300, count=5_000, for_ms=90_000),
    Disturbance("stop", 1_500),
)  # fmt: skip
TIGHT = _in("budgets used up", 40, Disturbance("slow_reply", 0, "open_orders", 20, 3_000, 800))
LIMITED = _in(
    "rate limits", 40,
    Disturbance("yank", 0, "sell"),
    Disturbance("rate_limited_429", 100, "order_status", 40, 12_000),
)  # fmt: skip
SHELL = Ground("shell", "shell", range(24))


def one_test(name: str) -> Ground:
    """One test, by its node's name: for what no simulation can see."""
    return Ground("test", name, range(1))


GROUNDS = {
    ground.name: ground
    for ground in (
        CORE,
        UNDISTURBED,
        ROW_BURSTS,
        TRADES_BY_HAND,
        NAMELESS,
        DOUBTS,
        FEEDS,
        RESTARTS,
        REJECTS,
        UNSIGNED,
        PANIC,
        LOST,
        DARK,
        TIGHT,
        LIMITED,
        SHELL,
    )
}
"""All but the tests."""
