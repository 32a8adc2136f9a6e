"""The smallest pieces of the wire: numbers, ids, times and names, read strictly and without surprises.

Every reader takes one parsed JSON value and raises `Malformed` for anything it cannot vouch for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import orjson

from arbbot.domain.market import Side

JsonObject = dict[str, Any]
JsonValue = Any

MAX_MAGNITUDE = 30
"""Decimal orders of magnitude a price or amount may have, up or down; beyond it a number is garbage."""
MAX_DIGITS = 45
_MAX_ID = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SYMBOL = re.compile(r"[a-z0-9]+(-[a-z0-9]+)?")
_CURRENCY = re.compile(r"[a-z0-9]{2,12}")


class Malformed(ValueError):
    """Bytes that are not what the protocol promises; the text says what was wrong and never quotes secrets."""


def parse_json(raw: bytes) -> JsonValue:
    """Bytes to JSON values. Raises Malformed for anything else, NaN, deep nesting and broken UTF-8 included."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"not JSON: {error.msg}") from error


def as_object(value: JsonValue, what: str) -> JsonObject:
    """A JSON object, or Malformed."""
    if not isinstance(value, dict):
        raise Malformed(f"{what} is {type(value).__name__}, not an object")
    return value


def as_list(value: JsonValue, what: str) -> list[JsonValue]:
    """A JSON array, or Malformed."""
    if not isinstance(value, list):
        raise Malformed(f"{what} is {type(value).__name__}, not a list")
    return value


def text(row: Mapping[str, JsonValue], key: str) -> str:
    """A non-empty string field."""
    value = row.get(key)
    if not isinstance(value, str) or not value:
        raise Malformed(f"{key} is not a text")
    return value


def optional_text(row: Mapping[str, JsonValue], key: str) -> str | None:
    """A string field; None where absent, null or empty (older replies write "" for no client order id)."""
    value = row.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise Malformed(f"{key} is not a text")
    return value


def number(value: JsonValue, what: str) -> Decimal:
    """A finite decimal from text, an integer, or a JSON float by its shortest form (the venue mixes them).

    Text keeps its written decimals. Booleans, NaN, infinities, underscores and absurd magnitudes are Malformed.
    """
    if isinstance(value, str):
        written = value
    elif isinstance(value, int) and not isinstance(value, bool):
        written = str(value)
    elif isinstance(value, float):
        written = repr(value)
    else:
        raise Malformed(f"{what} is {type(value).__name__}, not a number")
    if len(written) > MAX_DIGITS or "_" in written:
        raise Malformed(f"{what} is no plausible number")
    try:
        parsed = Decimal(written)
    except InvalidOperation as error:
        raise Malformed(f"{what} is not a number") from error
    if not parsed.is_finite() or abs(parsed.adjusted()) > MAX_MAGNITUDE:
        raise Malformed(f"{what} is no plausible number")
    return parsed


def decimal_field(row: Mapping[str, JsonValue], key: str) -> Decimal:
    """A number field, see `number`."""
    if key not in row:
        raise Malformed(f"{key} is missing")
    return number(row[key], key)


def exact_field(row: Mapping[str, JsonValue], key: str) -> Decimal:
    """A number field whose exact text may stand beside it as `<key>_str` (floats lose 1e-8 forms and zeros)."""
    written = row.get(f"{key}_str")
    return decimal_field(row, key) if written is None else number(written, key)


def positive(value: Decimal, what: str) -> Decimal:
    """The value itself when it is above zero, or Malformed."""
    if value <= 0:
        raise Malformed(f"{what} is not positive")
    return value


def identity(value: JsonValue, what: str) -> int:
    """A venue id: a positive 63-bit integer, written as a number or as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 19:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _MAX_ID:
        raise Malformed(f"{what} is not an id")
    return value


def small_integer(value: JsonValue, what: str) -> int:
    """A non-negative integer below a million, written as a number or as text (types, decimals, seconds)."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 6:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1_000_000:
        raise Malformed(f"{what} is not a small integer")
    return value


def side_of_type(value: JsonValue, what: str) -> Side:
    """0 buys and 1 sells, written as number or text."""
    kind = small_integer(value, what)
    if kind not in (0, 1):
        raise Malformed(f"{what} {kind} is neither buy nor sell")
    return Side.BUY if kind == 0 else Side.SELL


def utc_us_of(value: JsonValue, what: str) -> int:
    """Microseconds since the epoch of a venue datetime: `2022-01-31 14:43:15[.796000]` or ISO with `T` and `Z`, UTC."""
    if not isinstance(value, str) or len(value) > 40:
        raise Malformed(f"{what} is not a datetime")
    try:
        moment = datetime.fromisoformat(value)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        return (moment - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError) as error:
        raise Malformed(f"{what} is not a datetime") from error


def symbol_of_name(name: JsonValue, what: str = "market") -> str:
    """`BTC/USD` (or an old `btcusd`) to the symbol `btcusd` used in paths and channels."""
    symbol = name.replace("/", "", 1).lower() if isinstance(name, str) else ""
    if not _SYMBOL.fullmatch(symbol):
        raise Malformed(f"{what} is not a market name")
    return symbol


@lru_cache(maxsize=256)
@lru_cache(maxsize=4096)
def is_currency(key: str) -> bool:
    """Whether a key of a row can be a currency code, as the venue spells them: short, lower case, no underscore."""
    return _CURRENCY.fullmatch(key) is not None
