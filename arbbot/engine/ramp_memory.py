"""What the capital ramp remembers: a fold over durable records, so that the same journal gives the same weight.

Evidence is what the journal holds between one decision and the next. So no hedge is evidence twice, and no clock that
is set makes old evidence new: what a record is dated changes nothing here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from arbbot.domain.market import Direction, Side
from arbbot.domain.mode import Mode
from arbbot.domain.money import ONE, floor_to, unit
from arbbot.domain.order import Purpose
from arbbot.domain.ramp import RampDecided, RampFigures, RampSet, RequestsCounted
from arbbot.domain.records import (
    AnchorSet,
    ConversionClosed,
    DurableRecord,
    FillBooked,
    HedgeClosed,
    HedgeOpened,
    HedgeSettled,
    ModeChanged,
)
from arbbot.domain.trips import LimitTripped
from arbbot.engine.fx_cost import fx_cost
from arbbot.engine.rules import Rules

if TYPE_CHECKING:
    from arbbot.engine.state import State

KEPT_DECISIONS = 60
"""Of decisions and of what people set; older ones are in the journal only."""
_STEP = unit(10)
"""What is counted is rounded to this, once for each hedge or fill."""
LEFT_ONE_SIDED = frozenset({"one_sided", "abandoned"})


@dataclass(slots=True)
class RampMemory:
    """Part of the engine's durable state; changed by `take` only."""

    weight: Decimal | None = None
    """As last decided or set; None until then."""
    target_size: Decimal | None = None
    """What that weight is of."""
    figures: RampFigures = field(default_factory=RampFigures)
    """Since then."""
    answered: bool = False
    """A decision has followed what stopped the daemon: whatever more it stops for until a person resumes is the same
    incident, and no evidence against the new weight.
    """
    decisions: list[RampDecided | RampSet] = field(default_factory=list)
    """The last ones, oldest first."""
    counts: dict[str, int] = field(default_factory=dict)
    """All of them by verdict: up, down, hold, or set by a person."""

    def take(self, record: DurableRecord, state: State) -> None:
        """Take one record in, after the state has."""
        if self.figures.since_us is None:
            self.figures = replace(self.figures, since_us=record.utc_us)
        fold = _FOLDS.get(type(record))
        if fold is not None:
            fold(self, record, state)

    # --- folding -------------------------------------------------------------------------------------------

    def _decided(self, record: RampDecided | RampSet, state: State) -> None:
        self.weight, self.target_size = record.weight, record.target_size
        stopped = self.answered or self.figures.trips or self.figures.halts
        self.answered = bool(stopped) and state.mode is not Mode.ACTIVE
        self.figures = RampFigures(since_us=record.utc_us)
        self.decisions.append(record)
        verdict = record.verdict if isinstance(record, RampDecided) else "set"
        self.counts[verdict] = self.counts.get(verdict, 0) + 1
        del self.decisions[:-KEPT_DECISIONS]

    def _fill_booked(self, record: FillBooked, state: State) -> None:
        """How far a leg's fill lies from the decision's price; exits have loss caps of their own."""
        terms, fill = state.orders[record.client_order_id].terms, record.fill
        if terms.purpose is not Purpose.LEG:
            return
        opened = state.hedges[terms.hedge_id].opened
        buying = fill.side is Side.BUY
        expected = opened.buy_vwap if buying else opened.sell_vwap
        domestic = buying is (opened.direction is Direction.BUY_DOMESTIC)
        units = fill.size * (ONE if domestic else opened.fx_vwap)
        self.figures = replace(
            self.figures,
            legs_worth=self.figures.legs_worth + (expected * units).quantize(_STEP),
            slipped=self.figures.slipped + (fill.side.sign * (fill.price - expected) * units).quantize(_STEP),
        )

    def _hedge_closed(self, record: HedgeClosed, state: State) -> None:
        if record.outcome != "nothing":
            one_sided = self.figures.one_sided + (record.outcome in LEFT_ONE_SIDED)
            self.figures = replace(self.figures, hedges=self.figures.hedges + 1, one_sided=one_sided)

    def _hedge_settled(self, record: HedgeSettled, state: State) -> None:
        """One from before the ledger's opening is no evidence: what its rows moved is not known. A drill is none of the
        edge.
        """
        hedge = state.hedges.get(record.hedge_id)
        if hedge is None or hedge.closed is None or hedge.before_anchor or record.drill or record.turnover <= 0:
            return
        figures, opened = self.figures, hedge.opened
        share, fx_fee = hedge.closed.bought / opened.size, fx_cost(opened)
        expected = ((opened.expected_pnl - fx_fee) * share).quantize(_STEP)
        self.figures = replace(
            figures,
            edge_hedges=figures.edge_hedges + 1,
            full_hedges=figures.full_hedges + _full(opened, hedge.closed.bought),
            turnover=figures.turnover + record.turnover,
            expected_pnl=figures.expected_pnl + expected,
            realised_pnl=figures.realised_pnl + record.realised_pnl - (fx_fee * share).quantize(_STEP),
        )

    def _conversion_closed(self, record: ConversionClosed, state: State) -> None:
        """The fee that was decided on is in the hedges' results already."""
        decided = abs(record.domestic_delta) * state.foreign.conversions[record.conversion_id].opened.fee
        fx_pnl = record.realised_pnl - (record.fee - decided)
        self.figures = replace(self.figures, fx_pnl=self.figures.fx_pnl + fx_pnl.quantize(_STEP))

    def _requests_counted(self, record: RequestsCounted, state: State) -> None:
        self.figures = replace(
            self.figures,
            requests=self.figures.requests + record.requests,
            rate_limited=self.figures.rate_limited + record.rate_limited,
        )

    def _limit_tripped(self, record: LimitTripped, state: State) -> None:
        if not self.answered:
            self.figures = replace(self.figures, trips=self.figures.trips + 1)

    def _mode_changed(self, record: ModeChanged, state: State) -> None:
        if record.mode is Mode.ACTIVE:
            self.answered = False
        elif record.own and record.mode in (Mode.REDUCING, Mode.HALTED) and not self.answered:
            self.figures = replace(self.figures, halts=self.figures.halts + 1)

    def _anchor_set(self, record: AnchorSet, state: State) -> None:
        if record.cause == "rebase":
            self.figures = replace(self.figures, rebases=self.figures.rebases + 1)


def _full(opened: HedgeOpened, bought: Decimal) -> bool:
    """Whether a hedge was at least half as large as its weight allowed."""
    return opened.weighed is not None and 2 * bought >= opened.weighed


def weight_in_effect(memory: RampMemory, rules: Rules) -> Decimal:
    """The share of target and capital that one hedge may use: the settings' until something was decided, then that,
    and never more than the cap. Of a target that has grown since, it is the same size, however small a share that is.
    """
    ramp, begins = rules.ramp, rules.trade.weight
    if ramp is None or memory.weight is None:
        return begins
    weight, was, now = memory.weight, memory.target_size, rules.trade.target_size
    if was is not None and was < now:
        weight = floor_to(weight * was / now, _STEP)
    return min(weight, ramp.max_weight)


_FOLDS: dict[type, Callable[[RampMemory, Any, State], None]] = {
    RampDecided: RampMemory._decided,
    RampSet: RampMemory._decided,
    FillBooked: RampMemory._fill_booked,
    HedgeClosed: RampMemory._hedge_closed,
    HedgeSettled: RampMemory._hedge_settled,
    ConversionClosed: RampMemory._conversion_closed,
    RequestsCounted: RampMemory._requests_counted,
    LimitTripped: RampMemory._limit_tripped,
    ModeChanged: RampMemory._mode_changed,
    AnchorSet: RampMemory._anchor_set,
}
