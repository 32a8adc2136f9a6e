from __future__ import annotations

import os
import pty
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbbot.telemetry.sink import LineSink
from tests.telemetry.conftest import Pipe


@given(st.lists(st.binary(max_size=20_000).map(lambda line: line.replace(b"\n", b"")), max_size=30))
def test_what_is_put_is_read_in_order_and_whole(lines: list[bytes]) -> None:
    """Whatever the lengths, a reader that keeps reading gets every line once, in order."""
    pipe = Pipe()
    sink = LineSink(pipe.writer)
    got = b""
    for line in lines:
        sink.put(line)
        sink.flush()
        got += pipe.read()
    while len(got) < sum(map(len, lines)) + len(lines):
        sink.flush()
        got += pipe.read()
    pipe.close()
    assert got == b"".join(line + b"\n" for line in lines)
    assert sink.dropped == 0


def test_a_reader_that_stalls_never_blocks_and_costs_the_oldest_lines(pipe: Pipe) -> None:
    """With nobody reading, flush returns, the queue stays bounded, and what went is counted."""
    sink = LineSink(pipe.writer, lines_max=100)
    for number in range(1000):
        sink.put(b"%05d" % number + b"x" * 1000)
        sink.flush()
    assert sink.dropped > 0
    got = b""
    while chunk := pipe.read():
        got += chunk
        sink.flush()
    lines = got.splitlines()
    assert len(lines) + sink.dropped == 1000
    assert lines[-1].startswith(b"00999")


def test_a_closed_pipe_drops_and_counts(pipe: Pipe) -> None:
    """When the reader is gone, nothing raises, and every line from then on is counted as lost."""
    sink = LineSink(pipe.writer)
    pipe.hang_up()
    for _ in range(5):
        sink.put(b"nobody will see this")
        sink.flush()
    sink.close(1.0)
    assert sink.dropped == 5


def test_close_writes_the_rest_but_does_not_wait_for_ever(pipe: Pipe) -> None:
    """The last lines are written if somebody reads; with nobody reading, close ends by its bound."""
    patient = LineSink(pipe.writer)
    patient.put(b"last words")
    patient.close(1.0)
    assert pipe.read() == b"last words\n"

    stalled = LineSink(pipe.writer)
    for _ in range(200):
        stalled.put(b"x" * 4000)
    began = time.monotonic()
    stalled.close(0.05)
    assert time.monotonic() - began < 5
    assert stalled.dropped > 0


@pytest.mark.timeout(10)
def test_a_terminal_that_nobody_reads_never_blocks() -> None:
    """Ctrl-S, or a connection that froze: flush returns, what waits comes out once it is read, and the shell's own
    description of the terminal is left as it was.
    """
    reader, terminal = pty.openpty()
    os.set_blocking(reader, False)
    sink = LineSink(terminal)
    wanted = b""
    for number in range(400):
        sink.put(b"%05d" % number + b"y" * 150)
        wanted += b"%05d" % number + b"y" * 150 + b"\r\n"
        sink.flush()
    got = b""
    while len(got) < len(wanted):
        try:
            got += os.read(reader, 65536)
        except BlockingIOError:
            sink.flush()
    assert (got, sink.dropped, os.get_blocking(terminal)) == (wanted, 0, True)
    for _ in range(400):
        sink.put(b"y" * 150)
    sink.close(0.05)
    assert sink.dropped > 0
    os.close(reader)
    os.close(terminal)
