"""Spelling of values on the wire: JSON with exact numbers, decimals, times; requests and replies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from json.encoder import encode_basestring_ascii

Json = None | bool | int | str | Decimal | Sequence["Json"] | Mapping[str, "Json"]

JSON_TYPE = "application/json"
HTML_TYPE = "text/html"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as received. Header names are lower case; `path` is without the query."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    peer: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as it will be sent."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)


def _spell(value: Json, comma: str, colon: str) -> str:
    text = encode_basestring_ascii
    if isinstance(value, str):
        return text(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        parts = [
            text(k) + colon + (text(v) if isinstance(v, str) else _spell(v, comma, colon)) for k, v in value.items()
        ]
        return "{" + comma.join(parts) + "}"
    if isinstance(value, list):
        return "[" + comma.join([text(v) if isinstance(v, str) else _spell(v, comma, colon) for v in value]) + "]"
    if value is None:
        return "null"
    if isinstance(value, int):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return _spell(dict(value) if isinstance(value, Mapping) else list(value), comma, colon)


def rest_json(value: Json) -> bytes:
    """Encode a REST body, with the spaces the venue's own encoder leaves. Decimals become numbers."""
    return _spell(value, ", ", ": ").encode()


def stream_json(value: Json) -> str:
    """Encode a WebSocket frame, compact. Decimals become numbers."""
    return _spell(value, ",", ":")


def fixed(value: Decimal, decimals: int) -> str:
    """Spell a value with exactly so many decimals (off that grid it is rounded half to even)."""
    return f"{value:.{decimals}f}"


def fixed_or_zero(value: Decimal, decimals: int) -> str:
    """Spell a stream amount; the venue writes a plain `0` for nothing."""
    return fixed(value, decimals) if value else "0"


def number(value: Decimal) -> Decimal:
    """Strip trailing zeros, as the venue's JSON numbers do."""
    return value.normalize() if value else Decimal(0)


def _utc(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).replace(microsecond=at_us % 1_000_000)


def date_micros(at_us: int) -> str:
    """Spell a time with microseconds, `2022-01-31 14:43:15.796000`."""
    return _utc(at_us).replace(tzinfo=None).isoformat(" ", "microseconds")


def date_seconds(at_us: int) -> str:
    """Spell a time to the second, `2022-01-31 14:43:15`."""
    return _utc(at_us).strftime("%Y-%m-%d %H:%M:%S")


def date_iso(at_us: int) -> str:
    """Spell a time in ISO form, as replace_order does, `2025-10-17T14:23:01.725000Z`."""
    return _utc(at_us).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
