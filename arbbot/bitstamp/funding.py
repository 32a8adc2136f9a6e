"""The money side of the venue for a treasury key: questions, withdrawals, transfers. Nothing is ever sent twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from arbbot.bitstamp import codec_funding, funding_outcome, funding_requests
from arbbot.bitstamp.replies import believed, claimed_refusal
from arbbot.bitstamp.reply import Answer, NoReply, VenueError, is_rate_limited
from arbbot.bitstamp.requests import CannotAsk, Request
from arbbot.bitstamp.rest import BitstampGateway
from arbbot.bitstamp.wire import JsonValue, Malformed
from arbbot.domain.funding import (
    CryptoMoves,
    Currency,
    DepositAddress,
    FundingOutcome,
    FundingRefused,
    Transfer,
    Unread,
    Withdrawal,
    WithdrawalFee,
    WithdrawalOutcome,
    WithdrawalRequest,
)

Read = TypeVar("Read")


class FundingGateway:
    """Over a REST gateway that has the treasury key and was entered. Every answer is a value; nothing here raises for
    what the venue says or does not say.
    """

    def __init__(self, source: BitstampGateway, *, require_signed_errors: bool = False) -> None:
        """`require_signed_errors`: an unsigned error proves nothing, as for orders."""
        self._source = source
        self._signed = require_signed_errors

    # --- what moves money: sent once, whatever comes back -------------------------------------------------------

    async def withdraw(self, asked: Withdrawal) -> WithdrawalOutcome:
        """Ask for a crypto withdrawal."""
        answer = await self._sent(lambda: funding_requests.withdraw(asked))
        return answer if isinstance(answer, FundingRefused) else funding_outcome.withdrawal(answer, self._signed)

    async def transfer(self, asked: Transfer) -> FundingOutcome:
        """Move money between main and sub-account."""
        answer = await self._sent(lambda: funding_requests.transfer(asked))
        return answer if isinstance(answer, FundingRefused) else funding_outcome.transfer(answer, self._signed)

    async def _sent(self, build: Callable[[], Request]) -> Answer | FundingRefused:
        try:
            return await self._source.fetch(build())
        except CannotAsk as fault:
            return FundingRefused("not_sent", str(fault))

    # --- questions ----------------------------------------------------------------------------------------------

    async def withdrawal_requests(self) -> tuple[WithdrawalRequest, ...] | Unread:
        """The newest thousand requests of the account, newest first by the venue's word."""
        return await self._read(funding_requests.withdrawal_requests(), codec_funding.withdrawal_requests)

    async def withdrawal_request(self, request_id: int) -> WithdrawalRequest | Unread | None:
        """One request by its id; None where the venue does not know it."""
        rows = await self._read(funding_requests.withdrawal_requests(request_id), codec_funding.withdrawal_requests)
        if isinstance(rows, Unread):
            return rows
        return next((row for row in rows if row.request_id == request_id), None)

    async def crypto_moves(self) -> CryptoMoves | Unread:
        """The newest crypto deposits and withdrawals."""
        return await self._read(funding_requests.crypto_moves(), codec_funding.crypto_moves)

    async def deposit_address(self, currency: str, network: str | None = None) -> DepositAddress | Unread:
        """The account's own address to send a currency to."""
        try:
            request = funding_requests.deposit_address(currency, network)
        except CannotAsk as fault:
            return Unread(str(fault))
        return await self._read(request, codec_funding.deposit_address)

    async def withdrawal_fees(self) -> tuple[WithdrawalFee, ...] | Unread:
        """What withdrawals cost, by currency and network."""
        return await self._read(funding_requests.withdrawal_fees(), codec_funding.withdrawal_fees)

    async def currencies(self) -> tuple[Currency, ...] | Unread:
        """All currencies with their networks, minimums and decimals."""
        return await self._read(funding_requests.currencies(), codec_funding.currencies)

    async def _read(self, request: Request, read: Callable[[JsonValue], Read]) -> Read | Unread:
        answer = await self._source.fetch(request)
        limited = answer.rate_limited if isinstance(answer, NoReply) else is_rate_limited(answer)
        try:
            word = believed(answer, private=request.private, require_signed_errors=self._signed)
            if isinstance(word, VenueError):
                return Unread(str(word), limited, word.is_auth)
            return read(word)
        except Malformed as fault:
            claim = claimed_refusal(answer) if request.private else None
            return Unread(str(fault) if claim is None else f"{claim} ({fault})", limited, claim is not None)
