"""What the answer to an order or a cancel proves. Pure.

A refusal is believed only from the allow-lists below, or when provably nothing was sent. Everything else is doubt:
server errors, pages instead of JSON, silence, cut or unsigned or mis-signed replies, codes not listed, and replies
that speak of another order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from arbbot.bitstamp import codec_order
from arbbot.bitstamp.causes import unreadable
from arbbot.bitstamp.reply import (
    RATE_LIMIT_CODES,
    Answer,
    NoReply,
    Reply,
    Seal,
    VenueError,
    error_in,
    is_rate_limited,
    parsed_body,
)
from arbbot.bitstamp.wire import JsonValue, Malformed, identity
from arbbot.domain.commands import CancelOrder
from arbbot.domain.events import CancelResult, OrderAcked, OrderRefused, OrderUnanswered
from arbbot.domain.order import OrderTerms

REFUSING_CODES = RATE_LIMIT_CODES | {
    "400.003",  # market trading disabled
    "400.004",  # parameter missing
    "400.005",  # amount missing
    "400.006",  # price missing
    "400.007",  # malformed request
    "400.008",  # malformed client order id
    "400.009",  # insufficient balance
    "400.018",  # GET parameters not allowed
    "400.020",  # below minimum order value
    "400.021",  # price out of range
    "400.022",  # expire_time missing
    "400.023",  # expire_time malformed
    "400.024",  # more than one optional parameter
    "400.025",  # limit_price with an optional parameter
    "400.026",  # malformed amount
    "400.031",  # expire_time must be none
    "400.032",  # expire_time must be in the future
    "400.033",  # expire_time must be none for this kind
    "400.037",  # order size too large
    "400.038",  # amount too large
    "400.039",  # above maximum order value
    "400.041",  # malformed price
    "400.046",  # amount too low
    "403.001",  # user not verified
    "403.002",  # lending account
    "403.003",  # collateral account
    "403.004",  # trading blocked
    "403.006",  # market type not allowed
    "404.003",  # no such currency pair
    "404.007",  # no such market
    "405.001",  # GET not allowed
    "410.001",  # endpoint gone
    "500.004",  # no sell orders
    "500.005",  # no buy orders
    "500.010",  # instant trading disabled
    "500.011",  # market trading disabled
    "500.015",  # market empty
}
"""Codes that say of an order that it was not taken. Not among them, on purpose: 400.001 and every other unknown,
400.019 (an order under our id exists), 500.012, .013 and .017 (matching engine), 500.016 (may be alive)."""

_NUMBER = r"-?[0-9.,eE+-]+"
REFUSING_TEXTS = re.compile(
    "|".join(
        (
            r"Missing amount and/or price POST parameters\.?",
            r"'.{0,60}': Enter a number\. Use \"\.\" as a decimal point\.",
            r"Enter a number\.",
            r"Ensure that there are no more than \d+ decimal places\.",
            r"Ensure that there are no more than \d+ digits in total\.",
            r"Ensure this value is (greater|less) than or equal to " + _NUMBER,
            r"Minimum order size is " + _NUMBER + r" [A-Z0-9]{2,12}\.",
            r"Price is more than \d+% (above|below) (the )?market price\.",
            r"You need " + _NUMBER + r" [A-Z0-9]{2,12} to open that order\. You have only .{1,200}",
            r"You have only " + _NUMBER + r" [A-Z0-9]{2,12} available\. Check your account balance for details\.",
            r"You can only (buy|sell) " + _NUMBER + r" [A-Z0-9]{2,12}\..{0,200}",
            r"Maximum market (buy|sell) amount at the moment is .{1,60} Please use limit order instead\.",
            r"No (buy|sell) orders for (currency pair '.{1,20}'|provided market)\.?",
            r"Both limit_price and daily_order cannot be set\.",
            r"Trading is currently unavailable for your account\.",
            r"Insufficient balance for provided user\.",
            r"Provided order size is lower than minimum order value\.",
            r"Provided price is out of range\.",
            r"POST parameter\(s\) is malformed: (amount|price)\.",
        )
    )
)
"""Reasons of order entry that say the same without a code. `Order could not be placed.` is not among them: nobody
knows what the engine did."""

NONCE_CODE = "API0004"
"""`Invalid nonce`: the nonce was seen before, so the same request may have been taken; doubt, unlike other API00xx."""

TIMED_OUT_CODE = "500.016"
CANCEL_REFUSING_CODES = RATE_LIMIT_CODES | {"400.004", "400.007", "400.014", "400.015", "400.016", "400.017", "405.001"}
CANCEL_REFUSING_TEXTS = re.compile(r"Missing id POST param\.?|Invalid order id\.?")


def placement(
    terms: OrderTerms, answer: Answer, require_signed_errors: bool = False
) -> OrderAcked | OrderRefused | OrderUnanswered:
    """The one event that answers a placement."""
    event = _placement(terms, answer, require_signed_errors)
    if _told_to_wait(answer) and not isinstance(event, OrderAcked):
        return replace(event, rate_limited=True)
    return event


def _placement(
    terms: OrderTerms, answer: Answer, require_signed_errors: bool
) -> OrderAcked | OrderRefused | OrderUnanswered:
    own = terms.client_order_id
    if isinstance(answer, NoReply):
        if answer.sent:
            return OrderUnanswered(own, answer.reason)
        return OrderRefused(own, "local_rate_limit" if answer.rate_limited else "not_sent", answer.reason)
    try:
        parsed = _believable(answer)
        error = error_in(answer, parsed)
        if error is None:
            return _acked(terms, answer, parsed)
    except Malformed as fault:
        return OrderUnanswered(own, unreadable(answer.status, fault))
    named = _named_order(error)
    if _unsigned(answer, require_signed_errors):
        return OrderUnanswered(own, f"unsigned: {error}", named, error.is_auth)
    if answer.status < 500 and _refuses(error, REFUSING_CODES, REFUSING_TEXTS):
        return OrderRefused(own, error.code or "text", str(error), error.is_auth)
    return OrderUnanswered(own, f"HTTP {answer.status}: {error}", named, error.is_auth)


def cancellation(command: CancelOrder, answer: Answer, require_signed_errors: bool = False) -> CancelResult:
    """The one event that answers a cancel."""
    return _cancellation(command, answer, require_signed_errors)._replace(rate_limited=_told_to_wait(answer))


def _told_to_wait(answer: Answer) -> bool:
    """Whether the venue, or our own budget, said slower."""
    return answer.rate_limited if isinstance(answer, NoReply) else is_rate_limited(answer)


def _cancellation(command: CancelOrder, answer: Answer, require_signed_errors: bool) -> CancelResult:
    own = command.client_order_id
    if isinstance(answer, NoReply):
        return CancelResult(own, "unanswered" if answer.sent else "refused", answer.reason)
    try:
        parsed = _believable(answer)
        error = error_in(answer, parsed)
        if error is None:
            return _cancelled(command, answer, parsed)
    except Malformed as fault:
        return CancelResult(own, "unanswered", unreadable(answer.status, fault))
    if _unsigned(answer, require_signed_errors):
        return CancelResult(own, "unanswered", f"unsigned: {error}", error.is_auth)
    if answer.status < 500 and error.is_order_not_found:
        return CancelResult(own, "not_found", str(error))
    if answer.status < 500 and _refuses(error, CANCEL_REFUSING_CODES, CANCEL_REFUSING_TEXTS):
        return CancelResult(own, "refused", str(error), error.is_auth)
    return CancelResult(own, "unanswered", f"HTTP {answer.status}: {error}", error.is_auth)


def _believable(reply: Reply) -> JsonValue:
    """The parsed body of a reply that is not mis-signed. Raises Malformed."""
    if reply.seal is Seal.WRONG:
        raise Malformed("wrong signature")
    parsed = parsed_body(reply)
    if not isinstance(parsed, Mapping):
        raise Malformed("not a JSON object")
    return parsed


def _unsigned(reply: Reply, require_signed_errors: bool) -> bool:
    return require_signed_errors and reply.seal is not Seal.VALID


def _refuses(error: VenueError, codes: frozenset[str], texts: re.Pattern[str]) -> bool:
    """Whether an error is on the allow-list: its code where it has one, else every single one of its texts."""
    if error.code is not None:
        return error.code in codes or (error.is_auth and error.code != NONCE_CODE)
    return error.reasoned and bool(error.texts) and all(texts.fullmatch(text) for text in error.texts)


def _named_order(error: VenueError) -> int | None:
    """The order id beside code 500.016: placed but not confirmed in time."""
    if error.code != TIMED_OUT_CODE:
        return None
    try:
        return identity(error.order_id, "order_id")
    except Malformed:
        return None


def _acked(terms: OrderTerms, reply: Reply, parsed: JsonValue) -> OrderAcked:
    """A signed success about exactly this order. Raises Malformed.

    The price is not compared: for market orders it is a placeholder or the fill price, which the documentation
    leaves open.
    """
    _demand_success(reply)
    word = codec_order.placed(parsed)
    if word.market not in (None, terms.market):
        raise Malformed(f"reply is about market {word.market}")
    if word.side not in (None, terms.side):
        raise Malformed(f"reply is about a {word.side} order")
    if word.size is not None and word.size != terms.size:
        raise Malformed(f"reply is about an order of {word.size}")
    if word.client_order_id not in (None, terms.client_order_id):
        raise Malformed("reply is about another client order id")
    return OrderAcked(terms.client_order_id, word.venue_order_id)


def _cancelled(command: CancelOrder, reply: Reply, parsed: JsonValue) -> CancelResult:
    """A signed success about exactly this cancel. Raises Malformed."""
    _demand_success(reply)
    word = codec_order.cancelled(parsed)
    if command.venue_order_id not in (None, word.venue_order_id):
        raise Malformed("reply is about another order")
    if word.client_order_id not in (None, command.client_order_id):
        raise Malformed("reply is about another client order id")
    if word.market not in (None, command.market):
        raise Malformed(f"reply is about market {word.market}")
    status = (word.status or "Canceled").lower()
    if status in ("canceled", "cancelled"):
        return CancelResult(command.client_order_id, "canceled", "")
    if status == "cancel pending":
        return CancelResult(command.client_order_id, "pending", "")
    raise Malformed("cancel with a status we do not know")


def _demand_success(reply: Reply) -> None:
    if not 200 <= reply.status < 300:
        raise Malformed("not a success")
    if reply.seal is not Seal.VALID:
        raise Malformed("success without a signature")
