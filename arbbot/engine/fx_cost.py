"""What the FX leg of a hedge is reckoned to cost: its fee, where the policy counts one."""

from __future__ import annotations

from decimal import Decimal

from arbbot.domain.market import Direction
from arbbot.domain.money import ONE, unit
from arbbot.domain.records import HedgeOpened

_STEP = unit(10)


def fx_cost(opened: HedgeOpened) -> Decimal:
    """Numeraire, for the whole hedge at its decision's prices, as `net_bps` has it. None of it is in `expected_pnl`,
    nor in what a hedge has realised when it is settled: it is paid by a conversion, perhaps much later.
    """
    if opened.direction is Direction.BUY_DOMESTIC:
        foreign = opened.size * opened.sell_vwap * (ONE - opened.sell_fee)
    else:
        foreign = opened.size * opened.buy_vwap * (ONE + opened.buy_fee)
    return (foreign * opened.fx_vwap * opened.fx_fee).quantize(_STEP)
