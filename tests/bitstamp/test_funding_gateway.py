"""The treasury's gateway over real sockets: each call goes out once, and every answer is a value."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import orjson
import pytest

from arbbot.bitstamp.funding import FundingGateway
from arbbot.domain.funding import (
    DepositAddress,
    FundingDone,
    FundingInDoubt,
    FundingRefused,
    Transfer,
    Unread,
    Withdrawal,
    WithdrawalAccepted,
)
from tests.bitstamp.fake_rest import FakeRest, Say, fake_rest
from tests.bitstamp.test_rest import gateway_to

ASKED = Withdrawal("usdt", Decimal(100), "ethereum", "0x" + "a" * 40)
ROW = {"id": 5, "datetime": "2026-11-23 05:00:00", "type": 42, "currency": "USDT", "amount": "10", "status": 0}


@asynccontextmanager
async def treasury(said: Say) -> AsyncIterator[tuple[FundingGateway, FakeRest]]:
    """A funding gateway and the venue that says one thing to it."""
    async with fake_rest(lambda _: said) as (venue, url), gateway_to(url) as source:
        yield FundingGateway(source), venue


def _json(value: object) -> Say:
    return Say(orjson.dumps(value))


async def test_an_accepted_withdrawal_has_its_id() -> None:
    """Signed, once, with the fields of the call."""
    async with treasury(_json({"id": 17})) as (funding, venue):
        assert await funding.withdraw(ASKED) == WithdrawalAccepted(17)
    [heard] = venue.heard
    assert heard.target == "/api/v2/usdt_withdrawal/"
    assert heard.body == b"amount=100&address=0x" + b"a" * 40 + b"&network=ethereum"


@pytest.mark.parametrize(
    "said",
    [
        Say(b"", reset=True),
        Say(b'{"id": 17}', cut=3),
        Say(b'{"id": 17}', sign="wrong"),
        Say(b'{"id": 17}', sign="no"),
        Say(b"<html>", status=503, content_type="text/html"),
    ],
)
async def test_a_lost_reply_is_doubt_and_nothing_is_sent_again(said: Say) -> None:
    """The venue would take it a second time: what went out once stays at once, whatever came back."""
    async with treasury(said) as (funding, venue):
        assert isinstance(await funding.withdraw(ASKED), FundingInDoubt)
    assert len(venue.heard) == 1


async def test_what_cannot_be_asked_is_refused_unsent() -> None:
    """A currency that is none, a field of nobody: refused here, and the venue hears nothing."""
    async with treasury(_json({"id": 17})) as (funding, venue):
        odd = Withdrawal("usdt", Decimal(100), "ethereum", "0x", (("amount", "1"),))
        for outcome in (
            await funding.withdraw(odd),
            await funding.transfer(Transfer("btc", Decimal(0), True, None)),
        ):
            assert isinstance(outcome, FundingRefused)
            assert outcome.code == "not_sent"
        assert isinstance(await funding.deposit_address("../x"), Unread)
    assert venue.heard == []


async def test_a_venue_that_is_not_there_was_not_asked() -> None:
    """A connection that was never made is no doubt."""
    async with gateway_to("http://127.0.0.1:9") as source:
        assert isinstance(await FundingGateway(source).withdraw(ASKED), FundingRefused)


async def test_a_transfer_has_its_own_path() -> None:
    """And its own yes."""
    async with treasury(_json({"status": "ok"})) as (funding, venue):
        assert await funding.transfer(Transfer("btc", Decimal(1), True, "9")) == FundingDone()
    assert venue.heard[0].body == b"amount=1&currency=BTC&subAccount=9"


async def test_questions_are_answered_with_values() -> None:
    """Requests, one request, addresses, fees."""
    async with treasury(_json([ROW])) as (funding, _):
        [row] = await funding.withdrawal_requests()  # type: ignore[misc]  # a list, or this fails
        assert await funding.withdrawal_request(5) == row
        assert await funding.withdrawal_request(6) is None
    async with treasury(_json({"address": "0xa"})) as (funding, venue):
        assert await funding.deposit_address("usdt", "ethereum") == DepositAddress("0xa")
        assert venue.heard[0].body == b"network=ethereum"
    async with treasury(_json([])) as (funding, venue):
        assert (await funding.withdrawal_fees(), await funding.currencies()) == ((), ())
        assert [heard.method for heard in venue.heard] == ["POST", "GET"]
    async with treasury(_json({"deposits": []})) as (funding, _):
        assert not isinstance(await funding.crypto_moves(), Unread)


@pytest.mark.parametrize(
    ("said", "auth_lost", "limited"),
    [
        (Say(b'{"status": "error", "reason": "No permission found", "code": "API0003"}', status=403), True, False),
        (Say(b'{"error": "No permission found"}'), True, False),
        (Say(b'{"code": "API0001", "status": "error", "reason": "x"}', status=403, sign="wrong"), True, False),
        (Say(b'{"status": "error", "reason": "slow", "response_code": "400.002"}', status=400), False, True),
        (Say(b"<html>", status=403, content_type="text/html", sign="no"), False, True),
        (Say(b"[]", sign="no"), False, False),
        (Say(b"", reset=True), False, False),
    ],
)
async def test_an_unread_question_says_why(said: Say, auth_lost: bool, limited: bool) -> None:
    """A refused key, a rate limit, or nothing that can be believed: told apart."""
    async with treasury(said) as (funding, _):
        unread = await funding.withdrawal_requests()
    assert isinstance(unread, Unread)
    assert (unread.auth_lost, unread.rate_limited) == (auth_lost, limited)
