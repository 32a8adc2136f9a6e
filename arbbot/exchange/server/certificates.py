"""TLS for loopback: a local certificate authority and a server certificate, written as PEM files."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme

NAMES = ("localhost", "127.0.0.1", "::1", "www.bitstamp.net", "ws.bitstamp.net", "sandbox.bitstamp.net")


def server_context(directory: Path) -> ssl.SSLContext:
    """Write `ca.pem`, `server.pem` and `server.key` to the directory and return a context that uses them.

    The authority is made anew each time and its key is kept nowhere. Clients trust `ca.pem`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    server = authority.issue_cert(*NAMES)
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    chain = b"".join(blob.bytes() for blob in server.cert_chain_pems)
    (directory / "server.pem").write_bytes(chain)
    key = directory / "server.key"
    key.touch(mode=0o600)
    key.write_bytes(server.private_key_pem.bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.configure_cert(context)
    return context
