"""The table of outcomes: what the answer to an order or a cancel proves."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbbot.bitstamp.outcome import REFUSING_CODES, cancellation, placement
from arbbot.bitstamp.reply import NoReply, Reply, Seal
from arbbot.domain.commands import CancelOrder
from arbbot.domain.events import CancelResult, OrderAcked, OrderRefused, OrderUnanswered
from arbbot.domain.market import Side
from arbbot.domain.order import OrderKind, OrderTerms, Purpose

TERMS = OrderTerms(
    "own-1", "h", Purpose.LEG, "btcusd", Side.SELL, OrderKind.LIMIT, Decimal("0.5"), Decimal("85000.00"), None
)
CANCEL = CancelOrder("own-1", 77, "btcusd")
TAKEN = {"id": "77", "market": "BTC/USD", "type": "1", "amount": "0.50000000", "client_order_id": "own-1"}
ALL_CODES = (
    [f"400.{number:03}" for number in range(1, 86)]
    + [f"403.{number:03}" for number in range(1, 11)]
    + [f"404.{number:03}" for number in range(1, 9)]
    + ["405.001", "410.001"]
    + [f"500.{number:03}" for number in range(1, 24)]
)


def said(parsed: Any, status: int = 200, seal: Seal = Seal.NONE) -> Reply:
    """A JSON reply."""
    return Reply(status, orjson.dumps(parsed), "application/json", seal)


def reasoned(reason: Any, **more: str) -> dict[str, Any]:
    """The venue's usual error object."""
    return {"status": "error", "reason": reason, **more}


@pytest.mark.parametrize(
    "parsed",
    [
        TAKEN,
        {**TAKEN, "id": 77},
        {**TAKEN, "type": 1},
        {**TAKEN, "amount": 0.5},
        {**TAKEN, "client_order_id": ""},
        {"id": "77"},
        {**TAKEN, "market": "btcusd", "future": {"field": [1]}},
    ],
)
def test_signed_words_about_our_order_acknowledge_it(parsed: dict[str, Any]) -> None:
    """Old and new forms of a signed success acknowledge the order under the venue's id."""
    assert placement(TERMS, said(parsed, seal=Seal.VALID)) == OrderAcked("own-1", 77)


@pytest.mark.parametrize(
    "reply",
    [
        said(TAKEN),
        said(TAKEN, seal=Seal.WRONG),
        said(TAKEN, 500, Seal.VALID),
        said(TAKEN, 302, Seal.VALID),
        said({**TAKEN, "market": "BTC/EUR"}, seal=Seal.VALID),
        said({**TAKEN, "type": "0"}, seal=Seal.VALID),
        said({**TAKEN, "amount": "0.50000001"}, seal=Seal.VALID),
        said({**TAKEN, "client_order_id": "own-2"}, seal=Seal.VALID),
        said({**TAKEN, "id": None}, seal=Seal.VALID),
        said({**TAKEN, "id": -5}, seal=Seal.VALID),
        said([TAKEN], seal=Seal.VALID),
        said({}, seal=Seal.VALID),
        said(None, seal=Seal.VALID),
        Reply(200, b"", None, Seal.VALID),
        Reply(200, orjson.dumps(TAKEN)[:-3], "application/json", Seal.VALID),
        Reply(200, b"<html>", "text/html"),
        Reply(403, b"<html>", "text/html"),
        Reply(429, b"<html>", "text/html"),
        Reply(503, b"<html>", "text/html"),
        said({"error": "Bitstamp.net is under scheduled maintenance. We'll be back soon."}),
        said({"error": "No permission found"}),
        said({"error": {"amount": ["Minimum order size is 10.0 USD."]}}),
        said({"message": "Unauthorized"}, 401),
        said(reasoned("Order could not be placed.")),
        said(reasoned("")),
        said(reasoned({"__all__": ["Minimum order size is 10.0 USD.", "Something new."]})),
        said(reasoned({"__all__": ["Minimum order size is 10.0 USD.", 5]})),
        said(reasoned("Minimum order size is 10.0 USD."), 502),
        said(reasoned("Minimum order size is 10.0 USD. But we took it.")),
        said(reasoned("Price is out of range.", response_code="999.999")),
        said(reasoned("Minimum order size is 10.0 USD."), seal=Seal.WRONG),
        said(reasoned("x", code="API9999"), 403),
        NoReply(True, "TimeoutError"),
    ],
)
def test_everything_else_is_doubt(reply: Reply | NoReply) -> None:
    """Unsigned, mis-signed, foreign, cut, server-side or unlisted: the order may exist."""
    assert isinstance(placement(TERMS, reply), OrderUnanswered)


@pytest.mark.parametrize(
    "reason",
    [
        "Missing amount and/or price POST parameters",
        {"amount": ["'x': Enter a number. Use \".\" as a decimal point."]},
        {"amount": ["Ensure that there are no more than 0 decimal places."], "__all__": [""]},
        "Ensure that there are no more than 7 digits in total.",
        {"__all__": ["Minimum order size is 5.0 EUR."]},
        "Price is more than 20% above market price.",
        "Price is more than 80% below the market price.",
        {
            "__all__": [
                "You need 85.01 USD to open that order. You have only 10.00 USD available. Check your account balance "
                "for details."
            ]
        },
        "You have only 0.00 BTC available. Check your account balance for details.",
        "You can only buy 10.0 BTC. Check your account balance for details.",
        "Maximum market sell amount at the moment is 3.2 BTC. Please use limit order instead.",
        "No sell orders for currency pair 'BTC/USD'",
        "Both limit_price and daily_order cannot be set.",
        "Trading is currently unavailable for your account.",
    ],
)
def test_listed_reasons_refuse(reason: Any) -> None:
    """Each known text of order entry refuses, as text or per field, with or without HTTP 400."""
    for status in (200, 400):
        assert isinstance(placement(TERMS, said(reasoned(reason), status)), OrderRefused)


@pytest.mark.parametrize("code", ALL_CODES)
def test_codes_refuse_exactly_where_listed(code: str) -> None:
    """A code decides before any text; codes off the list are doubt whatever the text says."""
    for key in ("response_code", "code"):
        event = placement(TERMS, said(reasoned("Minimum order size is 10.0 USD.", **{key: code}), 400))
        assert isinstance(event, OrderRefused if code in REFUSING_CODES else OrderUnanswered)
        assert not event.auth_lost


@pytest.mark.parametrize("code", ["400.001", "400.019", "500.003", "500.012", "500.013", "500.016", "500.017"])
def test_codes_that_prove_nothing_are_never_listed(code: str) -> None:
    """Unknowns, an id already taken, and the matching engine's troubles can all hide a live order."""
    assert code not in REFUSING_CODES


@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_placement_timed_out_inside_names_its_order(status: int) -> None:
    """Code 500.016 is doubt that carries the venue's order id, whether as number or text."""
    for order_id in (77, "77"):
        parsed = {**reasoned("timed out", response_code="500.016"), "order_id": order_id}
        event = placement(TERMS, said(parsed, status))
        assert isinstance(event, OrderUnanswered)
        assert event.venue_order_id == 77
    garbled = placement(TERMS, said({**reasoned("x", response_code="500.016"), "order_id": []}))
    assert isinstance(garbled, OrderUnanswered)
    assert garbled.venue_order_id is None


@pytest.mark.parametrize("code", [f"API00{number:02}" for number in (*range(1, 7), *range(8, 22))])
def test_authentication_errors_are_a_no_and_lose_auth(code: str) -> None:
    """API00xx says we were not let in; only a repeated nonce may mean that the first copy was."""
    event = placement(TERMS, said(reasoned("Invalid", code=code), 403))
    assert isinstance(event, OrderUnanswered if code == "API0004" else OrderRefused)
    assert event.auth_lost
    result = cancellation(CANCEL, said(reasoned("Invalid", code=code), 403))
    assert result.outcome == ("unanswered" if code == "API0004" else "refused")
    assert result.auth_lost


def test_a_time_stamp_refused_is_laid_to_the_clock() -> None:
    """API0017 says so in words: the key is as good as ever."""
    event = placement(TERMS, said(reasoned("X-Auth-Timestamp header is out of boundaries", code="API0017"), 403))
    assert isinstance(event, OrderRefused)
    assert event.reason == "API0017: our clock, not our key: X-Auth-Timestamp header is out of boundaries"


def test_unsigned_errors_by_the_setting() -> None:
    """Where errors must be signed, an unsigned no is doubt, and a signed one is a no."""
    error = reasoned("x", response_code="400.009")
    assert isinstance(placement(TERMS, said(error, 400), require_signed_errors=True), OrderUnanswered)
    assert isinstance(placement(TERMS, said(error, 400, Seal.VALID), require_signed_errors=True), OrderRefused)
    lost = placement(TERMS, said(reasoned("x", code="API0005"), 403), require_signed_errors=True)
    assert isinstance(lost, OrderUnanswered)
    assert lost.auth_lost
    assert cancellation(CANCEL, said(reasoned("Order not found"), 404), require_signed_errors=True).outcome == (
        "unanswered"
    )


def test_what_never_left_is_refused() -> None:
    """A connection never made, or our own budget, refuses; the code tells which."""
    unsent = placement(TERMS, NoReply(False, "ClientConnectorError"))
    assert isinstance(unsent, OrderRefused)
    assert unsent.code == "not_sent"
    limited = placement(TERMS, NoReply(False, "budget", rate_limited=True))
    assert isinstance(limited, OrderRefused)
    assert limited.code == "local_rate_limit"


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (said({"id": 77, "amount": 0.02, "price": 2100.4, "status": "Canceled"}, seal=Seal.VALID), "canceled"),
        (said({"id": "77", "amount": "0.02", "price": "2100.45"}, seal=Seal.VALID), "canceled"),
        (said({"id": 77, "status": "Cancel pending"}, seal=Seal.VALID), "pending"),
        (said({"id": 77, "status": "Surprise"}, seal=Seal.VALID), "unanswered"),
        (said({"id": 78}, seal=Seal.VALID), "unanswered"),
        (said({"id": 77, "market": "BTC/EUR"}, seal=Seal.VALID), "unanswered"),
        (said({"id": 77, "client_order_id": "other"}, seal=Seal.VALID), "unanswered"),
        (said({"id": 77}), "unanswered"),
        (said({"id": 77}, seal=Seal.WRONG), "unanswered"),
        (said(reasoned("Order not found")), "not_found"),
        (said(reasoned("Order not found."), 404), "not_found"),
        (said(reasoned("gone", response_code="404.002"), 400), "not_found"),
        (said({"error": "Order not found"}), "unanswered"),
        (said(reasoned("Order not found."), 503), "unanswered"),
        (said(reasoned("Invalid order id")), "refused"),
        (said(reasoned("Missing id POST param")), "refused"),
        (said(reasoned("limit", response_code="400.002"), 400), "refused"),
        (said(reasoned("Order cancellation failed due to internal error. Please try again.")), "unanswered"),
        (said(reasoned("x", response_code="500.019")), "unanswered"),
        (Reply(502, b"<html>"), "unanswered"),
        (Reply(403, b"<html>"), "unanswered"),
        (NoReply(True, "TimeoutError"), "unanswered"),
        (NoReply(False, "refused"), "refused"),
    ],
)  # fmt: skip
def test_cancels(reply: Reply | NoReply, outcome: str) -> None:
    """A cancel is done, pending, not found or refused only by an explicit word; else the order may still fill."""
    assert cancellation(CANCEL, reply).outcome == outcome


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner))
KEYS = st.sampled_from(["id", "market", "type", "amount", "status", "reason", "error", "code", "response_code",
                        "order_id", "client_order_id", "message"])  # fmt: skip
BODIES = st.one_of(
    st.binary(max_size=60),
    JSON.map(lambda value: orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_SUBCLASS) if storable(value) else b"?"),
    st.dictionaries(KEYS, JSON, max_size=6).map(lambda value: orjson.dumps(value) if storable(value) else b"{"),
)


def storable(value: object) -> bool:
    """Whether orjson can write this value (it refuses huge integers and lone surrogates)."""
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


@given(BODIES, st.sampled_from([200, 201, 302, 400, 403, 404, 429, 500, 503]), st.sampled_from(Seal), st.booleans())
def test_no_bytes_raise_and_none_acknowledge_without_a_seal(body: bytes, status: int, seal: Seal, strict: bool) -> None:
    """Whatever comes back, there is one event; only a validly signed 2xx can acknowledge or cancel."""
    reply = Reply(status, body, "application/json", seal)
    event = placement(TERMS, reply, strict)
    result = cancellation(CANCEL, reply, strict)
    assert isinstance(event, OrderAcked | OrderRefused | OrderUnanswered)
    assert isinstance(result, CancelResult)
    if seal is not Seal.VALID or status >= 300:
        assert not isinstance(event, OrderAcked)
        assert result.outcome not in ("canceled", "pending")
    if seal is Seal.WRONG or status >= 500:
        assert isinstance(event, OrderUnanswered)
        assert result.outcome == "unanswered"


@pytest.mark.parametrize(
    ("answer", "waits"),
    [
        (said(reasoned("slow down", code="400.002"), 400), True),
        (said(reasoned("slow down"), 429), True),
        (Reply(403, b"<html>blocked</html>", "text/html", Seal.NONE), True),
        (NoReply(False, "our own rate budget is used up", rate_limited=True), True),
        (NoReply(True, "timed out"), False),
        (said(reasoned("no", code="400.009"), 400), False),
    ],
)
def test_an_answer_that_says_slower_is_known_for_it(answer: Reply | NoReply, waits: bool) -> None:
    """Whatever becomes of the order or the cancel: evidence of how often we are told to wait."""
    placed = placement(TERMS, answer)
    assert isinstance(placed, OrderRefused | OrderUnanswered)
    assert placed.rate_limited is waits
    assert cancellation(CANCEL, answer).rate_limited is waits
