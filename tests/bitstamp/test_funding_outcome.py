"""What answers to withdrawals and transfers prove: taken, refused, or nobody knows."""

from __future__ import annotations

import orjson
import pytest

from arbbot.bitstamp import funding_outcome
from arbbot.bitstamp.reply import Answer, NoReply, Reply, Seal
from arbbot.domain.funding import FundingDone, FundingInDoubt, FundingRefused, WithdrawalAccepted
from tests.bitstamp.samples import of_kind


def said(body: object, status: int = 200, seal: Seal = Seal.VALID) -> Reply:
    """A reply with this JSON."""
    return Reply(status, orjson.dumps(body), "application/json", seal)


@pytest.mark.parametrize("body", [{"id": 17}, {"id": "17"}, {"withdrawal_id": 17}, {"id": 17, "new": [1]}])
def test_a_signed_id_is_an_accepted_withdrawal(body: object) -> None:
    """Crypto and bank withdrawals, old and new spelling, and fields nobody knows yet."""
    assert funding_outcome.withdrawal(said(body)) == WithdrawalAccepted(17)


@pytest.mark.parametrize(
    "body",
    [
        {"error": "Missing amount and/or address POST parameters"},
        {"error": {"amount": ["Ensure this value is greater than or equal to 10"]}},
        {"error": {"amount": ["You have only 5.00 USDT available. Check your account balance for details."]}},
        {"error": {"address": ["Ensure this value has at least 42 characters (it has 3)."]}},
        {"error": {"network": ["Invalid network selection"]}, "code": None},
        {"error": {"vasp_uuid": ["Vasp does not exist"], "contact_uuid": ["Contact does not exist"]}},
        {"error": "contact_uuid: You must set this field because contact_thirdparty=True"},
        {"error": "Not allowed to withdraw to specified USDT address"},
        {"error": "Your withdrawals are currently disabled"},
        {"error": {"iban": ["This field is required."]}},
        {"error": "No permission found"},
        {"status": "error", "reason": {"amount": ["Ensure this value is greater than or equal to 0.00006"]}},
        {"status": "error", "reason": "Whatever it says.", "response_code": "400.009"},
    ],
)
def test_documented_refusals_are_believed(body: object) -> None:
    """In either shape, by every one of their texts, or by their code."""
    assert isinstance(funding_outcome.withdrawal(said(body)), FundingRefused)


@pytest.mark.parametrize("code", ["API0001", "API0002", "API0003", "API0005", "API0006"])
def test_a_refused_key_is_told_apart(code: str) -> None:
    """Nothing was withdrawn, and the key is to be looked at."""
    outcome = funding_outcome.withdrawal(said({"status": "error", "reason": "no", "code": code}, 403))
    assert isinstance(outcome, FundingRefused)
    assert outcome.auth_lost


DOUBTS: list[Answer] = [
    NoReply(True, "TimeoutError"),
    Reply(200, b"", None, Seal.NONE),
    Reply(200, b"<html>", "text/html", Seal.NONE),
    Reply(503, b"<html>Incapsula", "text/html", Seal.NONE),
    Reply(403, b"<html>Error 15", "text/html", Seal.NONE),
    Reply(200, b'{"id": 1', "application/json", Seal.VALID),
    said({"id": 17}, seal=Seal.NONE),
    said({"id": 17}, seal=Seal.WRONG),
    said({"id": 0}),
    said({}),
    said([]),
    said({"id": 17}, 302),
    said({"error": "Bitstamp.net is under scheduled maintenance. We'll be back soon."}, 503),
    said({"error": "Bitstamp.net is under scheduled maintenance. We'll be back soon."}),
    said({"error": "Something nobody has seen"}),
    said({"error": {"amount": ["Ensure this value is greater than or equal to 10", "Something else"]}}),
    said({"error": {}}),
    said({"error": "Missing amount and/or address POST parameters"}, 500),
    said({"status": "error", "reason": "Invalid nonce", "code": "API0004"}, 403),
    said({"status": "error", "reason": "unknown", "response_code": "500.001"}),
]


@pytest.mark.parametrize("answer", DOUBTS)
def test_everything_else_is_doubt(answer: Answer) -> None:
    """Silence, pages, cut, unsigned or mis-signed replies, server errors, texts not listed, and a nonce seen before:
    the first request with it may have been taken.
    """
    assert isinstance(funding_outcome.withdrawal(answer), FundingInDoubt)
    assert isinstance(funding_outcome.transfer(answer), FundingInDoubt)


def test_what_was_never_sent_is_refused() -> None:
    """A connection that was never made, or our own rate budget: provably nothing happened."""
    assert funding_outcome.withdrawal(NoReply(False, "refused")) == FundingRefused("not_sent", "refused")
    limited = funding_outcome.withdrawal(NoReply(False, "budget", rate_limited=True))
    assert limited == FundingRefused("local_rate_limit", "budget")


def test_unsigned_errors_by_the_setting() -> None:
    """Whether the venue signs its errors is not documented: believed or not, as the setting has it."""
    error = said({"error": {"network": ["Invalid network selection"]}}, seal=Seal.NONE)
    assert isinstance(funding_outcome.withdrawal(error), FundingRefused)
    assert isinstance(funding_outcome.withdrawal(error, require_signed_errors=True), FundingInDoubt)


def test_a_transfer_has_its_own_yes() -> None:
    """`status: ok`, with or without the success code."""
    assert funding_outcome.transfer(said({"status": "ok"})) == FundingDone()
    assert funding_outcome.transfer(said({"status": "ok", "code": "API0000"})) == FundingDone()
    [missing] = of_kind("doc_example.POST /api/v2/transfer-to-main/")
    assert isinstance(funding_outcome.transfer(said(missing.payload)), FundingRefused)
