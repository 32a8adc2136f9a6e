"""Where mutants are hunted: lives of the core, some in a weather of their own; lives of the whole daemon; one test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from arbbot.engine.rules import DrillRules, FxPolicy, RampRules
from arbbot.exchange.rules import VenueRules
from tests.engine.rig import rules
from tests.sim.plan import Disturbance, Plan, Quote

EDGE_BPS = 20
SCENE = "scene, "


@dataclass(frozen=True, slots=True)
class Ground:
    """Seeds of a simulation, or a test's name."""

    kind: str
    """core, shell, scene or test."""
    name: str
    seeds: range
    weather: tuple[Disturbance, ...] = ()
    """What befalls every life at its edges, `at_ms` counted from there, beside what its seed has in store."""
    edges: int = 100
    """At so many of them, from the first one on."""
    always: Mapping[str, Any] = field(default_factory=dict)
    """What every plan holds here, whatever its seed says."""

    def change(self, plan: Plan) -> Plan:
        """The plan in this ground's weather."""
        plan = replace(plan, **self.always)
        edges = [quote.at_ms for quote in plan.quotes if abs(quote.premium_bps) > EDGE_BPS][: self.edges]
        added = [
            replace(each, at_ms=max(0, min(edge + each.at_ms, plan.length_ms)))
            for edge in edges
            for each in self.weather
        ]
        own = (each for each in plan.disturbances if each.at_ms <= plan.length_ms)  # a ground may make lives shorter
        return replace(plan, disturbances=tuple(sorted((*own, *added), key=lambda each: each.at_ms)))


def _in(name: str, seeds: int, *weather: Disturbance, edges: int = 100, **always: Any) -> Ground:
    return Ground("core", f"core, {name}", range(seeds), weather, edges, always)


CORE = Ground("core", "core", range(150))
UNDISTURBED = _in("undisturbed", 60, disturbances=(), settlements=())
ON_DISK = _in("journals on disk", 12, sqlite=True)
ROW_BURSTS = _in("row bursts", 12, Disturbance("row_burst", 2_000, size=1_005), edges=1)
HIDDEN_ROWS = _in(
    "deposits without rows", 40, Disturbance("deposit", 0, size=99), Disturbance("rows_late", 0, count=20)
)
TRADES_BY_HAND = _in(
    "trades by hand",
    40,
    Disturbance("manual_trade", 1_500, "btcusd", size=1),
    Disturbance("crash_any", 2_500),
    Disturbance("manual_trade", 2_600, "btcusd", size=2),
    Disturbance("resume", 9_000),
)
ORDERS_BY_HAND = _in("orders by hand", 24, Disturbance("manual_order", 1_000), Disturbance("crash_any", 2_500))
SELF_TRADES = _in(
    "trades with oneself",
    12,
    *(Disturbance("manual_order", 30, market, size=size) for market in ("btcusd", "btceur") for size in (2, 3)),
)
OPENINGS = _in(
    "deposits at the first start",
    12,
    Disturbance("deposit", -20_000, size=99),
    edges=1,
    venue=VenueRules(row_lag_us=3_000_000),
)
NAMELESS = _in(
    "rows before names",
    40,
    Disturbance("private_lost", 0, count=50, for_ms=20_000),
    Disturbance("lost_after", 0, "place", for_ms=2_000),
    Disturbance("not_found", 0, "place", 2, 2_000, 12_000),
)
DOUBTS = _in(
    "doubts",
    40,
    Disturbance("lost_after", 0, "sell", for_ms=2_000),
    Disturbance("timed_out", 0, "buy", for_ms=2_000),
    Disturbance("not_found", 0, "place", for_ms=2_000, size=4_000),
    Disturbance("stop", 4_000),
)
LATE_ORDERS = _in("orders that arrive late", 40, Disturbance("late_arrival", 0, "place", for_ms=2_000, size=30_000))
SERVER_ERRORS = _in(
    "server errors", 40, Disturbance("http_500", 0, "place", 2, 2_000), Disturbance("maintenance", 0, "place")
)
UNSIGNED = _in("unsigned replies", 40, Disturbance("unsigned", 0, "place", 2))
UNSIGNED_NO = _in("unsigned refusals", 40, Disturbance("reject", 0, "place", 2), Disturbance("unsigned", 0, "place", 2))
MIS_SIGNED_NO = _in(
    "mis-signed refusals", 40, Disturbance("reject", 0, "place", 2), Disturbance("mis_signed", 0, "place", for_ms=1_500)
)
FILLED_AFTER_ALL = _in(
    "fills after cancels", 40, Disturbance("yank", 0, "sell"), Disturbance("fill_after_cancel", 0, size=500)
)
FEEDS = _in(
    "feed faults",
    60,
    Disturbance("crossed", -300, "order_book_btceur", 2),
    Disturbance("older", 0, "order_book_btcusd", 2),
    Disturbance("stall_channel", -12_000, "order_book_btcusd", for_ms=14_000),
    Disturbance("request_reconnect", 200),
    Disturbance("late_frame", 500),
)
LATE_FRAMES = _in("frames that waited", 40, Disturbance("loop_block", -500, for_ms=15_000))
LASTING = tuple(Quote(at_ms, Decimal(60_000), bps, 200) for at_ms, bps in ((0, 0), (6_000, 90), (20_000, 0)))
ONCE = tuple(Quote(at_ms, Decimal(60_000), bps, 200) for at_ms, bps in ((0, 0), (18_000, 90), (19_000, 0)))
SLEEPS = _in(
    "sleeps while an order is hidden",
    40,
    Disturbance("private_lost", -100, count=200, for_ms=40_000),
    Disturbance("lost_after", -100, "buy", for_ms=9_000),
    Disturbance("not_found", -100, "buy", 1, 9_000, 40_000),
    Disturbance("vm_pause", 600, for_ms=8_000),
    disturbances=(),
    quotes=ONCE,
    length_ms=60_000,
)
SLOW_STARTS = _in(
    "slow starts while an edge stands",
    40,
    Disturbance("crash_any", -500),
    Disturbance("slow_reply", -400, "transactions", 9, 9_000, 5_000),
    quotes=LASTING,
)
YANKED = _in("edges that turn", 40, Disturbance("yank", 0, "sell"))
CUT_OFF = _in(
    "legs left while the feed is gone",
    60,
    Disturbance("yank", 0, "sell"),
    Disturbance("fin", 900),
    Disturbance("connect_refused", 0, "any", 3),
)
LEFT_AT_STARTS = _in(
    "legs left by a process that has just begun",
    60,
    Disturbance("yank", 0, "sell"),
    Disturbance("crash_any", 500),
    quotes=ONCE,
)
FALLS = _in(
    "falls after purchases",
    40,
    Disturbance("yank", 0, "sell"),
    quotes=(*LASTING[:2], Quote(7_200, Decimal(57_000), 0, 200)),
)
MARKET_HALTS = _in(
    "halts of markets",
    40,
    Disturbance("market_halt", -1_500, "btcusd", for_ms=20_000),
    Disturbance("market_halt", -1_500, "btceur", for_ms=20_000),
)
SHORT_HALTS = _in(
    "halts that no list shows",
    40,
    Disturbance("market_halt", -1_500, "btcusd", for_ms=500),
    Disturbance("market_halt", -1_500, "btceur", for_ms=500),
    edges=1,
)
HIDDEN = _in("rows out of order", 40, Disturbance("row_hidden", 0, count=2, size=4_000))
RESTARTS = _in("halts and restarts", 24, Disturbance("halt", -3_000), Disturbance("crash_any", -2_000))
PANIC = _in("panic", 40, Disturbance("yank", 0, "sell"), Disturbance("panic", 700))
HALTED = _in("halts in the middle", 40, Disturbance("yank", 0, "sell"), Disturbance("halt", 700))
REBASES = _in(
    "rebases that outlive a process",
    40,
    Disturbance("pause", -3_000),
    Disturbance("rebase", -2_500),
    Disturbance("crash_any", -2_450),
)
UNDONE = _in(
    "rebases that a stop ends",
    24,
    Disturbance("http_503", -3_000, "any", 5_000, 90_000),
    Disturbance("rebase", -2_500),
    Disturbance("stop", -1_500),
    edges=1,
)
GIVEN_UP = _in(
    "rebases while something is open",
    40,
    Disturbance("yank", 0, "sell"),
    Disturbance("halt", 900),
    Disturbance("rebase", 600),
    Disturbance("resume", 9_000),
)
PANIC_REBASES = _in("rebases in a panic", 40, Disturbance("panic", 300), Disturbance("rebase", 4_000))
FEES = _in("dear fees", 60, fee_percent=Decimal("0.3"))
LOST = _in("orders that never arrive", 24, Disturbance("lost_before", 0, "buy", for_ms=2_000))
DARK = _in(
    "stops in the dark",
    40,
    Disturbance("private_lost", 0, count=50, for_ms=90_000),
    Disturbance("lost_after", 0, "buy", for_ms=2_000),
    Disturbance("http_503", 300, count=5_000, for_ms=90_000),
    Disturbance("stop", 1_500),
)
TIGHT = _in("small budgets", 40, windows=((6, 1), (10_000, 600)))
LIMITED = _in(
    "rate limits",
    40,
    Disturbance("yank", 0, "sell"),
    Disturbance("rate_limited_429", 100, "order_status", 40, 12_000),
)
NARROW = _in(
    "narrow limits",
    60,
    Disturbance("deposit", -500, size=99),
    Disturbance("yank", 0, "sell"),
    Disturbance("resume", 9_000),
    rules=rules(
        min_depth_levels=1,
        gross_threshold=Decimal("0.002"),
        max_slippage=Decimal("0.002"),
        limit_markup=Decimal(0),
        fx_policy=FxPolicy.EACH,
        wait_s=Decimal(12),
        force_s=Decimal(20),
        poll_s=Decimal(8),
        cooldown_s=Decimal("0.5"),
        reject_cooldown_s=Decimal(1),
        premium_tolerance=Decimal("0.02"),
        rejects_to_reduce=9,
        daily_loss=Decimal(9),
        equity_loss=Decimal(9),
        losers_in_row=1,
        max_rejects=1,
        unhedged_s=Decimal(6),
        unhedged_notional=Decimal(2_500),
        orders_per_minute=4,
        cancels_per_minute=1,
        duplicate_s=Decimal(5),
    ),
)
"""Every limit is as good as reached by one hedge that goes wrong."""
REFUSED = replace(NARROW, name="core, narrow limits and refusals", weather=(Disturbance("reject", 0, "buy"),))
WEIGHED = rules(
    min_depth_levels=1,
    gross_threshold=Decimal("0.002"),
    max_slippage=Decimal("0.002"),
    limit_markup=Decimal(0),
    poll_s=Decimal(8),
    cooldown_s=Decimal("0.5"),
    reject_cooldown_s=Decimal(1),
    premium_tolerance=Decimal("0.02"),
)
WRONG_WORDS = _in(
    "orders that people call absent",
    40,
    Disturbance("yank", 0, "sell"),
    Disturbance("private_lost", 0, count=50, for_ms=15_000),
    Disturbance("mis_signed", 0, "sell", for_ms=2_000),
    Disturbance("not_found", 0, "sell", 1, 2_000, 1_500),
    Disturbance("resolve_wrongly", 400),
    Disturbance("crash_any", 600),
    Disturbance("lost_before", 400, "cancel", 2, 20_000),
    Disturbance("resume", 12_000),
    rules=WEIGHED,
)
LEFT_OVER = _in(
    "what fills after cancels leave",
    40,
    *FILLED_AFTER_ALL.weather,
    Disturbance("resume", 3_000),
    rules=replace(WEIGHED, limits=replace(WEIGHED.limits, unhedged_s=Decimal(6))),
)
REPEATED = _in(
    "edges that last, and hedges alike",
    24,
    disturbances=(),
    quotes=LASTING,
    rules=replace(WEIGHED, limits=replace(WEIGHED.limits, duplicate_s=Decimal(5))),
)
CANCELLED = _in(
    "cancels beyond their rate",
    24,
    Disturbance("yank", 0, "sell"),
    edges=1,
    rules=replace(WEIGHED, limits=replace(WEIGHED.limits, cancels_per_minute=1)),
)
STALE_TICKERS = _in(
    "tickers of before the edge",
    24,
    Disturbance("stale_reply", -100, "ticker", 90, 20_000),
    quotes=LASTING,
    rules=replace(WEIGHED, feed=replace(WEIGHED.feed, ticker_every_s=Decimal(1), premium_tolerance=Decimal("0.002"))),
)
NO_RATES = _in(
    "rates that do not come",
    24,
    Disturbance("http_503", 0, "conversion_rate", 90, 30_000),
    quotes=LASTING,
    rules=replace(WEIGHED, spike=replace(WEIGHED.spike, rate_every_s=Decimal(1), rate_max_age_s=Decimal(3))),
)
RAMP = RampRules(
    period_s=Decimal(5),
    step=Decimal("0.5"),
    max_weight=Decimal("1.8"),
    min_hedges=1,
    min_edge_hedges=1,
    max_shortfall=Decimal("0.0005"),
    max_slippage=Decimal("0.0002"),
    max_rate_limited=Decimal("0.05"),
    max_one_sided=Decimal("0.1"),
)
RAMPS = _in(
    "weights that grow",
    60,
    Disturbance("ramp_set", -2_500, size=250),
    Disturbance("rate_limited_429", 2_500, "any", 2, 2_000),
    rules=replace(WEIGHED, ramp=RAMP),
)
DRILLS = _in(
    "readiness drills",
    60,
    rules=replace(WEIGHED, drill=DrillRules(every_s=Decimal(6), budget=Decimal("0.6"))),
)
RAMP_LOSSES = _in(
    "weights, and hedges that lose",
    40,
    Disturbance("yank", 0, "sell"),
    rules=replace(WEIGHED, ramp=replace(RAMP, max_one_sided=Decimal(1), max_slippage=Decimal(1))),
)
RAMP_ONE_SIDED = _in(
    "weights, and a hedge that is one-sided",
    60,
    Disturbance("yank", 0, "sell"),
    edges=1,
    rules=replace(WEIGHED, ramp=replace(RAMP, period_s=Decimal(40), max_shortfall=Decimal(1), max_slippage=Decimal(1))),
)
RAMP_TRIPS = _in(
    "weights, and limits that trip",
    40,
    Disturbance("ramp_set", -2_500, size=150),
    Disturbance("yank", 0, "sell"),
    Disturbance("resume", 6_000),
    rules=replace(
        WEIGHED,
        limits=replace(WEIGHED.limits, losers_in_row=1),
        ramp=replace(RAMP, period_s=Decimal(3600)),
    ),
)
SETTLING: Mapping[str, Any] = {
    "settlements": (9_000, 14_000, 20_000, 26_000, 33_000, 41_000, 60_000),
    "rules": rules(
        min_depth_levels=1,
        gross_threshold=Decimal("0.002"),
        max_slippage=Decimal("0.002"),
        limit_markup=Decimal(0),
        fx_policy=FxPolicy.EACH,
        poll_s=Decimal(8),
        cooldown_s=Decimal("0.5"),
        premium_tolerance=Decimal("0.02"),
        lease_s=Decimal(20),
    ),
}
"""Profit at every edge, its euros converted at once, and a treasury that looks again and again."""
RICH = (("btc", Decimal(3)), ("usd", Decimal(200_000)), ("eur", Decimal(200_000)), ("usdt", Decimal(500)))
QUICK = VenueRules(withdrawal_open_us=1_000_000, withdrawal_process_us=3_000_000)
TURNS = tuple(
    Quote(at_ms + later_ms, Decimal(60_000), bps, 200)
    for at_ms, sign in zip(range(5_000, 60_000, 7_000), (1, -1) * 4, strict=True)
    for later_ms, bps in ((0, 90 * sign), (3_000, 0))
)
"""An edge every seven seconds, now one way and now the other."""
EARNING: Mapping[str, Any] = {
    **SETTLING,
    "settlements": tuple(range(9_000, 70_000, 3_500)),
    "length_ms": 70_000,
    "quotes": TURNS,
    "balances": RICH,
    "venue": QUICK,
}
SETTLED = _in("settlements", 40, **SETTLING)
SETTLED_BESIDE = _in(
    "settlements beside what people pay in",
    40,
    Disturbance("usdt_deposit", 12_000),
    Disturbance("resume", 14_000),
    Disturbance("usdt_deposit", 19_000),
    Disturbance("resume", 22_000),
    edges=3,
    **EARNING,
)
SETTLED_LATE = _in(
    "settlements that the venue lists late",
    60,
    **{**EARNING, "venue": replace(QUICK, request_lag_us=4_000_000)},
)
SETTLED_COPIED = _in(
    "settlements by an older copy of their journal", 80, Disturbance("requests_restored", 12_000), edges=3, **EARNING
)
SETTLED_CHANGED = _in(
    "settlements after a change of settings", 40, Disturbance("settings_changed", 17_000), edges=1, **EARNING
)
SHELL = Ground("shell", "shell", range(24))
GROUNDS = {
    ground.name: ground
    for ground in (
        CORE, UNDISTURBED, ON_DISK, ROW_BURSTS, HIDDEN_ROWS, TRADES_BY_HAND, ORDERS_BY_HAND, SELF_TRADES, OPENINGS,
        NAMELESS, DOUBTS, LATE_ORDERS, SERVER_ERRORS, UNSIGNED, UNSIGNED_NO, MIS_SIGNED_NO, FILLED_AFTER_ALL,
        WRONG_WORDS, LEFT_OVER, FEEDS, SLEEPS,
        LATE_FRAMES, SLOW_STARTS, YANKED,
        CUT_OFF, LEFT_AT_STARTS, FALLS, MARKET_HALTS, SHORT_HALTS, HIDDEN, RESTARTS, PANIC, HALTED, REBASES,
        UNDONE, GIVEN_UP, PANIC_REBASES, FEES, LOST, DARK, TIGHT, LIMITED, NARROW, REFUSED, REPEATED, CANCELLED,
        STALE_TICKERS, NO_RATES, RAMPS, RAMP_LOSSES,
        RAMP_ONE_SIDED, RAMP_TRIPS, DRILLS, SETTLED, SETTLED_BESIDE, SETTLED_LATE,
        SETTLED_COPIED, SETTLED_CHANGED, SHELL,
    )
}  # fmt: skip
"""All but the tests."""


def one_scene(name: str) -> Ground:
    """One scene of the whole daemon, by its name, before the shell's own judge."""
    return Ground("scene", f"{SCENE}{name}", range(1))


def one_test(name: str) -> Ground:
    """One test, by its node's name: for what no simulation can see."""
    return Ground("test", name, range(1))
