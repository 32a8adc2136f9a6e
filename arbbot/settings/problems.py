"""What pydantic found wrong, in an operator's words: one line each, values of keys never shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher, get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from arbbot.settings.errors import Contradictions
from arbbot.settings.model import Settings

Location = tuple[int | str, ...]
Place = Callable[[Sequence[Location]], str]
"""Where a key was set, as `source: key`."""

_SHOWN_CHARS = 40
LIKENESS = 0.6
"""Share of characters in common, as difflib counts."""


def problem_lines(error: ValidationError, place: Place) -> list[str]:
    """Every problem as `source: key: reason`."""
    return [line for problem in error.errors(include_url=False) for line in _lines(problem, place)]


def _lines(problem: ErrorDetails, place: Place) -> list[str]:
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, Contradictions):
        told: dict[str, str] = {}
        for each in cause.found:  # of one key the first: what else it breaks may end with it
            told.setdefault(place([tuple(key.split(".")) for key in each.keys]), str(each))
        return [f"{where}: {reason}" for where, reason in told.items()]
    return [_line(problem, place)]


def _line(problem: ErrorDetails, place: Place) -> str:
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
    if (
        location[:1] == ("keys",)
        or location == ("alerts", "url")
        or isinstance(given, dict | list | tuple)
        or problem["type"] == "missing"
    ):
        return ""
    text = str(given) if not isinstance(given, str) else repr(given)
    return f", not {text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + '...'}"


def nearest(written: str, location: Location, *, prefix: str = "", joint: str = ".") -> str:
    """`; did you mean ...?` with the nearest known key, or nothing when none is near.

    Near is a key whose last word is near too, so that a section's name alone suggests nothing, or one of the same last
    word in another section.
    """
    key = written.removeprefix(prefix).lower().replace(joint, ".")
    last, known = str(location[-1]).lower(), list(known_keys())
    close = [each for each in get_close_matches(key, known, n=5, cutoff=LIKENESS) if _alike(key, each)]
    found = [*close, *(each for each in known if each.split(".")[-1] == last)]
    if not found:
        return ""
    best = f"{prefix}{found[0].replace('.', joint)}".upper() if prefix else found[0]
    return f"; did you mean {best}?"


def _alike(key: str, other: str) -> bool:
    return SequenceMatcher(None, key.rpartition(".")[2], other.rpartition(".")[2]).ratio() >= LIKENESS


def known_keys(model: type[BaseModel] = Settings, before: str = "") -> Iterator[str]:
    """Every setting as a dotted key, in the order of the model; sections themselves are not listed."""
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from known_keys(annotation, f"{before}{name}.")
        else:
            yield f"{before}{name}"
