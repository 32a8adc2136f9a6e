"""The webhook's address is a secret: from the environment, a private file or systemd, and shown nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from arbbot.domain.exit_codes import ExitCode
from arbbot.settings import Settings, SettingsError, in_force, load, read_alerts_url
from tests.settings.test_keys import private

URL = "https://hooks.example.com/services/T000/B000/canary-secret"


def url_of(settings: Settings, environ: dict[str, str] | None = None) -> str | None:
    """What is found."""
    found = read_alerts_url(settings, environ or {})
    return None if found is None else found.get_secret_value()


def test_without_one_nobody_is_told_anything(place: Path) -> None:
    """Nothing set, or credentials without it: no webhook, and no complaint."""
    assert url_of(load()) is None
    assert url_of(load(), {"CREDENTIALS_DIRECTORY": str(place)}) is None


def test_from_the_environment_a_file_or_systemd(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first that there is: settings, file, credential; white space round it cut off."""
    private(place / "alerts_url", f"{URL}/credential\n", 0o440)
    assert url_of(load(), {"CREDENTIALS_DIRECTORY": str(place)}) == f"{URL}/credential"
    private(place / "url", f" {URL}/file\n")
    (place / "settings.toml").write_text('[alerts]\nurl_file = "url"')
    assert url_of(load(), {"CREDENTIALS_DIRECTORY": str(place)}) == f"{URL}/file"
    (place / "settings.toml").unlink()
    monkeypatch.setenv("ARBBOT_ALERTS__URL", URL)
    assert url_of(load()) == URL


def test_it_is_masked_where_settings_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in what is in force nor in what a program prints of the settings."""
    monkeypatch.setenv("ARBBOT_ALERTS__URL", URL)
    assert "canary" not in f"{in_force()}{load()!r}{load().model_dump_json()}"


def test_the_settings_file_is_no_place_for_it(place: Path) -> None:
    """Refused, with the exit code of a secret, and not repeated."""
    (place / "settings.toml").write_text(f'[alerts]\nurl = "{URL}"')
    with pytest.raises(SettingsError) as caught:
        load()
    assert caught.value.code is ExitCode.SECRET
    assert str(caught.value).startswith("settings.toml: alerts: the webhook's url is a secret")
    assert "canary" not in str(caught.value)


def test_a_dotenv_that_others_may_read_is_refused(place: Path) -> None:
    """As with keys."""
    private(place / ".env", f"ARBBOT_ALERTS__URL={URL}\n", 0o644)
    with pytest.raises(SettingsError, match="others may read it"):
        load()


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_file_that_others_may_read_is_refused(place: Path, mode: int) -> None:
    """Group included."""
    private(place / "url", URL, mode)
    with pytest.raises(SettingsError, match="others may read it") as caught:
        url_of(Settings.model_validate({"alerts": {"url_file": place / "url"}}))
    assert caught.value.code is ExitCode.SECRET


def test_both_places_at_once_contradict(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which one is meant is the operator's to say."""
    monkeypatch.setenv("ARBBOT_ALERTS__URL", URL)
    (place / "settings.toml").write_text('[alerts]\nurl_file = "url"')
    with pytest.raises(SettingsError, match="url is given too"):
        load()


@pytest.mark.parametrize(
    "url",
    ["http://hooks.example.com/canary", "ftp://127.0.0.1/canary", "canary", "https://", "https://a b/canary",
     "https://[::1/canary", "https://h\u00e9/canary", "https://a:port/canary"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_without_being_shown(url: str) -> None:
    """Encrypted, or on this machine; the line names the setting, never the value."""
    with pytest.raises(SettingsError) as caught:
        url_of(Settings.model_validate({"alerts": {"url": url}}))
    assert "alerts.url: want https://" in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/x", "http://localhost/x", "http://[::1]:1/x", URL])
def test_this_machine_may_be_told_in_the_clear(url: str) -> None:
    """For a relay beside the daemon."""
    assert url_of(Settings.model_validate({"alerts": {"url": url}})) == url
