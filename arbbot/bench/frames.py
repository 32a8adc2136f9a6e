"""Frames of real shape for the bench: 100 levels a side, the venue's decimals, compact JSON."""

from __future__ import annotations

import random
from decimal import Decimal

import orjson

LEVELS = 100


def snapshot_frame(symbol: str, mid: Decimal, stamp_us: int, *, tick: Decimal = Decimal("0.01"), seed: int = 1) -> bytes:
    """An `order_book_*` frame around a middle price."""
    dice = random.Random(seed)
    places = -int(tick.as_tuple().exponent)
    sides: dict[str, list[list[str]]] = {"bids": [], "asks": []}
    for name, sign in (("bids", -1), ("asks", 1)):
        price = mid + sign * tick
        for _ in range(LEVELS):
            sides[name].append([f"{price:.{places}f}", f"{dice.uniform(0.05, 2):.8f}"])
            price += sign * tick * dice.randint(1, 400)
    content = {"timestamp": str(stamp_us // 1_000_000), "microtimestamp": str(stamp_us), **sides}
    return orjson.dumps({"data": content, "channel": f"order_book_{symbol}", "event": "data"})


def diff_frame(symbol: str, mid: Decimal, stamp_us: int, *, seed: int = 1) -> bytes:
    """A `diff_order_book_*` frame: a few changed levels, about 370 bytes."""
    dice = random.Random(seed)
    tick = Decimal("0.01")
    sides: dict[str, list[list[str]]] = {"bids": [], "asks": []}
    for name, sign in (("bids", -1), ("asks", 1)):
        for _ in range(4):
            price = mid + sign * tick * dice.randint(1, 20_000)
            gone = dice.random() < 0.4
            sides[name].append([f"{price:.2f}", "0.00000000" if gone else f"{dice.uniform(0.05, 2):.8f}"])
    content = {"timestamp": str(stamp_us // 1_000_000), "microtimestamp": str(stamp_us), **sides}
    return orjson.dumps({"data": content, "channel": f"diff_order_book_{symbol}", "event": "data"})
