"""`arbbot treasury transfer` beside a daemon: only while nothing is open, in doubt or being settled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from arbbot.cli import main
from arbbot.domain.events import OperatorPaused
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.lease_words import LeaseAsked
from arbbot.journal.sqlite import Identity, open_journal
from arbbot.runtime.lease_verbs import settlement
from tests.cli.test_cli_daemon import Daemon
from tests.engine.rig import ROUTE, Rig
from tests.engine.scenes import RICH, hedge

WORDS = ("treasury", "transfer", "1", "usd", "--to", "7", "--reason", "x", "--yes")
ADDRESS = "http://127.0.0.1:9"
"""Nobody is there: what gets so far as to ask the venue ends otherwise."""


class Settling(Daemon):
    """A daemon that tells of its lease."""

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["verb"] == "settlement":
            return settlement(self.rig.engine, request, self.rig.at)
        return super().answer(request)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a treasury key, a sub-account, and a venue that is not there."""
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "SANDBOX__REST_URL": ADDRESS, "KEYS__TREASURY__KEY_ID": "Treasury1", "KEYS__TREASURY__SECRET": "Treasury2",
        "TREASURY__SUB_ACCOUNTS": json.dumps(["7"]),
    }.items():  # fmt: skip
        monkeypatch.setenv(f"ARBBOT_{name}", value)
    (tmp_path / "state" / "sandbox").mkdir(parents=True)
    return tmp_path


def busy() -> Rig:
    """An open hedge."""
    rig = Rig().ready()
    rig.show(RICH)
    assert rig.state.open_hedge_id is not None
    return rig


def leased() -> Rig:
    """A settlement under way."""
    rig = Rig().ready()
    rig.step(LeaseAsked("ann", "settle"))
    assert rig.state.settlements.lease is not None
    return rig


def over() -> Rig:
    """A hedge that is over, and another may follow at any time."""
    rig = hedge(Rig())
    rig.run(3)
    return rig


def quiet() -> Rig:
    """And none may follow."""
    rig = over()
    rig.step(OperatorPaused("ann", "a transfer"))
    return rig


SCENES = [
    (busy, ExitCode.NOT_FLAT, "something is open or in doubt"),
    (leased, ExitCode.NOT_FLAT, "a settlement is under way"),
    (quiet, ExitCode.VENUE, ADDRESS),
]


def transfer(capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code and what is said."""
    return main(WORDS), capsys.readouterr().err


@pytest.mark.parametrize(("scene", "code", "said"), [*SCENES, (over, ExitCode.NOT_FLAT, "the daemon trades")])
def test_by_the_daemons_word(place: Path, capsys: pytest.CaptureFixture[str], scene: Any, code: int, said: str) -> None:
    """Refused in one line, nothing sent; of a quiet account the venue is asked."""
    for _ in Settling(scene()).serve(place / "state" / "control.sock"):
        got, err = transfer(capsys)
    assert (got, len(err.splitlines())) == (code, 1)
    assert said in err


@pytest.mark.parametrize(("scene", "code", "said"), [*SCENES, (over, ExitCode.VENUE, ADDRESS)])
def test_by_the_journal_where_no_daemon_runs(
    place: Path, capsys: pytest.CaptureFixture[str], scene: Any, code: int, said: str
) -> None:
    """What a dead daemon left open is open."""
    journal = open_journal(
        place / "state" / "sandbox" / "journal.db", Identity("sandbox", ADDRESS, "a", ROUTE.name), sync_full=False
    )
    journal.append(scene().journal)
    journal.close()
    got, err = transfer(capsys)
    assert (got, len(err.splitlines())) == (code, 1)
    assert said in err
