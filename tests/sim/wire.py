"""REST without sockets, byte for byte: command, request, signature, faults, the exchange's answer, faults, event.

The order of things is the gateway's own: a command is granted by the limiter, sent at most once, given up after its
time limit, and answered by exactly one event whatever happens. What a fault does to the bytes is `rest_faults`'.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from random import Random

from arbbot.bitstamp import requests
from arbbot.bitstamp.auth import Credentials, SignedRequest, Signer
from arbbot.bitstamp.codec_account import StreamToken, stream_token
from arbbot.bitstamp.limiter import Lane, Limiter, Window
from arbbot.bitstamp.replies import Reading, believed, clock_seen, follow_up, interpret
from arbbot.bitstamp.reply import Answer, NoReply, Reply, Seal, VenueError, is_rate_limited
from arbbot.bitstamp.requests import Request, build
from arbbot.bitstamp.wire import Malformed
from arbbot.domain.commands import Ask, CancelOrder, PlaceOrder, Topic
from arbbot.domain.events import Event, Moment
from arbbot.domain.order import Purpose
from arbbot.exchange.server.wire import HttpRequest
from tests.sim.catalogue import ASK_TARGETS
from tests.sim.clockwork import MS, SECOND
from tests.sim.counter import KEY, SECRET, Counter, Served
from tests.sim.plan import Disturbance
from tests.sim.world import World

HOST = "venue.test"
ORDER_TIMEOUT_US, ASK_TIMEOUT_US = 10 * SECOND, 20 * SECOND
BUDGET_WAIT_S = 30.0
CLOCK_EVERY_US = 30 * SECOND
NAMES = {"btcusd": "BTC/USD", "btceur": "BTC/EUR", "eurusd": "EUR/USD"}
LANES: dict[type, Lane] = {PlaceOrder: Lane.ORDER, CancelOrder: Lane.CANCEL, Ask: Lane.ASK}
CORRUPT = frozenset(
    {"lost_before", "lost_after", "late_arrival", "http_500", "http_502", "http_503", "http_504", "html_200",
     "block_403", "empty_200", "maintenance", "truncated", "mis_signed", "unsigned"}
)  # fmt: skip
"""Faults after which the reply proves nothing."""
ELSE = frozenset({"stale_reply", "other_reply"})
"""Faults by which the venue answers with its word on another request."""
Sink = Callable[[Event, frozenset[str]], None]
"""Takes an event and the names of the faults that struck its reply."""


@dataclass(slots=True, eq=False)
class Exchange:
    """One command on its way, page by page."""

    command: PlaceOrder | CancelOrder | Ask
    request: Request
    asked_ns: int
    sent_at: Moment
    waited_s: float = 0.0
    attempt: int = 0
    """The page that is waited for; an answer to another one comes too late."""
    answers: list[Answer] = field(default_factory=list)
    struck: frozenset[str] = frozenset()


class Wire:
    """The gateway of one process. `sink` is the process's door."""

    def __init__(self, world: World, counter: Counter, rng: Random, sink: Sink) -> None:
        self._world = world
        self._counter = counter
        self.generation = world.generation
        self._rng = rng
        self._sink = sink
        windows = [Window(count, float(seconds)) for count, seconds in world.plan.windows]
        self.limiter = Limiter(rng, windows)
        self._signer = Signer(Credentials(KEY, SECRET), HOST)
        self._reading = Reading(tuple(NAMES), world.plan.signed_errors_only)
        self._clock_told_us: int | None = None
        self.in_flight: list[Exchange] = []

    # --- out ------------------------------------------------------------------------------------------------

    def perform(self, command: PlaceOrder | CancelOrder | Ask) -> None:
        """Start a command; its event will come."""
        now = self._world.clock.moment()
        exchange = Exchange(command, build(command, NAMES, now.mono_ns), now.mono_ns, now)
        self.in_flight.append(exchange)
        self._world.checker.commanded(command_word(command), self._world.clock.now_us)
        self._seek(exchange)

    def _seek(self, exchange: Exchange) -> None:
        """Wait for the rate budget; an order is given up instead."""
        lane, clock = LANES[type(exchange.command)], self._world.clock
        wait_s = self.limiter.acquire(lane, clock.mono_s)
        if wait_s == 0.0:
            self._send(exchange)
        elif wait_s > (0.0 if lane is Lane.ORDER else BUDGET_WAIT_S) - exchange.waited_s:
            self._world.reached("wire: own budget used up")
            limited = NoReply(False, "our own rate budget is used up", rate_limited=True)
            clock.after(0, lambda: self._answered(exchange, exchange.attempt, limited))
        else:
            exchange.waited_s += wait_s
            again = partial(self._seek, exchange)
            clock.after(int(wait_s * SECOND) + 1, partial(self._world.to_process, self.generation, again))

    def _send(self, exchange: Exchange) -> None:
        world, clock = self._world, self._world.clock
        struck = world.armed.take("rest", targets(exchange.command), clock.now_us, most=1)
        if isinstance(exchange.command, PlaceOrder):
            struck += world.armed.take("order", targets(exchange.command), clock.now_us)
        elif isinstance(exchange.command, CancelOrder):
            struck += world.armed.take("cancel", ("cancel",), clock.now_us)
        elif exchange.command.topic == "transactions":
            struck += world.armed.take("rows", ("transactions",), clock.now_us)
        faults = {each.kind: each for each in struck}
        world.checker.tried(command_word(exchange.command))
        attempt = exchange.attempt
        exchange.struck |= {"not_sent"} if "not_sent" in faults else faults.keys()
        if "not_sent" in faults:
            never = NoReply(False, "ClientConnectorError: refused")
            clock.after(world.down_us(), lambda: self._answered(exchange, attempt, never))
            return
        exchange.sent_at = clock.moment()
        signed, sent = self._sign(exchange.request)
        word = command_word(exchange.command)
        world.trace.note(clock.now_us, f"send {word} {sent.method} {sent.path} {sent.query} {sent.body.decode()}")
        world.checker.sent(sent, LANES[type(exchange.command)].name, clock.mono_ns)
        limit_us = ASK_TIMEOUT_US if isinstance(exchange.command, Ask) else ORDER_TIMEOUT_US
        silence = NoReply(True, "TimeoutError")
        clock.after(limit_us, lambda: self._answered(exchange, attempt, silence))
        if "lost_before" in faults:
            return
        up_us = world.up_us()
        if "late_arrival" in faults:
            up_us = limit_us + faults["late_arrival"].size * MS
        world.checker.underway(sent)
        clock.after(up_us, lambda: self._arrive(exchange, attempt, signed, sent, faults))

    def _sign(self, request: Request) -> tuple[SignedRequest | None, HttpRequest]:
        signed, headers = None, {"host": HOST}
        if request.private:
            nonce = f"{self._rng.getrandbits(128):032x}"
            nonce = f"{nonce[:8]}-{nonce[8:12]}-{nonce[12:16]}-{nonce[16:20]}-{nonce[20:]}"
            stamp_ms = self._world.clock.moment().utc_us // 1000
            signed = self._signer.sign(request.method, request.path, request.query, request.body, nonce, stamp_ms)
            headers |= {name.lower(): value for name, value in signed.headers.items()}
        return signed, HttpRequest(request.method, request.path, request.query, headers, request.body, "192.0.2.1")

    # --- there and back -------------------------------------------------------------------------------------

    def _arrive(
        self,
        exchange: Exchange,
        attempt: int,
        signed: SignedRequest | None,
        sent: HttpRequest,
        faults: dict[str, Disturbance],
    ) -> None:
        """The request reaches the venue, whatever has become of the process since."""
        clock = self._world.clock
        served = self._counter.serve(sent, faults)
        if isinstance(exchange.command, PlaceOrder) and not ELSE.isdisjoint(faults):
            self._world.checker.denied(exchange.command.terms.client_order_id)
        body = b"" if served.reply is None else served.reply.body
        self._world.trace.note(clock.now_us, f"serve {command_word(exchange.command)} {served}", body)
        if served.cut:
            cut = NoReply(True, "ClientPayloadError")
            clock.after(self._world.down_us(), lambda: self._answered(exchange, attempt, cut))
        elif served.reply is not None:
            delay_us = self._world.down_us()
            if "slow_reply" in faults:
                delay_us += faults["slow_reply"].size * MS
            reply = self._read(signed, served)
            exchange.struck -= harmless(reply, only_signed=self._reading.require_signed_errors)
            clock.after(delay_us, lambda: self._answered(exchange, attempt, reply))

    def _read(self, signed: SignedRequest | None, served: Served) -> Reply:
        reply = served.reply
        assert reply is not None
        signature, seal = reply.headers.get("X-Server-Auth-Signature"), Seal.NONE
        if signature is not None and signed is not None:
            genuine = self._signer.verify(signed, reply.content_type, reply.body, signature)
            seal = Seal.VALID if genuine else Seal.WRONG
        return Reply(reply.status, reply.body, reply.content_type, seal, served.date_ms)

    def _answered(self, exchange: Exchange, attempt: int, answer: Answer) -> None:
        """Whatever comes first counts: the reply, its loss, or the time limit. The process may stand still."""
        self._world.to_process(self.generation, lambda: self._take(exchange, attempt, answer))

    def _take(self, exchange: Exchange, attempt: int, answer: Answer) -> None:
        if exchange.attempt != attempt:
            return
        exchange.attempt += 1
        if isinstance(answer, Reply):
            sent_s = exchange.sent_at.mono_ns / 1e9
            if is_rate_limited(answer):
                self.limiter.limited(self._world.clock.mono_s, sent_s)
            else:
                self.limiter.answered(sent_s)
            self._note_clock(answer, exchange.sent_at)
        exchange.answers.append(answer)
        following = follow_up(exchange.command, answer, NAMES)
        if following is not None and len(exchange.answers) < requests.MAX_PAGES:
            self._world.reached("wire: next page")
            self._between(exchange)
            exchange.request = following
            self._seek(exchange)
            return
        self.in_flight.remove(exchange)
        self._show(exchange)
        self._sink(interpret(exchange.command, exchange.answers, self._reading), exchange.struck)

    def _between(self, exchange: Exchange) -> None:
        """What the venue writes after it has shown one page of rows, and before it shows the next."""
        for each in self._world.armed.take("page", targets(exchange.command), self._world.clock.now_us):
            for _ in range(each.size):
                self._world.by_hand({"usd": Decimal("0.01")}, 0)

    def _show(self, exchange: Exchange) -> None:
        """The checker reads some replies too, in its own way."""
        command, answer = exchange.command, exchange.answers[0]
        if isinstance(answer, Reply) and isinstance(command, Ask):
            if command.topic is Topic.BOOK:
                self._world.checker.book_fetched(command.market or "", answer.body, exchange.asked_ns)
            elif command.topic is Topic.BALANCES:
                self._world.checker.balances_read(answer.body, exchange.asked_ns)
            elif command.topic is Topic.TRANSACTIONS:
                self._world.checker.rows_read(answer.body)
            elif command.topic is Topic.MARKETS:
                self._world.checker.markets_read(answer.body)
            elif command.topic is Topic.CONVERSION_RATE:
                self._world.checker.rate_read(answer.body, self._world.clock.mono_ns)
            elif command.topic is Topic.TICKER:
                mono_ns = self._world.clock.mono_ns
                self._world.checker.ticker_read(command.market or "", answer.body, exchange.asked_ns, mono_ns)

    def _note_clock(self, reply: Reply, sent: Moment) -> None:
        now = self._world.clock.moment()
        seen = clock_seen(reply, sent, now)
        mono_us = now.mono_ns // 1000
        if seen is None or (self._clock_told_us is not None and mono_us - self._clock_told_us < CLOCK_EVERY_US):
            return
        self._clock_told_us = mono_us
        self._sink(seen, frozenset())

    def deliver(self, event: Event) -> None:
        """Hand on what came by another way than an answer."""
        self._sink(event, frozenset())

    # --- beside the port ------------------------------------------------------------------------------------

    def token(self) -> StreamToken | None:
        """A token for private channels, asked for and answered within this instant."""
        if self.limiter.acquire(Lane.ASK, self._world.clock.mono_s) > 0:
            return None
        signed, sent = self._sign(requests.websockets_token())
        clock = self._world.clock
        self._world.checker.sent(sent, Lane.ASK.name, clock.mono_ns)
        served = self._counter.serve(sent, {})
        try:
            word = believed(self._read(signed, served), private=True)
            return None if isinstance(word, VenueError) else stream_token(word)
        except Malformed:
            return None


def harmless(reply: Reply, *, only_signed: bool) -> frozenset[str]:
    """Faults that a reply does not show: an error reply may lack a signature, where the settings allow it."""
    error = reply.status >= 400 or b'"status": "error"' in reply.body
    return (
        frozenset({"unsigned", "mis_signed"}) if error and reply.seal is Seal.NONE and not only_signed else frozenset()
    )


def targets(command: PlaceOrder | CancelOrder | Ask) -> tuple[str, ...]:
    """The names a disturbance may mean a command by."""
    if isinstance(command, PlaceOrder):
        purpose = {Purpose.LEG: "leg", Purpose.CONVERT: "convert"}.get(command.terms.purpose, "exit")
        return ("place", command.terms.side.value, purpose)
    if isinstance(command, CancelOrder):
        return ("cancel",)
    return (command.topic.value, "ask") if command.topic.value in ASK_TARGETS else ("ask",)


def command_word(command: PlaceOrder | CancelOrder | Ask) -> str:
    """A command in a few words."""
    if isinstance(command, PlaceOrder):
        return f"place {command.terms.client_order_id}"
    if isinstance(command, CancelOrder):
        return f"cancel {command.client_order_id}"
    return f"ask {command.topic.value}"
