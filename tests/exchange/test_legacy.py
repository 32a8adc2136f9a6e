"""Credentials in the body and the paths of the first API version, as older clients send them."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from arbbot.exchange.server.wire import HttpRequest, Reply

if TYPE_CHECKING:
    from tests.exchange.conftest import Bench

Maker = Callable[..., "Bench"]
NONCE = "1767225600000"


def _send(bench: Bench, path: str, method: str = "POST", **form: str) -> Reply:
    headers = {"host": "www.bitstamp.net", "content-type": "application/x-www-form-urlencoded"} if form else {}
    request = HttpRequest(method, path, "", headers, urlencode(form).encode(), "127.0.0.1")
    return bench.api.answer(request, bench.now_us, bench.now_us)


def _credentials(bench: Bench, nonce: str, customer: str | None = None) -> dict[str, str]:
    text = nonce + (customer or str(bench.account.user_id)) + "Key"
    return {"key": "Key", "nonce": nonce, "signature": hmac.new(b"Secret", text.encode(), "sha256").hexdigest().upper()}


def _old(bench: Bench, path: str, nonce: int, **form: str) -> Any:
    reply = _send(bench, path, **form, **_credentials(bench, str(nonce)))
    assert reply.status == 200, reply
    return json.loads(reply.body)


def test_credentials_in_the_body_serve_on_every_private_path(bench: Maker) -> None:
    """A client of the older kind reads its balance, trades, looks its order up and cancels it."""
    here = bench()
    assert _old(here, "/api/v2/balance/btcusd/", 1)["btc_available"] == "2.00000000"
    placed = _old(here, "/api/v2/buy/btcusd/", 2, amount="0.5", price="19000")
    listed = _old(here, "/api/v2/open_orders/all//", 3)
    assert [order["id"] for order in listed] == [placed["id"]]
    assert _old(here, "/api/v2/cancel_order/", 4, id=placed["id"])["status"] == "Canceled"
    assert _old(here, "/api/v2/order_status/", 5, id=placed["id"])["status"] == "Canceled"


def test_paths_of_the_first_version_mean_btcusd_and_answer_in_its_shapes(bench: Maker) -> None:
    """Cancels answer with a bare true, refusals under `error`, and an address is a bare string."""
    here = bench()
    public = json.loads(_send(here, "/api/order_book/", "GET").body)
    assert public["bids"][0] == ["19999.00", "1.00000000"]
    assert set(json.loads(_send(here, "/api/eur_usd/", "GET").body)) == {"sell", "buy"}
    placed = _old(here, "/api/sell/", 1, amount="0.5", price="21000")
    assert _old(here, "/api/order_status/", 2, id=placed["id"])["market"] == "BTC/USD"
    assert [order["id"] for order in _old(here, "/api/open_orders/", 3)] == [placed["id"]]
    assert _old(here, "/api/cancel_order/", 4, id=placed["id"]) is True
    assert _old(here, "/api/cancel_all_orders/", 5) is True
    assert _old(here, "/api/cancel_order/", 6, id="1") == {"error": "Order not found."}
    refused = _old(here, "/api/sell/", 7, amount="50", price="21000")
    assert refused["error"]["__all__"][0].startswith("You have only 2 BTC available.")
    assert isinstance(_old(here, "/api/bitcoin_deposit_address/", 8), str)
    assert _old(here, "/api/unconfirmed_btc/", 9) == []
    assert _send(here, "/api/no_such_call/").status == 404


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"key": ""}, "API0000"),
        ({"nonce": ""}, "API0000"),
        ({"signature": ""}, "API0000"),
        ({"key": "A key"}, "API0011"),
        ({"key": "Other"}, "API0001"),
        ({"signature": "00"}, "API0005"),
        ({"signature": "é"}, "API0005"),
        ({"nonce": "2"}, "API0005"),
    ],
)
def test_wrong_credentials_have_their_codes(bench: Maker, changed: dict[str, str], code: str) -> None:
    """Each defect of the credentials in the body is answered with 403 and the documented code."""
    here = bench()
    reply = _send(here, "/api/v2/balance/", **(_credentials(here, NONCE) | changed))
    assert (reply.status, json.loads(reply.body)["code"]) == (403, code)


def test_a_nonce_in_the_body_serves_once_and_the_signature_names_the_customer(bench: Maker) -> None:
    """A second use of a nonce is API0004, a foreign customer id API0005, nothing at all API0000."""
    here = bench()
    assert _send(here, "/api/v2/balance/", **_credentials(here, NONCE)).status == 200
    for credentials, code in (
        (_credentials(here, NONCE), "API0004"),
        (_credentials(here, "7", customer="1"), "API0005"),
        ({}, "API0000"),
    ):
        assert json.loads(_send(here, "/api/v2/balance/", **credentials).body)["code"] == code
