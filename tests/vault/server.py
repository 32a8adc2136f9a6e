"""The tests' Vault on a socket of this machine, in threads of its own: the client that it serves blocks."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import trustme

from tests.vault.store import Answer, Store


class VaultServer(ThreadingHTTPServer):
    """Serves a store. What may go wrong between is a switch of its own."""

    daemon_threads = True

    def __init__(self, store: Store, port: int = 0, tls_dir: Path | None = None) -> None:
        """`tls_dir` is where the certificate of the authority is put, as ca.pem; None for plain HTTP."""
        super().__init__(("127.0.0.1", port), _Request)
        self.store = store
        self.silent = False
        """Take requests and never answer."""
        self.sent_away: str | None = None
        """Redirect every request to this address, as a standby does that forwards nothing."""
        self.page: bytes | None = None
        """Answer with this page of HTML, as something does that is no Vault."""
        self.asked: list[tuple[str, str]] = []
        """Method and path of every request."""
        self.closing = Event()
        scheme = "http"
        if tls_dir is not None:
            authority = trustme.CA()
            authority.cert_pem.write_to_path(str(tls_dir / "ca.pem"))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("127.0.0.1").configure_cert(context)
            self.socket = context.wrap_socket(self.socket, server_side=True)
            scheme = "https"
        self.address = f"{scheme}://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up, or distrusts our certificate, is no news."""


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: VaultServer

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it, and a token could be in it."""

    def _serve(self, method: str) -> None:
        server, parts = self.server, urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(parts.path).removeprefix("/v1/")
        server.asked.append((method, path))
        if server.silent:
            server.closing.wait()
            self.close_connection = True
            return
        if server.sent_away is not None:
            self._send(307, b"", {"Location": server.sent_away + self.path})
        elif server.page is not None:
            self._send(200, server.page, {"Content-Type": "text/html"})
        else:
            version = parse_qs(parts.query).get("version", [""])[0]
            headers = {name.lower(): text for name, text in self.headers.items()}
            given = json.loads(body) if body else {}
            found = server.store.answer(method, path, headers, given, int(version or 0) or None, time.monotonic())
            self._tell(found)

    def _tell(self, answer: Answer) -> None:
        text = b"" if answer.body is None else json.dumps(answer.body).encode()
        self._send(answer.status, text, {"Content-Type": "application/json"})

    def _send(self, status: int, text: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


@contextmanager
def serving(store: Store, tls_dir: Path | None = None) -> Iterator[VaultServer]:
    """A Vault for the length of a `with`."""
    server = VaultServer(store, tls_dir=tls_dir)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
