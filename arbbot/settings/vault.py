"""Keys out of HashiCorp Vault: one secret a role in its key-value store, read once when it is asked for.

hvac is an extra and speaks to Vault only; it is loaded where an address is set. What Vault answers is never repeated,
only what kind of answer it was: an error's text could hold anything.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from arbbot.settings.key_model import MODE_MARK, ROLE_MARK, VaultSettings
from arbbot.settings.secrets import CREDENTIALS, read_credential, read_secret_file, refused

if TYPE_CHECKING:
    import requests

FIELDS = ("key_id", "secret")
_WHY = {
    "InvalidRequest": "it does not take the login: role_id or secret_id is wrong, or used up",
    "Forbidden": "permission denied: the token has expired, or its policy does not let it read this",
    "RateLimitExceeded": "it is asked too often, or only a standby",
    "VaultNotInitialized": "it is not initialised",
    "VaultDown": "it is sealed, or down for maintenance",
}
"""By hvac's name of the HTTP status: 400, 403, 429, 501, 503."""


def read_pair(
    vault: VaultSettings, mode: str, role: str, environ: Mapping[str, str]
) -> tuple[str, SecretStr, SecretStr] | None:
    """(where it was, key id, secret) of a role; None where Vault holds nothing at the role's path.

    Raises SettingsError, code SECRET, where Vault cannot be asked or its answer is no key.
    """
    try:
        import hvac  # type: ignore[import-untyped]  # it ships no types
        import requests
    except ImportError:
        raise refused("keys.vault.address: want the package hvac, the extra arbbot[vault]") from None
    path = vault.path.replace(MODE_MARK, mode).replace(ROLE_MARK, role)
    place = f"{vault.address}: {vault.mount}/{path}"
    with requests.Session() as session:
        # Neither a proxy nor a CA bundle nor a password file of the environment comes between us and Vault.
        session.trust_env = False
        session.verify = True if vault.ca_file is None else str(vault.ca_file)
        # A redirect is not followed: it would take the token to whomever it names.
        client: Any = hvac.Client(
            vault.address, token="", timeout=float(vault.timeout_s), allow_redirects=False, session=session,
            namespace=vault.namespace,
        )  # fmt: skip
        try:
            logged_in = _let_in(client, vault, environ)
            try:
                answer = client.secrets.kv.v2.read_secret_version(
                    path, mount_point=vault.mount, raise_on_deleted_version=True
                )
            finally:
                if logged_in:
                    with suppress(hvac.exceptions.VaultError, requests.RequestException):
                        client.auth.token.revoke_self()
        except hvac.exceptions.InvalidPath as error:
            if error.errors:  # "no handler for route": a missing secret has none
                raise refused(f"keys.vault.mount: {place}: no store is mounted there") from None
            return None
        except hvac.exceptions.VaultError as error:
            why = _WHY.get(type(error).__name__, f"it answers with an error, {type(error).__name__}")
            raise refused(f"keys.vault: {place}: {why}") from None
        except requests.RequestException as error:
            raise refused(f"keys.vault.address: {place}: {_trouble(error)}") from None
    return (f"keys.vault: {place}", *_pair_in(answer, place))


def _let_in(client: Any, vault: VaultSettings, environ: Mapping[str, str]) -> bool:
    """Give the client a token; True where it was made for this and is to be revoked."""
    if vault.role_id is None:
        client.token = _held(vault.token, vault.token_file, "token", environ)
        return False
    secret_id = _held(vault.secret_id, vault.secret_id_file, "secret_id", environ)
    answer = client.auth.approle.login(vault.role_id, secret_id, use_token=False, mount_point=vault.approle_mount)
    token = _inside(answer, "auth", "client_token")
    if not isinstance(token, str):
        raise refused(f"keys.vault: {vault.address}: no answer of a Vault to the login")
    client.token = token
    return True


def _held(given: SecretStr | None, file: Path | None, name: str, environ: Mapping[str, str]) -> str:
    """A token or secret id, from the settings, the file they name, or systemd's credentials."""
    credentials = environ.get(CREDENTIALS)
    credential = Path(credentials) / f"vault_{name}" if credentials else None
    if given is not None:
        text = given.get_secret_value()
    elif file is not None:
        text = read_secret_file(f"keys.vault.{name}_file", file)
    elif credential is not None and os.path.lexists(credential):
        text = read_credential(credential)
    else:
        raise refused(
            f"keys.vault.{name}: missing; set ARBBOT_KEYS__VAULT__{name.upper()} in the environment or .env, or "
            f"keys.vault.{name}_file, or hand vault_{name} over as a systemd credential"
        )
    bare = text.strip()
    if not (bare.isascii() and bare.isprintable() and bare and " " not in bare):
        raise refused(f"keys.vault.{name}: want one word of ASCII")
    return bare


def _trouble(error: requests.RequestException) -> str:
    """Why there was no answer."""
    import requests

    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted; keys.vault.ca_file names another authority"
    if isinstance(error, requests.Timeout):
        return "no answer in time (keys.vault.timeout_s)"
    if isinstance(error, requests.ConnectionError):
        return "cannot be reached"
    return f"cannot be asked: {type(error).__name__}"


def _pair_in(answer: Any, place: str) -> tuple[SecretStr, SecretStr]:
    if not isinstance(answer, dict):
        raise refused(f"keys.vault.address: {place}: no answer of a Vault, or a redirect, which is not followed")
    found = [_inside(answer, "data", "data", name) for name in FIELDS]
    lacking = [name for name, text in zip(FIELDS, found, strict=True) if not isinstance(text, str) or not text]
    if lacking:
        raise refused(f"keys.vault.path: {place}: holds no text {' and no '.join(lacking)}")
    return (SecretStr(str(found[0])), SecretStr(str(found[1])))


def _inside(answer: Any, *steps: str) -> Any:
    """What lies in nested objects; None where one is missing."""
    for step in steps:
        answer = answer.get(step) if isinstance(answer, dict) else None
    return answer
