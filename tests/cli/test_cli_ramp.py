"""`arbbot ramp` from the command line to an engine and back, over a real socket, and from a journal on disk."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arbbot.cli import main
from arbbot.domain.exit_codes import ExitCode
from arbbot.engine.ramp_told import ramp_answer
from arbbot.journal.sqlite import Identity, open_journal
from arbbot.runtime.operator_verbs import operator_event, outcome
from tests.cli.test_cli_daemon import Daemon
from tests.engine.ramp_scenes import next_period, rig_of, trade
from tests.engine.rig import D


class Ramped(Daemon):
    """A daemon whose weight went up."""

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["verb"] == "ramp":
            return ramp_answer(self.rig.engine)
        return outcome(self.rig.state, self.rig.step(operator_event(request)).records, request["verb"])


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """Two good hedges and the step that they earned."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("ARBBOT_"):
            monkeypatch.delenv(name)
    (tmp_path / "state").mkdir()
    rig = rig_of()
    trade(rig)
    trade(rig)
    next_period(rig)
    yield from Ramped(rig).serve(tmp_path / "state" / "control.sock")


def test_the_weight_its_evidence_and_its_decisions(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    """On one screen, in words, with what is asked beside what is there; the same as JSON."""
    assert main(["ramp"]) == ExitCode.OK
    shown = capsys.readouterr().out
    for words in ("weight 10 %: one hedge is at most 0.05 base units", "2 at least", "lacking: hedges, edge_hedges",
                  "5 to 10 %", "all evidence is there"):  # fmt: skip
        assert words in shown, words
    assert main(["ramp", "--json"]) == ExitCode.OK
    told = json.loads(capsys.readouterr().out)
    assert (told["weight_percent"], told["decisions"][0]["verdict"]) == ("10", "up")


def test_a_person_sets_it_with_a_reason(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    """In effect at once, and said; what cannot be is one line and an exit code."""
    assert main(["ramp", "set", "7.5", "--reason", "a calm month"]) == ExitCode.OK
    assert "one hedge may use 7.5 % of the target size and of the capital" in capsys.readouterr().out
    assert daemon.rig.engine.ramp.weight == D("0.075")
    assert daemon.requests == []
    assert main(["ramp", "set", "50", "--reason", "all in"]) == ExitCode.DAEMON
    assert capsys.readouterr().err.endswith("asks for 50 %: ramp.max_weight_percent is 12 %\n")
    assert main(["ramp", "set", "101", "--reason", "more"]) == ExitCode.DAEMON
    assert "percent is more than 0 and at most 100" in capsys.readouterr().err
    assert main(["ramp", "set", "7"]) == ExitCode.USAGE
    assert main(["ramp", "set", "0", "--reason", "none"]) == ExitCode.USAGE
    capsys.readouterr()
    assert main(["ramp"]) == ExitCode.OK
    assert "a calm month" in capsys.readouterr().out


@pytest.mark.parametrize("percent", [None, 5, "much", "NaN", "-1", "1e3"])
def test_what_is_no_share_is_refused(daemon: Daemon, percent: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever comes over the socket: a refusal, and the weight stays."""
    from arbbot.control_client import ask
    from arbbot.domain.failure import Failure

    request = {"verb": "ramp_set", "who": "ann", "reason": "x", "percent": percent}
    with pytest.raises(Failure, match="percent"):
        ask(Path("state/control.sock"), request)
    assert daemon.rig.engine.ramp.weight == D("0.1")


def test_a_stopped_daemons_journal_tells_the_same(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Weight and decisions are the journal's; what is asked is that of the settings."""
    path = tmp_path / "j" / "journal.db"
    path.parent.mkdir()
    journal = open_journal(path, Identity("sandbox", "http://127.0.0.1:1", "k", "btcusd-btceur"), sync_full=False)
    journal.append(daemon.rig.journal)
    journal.close()
    assert main(["ramp", "--journal", str(path), "--json"]) == ExitCode.OK
    told = json.loads(capsys.readouterr().out)
    assert (told["weight_percent"], told["decisions"][0]["weight_percent"]) == ("10", "10")
    assert told["asked"]["min_hedges"] == 10
    assert main(["ramp", "--journal", str(path)]) == ExitCode.OK
    assert "weight 10 %" in capsys.readouterr().out
