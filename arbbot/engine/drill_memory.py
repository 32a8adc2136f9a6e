"""What readiness drills have cost, and when hedges were last opened: a fold over durable records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from arbbot.domain.money import ZERO, unit
from arbbot.domain.records import AnchorSet, DurableRecord, HedgeOpened, HedgeSettled
from arbbot.engine.fx_cost import fx_cost

if TYPE_CHECKING:
    from arbbot.engine.state import State

DAY_US = 86_400_000_000
KEPT_DAYS = 8
_STEP = unit(10)


@dataclass(slots=True)
class DrillMemory:
    """Part of the engine's durable state; changed by `take` only."""

    pnl: Decimal = ZERO
    """Numeraire, of drills settled since the anchor; in no sum of hedges."""
    fx_fees: Decimal = ZERO
    """What the conversions of the foreign currency that the same drills left are reckoned to cost."""
    drills: int = 0
    """Opened, over the journal's life."""
    hedged_us: int | None = None
    """When a hedge of whatever kind was last opened."""
    lost: dict[int, Decimal] = field(default_factory=dict)
    """By days since 1970: what its drills have lost, or are expected to while they are not settled, with the fees that
    their FX legs are reckoned to cost. The day is that of the decision, when the clock was known to be right.
    """

    def take(self, record: DurableRecord, state: State) -> None:
        """Take one record in, after the state has."""
        fold = _FOLDS.get(type(record))
        if fold is not None:
            fold(self, record, state)

    def lost_on(self, utc_us: int) -> Decimal:
        """What the drills of this moment's UTC day have lost."""
        return self.lost.get(utc_us // DAY_US, ZERO)

    def _hedge_opened(self, record: HedgeOpened, state: State) -> None:
        self.hedged_us = record.utc_us
        if record.drill:
            self.drills += 1
            day = record.utc_us // DAY_US
            self.lost[day] = self.lost.get(day, ZERO) - record.expected_pnl + fx_cost(record)
            if len(self.lost) > KEPT_DAYS:
                del self.lost[min(self.lost)]

    def _hedge_settled(self, record: HedgeSettled, state: State) -> None:
        hedge = state.hedges.get(record.hedge_id)
        if not record.drill or hedge is None:
            return
        opened, day = hedge.opened, hedge.opened.utc_us // DAY_US
        fx_fees = (abs(record.foreign_delta) * opened.fx_vwap * opened.fx_fee).quantize(_STEP)
        if day in self.lost:
            self.lost[day] += opened.expected_pnl - record.realised_pnl + fx_fees - fx_cost(opened)
        if not hedge.before_anchor:
            self.pnl += record.realised_pnl
            self.fx_fees += fx_fees

    def _anchor_set(self, record: AnchorSet, state: State) -> None:
        self.pnl = self.fx_fees = ZERO


_FOLDS: dict[type, Callable[[DrillMemory, Any, State], None]] = {
    HedgeOpened: DrillMemory._hedge_opened,
    HedgeSettled: DrillMemory._hedge_settled,
    AnchorSet: DrillMemory._anchor_set,
}
