"""Events as text and back, exactly, for recordings. Books go by their rows; everything else by its fields."""

from __future__ import annotations

from functools import cache
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from arbbot.domain.book import Book
from arbbot.domain.events import BookFetched, BookSeen, Event


class RecordingError(ValueError):
    """A recording that is damaged or was made by another version."""


_CLASSES: dict[str, type] = {cls.__name__: cls for cls in get_args(Event)}


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(_CLASSES[name])


def encode_event(event: Event) -> Any:
    """What JSON can hold of an event; money as strings."""
    if isinstance(event, BookSeen):
        return {"book": _book(event.book), "epoch": event.epoch}
    if isinstance(event, BookFetched):
        return {"book": _book(event.book), "ask_id": event.ask_id}
    return _adapter(type(event).__name__).dump_python(event, mode="json")


def decode_event(name: str, fields: Any) -> Event:
    """The event of a recorded line. Raises RecordingError."""
    try:
        if name == "BookSeen":
            return BookSeen(_unbook(fields["book"]), fields["epoch"])
        if name == "BookFetched":
            return BookFetched(fields["ask_id"], _unbook(fields["book"]))
        event: Event = _adapter(name).validate_python(fields)
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise RecordingError(f"damaged {name}: {error}") from error
    return event


def _book(book: Book) -> dict[str, Any]:
    return {
        "symbol": book.symbol,
        "microtimestamp": book.microtimestamp,
        "bids": [list(row) for row in book.bids],
        "asks": [list(row) for row in book.asks],
    }


def _unbook(fields: dict[str, Any]) -> Book:
    return Book(fields["symbol"], fields["microtimestamp"], fields["bids"], fields["asks"])
