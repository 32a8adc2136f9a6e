"""The units: how far they are shut off, and that they say of the program what the program says of itself."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from arbbot.cli import EXIT_CODE_MEANINGS
from arbbot.domain.exit_codes import ExitCode
from arbbot.runtime.daemon import WATCHDOG_EVERY_NS
from arbbot.settings import Settings

FOLDER = Path(__file__).parents[2] / "deploy" / "systemd"
DAEMON, PANIC, SETTLE = "arbbot.service", "arbbot-panic.service", "arbbot-settle.service"
EXPOSURE_MAX = 1.3
OWN = {"ExecReload", "Type", "ExecStart", "Environment", "LoadCredential", "WatchdogSec", "RestartPreventExitStatus"}
"""What the units may differ in, beside how they are started again and stopped."""
AFTER_THE_GRACE_S = 30
"""What a stop may take beyond its grace: orders, questions, the last alerts, the log and the page are waited for."""
REPLAYED = 10_000_000 / 36_000
"""Seconds for a journal of years: records, and how many a second were read on one slow core."""
ENDS = re.compile(r"(Restart|Timeout|Kill)")
FINAL = {ExitCode.USAGE, ExitCode.SETTINGS, ExitCode.SECRET, ExitCode.JOURNAL, ExitCode.LIVE_SWITCH, ExitCode.AUTH}
NEVER_HELPS_PANIC = FINAL - {ExitCode.JOURNAL, ExitCode.LIVE_SWITCH}


def settings_of(unit: str, section: str) -> dict[str, list[str]]:
    """A section's keys and all their values."""
    found: dict[str, list[str]] = {}
    text = (FOLDER / unit).read_text().split(f"[{section}]")[1].split("\n[")[0]
    for line in text.splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def seconds(text: str) -> int:
    """`30s` or `10min`."""
    number, unit = re.fullmatch(r"(\d+)(s|min)", text).groups()  # type: ignore[union-attr]  # else the test fails
    return int(number) * {"s": 1, "min": 60}[unit]


@pytest.mark.parametrize("unit", [DAEMON, PANIC, SETTLE])
def test_a_unit_is_shut_off(unit: str) -> None:
    """systemd's own scale, 0 to 10, of what a service could reach: a bare unit has 9.6."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed, and set-up could not (Debian: apt install systemd)")
    told = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(FOLDER / unit)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", told.stdout)
    assert level is not None, told.stderr
    assert float(level[1]) <= EXPOSURE_MAX


@pytest.mark.parametrize("unit", [PANIC, SETTLE])
def test_all_units_are_shut_off_alike(unit: str) -> None:
    """Each is the daemon's but for what it runs, with which key, and how it ends."""
    daemon, other = settings_of(DAEMON, "Service"), settings_of(unit, "Service")
    for key in sorted(daemon.keys() | other.keys()):
        if key not in OWN and not ENDS.match(key):
            assert daemon.get(key) == other.get(key), key


def test_only_the_settlement_is_given_the_key_that_withdraws() -> None:
    """And it is never started again by itself: the timer's next turn looks at what was left open."""
    keys = {
        unit: {line.split(":")[0] for line in settings_of(unit, "Service")["LoadCredential"]}
        for unit in (DAEMON, PANIC, SETTLE)
    }
    assert keys[SETTLE] == {"treasury_key", "treasury_secret"}
    assert not keys[SETTLE] & (keys[DAEMON] | keys[PANIC])
    settle, account = settings_of(SETTLE, "Service"), Settings().account
    assert settle["Restart"] == ["no"]
    assert seconds(settle["TimeoutStartSec"][0]) >= 3 * (account.doubt_bound_s + account.lag_s)
    assert "settle" in settle["ExecStart"][0]
    assert settings_of("arbbot-settle.timer", "Timer")["OnCalendar"]


def test_the_units_know_the_exit_codes() -> None:
    """Started again unless that cannot help; then, and only then, the panic unit follows, which has its own key."""
    daemon, panic = settings_of(DAEMON, "Service"), settings_of(PANIC, "Service")
    assert {ExitCode(int(code)) for code in daemon["RestartPreventExitStatus"][0].split()} == FINAL
    assert {ExitCode(int(code)) for code in panic["RestartPreventExitStatus"][0].split()} == NEVER_HELPS_PANIC
    assert set(EXIT_CODE_MEANINGS) >= FINAL
    assert settings_of(DAEMON, "Unit")["OnFailure"] == [PANIC]
    assert not {line.split(":")[1] for line in daemon["LoadCredential"]} & {
        line.split(":")[1] for line in panic["LoadCredential"]
    }
    assert {line.split(":")[0] for line in panic["LoadCredential"]} == {"panic_key", "panic_secret"}


def test_a_restart_is_no_failure() -> None:
    """systemd 254 and later would start the panic unit for each restart, with every order of the account cancelled."""
    assert settings_of(DAEMON, "Service")["RestartMode"] == ["direct"]


def test_the_times_fit() -> None:
    """The watchdog waits for several pings, a start for a journal of years, a stop for its grace and what comes after,
    and a panic for its whole look.
    """
    daemon, panic, account = settings_of(DAEMON, "Service"), settings_of(PANIC, "Service"), Settings().account
    assert seconds(daemon["WatchdogSec"][0]) >= 5 * WATCHDOG_EVERY_NS / 1e9
    assert seconds(daemon["TimeoutStartSec"][0]) >= 2 * REPLAYED
    assert seconds(daemon["TimeoutStopSec"][0]) >= account.stop_grace_s + AFTER_THE_GRACE_S
    assert seconds(panic["TimeoutStartSec"][0]) >= 2 * (account.doubt_bound_s + account.lag_s)


def test_the_panic_unit_reads_settings_of_its_own() -> None:
    """As they are, nothing in them can be wrong but the mode; what may be added calls people, or leads to the key."""
    assert "ARBBOT_SETTINGS=/etc/arbbot/panic.toml" in settings_of(PANIC, "Service")["Environment"]
    shipped = (FOLDER / "panic.toml").read_text()
    assert set(tomllib.loads(shipped)) == {"mode"}
    Settings.model_validate(tomllib.loads(shipped))
    whole = tomllib.loads(re.sub(r"^# (\[|\w+ =)", r"\1", shipped, flags=re.MULTILINE))
    assert set(whole) == {"mode", "alerts", "telemetry", "keys"}
    assert Settings.model_validate(whole).alerts.form == "slack"


@pytest.mark.parametrize("unit", [DAEMON, PANIC, SETTLE])
def test_a_dotenv_in_the_checkout_is_nothing_to_a_unit(tmp_path: Path, unit: str) -> None:
    """A person's own, and broken: the units read their settings, where theirs are, and nothing else."""
    told = settings_of(unit, "Service")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "arbbot").symlink_to(FOLDER.parents[1] / "arbbot")
    (tmp_path / "app" / ".env").write_text("ARBBOT_MODE=paper\nARBBOT_TRADE__NO_SUCH_SETTING=1\n")
    moved = [("/opt/arbbot/app", f"{tmp_path}/app"), ("/etc/arbbot", f"{tmp_path}"), ("%S", f"{tmp_path}")]
    lines = [*told["Environment"], told["WorkingDirectory"][0]]
    for there, here in moved:
        lines = [line.replace(there, here) for line in lines]
    environment = dict(line.split("=", 1) for line in lines[:-1])
    Path(environment["ARBBOT_SETTINGS"]).write_text('mode = "sandbox"')
    Path(environment["ARBBOT_STATE_DIR"]).mkdir()
    shown = subprocess.run(
        [sys.executable, *told["ExecStart"][0].split()[1:3], "settings", "--json"],
        env=environment, cwd=lines[-1], capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["mode"]["value"] == "sandbox"
