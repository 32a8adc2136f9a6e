"""A memory that stays small."""

from __future__ import annotations

from typing import TypeVar

K = TypeVar("K")
T = TypeVar("T")


def remember(kept: dict[K, T], key: K, value: T, most: int) -> None:
    """Keep a value under its key, and let the oldest go where there are too many."""
    kept[key] = value
    if len(kept) > most:
        del kept[next(iter(kept))]
