"""The operator's verbs from the command line to an engine and back, over a real socket."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arbbot.cli import main
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.mode import Mode
from arbbot.runtime.answers import Run, edges, health, status, why
from arbbot.runtime.control import ControlServer
from arbbot.runtime.operator_verbs import operator_event, outcome
from tests.engine.rig import Rig, book


class Daemon:
    """A rig behind a control socket, in a thread with a loop of its own."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.run = Run.begin(rig.engine, "sandbox", "1.2.3", rig.at)
        self.requests: list[dict[str, Any]] = []
        self.hurried = False
        """Whether a second passes before each answer."""

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        self.requests.append(request)
        if self.hurried:
            self.rig.run(1)
        engine, now = self.rig.engine, self.rig.at
        match request["verb"]:
            case "status":
                return status(engine, self.run, now)
            case "why":
                return why(engine, self.run, now)
            case "health":
                return health(engine, now)
            case "edges":
                return edges(engine)
        return outcome(self.rig.state, self.rig.step(operator_event(request)).records)

    def serve(self, path: Path) -> Iterator[Daemon]:
        loop = asyncio.new_event_loop()
        server = ControlServer(path, self.answer)
        loop.run_until_complete(server.start())
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        yield self
        asyncio.run_coroutine_threadsafe(server.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """A daemon that is ready to trade, reachable by the default settings."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("ARBBOT_"):
            monkeypatch.delenv(name)
    (tmp_path / "state").mkdir()
    yield from Daemon(Rig().ready()).serve(tmp_path / "state" / "control.sock")


def test_status_is_one_screen(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    """Exposure, doubt, ledger and the reason for not trading are all there, in words."""
    daemon.rig.show(book("btceur", "55000", "55010"))
    assert main(["status"]) == ExitCode.OK
    shown = capsys.readouterr().out
    for word in ("sandbox mode, active", "flat: no", "exposure", "open orders", "balances", "one hedge at a time"):
        assert word in shown


def test_json_is_for_programs(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    """Valid JSON on stdout alone, money as text."""
    assert main(["status", "--json"]) == ExitCode.OK
    told = json.loads(capsys.readouterr().out)
    assert told["exposure"]["BTC"] == {"low": "0", "high": "0"}
    assert main(["why", "--json"]) == ExitCode.OK
    told = json.loads(capsys.readouterr().out)
    assert told["directions"]["buy_domestic"]["threshold_bps"] == "35.0000"


def test_why_explains_in_words(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    """The refusal, both directions and the counts."""
    assert main(["why"]) == ExitCode.OK
    shown = capsys.readouterr().out
    assert "not trading: the gross edge is below the threshold (below_threshold)" in shown
    assert "buy btceur, sell btcusd" in shown
    assert "refusals since the start" in shown


def test_health_is_an_exit_code(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    """Zero while fit to trade, CHECK_FAILED and the reason when not."""
    assert main(["health"]) == ExitCode.OK
    assert main(["halt", "--reason", "drill [1, 2]"]) == ExitCode.OK
    capsys.readouterr()
    assert main(["health"]) == ExitCode.CHECK_FAILED
    assert "halted: drill [1, 2]" in capsys.readouterr().out


def test_commands_carry_who_and_why(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    """Each changing verb arrives with the user's name and the reason, and moves the engine."""
    for verb, mode in (("pause", Mode.PAUSED), ("resume", Mode.ACTIVE), ("halt", Mode.HALTED)):
        assert main([verb, "--reason", "maintenance"]) == ExitCode.OK
        assert daemon.rig.state.mode is mode
        assert daemon.requests[-1]["reason"] == "maintenance"
        assert daemon.requests[-1]["who"]
    assert main(["halt", "--panic", "--reason", "fire"]) == ExitCode.OK
    assert daemon.rig.state.mode is Mode.PANIC
    daemon.hurried = True
    assert main(["rebase", "--reason", "moved house"]) == ExitCode.OK
    told = capsys.readouterr().out
    assert "state: panic" in told
    assert told.endswith("rebase: done, the venue's balances are the new opening\n")


def test_a_rebase_that_must_wait_says_so(
    daemon: Daemon, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While an account is not read, the answer promises nothing, and status tells that it waits and for what."""
    monkeypatch.setattr("arbbot.cli.REBASE_LOOKS", 2)
    assert main(["rebase", "--reason", "moved house"]) == ExitCode.OK
    told = " ".join(capsys.readouterr().out.split())
    assert "rebase: waits until no order or hedge is open and no transaction new for account.lag_s;" in told
    assert main(["status"]) == ExitCode.OK
    assert "a rebase waits: nothing may be open, and no transaction new for account.lag_s" in capsys.readouterr().out


def test_a_refusal_of_the_engine_is_one_line(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be resolved is told with exit code DAEMON."""
    assert main(["resolve", "q7-000009", "--as", "absent", "--reason", "looked"]) == ExitCode.DAEMON
    assert capsys.readouterr().err == "arbbot: the daemon refused: q7-000009: no such order\n"


def test_a_demonstration_is_found_for_questions_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Questions reach the daemon one directory below; what changes something wants its socket named."""
    monkeypatch.chdir(tmp_path)
    below = tmp_path / "state" / "demo-1"
    below.mkdir(parents=True)
    for daemon in Daemon(Rig().ready()).serve(below / "control.sock"):
        assert main(["status"]) == ExitCode.OK
        capsys.readouterr()
        for words in (["pause", "--reason", "x"], ["health"]):
            assert main(words) == ExitCode.DAEMON
            said = capsys.readouterr().err
            assert said.endswith("there is one on state/demo-1/control.sock: say --socket state/demo-1/control.sock\n")
            assert said.count("\n") == 1
        assert main(["health", "--socket", "state/demo-1/control.sock"]) == ExitCode.OK
        assert main(["pause", "--reason", "x", "--socket", "state/demo-1/control.sock"]) == ExitCode.OK
        assert daemon.rig.state.mode is Mode.PAUSED
    capsys.readouterr()
