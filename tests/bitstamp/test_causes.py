"""Whoever reads a refusal is told what to mend, as far as the venue's words let it be known."""

from __future__ import annotations

import json

import pytest

from arbbot.bitstamp import outcome, rights
from arbbot.bitstamp.causes import CAUSES, unreadable
from arbbot.bitstamp.replies import Reading, interpret
from arbbot.bitstamp.reply import Answer, NoReply, Reply, Seal, VenueError
from arbbot.bitstamp.rights import Withdrawal
from arbbot.domain.commands import Ask, CancelOrder, Topic
from arbbot.domain.events import AskFailed

BALANCES = Ask(1, Topic.BALANCES)


def refusal(status: int, **body: object) -> Reply:
    """An error reply of the venue."""
    return Reply(status, json.dumps({"status": "error", **body}).encode())


def told(reply: Reply) -> AskFailed:
    """What a question makes of it."""
    event = interpret(BALANCES, [reply], Reading())
    assert isinstance(event, AskFailed)
    return event


@pytest.mark.parametrize(
    ("code", "reason", "words"),
    [
        ("API0002", "IP address not allowed", "not on the key's list of IP addresses"),
        ("API0003", "No permission found", "lacks the right for this call"),
        ("API0006", "Your account is frozen", "the account is frozen"),
        ("API0001", "API key not found", "revoked, is not activated yet"),
        ("API0005", "Invalid signature", "the secret is not this key's"),
    ],
)
def test_a_403_names_its_likely_cause(code: str, reason: str, words: str) -> None:
    """The venue's own words stay; the cause comes behind them."""
    event = told(refusal(403, code=code, reason=reason))
    assert event.auth_lost
    assert event.reason.startswith(f"{code}: {reason} (likely ")
    assert words in event.reason


def test_permission_by_its_text_alone() -> None:
    """Older forms of the refusal carry no code."""
    event = told(Reply(200, b'{"error": "No permission found"}'))
    assert event.auth_lost
    assert CAUSES["API0003"] in event.reason


@pytest.mark.parametrize("text", ["Not available in your region.", "Your country is not supported", "JURISDICTION"])
def test_a_region_that_is_not_served(text: str) -> None:
    """No code is documented for it: the words tell."""
    assert "does not serve the region" in told(refusal(403, reason=text)).reason


def test_a_page_before_the_api() -> None:
    """403 with HTML is the shield of the venue: address, region or rate; of a proxy's 502 nothing is known."""
    page = Reply(403, b"<html>Incapsula</html>", "text/html")
    assert "address or region is blocked, or asks too often" in told(page).reason
    assert told(page).rate_limited
    assert "for legal reasons" in told(Reply(451, b"<html/>", "text/html")).reason
    assert "likely" not in told(Reply(502, b"<html/>", "text/html")).reason
    cancelled = outcome.cancellation(CancelOrder("a", 1, "btcusd"), page)
    assert (cancelled.outcome, "likely" in cancelled.reason) == ("unanswered", True)


def test_other_errors_get_no_cause() -> None:
    """Nothing is guessed where nothing is known, nor of the clock, whose words say it already."""
    for error in (
        VenueError("400.020", ("Provided order size is lower than minimum order value.",)),
        VenueError(None, ("Order not found",)),
        VenueError("API0017", ("X-Auth-Timestamp header is out of boundaries",)),
    ):
        assert "likely" not in str(error)
    assert unreadable(500, "not JSON") == "HTTP 500: not JSON"


# --- the right to withdraw --------------------------------------------------------------------------------


def test_the_probe_names_neither_amount_nor_address() -> None:
    """What is sent to see the right could move nothing, whatever became of it."""
    request = rights.empty_withdrawal("btc")
    assert (request.method, request.path, request.query, request.body) == ("POST", "/api/v2/btc_withdrawal/", "", b"")
    assert request.private


@pytest.mark.parametrize(
    ("reply", "seen"),
    [
        (refusal(403, code="API0003", reason="No permission found"), Withdrawal.MAY_NOT),
        (Reply(200, b'{"error": "No permission found"}'), Withdrawal.MAY_NOT),
        (Reply(200, b'{"error": "Missing amount and/or address POST parameters."}'), Withdrawal.MAY),
        (
            refusal(200, reason="Missing amount and/or address POST parameters", response_code="400.004"),
            Withdrawal.MAY,
        ),
        (refusal(400, reason={"amount": ["Missing amount"]}), Withdrawal.MAY),
        (refusal(400, reason={"amount": ["This field is required."], "address": ["Required."]}), Withdrawal.MAY),
        (Reply(200, b'{"error": {"address": ["This field is required."]}}'), Withdrawal.MAY),
        (Reply(200, b'{"id": 1}', None, Seal.VALID), Withdrawal.MAY),
        (refusal(400, reason={"__all__": ["Withdrawals are closed."]}), Withdrawal.HIDDEN),
        (refusal(403, code="API0002", reason="IP address not allowed"), Withdrawal.HIDDEN),
        (refusal(403, code="API0006", reason="Your account is frozen"), Withdrawal.HIDDEN),
        (refusal(200, reason="Currency not found.", response_code="404.006"), Withdrawal.HIDDEN),
        (Reply(404, b""), Withdrawal.HIDDEN),
    ],
)
def test_what_shows_the_right_to_withdraw(reply: Reply, seen: Withdrawal) -> None:
    """Refused for permission: no right. Refused for what is missing, in whichever form: the right. Every other answer
    shows nothing.
    """
    assert rights.shows_withdrawal_right(reply) is seen


@pytest.mark.parametrize(
    "answer",
    [
        NoReply(True, "timeout"),
        NoReply(False, "our own rate budget is used up", rate_limited=True),
        refusal(400, reason="Request rejected due to exceeded rate limit.", response_code="400.002"),
        Reply(429, b""),
        Reply(403, b"<html/>"),
        Reply(503, b"<html/>"),
        refusal(503, reason="Maintenance"),
        Reply(200, b'{"id": 1}'),
        Reply(200, b"<html/>"),
        Reply(403, b'{"code": "API0003"}', None, Seal.WRONG),
    ],
)
def test_silence_is_no_answer_that_shows_nothing(answer: Answer) -> None:
    """A lost reply, a limit, an outage, a page, or what nobody signed: the question was not answered at all."""
    assert rights.shows_withdrawal_right(answer) is Withdrawal.SILENT
