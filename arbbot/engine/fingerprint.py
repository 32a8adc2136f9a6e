"""One hash for a whole tree of values: equal trees give equal hashes, in any process."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, is_dataclass
from decimal import Decimal
from typing import Any

from arbbot.domain.ledger import Ledger

_PLAIN = (str, int, Decimal)
"""Most of a tree is one of these."""


def fingerprint(value: object) -> str:
    """SHA-256 of a dataclass tree of numbers, texts, dictionaries, sets and lists."""
    plain = json.dumps(_plain(value), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()


def _plain(value: object) -> Any:
    """A JSON-able picture that is equal for equal states."""
    if isinstance(value, _PLAIN):
        return value if isinstance(value, int) else str(value)
    if isinstance(value, Ledger):
        return {f"{account}/{currency}": str(total) for (account, currency), total in value.balances.items()}
    if is_dataclass(value) and not isinstance(value, type):
        names = [name for name in getattr(value, "__slots__", None) or asdict(value)]
        return {name: _plain(getattr(value, name)) for name in names}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, set):
        return sorted(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if value is None else str(value)
