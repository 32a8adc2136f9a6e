"""`python -m tests.vault`: a Vault on this machine that holds the built-in exchange's keys, until Ctrl-C.

It prints what brings a daemon to it. Nothing in it is worth anything, and nothing of it is kept.
"""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path

from arbbot.exchange.options import (
    DEMO_KEY,
    DEMO_PANIC_KEY,
    DEMO_PANIC_SECRET,
    DEMO_READ_KEY,
    DEMO_READ_SECRET,
    DEMO_SECRET,
)
from tests.vault.server import VaultServer
from tests.vault.store import AppRole, Store, Token

TOKEN = "hvs.demonstration-token"
ROLE_ID, SECRET_ID = "demonstration-role", "demonstration-secret-id"
KEYS = {
    "trading": (DEMO_KEY, DEMO_SECRET),
    "read_only": (DEMO_READ_KEY, DEMO_READ_SECRET),
    "panic": (DEMO_PANIC_KEY, DEMO_PANIC_SECRET),
}


def demonstration() -> Store:
    """The keys of `arbbot exchange`, one token and one AppRole that may read them."""
    readable = ("arbbot/sandbox",)
    store = Store(tokens={TOKEN: Token(readable)}, roles={ROLE_ID: AppRole(SECRET_ID, readable)})
    for role, (key, secret) in KEYS.items():
        store.put(f"arbbot/sandbox/{role}", {"key_id": key, "secret": secret})
    return store


def main() -> None:
    """Serve until it is interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.vault", description=__doc__)
    parser.add_argument("--port", type=int, default=8200, help="0 for any free one")
    parser.add_argument("--tls", type=Path, metavar="DIR", help="serve HTTPS, and put the authority's ca.pem there")
    parser.add_argument("--sealed", action="store_true", help="answer as a sealed Vault does")
    asked = parser.parse_args()
    if asked.tls is not None:
        asked.tls.mkdir(parents=True, exist_ok=True)
    server = VaultServer(demonstration(), asked.port, asked.tls)
    server.store.sealed = asked.sealed
    print(f"export ARBBOT_KEYS__VAULT__ADDRESS={server.address}")
    if asked.tls is not None:
        print(f"export ARBBOT_KEYS__VAULT__CA_FILE={asked.tls / 'ca.pem'}")
    print(f"export ARBBOT_KEYS__VAULT__TOKEN={TOKEN}")
    print(f"# or: ARBBOT_KEYS__VAULT__ROLE_ID={ROLE_ID} ARBBOT_KEYS__VAULT__SECRET_ID={SECRET_ID}", flush=True)
    with suppress(KeyboardInterrupt):
        server.serve_forever()


if __name__ == "__main__":
    main()
