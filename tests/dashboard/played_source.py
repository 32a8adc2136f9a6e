"""A daemon as the page's server needs it, played: it remembers what it was told and answers at once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from arbbot.dashboard import Declined

PHRASE = "resume sandbox"


class PlayedSource:
    """Counts how often it was asked, and keeps the commands it was given."""

    def __init__(self, padding: int = 0) -> None:
        """`padding` characters make each snapshot heavy."""
        self.snapshots = 0
        self.commands: list[tuple[str, str]] = []
        self.broken: Exception | None = None
        """What looking raises."""
        self._padding = "x" * padding

    def about(self) -> dict[str, Any]:
        return {"resume_phrase": PHRASE}

    def snapshot(self) -> dict[str, Any]:
        if self.broken is not None:
            raise self.broken
        self.snapshots += 1
        return {"utc_us": self.snapshots, "exposure": Decimal("0E-8"), "padding": self._padding}

    def series(self) -> dict[str, Any]:
        return {"samples": [], "pnl": [(1, Decimal("1E+3"))], "marks": []}

    def hedges(self) -> dict[str, Any]:
        return {"version": 1, "hedges": [], "next": None}

    async def hedges_before(self, cursor: int) -> dict[str, Any]:
        return {"version": 1, "hedges": [], "next": cursor - 1}

    async def timeline(self, hedge_id: str) -> dict[str, Any] | None:
        return {"hedge_id": hedge_id, "lines": []} if hedge_id == "ab-h00001" else None

    def command(self, verb: str, reason: str, phrase: str | None) -> dict[str, Any]:
        if verb == "resume" and phrase != PHRASE:
            raise Declined(f'to resume, type "{PHRASE}"')
        self.commands.append((verb, reason))
        return {"state": "halted", "state_reason": reason, "in_doubt": [], "said": []}
