"""The screen of `arbbot status --watch`, drawn from a real engine's answers."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from arbbot.domain import events as ev
from arbbot.runtime.answers import Run, status
from arbbot.status_watch import picture
from tests.engine.rig import Rig, book


def drawn(rig: Rig) -> str:
    """The screen as text."""
    run = Run.begin(rig.engine, "sandbox", "1.2.3", rig.at)
    console = Console(file=io.StringIO(), width=160, markup=False)
    console.print(picture(status(rig.engine, run, rig.at)))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_four_questions_are_answered() -> None:
    """Quiet: flat, no doubt, the reason for waiting, and the ledger equal to the venue."""
    shown = drawn(Rig().ready())
    for said in (
        "SANDBOX",
        "ACTIVE",
        "am I flat?    yes",
        "in doubt?     nothing",
        "below_threshold",
        "equals the venue",
    ):
        assert said in shown


def test_what_needs_a_person_is_said() -> None:
    """Halted with a leg open: not flat, the state with its reason, and what hostile brackets say as they are."""
    rig = Rig().ready()
    rig.show(book("btceur", "55000", "55010"))
    rig.step(ev.OperatorHalted("ann", "[bold]odd[/bold]", False))
    shown = drawn(rig)
    for said in ("HALTED", "[bold]odd[/bold]", "am I flat?    NO", "open orders"):
        assert said in shown


def watch(*words: str, output: int) -> subprocess.Popen[bytes]:
    """The verb, in a process of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ARBBOT_")}
    return subprocess.Popen(
        [sys.executable, "-m", "arbbot", "status", "--watch", *words],
        stdout=output, stderr=subprocess.PIPE, env={**environment, "TERM": "xterm"},
    )  # fmt: skip


def test_a_silent_daemon_is_shown_and_asked_again(tmp_path: Path) -> None:
    """On a terminal it says that nobody answers, goes on, and ends without a word at Ctrl-C."""
    ours, theirs = pty.openpty()
    process = watch("--socket", str(tmp_path / "none.sock"), output=theirs)
    os.close(theirs)
    shown = b""
    while b"NO ANSWER" not in shown:
        shown += os.read(ours, 4096)
    process.send_signal(2)
    _, err = process.communicate(timeout=20)
    os.close(ours)
    assert (process.returncode, err) == (0, b"")


def test_without_a_terminal_it_says_what_to_do(tmp_path: Path) -> None:
    """A pipe is told to ask for JSON, by the exit code of a wrong command line."""
    process = watch("--socket", str(tmp_path / "none.sock"), output=subprocess.PIPE)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 2
    assert b"--watch --json" in err
