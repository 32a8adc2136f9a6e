"""The three markets of the bench, and what can happen in them: nothing, a dislocation, or one at the touch only."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from arbbot.bench.account import ROUTE, RULES
from arbbot.bench.frames import Shape, Sides, Stamped

D = Decimal
MIDS = {"btcusd": D(60_000), "btceur": D("54545.00"), "eurusd": D("1.10000")}
"""Prices that leave no edge either way."""
_BASE = Shape(D("0.01"), (0.05, 2.0), 400)
SHAPES = {"btcusd": _BASE, "btceur": _BASE, "eurusd": Shape(D("0.00001"), (5_000.0, 90_000.0), 4)}
RICH = D("1.006")
"""A foreign price so far above the rest pays."""
BARELY = D("1.0040")
"""One that pays at the touch and nowhere below it."""
DEEP = 20
"""Levels that a size reaches where a bench says so."""
VARIETY = 16
"""Different frames of one market before their contents repeat."""


def books(shapes: dict[str, Shape], seed: int = 1) -> dict[str, Sides]:
    """All three markets without an edge."""
    return {symbol: shapes[symbol].sides(MIDS[symbol], seed) for symbol in ROUTE.symbols}


def frames(symbol: str, shape: Shape, mid: Decimal, first_us: int) -> Stamped:
    """Frames of one market around a price."""
    contents = [shape.sides(mid, 100 + seed) for seed in range(VARIETY)]
    return Stamped(f"order_book_{symbol}", contents, first_us)


def shared_out(size: Decimal, reach: int) -> dict[str, Shape]:
    """Markets whose levels are so small that `size` (base units) reaches exactly `DEEP` of them in each."""
    most = float(size) / (DEEP - 1)
    least = float(size) / DEEP
    base = Shape(D("0.01"), (least * 1.001, most * 0.999), reach)
    foreign = float(MIDS["btceur"])
    fx = replace(SHAPES["eurusd"], amounts=(least * foreign * 1.01, most * foreign * 0.99), reach=2)
    return {"btcusd": base, "btceur": base, "eurusd": fx}


def smallest_order() -> Decimal:
    """Base units of the smallest order at the domestic ask."""
    lot = ROUTE.domestic.lot
    return (ROUTE.domestic.minimum_order_value / (MIDS["btcusd"] + D("0.01")) + lot).quantize(lot)


def target_order() -> Decimal:
    """Base units of a hedge when nothing but the target bounds it."""
    return RULES.trade.target_size * RULES.trade.weight
