"""`arbbot treasury`, the verbs that only look: where to send money to, what came in, what was asked to go out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from arbbot import screen
from arbbot.bitstamp.funding import FundingGateway
from arbbot.bitstamp.rest import BitstampGateway
from arbbot.bootstrap.wiring import Taps, follow_compressed, gateway
from arbbot.domain.events import Event, Moment
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.domain.funding import CryptoMove, Currency, Unread, WithdrawalRequest
from arbbot.runtime.clock import SystemClock
from arbbot.settings import KeyRole, Settings, read_keys
from arbbot.telemetry.utc import utc_text

Answer = TypeVar("Answer")
UNKNOWN_STATUS = "unknown"


@dataclass(frozen=True, slots=True)
class Treasury:
    """The venue with the treasury key, and the time there."""

    funding: FundingGateway
    source: BitstampGateway
    clock: SystemClock
    url: str

    async def asked(self, question: Awaitable[Answer | Unread]) -> Answer:
        """A question's answer. Raises Failure: AUTH where the key is refused, else VENUE."""
        answer = await question
        if isinstance(answer, Unread):
            code = ExitCode.AUTH if answer.auth_lost else ExitCode.VENUE
            raise Failure(code, f"{self.url}: {answer.reason}")
        return answer


@asynccontextmanager
async def treasury(settings: Settings) -> AsyncIterator[Treasury]:
    """Connect with the treasury key. Raises Failure where there is none, and in paper mode, which has no account."""
    keys = read_keys(settings, KeyRole.TREASURY)
    if keys is None:
        raise Failure(ExitCode.SETTINGS, "treasury: paper mode has no account at the venue; say --mode sandbox or live")
    clock = SystemClock(float(settings.speed))
    async with gateway(settings, keys, clock, _nobody, Taps()) as source:
        if settings.speed != 1:
            await follow_compressed(settings, clock)
        signed = settings.rest.require_signed_errors
        yield Treasury(FundingGateway(source, require_signed_errors=signed), source, clock, settings.venue.rest_url)


def _nobody(event: Event, at: Moment) -> None:
    """Nobody listens to the venue's clock here."""


def _looked(settings: Settings, look: Callable[[Treasury], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    async def run() -> dict[str, Any]:
        async with treasury(settings) as connected:
            return await look(connected)

    return asyncio.run(run())


# --- deposit address ----------------------------------------------------------------------------------------------


def deposit_address(settings: Settings, currency: str, network: str | None, as_json: bool) -> ExitCode:
    """Print where to send a currency to. Raises Failure, for a network that the venue does not take it on too."""
    screen.show(_looked(settings, lambda venue: _address(venue, currency, network)), as_json)
    return ExitCode.OK


async def _address(venue: Treasury, currency: str, wanted: str | None) -> dict[str, Any]:
    listed = await venue.asked(venue.funding.currencies())
    network = chosen_network(listed, currency, wanted)
    told = await venue.asked(venue.funding.deposit_address(currency, network))
    return {"currency": currency, "network": network, "address": told.address, **dict(told.extras)}


def chosen_network(listed: tuple[Currency, ...], currency: str, wanted: str | None) -> str:
    """The network to send on: the one that is named, or the only one. What goes out on another is lost, so nothing is
    guessed. Raises Failure (USAGE).
    """
    described = next((each for each in listed if each.code == currency), None)
    if described is None:
        raise Failure(ExitCode.USAGE, f"the venue has no currency {currency.upper()}")
    usable = [each.network for each in described.networks if each.deposit]
    told = ", ".join(usable) or "none"
    if wanted is not None and wanted not in usable:
        raise Failure(ExitCode.USAGE, f"the venue takes {currency.upper()} on {told}, not on {wanted}")
    if not usable:
        raise Failure(ExitCode.USAGE, f"the venue takes {currency.upper()} on no network")
    if wanted is None and len(usable) > 1:
        raise Failure(ExitCode.USAGE, f"the venue takes {currency.upper()} on {told}: say --network NAME")
    return wanted or usable[0]


# --- what moved ---------------------------------------------------------------------------------------------------


def withdrawals(settings: Settings, as_json: bool) -> ExitCode:
    """Print the account's withdrawal requests, newest first. Raises Failure."""
    screen.show(_looked(settings, _withdrawals), as_json, "withdrawals")
    return ExitCode.OK


async def _withdrawals(venue: Treasury) -> dict[str, Any]:
    requests = await venue.asked(venue.funding.withdrawal_requests())
    now_us = venue.clock.now().utc_us
    return {"requests": [_request(each, now_us) for each in requests]}


def _request(request: WithdrawalRequest, now_us: int) -> dict[str, Any]:
    pending = request.status is None or request.status.is_pending
    return {
        "id": request.request_id,
        "utc": utc_text(request.utc_us),
        "currency": request.currency,
        "size": request.size,
        "network": request.network,
        "address": request.address,
        "status": UNKNOWN_STATUS if request.status is None else request.status.value,
        "pending_s": max(0, (now_us - request.utc_us) // 1_000_000) if pending else None,
        "transaction_id": request.transaction_id,
    }


def deposits(settings: Settings, as_json: bool) -> ExitCode:
    """Print the account's crypto deposits, newest first, with what they wait for. Raises Failure."""
    screen.show(_looked(settings, _deposits), as_json, "deposits")
    return ExitCode.OK


async def _deposits(venue: Treasury) -> dict[str, Any]:
    moves = await venue.asked(venue.funding.crypto_moves())
    return {"deposits": [_deposit(each) for each in moves.deposits]}


def _deposit(move: CryptoMove) -> dict[str, Any]:
    return {
        "utc": utc_text(move.utc_us),
        "currency": move.currency,
        "size": move.size,
        "network": move.network,
        "address": move.address,
        "status": move.status,
        "waits_for": move.pending_reason,
        "transaction_id": move.transaction_id,
    }
