"""Keys come from the environment, private files or systemd, and are shown nowhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from arbbot.domain.exit_codes import ExitCode
from arbbot.settings import Keys, Settings, SettingsError, load, read_keys

KEY = "KeyKeyKey00000000000000000000001"
SECRET = "Secret000000000000000000000000001"


def keys_of(settings: Settings, environ: dict[str, str] | None = None) -> tuple[str, str]:
    """Key and secret that are found."""
    found = read_keys(settings, environ=environ or {})
    assert isinstance(found, Keys)
    return (found.key_id, found.secret.get_secret_value())


def private(path: Path, text: str, mode: int = 0o600) -> Path:
    """A file with these rights."""
    path.write_text(text)
    path.chmod(mode)
    return path


def test_keys_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables are enough."""
    monkeypatch.setenv("ARBBOT_KEYS__KEY_ID", KEY)
    monkeypatch.setenv("ARBBOT_KEYS__SECRET", SECRET)
    assert keys_of(load()) == (KEY, SECRET)


def test_a_key_of_digits_stays_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that looks like a number is not turned into one."""
    monkeypatch.setenv("ARBBOT_KEYS__KEY_ID", "00001234567890")
    monkeypatch.setenv("ARBBOT_KEYS__SECRET", "12345678901234567890")
    assert keys_of(load()) == ("00001234567890", "12345678901234567890")


def test_keys_from_a_private_dotenv(place: Path) -> None:
    """A .env that only its owner can read is accepted."""
    private(place / ".env", f"ARBBOT_KEYS__KEY_ID={KEY}\nARBBOT_KEYS__SECRET={SECRET}\n")
    assert keys_of(load()) == (KEY, SECRET)


def test_keys_from_private_files(place: Path) -> None:
    """Files named in the settings, white space round the key cut off."""
    private(place / "key", f"{KEY}\n")
    private(place / "secret", f"  {SECRET}\n", 0o400)
    (place / "settings.toml").write_text('[keys]\nkey_file = "key"\nsecret_file = "secret"')
    assert keys_of(load()) == (KEY, SECRET)


def test_keys_from_systemd(place: Path) -> None:
    """Credentials are found by their names; the group bits of systemd's access list do no harm."""
    private(place / "api_key", KEY, 0o440)
    private(place / "api_secret", SECRET, 0o440)
    assert keys_of(Settings(), {"CREDENTIALS_DIRECTORY": str(place)}) == (KEY, SECRET)


def test_paper_mode_takes_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has no key cannot send a private request."""
    monkeypatch.setenv("ARBBOT_KEYS__KEY_ID", KEY)
    monkeypatch.setenv("ARBBOT_KEYS__SECRET", SECRET)
    assert read_keys(load(mode="paper")) is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_secret_that_others_can_read_is_refused(mode: int, place: Path) -> None:
    """Group or others, reading or writing: refused before the text is used."""
    private(place / "key", KEY)
    private(place / "secret", SECRET, mode)
    (place / "settings.toml").write_text('[keys]\nkey_file = "key"\nsecret_file = "secret"')
    with pytest.raises(SettingsError, match=r"keys\.secret_file: secret: others may read it; chmod 600 it") as caught:
        read_keys(load(), environ={})
    assert caught.value.code is ExitCode.SECRET


def test_a_dotenv_with_a_key_that_others_can_read_is_refused(place: Path) -> None:
    """The same rule for .env; without a key in it its rights do not matter."""
    private(place / ".env", "ARBBOT_MODE=paper\n", 0o644)
    load()
    private(place / ".env", f"ARBBOT_KEYS__SECRET={SECRET}\n", 0o644)
    with pytest.raises(SettingsError, match="others may read it") as caught:
        load()
    assert caught.value.code is ExitCode.SECRET


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "not a key"), ("short", "not a key"), ("two words of key", "not a key"), ("schlüssel0000", "something else")],
)
def test_a_file_without_a_key_is_refused(text: str, reason: str, place: Path) -> None:
    """Empty, too short, several words or not ASCII; the text itself is not repeated."""
    private(place / "key", KEY)
    private(place / "secret", text)
    (place / "settings.toml").write_text('[keys]\nkey_file = "key"\nsecret_file = "secret"')
    with pytest.raises(SettingsError, match=reason) as caught:
        read_keys(load(), environ={})
    assert caught.value.code is ExitCode.SECRET
    assert not text or text not in str(caught.value)


def test_a_secret_that_cannot_be_read_is_refused(place: Path) -> None:
    """Missing files, directories and pipes get their one line."""
    os.mkfifo(place / "pipe", 0o600)
    (place / "folder").mkdir(mode=0o700)
    private(place / "key", KEY)
    for name, reason in (("none", "No such file"), ("folder", "not a file"), ("pipe", "not a file")):
        (place / "settings.toml").write_text(f'[keys]\nkey_file = "key"\nsecret_file = "{name}"')
        with pytest.raises(SettingsError, match=reason) as caught:
            read_keys(load(), environ={})
        assert caught.value.code is ExitCode.SECRET


def test_a_missing_key_says_how_to_give_one() -> None:
    """The line names the variable, the setting and the credential."""
    with pytest.raises(SettingsError) as caught:
        read_keys(Settings(), environ={})
    assert caught.value.code is ExitCode.SECRET
    assert all(word in str(caught.value) for word in ("ARBBOT_KEYS__KEY_ID", "keys.key_file", "api_key"))


def test_a_key_in_the_settings_file_is_refused(place: Path) -> None:
    """Settings files are shown around and committed: no key in them, and none in the complaint."""
    (place / "settings.toml").write_text(f'[keys]\nsecret = "{SECRET}"')
    with pytest.raises(SettingsError, match="do not belong in this file") as caught:
        load()
    assert caught.value.code is ExitCode.SECRET
    assert SECRET not in str(caught.value)


def test_a_key_given_twice_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which of two keys would be used is no riddle for the operator."""
    monkeypatch.setenv("ARBBOT_KEYS__SECRET", SECRET)
    (place / "settings.toml").write_text('[keys]\nsecret_file = "secret"')
    with pytest.raises(SettingsError, match=r"settings\.toml: keys\.secret_file: secret is given too") as caught:
        load()
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("name", ["ARBBOT_KEYS__SECRETT", "ARBBOT_KEYS__SECRET__X", "ARBBOT_KEYS", "ARBBOT_SECRET"])
def test_a_misplaced_secret_is_not_repeated(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip of the variable's name does not put the secret on the screen."""
    monkeypatch.setenv(name, SECRET)
    with pytest.raises(SettingsError) as caught:
        load()
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)


def test_settings_do_not_print_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """repr, str and dumps of the settings and of the keys are masked."""
    monkeypatch.setenv("ARBBOT_KEYS__KEY_ID", KEY)
    monkeypatch.setenv("ARBBOT_KEYS__SECRET", SECRET)
    settings = load()
    shown = f"{settings!r} {settings} {settings.model_dump_json()} {read_keys(settings)!r}"
    assert SECRET not in shown
