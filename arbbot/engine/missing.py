"""Tells a person of rows that are missing: a fill without its row keeps trading shut."""

from __future__ import annotations

from arbbot.domain.mode import Severity
from arbbot.engine.attribution import Attribution
from arbbot.engine.core import Core, ns

ROWS_TOLD = 5
"""Rows named in one alert; the rest are counted."""


class MissingRows:
    """Fills without a row, settlements' orders without theirs, and rows without an owner, once they have taken long."""

    def __init__(self, core: Core, unowned: Attribution) -> None:
        self._core = core
        self._unowned = unowned
        self._since_ns: int | None = None
        self._told = False

    def tick(self) -> None:
        """Tell once."""
        core = self._core
        settling = [
            order.announced.client_order_id
            for order in core.state.settlements.open_orders()
            if order.filled is not None
        ]
        if not (core.state.unconfirmed or len(self._unowned) or settling):
            self._since_ns = None
            return
        if self._since_ns is None:
            self._since_ns = core.at.mono_ns
            self._told = False
        waited_ns = core.at.mono_ns - self._since_ns
        if not self._told and waited_ns >= ns(core.rules.account.doubt_alert_s):
            self._told = True
            trades = ", ".join(str(trade_id) for trade_id, _ in sorted(core.state.unconfirmed)) or "none"
            owners = ", ".join(str(row_id) for row_id in self._unowned.row_ids()[:ROWS_TOLD]) or "none"
            text = f"fills without a transaction row: {trades}; rows without a known order: {owners}"
            if settling:
                text += f"; orders of a settlement without all their rows: {', '.join(settling)}"
            core.alert(Severity.CRITICAL, "row_missing", text)
