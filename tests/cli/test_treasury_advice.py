"""`arbbot treasury advice`: the daemon's figures over its socket, or those of a journal, in words and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arbbot.cli import main
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.life import Started
from arbbot.engine.inventory import inventory
from arbbot.journal.sqlite import Identity, open_journal
from arbbot.runtime.control import Refused
from arbbot.runtime.operator_verbs import window_us
from tests.cli.test_cli_daemon import Daemon
from tests.engine.rig import ROUTE, D, Rig
from tests.engine.scenes import hedge


class Told(Daemon):
    """A daemon that knows the look as well."""

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["verb"] != "inventory":
            return super().answer(request)
        self.requests.append(request)
        return inventory(self.rig.state, ROUTE, self.rig.at.utc_us, window_us(request.get("over_s")))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a state directory and nothing else."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "state" / "sandbox").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def daemon(place: Path) -> Iterator[Daemon]:
    """A daemon with one hedge behind it."""
    yield from Told(hedge(Rig())).serve(place / "state" / "control.sock")


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Standard output of the verb."""
    assert main(["treasury", "advice", *words]) == ExitCode.OK
    return capsys.readouterr().out


def test_the_daemon_is_asked_and_told_in_words(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    """What runs out first and what to sell for it; no key is needed."""
    daemon.rig.run(3)
    shown = said(capsys)
    for words in (
        "by the daemon",
        "1 hedges and 0 conversions",
        "first to run out: USD",
        "convert: sell ",
        "on eurusd",
    ):
        assert words in shown
    answer = json.loads(said(capsys, "--json", "--over", "7d"))
    assert daemon.requests[-1] == {"verb": "inventory", "over_s": "604800"}
    assert (answer["first"], answer["moves"][0]["move"]) == ("USD", "convert")
    assert answer["balances"]["USD"]["spent_per_hedge"] == "3001.20000000"


def test_without_a_daemon_the_last_journal_tells_the_same(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same fold, up to its last line."""
    rig = hedge(Rig())
    rig.run(3)
    journal = open_journal(
        place / "state" / "sandbox" / "journal.db", Identity("sandbox", "h", "a", ROUTE.name), sync_full=False
    )
    begun = [record for record in rig.journal if isinstance(record, Started)]
    assert begun
    journal.append(rig.journal)
    journal.close()
    answer = json.loads(said(capsys, "--json"))
    assert answer["by"].startswith("the journal ")
    assert answer["first"] == "USD"
    assert D(answer["moves"][0]["size"]) > 2700


def test_without_anything_it_says_so(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither daemon nor journal: one line."""
    assert main(["treasury", "advice"]) == ExitCode.JOURNAL
    assert "no journal yet" in capsys.readouterr().err


def test_nothing_runs_out_where_nothing_fell(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before the first hedge there is no drift."""
    for _ in Told(Rig().ready()).serve(place / "state" / "control.sock"):
        assert "nothing runs out" in said(capsys)


@pytest.mark.parametrize("over_s", [None, 5, "", "x", "NaN", "0", "-1", "31622401", "1" * 41])
def test_how_far_back_must_be_a_time(over_s: object) -> None:
    """The daemon takes nothing else for one."""
    with pytest.raises(Refused):
        window_us(over_s)
    assert window_us("1.5") == 1_500_000
