"""A journal whose records do not follow each other, as after a botched restore: a line for every verb that folds it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arbbot.bootstrap.longrun.tally import tally
from arbbot.cli import main
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.life import Started
from arbbot.domain.order import OrderState
from arbbot.domain.records import OrderMoved
from arbbot.exchange.options import DEMO_KEY, DEMO_SECRET
from arbbot.journal.sqlite import Identity, JournalRefused, open_journal
from arbbot.settings import Settings, rules
from tests.bootstrap.program import arbbot, exchange, variables
from tests.engine.rig import ROUTE

VERBS = (
    "report",
    "report --json",
    "report --html report.html",
    "ramp --journal state/sandbox/journal.db",
    "ramp --journal state/sandbox/journal.db --json",
    "treasury advice",
    "treasury advice --json",
    "treasury transfer 1 usd --to 7 --reason x --yes",
)


def damage(path: Path, host: str = "h") -> Path:
    """A journal in which a process has started, and an order moved that nobody had intended."""
    path.parent.mkdir(parents=True)
    journal = open_journal(path, Identity("sandbox", host, "a", ROUTE.name), sync_full=False)
    moved = OrderMoved("q7-000001", OrderState.LIVE, 7, "acknowledged", 6)
    journal.append([Started("1", ROUTE.instruments, 5), moved])
    journal.close()
    return path


@pytest.fixture
def damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Such a journal below a working directory, and no venue."""
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "SANDBOX__REST_URL": "http://127.0.0.1:9", "KEYS__TREASURY__KEY_ID": "Key1", "KEYS__TREASURY__SECRET": "Key2",
        "TREASURY__SUB_ACCOUNTS": json.dumps(["7"]),
    }.items():  # fmt: skip
        monkeypatch.setenv(f"ARBBOT_{name}", value)
    return damage(Path("state", "sandbox", "journal.db"))


@pytest.fixture(scope="module")
def venue() -> Iterator[dict[str, Any]]:
    """A calm exchange."""
    with exchange() as addresses:
        yield addresses


@pytest.mark.parametrize("line", VERBS)
def test_every_verb_that_folds_a_journal_names_the_damaged_one_in_a_line(
    line: str, damaged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its path, what is wrong, and the journal's exit code; nothing is printed or written as if it were right."""
    assert main(line.split()) == ExitCode.JOURNAL
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == 1
    assert str(damaged) in told.err
    assert "q7-000001" in told.err
    assert not Path("report.html").exists()


def test_the_tally_of_a_rehearsal_refuses_it_by_its_name(damaged: Path) -> None:
    """A rehearsal ends with the line, not with a verdict over the half of a journal."""
    with pytest.raises(JournalRefused, match=f"{damaged}: damaged: .*q7-000001"):
        tally(damaged, rules(Settings()).trade)


def test_a_daemon_does_not_start_on_it(venue: dict[str, Any], tmp_path: Path) -> None:
    """The same line, and the same exit code."""
    path = damage(tmp_path / "sandbox" / "journal.db", venue["rest"])
    given = variables(venue, DEMO_KEY, DEMO_SECRET) | {"ARBBOT_STATE_DIR": str(tmp_path)}
    ended = arbbot("run", "--for", "1s", **given)
    assert ended.code == ExitCode.JOURNAL
    assert f"arbbot: {path}: damaged: order_moved names 'q7-000001'" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("mode", ["sandbox", "paper"])
def test_check_finds_it_and_tells_all_the_rest(mode: str, venue: dict[str, Any], tmp_path: Path) -> None:
    """As JSON and in words: the journal is a finding that failed, the only one, and venue, books, key and fees are told
    as ever. Of what only a journal knows, as paper's balances, nothing is said.
    """
    path = damage(tmp_path / mode / "journal.db")
    given = variables(venue, DEMO_KEY, DEMO_SECRET) | {"ARBBOT_STATE_DIR": str(tmp_path)}
    given |= {"ARBBOT_PAPER__REST_URL": venue["rest"], "ARBBOT_PAPER__WS_URL": venue["websocket"]}
    ended, shown = (arbbot("check", "--mode", mode, *more, **given) for more in (["--json"], []))
    assert (ended.code, shown.code) == (ExitCode.CHECK_FAILED, ExitCode.CHECK_FAILED)
    told = json.loads(ended.out)
    assert not told["ok"]
    assert [each["check"] for each in told["checks"] if each["passed"] is False] == ["journal"]
    (text,) = (each["text"] for each in told["checks"] if each["check"] == "journal")
    assert text == f"{path}: damaged: order_moved names 'q7-000001', which no earlier record does"
    rest = {"settings", "journal", "decimals", "clock", "book", "key", "fees"}
    assert {each["check"] for each in told["checks"]} == rest | ({"balances"} if mode == "sandbox" else set())
    assert f"FAIL journal    {text}" in shown.out
