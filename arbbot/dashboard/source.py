"""What the page shows and commands, as the server needs it: an adapter asks for this and knows nothing behind it."""

from __future__ import annotations

from typing import Any, Protocol


class Declined(Exception):
    """A command that is not granted; the text goes back to the person."""


class Source(Protocol):
    """The daemon as the page sees it. Answers are JSON-able, money as Decimal or text."""

    def about(self) -> dict[str, Any]:
        """The phrase that resuming wants."""
        ...

    def snapshot(self) -> dict[str, Any]:
        """Everything of this moment; asked four times a second while somebody looks."""
        ...

    def series(self) -> dict[str, Any]:
        """What charts show of the time before the page was opened."""
        ...

    def hedges(self) -> dict[str, Any]:
        """The last hedges, newest first, and what the last days made."""
        ...

    async def hedges_before(self, cursor: int) -> dict[str, Any]:
        """Older ones, from the journal."""
        ...

    async def timeline(self, hedge_id: str) -> dict[str, Any] | None:
        """Everything that led to a hedge or conversion and came of it; None where there is none of this name."""
        ...

    def command(self, verb: str, reason: str, phrase: str | None) -> dict[str, Any]:
        """Halt, pause or resume. Raises Declined."""
        ...
