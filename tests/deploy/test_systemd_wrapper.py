"""`deploy/systemd/arbbot VERB`: what it asks of systemd is what the unit asks, for any verb."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from arbbot.settings import KeyRole, Settings, SettingsError, read_alerts_url, read_keys
from arbbot.settings.options import RunMode
from tests.deploy.test_systemd import DAEMON, FOLDER, settings_of

ROOT = FOLDER.parents[1]
WRAPPER = FOLDER / "arbbot"
VAULTS = ("vault_token", "vault_secret_id")
KEY = "k" * 32


def asked(place: Path, *words: str) -> list[str]:
    """What systemd-run is given."""
    stand_in = place / "systemd-run"
    stand_in.write_text("#!/bin/sh\nprintf '%s\\0' \"$@\"\n")
    stand_in.chmod(0o755)
    environment = {"PATH": f"{place}:{os.environ['PATH']}", "SUDO_USER": "ann"}
    told = subprocess.run([WRAPPER, *words], env=environment, capture_output=True, text=True, check=True)
    return told.stdout.split("\0")[:-1]


def values(words: list[str], option: str) -> dict[str, str]:
    """What is given by `-p` or `-E`."""
    given = [words[at + 1] for at, word in enumerate(words) if word == option and "LoadCredential" not in words[at + 1]]
    return dict(each.split("=", 1) for each in given)


def test_a_verb_runs_as_the_daemon_does(tmp_path: Path) -> None:
    """The same user, state directory, settings and place to stand; the program of the checkout it lies in."""
    words, unit = asked(tmp_path, "status", "--json"), settings_of(DAEMON, "Service")
    properties, environment = values(words, "-p"), values(words, "-E")
    assert properties == {key: unit[key][0].replace("%S", "/var/lib") for key in properties}
    assert {"DynamicUser", "User", "StateDirectory", "StateDirectoryMode", "UMask", "WorkingDirectory"} <= set(
        properties
    )
    wanted = dict(line.replace("%S", "/var/lib").split("=", 1) for line in unit["Environment"])
    del wanted["PYTHONFAULTHANDLER"]  # for the watchdog
    assert environment == {**wanted, "PYTHONPATH": str(ROOT), "LOGNAME": "ann"}
    assert words[words.index("-m") - 1 :] == [f"{ROOT.parent}/bin/python", "-m", "arbbot", "status", "--json"]


def test_words_arrive_as_they_were_typed(tmp_path: Path) -> None:
    """systemd puts variables in place of `$`, and one `$` in place of two: nothing else is anything to it."""
    reason = """it's "$5 & $HOME" {less} than 100 % \\ of it"""
    *_, option, text = asked(tmp_path, "halt", "--reason", reason)
    assert option == "--reason"
    assert text.replace("$$", "$") == reason
    assert text.count("$") == 2 * reason.count("$")


def names() -> list[str]:
    """Files in `/etc/arbbot` that it hands over where they are there."""
    found = re.findall(r"names\+?=\((.*?)\)|LoadCredential=(vault_token):", WRAPPER.read_text())
    return sorted({name for lists in found for words in lists for name in words.split()})


@pytest.mark.parametrize("role", KeyRole)
def test_the_key_of_each_role_is_handed_over_under_the_name_the_program_knows(tmp_path: Path, role: KeyRole) -> None:
    """A pair of files for each."""
    own = [name for name in names() if name.startswith("api" if role is KeyRole.TRADING else role.value)]
    assert len(own) == 2
    for name in own:
        (tmp_path / name).write_text(KEY)
        (tmp_path / name).chmod(0o600)
    found = read_keys(Settings(mode=RunMode.SANDBOX), role, {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert found is not None
    assert found.key_id == KEY


@pytest.mark.parametrize("name", VAULTS)
def test_a_way_into_vault_is_handed_over_under_the_name_the_program_knows(tmp_path: Path, name: str) -> None:
    """Missing it is named; there it is taken, and then Vault itself is what is missing."""
    vault = {"address": "http://127.0.0.1:9", **({"role_id": "r"} if name == "vault_secret_id" else {})}
    settings = Settings.model_validate({"mode": "sandbox", "keys": {"vault": vault}})
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    with pytest.raises(SettingsError, match=f"hand {name} over as a systemd credential"):
        read_keys(settings, KeyRole.TRADING, environ)
    (tmp_path / name).write_text("t" * 24)
    (tmp_path / name).chmod(0o600)
    with pytest.raises(SettingsError, match="cannot be reached"):
        read_keys(settings, KeyRole.TRADING, environ)


def test_nothing_else_is_handed_over(tmp_path: Path) -> None:
    """A pair for each role, the ways into Vault, the webhook's address; no page and no unit names another."""
    (tmp_path / "alerts_url").write_text("https://example.com/hook")
    (tmp_path / "alerts_url").chmod(0o600)
    assert read_alerts_url(Settings(), {"CREDENTIALS_DIRECTORY": str(tmp_path)}) is not None
    known = set(names())
    assert {*VAULTS, "alerts_url"} <= known
    assert len(known) == 2 * len(KeyRole) + len(VAULTS) + 1
    for page in [*(ROOT / "docs").rglob("*.md"), *FOLDER.glob("*.service")]:
        assert set(re.findall(r"LoadCredential=(\w+):", page.read_text())) <= known, page
