"""Request and reply signatures."""

from __future__ import annotations

import re

import pytest

from arbbot.bitstamp.auth import Credentials, SignedRequest, Signer, new_nonce

KEY = "SimKey0000000000000000000000001"
SECRET = "SimSecret000000000000000000000002"
NONCE = "f93c979d-b00d-43a9-9b9c-fd4cd9547fa6"
STAMP = 1767225600000
SIGNER = Signer(Credentials(KEY, SECRET), "www.bitstamp.net")


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "signature"),
    [
        (
            "POST",
            "/api/v2/user_transactions/",
            "",
            b"offset=1",
            "b22ea3ece046447c81b09b391a788c33f4a37cbea873a2cb2b87ad8b4b483641",
        ),
        (
            "POST",
            "/api/v2/account_balances/",
            "",
            b"",
            "60ead1d3888d6679fc4329da24ebaf59d6bf02e35b373e4624e6fd62deabe0b8",
        ),
        (
            "POST",
            "/api/v2/buy/btcusd/",
            "",
            b"amount=0.00100000&price=85000.00&client_order_id=test-0001&fok_order=True",
            "6226d8484581aaf42b087583360cce77717446a78e9b34b83910ecf015c6f073",
        ),
        (
            "POST",
            "/api/v2/account_balances/",
            "",
            b"foo=bar",
            "4b2b92d800acdf9c46fd101a6d158c7f594d408b81291e7992dfd3ed5f1d731d",
        ),
        (
            "GET",
            "/api/v2/earn/transactions/",
            "limit=10",
            b"",
            "2d878bee7fc80f3fa6405381e1c238426c8201e0648b2e4b796ab04989c5c6c6",
        ),
        (
            "GET",
            "/api/v2/earn/transactions/",
            "?limit=10",
            b"",
            "9daa1c0adbc5659afae0afc7bd6317b4a739419f53854e4d2e4aa63da8a80b17",
        ),
    ],
    ids=["A", "B", "C", "D", "E1", "E2"],
)
def test_request_vectors(method: str, path: str, query: str, body: bytes, signature: str) -> None:
    """Requests are signed exactly as three independent clients sign them; no body means no content type."""
    signed = SIGNER.sign(method, path, query, body, NONCE, STAMP)
    assert signed.headers["X-Auth-Signature"] == signature
    assert signed.headers["X-Auth"] == f"BITSTAMP {KEY}"
    assert signed.headers["X-Auth-Version"] == "v2"
    assert signed.headers["X-Auth-Timestamp"] == str(STAMP)
    assert ("Content-Type" in signed.headers) == bool(body)


def test_reply_vector() -> None:
    """A reply's signature covers nonce, timestamp, its content type and every byte of its body."""
    request = SignedRequest({}, NONCE, str(STAMP), SIGNER)
    body = b'{"token": "siPaT4m6VGQCdsDCVbLBemiphHQs552e", "valid_sec": 60, "user_id": 4848701}'
    genuine = "17947153ea87856428d05650928a53bc25531dd5779a9e9521732bd14cdb5885"
    assert SIGNER.verify(request, "application/json", body, genuine)
    assert SIGNER.verify(request, "application/json", body, genuine.upper())
    assert not SIGNER.verify(request, "application/json; charset=utf-8", body, genuine)
    assert not SIGNER.verify(request, "application/json", body + b" ", genuine)
    assert not SIGNER.verify(request, "application/json", body, genuine[:-1] + "é")
    assert not SIGNER.verify(SignedRequest({}, new_nonce(), str(STAMP), SIGNER), "application/json", body, genuine)


def test_nonces_have_uuid_form_and_differ() -> None:
    """A nonce is 36 lower-case characters in uuid form, and never comes twice."""
    nonces = {new_nonce() for _ in range(2000)}
    assert len(nonces) == 2000
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", nonce) for nonce in nonces)


def test_secrets_do_not_show() -> None:
    """Neither key nor secret is seen in the repr of anything that holds them."""
    signed = SIGNER.sign("POST", "/api/v2/account_balances/", "", b"", NONCE, STAMP)
    shown = repr(Credentials(KEY, SECRET)) + repr(SIGNER) + repr(signed)
    assert KEY not in shown
    assert SECRET not in shown


@pytest.mark.parametrize(("key", "secret"), [("", "x"), ("x", ""), ("a b", "x"), ("x", "y\n"), ("ключ", "x")])
def test_credentials_with_stray_characters_are_refused(key: str, secret: str) -> None:
    """A stray space or line break in a key file is found before the venue answers `Wrong API key format`."""
    with pytest.raises(ValueError, match="must be non-empty ASCII"):
        Credentials(key, secret)
