"""The usual scene: a signal, two legs, and an edge that is gone again."""

from __future__ import annotations

from arbbot.domain.book import Book
from arbbot.domain.commands import PlaceOrder
from arbbot.domain.market import Side
from arbbot.domain.order import Purpose
from arbbot.domain.records import (
    ConversionClosed,
    HedgeClosed,
)
from tests.engine.played_venue import Play
from tests.engine.rig import D, Rig, book

RICH = book("btceur", "55100", "55110", stamp=2**55)
CALM = book("btceur", "54600", "54610", stamp=2**55 + 1)
"""0.1 % of premium: no signal, and completing a sale is a little better than undoing the purchase."""
BUY, SELL = (Purpose.LEG, Side.BUY), (Purpose.LEG, Side.SELL)
REFUSED, RESTS = Play("refuse"), Play(fill=D(0))


def hedge(
    rig: Rig,
    *,
    buy: Play | None = None,
    sell: Play | None = None,
    rich: Book = RICH,
    gone: bool = True,
    wait: str = "0.03",
) -> Rig:
    """Make ready, show 1 % of edge once, and let the legs meet what the plays say; then the edge is gone."""
    rig.venue.plays = {BUY: [buy] if buy else [], SELL: [sell] if sell else []}
    rig.ready()
    rig.show(rich)
    assert len(rig.placed()) == 2
    rig.run(wait)
    if gone:
        rig.show(CALM)
    return rig


def closed(rig: Rig) -> HedgeClosed:
    """The one hedge's end."""
    ((end),) = rig.all(HedgeClosed)
    return end


def conversions(rig: Rig) -> list[PlaceOrder]:
    """Orders commanded on the FX market."""
    return [command for command in rig.placed() if command.terms.purpose is Purpose.CONVERT]


def ended(rig: Rig) -> list[ConversionClosed]:
    """Ends of conversions."""
    return rig.all(ConversionClosed)


def waits(rig: Rig) -> str | None:
    """Why a wanted conversion is not made, by name."""
    waiting = rig.engine.conversions.waiting
    return None if waiting is None else waiting.value
