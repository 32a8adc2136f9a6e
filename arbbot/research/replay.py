"""Runs a recording through the engine again: the same bytes and times give the same decisions, equal hash."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import orjson
import zstandard
from pydantic import TypeAdapter, ValidationError

from arbbot.domain.events import BookSeen, Event, FeedUp, Moment
from arbbot.domain.ledger import LedgerError
from arbbot.domain.market import Route
from arbbot.domain.records import DurableRecord, is_durable
from arbbot.engine.report import report
from arbbot.engine.state import State, StateError
from arbbot.engine.step import Engine, Output
from arbbot.research.record import FORMAT, HEADER, HEADING, DecisionHash, Header, Heading
from arbbot.research.wire_log import RecordingError, decode_event

ENGINE_BREAKS = (StateError, LedgerError, KeyError, ValueError, AssertionError)
"""What comes of recorded answers to questions that today's engine did not ask."""


Watch = Callable[[Event, Moment, int | None], None]
"""An event, its time, and when the question was put that it answers."""


class BookReader(Protocol):
    """One connection's frames in, books out: the venue's session code, given by the caller."""

    def __call__(self, raw: bytes, at: Moment) -> Sequence[BookSeen]:
        """The new books that a frame holds or lets go."""
        ...


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What a replay found."""

    hash: str
    recorded_hash: str | None
    """None when the recording was cut off before its end, or lines of it were dropped."""
    records: int
    lines: int
    dropped: int
    """Lines that the recorder could not keep."""
    report: dict[str, Any]

    @property
    def equal(self) -> bool:
        """True when the decisions are those of the recorded run."""
        return self.recorded_hash == self.hash

    @property
    def problem(self) -> str | None:
        """Why this proves nothing, or proves the opposite; None when the decisions are equal."""
        if self.lines == 0:
            return "holds no lines: there is nothing to replay"
        if self.dropped:
            return f"{self.dropped} lines were dropped while it was recorded: there is nothing to compare with"
        if self.recorded_hash is None:
            return "cut off before its end: there is no hash to compare with"
        return None if self.equal else "decides otherwise: the hashes differ"


class DecidesOtherwise(Exception):
    """The engine of today could not even make the recorded steps; one clear line."""


def replay(
    directory: Path,
    read_books: Callable[[int, Route], BookReader],
    encode: Callable[[DurableRecord], str],
    decode: Callable[[str, str], DurableRecord],
    *,
    watch: Watch | None = None,
) -> ReplayResult:
    """Feed a recording to a new engine. Raises RecordingError, or DecidesOtherwise where the engine breaks on it.

    `watch` sees every event before the engine does.
    """
    header = read_header(directory)
    try:
        run = _Replay(header, read_books, encode, decode, watch)
    except ENGINE_BREAKS as error:
        raise DecidesOtherwise(f"cannot go on from the journal it began with: {_told(error)}") from error
    lines = 0
    for line in _lines(directory):
        lines += 1
        try:
            run.take(line)
        except RecordingError as error:
            raise RecordingError(f"line {lines}: {error}") from error
        except ENGINE_BREAKS as error:
            raise DecidesOtherwise(f"decides otherwise at line {lines}: {_told(error)}") from error
    return ReplayResult(
        hash=run.hash.hexdigest(),
        recorded_hash=run.recorded_hash,
        records=run.hash.count,
        lines=lines,
        dropped=run.dropped,
        report=report(run.engine.core.state, header.route, header.mode),
    )


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


class Unpacker:
    """Events out of a recording's lines, in the order in which the engine saw them."""

    def __init__(self, header: Header | Heading, read_books: Callable[[int, Route], BookReader]) -> None:
        self._header = header
        self._read_books = read_books
        self._readers: dict[int, BookReader] = {}
        self._held: dict[int, dict[str, BookSeen]] = {}
        """Books of connections that were not up yet, the newest of each market."""
        self._up: set[int] = set()

    def events(self, line: dict[str, Any], at: Moment) -> Iterator[Event]:
        """Those of one line. Raises RecordingError."""
        if line["k"] == "f":
            yield from self._frame(line, at)
        elif line["k"] == "e":
            event = decode_event(line["t"], line["v"])
            yield event
            if isinstance(event, FeedUp):
                self._up.add(event.epoch)
                yield from self._held.pop(event.epoch, {}).values()

    def _frame(self, line: dict[str, Any], at: Moment) -> Iterator[Event]:
        if not self._header.books_from_frames:
            return
        epoch = line["e"]
        if epoch not in self._readers:
            self._readers[epoch] = self._read_books(epoch, self._header.route)
        raw = line["r"].encode() if "r" in line else base64.b64decode(line["b"])
        for seen in self._readers[epoch](raw, at):
            if epoch in self._up:
                yield seen
            else:
                self._held.setdefault(epoch, {})[seen.book.symbol] = seen


class _Replay:
    def __init__(
        self,
        header: Header,
        read_books: Callable[[int, Route], BookReader],
        encode: Callable[[DurableRecord], str],
        decode: Callable[[str, str], DurableRecord],
        watch: Watch | None,
    ) -> None:
        state = State()
        for kind, body in header.journal:
            state.apply(decode(kind, body))
        self.engine = Engine(header.route, header.rules, state, header.journal_key)
        self.hash = DecisionHash(encode)
        self.recorded_hash: str | None = None
        self.dropped = 0
        self._unpacker = Unpacker(header, read_books)
        self._watch = watch

    def take(self, line: dict[str, Any]) -> None:
        if line["k"] == "h":
            self.dropped = line["dropped"]
            self.recorded_hash = None if self.dropped else line["hash"]
            return
        at = Moment(line["m"], line["u"])
        if line["k"] == "s":
            self._note(self.engine.start(at, line["v"]))
            return
        for event in self._unpacker.events(line, at):
            self._step(event, at)

    def _step(self, event: Event, at: Moment) -> None:
        if self._watch is not None:
            question = self.engine.core.asks.get(getattr(event, "ask_id", 0))
            self._watch(event, at, None if question is None else question.asked_ns)
        self._note(self.engine.step(event, at))

    def _note(self, output: Output) -> None:
        for record in output.records:
            if is_durable(record):
                self.hash.add(record)


@dataclass(frozen=True, slots=True)
class Watched:
    """What a recording was, beside its events."""

    lines: int
    dropped: int
    """Lines that the recorder could not keep; where they are missing nothing tells."""
    ended: bool
    """False where it was cut off, and may have lost lines that nobody counted."""


def watch_only(directory: Path, read_books: Callable[[int, Route], BookReader], watch: Watch) -> Watched:
    """Show a recording's events to `watch`, and to no engine: also of one that was cut off, or that today's engine
    would decide otherwise on. Raises RecordingError.
    """
    unpacker = Unpacker(read_heading(directory), read_books)
    lines, dropped, ended = 0, 0, False
    for line in _lines(directory):
        lines += 1
        if line["k"] in "fe":
            at = Moment(line["m"], line["u"])
            for event in unpacker.events(line, at):
                watch(event, at, None)
        elif line["k"] == "h":
            dropped, ended = line["dropped"], True
    return Watched(lines, dropped, ended)


def read_header(directory: Path) -> Header:
    """What a recording was made with. Raises RecordingError."""
    return _headed(directory, HEADER)


def read_heading(directory: Path) -> Heading:
    """The route of a recording, also of one by another version of the rules. Raises RecordingError."""
    return _headed(directory, HEADING)


H = TypeVar("H", Header, Heading)


def _headed(directory: Path, form: TypeAdapter[H]) -> H:
    try:
        header = form.validate_json((directory / "header.json").read_bytes())
    except (OSError, ValueError) as error:
        raise RecordingError(f"{directory}: no recording: header.json: {_reason(error)}") from error
    if header.format != FORMAT:
        raise RecordingError(f"{directory}: format {header.format}, this program reads {FORMAT}")
    return header


def _reason(error: OSError | ValueError) -> str:
    """In one line, however much is wrong."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'its JSON'}: {first['msg']}"
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)


def _lines(directory: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(directory.glob("*.jsonl.zst")):
        try:
            with path.open("rb") as packed, zstandard.ZstdDecompressor().stream_reader(packed) as unpacked:
                for text in io.BufferedReader(unpacked, 1 << 20):
                    if text.endswith(b"\n"):
                        yield orjson.loads(text)
        except (OSError, zstandard.ZstdError, orjson.JSONDecodeError) as error:
            raise RecordingError(f"{path}: {error}") from error
