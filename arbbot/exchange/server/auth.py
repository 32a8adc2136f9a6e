"""Check of the v2 authentication headers or of the older credentials in the body, and the signature of replies.

The signed text is "BITSTAMP " + key, METHOD, host, path, query, content type, nonce, timestamp, "v2"
and body, without separators; HMAC-SHA256 with the secret, in hex of either case. The order in which
the real venue makes these checks is unknown.
"""

from __future__ import annotations

import hmac
import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl

from arbbot.exchange.accounts import ApiKey
from arbbot.exchange.server.wire import HttpRequest

FORM_TYPE = "application/x-www-form-urlencoded"
WINDOW_US = 150_000_000
PUBLIC_HOSTS = ("www.bitstamp.net", "sandbox.bitstamp.net", "www.sandbox.bitstamp.net")
LONGEST_URL = 2000
REASONS = {
    "API0000": "Missing key, signature and nonce parameters",
    "API0001": "API key not found",
    "API0002": "IP address not allowed",
    "API0003": "No permission found",
    "API0004": "Invalid nonce",
    "API0005": "Invalid signature",
    "API0006": "Your account is frozen",
    "API0008": "Authentication failed",
    "API0010": "Invalid version",
    "API0011": "Wrong API key format",
    "API0012": "X-Auth header is required",
    "API0013": "X-Auth-Signature header is required",
    "API0014": "X-Auth-Nonce header is required",
    "API0015": "X-Auth-Timestamp header is required",
    "API0016": "X-Auth-Version header is required",
    "API0017": "X-Auth-Timestamp header is out of boundaries",
    "API0018": "X-Auth-Timestamp header is invalid",
    "API0019": "Content-Type header is not accepted",
    "API0020": "Content-Type header should not be present",
    "API0021": "Query string too long",
}


class AuthError(Exception):
    """The caller could not be authenticated; `code` is one of REASONS."""

    def __init__(self, code: str) -> None:
        """Hold the code."""
        super().__init__(REASONS[code])
        self.code = code


def hex_digest(secret: str, text: bytes) -> str:
    """Return the lower-case hex HMAC-SHA256 of `text`."""
    return hmac.new(secret.encode(), text, "sha256").hexdigest()


def sign_reply(secret: str, headers: Mapping[str, str], content_type: str, body: bytes) -> str:
    """Return the reply signature over the request's nonce and timestamp, content type and body."""
    head = headers.get("x-auth-nonce", "") + headers.get("x-auth-timestamp", "") + content_type
    return hex_digest(secret, head.encode() + body)


def _hosts(addressed: str) -> Iterator[str]:
    """Host spellings a client may have signed.

    Clients made for the real venue strip "https://" from their address, so on a plain-HTTP address
    "http://" stays in what they sign.
    """
    bare = addressed.rsplit(":", 1)[0] if ":" in addressed else addressed
    yield from (addressed, bare, *PUBLIC_HOSTS)
    yield from (scheme + host for scheme in ("http://", "https://") for host in (addressed, bare))


class Authenticator:
    """Knows the keys and the nonces of the last 150 s."""

    def __init__(self, keys: Mapping[str, ApiKey]) -> None:
        """Share the venue's key table."""
        self._keys = keys
        self._nonces: OrderedDict[tuple[str, str], int] = OrderedDict()

    def check(self, request: HttpRequest, wall_us: int, market_us: int) -> ApiKey:
        """Return the caller's key; raises AuthError. The timestamp may follow the wall or the market."""
        headers = request.headers
        if not any(name.startswith("x-auth") for name in headers):
            return self._check_form(request, wall_us)
        if headers.get("x-auth-version") is None:
            raise AuthError("API0016")
        if headers["x-auth-version"] != "v2":
            raise AuthError("API0010")
        key = self._find_key(headers.get("x-auth"))
        for name, code in (("signature", "API0013"), ("nonce", "API0014"), ("timestamp", "API0015")):
            if not headers.get("x-auth-" + name):
                raise AuthError(code)
        self._check_address(key, request.peer)
        self._check_time(headers["x-auth-timestamp"], wall_us, market_us)
        self._check_nonce(key.key, headers["x-auth-nonce"], wall_us)
        self._check_content_type(headers.get("content-type", ""), request.body)
        if len(request.path) + len(request.query) > LONGEST_URL:
            raise AuthError("API0021")
        signature = headers["x-auth-signature"].lower()
        if not any(hmac.compare_digest(signature, known) for known in _signatures(key, request)):
            raise AuthError("API0005")
        return key

    def _check_form(self, request: HttpRequest, wall_us: int) -> ApiKey:
        """Check the deprecated credentials of the body: key, nonce and signature, of nonce + customer id + key.

        The venue asked for a nonce that grows with every call; here it must only be new, so that clients
        that count in different units can share a key.
        """
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        if not all(form.get(name) for name in ("key", "signature", "nonce")):
            raise AuthError("API0000")
        key = self._look_up(form["key"])
        self._check_address(key, request.peer)
        self._use_nonce(key.key, form["nonce"], wall_us)
        expected = hex_digest(key.secret, f"{form['nonce']}{key.user_id}{key.key}".encode())
        if not hmac.compare_digest(form["signature"].lower().encode(), expected.encode()):
            raise AuthError("API0005")
        return key

    def _check_address(self, key: ApiKey, peer: str) -> None:
        if key.allowed_ips and peer not in key.allowed_ips:
            raise AuthError("API0002")

    def _find_key(self, header: str | None) -> ApiKey:
        if not header:
            raise AuthError("API0012")
        scheme, _, name = header.partition(" ")
        if scheme != "BITSTAMP":
            raise AuthError("API0011")
        return self._look_up(name)

    def _look_up(self, name: str) -> ApiKey:
        if not re.fullmatch(r"[0-9A-Za-z_-]+", name):
            raise AuthError("API0011")
        key = self._keys.get(name)
        if key is None:
            raise AuthError("API0001")
        return key

    def _check_time(self, text: str, wall_us: int, market_us: int) -> None:
        if not re.fullmatch(r"[0-9]{1,16}", text):
            raise AuthError("API0018")
        if min(abs(int(text) * 1000 - wall_us), abs(int(text) * 1000 - market_us)) > WINDOW_US:
            raise AuthError("API0017")

    def _check_nonce(self, key: str, nonce: str, wall_us: int) -> None:
        if len(nonce) != 36 or nonce != nonce.lower():
            raise AuthError("API0004")
        self._use_nonce(key, nonce, wall_us)

    def _use_nonce(self, key: str, nonce: str, wall_us: int) -> None:
        while self._nonces and next(iter(self._nonces.values())) < wall_us - WINDOW_US:
            self._nonces.popitem(last=False)
        if (key, nonce) in self._nonces:
            raise AuthError("API0004")
        self._nonces[key, nonce] = wall_us

    def _check_content_type(self, content_type: str, body: bytes) -> None:
        """A body needs exactly the form type; no body, no type (an empty header value counts as none)."""
        if body and content_type.lower() != FORM_TYPE:
            raise AuthError("API0019")
        if not body and content_type:
            raise AuthError("API0020")


def _signatures(key: ApiKey, request: HttpRequest) -> Iterator[str]:
    """Signatures accepted for the request: every host spelling, the query as is, with `?`, or left out."""
    headers = request.headers
    tail = headers.get("content-type", "") + headers["x-auth-nonce"] + headers["x-auth-timestamp"] + "v2"
    queries = ("", request.query, "?" + request.query) if request.query else ("",)
    for host in _hosts(headers.get("host", "")):
        for query in queries:
            head = f"BITSTAMP {key.key}{request.method}{host}{request.path}{query}{tail}"
            yield hex_digest(key.secret, head.encode() + request.body)
