"""Nobody at the terminal any more: nothing breaks, and nothing else is lost."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import TextIO

import pytest

from arbbot.bootstrap.narrator import Narrator
from arbbot.bootstrap.recording import figures, watch
from arbbot.bootstrap.terminal import mention, say, say_if_broken
from arbbot.domain.events import Moment
from arbbot.domain.mode import Severity
from arbbot.domain.records import AlertRaised, Record
from arbbot.journal.codec import encode
from arbbot.research.record import FORMAT, Header, Recorder
from arbbot.telemetry.logging import Identity, build_logger
from arbbot.telemetry.redact import Redactor
from arbbot.telemetry.sink import LineSink
from tests.engine.rig import ROUTE, RULES

ROOT = Path(__file__).parents[2]
ALERT = AlertRaised(Severity.WARNING, "name", "text", 1)


class Kept:
    """Telemetry that keeps what it is told."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def fold(self, records: Sequence[Record], _at: Moment) -> None:
        self.records += records


@pytest.fixture
def terminal() -> Iterator[tuple[TextIO, TextIO]]:
    """Both ends of a pipe: what the program writes to, and what a person reads."""
    reading, writing = os.pipe()
    with closing(os.fdopen(writing, "w")) as writer, closing(os.fdopen(reading)) as reader:
        yield writer, reader


@pytest.mark.parametrize("gone", ["reader", "writer"])
def test_a_narrator_without_a_reader_falls_silent(terminal: tuple[TextIO, TextIO], gone: str) -> None:
    """A pipe without a reader, or a closed stream: folding goes on behind the narrator as before."""
    writer, reader = terminal
    behind = Kept()
    narrator = Narrator(behind, writer)
    narrator.fold([ALERT], Moment(0, 0))
    assert reader.readline() == "  WARNING: text\n"
    (reader if gone == "reader" else writer).close()
    narrator.fold([ALERT], Moment(0, 0))
    narrator.fold([ALERT], Moment(0, 0))
    assert len(behind.records) == 3


@pytest.mark.timeout(10)
def test_a_reader_that_has_stopped_reading_is_not_waited_for(terminal: tuple[TextIO, TextIO]) -> None:
    """A full pipe: what it does not take is lost, within a moment, and the caller hears so; nothing of it is left in
    the stream for the exit to wait with.
    """
    writer, reader = terminal
    lost = next(number for number in range(1000) if not say("x" * 1000, out=writer))
    assert lost > 50
    assert not say("and more", out=writer)
    writer.close()
    assert reader.read().splitlines()[:lost] == ["x" * 1000] * lost


@pytest.mark.timeout(10)
def test_in_the_midst_of_trading_a_full_pipe_is_not_waited_for_at_all(
    terminal: tuple[TextIO, TextIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody empties standard error: a line is lost at once, however patient one is at other times; once there is room,
    the next is told.
    """
    writer, reader = terminal
    monkeypatch.setattr("arbbot.bootstrap.terminal.PATIENCE_S", 0.0)
    while say("x" * 1000, out=writer):
        pass
    monkeypatch.setattr("arbbot.bootstrap.terminal.PATIENCE_S", 3600.0)
    monkeypatch.setattr(sys, "stderr", writer)
    assert not mention("lost")
    os.set_blocking(reader.fileno(), False)
    while reader.buffer.read(65536):
        pass
    assert mention("told", "in two lines")
    assert reader.buffer.read(65536) == b"told\nin two lines\n"


@pytest.mark.timeout(10)
def test_more_than_a_pipe_holds_is_said_to_who_reads(
    terminal: tuple[TextIO, TextIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that is merely slower than we are gets it all."""
    monkeypatch.setattr("arbbot.bootstrap.terminal.PATIENCE_S", 8.0)  # whatever else this machine does
    writer, reader = terminal
    wanted = [f"{number} caf\u00e9" for number in range(20_000)]
    got: list[str] = []
    reading = Thread(target=lambda: got.extend(reader.read().splitlines()))
    reading.start()
    assert say(*wanted, out=writer)
    writer.close()
    reading.join()
    assert got == wanted


def test_a_reader_that_leaves_does_not_change_the_exit_code(tmp_path: Path) -> None:
    """What could not be written is not tried again at the exit, which would end in a code of its own."""
    program = "from arbbot.bootstrap.terminal import say; import sys; assert not say('x'); sys.exit(3)"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, stderr=writing, check=False)
    os.close(writing)
    assert done.returncode == 3


async def test_a_task_that_dies_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    """One line with its name and why; a task that is cancelled has nothing to tell."""

    async def breaks() -> None:
        raise ZeroDivisionError("divided\nby nothing")

    broken, cancelled = asyncio.create_task(breaks(), name="telemetry"), asyncio.create_task(asyncio.sleep(9))
    for task in (broken, cancelled):
        task.add_done_callback(say_if_broken)
    cancelled.cancel()
    await asyncio.wait([broken, cancelled])
    await asyncio.sleep(0)
    told = "arbbot: telemetry has ended, trading goes on: ZeroDivisionError: divided by nothing\n"
    assert capsys.readouterr().err == told


async def test_a_failed_recording_is_logged_once_and_shown(tmp_path: Path) -> None:
    """One warning however often one looks; `status` has directory, losses and the reason."""
    recorder = Recorder(tmp_path / "run", Header(FORMAT, "1", "sandbox", "ab", ROUTE, RULES, (), True), encode)
    recorder.reply("balances", 2**70, Moment(1, 1))
    recorder.close()
    log = tmp_path / "log"
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT)
    sink = LineSink(descriptor)
    identity = Identity("arbbot", "test", "1", "bitstamp", "sandbox", ROUTE.name)
    watching = asyncio.create_task(watch(recorder, build_logger(sink, identity, Redactor()), look_every_s=0.001))
    await asyncio.sleep(0.05)
    watching.cancel()
    await asyncio.wait([watching])
    sink.close(1.0)
    os.close(descriptor)
    (line,) = log.read_text().splitlines()
    assert '"status":"warn' in line
    assert "the recording ended: " in line
    shown = figures(recorder)
    assert shown == {"directory": str(tmp_path / "run"), "dropped": 0, "failed": recorder.failed}
    assert figures(None) is None
