"""JSON for the page: money as text, exactly as the ledger has it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson


def dumps(value: Any) -> bytes:
    """One line of JSON; Decimals as plain digits, whatever else is no JSON as it prints."""
    return orjson.dumps(value, default=_text, option=orjson.OPT_NON_STR_KEYS)


def _text(value: object) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)
