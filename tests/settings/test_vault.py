"""Keys come out of Vault, once, by token or AppRole; whatever Vault answers else is one line and no key."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from arbbot.domain.exit_codes import ExitCode
from arbbot.settings import KeyRole, SettingsError, find_keys, in_force, load, read_keys
from tests.vault.server import VaultServer, serving
from tests.vault.store import AppRole, Store, Token

KEY, SECRET, TOKEN = "VaultKey000000000001", "VaultSecret00000000001", "hvs.the-token-of-this-test"
ROLE, SECRET_ID = "role-of-this-test", "secret-id-of-this-test"
AT = "arbbot/sandbox/trading"


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[VaultServer]:
    """A Vault that holds the trading key, and settings that name it and a token for it."""
    store = Store(tokens={TOKEN: Token(("arbbot",))})
    store.put(AT, {"key_id": KEY, "secret": SECRET})
    with serving(store) as server:
        monkeypatch.setenv("ARBBOT_KEYS__VAULT__ADDRESS", server.address)
        monkeypatch.setenv("ARBBOT_KEYS__VAULT__TOKEN", TOKEN)
        yield server


@pytest.fixture
def by_role(vault: VaultServer, monkeypatch: pytest.MonkeyPatch) -> VaultServer:
    """The same with an AppRole instead of a token."""
    vault.store.roles[ROLE] = AppRole(SECRET_ID, ("arbbot/sandbox",))
    monkeypatch.delenv("ARBBOT_KEYS__VAULT__TOKEN")
    monkeypatch.setenv("ARBBOT_KEYS__VAULT__ROLE_ID", ROLE)
    monkeypatch.setenv("ARBBOT_KEYS__VAULT__SECRET_ID", SECRET_ID)
    return vault


def found(role: KeyRole = KeyRole.TRADING, **environ: str) -> tuple[str, str]:
    """Key and secret that are used for a role."""
    keys = read_keys(load(), role, environ)
    assert keys is not None
    return (keys.key_id, keys.secret.get_secret_value())


def complaint(role: KeyRole = KeyRole.TRADING) -> str:
    """The one line that says why there is no key: exit code 4, and nothing secret in it."""
    with pytest.raises(SettingsError) as caught:
        read_keys(load(), role, {})
    assert caught.value.code is ExitCode.SECRET
    (line,) = caught.value.problems
    assert not any(secret in line for secret in (TOKEN, SECRET, SECRET_ID))
    return line


def test_a_key_by_token(vault: VaultServer) -> None:
    """One question to Vault for one key."""
    assert found() == (KEY, SECRET)
    assert vault.asked == [("GET", f"secret/data/{AT}")]


def test_a_key_by_approle(by_role: VaultServer) -> None:
    """Log in, read, and give the token back: nothing that could read the key is left behind."""
    assert found() == (KEY, SECRET)
    assert [path for _, path in by_role.asked] == [
        "auth/approle/login", f"secret/data/{AT}", "auth/token/revoke-self",
    ]  # fmt: skip
    assert list(by_role.store.tokens) == [TOKEN]


def test_the_newest_version_counts(vault: VaultServer) -> None:
    """A rotated key is written as a new version of the same secret."""
    vault.store.put(AT, {"key_id": KEY, "secret": "NewerSecret00000000001"})
    assert found() == (KEY, "NewerSecret00000000001")


def test_each_role_has_its_own_secret(vault: VaultServer) -> None:
    """By the role's name in the path; where Vault has none, another may stand in, but never for the treasury."""
    vault.store.put("arbbot/sandbox/panic", {"key_id": "PanicKey00000001", "secret": SECRET})
    assert found(KeyRole.PANIC) == ("PanicKey00000001", SECRET)
    assert found(KeyRole.READ_ONLY) == (KEY, SECRET)
    assert find_keys(load(), KeyRole.READ_ONLY, {}) is None
    assert "keys.treasury.key_id: missing (nor does Vault hold one" in complaint(KeyRole.TREASURY)


def test_a_deleted_secret_is_none(vault: VaultServer) -> None:
    """Deleting the key in Vault takes it away."""
    vault.store.delete(AT)
    assert "keys.key_id: missing (nor does Vault hold one: keys.vault.path)" in complaint()


def test_what_is_named_for_the_role_is_stronger(vault: VaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vault is not even asked for a key that a variable gives."""
    monkeypatch.setenv("ARBBOT_KEYS__KEY_ID", "FromTheEnvironment1")
    monkeypatch.setenv("ARBBOT_KEYS__SECRET", SECRET)
    assert found() == ("FromTheEnvironment1", SECRET)
    assert vault.asked == []


def test_paper_mode_asks_no_vault(vault: VaultServer) -> None:
    """What needs no key opens no door to one."""
    assert read_keys(load(mode="paper"), environ={}) is None
    assert vault.asked == []


def test_over_tls_with_an_own_authority(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trusted by keys.vault.ca_file alone; without it the token is not even sent."""
    store = Store(tokens={TOKEN: Token(("arbbot",))})
    store.put(AT, {"key_id": KEY, "secret": SECRET})
    with serving(store, place) as server:
        monkeypatch.setenv("ARBBOT_KEYS__VAULT__ADDRESS", server.address)
        monkeypatch.setenv("ARBBOT_KEYS__VAULT__TOKEN", TOKEN)
        assert "its certificate is not trusted" in complaint()
        assert server.asked == []
        monkeypatch.setenv("ARBBOT_KEYS__VAULT__CA_FILE", str(place / "ca.pem"))
        assert found() == (KEY, SECRET)


def test_the_token_from_a_private_file(vault: VaultServer, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the agent of Vault leaves it; one that others may read is refused."""
    monkeypatch.delenv("ARBBOT_KEYS__VAULT__TOKEN")
    monkeypatch.setenv("ARBBOT_KEYS__VAULT__TOKEN_FILE", "token")
    (place / "token").write_text(f"{TOKEN}\n")
    (place / "token").chmod(0o644)
    assert "keys.vault.token_file: token: others may read it" in complaint()
    (place / "token").chmod(0o600)
    assert found() == (KEY, SECRET)


@pytest.mark.parametrize("login", ["vault", "by_role"])
def test_what_systemd_hands_over(
    login: str, place: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """vault_token and vault_secret_id as credentials."""
    request.getfixturevalue(login)
    name, text = ("token", TOKEN) if login == "vault" else ("secret_id", SECRET_ID)
    monkeypatch.delenv(f"ARBBOT_KEYS__VAULT__{name.upper()}")
    assert f"keys.vault.{name}: missing" in complaint()
    (place / f"vault_{name}").write_text(text)
    (place / f"vault_{name}").chmod(0o440)
    assert found(CREDENTIALS_DIRECTORY=str(place)) == (KEY, SECRET)


def test_a_namespace(vault: VaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of Vault Enterprise: told with every request."""
    vault.store.namespace = "trading"
    assert "permission denied" in complaint()
    monkeypatch.setenv("ARBBOT_KEYS__VAULT__NAMESPACE", "trading")
    assert found() == (KEY, SECRET)


def test_what_opens_vault_is_shown_nowhere(by_role: VaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by `arbbot settings` nor by any dump of the settings."""
    shown = f"{in_force()} {load()!r} {load().model_dump_json()}"
    monkeypatch.delenv("ARBBOT_KEYS__VAULT__ROLE_ID")
    monkeypatch.setenv("ARBBOT_KEYS__VAULT__TOKEN", TOKEN)
    shown += f"{in_force()} {load()!r} {load().model_dump_json()}"
    assert not any(secret in shown for secret in (TOKEN, SECRET_ID))


# --- what goes wrong ------------------------------------------------------------------------------------------------


def test_a_sealed_vault(vault: VaultServer) -> None:
    """Said as what it is."""
    vault.store.sealed = True
    assert complaint().endswith("it is sealed, or down for maintenance")


def test_a_token_that_may_not(vault: VaultServer) -> None:
    """Expired, or of a policy that does not reach so far: 403, and no other key is taken instead."""
    vault.store.tokens[TOKEN] = Token(("elsewhere",))
    assert "permission denied" in complaint()
    vault.store.tokens[TOKEN] = Token(("arbbot",), expires_s=0.0)
    assert "permission denied" in complaint(KeyRole.PANIC)


def test_a_secret_id_that_is_used_up(by_role: VaultServer) -> None:
    """Good for one login: the second is refused, and says so."""
    by_role.store.roles[ROLE].uses_left = 1
    assert found() == (KEY, SECRET)
    assert "role_id or secret_id is wrong, or used up" in complaint()


def test_a_vault_that_does_not_answer(vault: VaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given up after keys.vault.timeout_s."""
    vault.silent = True
    monkeypatch.setenv("ARBBOT_KEYS__VAULT__TIMEOUT_S", "0.1")
    assert "no answer in time (keys.vault.timeout_s)" in complaint()


def test_no_vault_there(vault: VaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong port."""
    with serving(Store()) as other:
        address = other.address
    monkeypatch.setenv("ARBBOT_KEYS__VAULT__ADDRESS", address)
    assert "cannot be reached" in complaint()


def test_a_redirect_is_not_followed(vault: VaultServer) -> None:
    """The token goes to the address of the settings and to no other."""
    with serving(Store(tokens=vault.store.tokens, versions=vault.store.versions)) as other:
        vault.sent_away = other.address
        assert "a redirect, which is not followed" in complaint()
        assert other.asked == []


def test_something_that_is_no_vault(vault: VaultServer) -> None:
    """A page instead of JSON."""
    vault.page = b"<html>Welcome</html>"
    assert "no answer of a Vault" in complaint()


def test_a_mount_that_is_none(vault: VaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told apart from a secret that is not there."""
    monkeypatch.setenv("ARBBOT_KEYS__VAULT__MOUNT", "kv")
    assert "keys.vault.mount" in complaint()
    assert "no store is mounted there" in complaint()


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        ({"key_id": KEY}, "holds no text secret"),
        ({"api_key": KEY, "api_secret": SECRET}, "holds no text key_id and no secret"),
        ({"key_id": KEY, "secret": 12345678}, "holds no text secret"),
        ({"key_id": KEY, "secret": "two words"}, "secret: not a key"),
        ({"key_id": "short", "secret": SECRET}, "key_id: not a key"),
    ],
)
def test_a_secret_that_is_no_key(held: dict[str, object], reason: str, vault: VaultServer) -> None:
    """What lies at the path must be a key: a field key_id and a field secret."""
    vault.store.put(AT, held)
    assert reason in complaint()


@pytest.mark.parametrize(
    ("variable", "text", "reason"),
    [
        ("ADDRESS", "http://vault.example.com:8200", "only https:// leaves this machine"),
        ("ADDRESS", "vault.example.com:8200", "want https"),
        ("ADDRESS", "https://user@vault.example.com", "want https"),
        ("PATH", "arbbot/{mode}", r"wants \{role\} in it"),
        ("PATH", "arbbot/{role}/{account}", r"takes \{mode\} and no other word"),
        ("PATH", "/arbbot/{role}", "match pattern"),
        ("TOKEN_FILE", "token", "token is given too"),
        ("ROLE_ID", ROLE, r"keys__vault__role_id: token is given too"),
        ("CA_FILE", "none.pem", "no such file"),
    ],
)
def test_settings_of_vault_that_contradict(
    variable: str, text: str, reason: str, vault: VaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused before Vault is asked."""
    monkeypatch.setenv(f"ARBBOT_KEYS__VAULT__{variable}", text)
    with pytest.raises(SettingsError, match=f"(?i){reason}"):
        load()
    assert vault.asked == []


@pytest.mark.parametrize("name", ["token", "secret_id"])
def test_a_token_in_the_settings_file_is_refused(name: str, place: Path) -> None:
    """What opens Vault belongs there as little as the key itself."""
    (place / "settings.toml").write_text(f'[keys.vault]\n{name} = "{TOKEN}"')
    with pytest.raises(SettingsError, match=r"keys\.vault: token and secret id do not belong") as caught:
        load()
    assert TOKEN not in str(caught.value)


def test_without_the_extra(vault: VaultServer) -> None:
    """A program installed without hvac says which extra it wants."""
    code = "import sys; sys.modules['hvac'] = None; from arbbot.settings import load, read_keys; read_keys(load())"
    ended = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True,
        text=True, check=False, timeout=120,
    )  # fmt: skip
    assert "arbbot[vault]" in ended.stderr
    assert vault.asked == []
