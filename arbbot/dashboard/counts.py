"""How often the page refused something, by kind: shown on the page itself, since nobody else would tell."""

from __future__ import annotations

KINDS = ("host", "origin", "session", "csrf", "token", "body", "connections", "slow")


class Refused:
    """Counts since the start."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys(KINDS, 0)

    def count(self, kind: str) -> None:
        """One more."""
        self._counts[kind] += 1

    def figures(self) -> dict[str, int]:
        """All of them."""
        return dict(self._counts)
