"""The treasury's gateway against the built-in exchange, over sockets: two codes that share nothing but the protocol."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

import aiohttp
import pytest

from arbbot.bitstamp.auth import Credentials
from arbbot.bitstamp.funding import FundingGateway
from arbbot.bitstamp.limiter import Limiter
from arbbot.bitstamp.rest import BitstampGateway, RestSettings
from arbbot.domain.funding import (
    CryptoMoves,
    FundingDone,
    FundingInDoubt,
    FundingRefused,
    RequestStatus,
    Transfer,
    Unread,
    Withdrawal,
    WithdrawalAccepted,
    WithdrawalRequest,
)
from arbbot.exchange.options import (
    DEMO_KEY,
    DEMO_SECRET,
    DEMO_SUB_KEY,
    DEMO_SUB_SECRET,
    DEMO_TREASURY_KEY,
    DEMO_TREASURY_SECRET,
    ExchangeOptions,
)
from arbbot.exchange.rules import VenueRules
from arbbot.exchange.serve import Addresses, serve
from arbbot.runtime.clock import SystemClock

ADDRESS = "0x" + "a" * 40
ASKED = Withdrawal("usdt", Decimal("250.5"), "ethereum", ADDRESS)
SPEED = 600.0
"""Market seconds a second: a request's life of two and a half minutes is a quarter of a second."""


@dataclass
class Rehearsal:
    """A treasury and its exchange."""

    at: Addresses
    funding: FundingGateway
    http: aiohttp.ClientSession

    async def control(self, action: str, **body: object) -> Any:
        """Pull a lever."""
        async with self.http.post(f"{self.at.control}/{action}", json=body) as reply:
            assert reply.status == 200, await reply.text()
            return await reply.json()

    async def requests(self) -> tuple[WithdrawalRequest, ...]:
        """The list, which must be readable."""
        rows = await self.funding.withdrawal_requests()
        assert not isinstance(rows, Unread)
        return rows

    async def until(self, status: RequestStatus) -> WithdrawalRequest:
        """The only request, once it is there."""
        async with asyncio.timeout(20):
            while True:
                [row] = await self.requests()
                if row.status is status:
                    return row
                await asyncio.sleep(0.02)

    async def held(self, currency: str, account: str = "demo") -> Decimal:
        """What the account owns by the exchange's own truth."""
        async with self.http.get(f"{self.at.control}/state?account={account}") as reply:
            state = await reply.json()
        return Decimal(state["accounts"][0]["balances"][currency]["total"])


@asynccontextmanager
async def rehearsal(
    *faults: str,
    rules: VenueRules | None = None,
    key: tuple[str, str] = (DEMO_TREASURY_KEY, DEMO_TREASURY_SECRET),
) -> AsyncIterator[Rehearsal]:
    """An exchange without a market process, and a treasury connected to it."""
    stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
    options = ExchangeOptions(still=True, speed=SPEED, rules=rules or VenueRules(), faults=faults)
    task = asyncio.create_task(serve(options, ready=ready.set_result, stop=stop))
    await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
    at: Addresses = ready.result()
    clock, limiter = SystemClock(1.0), Limiter(Random(1))
    try:
        async with (
            aiohttp.ClientSession() as http,
            BitstampGateway(RestSettings(at.rest), clock, limiter, credentials=Credentials(*key)) as source,
        ):
            yield Rehearsal(at, FundingGateway(source), http)
    finally:
        stop.set()
        await task


async def test_a_withdrawal_from_the_fee_to_the_chain() -> None:
    """Fee and minimum read from the venue, the request taken, followed to its end; the fee came on top."""
    async with rehearsal() as here:
        fees, listed = await here.funding.withdrawal_fees(), await here.funding.currencies()
        assert not isinstance(fees, Unread)
        assert not isinstance(listed, Unread)
        [fee] = [each.fee for each in fees if (each.currency, each.network) == ("usdt", "ethereum")]
        [usdt] = [each for each in listed if each.code == "usdt"]
        chain = usdt.network("ethereum")
        assert chain is not None
        assert chain.minimum is not None
        assert chain.minimum <= ASKED.size
        before = await here.held("usdt")
        taken = await here.funding.withdraw(ASKED)
        assert isinstance(taken, WithdrawalAccepted)
        done = await here.until(RequestStatus.FINISHED)
        assert (done.request_id, done.size, done.network, done.address) == (
            taken.request_id, ASKED.size, "ethereum", ADDRESS
        )  # fmt: skip
        assert await here.held("usdt") == before - ASKED.size - fee
        moves = await here.funding.crypto_moves()
        assert isinstance(moves, CryptoMoves)
        assert moves.withdrawals[0].transaction_id == done.transaction_id is not None


@pytest.mark.parametrize(
    ("fault", "taken"),
    [
        ("reply_lost:usdt_withdrawal:1", True),
        ("http_503:usdt_withdrawal:1,accepted=1", True),
        ("truncated:usdt_withdrawal:1", True),
        ("mis_signed:usdt_withdrawal:1", True),
        ("unsigned:usdt_withdrawal:1", True),
        ("request_lost:usdt_withdrawal:1", False),
        ("http_503:usdt_withdrawal:1", False),
        ("maintenance:usdt_withdrawal:1", False),
    ],
)
async def test_only_the_list_tells_what_a_lost_reply_meant(fault: str, taken: bool) -> None:
    """To the treasury all of them look alike: doubt. The venue's list has the request, or has it not."""
    async with rehearsal(fault) as here:
        assert isinstance(await here.funding.withdraw(ASKED), FundingInDoubt)
        rows = await here.requests()
        assert [row.size for row in rows] == ([ASKED.size] if taken else [])


@pytest.mark.parametrize(
    ("fault", "end", "comes_back"),
    [
        ("withdrawal_failed", RequestStatus.FAILED, True),
        ("withdrawal_canceled", RequestStatus.CANCELED, True),
        ("withdrawal_reversed", RequestStatus.REVERSED, True),
        ("withdrawal_stuck", RequestStatus.IN_PROCESS, False),
    ],
)
async def test_a_request_that_was_taken_may_end_otherwise(fault: str, end: RequestStatus, comes_back: bool) -> None:
    """Failed, canceled, reversed: the money is back, fee included. Stuck: it is away, and the request is pending."""
    async with rehearsal(f"{fault}:usdt_withdrawal:1") as here:
        before = await here.held("usdt")
        assert isinstance(await here.funding.withdraw(ASKED), WithdrawalAccepted)
        ended = await here.until(end)
        assert ended.status is not None
        assert (ended.status.is_returned, ended.status.is_pending) == (comes_back, not comes_back)
        assert (await here.held("usdt") == before) is comes_back


async def test_a_request_may_be_listed_late() -> None:
    """What the list does not have yet is not absent."""
    async with rehearsal("requests_late:withdrawal-requests:1,delay_s=600") as here:
        taken = await here.funding.withdraw(ASKED)
        assert isinstance(taken, WithdrawalAccepted)
        assert await here.requests() == ()
        assert [row.request_id for row in await here.requests()] == [taken.request_id]


@pytest.mark.parametrize("rules", [VenueRules(), VenueRules(reasoned_withdrawal_errors=True, coded_errors=True)])
@pytest.mark.parametrize(
    "asked",
    [
        Withdrawal("usdt", Decimal(5), "ethereum", ADDRESS),
        Withdrawal("usdt", Decimal("20.0000001"), "ethereum", ADDRESS),
        Withdrawal("usdt", Decimal(10**9), "ethereum", ADDRESS),
        Withdrawal("usdt", Decimal(20), "tron", "T" + "a" * 33),
        Withdrawal("usdt", Decimal(20), "ethereum", "0x1"),
        Withdrawal("usdt", Decimal(20), "ethereum", ADDRESS, (("vasp_uuid", "nobody"),)),
        Withdrawal("usdt", Decimal(20), "ethereum", ADDRESS, (("beneficiary_thirdparty", "True"),)),
    ],
)
async def test_what_the_venue_refuses_is_refused_and_no_doubt(asked: Withdrawal, rules: VenueRules) -> None:
    """Below the minimum, too fine, more than there is, wrong network, no address, travel rule: in either shape."""
    async with rehearsal(rules=rules) as here:
        assert isinstance(await here.funding.withdraw(asked), FundingRefused)
        assert await here.requests() == ()


async def test_keys_without_the_right_and_frozen_accounts_are_told() -> None:
    """A trading key may look and not withdraw; a frozen account is refused everything, with the code that says so."""
    async with rehearsal(key=(DEMO_KEY, DEMO_SECRET)) as here:
        assert await here.requests() == ()
        for outcome in (
            await here.funding.withdraw(ASKED),
            await here.funding.transfer(Transfer("btc", Decimal(1), False, "4848702")),
        ):
            assert isinstance(outcome, FundingRefused)
            assert (outcome.code, outcome.auth_lost) == ("API0003", True)
        await here.control("account", frozen=True)
        frozen = await here.funding.withdrawal_requests()
        assert isinstance(frozen, Unread)
        assert frozen.auth_lost
        assert "API0006: Your account is frozen" in frozen.reason


async def test_money_goes_to_the_sub_account_and_back() -> None:
    """From the main account by its key, back by the sub-account's own, which need not name itself."""
    async with rehearsal() as here:
        assert await here.funding.transfer(Transfer("usdt", Decimal(30), False, "4848702")) == FundingDone()
        assert await here.held("usdt", "demo-sub") == 30
        refused = await here.funding.transfer(Transfer("usdt", Decimal(30), False, "99"))
        assert isinstance(refused, FundingRefused)
        sub = Credentials(DEMO_SUB_KEY, DEMO_SUB_SECRET)
        async with BitstampGateway(
            RestSettings(here.at.rest), SystemClock(1.0), Limiter(Random(2)), credentials=sub
        ) as source:
            assert await FundingGateway(source).transfer(Transfer("usdt", Decimal(30), True, None)) == FundingDone()
        assert await here.held("usdt", "demo-sub") == 0


async def test_a_deposit_is_seen_before_it_is_credited() -> None:
    """Pending on its chain, to the very address the venue tells; then completed."""
    async with rehearsal() as here:
        seen = await here.control("deposit_crypto", currency="usdt", amount="70")
        address = await here.funding.deposit_address("usdt")
        assert not isinstance(address, Unread)
        assert address.address == seen["address"]
        assert await _deposits(here) == ["PENDING"]
        async with asyncio.timeout(20):
            while True:
                if await _deposits(here) == ["COMPLETED"]:
                    break
                await asyncio.sleep(0.02)
        assert await here.held("usdt") == Decimal(100_070)


async def _deposits(here: Rehearsal) -> list[str | None]:
    moves = await here.funding.crypto_moves()
    assert isinstance(moves, CryptoMoves)
    return [each.status for each in moves.deposits]
