"""Frames of real shape for the bench: 100 levels a side, the venue's decimals, compact JSON."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import cycle

import orjson

LEVELS = 100
Sides = dict[str, list[list[str]]]


@dataclass(frozen=True, slots=True)
class Shape:
    """How a market's book looks: price step, amounts on a level, and how many steps levels lie apart."""

    tick: Decimal
    amounts: tuple[float, float]
    reach: int
    levels: int = LEVELS

    def sides(self, mid: Decimal, seed: int) -> Sides:
        """Both sides around a middle price, the touch one tick away; the same for the same seed."""
        dice = random.Random(seed)  # noqa: S311 - made-up books, the same every time
        made: Sides = {"bids": [], "asks": []}
        for name, sign in (("bids", -1), ("asks", 1)):
            price = mid + sign * self.tick
            for _ in range(self.levels):
                made[name].append([str(price.quantize(self.tick)), f"{dice.uniform(*self.amounts):.8f}"])
                price += sign * self.tick * dice.randint(1, self.reach)
        return made

    def changes(self, mid: Decimal, seed: int) -> Sides:
        """Four changed levels a side, some of them gone: about 370 bytes as a frame."""
        dice = random.Random(seed)  # noqa: S311 - likewise
        made: Sides = {"bids": [], "asks": []}
        for name, sign in (("bids", -1), ("asks", 1)):
            for _ in range(4):
                price = mid + sign * self.tick * dice.randint(1, 50 * self.reach)
                amount = 0.0 if dice.random() < 0.4 else dice.uniform(*self.amounts)
                made[name].append([str(price.quantize(self.tick)), f"{amount:.8f}"])
        return made


class Stamped:
    """Frames that differ in content and carry ever newer stamps, as the venue's do."""

    def __init__(self, channel: str, contents: Sequence[Sides], first_us: int) -> None:
        self._templates = cycle([_template(channel, content) for content in contents])
        self._stamp_us = first_us

    def next(self) -> bytes:
        """One more frame."""
        self._stamp_us += 1
        return self.at(self._stamp_us)

    def at(self, stamp_us: int) -> bytes:
        """One more frame, with this stamp."""
        stamp = str(stamp_us).encode()
        head, middle, tail = next(self._templates)
        return b"%b%b%b%b%b" % (head, stamp[:-6], middle, stamp, tail)

    def take(self, count: int) -> list[bytes]:
        """Several more."""
        return [self.next() for _ in range(count)]


def _template(channel: str, content: Sides) -> tuple[bytes, bytes, bytes]:
    """A frame cut where its two time stamps belong."""
    body = {"timestamp": "S", "microtimestamp": "U", **content}
    text = orjson.dumps({"data": body, "channel": channel, "event": "data"})
    head, rest = text.split(b'"S"', 1)
    middle, tail = rest.split(b'"U"', 1)
    return head + b'"', b'"' + middle + b'"', b'"' + tail
