"""The screen of `arbbot status --watch`, drawn from a real engine's answers."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from arbbot.domain import events as ev
from arbbot.domain.mode import Mode
from arbbot.runtime.answers import Run, status
from arbbot.screen import harmless, show
from arbbot.status_watch import BAD, GOOD, picture
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


@pytest.mark.parametrize(
    ("alerts", "told"),
    [
        (None, None),
        ({"trouble": None, "delivered": 3, "waiting": 1, "dropped": 0}, None),
        (
            {"trouble": "refused: status 404", "delivered": 0, "waiting": 1, "dropped": 2},
            "alerts: not delivered, the last request was refused: status 404; 1 waiting, 2 lost",
        ),
        (
            {"trouble": None, "delivered": 1, "waiting": 0, "dropped": 2},
            "alerts: delivered again; 0 waiting, 2 lost",
        ),
    ],
)
def test_alerts_that_nobody_hears_are_a_problem_to_who_looks(
    alerts: dict[str, Any] | None, told: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the screen and in `status`: what is wrong and what was lost, and not a word while all is well."""
    rig = Rig().ready()
    answer = {**status(rig.engine, Run.begin(rig.engine, "sandbox", "1.2.3", rig.at), rig.at), "alerts": alerts}
    show(answer, as_json=False, kind="status")
    printed = capsys.readouterr().out
    console = Console(file=io.StringIO(), width=160, markup=False)
    console.print(picture(answer))
    assert isinstance(console.file, io.StringIO)
    for shown in (printed, console.file.getvalue()):
        assert ("alerts" in shown) is (told is not None)
        assert (told or "") in shown


def styles(rig: Rig) -> dict[str, str]:
    """What colour each of the four answers has."""
    run = Run.begin(rig.engine, "sandbox", "1.2.3", rig.at)
    console = Console(file=io.StringIO(), width=160, markup=False)
    lines = console.render_lines(picture(status(rig.engine, run, rig.at)))
    told = [[each for each in line if each.text.strip()] for line in lines]
    return {
        line[0].text.strip(): str(line[1].style).removeprefix("bold ")
        for line in told
        if len(line) > 1 and "?" in line[0].text
    }


def test_an_account_that_was_not_read_is_not_called_flat() -> None:
    """Nothing is green of an account that nobody has looked at yet."""
    rig = Rig()
    rig.start()
    assert "am I flat?    NOT KNOWN, the account has not been read yet" in drawn(rig)
    assert "not compared yet" in drawn(rig)
    assert styles(rig)["am I flat?"] == BAD.removeprefix("bold ")
    assert GOOD not in [styles(rig)[name] for name in ("am I flat?", "in doubt?", "ledger?")]


def test_a_halt_is_not_green() -> None:
    """Whatever else is well: a person looks because it does not trade."""
    rig = Rig().ready()
    assert set(styles(rig).values()) == {GOOD}
    rig.step(ev.OperatorHalted("ann", "enough", False))
    assert styles(rig)["not trading?"] == BAD.removeprefix("bold ")


def test_what_a_terminal_would_obey_is_not_shown() -> None:
    """A reason in the venue's words moves no cursor and turns no text round, neither here nor in `arbbot status`."""
    rig = Rig().ready()
    rig.engine.core.restrict(Mode.HALTED, "see \x1b[2J\x9b1A\u202ethis")
    assert "\x1b" not in drawn(rig)
    assert "see \ufffd[2J\ufffd1A\ufffdthis" in drawn(rig)
    assert harmless({"a\n": ["b\t", ("c", 1, None)]}) == {"a\ufffd": ["b\ufffd", ["c", 1, None]]}


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
    _, err = process.communicate(timeout=120)
    os.close(ours)
    assert (process.returncode, err) == (0, b"")


def test_without_a_terminal_it_says_what_to_do(tmp_path: Path) -> None:
    """A pipe is told to ask for JSON, by the exit code of a wrong command line."""
    process = watch("--socket", str(tmp_path / "none.sock"), output=subprocess.PIPE)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 2
    assert b"--watch --json" in err
