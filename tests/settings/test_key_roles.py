"""Each role has a key of its own, and none does what another's rights are for."""

from __future__ import annotations

from pathlib import Path

import pytest

from arbbot.domain.exit_codes import ExitCode
from arbbot.settings import KeyRole, RunMode, Settings, SettingsError, find_keys, load, read_keys

SECRET = "Secret000000000000000000000000001"
OTHERS = [role for role in KeyRole if role is not KeyRole.TRADING]


def give(monkeypatch: pytest.MonkeyPatch, role: KeyRole) -> str:
    """Put a key of a role into the environment; returns its public part."""
    section = "KEYS" if role is KeyRole.TRADING else f"KEYS__{role.upper()}"
    key_id = f"Key0000{role.replace('_', '')}"
    monkeypatch.setenv(f"ARBBOT_{section}__KEY_ID", key_id)
    monkeypatch.setenv(f"ARBBOT_{section}__SECRET", SECRET)
    return key_id


def key_of(role: KeyRole, environ: dict[str, str] | None = None, settings: Settings | None = None) -> str:
    """The public part of the key that is used for a role."""
    found = read_keys(settings or load(), role, environ or {})
    assert found is not None
    return found.key_id


def test_every_role_uses_its_own_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """With all four given no role gets another's."""
    given = {role: give(monkeypatch, role) for role in KeyRole}
    assert {role: key_of(role) for role in KeyRole} == given


def test_who_may_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking and cancelling is within the trading key's rights; the treasury's work is nobody else's."""
    trading = give(monkeypatch, KeyRole.TRADING)
    assert key_of(KeyRole.READ_ONLY) == key_of(KeyRole.PANIC) == trading
    with pytest.raises(SettingsError, match=r"keys\.treasury\.key_id: missing") as caught:
        read_keys(load(), KeyRole.TREASURY, {})
    assert caught.value.code is ExitCode.SECRET
    assert all(word in str(caught.value) for word in ("ARBBOT_KEYS__TREASURY__KEY_ID", "treasury_key"))
    assert find_keys(load(), KeyRole.PANIC, {}) is None


@pytest.mark.parametrize("role", OTHERS)
def test_no_role_trades_with_its_key(role: KeyRole, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a trading key nothing trades, whatever other keys there are."""
    give(monkeypatch, role)
    with pytest.raises(SettingsError, match=r"keys\.key_id: missing"):
        read_keys(load(), environ={})


@pytest.mark.parametrize("role", KeyRole)
def test_credentials_of_a_role(role: KeyRole, place: Path) -> None:
    """systemd's credentials are named after the role."""
    start = "api" if role is KeyRole.TRADING else role.value
    for name, text in ((f"{start}_key", "Key000000001"), (f"{start}_secret", SECRET)):
        (place / name).write_text(text)
        (place / name).chmod(0o400)
    assert key_of(role, {"CREDENTIALS_DIRECTORY": str(place)}, Settings()) == "Key000000001"


@pytest.mark.parametrize("role", KeyRole)
def test_half_a_key_is_refused(role: KeyRole, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key without its secret is a mistake, and no reason to use another role's."""
    give(monkeypatch, KeyRole.TRADING)
    give(monkeypatch, role)
    section = "KEYS" if role is KeyRole.TRADING else f"KEYS__{role.upper()}"
    monkeypatch.delenv(f"ARBBOT_{section}__SECRET")
    with pytest.raises(SettingsError, match=rf"{section.lower().replace('__', '.')}\.secret: missing"):
        read_keys(load(), role, {})


def test_one_file_name_for_both_modes(place: Path) -> None:
    """{mode} in the name of a key file is the mode's name."""
    (place / "settings.toml").write_text('[keys]\nkey_file = "{mode}/key"\nsecret_file = "{mode}/secret"')
    for mode in ("sandbox", "live"):
        (place / mode).mkdir()
        for name, text in (("key", f"Key00000{mode}"), ("secret", SECRET)):
            (place / mode / name).write_text(text)
            (place / mode / name).chmod(0o600)
    assert key_of(KeyRole.TRADING) == "Key00000sandbox"
    assert key_of(KeyRole.TRADING, settings=load(mode="live", live_switch=False)) == "Key00000live"


@pytest.mark.parametrize("role", KeyRole)
def test_keys_of_another_mode_are_refused(role: KeyRole, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said to be for live is never shown to a sandbox, and the other way round."""
    give(monkeypatch, role)
    for meant, mode in (("live", RunMode.SANDBOX), ("sandbox", RunMode.LIVE)):
        monkeypatch.setenv("ARBBOT_KEYS__ONLY_IN", meant)
        with pytest.raises(SettingsError, match=f"for {meant} mode, and this is {mode} mode") as caught:
            read_keys(load(mode=mode.value, live_switch=False), role, {})
        assert caught.value.code is ExitCode.SECRET
        assert key_of(role, settings=load(mode=meant, live_switch=False))


@pytest.mark.parametrize("role", KeyRole)
def test_paper_mode_has_no_key_of_any_role(role: KeyRole, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paper moves nothing and shows nobody a key."""
    give(monkeypatch, role)
    assert read_keys(load(mode="paper"), role, {}) is None
    assert find_keys(load(mode="paper"), role, {}) is None


@pytest.mark.parametrize("role", OTHERS)
def test_a_role_s_key_in_the_settings_file_is_refused(role: KeyRole, place: Path) -> None:
    """Nor does a key of any role belong there; the complaint names the table and not the key."""
    (place / "settings.toml").write_text(f'[keys.{role}]\nsecret = "{SECRET}"')
    with pytest.raises(SettingsError, match=rf"keys\.{role}: key and secret do not belong in this file") as caught:
        load()
    assert caught.value.code is ExitCode.SECRET
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("role", OTHERS)
def test_a_role_s_key_in_an_open_dotenv_is_refused(role: KeyRole, place: Path) -> None:
    """Others must not read it, whosever key it is."""
    (place / ".env").write_text(f"ARBBOT_KEYS__{role.upper()}__SECRET={SECRET}\n")
    (place / ".env").chmod(0o644)
    with pytest.raises(SettingsError, match="others may read it"):
        load()


@pytest.mark.parametrize("role", OTHERS)
def test_a_role_s_key_given_twice_is_refused(role: KeyRole, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for the trading key: which of two would be used is no riddle."""
    give(monkeypatch, role)
    (place / "settings.toml").write_text(f'[keys.{role}]\nsecret_file = "secret"')
    with pytest.raises(SettingsError, match=rf"keys\.{role}\.secret_file: secret is given too"):
        load()


def test_settings_print_no_key_of_any_role(monkeypatch: pytest.MonkeyPatch) -> None:
    """repr and dumps mask them all."""
    keys = [give(monkeypatch, role) for role in KeyRole]
    settings = load()
    shown = f"{settings!r} {settings.model_dump_json()}"
    assert not any(text in shown for text in (SECRET, *keys))
    assert SECRET not in "".join(f"{read_keys(settings, role)!r}" for role in KeyRole)
