"""Keys by role, from wherever they are kept: the settings, files they name, Vault, systemd's credentials."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from arbbot.settings.key_model import MODE_MARK, KeyPair
from arbbot.settings.model import Settings
from arbbot.settings.options import KeyRole, KeysFor, RunMode
from arbbot.settings.secrets import CREDENTIALS, read_credential, read_secret_file, refused, sound_key
from arbbot.settings.vault import read_pair

INSTEAD = {KeyRole.READ_ONLY: KeyRole.TRADING, KeyRole.PANIC: KeyRole.TRADING}
"""Roles that another key serves too, where there is none of their own. The treasury's work nobody else may do."""


@dataclass(frozen=True, slots=True)
class Keys:
    """An API key: its public part, and its secret."""

    key_id: str
    secret: SecretStr


@dataclass(frozen=True, slots=True)
class _Half:
    """One of the two things that make a key, and how each place names it for a role."""

    section: str
    name: str
    file_name: str
    credential: str

    @property
    def setting(self) -> str:
        return f"{self.section}.{self.name}"

    @property
    def file_setting(self) -> str:
        return f"{self.section}.{self.file_name}"

    @property
    def variable(self) -> str:
        return f"ARBBOT_{self.setting.replace('.', '__').upper()}"


def read_keys(
    settings: Settings, role: KeyRole = KeyRole.TRADING, environ: Mapping[str, str] | None = None
) -> Keys | None:
    """The key of a role, or of the role that stands in for it; None in paper mode, which has no use for one.

    Raises SettingsError with exit code SECRET when it is missing, unreadable, open to others, or of another mode.
    """
    if settings.mode is RunMode.PAPER:
        return None
    found = find_keys(settings, role, environ)
    stand_in = INSTEAD.get(role)
    if found is None and stand_in is not None:
        return read_keys(settings, stand_in, environ)
    if found is None:
        raise _missing(_halves(role)[0], in_vault=settings.keys.vault.address is not None)
    return found


def find_keys(settings: Settings, role: KeyRole, environ: Mapping[str, str] | None = None) -> Keys | None:
    """The key of this very role; None where there is none, and in paper mode. Raises SettingsError as `read_keys`."""
    if settings.mode is RunMode.PAPER:
        return None
    pair = settings.keys if role is KeyRole.TRADING else getattr(settings.keys, role.value)
    environ = os.environ if environ is None else environ
    found = _out_of_vault(settings, role, pair, environ)
    if found is None:
        halves = _halves(role)
        key_id, secret = (_find(half, pair, settings.mode, environ.get(CREDENTIALS)) for half in halves)
        if key_id is None and secret is None:
            return None
        if key_id is None or secret is None:
            raise _missing(halves[0] if key_id is None else halves[1])
        found = Keys(key_id.get_secret_value(), secret)
    meant = settings.keys.only_in
    if meant is not KeysFor.ANY and meant.value != settings.mode.value:
        raise refused(f"keys.only_in: the keys are for {meant} mode, and this is {settings.mode} mode")
    return found


def lies_in_vault(settings: Settings, role: KeyRole, environ: Mapping[str, str] | None = None) -> bool:
    """Whether the key of this very role comes out of Vault. Raises SettingsError as `read_keys`."""
    pair = settings.keys if role is KeyRole.TRADING else getattr(settings.keys, role.value)
    return _out_of_vault(settings, role, pair, os.environ if environ is None else environ) is not None


def _out_of_vault(settings: Settings, role: KeyRole, pair: KeyPair, environ: Mapping[str, str]) -> Keys | None:
    """The key that Vault holds for a role, unless something else is named for it."""
    vault = settings.keys.vault
    named = (pair.key_id, pair.secret, pair.key_file, pair.secret_file)
    if vault.address is None or any(each is not None for each in named):
        return None
    held = read_pair(vault, settings.mode.value, role.value, environ)
    if held is None:
        return None
    place, key_id, secret = held
    sound = sound_key(f"{place}: key_id", key_id.get_secret_value())
    return Keys(sound.get_secret_value(), sound_key(f"{place}: secret", secret.get_secret_value()))


def _halves(role: KeyRole) -> tuple[_Half, _Half]:
    section, start = ("keys", "api") if role is KeyRole.TRADING else (f"keys.{role}", role.value)
    return (
        _Half(section, "key_id", "key_file", f"{start}_key"),
        _Half(section, "secret", "secret_file", f"{start}_secret"),
    )


def _find(half: _Half, pair: KeyPair, mode: RunMode, credentials: str | None) -> SecretStr | None:
    given: SecretStr | None = getattr(pair, half.name)
    file: Path | None = getattr(pair, half.file_name)
    if given is not None:
        return sound_key(half.setting, given.get_secret_value())
    if file is not None:
        named = Path(str(file).replace(MODE_MARK, mode.value))
        return sound_key(f"{half.file_setting}: {named}", read_secret_file(half.file_setting, named))
    credential = Path(credentials) / half.credential if credentials else None
    if credential is not None and os.path.lexists(credential):
        return sound_key(str(credential), read_credential(credential))
    return None


def _missing(half: _Half, *, in_vault: bool = False) -> Exception:
    also = " (nor does Vault hold one: keys.vault.path)" if in_vault else ""
    return refused(
        f"{half.setting}: missing{also}; set {half.variable} in the environment or .env, or {half.file_setting}, "
        f"or hand {half.credential} over as a systemd credential"
    )
