"""The settings of the keys: one pair for each role, and where Vault keeps them."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from arbbot.settings.fields import OptionalPath, OptionalSecret, OptionalText, Seconds, Section
from arbbot.settings.options import KeysFor, WithdrawalRight

MODE_MARK = "{mode}"
"""In a file's or secret's name: the mode, so that one settings file can name the keys of both."""
ROLE_MARK = "{role}"
VaultPath = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.{}-]+(/[A-Za-z0-9_.{}-]+)*$", max_length=255)]


class KeyPair(Section):
    """An API key, or the files that hold it. Key and secret themselves never stand in the settings file."""

    key_id: OptionalSecret = None
    secret: OptionalSecret = None
    key_file: OptionalPath = None
    secret_file: OptionalPath = None


class VaultSettings(Section):
    """Where HashiCorp Vault keeps the keys: one secret a role, of its key-value store, version 2."""

    address: OptionalText = None
    mount: VaultPath = "secret"
    path: VaultPath = "arbbot/{mode}/{role}"
    namespace: OptionalText = None
    ca_file: OptionalPath = None
    timeout_s: Seconds = Decimal(5)
    token: OptionalSecret = None
    token_file: OptionalPath = None
    role_id: OptionalText = None
    secret_id: OptionalSecret = None
    secret_id_file: OptionalPath = None
    approle_mount: VaultPath = "approle"


class KeySettings(KeyPair):
    """The trading key itself, and below it those of the other roles."""

    only_in: KeysFor = KeysFor.ANY
    withdrawal_right: WithdrawalRight = WithdrawalRight.REFUSE
    read_only: KeyPair = KeyPair()
    treasury: KeyPair = KeyPair()
    panic: KeyPair = KeyPair()
    vault: VaultSettings = VaultSettings()
