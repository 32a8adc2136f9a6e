"""Trading in plain words for a person at a terminal: one line for what matters, nothing for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from arbbot.bootstrap.terminal import say
from arbbot.domain.events import Moment
from arbbot.domain.records import (
    AlertRaised,
    AnchorSet,
    ConversionClosed,
    ConversionOpened,
    ExitPlanned,
    HedgeClosed,
    HedgeOpened,
    HedgeSettled,
    Record,
    StatementAgreed,
)
from arbbot.ports import Telemetry
from arbbot.screen import harmless


class Narrator:
    """Tells what it folds, and passes it on; falls silent when the terminal is gone."""

    def __init__(self, behind: Telemetry, out: TextIO | None = None) -> None:
        self._behind = behind
        self._out = out
        self._heard = True

    def fold(self, records: Sequence[Record], at: Moment) -> None:
        """See `Telemetry.fold`."""
        self._behind.fold(records, at)
        told = [line for record in records if (line := tell(record)) is not None] if self._heard else []
        if told:
            self._heard = say(*harmless(told), out=self._out)


def tell(record: Record) -> str | None:
    """One line on a record, or None where a person would not miss it."""
    match record:
        case AnchorSet():
            held = ", ".join(f"{holding.total} {holding.currency}" for holding in record.holdings)
            return f"  ledger  anchored at {held}"
        case HedgeOpened():
            what = "drill " if record.drill else "hedge "
            unpriced = record.grounds is not None and record.grounds.unpriced
            before = "FX leg unpriced" if unpriced else f"{record.legs_bps:.1f} before FX"
            return (
                f"  {what}  {record.hedge_id}: {record.size} bought on {record.buy_market} at {record.buy_vwap:.2f}, "
                f"sold on {record.sell_market} at {record.limit_price} or better; "
                f"gross {record.gross_bps:.1f} bp, net {record.net_bps:.1f} bp, {before}"
            )
        case ExitPlanned():
            return f"  one leg {record.hedge_id}: {record.action} {record.imbalance} ({record.cause})"
        case HedgeClosed():
            return f"          {record.hedge_id}: {record.outcome} ({record.cause})"
        case HedgeSettled():
            return f"          {record.hedge_id}: made {record.realised_pnl:.4f}, {record.realised_bps:.1f} bp"
        case ConversionOpened():
            return (
                f"  convert {record.conversion_id}: {record.side} {record.size} {record.foreign} "
                f"at {record.limit_price} or better, of a drift of {record.drift}"
            )
        case ConversionClosed():
            return (
                f"          {record.conversion_id}: {record.outcome} ({record.cause}), "
                f"FX P&L {record.realised_pnl:.4f}, fee {record.fee}; drift left {record.drift}"
            )
        case StatementAgreed():
            return "  ledger  equals the venue's balances"
        case AlertRaised():
            return f"  {record.severity.upper()}: {record.text}"
    return None
