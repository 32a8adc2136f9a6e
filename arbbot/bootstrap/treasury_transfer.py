"""`arbbot treasury transfer` and `transfers`: money between main account and sub-account, asked for once.

The venue answers a transfer without an id, so what a lost answer meant is told by the account's rows alone: the one
row of its amount, or, once nothing sent before can be taken any more, two readings without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from arbbot import screen
from arbbot.bootstrap.journals import read
from arbbot.bootstrap.terminal import say
from arbbot.bootstrap.transfer_doubt import ACKNOWLEDGE, SHORT_S, looked_for
from arbbot.bootstrap.transfer_log import TransferLog, Written, transfer_log
from arbbot.bootstrap.treasury_looks import Treasury, treasury
from arbbot.bootstrap.wiring import journal_path
from arbbot.control_client import ask as ask_daemon
from arbbot.domain.commands import Ask, Topic
from arbbot.domain.events import BalancesFetched, TransactionsFetched
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.domain.funding import FundingDone, FundingInDoubt, FundingRefused, Transfer
from arbbot.domain.mode import Mode
from arbbot.domain.money import ZERO
from arbbot.domain.order import Balance, Transaction
from arbbot.runtime.clock import SystemClock
from arbbot.settings import Settings
from arbbot.treasury.silence import Silence

Confirm = Callable[[str], bool]
"""Asks a person; False when they will not have it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asked for."""

    asked: Transfer
    who: str
    reason: str

    @property
    def comes_in(self) -> bool:
        """It adds to the key's own account: from a sub-account to the main account that the key belongs to."""
        return self.asked.to_main and self.asked.sub_account is not None


def transfer(settings: Settings, wanted: Wanted, confirm: Confirm, as_json: bool) -> ExitCode:
    """Move money between accounts of the customer, once. Raises Failure for whatever speaks against it; what is refused
    is written down too.
    """
    with transfer_log(journal_path(settings).parent) as log:
        known = len(log.transfers)
        try:
            _demand_allowed(settings, wanted.asked)
            _demand_quiet(settings)
            ended = asyncio.run(_transfer(settings, log, wanted, confirm))
        except Failure as failure:
            if len(log.transfers) == known:
                log.note(failure.reason, wanted.who, SystemClock().now().utc_us)
            raise
    return _told([ended], as_json)


def transfers(settings: Settings, as_json: bool) -> ExitCode:
    """Print every transfer of the log; one in doubt is looked for at the venue first. Raises Failure."""
    with transfer_log(journal_path(settings).parent) as log:
        doubtful = log.in_doubt()
        if doubtful is not None:
            asyncio.run(_resolve(settings, log, doubtful))
        return _told(list(log.transfers.values()), as_json)


def _told(shown: list[Written], as_json: bool) -> ExitCode:
    screen.show({"transfers": [each.answer() for each in shown]}, as_json, "transfers")
    if any(each.outcome is None for each in shown):
        say("treasury: IN DOUBT, not to be asked for again: `arbbot treasury transfers` looks for its row")
        return ExitCode.NOT_FLAT
    return ExitCode.OK


# --- what speaks against it ---------------------------------------------------------------------------------------


def _demand_allowed(settings: Settings, asked: Transfer) -> None:
    """Only sub-accounts that the settings name."""
    named = asked.sub_account
    if named is not None and named not in settings.treasury.sub_accounts:
        raise Failure(ExitCode.SETTINGS, f"treasury.sub_accounts does not name {named}: nothing was sent")


def _demand_quiet(settings: Settings) -> None:
    """No trading, and no hedge, order, doubt or settlement, by the daemon's word or, without one, by its journal's: the
    money may be needed, and a settlement reckons with what is there.
    """
    trading = busy = settling = False
    if settings.control_socket.exists():
        status = ask_daemon(settings.control_socket, {"verb": "status"})
        trading = status["state"] == Mode.ACTIVE
        busy = status["open_hedge"] is not None or bool(status["open_orders"] or status["in_doubt"])
        settling = ask_daemon(settings.control_socket, {"verb": "settlement"})["lease"] is not None
    elif journal_path(settings).exists():
        state = read(journal_path(settings), settings).state()
        busy = state.open_hedge_id is not None or bool(state.live)
        settling = state.settlements.lease is not None
    for true, what in (
        (settling, "a settlement is under way"),
        (busy, "something is open or in doubt; `arbbot pause` and wait"),
        (trading, "the daemon trades; `arbbot pause` first"),
    ):
        if true:
            raise Failure(ExitCode.NOT_FLAT, f"{what}: nothing was sent")


def _demand_funds(balances: tuple[Balance, ...], asked: Transfer) -> None:
    """What leaves the key's own account must be there. What a sub-account has, only its own key sees."""
    available = next((each.available for each in balances if each.currency == asked.currency), ZERO)
    if available < asked.size:
        told = f"{available:f} {asked.currency.upper()} is available"
        raise Failure(ExitCode.USAGE, f"{told}, less than {asked.size:f}: nothing was sent")


# --- asking once --------------------------------------------------------------------------------------------------


async def _transfer(settings: Settings, log: TransferLog, wanted: Wanted, confirm: Confirm) -> Written:
    asked = wanted.asked
    async with treasury(settings) as venue:
        doubtful = log.in_doubt()
        if doubtful is not None and (await _looked_for(settings, venue, log, doubtful)).outcome is None:
            raise Failure(ExitCode.NOT_FLAT, f"{doubtful.name} is in doubt, no other is sent before its row has told")
        if not wanted.comes_in:
            _demand_funds(await _balances(venue), asked)
    # A person takes their time: the connection of before is not waited with.
    if not confirm(_question(wanted, settings)):
        raise Failure(ExitCode.USAGE, "not confirmed: nothing was sent")
    _demand_quiet(settings)
    async with treasury(settings) as venue:
        cursor = max((row.transaction_id for row in await _rows(venue, None)), default=1)
        now_us = venue.clock.now().utc_us
        written = log.intend(asked, wanted.comes_in, cursor, wanted.who, wanted.reason, now_us)
        outcome = await venue.funding.transfer(asked)
        now_us = venue.clock.now().utc_us
        match outcome:
            case FundingDone():
                return log.end(written.name, "done", ACKNOWLEDGE, now_us)
            case FundingRefused():
                log.end(written.name, "refused", outcome.reason, now_us)
                code = ExitCode.AUTH if outcome.auth_lost else ExitCode.VENUE
                raise Failure(code, f"the venue refused the transfer: {outcome.reason}")
            case FundingInDoubt():
                say(f"treasury: no answer that can be believed ({outcome.reason}); looking for its row")
                return await _looked_for(settings, venue, log, written)


def _question(wanted: Wanted, settings: Settings) -> str:
    asked = wanted.asked
    sub = asked.sub_account or "this sub-account"
    way = f"from {sub} to main" if asked.to_main else f"from main to {sub}"
    return f"{settings.mode} mode: transfer {asked.size:f} {asked.currency.upper()} {way}?"


async def _resolve(settings: Settings, log: TransferLog, written: Written) -> None:
    """Look until it is found or surely absent: some minutes, by this process's own clock."""
    account = settings.account
    patience_s = account.doubt_bound_s + 4 * account.lag_s + SHORT_S
    say(f"treasury: {written.name} is in doubt; looking for its row, for {patience_s:.0f} s at most")
    async with treasury(settings) as venue:
        await _looked_for(settings, venue, log, written, patience_s)


async def _looked_for(
    settings: Settings, venue: Treasury, log: TransferLog, written: Written, patience_s: Decimal = SHORT_S
) -> Written:
    account, clock = settings.account, venue.clock
    silence = Silence(account.doubt_bound_s, account.lag_s, written.utc_us, clock.now())
    return await looked_for(log, written, lambda: _rows(venue, written.cursor), clock, silence, patience_s)


async def _rows(venue: Treasury, since_id: int | None) -> tuple[Transaction, ...]:
    answer = await venue.source.perform(Ask(0, Topic.TRANSACTIONS, since_id=since_id))
    if not isinstance(answer, TransactionsFetched):
        raise Failure(ExitCode.VENUE, f"{venue.url}: the account's rows could not be read: {_reason(answer)}")
    return answer.rows


async def _balances(venue: Treasury) -> tuple[Balance, ...]:
    answer = await venue.source.perform(Ask(0, Topic.BALANCES))
    if not isinstance(answer, BalancesFetched):
        raise Failure(ExitCode.VENUE, f"{venue.url}: the balances could not be read: {_reason(answer)}")
    return answer.balances


def _reason(answer: Any) -> str:
    return getattr(answer, "reason", "no answer")
