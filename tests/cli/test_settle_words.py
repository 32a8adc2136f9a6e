"""The options of `arbbot settle --resolve`: all three of them, and a word that it knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from arbbot.cli import main
from arbbot.domain.exit_codes import ExitCode

WORD = ("--resolve", "tr0-w00001", "--as", "finished", "--reason", "ticket 881")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (WORD[:2], "say --resolve, --as and --reason together"),
        (WORD[:4], "say --resolve, --as and --reason together"),
        (WORD[2:], "say --resolve, --as and --reason together"),
        ((*WORD[:3], "gone", *WORD[4:]), "absent, finished, returned, or the venue's id"),
        ((*WORD[:3], "0", *WORD[4:]), "absent, finished, returned, or the venue's id"),
        ((*WORD[:5], " "), "say --resolve, --as and --reason together"),
        ((*WORD, "--every", "1h"), "--resolve settles nothing"),
        ((*WORD, "--size", "10"), "--resolve settles nothing"),
    ],
)
def test_half_a_word_is_none(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str) -> None:
    """Refused before anything is opened."""
    assert main(["settle", *words]) == ExitCode.USAGE
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_word_needs_the_daemon_and_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The daemon hears of it first; the venue is not asked."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARBBOT_STATE_DIR", str(tmp_path))
    assert main(["settle", "--mode", "sandbox", *WORD]) == ExitCode.DAEMON
    assert (tmp_path / "sandbox" / "treasury.db").exists()
    assert capsys.readouterr().err.startswith("settle: policy seen")
