"""Signing of requests and checking of signed replies, version 2 of the venue's scheme. Pure.

The string signed is, without separators: "BITSTAMP " key METHOD host path query content_type nonce timestamp "v2"
body; a reply is signed over nonce, timestamp, its Content-Type header and its raw body (official OpenAPI description,
2023 and 2026). The digest is HMAC-SHA256 under the secret, in hex.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass, field

FORM = "application/x-www-form-urlencoded"
"""Content type of bodies. A charset suffix is refused with API0019; with an empty body the header must be absent."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """An API key and its secret; neither shows in `repr`."""

    key: str = field(repr=False)
    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        for name, value in (("key", self.key), ("secret", self.secret)):
            if not value or not value.isascii() or not value.isalnum():
                raise ValueError(f"the API {name} must be non-empty ASCII letters and digits")


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """Headers of one request, and what its reply will be signed with."""

    headers: dict[str, str] = field(repr=False)
    nonce: str
    timestamp_ms: str
    signer: Signer
    """Holds its reply against the secret that signed it, whatever key is in use by then."""


def new_nonce() -> str:
    """36 lower-case characters in uuid form from 128 random bits; never repeats (uuid4 would cost three times more)."""
    raw = os.urandom(16).hex()  # noqa: TID251 - a nonce must never repeat, and decides nothing
    return f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}"


class Signer:
    """Signs for one key and host. The keyed HMAC state is made once and copied for each use."""

    __slots__ = ("_auth", "_keyed", "_start")

    def __init__(self, credentials: Credentials, host: str) -> None:
        """`host` without scheme or port, as the venue signs it."""
        self._keyed = hmac.new(credentials.secret.encode(), digestmod=hashlib.sha256)
        self._auth = f"BITSTAMP {credentials.key}"
        self._start = {method: f"{self._auth}{method}{host}" for method in ("GET", "POST")}

    def __repr__(self) -> str:
        return "Signer()"

    def sign(self, method: str, path: str, query: str, body: bytes, nonce: str, timestamp_ms: int) -> SignedRequest:
        """Headers for one request; `query` is signed as given (leave it empty: private calls are POST)."""
        content_type = FORM if body else ""
        stamp = str(timestamp_ms)
        keyed = self._keyed.copy()
        keyed.update(f"{self._start[method]}{path}{query}{content_type}{nonce}{stamp}v2".encode() + body)
        headers = {
            "X-Auth": self._auth,
            "X-Auth-Signature": keyed.hexdigest(),
            "X-Auth-Nonce": nonce,
            "X-Auth-Timestamp": stamp,
            "X-Auth-Version": "v2",
        }
        if body:
            headers["Content-Type"] = FORM
        return SignedRequest(headers, nonce, stamp, self)

    def verify(self, request: SignedRequest, content_type: str, body: bytes, signature: str) -> bool:
        """Whether a reply to `request` was signed with our secret; `body` raw, after content decoding."""
        keyed = self._keyed.copy()
        keyed.update(f"{request.nonce}{request.timestamp_ms}{content_type}".encode() + body)
        return hmac.compare_digest(keyed.hexdigest().encode(), signature.lower().encode("utf-8", "replace"))
