"""What pydantic found wrong, in an operator's words: one line each, values of keys never shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from arbbot.settings.errors import Contradiction
from arbbot.settings.model import Settings

Location = tuple[int | str, ...]
Place = Callable[[Sequence[Location]], str]
"""Where a key was set, as `source: key`."""

_SHOWN_CHARS = 40


def problem_lines(error: ValidationError, place: Place) -> list[str]:
    """Every problem as `source: key: reason`."""
    return [_line(problem, place) for problem in error.errors(include_url=False)]


def _line(problem: ErrorDetails, place: Place) -> str:
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, Contradiction):
        return f"{place([tuple(key.split('.')) for key in cause.keys])}: {cause}"
    location = problem["loc"]
    if problem["type"] == "extra_forbidden":
        return f"{place([location])}: no such setting{nearest('.'.join(map(str, location)), location)}"
    return f"{place([location])}: {_wish(problem)}{_shown(problem, location)}"


def _wish(problem: ErrorDetails) -> str:
    text = problem["msg"]
    for start in ("Input should be ", "Decimal input should "):
        if text.startswith(start):
            return f"should {'be ' if 'be' in start else ''}{text.removeprefix(start)}"
    return text[:1].lower() + text[1:]


def _shown(problem: ErrorDetails, location: Location) -> str:
    """The value that was given, where that cannot be a secret."""
    given: Any = problem["input"]
    if location[:1] == ("keys",) or isinstance(given, dict | list | tuple) or problem["type"] == "missing":
        return ""
    text = str(given) if not isinstance(given, str) else repr(given)
    return f", not {text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + '...'}"


def nearest(written: str, location: Location, *, prefix: str = "", joint: str = ".") -> str:
    """`; did you mean ...?` with the nearest known key, or nothing when none is near."""
    known = [key.replace(".", joint) for key in known_keys()]
    if prefix:
        known = [f"{prefix}{key}".upper() for key in known]
    found = get_close_matches(written, known, n=1, cutoff=0.6)
    if not found and not prefix:  # right name, wrong section
        last = str(location[-1])
        found = [key for key in known if key.split(".")[-1] == last][:1]
    return f"; did you mean {found[0]}?" if found else ""


def known_keys(model: type[BaseModel] = Settings, before: str = "") -> Iterator[str]:
    """Every setting as a dotted key, in the order of the model; sections themselves are not listed."""
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from known_keys(annotation, f"{before}{name}.")
        else:
            yield f"{before}{name}"
