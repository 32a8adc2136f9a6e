"""`arbbot replay DIR`: the recorded bytes through the same code again."""

from __future__ import annotations

from pathlib import Path

from arbbot import screen
from arbbot.bitstamp.session import Channels, Session, Signal
from arbbot.domain.events import BookSeen, Moment
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.domain.market import Route
from arbbot.journal.codec import decode, encode
from arbbot.research.replay import BookReader, DecidesOtherwise
from arbbot.research.replay import replay as run_replay
from arbbot.research.wire_log import RecordingError


class _Books:
    """One connection's books, read by the venue's own session code."""

    def __init__(self, epoch: int, symbols: tuple[str, ...]) -> None:
        self._session = Session(epoch, Channels(symbols))

    def __call__(self, raw: bytes, at: Moment) -> list[BookSeen]:
        """See `BookReader`."""
        word = self._session.receive(raw, at)
        if word is Signal.READY:
            return self._session.release()
        return [word] if isinstance(word, BookSeen) else []


def read_books(epoch: int, route: Route) -> BookReader:
    """A reader for one connection of a recording."""
    return _Books(epoch, route.symbols)


def replay(directory: Path, as_json: bool) -> ExitCode:
    """Replay a recording; CHECK_FAILED unless it decides as the recorded run did. Raises Failure (USAGE)."""
    try:
        result = run_replay(directory, read_books, encode, decode)
    except RecordingError as error:
        raise Failure(ExitCode.USAGE, f"replay: {error}") from error
    except DecidesOtherwise as error:
        raise Failure(ExitCode.CHECK_FAILED, f"{directory}: {error}") from error
    if as_json:
        told = {"hash": result.hash, "recorded_hash": result.recorded_hash, "equal": result.equal}
        more = {"records": result.records, "lines": result.lines, "problem": result.problem}
        screen.show_json({**told, **more, "report": result.report})
    else:
        print(f"lines       {result.lines} read, {result.records} durable records decided")
        print(f"recorded    {result.recorded_hash or '-'}")
        print(f"replayed    {result.hash}{'  EQUAL' if result.equal else ''}")
    if result.problem is not None:
        raise Failure(ExitCode.CHECK_FAILED, f"{directory}: {result.problem}")
    return ExitCode.OK
