"""Carries out a settlement's commands: the daemon's control socket, the venue with the treasury key, a person, time.

The venue is called only when something is wanted of it, so that what the settings forbid needs no key.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from arbbot.bitstamp.funding import FundingGateway
from arbbot.bitstamp.rest import BitstampGateway
from arbbot.bootstrap.calling import call
from arbbot.bootstrap.terminal import say
from arbbot.bootstrap.wiring import Taps, follow_compressed, gateway
from arbbot.control_client import REFUSED, ask
from arbbot.domain.commands import Ask, PlaceOrder, Topic
from arbbot.domain.events import (
    AskFailed,
    BalancesFetched,
    BookFetched,
    FeesFetched,
    MarketsFetched,
    Moment,
    OrderAcked,
    OrderRefused,
    OrderReported,
    OrderUnanswered,
)
from arbbot.domain.events import Event as EngineEvent
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.domain.funding import Unread
from arbbot.domain.mode import Severity
from arbbot.domain.records import AlertRaised
from arbbot.runtime.clock import SystemClock
from arbbot.settings import KeyRole, Settings, read_keys
from arbbot.treasury.plan import Facts
from arbbot.treasury.policy import Policy
from arbbot.treasury.words import (
    Answered,
    AskDaemon,
    AskPerson,
    CallPerson,
    Command,
    DaemonRefused,
    DaemonSaid,
    Done,
    Event,
    FactsRead,
    PersonCalledUp,
    PersonSaid,
    ReadFacts,
    ReadOrder,
    ReadRequests,
    RequestsListed,
    SendWithdrawal,
    VenueUnread,
    Wait,
    Waited,
)

DAEMON_S = 30.0
"""How long the daemon may take for an answer: a commit on a slow disk is in it."""


class Hands:
    """One process's. Enter it; every command gets its one event."""

    def __init__(self, settings: Settings, policy: Policy, socket: Path, who: str) -> None:
        self._settings = settings
        self._policy = policy
        self._socket = socket
        self._who = who
        self._stack = AsyncExitStack()
        self._source: BitstampGateway | None = None
        self.clock = SystemClock(float(settings.speed))

    async def __aenter__(self) -> Hands:
        """Take market time from a compressed exchange: what cools off does so in it."""
        await self._stack.__aenter__()
        if self._settings.speed != 1:
            await follow_compressed(self._settings, self.clock)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def perform(self, command: Command) -> Event:
        """Do it once. Raises Failure where there is no key for it."""
        match command:
            case AskDaemon(request):
                return await asyncio.to_thread(self._ask, dict(request))
            case AskPerson(text):
                return await asyncio.to_thread(self._confirm, text)
            case CallPerson(name, text):
                return PersonCalledUp(await self._call(name, text))
            case Wait(seconds):
                await self.clock.sleep(float(seconds))
                return Waited()
            case Done():
                raise TypeError("a settlement's end is not carried out")
        return await self._at_venue(command)

    async def _at_venue(self, command: ReadFacts | PlaceOrder | ReadOrder | SendWithdrawal | ReadRequests) -> Event:
        match command:
            case ReadFacts():
                return await self._facts()
            case PlaceOrder():
                return _order_word(await (await self._venue()).perform(command))
            case ReadOrder(name, venue_id):
                question = Ask(
                    1, Topic.ORDER_STATUS, client_order_id=None if venue_id else name, venue_order_id=venue_id
                )
                return _order_word(await (await self._venue()).perform(question))
            case SendWithdrawal(_, asked):
                return Answered(await (await self._funding()).withdraw(asked))
            case ReadRequests(request_id):
                return await self._requests(await self._funding(), request_id)

    # --- the daemon and the person -------------------------------------------------------------------------

    def _ask(self, request: dict[str, object]) -> DaemonSaid | DaemonRefused:
        try:
            return DaemonSaid(ask(self._socket, request, DAEMON_S))
        except Failure as failure:
            refused = failure.reason.startswith(REFUSED)
            return DaemonRefused(failure.reason.removeprefix(REFUSED), unreachable=not refused)

    def _confirm(self, text: str) -> PersonSaid:
        """A yes, typed out; without a terminal nobody said it."""
        if not sys.stdin.isatty():
            return PersonSaid(False, "nobody")
        sys.stderr.write(f"settle: {text}\nsettle: type yes to do it: ")
        sys.stderr.flush()
        return PersonSaid(sys.stdin.readline().strip() == "yes", self._who)

    async def _call(self, name: str, text: str) -> bool:
        """By the webhook, where no daemon has heard of it; whether it was taken."""
        alert = AlertRaised(Severity.CRITICAL, "settlement_stuck", f"{name}: {text}", self.clock.now().utc_us)
        taken = await call(self._settings, alert)
        if not taken:
            say(f"settle: nobody was called for {name}: the next settlement calls again")
        return taken

    # --- the venue -----------------------------------------------------------------------------------------

    async def _venue(self) -> BitstampGateway:
        """Connected with the treasury key. Raises Failure (SECRET) where there is none."""
        if self._source is None:
            keys = read_keys(self._settings, KeyRole.TREASURY)
            if keys is None:
                raise Failure(ExitCode.SETTINGS, "settle: paper mode has no account at the venue")
            markets = (self._policy.market,)
            made = gateway(self._settings, keys, self.clock, _nobody, Taps(), markets=markets)
            self._source = await self._stack.enter_async_context(made)
            await self._source.warm()
        return self._source

    async def _funding(self) -> FundingGateway:
        signed = self._settings.rest.require_signed_errors
        return FundingGateway(await self._venue(), require_signed_errors=signed)

    async def _requests(self, funding: FundingGateway, request_id: int | None) -> RequestsListed | VenueUnread:
        """The list, or the one of this id, of which the venue may know nothing."""
        if request_id is None:
            listed = await funding.withdrawal_requests()
        else:
            one = await funding.withdrawal_request(request_id)
            listed = one if isinstance(one, Unread) else () if one is None else (one,)
        return VenueUnread(listed.reason, listed.auth_lost) if isinstance(listed, Unread) else RequestsListed(listed)

    async def _facts(self) -> FactsRead | VenueUnread:
        """All that the venue tells for a plan; what it does not tell is None, and the plan says which it misses."""
        source, funding, market = await self._venue(), await self._funding(), self._policy.market
        markets = await source.perform(Ask(1, Topic.MARKETS))
        balances = await source.perform(Ask(2, Topic.BALANCES))
        fees = await source.perform(Ask(3, Topic.FEES))
        book = await source.perform(Ask(4, Topic.BOOK, market=market))
        for answer in (markets, balances, fees, book):
            if isinstance(answer, AskFailed) and (answer.auth_lost or answer.auth_claimed):
                return VenueUnread(answer.reason, auth_lost=True)
        if not isinstance(markets, MarketsFetched) or not isinstance(balances, BalancesFetched):
            return VenueUnread(getattr(markets, "reason", getattr(balances, "reason", "no answer")))
        told_fees, told_currencies = await funding.withdrawal_fees(), await funding.currencies()
        for told in (told_fees, told_currencies):
            if isinstance(told, Unread) and told.auth_lost:
                return VenueUnread(told.reason, auth_lost=True)
        rates = dict(fees.rates) if isinstance(fees, FeesFetched) else {}
        listed = () if isinstance(told_currencies, Unread) else told_currencies
        return FactsRead(
            Facts(
                instrument=next((each for each in markets.instruments if each.symbol == market), None),
                halted=market in markets.halted,
                taker=rates[market].taker if market in rates else None,
                book=book.book if isinstance(book, BookFetched) else None,
                fees=None if isinstance(told_fees, Unread) else told_fees,
                currency=next((each for each in listed if each.code == self._policy.buys), None),
                balances={balance.currency: balance.total for balance in balances.balances},
            )
        )


def _order_word(event: EngineEvent) -> Event:
    """The gateway's word on an order; it has no other."""
    if not isinstance(event, OrderAcked | OrderRefused | OrderUnanswered | OrderReported | AskFailed):
        raise TypeError(f"{event} is no word on an order")
    return event


def _nobody(event: EngineEvent, at: Moment) -> None:
    """Nobody listens to the venue's clock here."""
