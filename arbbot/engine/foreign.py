"""The foreign currency that hedges leave behind, what it was worth when they were decided, and its conversions.

Part of the durable state. The outstanding amount is carried at its value at the decisions' FX, as a weighted average:
whatever lessens it, a conversion or a hedge the other way, realises FX P&L against that average.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from arbbot.domain.market import Direction
from arbbot.domain.money import ZERO
from arbbot.domain.order import Transaction
from arbbot.domain.records import ConversionClosed, ConversionOpened, HedgeOpened

KEPT_CONVERSIONS = 500
"""Closed conversions kept in memory; older ones are in the journal only."""
_VALUE_STEP = Decimal("1e-10")
"""The average's only rounding, made once where value is taken out, so that value and realised P&L still add up."""


@dataclass(slots=True)
class Conversion:
    """One conversion: its decision, its order, what its booked rows moved, and how it ended."""

    opened: ConversionOpened
    client_order_id: str | None = None
    """None only where the journal was cut between decision and intent."""
    foreign: Decimal = ZERO
    """Signed change of the foreign currency."""
    domestic: Decimal = ZERO
    """Signed change of the domestic currency, without the fee."""
    fee: Decimal = ZERO
    """Domestic."""
    realised: Decimal = ZERO
    """FX P&L in the numeraire, fee not in."""
    closed: ConversionClosed | None = None


@dataclass(slots=True)
class Foreign:
    """Everything about the foreign currency that must survive the process."""

    conversions: dict[str, Conversion] = field(default_factory=dict)
    open_id: str | None = None
    minted: int = 0
    empty_in_row: int = 0
    """Conversions of which nothing filled, since one that did or a person's resume."""
    totals: dict[str, int] = field(default_factory=dict)
    """Conversions by outcome, over the journal's life."""
    outstanding: Decimal = ZERO
    """Foreign currency of settled hedges since the anchor that is not converted or netted."""
    value: Decimal = ZERO
    """Of that amount, at the decisions' FX, in the numeraire; signed alike."""
    open_pnl: Decimal = ZERO
    """P&L of the hedges that left that amount, by the share of it that is outstanding: not closed in FX yet."""
    realised: Decimal = ZERO
    """FX P&L of what was converted or netted since the anchor, FX fees not in."""
    fees: Decimal = ZERO
    """Numeraire, paid for conversions since the anchor."""

    def open(self) -> Conversion | None:
        """The conversion that is not closed; there is at most one."""
        return None if self.open_id is None else self.conversions[self.open_id]

    def restart(self) -> None:
        """A new opening of the ledger: sums begin anew."""
        self.outstanding = self.value = self.realised = self.fees = self.open_pnl = ZERO

    def take(self, change: Decimal, value: Decimal, pnl: Decimal = ZERO) -> Decimal:
        """Add a signed change with its signed value in the numeraire, and the P&L of the hedge that made it; returns
        the P&L that it realises.
        """
        if change * self.outstanding >= 0:
            self.outstanding += change
            self.value += value
            self.open_pnl += pnl if change else ZERO
            return ZERO
        whole = abs(change) >= abs(self.outstanding)
        left = ZERO if whole else self.open_pnl * (self.outstanding + change) / self.outstanding
        share = pnl * (change + self.outstanding) / change if whole else ZERO
        self.open_pnl = (left + share).quantize(_VALUE_STEP)
        taken = self.value if whole else (self.value * -change / self.outstanding).quantize(_VALUE_STEP)
        given = (value * -self.outstanding / change).quantize(_VALUE_STEP) if whole else value
        realised = -given - taken
        self.outstanding += change
        self.value = value - given if whole else self.value - taken
        self.realised += realised
        return realised

    def late(self, opened: HedgeOpened, row: Transaction) -> None:
        """A booked row of a hedge that is settled: what it left is outstanding like the rest, at the decision's FX."""
        foreign = opened.buy_market if opened.direction is Direction.BUY_FOREIGN else opened.sell_market
        if row.market == foreign and row.fee_currency is not None:
            change = dict(row.amounts).get(row.fee_currency, ZERO) - row.fee
            self.take(change, change * opened.fx_vwap)

    def opened(self, record: ConversionOpened) -> None:
        """A decision."""
        self.conversions[record.conversion_id] = Conversion(record)
        self.open_id = record.conversion_id
        self.minted += 1

    def row(self, conversion_id: str, row: Transaction) -> None:
        """A booked row of a conversion's order."""
        conversion = self.conversions[conversion_id]
        amounts = dict(row.amounts)
        foreign = amounts.get(conversion.opened.foreign, ZERO)
        domestic = amounts.get(conversion.opened.domestic, ZERO)
        conversion.foreign += foreign
        conversion.domestic += domestic
        conversion.fee += row.fee
        conversion.realised += self.take(foreign, -domestic)
        self.fees += row.fee

    def closed(self, record: ConversionClosed) -> list[str]:
        """An end; returns the order ids of old conversions that are forgotten with it."""
        self.conversions[record.conversion_id].closed = record
        self.open_id = None
        self.totals[record.outcome] = self.totals.get(record.outcome, 0) + 1
        self.empty_in_row = self.empty_in_row + 1 if record.outcome == "nothing" else 0
        gone: list[str] = []
        while len(self.conversions) > KEPT_CONVERSIONS:
            forgotten = self.conversions.pop(next(iter(self.conversions)))
            if forgotten.client_order_id is not None:
                gone.append(forgotten.client_order_id)
        return gone
