"""A treasury beside the daemon, in the same virtual time: its own key, its own memory, its own deaths and lost replies.

It runs the real settlement machine and the real bytes. What it asks of the daemon takes time, may be handled after it
has given up, or die with the process that was to answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

from arbbot.bitstamp import codec_funding, funding_outcome, funding_requests
from arbbot.bitstamp.auth import Credentials, Signer
from arbbot.bitstamp.replies import Reading, believed, interpret
from arbbot.bitstamp.reply import Answer, NoReply, Reply, Seal, VenueError
from arbbot.bitstamp.requests import Request, build
from arbbot.bitstamp.wire import JsonValue, Malformed
from arbbot.domain.commands import Ask, PlaceOrder, Topic
from arbbot.domain.events import BalancesFetched, BookFetched, FeesFetched, MarketsFetched
from arbbot.exchange.accounts import ApiKey, Permission
from arbbot.exchange.faults import FAULTS, Fault
from arbbot.exchange.matching import Side
from arbbot.exchange.server.rest_faults import behaviour
from arbbot.exchange.server.wire import HttpRequest
from arbbot.runtime.control import Refused
from arbbot.runtime.lease_verbs import lease_event, lease_outcome, settlement
from arbbot.treasury.journal import decode, encode
from arbbot.treasury.plan import Facts
from arbbot.treasury.policy import Asked, Destination, Policy
from arbbot.treasury.records import TreasuryRecord
from arbbot.treasury.settler import Output, Settler
from arbbot.treasury.state import TreasuryState
from arbbot.treasury.words import (
    Answered,
    AskDaemon,
    AskPerson,
    Command,
    DaemonRefused,
    DaemonSaid,
    Done,
    Event,
    FactsRead,
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
from tests.sim.clockwork import MS, SECOND
from tests.sim.counter import Counter
from tests.sim.plan import Plan
from tests.sim.process import Process
from tests.sim.world import World

if TYPE_CHECKING:
    from arbbot.domain.events import Event as EngineEvent

D = Decimal
KEY, SECRET = "SimTreasuryKey00000000000000000001", "SimTreasurySecret000000000000000001"
JOURNAL_KEY = "trsim"
HOST, MARKET, ADDRESS, NETWORK = "venue.test", "usdtusd", "0x" + "5e" * 20, "ethereum"
TIMEOUT_US, DAEMON_US = 10 * SECOND, 30 * SECOND
FEE, LEAST = D("0.03"), D("0.1")
LOST = ("lost_before", "lost_after", "http_502", "http_502_taken", "mis_signed", "not_sent")
FATES = ("", "", "", "withdrawal_failed", "withdrawal_canceled", "withdrawal_stuck", "withdrawal_reversed")


def policy_of(plan: Plan) -> Policy:
    """What this life's treasury may do: caps that a life of minutes reaches."""
    rng, account = Random(f"{plan.seed}/policy"), plan.rules.account
    max_request, max_per_day = rng.choice(((3, 5), (20, 30), (100, 150)))
    return Policy(
        enabled=True, confirm=False, pays="usd", buys="usdt", allowed=(Destination("usdt", NETWORK, ADDRESS),),
        threshold=D("0.01"), max_request=D(max_request), max_per_day=D(max_per_day), max_fee=D(1),
        max_price=D("1.02"), reach=D("0.01"), cooling_off_s=D(0), stuck_s=D(rng.choice((20, 10_000))),
        bound_s=account.doubt_bound_s, lag_s=account.lag_s,
    )  # fmt: skip


class Treasurer:
    """Settles when told to. One settlement at a time, as the lock of its journal has it."""

    def __init__(self, world: World, counter: Counter, process: Callable[[], Process | None]) -> None:
        self._world = world
        self._counter = counter
        self._process = process
        self._rng = Random(f"{world.plan.seed}/treasurer")
        self._policy = policy_of(world.plan)
        self._lines: list[tuple[str, str]] = []
        self._settler: Settler | None = None
        self._turn = 0
        """Counts commands: an answer to an earlier one comes too late."""
        self._dies_in: int | None = None
        self._signer = Signer(Credentials(KEY, SECRET), HOST)
        self._reading = Reading((MARKET,), world.plan.signed_errors_only)
        self._faults = bool(world.plan.disturbances)
        venue = world.venue
        venue.add_key(ApiKey(KEY, SECRET, world.account.user_id, frozenset(Permission)))
        chain = venue.networks["usdt", NETWORK]
        venue.networks["usdt", NETWORK] = replace(chain, fee=FEE, minimum=LEAST)
        market = venue.listing(MARKET)
        market.spec = replace(market.spec, minimum_order_value=LEAST)
        for side, price in ((Side.BUY, "0.9995"), (Side.SELL, "1.0005"), (Side.SELL, "1.0010")):
            venue.house_limit(MARKET, side, D(price), D(40 if price == "1.0005" else 100_000), world.clock.now_us)

    def calm(self) -> None:
        """Faults stop, and a process that stood still is gone."""
        self._faults = False

    def settle(self) -> None:
        """Start a settlement, unless one runs."""
        if self._settler is not None:
            return
        self._world.reached("settlement begun")
        self._dies_in = self._rng.randint(1, 9) if self._faults and self._rng.random() < 0.3 else None
        state = TreasuryState()
        for kind, body in self._lines:
            state.apply(decode(kind, body))
        self._settler = Settler(self._policy, state, JOURNAL_KEY, Asked())
        self._take(self._settler.begin(self._world.clock.moment()))

    def _take(self, output: Output) -> None:
        """Write down, then do; or die in between."""
        for record in output.records:
            self._write(record)
            if self._dies_in is not None:
                self._dies_in -= 1
                if self._dies_in == 0:
                    self._world.reached("settlement killed")
                    self._end("killed")
                    return
        if isinstance(output.command, Done):
            self._world.reached(f"settlement ended {int(output.command.code)}")
            self._end(f"{int(output.command.code)} {output.command.text}")
            return
        self._turn += 1
        self._perform(output.command, self._turn)

    def _write(self, record: TreasuryRecord) -> None:
        world, line = self._world, (record.kind, encode(record))
        self._lines.append(line)
        world.trace.note(world.clock.now_us, f"treasury {line[0]} {line[1]}")
        world.checker.treasury.line(*line)
        state = getattr(record, "state", None)
        world.reached(f"treasury {record.kind}" + ("" if state is None else f" {state}"))

    def _end(self, how: str) -> None:
        self._world.trace.note(self._world.clock.now_us, f"treasury ends: {how}")
        self._settler, self._turn = None, self._turn + 1

    def _later(self, delay_us: int, event: Event, turn: int) -> None:
        self._world.clock.after(delay_us, lambda: self._answer(event, turn))

    def _answer(self, event: Event, turn: int) -> None:
        if self._settler is not None and turn == self._turn:
            self._take(self._settler.answer(event, self._world.clock.moment()))

    # --- commands -------------------------------------------------------------------------------------------

    def _perform(self, command: Command, turn: int) -> None:
        match command:
            case AskDaemon(request):
                self._ask_daemon(request, turn)
            case Wait(seconds):
                self._later(int(seconds * SECOND), Waited(), turn)
            case AskPerson():
                self._later(0, PersonSaid(True, "ann"), turn)
            case ReadFacts():
                self._later(50 * MS, self._facts(), turn)
            case PlaceOrder():
                self._world.checker.treasury.ordered(command.terms.client_order_id)
                answer, late_us = self._send(build(command, {}), risky=True)
                self._later(late_us, _word(interpret(command, [answer], self._reading)), turn)
            case ReadOrder(name, venue_id):
                ask = Ask(1, Topic.ORDER_STATUS, client_order_id=None if venue_id else name, venue_order_id=venue_id)
                answer, late_us = self._send(build(ask, {}))
                self._later(late_us, _word(interpret(ask, [answer], self._reading)), turn)
            case SendWithdrawal(_, asked):
                wanted = funding_requests.withdraw(asked)
                self._world.checker.treasury.withdraws(wanted.body)
                answer, late_us = self._send(wanted, risky=True)
                outcome = funding_outcome.withdrawal(answer, self._reading.require_signed_errors)
                self._later(late_us, Answered(outcome), turn)
            case ReadRequests():
                answer, late_us = self._send(funding_requests.withdrawal_requests())
                listed = self._read(answer, codec_funding.withdrawal_requests)
                event: Event = VenueUnread("unread") if listed is None else RequestsListed(listed)
                self._later(late_us, event, turn)

    # --- the daemon -----------------------------------------------------------------------------------------

    def _ask_daemon(self, request: Mapping[str, Any], turn: int) -> None:
        """It answers in the same call once its loop turns; nobody may be there by then, or be there any more."""
        world, process = self._world, self._process()
        if process is None or not world.alive:
            self._later(100 * MS, DaemonRefused("no daemon answers", unreachable=True), turn)
            return
        self._later(DAEMON_US, DaemonRefused("no answer in time", unreachable=True), turn)

        def handled() -> None:
            answer = self._handled(process, request)
            if answer is not None:
                self._later(5 * MS, answer, turn)
            elif not world.alive:
                self._later(100 * MS, DaemonRefused("broken off", unreachable=True), turn)

        generation = world.generation
        world.clock.after(5 * MS, lambda: world.to_process(generation, handled))

    def _handled(self, process: Process, request: Mapping[str, Any]) -> DaemonSaid | DaemonRefused | None:
        """None: the process died over it."""
        world, plain = self._world, dict(request)
        try:
            if plain["verb"] == "settlement":
                return DaemonSaid(settlement(process.engine, plain, world.clock.moment()))
            process.said = []
            process.deliver(lease_event(plain))
            if not world.alive or process.exit is not None:
                return None
            return DaemonSaid(lease_outcome(process.engine, process.said))
        except Refused as refused:
            return DaemonRefused(str(refused))

    # --- the venue ------------------------------------------------------------------------------------------

    def _facts(self) -> Event:
        answers = {
            topic: interpret(ask, [self._send(build(ask, {}))[0]], self._reading)
            for topic in (Topic.MARKETS, Topic.BALANCES, Topic.FEES, Topic.BOOK)
            for ask in (Ask(1, topic, market=MARKET),)
        }
        markets, balances = answers[Topic.MARKETS], answers[Topic.BALANCES]
        fees, book = answers[Topic.FEES], answers[Topic.BOOK]
        if not isinstance(markets, MarketsFetched) or not isinstance(balances, BalancesFetched):
            return VenueUnread("unread")
        told = self._read(self._send(funding_requests.withdrawal_fees())[0], codec_funding.withdrawal_fees)
        listed = self._read(self._send(funding_requests.currencies())[0], codec_funding.currencies, private=False)
        rates = dict(fees.rates) if isinstance(fees, FeesFetched) else {}
        return FactsRead(
            Facts(
                instrument=next((each for each in markets.instruments if each.symbol == MARKET), None),
                halted=MARKET in markets.halted,
                taker=rates[MARKET].taker if MARKET in rates else None,
                book=book.book if isinstance(book, BookFetched) else None,
                fees=told,
                currency=next((each for each in listed or () if each.code == "usdt"), None),
                balances={each.currency: each.total for each in balances.balances},
            )
        )

    def _send(self, request: Request, *, risky: bool = False) -> tuple[Answer, int]:
        """The answer, and how long it takes. What moves money is lost often, a question seldom."""
        rng, world = self._rng, self._world
        fault = ""
        if self._faults and rng.random() < (0.4 if risky else 0.03):
            fault = rng.choice(LOST)
            world.reached(f"treasury fault {fault}")
        if fault == "not_sent":
            return NoReply(False, "ClientConnectorError"), 20 * MS
        if fault == "lost_before":
            return NoReply(True, "TimeoutError"), TIMEOUT_US
        if fault == "http_502":
            return Reply(502, b"<html>", "text/html"), 60 * MS
        answer = self._served(request, risky=risky)
        world.checker.truth.dirty = True
        if fault == "lost_after":
            return NoReply(True, "TimeoutError"), TIMEOUT_US
        if fault == "http_502_taken":
            return Reply(502, b"<html>", "text/html"), 60 * MS
        if fault == "mis_signed" and request.private:
            return replace(answer, seal=Seal.WRONG), 60 * MS
        return answer, 60 * MS

    def _served(self, request: Request, *, risky: bool) -> Reply:
        world, rng, headers, signed = self._world, self._rng, {"host": HOST}, None
        if request.private:
            raw = f"{rng.getrandbits(128):032x}"
            nonce = f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}"
            stamp_ms = world.clock.now_us // 1000
            signed = self._signer.sign(request.method, request.path, request.query, request.body, nonce, stamp_ms)
            headers |= {name.lower(): value for name, value in signed.headers.items()}
        sent = HttpRequest(request.method, request.path, request.query, headers, request.body, "192.0.2.2")
        world.venue.advance(world.clock.now_us)
        fate = rng.choice(FATES) if risky and self._faults else ""
        struck = {fate: Fault(fate, "*", None, 1.0, dict(FAULTS[fate].defaults))} if fate else {}
        reply = self._counter.api.answer(sent, world.clock.now_us, world.clock.now_us, behaviour(struck))
        signature, seal = reply.headers.get("X-Server-Auth-Signature"), Seal.NONE
        if signature is not None and signed is not None:
            genuine = self._signer.verify(signed, reply.content_type, reply.body, signature)
            seal = Seal.VALID if genuine else Seal.WRONG
        return Reply(reply.status, reply.body, reply.content_type, seal, None)

    def _read(self, answer: Answer, read: Callable[[JsonValue], Any], *, private: bool = True) -> Any:
        """What a reply tells; None for one that tells nothing."""
        try:
            word = believed(answer, private=private, require_signed_errors=self._reading.require_signed_errors)
            return None if isinstance(word, VenueError) else read(word)
        except Malformed:
            return None


def _word(event: EngineEvent) -> Any:
    """The gateway's word on an order."""
    return event
