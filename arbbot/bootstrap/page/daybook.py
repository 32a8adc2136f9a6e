"""What settled hedges made, by UTC day and direction, as a curve, and how far the curve fell: a fold of records.

It begins anew with the ledger, so that its days always add up to the report's hedge P&L.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from arbbot.domain import records as r
from arbbot.domain.market import Direction
from arbbot.domain.money import ZERO

CURVE_POINTS = 500
DAYS_SHOWN = 60


@dataclass(slots=True)
class _Day:
    """One direction on one day. Numeraire; `expected` is of the part of each hedge that was bought."""

    hedges: int = 0
    realised: Decimal = ZERO
    expected: Decimal = ZERO
    turnover: Decimal = ZERO


def expected_of(opened: r.HedgeOpened, bought: Decimal) -> Decimal:
    """What was expected of the part that was bought; numeraire."""
    return opened.expected_pnl * (bought / opened.size)


class Daybook:
    """The fold."""

    def __init__(self) -> None:
        self._open: dict[str, r.HedgeOpened] = {}
        self._bought: dict[str, Decimal] = {}
        self._days: dict[tuple[str, Direction], _Day] = {}
        self._total = self._peak = self._worst = ZERO
        self.curve: deque[tuple[int, Decimal]] = deque(maxlen=CURVE_POINTS)
        """UTC microseconds and the cumulative P&L after each settled hedge."""
        self.marks: deque[tuple[int, Decimal]] = deque(maxlen=CURVE_POINTS)
        """When hedges were decided, and for what net edge in basis points."""
        self.beginnings = 0

    def take(self, record: r.Record) -> None:
        """One record, in the journal's order."""
        match record:
            case r.AnchorSet():
                self.beginnings += 1
                self._open.clear()
                self._bought.clear()
                self._days.clear()
                self.curve.clear()
                self._total = self._peak = self._worst = ZERO
            case r.HedgeOpened():
                self._open[record.hedge_id] = record
                self.marks.append((record.utc_us, record.net_bps))
            case r.HedgeClosed():
                self._bought[record.hedge_id] = record.bought
            case r.HedgeSettled():
                self._settled(record)

    def days(self) -> list[dict[str, Any]]:
        """The last days, newest first, directions apart."""
        latest = sorted(self._days.items(), key=lambda each: each[0], reverse=True)[: DAYS_SHOWN * len(Direction)]
        return [
            {
                "day": day,
                "direction": direction.value,
                "hedges": line.hedges,
                "realised_pnl": line.realised,
                "expected_pnl": line.expected,
                "turnover": line.turnover,
            }
            for (day, direction), line in latest
        ]

    def drawdown(self) -> dict[str, Decimal]:
        """How far the cumulative P&L is, and ever was, below its highest point; numeraire, never negative."""
        return {"now": self._peak - self._total, "worst": self._worst}

    def _settled(self, record: r.HedgeSettled) -> None:
        opened = self._open.pop(record.hedge_id, None)
        bought = self._bought.pop(record.hedge_id, ZERO)
        if opened is None or opened.drill:
            return  # decided before the ledger began anew: it is in the opening; or for no edge
        day = datetime.fromtimestamp(opened.utc_us / 1_000_000, UTC).strftime("%Y-%m-%d")
        line = self._days.setdefault((day, opened.direction), _Day())
        line.hedges += 1
        line.realised += record.realised_pnl
        line.turnover += record.turnover
        if record.turnover:
            line.expected += expected_of(opened, bought)
        self._total += record.realised_pnl
        self._peak = max(self._peak, self._total)
        self._worst = max(self._worst, self._peak - self._total)
        self.curve.append((record.utc_us, self._total))
