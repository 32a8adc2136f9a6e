"""A recording that fails is told of, holds nothing back, and never disturbs what it records."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from arbbot.bootstrap.recording import remove_oldest
from arbbot.domain.events import Moment
from arbbot.domain.life import Stopped
from arbbot.domain.records import DurableRecord
from arbbot.journal.codec import encode
from arbbot.research.record import FORMAT, Header, Recorder
from tests.engine.rig import ROUTE, RULES

AT = Moment(1, 1)
HEADER = Header(FORMAT, "1", "sandbox", "ab", ROUTE, RULES, (), True)


def unwritable(_record: DurableRecord) -> str:
    """A codec that gives up."""
    raise ValueError("no text for this record")


def a_file_in_the_way(recorder: Recorder) -> None:
    """The file to write next is somebody else's."""
    (recorder.directory / "000001.jsonl.zst").write_text("")
    recorder.frame(b"{}", 1, AT)


def closed_under_it(recorder: Recorder) -> None:
    """The library refuses to compress any more."""
    recorder._write(b"{}")
    recorder._close_file()
    recorder.frame(b"{}", 1, AT)


TROUBLES: dict[str, tuple[Callable[[Recorder], None], str]] = {
    "the disk": (a_file_in_the_way, "FileExistsError"),
    "the codec": (lambda recorder: recorder.decided([Stopped(0, "", 1)]), "ValueError: no text for this record"),
    "a reply no JSON can hold": (lambda recorder: recorder.reply("balances", 2**70, AT), "TypeError: Integer exceeds"),
    "a closed compressor": (closed_under_it, "ValueError: stream is closed"),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_whatever_ends_the_writing_is_told(tmp_path: Path, name: str) -> None:
    """The reason is there in words, the queue is empty, and what comes afterwards is not kept."""
    cause, word = TROUBLES[name]
    recorder = Recorder(tmp_path / "run", HEADER, unwritable)
    assert recorder.trouble() is None
    cause(recorder)
    recorder.close()
    assert recorder.failed is not None
    assert word in recorder.failed
    assert recorder.trouble() == f"the recording ended: {recorder.failed}"
    recorder.frame(b"{}", 1, AT)
    assert not recorder._queue


def test_a_recording_that_went_well_has_no_trouble(tmp_path: Path) -> None:
    """Nothing failed and nothing was lost: nothing is told."""
    recorder = Recorder(tmp_path / "run", HEADER, encode)
    recorder.frame(b"{}", 1, AT)
    recorder.decided([Stopped(0, "", 1)])
    recorder.close()
    assert (recorder.failed, recorder.dropped, recorder.trouble()) == (None, 0, None)


def test_a_recording_is_for_its_owner_alone(tmp_path: Path) -> None:
    """It holds the account's whole trading: nobody else may read the directory or a file in it."""
    recorder = Recorder(tmp_path / "run", HEADER, encode)
    recorder.frame(b"{}", 1, AT)
    recorder.close()
    files = [tmp_path / "run", *(tmp_path / "run").iterdir()]
    assert len(files) == 3
    assert all(each.stat().st_mode & 0o077 == 0 for each in files)


def test_a_recording_ends_when_its_room_is_full(tmp_path: Path) -> None:
    """What was written until then stays, and that there is no more is told with the setting."""
    recorder = Recorder(tmp_path / "run", HEADER, encode, most_bytes=2_000)
    for number in range(400):
        recorder.frame(hashlib.sha512(str(number).encode()).hexdigest().encode(), 1, AT)
    recorder.close()
    assert recorder.failed is not None
    assert "(recording.most_gb)" in recorder.failed
    assert list((tmp_path / "run").glob("*.zst"))


def test_the_oldest_recordings_make_room(tmp_path: Path) -> None:
    """Whole ones, oldest first, no more than needed, and nothing else that lies beside them."""
    for name in ("900", "1000", "1100", "mine", "1200"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "000001.jsonl.zst").write_bytes(bytes(1000))
        if name != "1200":
            (tmp_path / name / "header.json").write_bytes(bytes(10))
    remove_oldest(tmp_path, 2_500)
    assert {path.name for path in tmp_path.iterdir()} == {"1000", "1100", "mine", "1200"}
    remove_oldest(tmp_path, 2_500)
    assert len(list(tmp_path.iterdir())) == 4
    remove_oldest(tmp_path, 0)
    assert {path.name for path in tmp_path.iterdir()} == {"mine", "1200"}
    remove_oldest(tmp_path / "nowhere", 0)
