"""A trouble that lasts is told to a person once: it would not end by itself."""

from __future__ import annotations

from arbbot.engine.core import SECOND_NS
from arbbot.engine.refusal import EXPLANATIONS, Refusal
from arbbot.engine.view import NEVER

STUCK_NS = 600 * SECOND_NS


class Standstill:
    """What stands in the way of one thing, and since when."""

    def __init__(self) -> None:
        self._trouble: Refusal | None = None
        self._since_ns = NEVER
        self._told = False

    def words(self, trouble: Refusal | None, now_ns: int) -> str | None:
        """What to say when the same trouble has lasted for long and nothing was said of it; None is no trouble."""
        if trouble is not self._trouble:
            self._trouble, self._since_ns, self._told = trouble, now_ns, False
        if trouble is None or self._told or now_ns - self._since_ns < STUCK_NS:
            return None
        self._told = True
        return f"for {STUCK_NS // SECOND_NS // 60} minutes: {EXPLANATIONS[trouble]}"
