"""Stands in for the operator: reads what latched, takes it off again with a reason, and writes down every call."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from arbbot.bootstrap.longrun.daemon_child import DaemonChild
from arbbot.bootstrap.longrun.venue import VenueControl
from arbbot.domain.money import ZERO

WHO = "rehearsal"
READS_FOR_S = 20.0
"""Market seconds from the alert to the hand on the lever."""
WAITS_FOR_LEDGER_S = 300.0
"""Market seconds the ledger may take to see a trade by hand."""
CALLS_KEPT = 500


@dataclass(slots=True)
class Person:
    """Called whenever trading waits for somebody. Never declares a doubt absent, and takes no difference for granted:
    a rebase follows only a trade by hand that the ledger has booked.
    """

    daemon: DaemonChild
    venue: VenueControl
    domestic: str
    dust_cap: Decimal
    calls: list[tuple[int, str]] = field(default_factory=list)
    """When, by market time in microseconds, and what for."""
    times: int = 0
    rebases: int = 0
    leaving: bool = False
    """The rehearsal is over: what is paused stays paused."""
    _seen_us: int | None = None
    _flattened_us: int | None = None

    def called(self, what: str) -> None:
        """Write down one call."""
        self.times += 1
        if len(self.calls) < CALLS_KEPT:
            self.calls.append((self.venue.now_us(), what))

    async def look(self, status: dict[str, Any]) -> None:
        """Look at one status, and act on what latched a while ago."""
        paused_by_us = self.leaving and status["state"] == "paused"
        stuck = _stuck(status, self.dust_cap)
        if (status["state"] == "active" or paused_by_us) and stuck == ZERO:
            self._seen_us = self._flattened_us = None
            return
        now_us = self.venue.now_us()
        if self._seen_us is None:
            self._seen_us = now_us
        if now_us - self._seen_us < READS_FOR_S * 1e6:
            return
        if stuck != ZERO:
            await self._flatten(status, stuck, now_us)
        elif status["state"] not in ("active", "paused" if self.leaving else ""):
            await self._resume(status)

    async def _resume(self, status: dict[str, Any]) -> None:
        if await self.daemon.ask("resume", who=WHO, reason=f"read: {status['state_reason']}"[:400]) is not None:
            self._seen_us = None
            self.called(f"{status['state']}: {status['state_reason']}")

    async def _flatten(self, status: dict[str, Any], stuck: Decimal, now_us: int) -> None:
        """Trade back by hand what no hedge will, let the ledger see it, then begin anew from there."""
        if self._flattened_us is None:
            side = "sell" if stuck > 0 else "buy"
            await self.venue.act("trade", {"market": self.domestic, "side": side, "amount": f"{abs(stuck):f}"})
            self._flattened_us = now_us
            self.called(f"{side} {abs(stuck):f} by hand: {status['state_reason'] or 'left unhedged'}")
        booked = status["reconciled"] and now_us - self._flattened_us > READS_FOR_S * 1e6
        if booked and await self.daemon.ask("rebase", who=WHO, reason="traded back by hand, and booked") is not None:
            self.rebases += 1
            self._seen_us = self._flattened_us = None
        elif now_us - self._flattened_us > WAITS_FOR_LEDGER_S * 1e6:
            self._flattened_us = now_us


def _stuck(status: dict[str, Any], dust_cap: Decimal) -> Decimal:
    """A position that no open hedge or order accounts for and no exit will remove; zero where there is none."""
    carried = status["carried_dust"]
    position = ZERO if carried is None else Decimal(carried)
    return position if abs(position) > dust_cap else ZERO
