"""The venue's fee ladder as the radar's bars: each tier with taker fees on both legs, without and with the FX leg."""

from __future__ import annotations

from decimal import Decimal

from arbbot.domain.market import FeeRate
from arbbot.exchange.accounts import FEE_LADDER
from arbbot.research.radar import Bar

BARS = tuple(
    Bar(volume, FeeRate(Decimal(maker).scaleb(-2), Decimal(taker).scaleb(-2)), with_fx)
    for volume, maker, taker in FEE_LADDER
    for with_fx in (False, True)
)
