"""The tests' Vault answers as HashiCorp's documentation says, and can be started by a person."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.vault.store import AppRole, Store, Token

NOW_S = 1000.0


@pytest.fixture
def store() -> Store:
    """One secret with two versions, and a token that may read it."""
    store = Store(tokens={"hvs.held": Token(("app",))})
    store.put("app/one", {"key_id": "old"})
    store.put("app/one", {"key_id": "new"})
    return store


def read(store: Store, path: str, version: int | None = None, token: str = "hvs.held") -> tuple[int, dict[str, object]]:
    """Status and body of a read below the mount."""
    answer = store.answer("GET", f"secret/data/{path}", {"x-vault-token": token}, {}, version, NOW_S)
    return answer.status, answer.body or {}


def test_versions(store: Store) -> None:
    """The newest unless one is asked for; the shape of an answer is that of the documentation."""
    status, body = read(store, "app/one")
    inner = body["data"]
    assert isinstance(inner, dict)
    assert (status, inner["data"], inner["metadata"]["version"]) == (200, {"key_id": "new"}, 2)
    assert {"request_id", "lease_id", "renewable", "lease_duration", "data", "warnings", "auth"} <= set(body)
    assert read(store, "app/one", version=1)[1]["data"] != inner
    assert read(store, "app/one", version=3) == (404, {"errors": []})


def test_deleted_and_missing(store: Store) -> None:
    """Both are 404; only of a deleted version there is something to tell."""
    store.delete("app/one")
    status, body = read(store, "app/one")
    inner = body["data"]
    assert isinstance(inner, dict)
    assert (status, inner["data"]) == (404, None)
    assert inner["metadata"]["deletion_time"]
    assert read(store, "app/two") == (404, {"errors": []})


def test_who_may_read(store: Store) -> None:
    """A path is a boundary: `app` does not open `apple`; without a token, or with a late one, nothing opens."""
    store.put("apple/one", {})
    store.tokens["hvs.late"] = Token(("app",), expires_s=NOW_S)
    for path, token in (("apple/one", "hvs.held"), ("app/one", ""), ("app/one", "hvs.late")):
        assert read(store, path, token=token)[0] == 403


def test_a_login(store: Store) -> None:
    """A role and its secret id give a token of the role's rights, as often as the secret id is good for."""
    store.roles["r"] = AppRole("s", ("app",), uses_left=1)
    answers = [
        store.answer("POST", "auth/approle/login", {}, {"role_id": "r", "secret_id": each}, None, NOW_S)
        for each in ("wrong", "s", "s")
    ]
    assert [answer.status for answer in answers] == [400, 200, 400]
    assert answers[1].body is not None
    token = answers[1].body["auth"]["client_token"]
    assert read(store, "app/one", token=token)[0] == 200
    assert store.answer("POST", "auth/token/revoke-self", {"x-vault-token": token}, {}, None, NOW_S).status == 204
    assert read(store, "app/one", token=token)[0] == 403


def test_sealed(store: Store) -> None:
    """Nothing but its health can be asked then."""
    store.sealed = True
    assert read(store, "app/one") == (503, {"errors": ["Vault is sealed"]})
    health = store.answer("GET", "sys/health", {}, {}, None, NOW_S)
    assert health.body is not None
    assert (health.status, health.body["sealed"]) == (503, True)


def test_started_by_hand(tmp_path: Path) -> None:
    """`python -m tests.vault` prints what brings a program to it, and `arbbot` reads its key there."""
    command = [sys.executable, "-m", "tests.vault", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout is not None
            told = dict(re.findall(r"export (\w+)=(\S+)", "".join(program.stdout.readline() for _ in range(2))))
            address = told["ARBBOT_KEYS__VAULT__ADDRESS"]
            assert requests.get(f"{address}/v1/sys/health", timeout=10).json()["sealed"] is False
            code = "from arbbot.settings import load, read_keys; print(read_keys(load()).key_id)"
            environ = {**os.environ, **told, "PYTHONPATH": os.pathsep.join(sys.path)}
            ended = subprocess.run(
                [sys.executable, "-c", code], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True
            )
            assert ended.stdout.strip() == "DemoKey00000000000000000000000001"
        finally:
            program.terminate()
