"""Datadog's own models of what is sent to it, read strictly: as shipped they accept almost anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from datadog_api_client import Configuration
from datadog_api_client.model_utils import (
    ModelComposed,
    ModelNormal,
    ModelSimple,
    OpenApiModel,
    UnparsedObject,
    validate_and_convert_types,
)

Model = TypeVar("Model", bound=OpenApiModel)


class NotUnderstood(ValueError):
    """The client does not know what a part of the content is."""


def strict(model: type[Model], content: dict[str, Any]) -> Model:
    """The content as a model of the client. Raises NotUnderstood with the place of every part it does not know, and the
    client's own errors for values of a wrong type.
    """
    read = validate_and_convert_types(content, (model,), [model.__name__], True, True, Configuration())
    assert isinstance(read, model)
    strange = list(_strange(read, model.__name__))
    if strange:
        raise NotUnderstood("; ".join(strange))
    return read


def _strange(value: Any, place: str) -> Iterator[str]:
    """What the client kept without knowing what it is."""
    if isinstance(value, UnparsedObject):
        yield f"{place}: no such kind of object"
        return
    if isinstance(value, ModelSimple) and value._unparsed:
        yield f"{place}: {value.value!r} is none of {sorted(map(str, value.allowed_values))}"
    elif isinstance(value, ModelNormal):
        yield from (f"{place}.{name}: no such key" for name in value._data_store if name not in value.openapi_types)
    for held, where in _parts(value, place):
        yield from _strange(held, where)


def _parts(value: Any, place: str) -> Iterator[tuple[Any, str]]:
    """What a value is made of, each with its place."""
    if isinstance(value, ModelComposed):
        yield from ((each, place) for each in value._composed_instances)
    elif isinstance(value, ModelNormal | dict):
        parts = value if isinstance(value, dict) else value._data_store
        yield from ((held, f"{place}.{name}") for name, held in parts.items())
    elif isinstance(value, list | tuple):
        yield from ((held, f"{place}[{number}]") for number, held in enumerate(value))
