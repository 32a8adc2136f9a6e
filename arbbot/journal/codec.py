"""Durable records as text and back, exactly: money as strings, one JSON object a record."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from arbbot.domain.records import DurableRecord


class RecordError(ValueError):
    """A journal line that is no record of this version."""


_CLASSES: dict[str, type] = {cls.kind: cls for cls in get_args(DurableRecord)}


@cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(_CLASSES[kind])


@cache
def _written(kind: str) -> Callable[[DurableRecord], bytes]:
    return _adapter(kind).serializer.to_json


def prepare() -> None:
    """Build what reads and writes every kind now: some milliseconds each, which no order should wait for."""
    for kind in _CLASSES:
        _written(kind)


def encode(record: DurableRecord) -> str:
    """The body of a journal line."""
    return _written(record.kind)(record).decode()


def decode(kind: str, body: str) -> DurableRecord:
    """The record of a journal line. Raises RecordError."""
    if kind not in _CLASSES:
        raise RecordError(f"unknown record kind {kind!r}")
    try:
        record: DurableRecord = _adapter(kind).validate_json(body)
    except ValidationError as error:
        raise RecordError(f"damaged {kind} record: {error.errors()[0]['msg']}") from error
    return record
