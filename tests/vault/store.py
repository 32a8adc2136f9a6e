"""What the tests' Vault knows and decides, without a socket: secrets by version, tokens, AppRoles, the seal.

Shapes and texts of answers as HashiCorp documents them for the API of Vault 1.x (KV secrets engine version 2, AppRole
auth method, system backend).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

LOGIN_TTL_S = 1200.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON body; None for no body."""

    status: int
    body: dict[str, Any] | None = None


def refused(status: int, *texts: str) -> Answer:
    """An error as Vault spells it."""
    return Answer(status, {"errors": list(texts)})


@dataclass(slots=True)
class Token:
    """Who holds it may read below these paths of the mount, until it has expired or is revoked."""

    readable: tuple[str, ...]
    expires_s: float | None = None


@dataclass(slots=True)
class AppRole:
    """A role with one secret id, which may be good for a few logins only."""

    secret_id: str
    readable: tuple[str, ...]
    uses_left: int | None = None


@dataclass(slots=True)
class Store:
    """One mount of a key-value store, version 2, and who may read it."""

    mount: str = "secret"
    namespace: str | None = None
    sealed: bool = False
    tokens: dict[str, Token] = field(default_factory=dict)
    roles: dict[str, AppRole] = field(default_factory=dict)
    versions: dict[str, list[dict[str, Any] | None]] = field(default_factory=dict)
    """By path, the first version first; None for a deleted one."""

    def put(self, path: str, values: Mapping[str, Any]) -> None:
        """Write a new version."""
        self.versions.setdefault(path, []).append(dict(values))

    def delete(self, path: str) -> None:
        """Delete the newest version."""
        self.versions[path][-1] = None

    def answer(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: Mapping[str, Any],
        version: int | None,
        now_s: float,
    ) -> Answer:
        """Serve one request; `path` below /v1/, `headers` in lower case, `now_s` of any clock that only goes on."""
        if path == "sys/health":
            return Answer(503 if self.sealed else 200, {"initialized": True, "sealed": self.sealed, "standby": False})
        if self.sealed:
            return refused(503, "Vault is sealed")
        if headers.get("x-vault-namespace") != self.namespace:
            return refused(403, "permission denied")
        if (method, path) == ("POST", "auth/approle/login"):
            return self._login(body, now_s)
        name = headers.get("x-vault-token", "")
        token = self.tokens.get(name)
        if token is None or (token.expires_s is not None and now_s >= token.expires_s):
            return refused(403, "permission denied")
        if (method, path) == ("POST", "auth/token/revoke-self"):
            del self.tokens[name]
            return Answer(204)
        if method == "GET":
            return self._read(path, token, version)
        return refused(405, "unsupported operation")

    def _login(self, body: Mapping[str, Any], now_s: float) -> Answer:
        role = self.roles.get(str(body.get("role_id")))
        if role is None or role.secret_id != body.get("secret_id") or role.uses_left == 0:
            return refused(400, "invalid role or secret ID")
        if role.uses_left is not None:
            role.uses_left -= 1
        name = f"hvs.{secrets.token_urlsafe(24)}"
        self.tokens[name] = Token(role.readable, now_s + LOGIN_TTL_S)
        auth = {"client_token": name, "lease_duration": int(LOGIN_TTL_S), "renewable": True, "token_type": "service"}
        return Answer(200, _enveloped(None) | {"auth": auth})

    def _read(self, path: str, token: Token, version: int | None) -> Answer:
        mount, _, name = path.partition("/data/")
        if not any(name == each or name.startswith(f"{each}/") for each in token.readable):
            return refused(403, "1 error occurred:\n\t* permission denied\n\n")
        if mount != self.mount or not name:
            return refused(404, f'no handler for route "{path}". route entry not found.')
        kept = self.versions.get(name, [])
        number = version or len(kept)
        if not 1 <= number <= len(kept):
            return refused(404)
        values = kept[number - 1]
        stamp = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        about = {"created_time": stamp, "custom_metadata": None, "destroyed": False, "version": number}
        gone = {"deletion_time": stamp if values is None else ""}
        return Answer(404 if values is None else 200, _enveloped({"data": values, "metadata": about | gone}))


def _enveloped(inner: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "request_id": "5c6b1f0a-0000-4000-8000-000000000001",
        "lease_id": "",
        "renewable": False,
        "lease_duration": 0,
        "data": inner,
        "wrap_info": None,
        "warnings": None,
        "auth": None,
        "mount_type": "kv",
    }
