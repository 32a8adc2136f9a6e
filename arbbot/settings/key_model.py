"""The settings of the keys: one pair for each role, and where Vault keeps them."""

from __future__ import annotations

from arbbot.settings.fields import OptionalPath, OptionalSecret, Section
from arbbot.settings.options import KeysFor


class KeyPair(Section):
    """An API key, or the files that hold it. Key and secret themselves never stand in the settings file."""

    key_id: OptionalSecret = None
    secret: OptionalSecret = None
    key_file: OptionalPath = None
    secret_file: OptionalPath = None


class KeySettings(KeyPair):
    """The trading key itself, and below it those of the other roles."""

    only_in: KeysFor = KeysFor.ANY
    read_only: KeyPair = KeyPair()
    treasury: KeyPair = KeyPair()
    panic: KeyPair = KeyPair()
