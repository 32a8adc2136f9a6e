"""Writes down everything that goes in, off the hot path: raw frames, raw replies, other events, receive times.

A recording is a directory: `header.json` (route, rules, journal so far) and numbered `*.jsonl.zst` files. Lines are

* `f` a raw WebSocket frame with its connection's epoch,
* `r` a raw REST reply with the command it answers: evidence, not needed for replay,
* `e` an event that did not come out of a book frame,
* `s` the engine's start, and `h`, the last one, the hash of all decisions.
"""

from __future__ import annotations

import base64
import hashlib
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import orjson
import zstandard
from pydantic import TypeAdapter

from arbbot.domain.events import BookSeen, Event, Moment
from arbbot.domain.market import Route
from arbbot.domain.records import DurableRecord
from arbbot.engine.rules import Rules
from arbbot.research.wire_log import encode_event

FORMAT = 1
WRITE_EVERY_S = 0.25
ROTATE_BYTES = 64 << 20
"""Of text, before compression."""
MOST_BYTES = 20_000_000_000
QUEUE_MAX = 200_000
"""Lines waiting for the disk; beyond it the newest are dropped and the recording says so."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a replay must know before the first line."""

    format: int
    version: str
    mode: str
    journal_key: str
    route: Route
    rules: Rules
    journal: tuple[tuple[str, str], ...]
    """(kind, body) of every durable record before the start."""
    books_from_frames: bool
    """False when books were spliced from diffs: then each is a line of its own."""


@dataclass(frozen=True, slots=True)
class Heading:
    """As much of it as the books alone need: also where the rules were those of another version."""

    format: int
    version: str
    mode: str
    route: Route
    books_from_frames: bool


HEADER = TypeAdapter(Header)
HEADING = TypeAdapter(Heading)


class RecordingFullError(Exception):
    """A recording has taken all the room that it may."""


class DecisionHash:
    """SHA-256 over durable records in order: equal exactly when the decisions are."""

    def __init__(self, encode: Callable[[DurableRecord], str]) -> None:
        self._encode = encode
        self._hash = hashlib.sha256()
        self.count = 0

    def add(self, record: DurableRecord) -> None:
        """Take one more record in."""
        self._hash.update(f"{record.kind}\n{self._encode(record)}\n".encode())
        self.count += 1

    def hexdigest(self) -> str:
        """The hash so far."""
        return self._hash.hexdigest()


class Recorder:
    """Queues lines on the loop's thread, writes them on its own."""

    def __init__(
        self,
        directory: Path,
        header: Header,
        encode: Callable[[DurableRecord], str],
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """Begin one in a directory without. It ends at about `most_bytes` on the disk."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if (directory / "header.json").exists():
            raise FileExistsError(f"{directory}: holds a recording already")
        self._most_bytes = most_bytes
        self._closed_bytes = 0
        with _private(directory / "header.json") as file:
            file.write(HEADER.dump_json(header))
        self.directory = directory
        self._books_from_frames = header.books_from_frames
        self._queue: deque[tuple[Any, ...]] = deque()
        self._hash = DecisionHash(encode)
        self._file: IO[bytes] | None = None
        self._writer: zstandard.ZstdCompressionWriter | None = None
        self._files = 0
        self._written = 0
        self.dropped = 0
        """Lines lost because the disk was too slow; a recording that lost one cannot be replayed."""
        self.failed: str | None = None
        """Why writing stopped, if it did; trading goes on without."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write_on, name="recorder", daemon=True)
        self._thread.start()

    # --- the loop's side -----------------------------------------------------------------------------------

    def frame(self, raw: bytes, epoch: int, at: Moment) -> None:
        """A raw frame, before it is read."""
        self._put(("f", at, epoch, raw))

    def reply(self, command: object, reply: object, at: Moment) -> None:
        """A raw reply and the command it answers, as evidence."""
        self._put(("r", at, command, reply))

    def event(self, event: Event, at: Moment) -> None:
        """An event at the engine's door; those of book frames are in their frames."""
        if self._books_from_frames and type(event) is BookSeen:
            return
        self._put(("e", at, event))

    def started(self, at: Moment, version: str) -> None:
        """The engine's start."""
        self._put(("s", at, version))

    def decided(self, records: Sequence[DurableRecord]) -> None:
        """What the engine made of it: only hashed."""
        self._put(("d", records))

    def trouble(self) -> str | None:
        """Why this recording cannot be replayed, in words; None while it can."""
        if self.failed is not None:
            return f"the recording ended: {self.failed}"
        if self.dropped:
            return "the recording lost lines because its disk was too slow"
        return None

    def _put(self, line: tuple[Any, ...]) -> None:
        if self.failed is not None:
            return
        if len(self._queue) >= QUEUE_MAX:
            self.dropped += 1
            return
        self._queue.append(line)

    def close(self) -> str:
        """Write the rest and the decisions' hash; returns it."""
        self._stop.set()
        self._thread.join()
        return self._hash.hexdigest()

    # --- the writer's side ---------------------------------------------------------------------------------

    def _write_on(self) -> None:
        try:
            while not self._stop.wait(WRITE_EVERY_S):
                self._drain()
            self._drain()
            digest = {"k": "h", "hash": self._hash.hexdigest(), "records": self._hash.count, "dropped": self.dropped}
            self._write(orjson.dumps(digest))
            self._close_file()
        except Exception as error:  # noqa: BLE001 - the edge: whatever ends this thread must be told, and costs no more
            self.failed = f"{type(error).__name__}: {error}"
            self._queue.clear()
            if self._file is not None:
                with suppress(OSError):
                    self._file.close()

    def _drain(self) -> None:
        for _ in range(len(self._queue)):
            line = self._queue.popleft()
            if line[0] == "d":
                for record in line[1]:
                    self._hash.add(record)
            else:
                self._write(_encode(line))
        if self._writer is not None:
            self._writer.flush(zstandard.FLUSH_BLOCK)
        if self._file is not None and self._closed_bytes + self._file.tell() > self._most_bytes:
            raise RecordingFullError(f"its {self._most_bytes / 1e9:g} GB are full (recording.most_gb)")

    def _write(self, text: bytes) -> None:
        if self._writer is None or self._written > ROTATE_BYTES:
            self._close_file()
            self._files += 1
            self._file = _private(self.directory / f"{self._files:06d}.jsonl.zst")
            self._writer = zstandard.ZstdCompressor(level=3).stream_writer(self._file, closefd=False)
            self._written = 0
        self._writer.write(text + b"\n")
        self._written += len(text) + 1

    def _close_file(self) -> None:
        if self._writer is not None and self._file is not None:
            self._writer.close()  # type: ignore[no-untyped-call]  # untyped in the library's stubs
            self._closed_bytes += self._file.tell()
            self._file.close()


def _private(path: Path) -> IO[bytes]:
    """A new file for the owner alone: a recording holds the account's whole trading."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _encode(line: tuple[Any, ...]) -> bytes:
    kind, at = line[0], line[1]
    fields: dict[str, Any] = {"k": kind, "m": at.mono_ns, "u": at.utc_us}
    if kind == "f":
        fields["e"] = line[2]
        _put_bytes(fields, line[3])
    elif kind == "e":
        fields["t"] = type(line[2]).__name__
        fields["v"] = encode_event(line[2])
    elif kind == "s":
        fields["v"] = line[2]
    else:
        fields["c"] = repr(line[2])
        fields["v"] = line[3]
    return orjson.dumps(fields, default=_plain)


def _put_bytes(fields: dict[str, Any], raw: bytes) -> None:
    try:
        fields["r"] = raw.decode()
    except UnicodeDecodeError:
        fields["b"] = base64.b64encode(raw).decode()


def _plain(value: object) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, Decimal):
        return str(value)
    return repr(value)
