"""Authentication: the published vectors, and every way to get it wrong."""

from __future__ import annotations

import pytest

from arbbot.exchange.accounts import ApiKey, Permission
from arbbot.exchange.server.auth import Authenticator, AuthError, sign_reply
from arbbot.exchange.server.wire import HttpRequest

KEY, SECRET = "SimKey0000000000000000000000001", "SimSecret000000000000000000000002"
NONCE, STAMP_MS = "f93c979d-b00d-43a9-9b9c-fd4cd9547fa6", 1_767_225_600_000
FORM = "application/x-www-form-urlencoded"
KEYS = {KEY: ApiKey(KEY, SECRET, 1, frozenset(Permission))}
ORDER = "amount=0.00100000&price=85000.00&client_order_id=test-0001&fok_order=True"
VECTORS = [
    ("POST", "user_transactions/", "", "offset=1", "b22ea3ece046447c81b09b391a788c33f4a37cbea873a2cb2b87ad8b4b483641"),
    ("POST", "account_balances/", "", "", "60ead1d3888d6679fc4329da24ebaf59d6bf02e35b373e4624e6fd62deabe0b8"),
    ("POST", "buy/btcusd/", "", ORDER, "6226d8484581aaf42b087583360cce77717446a78e9b34b83910ecf015c6f073"),
    ("POST", "account_balances/", "", "foo=bar", "4b2b92d800acdf9c46fd101a6d158c7f594d408b81291e7992dfd3ed5f1d731d"),
    ("GET", "earn/transactions/", "limit=10", "", "2d878bee7fc80f3fa6405381e1c238426c8201e0648b2e4b796ab04989c5c6c6"),
    ("GET", "earn/transactions/", "limit=10", "", "9daa1c0adbc5659afae0afc7bd6317b4a739419f53854e4d2e4aa63da8a80b17"),
]


def _request(
    method: str,
    path: str,
    query: str,
    body: str,
    signature: str,
    *,
    host: str | None = "www.bitstamp.net",
    **changed: str | None,
) -> HttpRequest:
    headers = {
        "host": host or "",
        "x-auth": f"BITSTAMP {KEY}",
        "x-auth-signature": signature,
        "x-auth-nonce": NONCE,
        "x-auth-timestamp": str(STAMP_MS),
        "x-auth-version": "v2",
    } | ({"content-type": FORM} if body else {})
    for name, value in changed.items():
        header = name.replace("_", "-")
        headers.pop(header, None)
        if value is not None:
            headers[header] = value
    return HttpRequest(method, f"/api/v2/{path}", query, headers, body.encode(), "127.0.0.1")


def _check(request: HttpRequest, wall_us: int = STAMP_MS * 1000, market_us: int = 0) -> ApiKey:
    return Authenticator(KEYS).check(request, wall_us, market_us)


@pytest.mark.parametrize(("method", "path", "query", "body", "signature"), VECTORS)
@pytest.mark.parametrize("upper", [False, True])
def test_published_vectors_are_accepted(
    method: str, path: str, query: str, body: str, signature: str, upper: bool
) -> None:
    """Vectors that ccxt's and hummingbot's own code produce pass, in either case, with either query form."""
    given = signature.upper() if upper else signature
    assert _check(_request(method, path, query, body, given, host="127.0.0.1:8080")).user_id == 1


def test_the_reply_signature_matches_its_vector() -> None:
    """The signature covers nonce, timestamp, content type and raw body of a documented reply."""
    body = b'{"token": "siPaT4m6VGQCdsDCVbLBemiphHQs552e", "valid_sec": 60, "user_id": 4848701}'
    headers = {"x-auth-nonce": NONCE, "x-auth-timestamp": str(STAMP_MS)}
    expected = "17947153ea87856428d05650928a53bc25531dd5779a9e9521732bd14cdb5885"
    assert sign_reply(SECRET, headers, "application/json", body) == expected


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"x_auth_version": None}, "API0016"),
        ({"x_auth_version": "v1"}, "API0010"),
        ({"x_auth": None}, "API0012"),
        ({"x_auth": f"BITSTAMP  {KEY}"}, "API0011"),
        ({"x_auth": "BITSTAMP Other"}, "API0001"),
        ({"x_auth_signature": None}, "API0013"),
        ({"x_auth_nonce": None}, "API0014"),
        ({"x_auth_timestamp": None}, "API0015"),
        ({"x_auth_timestamp": "now"}, "API0018"),
        ({"x_auth_timestamp": str(STAMP_MS - 150_001)}, "API0017"),
        ({"x_auth_nonce": NONCE.upper()}, "API0004"),
        ({"content_type": FORM + "; charset=utf-8"}, "API0019"),
        ({"content_type": None}, "API0019"),
        ({"x_auth_signature": "00"}, "API0005"),
    ],
)
def test_every_wrong_header_has_its_code(changed: dict[str, str | None], code: str) -> None:
    """Each defect of the authentication headers is answered with the documented code."""
    method, path, query, body, signature = VECTORS[0]
    with pytest.raises(AuthError) as wrong:
        _check(_request(method, path, query, body, signature, **changed))
    assert wrong.value.code == code


def test_a_body_less_call_must_not_name_a_content_type() -> None:
    """A content type without a body is API0020; an empty header value, as one client sends, is fine."""
    method, path, query, body, signature = VECTORS[1]
    with pytest.raises(AuthError) as wrong:
        _check(_request(method, path, query, body, signature, content_type=FORM))
    assert wrong.value.code == "API0020"
    _check(_request(method, path, query, body, signature, content_type=""))


def test_a_nonce_serves_once_in_150_seconds() -> None:
    """A second use of a nonce is API0004; the timestamp may follow the market clock instead of the wall."""
    authenticator = Authenticator(KEYS)
    request = _request(*VECTORS[0])
    authenticator.check(request, STAMP_MS * 1000, 0)
    with pytest.raises(AuthError) as wrong:
        authenticator.check(request, STAMP_MS * 1000 + 149_000_000, STAMP_MS * 1000)
    assert wrong.value.code == "API0004"
    authenticator.check(request, STAMP_MS * 1000 + 151_000_000, STAMP_MS * 1000)
