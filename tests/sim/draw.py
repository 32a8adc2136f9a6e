"""From a seed to a plan."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random

from arbbot.engine.rules import BuyAs, DrillRules, FxPolicy, LimitReference, RampRules, Rules, ThresholdMode
from arbbot.exchange.rules import Booking, VenueRules
from tests.engine.rig import rules
from tests.sim import catalogue
from tests.sim.house import DOMESTIC, FOREIGN, SYMBOLS
from tests.sim.nights import at_night
from tests.sim.plan import Disturbance, Pace, Plan, Quote

D = Decimal
LONG_MS = 680_000
SETTLING = 0.25
"""Share of lives with a treasury."""
UNTRUE = 0.08
"""Share of lives in which what is there is said not to be."""
SLEEPS = 0.03
"""Share of lives in which the machine sleeps just when an order is in doubt."""
PAGED = 0.004
"""Share of lives with several pages of rows."""
EDGE_BPS = 20
"""A larger premium is an edge."""
NO_TICKER = Disturbance("http_503", 15_000, "ticker", 2_000)
"""With this a long life stands still until a person hears of it."""


def draw(seed: int) -> Plan:
    """The plan of a seed, the same for ever."""
    rng = Random(f"{seed}/plan")
    length_ms = rng.choice((20_000, 30_000, 45_000, 60_000, 120_000))
    long = rng.random() < 0.015
    if long:
        length_ms = LONG_MS
    levels = rng.choice((6, 6, 10, 22))
    fee = D(rng.choice((0, 30, 40, 100))) / 1000
    quotes = _quotes(rng, length_ms)
    signed_errors_only = rng.random() < 0.3
    plan = Plan(
        seed=seed,
        rules=replace(draw_rules(rng, levels), ramp=draw_ramp(seed), drill=draw_drill(seed)),
        venue=_venue(rng, signs=signed_errors_only and rng.random() < 0.9),
        balances=(
            ("btc", D(rng.choice(("0.0001", *(("0.05", "1", "1.5", "3") * 3))))),
            ("usd", D(rng.choice((5, *((2_000, 60_000, 200_000) * 4))))),
            ("eur", D(rng.choice((2_000, 60_000, 200_000)))),
        ),
        fee_percent=fee,
        levels=levels,
        pace=Pace(
            up_ms=rng.choice((3, 20, 60)),
            down_ms=rng.choice((3, 20, 60)),
            jitter_ms=rng.choice((1, 20, 100)),
            idle_look_ms=rng.choice((1500, 1900, 3500)),
            busy_look_ms=rng.choice((150, 300, 600)),
        ),
        private=rng.random() < 0.7,
        signed_errors_only=signed_errors_only,
        quiet=rng.random() < 0.2,
        windows=rng.choice((((400, 1), (10_000, 600)),) * 3 + (((30, 1), (10_000, 600)), ((20, 1), (3_000, 600)))),
        sqlite=rng.random() < 0.04,
        clock_off_ms=rng.choice((0, 0, 0, -700, 900, -20_000, 20_000)),
        length_ms=length_ms,
        quotes=quotes,
        disturbances=(NO_TICKER,)
        if long
        else (
            *_disturbances(rng, length_ms, quotes),
            *_weights(seed, length_ms),
            *_untruths(seed, length_ms, quotes),
            *_sleeps(seed, length_ms, quotes),
            *_pages(seed, length_ms),
        ),
    )
    return at_night(_with_settlements(plan))


def _with_settlements(plan: Plan) -> Plan:
    """A treasury in some lives; by a generator of its own, so that it moves nothing else in a life."""
    rng = Random(f"{plan.seed}/settlements")
    if rng.random() > SETTLING:
        return plan
    times = [rng.randint(10_000, plan.length_ms + 20_000) for _ in range(rng.randint(2, 8))]
    trade = replace(plan.rules.trade, fx_policy=rng.choice((FxPolicy.EACH, FxPolicy.EACH, plan.rules.trade.fx_policy)))
    account = replace(plan.rules.account, lease_s=D(rng.choice((3, 20, 120))) if plan.disturbances else D(120))
    venue = replace(
        plan.venue,
        withdrawal_booking=rng.choice(tuple(Booking)),
        withdrawal_open_us=rng.choice((1_000_000, 8_000_000)),
        withdrawal_process_us=rng.choice((1_000_000, 20_000_000)),
        request_lag_us=rng.choice((0, 0, 2_000_000)),
        withdrawal_fee_inside=rng.random() < 0.3,
    )
    balances = (*plan.balances, ("usdt", D(rng.choice((0, 0, 500)))))
    return replace(
        plan, settlements=tuple(sorted(times)), rules=replace(plan.rules, account=account, trade=trade), venue=venue,
        balances=balances, disturbances=_beside_settlements(plan),
    )  # fmt: skip


def _beside_settlements(plan: Plan) -> tuple[Disturbance, ...]:
    """What people do to a treasury, in lives that are disturbed anyway: mostly nothing."""
    rng = Random(f"{plan.seed}/beside settlements")
    if not plan.disturbances:
        return ()
    most = {"usdt_deposit": 2, "requests_restored": 1, "settings_changed": 1}
    added = [
        Disturbance(kind, rng.randint(15_000, max(plan.length_ms, 20_000)), size=rng.randrange(8))
        for kind in catalogue.SETTLED
        for _ in range(rng.randint(1, most[kind]) if rng.random() < 0.25 else 0)
    ]
    return tuple(sorted((*plan.disturbances, *added), key=lambda each: (each.at_ms, each.kind, each.target)))


def draw_rules(rng: Random, levels: int) -> Rules:
    """Rules under which a life of minutes sees every part of the engine. Groups and fields not named stay as usual."""
    resting = rng.random() < 0.15
    return rules(
        threshold_mode=rng.choice((ThresholdMode.FIXED, ThresholdMode.COST_PLUS)),
        gross_threshold=D(rng.choice(("0.002", "0.0035"))),
        cost_margin=D(rng.choice(("0.0002", "0.001"))),
        net_floor=D(rng.choice(("0", "0.0002"))),
        min_depth_levels=rng.choice((1, levels // 2, levels)),
        max_slippage=D(rng.choice(("0.0005", "0.002"))),
        collar=D(rng.choice(("0.001", "0.003", "0.01"))),
        limit_markup=D(rng.choice(("0", "0.001", "0.003"))),
        limit_reference=LimitReference.SELL_ASK if resting else LimitReference.BUY_VWAP,
        buy_as=rng.choice(tuple(BuyAs)),
        target_size=D(rng.choice(("0.01", "0.05", "0.2"))),
        weight=D(rng.choice(("1", "0.5"))),
        max_notional=D(rng.choice((1_000, 10_000))),
        fx_policy=rng.choice(tuple(FxPolicy)),
        band=D(rng.choice((100, 1_000, 10**9))),
        max_conversion=D(rng.choice((1_000, 25_000))),
        reach=D(rng.choice(("0.0001", "0.001"))),
        slack=D(rng.choice(("0", "0.0002"))),
        retry_s=D(rng.choice((2, 10))),
        max_failures=rng.choice((2, 3)),
        enabled=rng.random() < 0.7,
        persist_changes=rng.choice((1, 1, 2, 3)),
        persist_s=D(rng.choice(("0", "0", "0.3"))),
        median_samples=rng.choice((1, 3)),
        median_distance=D(rng.choice(("0.01", "0.05"))),
        max_gross=D(rng.choice(("0.011", "0.05"))),
        max_skew_s=D(rng.choice((2, 10**6))),
        rate_tolerance=D(rng.choice(("0.0003", "0.02"))),
        rate_every_s=D(rng.choice((10, 30))),
        wait_s=D(rng.choice((1, 3, 5))),
        **_limits(rng),
        force_s=D(rng.choice((6, 15))),
        exit_loss=D(rng.choice(("0.001", "0.01"))),
        forced_exit_loss=D(rng.choice(("0.005", "0.03"))),
        max_exits=rng.choice((2, 5)),
        cooldown_s=D(rng.choice(("0.5", "2"))),
        reject_cooldown_s=D(rng.choice((1, 5))),
        rejects_to_reduce=rng.choice((2, 3)),
        dust_cap=D(rng.choice(("0.0005", "0.002"))),
        fresh_s=D(rng.choice((4, 10))),
        ticker_every_s=D(rng.choice((10, 30))),
        premium_tolerance=D(rng.choice(("0.002", "0.02"))),
        poll_s=D(rng.choice((8, 30))),
        lag_s=D(5),
        overlap_s=D(rng.choice((60, 60, 600))),
        doubt_alert_s=D(rng.choice((20, 60))),
        stop_grace_s=D(rng.choice((20, 45))),
        fees_every_s=D(rng.choice((20, 300))),
    )


def draw_ramp(seed: int) -> RampRules | None:
    """In some lives the weight is decided on, in periods that a life of a minute has several of."""
    rng = Random(f"{seed}/ramp")
    if rng.random() < 0.6:
        return None
    return RampRules(
        period_s=D(rng.choice((8, 15, 30))),
        step=D(rng.choice(("0.2", "0.5"))),
        max_weight=D(rng.choice(("1.3", "2"))),
        min_hedges=rng.choice((1, 1, 2)),
        min_edge_hedges=1,
        max_shortfall=D(rng.choice(("0.0005", "0.01"))),
        max_slippage=D(rng.choice(("0.0005", "0.01"))),
        max_rate_limited=D(rng.choice(("0.01", "0.3"))),
        max_one_sided=D(rng.choice(("0.1", "0.5"))),
    )


def draw_drill(seed: int) -> DrillRules | None:
    """Some lives have readiness drills, of which a minute sees several; the budget ends them."""
    rng = Random(f"{seed}/drill")
    if rng.random() < 0.8:
        return None
    return DrillRules(every_s=D(rng.choice((4, 10, 25))), budget=D(rng.choice(("0.5", "2", "20"))))


def _weights(seed: int, length_ms: int) -> list[Disturbance]:
    """People who set the weight now and then, in percent of what a ramp may reach; some ask for too much."""
    rng = Random(f"{seed}/weights")
    if rng.random() < 0.7:
        return []
    times = sorted(rng.randint(0, length_ms) for _ in range(rng.randint(1, 2)))
    return [Disturbance("ramp_set", at_ms, size=rng.choice((0, 30, 100, 130, 250))) for at_ms in times]


def _untruths(seed: int, length_ms: int, quotes: tuple[Quote, ...]) -> list[Disturbance]:
    """In a few lives what is there is said not to be: people call an order absent of which they see as little as the
    daemon, or one that rests, which is refused, and cancels of it may be lost; or the venue refuses one order in the
    words of another.
    """
    rng = Random(f"{seed}/untruths")
    if rng.random() > UNTRUE:
        return []
    edges = [quote.at_ms for quote in quotes if abs(quote.premium_bps) > EDGE_BPS and quote.at_ms < length_ms]
    side = rng.choice(("buy", "sell"))
    if len(edges) > 1 and rng.random() < 0.4:
        first_ms, *others_ms = edges
        told = [Disturbance("stale_reply", at_ms - 100, side, for_ms=1_000) for at_ms in others_ms]
        return [Disturbance("reject", first_ms - 100, side), *told]
    found = []
    for edge_ms in rng.sample(edges, min(len(edges), 3)):
        dies = rng.random() < 0.6
        said_ms = min(edge_ms + (400 if dies else rng.choice((150, 4_000, 11_000))), length_ms)
        found += [Disturbance("yank", edge_ms, "sell"), Disturbance("resolve_wrongly", said_ms)]
        if dies:  # and what rests is found by the next process, whose cancels are lost
            found.append(Disturbance("crash_any", min(said_ms + 200, length_ms)))
            found.append(Disturbance("lost_before", said_ms, "cancel", rng.choice((2, 4)), 20_000))
        if dies or rng.random() < 0.7:
            fault, leg = ("mis_signed", "sell") if dies else ("lost_after", side)
            found += [
                Disturbance("private_lost", edge_ms, count=50, for_ms=15_000),
                Disturbance(fault, edge_ms, leg, for_ms=2_000),
                Disturbance("not_found", edge_ms, leg, 1, 2_000, rng.choice((1_500, 12_000))),
            ]
    return found


def _sleeps(seed: int, length_ms: int, quotes: tuple[Quote, ...]) -> list[Disturbance]:
    """In a few lives the machine sleeps for a moment while the venue hides an order whose answer was lost."""
    rng = Random(f"{seed}/sleeps")
    edges = [quote.at_ms for quote in quotes if abs(quote.premium_bps) > EDGE_BPS and quote.at_ms < length_ms]
    if rng.random() > SLEEPS or not edges:
        return []
    edge_ms, side = rng.choice(edges), rng.choice(("buy", "sell"))
    return [
        Disturbance("private_lost", max(0, edge_ms - 100), count=200, for_ms=40_000),
        Disturbance("lost_after", max(0, edge_ms - 100), side, for_ms=9_000),
        Disturbance("not_found", max(0, edge_ms - 100), side, 1, 9_000, rng.choice((9_000, 15_000, 40_000))),
        Disturbance("vm_pause", edge_ms + rng.choice((300, 900)), for_ms=rng.choice((6_000, 8_000, 30_000))),
    ]


def _pages(seed: int, length_ms: int) -> list[Disturbance]:
    """In a few lives there are more rows than a page holds, and more come while the pages are read."""
    rng = Random(f"{seed}/pages")
    if rng.random() > PAGED:
        return []
    at_ms = rng.randint(0, length_ms // 2)
    between = Disturbance("rows_between", at_ms, "transactions", rng.choice((1, 2)), size=rng.choice((1, 3, 40)))
    return [Disturbance("row_burst", at_ms, size=rng.choice((1_005, 2_010))), between]


def _limits(rng: Random) -> dict[str, object]:
    """Risk limits that a life of minutes reaches; in most lives they are as wide as usual."""
    if rng.random() < 0.6:
        return {}
    return {
        "notional_per_hour": D(rng.choice((3_000, 50_000, 10**9))),
        "notional_per_day": D(rng.choice((4_000, 10**9))),
        "daily_loss": D(rng.choice((1, 20, 10**9))),
        "equity_loss": D(rng.choice((5, 10**9))),
        "max_hedges": rng.choice((3, 256)),
        "hedges_window_s": D(20),
        "unhedged_notional": D(rng.choice((300, 10**9))),
        "unhedged_s": D(rng.choice((2, 60, 10**9))),
        "losers_in_row": rng.choice((2, 10**6)),
        "reject_window": 10,
        "max_rejects": rng.choice((2, 10**6)),
        "duplicate_s": D(rng.choice((0, 5))),
        "orders_per_minute": rng.choice((6, 1001)),
        "cancels_per_minute": rng.choice((2, 1001)),
    }


def _venue(rng: Random, *, signs: bool) -> VenueRules:
    return VenueRules(
        row_decimals=rng.choice((2, 5, 8)),
        balance_decimals=rng.choice((None, None, None, 8, 8, 5, 5, 2)),
        row_lag_us=rng.choice((0, 0, 300_000, 3_000_000)),
        status_lag_us=rng.choice((0, 0, 200_000, 3_000_000)),
        open_orders_cache_us=rng.choice((0, 10_000_000)),
        coded_errors=rng.random() < 0.5,
        error_status=rng.choice((200, 400)),
        sign_errors=signs or rng.random() < 0.7,
        limiter_status=rng.choice((400, 429)),
        cancel_numbers=rng.random() < 0.5,
    )


def _quotes(rng: Random, length_ms: int) -> tuple[Quote, ...]:
    """A market without an edge, with an edge now and then, one way or the other, for seconds."""
    price, depth = D(rng.randint(20_000, 100_000)), rng.choice((4, 30, 200))
    quotes = [Quote(0, price, rng.randint(-5, 5), depth)]
    at_ms = rng.randint(3_000, 9_000)
    while at_ms < min(length_ms, 120_000):
        price = (price * (1 + D(rng.randint(-20, 20)) / 10_000)).quantize(D(1))
        edge = rng.choice((60, 90, 130)) * rng.choice((1, -1))
        quotes.append(Quote(at_ms, price, edge, rng.choice((2, 4, 30, 200))))
        at_ms += rng.choice((150, 400, 3_000))
        if rng.random() < 0.8:
            price = (price * (1 + D(rng.randint(-12, 12)) / 10_000)).quantize(D(1))
            quotes.append(Quote(at_ms, price, rng.randint(-8, 8), depth))
        at_ms += rng.randint(4_000, 20_000)
    return tuple(quotes)


def _disturbances(rng: Random, length_ms: int, quotes: tuple[Quote, ...]) -> tuple[Disturbance, ...]:
    """None, a few, or a storm; some lives know one family only."""
    many = rng.choice((0, 2, 4, 6, 10, 18))
    names = list(catalogue.DRAWN)
    if rng.random() < 0.35:
        names = list(catalogue.FAMILIES[rng.choice(sorted(catalogue.FAMILIES))])
    edges = [quote.at_ms for quote in quotes if abs(quote.premium_bps) > EDGE_BPS] or [1000]
    found = []
    for _ in range(many):
        kind = rng.choice(names)
        if kind == "rebase" and rng.random() < 0.4:  # what a panic left one-sided is given up with it
            edge_ms = rng.choice(edges) + rng.randint(50, 400)
            found.append(Disturbance("panic", edge_ms))
            found.append(Disturbance(kind, min(edge_ms + 4_000, length_ms)))
            continue
        if kind == "resolve" and rng.random() < 0.4:  # a doubt that a person can resolve
            edge_ms = max(0, rng.choice(edges) - 50)
            found.append(Disturbance("lost_before", edge_ms, "leg"))
            found.append(Disturbance(kind, min(edge_ms + 14_000, length_ms)))
            continue
        if kind == "manual_order" and rng.random() < 0.6:  # at every touch when the daemon's legs come: a self-trade
            edge_ms = rng.choice(edges) + rng.randint(1, 80)
            found += [Disturbance(kind, edge_ms, each, size=side) for each in (DOMESTIC, FOREIGN) for side in (2, 3)]
            continue
        if kind == "fin" and rng.random() < 0.15:  # and it stays away
            found.append(Disturbance("connect_refused", 0, "any", 8))
        if kind in RARE and rng.random() > RARE[kind]:
            continue
        at_ms = rng.randint(0, length_ms) if rng.random() < 0.4 else max(0, rng.choice(edges) + rng.randint(-300, 900))
        found.append(_disturbance(rng, kind, min(at_ms, length_ms)))
    if found:
        found += [Disturbance("resume", rng.randint(0, length_ms)) for _ in range(rng.randint(0, 4))]
    return tuple(sorted(found, key=lambda each: (each.at_ms, each.kind, each.target)))


RARE = {"auth_403": 0.25, "ip_403": 0.25, "row_burst": 0.05, "panic": 0.5, "stop": 0.5, "minimum_change": 0.4,
        "connect_refused": 0.7, "vm_pause": 0.5}  # fmt: skip
"""Kinds that end most lives, or cost much: how often they are kept when drawn."""
RECORDS = (
    "started", "any", "any", "hedge_opened", "conversion_opened", "order_moved", "fill_booked", "exit_planned",
    "hedge_closed", "row_booked", "cancel_intended", "statement_agreed", "anchor_set", "mode_changed",
)  # fmt: skip


def _disturbance(rng: Random, kind: str, at_ms: int) -> Disturbance:
    """One of this kind, with what it needs."""
    stage = catalogue.STRIKES.get(kind)
    if stage == "rest":
        target = rng.choice(
            (*catalogue.ORDER_TARGETS, *catalogue.ORDER_TARGETS, "cancel", *catalogue.ASK_TARGETS, "any")
        )
        count = rng.choice((1, 1, 1, 2, 5, 40, 300))
        for_ms = 0 if count < 5 else rng.choice((2_000, 20_000, 90_000))
        size = rng.choice((50, 800, 9_000)) if kind == "slow_reply" else rng.randint(0, 120_000)
        return Disturbance(kind, at_ms, target, count, for_ms, size)
    if stage == "order":
        target = rng.choice(catalogue.ORDER_TARGETS)
        size = rng.choice((1, 5_000, 9_990, 10_000)) if kind == "partial_cancel" else rng.randint(500, 12_000)
        return Disturbance(kind, at_ms, target, rng.choice((1, 1, 2, 4)), 0, size)
    if stage == "cancel":
        return Disturbance(kind, at_ms, "any", 1, 0, rng.randint(50, 8_000))
    if kind == "row_hidden":
        return Disturbance(kind, at_ms, "any", rng.choice((1, 2)), 0, rng.choice((400, 2_500, 4_000, 40_000)))
    if stage == "rows":
        return Disturbance(kind, at_ms, "any", rng.choice((1, 3, 20)), 0, rng.randint(1_000, 12_000))
    if stage in ("frame", "private"):
        target = "any" if stage == "private" else f"order_book_{rng.choice(SYMBOLS)}"
        return Disturbance(kind, at_ms, target, rng.choice((1, 1, 3, 10)))
    if stage == "link":
        return Disturbance(kind, at_ms, "any", rng.choice((1, 2, 3, 8)))
    if stage == "commit":
        return Disturbance(kind, at_ms, rng.choice(RECORDS), rng.choice((1, 1, 2)), 0, rng.choice((0, 1, 700, 2_500)))
    return _happening(rng, kind, at_ms)


def _happening(rng: Random, kind: str, at_ms: int) -> Disturbance:
    market = rng.choice(SYMBOLS)
    if kind == "stall_channel":
        return Disturbance(kind, at_ms, f"order_book_{market}", for_ms=rng.choice(LASTS[kind]))
    if kind == "market_halt":
        return Disturbance(kind, at_ms, market, for_ms=rng.choice(LASTS[kind]))
    if kind in LASTS:
        return Disturbance(kind, at_ms, for_ms=rng.choice(LASTS[kind]))
    return Disturbance(kind, at_ms, market, size=rng.choice(SIZES.get(kind, range(5_000))))


LASTS: dict[str, tuple[int, ...]] = {
    "stall": (3_000, 15_000, 40_000),
    "stall_frames": (3_000, 15_000, 40_000),
    "stall_channel": (5_000, 30_000),
    "vm_pause": (5_000, 600_000),
    "loop_block": (5_000, 30_000, 120_000),
    "market_halt": (1_000, 20_000),
}
SIZES: dict[str, tuple[int, ...]] = {
    "clock_jump": (-172_800_000, 172_800_000, -3_600_000, 3_600_000, -60_000, 60_000, -2_000, 2_000),
    "row_burst": (1_005,),
    "fee_change": (0, 50, 250),
    "minimum_change": (5, 25),
}
