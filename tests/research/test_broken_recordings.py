"""A recording that proves nothing says so, with exit code CHECK_FAILED and words of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from arbbot.cli import main
from arbbot.domain.exit_codes import ExitCode

GOLDEN = Path(__file__).parents[1] / "golden" / "recording"
Lines = list[dict[str, Any]]


def recorded() -> Lines:
    """The committed recording, line by line."""
    text = zstandard.ZstdDecompressor().stream_reader((GOLDEN / "000001.jsonl.zst").read_bytes()).read()
    return [json.loads(line) for line in text.splitlines()]


def write(directory: Path, lines: Lines) -> None:
    """Another one with the same header."""
    directory.mkdir()
    shutil.copy(GOLDEN / "header.json", directory)
    text = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    (directory / "000001.jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(text))


def cut_off(lines: Lines) -> Lines:
    """The process was killed."""
    return lines[:-1]


def dropped(lines: Lines) -> Lines:
    """The disk was too slow."""
    return [*lines[:-1], {**lines[-1], "dropped": 3}]


def empty(_: Lines) -> Lines:
    """Nothing was written."""
    return []


def other_hash(lines: Lines) -> Lines:
    """Decided by another engine."""
    return [*lines[:-1], {**lines[-1], "hash": "0" * 64}]


def without_books(lines: Lines) -> Lines:
    """Answers to orders that nothing led to."""
    return [line for line in lines if line["k"] != "f"]


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (cut_off, "cut off before its end"),
        (dropped, "3 lines were dropped"),
        (empty, "holds no lines"),
        (other_hash, "decides otherwise: the hashes differ"),
        (without_books, "decides otherwise at line "),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_it_proves_nothing_and_says_so(
    broken: Callable[[Lines], Lines], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line on stderr and no traceback."""
    write(tmp_path / "recording", broken(recorded()))
    assert main(["replay", str(tmp_path / "recording")]) == ExitCode.CHECK_FAILED
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


def test_a_recording_without_files_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A header alone holds no lines; no header is no recording, and the line says which file is missing."""
    write(tmp_path / "recording", [])
    (tmp_path / "recording" / "000001.jsonl.zst").unlink()
    assert main(["replay", str(tmp_path / "recording")]) == ExitCode.CHECK_FAILED
    assert "holds no lines" in capsys.readouterr().err
    assert main(["replay", str(tmp_path / "nowhere")]) == ExitCode.USAGE
    assert "nowhere: no recording: header.json: No such file or directory" in capsys.readouterr().err
