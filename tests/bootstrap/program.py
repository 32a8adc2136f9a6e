"""The program as a process: a verb that ends, and a built-in exchange for it to talk to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def clean(variables: dict[str, str]) -> dict[str, str]:
    """An environment without any ARBBOT variable but these, and a page at any free port: several run at once."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("ARBBOT_")}
    return others | {"ARBBOT_DASHBOARD__PORT": "0"} | variables


@dataclass(frozen=True)
class Ended:
    """A finished process."""

    code: int
    out: str
    err: str


def arbbot(*words: str, **variables: str) -> Ended:
    """Run the program from the checkout with an otherwise clean ARBBOT environment."""
    done = subprocess.run(
        [sys.executable, "-m", "arbbot", *words],
        cwd=ROOT,
        env=clean(variables),
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@contextmanager
def exchange(*words: str) -> Iterator[dict[str, Any]]:
    """An exchange in a process of its own: its addresses."""
    with subprocess.Popen(
        [sys.executable, "-m", "arbbot", "exchange", "--port", "0", "--json", "--leash", *words],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()


def variables(venue: dict[str, Any], key: str, secret: str) -> dict[str, str]:
    """Settings by environment."""
    return {
        "ARBBOT_SANDBOX__REST_URL": venue["rest"],
        "ARBBOT_SANDBOX__WS_URL": venue["websocket"],
        "ARBBOT_KEYS__KEY_ID": key,
        "ARBBOT_KEYS__SECRET": secret,
    }
