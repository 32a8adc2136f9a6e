"""The command line: teaching help, one line and an exit code for every mistake, secrets nowhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
import typer

from arbbot import __version__
from arbbot.cli import EXIT_CODE_MEANINGS, app, main
from arbbot.cli_types import balance, duration
from arbbot.domain.exit_codes import ExitCode

SECRET = "Secret000000000000000000000000001"
VERBS = (
    "run", "exchange", "check", "settings", "status", "why", "page", "health", "pause", "resume", "halt", "panic",
    "resolve", "rotate-keys", "radar",
    "rebase", "adopt", "breakeven", "rehearse", "report", "explain", "replay", "backtest", "settle", "spikes",
    "ramp", "treasury", "datadog",
)  # fmt: skip


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory and nothing of ours in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("ARBBOT_"):
            monkeypatch.delenv(name)
    return tmp_path


def words(line: str) -> Sequence[str]:
    """A command line without quoting."""
    return line.split()


@pytest.mark.parametrize("line", ["", "--help", "-h"])
def test_help_teaches(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """First steps, every verb and every exit code are in the help; asking for it is no mistake."""
    assert main(words(line)) == ExitCode.OK
    shown = capsys.readouterr().out
    assert "First steps" in shown
    assert all(re.search(rf"^  {verb} ", shown, re.MULTILINE) for verb in VERBS)
    assert all(re.search(rf"^ +{code.value}  ", shown, re.MULTILINE) for code in ExitCode)


def test_every_exit_code_has_a_meaning() -> None:
    """The help's table is complete."""
    assert set(EXIT_CODE_MEANINGS) == set(ExitCode)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each verb has help of its own, with a sentence and its options explained."""
    assert main([verb, "--help"]) == ExitCode.OK
    shown = capsys.readouterr().out
    assert f"Usage: arbbot {verb}" in shown
    assert len(shown.splitlines()) > 5


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """The version of the package."""
    assert main(["--version"]) == ExitCode.OK
    assert capsys.readouterr().out == f"arbbot {__version__}\n"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("fly", "No such command 'fly'"),
        ("run --for 30", "'30' is no duration: say 30s, 5m, 24h or 2d"),
        ("run --for -3s", "is no duration"),
        ("run --for 0s", "is no duration"),
        ("run --mode warp", "'warp' is not one of"),
        ("run --fro 3s", "No such option: --fro"),
        ("run --demo --mode live", "--demo rehearses in sandbox mode"),
        ("pause", "Missing option '--reason'"),
        ("resolve x --reason y", "Missing option '--as'"),
        ("explain", "Missing argument 'ID'"),
        ("replay", "Missing argument 'DIR'"),
        ("report --html r.html --json", "--html and --json are two ways of telling"),
        ("report --html r.html --from 2026-11-22 --to 2026-11-21", "--from 2026-11-22 is after --to 2026-11-21"),
        ("exchange --port 99999", "--port"),
        ("exchange --scenario storm", "'storm' is not one of"),
        ("exchange --scenario calm --history 2020", "--scenario and --history exclude each other"),
        ("exchange --balance btc", "say currency=amount"),
        ("exchange --balance btc=-1", "no number of zero or more"),
        ("exchange --taker-fee 0.4", "give --maker-fee and --taker-fee together"),
        ("exchange --taker-fee 0.4 --maker-fee 0.3 --tier 0", "give --maker-fee and --taker-fee together"),
        ("exchange --taker-fee 100 --maker-fee 0", "less than 100 percent"),
        ("exchange --compression 0", "must be more than zero"),
        ("exchange --compression inf", "no number of zero or more"),
        ("spikes --hours 1e400", "720 hours at most"),
    ],
)
def test_a_misused_command_line_is_one_line(line: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code USAGE, the reason, and where to read on; nothing on stdout."""
    assert main(words(line)) == ExitCode.USAGE
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert reason in said.err
    assert "--help)" in said.err


@pytest.mark.parametrize(
    "verb", ["run", "check", "settings", "settle", "spikes", "status", "report", "explain h1", "pause --reason x"]
)
@pytest.mark.parametrize(
    ("toml", "code", "reason"),
    [
        ("[trade]\nweight_percent = 500", ExitCode.SETTINGS, "settings.toml: trade.weight_percent: should be less"),
        ("[hedge]\nforce_s = 1", ExitCode.SETTINGS, "settings.toml: hedge.force_s: the exit is forced after waiting"),
        ("[trade]\nwieght = 5", ExitCode.SETTINGS, "settings.toml: trade.wieght: no such setting"),
        ('mode = "live"', ExitCode.LIVE_SWITCH, "default: live.i_understand_real_money: live mode trades real money"),
        (f'[keys]\nsecret = "{SECRET}"', ExitCode.SECRET, "settings.toml: keys: key and secret do not belong"),
    ],
)
def test_bad_settings_are_one_line_and_their_exit_code(
    verb: str, toml: str, code: ExitCode, reason: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever the verb: told before anything is started or asked."""
    (place / "settings.toml").write_text(toml)
    assert main(words(verb)) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith(f"arbbot: {reason}")
    assert SECRET not in said.err


def test_two_wrong_settings_are_two_lines(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each problem has its own line."""
    (place / "settings.toml").write_text("[trade]\nweight_percent = 500\ntarget_size = -1")
    assert main(["settings"]) == ExitCode.SETTINGS
    assert capsys.readouterr().err.count("arbbot: settings.toml: trade.") == 2


def test_settings_shows_where_values_come_from_and_no_keys(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Table and JSON name the source of each value; secrets are masked in both."""
    (place / "own.toml").write_text("[trade]\nweight_percent = 7")
    monkeypatch.setenv("ARBBOT_KEYS__SECRET", SECRET)
    for line in ("settings --settings own.toml", "settings --settings own.toml --json"):
        assert main(words(line)) == ExitCode.OK
        shown = capsys.readouterr().out
        assert SECRET not in shown
        assert "own.toml" in shown
        assert "environment" in shown
    assert re.search(r'"trade.weight_percent": \{\s*"value": "7",\s*"from": "own.toml"', shown)


def test_without_a_daemon_the_operator_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """No socket, no traceback: exit code DAEMON and one line."""
    for line in ("status", "why --json", "health", "halt --reason x", "resolve o1 --as absent --reason x"):
        assert main(words(line)) == ExitCode.DAEMON
        said = capsys.readouterr()
        assert said.err == "arbbot: no daemon answers on state/control.sock; is it running, with these settings?\n"


def test_a_place_that_cannot_be_is_named_by_its_option(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The line says which word to mend, not only which path."""
    (place / "file").write_text("")
    assert main(["exchange", "--tls", "file/tls"]) == ExitCode.USAGE
    assert capsys.readouterr().err == "arbbot: exchange: --tls file/tls: Not a directory\n"


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("5m", 300), ("24h", 86_400), ("2d", 172_800), ("1.5h", 5_400)]
)
def test_durations_are_exact(text: str, seconds: int) -> None:
    """Number and unit, in seconds."""
    assert duration(text) == Decimal(seconds)


@pytest.mark.parametrize("text", ["", "s", "30", "30 s", "-1s", "1e3s", "٣s", "30S", "0s", "1m30s", "9999999999s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """No guessing at units, signs or foreign digits."""
    with pytest.raises(typer.BadParameter):
        duration(text)


def test_balances_are_read_as_money() -> None:
    """Lower-case currency and an exact amount."""
    assert balance("BTC=0.10") == ("btc", Decimal("0.10"))


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    """Importing the command line pulls in neither network nor telemetry libraries."""
    code = (
        "import sys, arbbot.cli; print(sorted({'aiohttp','websockets','datadog','pydantic','rich'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=150)
    assert found.stdout == "[]\n"


def test_the_real_program_ends_with_the_exit_code(place: Path) -> None:
    """`python -m arbbot` as a process: the line on stderr, the code to the shell, no traceback."""
    (place / "settings.toml").write_text('mode = "live"')
    ended = subprocess.run(
        [sys.executable, "-m", "arbbot", "run", "--for", "1s"], capture_output=True, text=True, check=False, timeout=150
    )
    assert ended.returncode == ExitCode.LIVE_SWITCH
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert "Traceback" not in ended.stderr


def test_the_app_is_what_main_runs() -> None:
    """The verbs of the help are exactly those registered."""
    registered = [
        (command.name or str(getattr(command.callback, "__name__", ""))) for command in app.registered_commands
    ]
    groups = [str(group.name) for group in app.registered_groups]
    assert sorted((*registered, *groups)) == sorted(VERBS)
