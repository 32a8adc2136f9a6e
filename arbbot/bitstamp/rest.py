"""The venue's REST side as a Gateway: signs, sends once, bounds what comes back, and hands bytes to `replies`.

Questions go through aiohttp (`asks`); orders and cancels are written onto connections of their own (`legs`).
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

from yarl import URL

from arbbot import __version__
from arbbot.bitstamp import codec_account, codec_market, codec_order, requests
from arbbot.bitstamp.asks import Asks, named
from arbbot.bitstamp.auth import Credentials, SignedRequest, Signer, new_nonce
from arbbot.bitstamp.http_reply import RawReply
from arbbot.bitstamp.legs import WARM, Leg, Legs
from arbbot.bitstamp.limiter import Lane, Limiter
from arbbot.bitstamp.replies import Reading, believed, clock_seen, follow_up, interpret
from arbbot.bitstamp.reply import Answer, NoReply, Reply, Seal, VenueError, is_rate_limited
from arbbot.bitstamp.requests import MAX_PAGES, CannotAsk, Request, build
from arbbot.bitstamp.tls import demand_tls
from arbbot.bitstamp.wire import Malformed
from arbbot.domain.book import Book
from arbbot.domain.commands import Ask, CancelOrder, PlaceOrder
from arbbot.domain.events import Event, Moment
from arbbot.domain.order import Purpose
from arbbot.ports import QUESTION_S, Clock, Sink

Tap = Callable[[PlaceOrder | CancelOrder | Ask, Answer, Moment], None]
"""Sees every answer of the wire with the command it answers, pages one by one: what a recorder stores."""

_CLOCK_EVERY_NS = 30_000_000_000
_ROUND_TRIPS = 500


@dataclass(frozen=True, slots=True)
class RestSettings:
    """Where the venue is and how long to wait for it."""

    base_url: str
    ca_file: Path | None = None
    """Trust this CA instead of the system's."""
    connect_timeout_s: float = 3.0
    leg_patience_s: float = 1.0
    """How long a hedge's leg may wait for a connection: later its books are history. What ends a hedge waits longer."""
    order_timeout_s: float = 10.0
    ask_timeout_s: float = 20.0
    question_timeout_s: float = QUESTION_S
    """For all pages of a question, waits for the rate budget in."""
    keep_alive_s: float = 60.0
    budget_wait_s: float = 30.0
    """How long a question or a cancel may wait for the rate budget."""
    max_reply_bytes: int = 16 << 20


class _Sent(NamedTuple):
    """A request on the wire."""

    leg: Leg
    signed: SignedRequest | None
    at: Moment


class BitstampGateway:
    """Orders and questions over HTTP/1.1, none of them sent twice. Use as an async context manager; public only without
    credentials.
    """

    def __init__(
        self,
        settings: RestSettings,
        clock: Clock,
        limiter: Limiter,
        *,
        credentials: Credentials | None = None,
        reading: Reading | None = None,
        names: Mapping[str, str] | None = None,
        tap: Tap | None = None,
        sink: Sink | None = None,
    ) -> None:
        """`names` maps symbols to slash names; `sink` gets a VenueClockSeen now and then.

        Raises ValueError as `demand_tls` does.
        """
        self._base = URL(settings.base_url)
        demand_tls(self._base, ("https", "http"))
        self._settings = settings
        self._clock = clock
        self.limiter = limiter
        self._signer = None if credentials is None else Signer(credentials, self._base.host or "")
        self._reading = reading or Reading()
        self._names: Mapping[str, str] = {} if names is None else names
        self._tap = tap
        self._sink = sink
        self._clock_told_ns: int | None = None
        self.venue_offset_ms: int | None = None
        self.round_trips_ns: deque[int] = deque(maxlen=_ROUND_TRIPS)
        """From sending to the whole reply, of the last requests, in market time."""
        self._fixed_lines = (
            f"Host: {self._base.host_port_subcomponent}\r\nUser-Agent: arbbot/{__version__}\r\n"
            "Accept: */*\r\nAccept-Encoding: identity\r\n"
        )
        self._legs: Legs | None = None
        self._asks: Asks | None = None
        self._nonces: list[str] = []
        """Made ahead: the random bytes of an order cost a system call."""

    async def __aenter__(self) -> Self:
        settings = self._settings
        secure = self._base.scheme == "https"
        context = ssl.create_default_context(cafile=settings.ca_file) if secure else None
        self._legs = Legs(
            self._base,
            context,
            keep_alive_s=settings.keep_alive_s,
            most_bytes=settings.max_reply_bytes,
        )
        self._asks = Asks(
            self._base,
            context,
            timeout_s=settings.ask_timeout_s,
            connect_timeout_s=settings.connect_timeout_s,
            keep_alive_s=settings.keep_alive_s,
            most_bytes=settings.max_reply_bytes,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connections in (self._legs, self._asks):
            if connections is not None:
                await connections.close()

    # --- the port ---------------------------------------------------------------------------------------------

    def perform(self, command: PlaceOrder | CancelOrder | Ask) -> Coroutine[Any, Any, Event]:
        """See `Gateway.perform`. An order or cancel is on the wire when this returns, where a connection is warm and
        the budget has room; what is returned only waits for its answer.
        """
        at = self._clock.now()
        try:
            request = build(command, self._names, at.mono_ns)
            if request.private and self._signer is None:
                raise CannotAsk("no credentials")
        except CannotAsk as fault:
            return _told(interpret(command, [NoReply(False, str(fault))], self._reading))
        if isinstance(command, Ask):
            return self._asked(command, request)
        begun = self._begin(request, _LANES[type(command)], at)
        if begun is not None:
            return self._moved(command, begun)
        is_leg = isinstance(command, PlaceOrder) and command.terms.purpose is Purpose.LEG
        now_s = asyncio.get_running_loop().time()
        return self._moved_later(command, request, now_s + self._settings.leg_patience_s if is_leg else None)

    async def _moved(self, command: PlaceOrder | CancelOrder, begun: _Sent | NoReply) -> Event:
        """The event that answers an order or a cancel."""
        answer = await self._answer(begun)
        self._tape(command, answer)
        return interpret(command, [answer], self._reading)

    async def _moved_later(self, command: PlaceOrder | CancelOrder, request: Request, latest_s: float | None) -> Event:
        """The same for one that could not be written at once."""
        return await self._moved(command, await self._begin_later(request, _LANES[type(command)], latest_s))

    async def _asked(self, ask: Ask, first: Request) -> Event:
        """The event that answers a question, of one page or several, in bounded time."""
        request: Request | None = first
        answers: list[Answer] = []
        until_s = asyncio.get_running_loop().time() + self._settings.question_timeout_s
        while request is not None and len(answers) < MAX_PAGES:
            try:
                async with asyncio.timeout_at(until_s):
                    answer = await self._once(request)
            except TimeoutError:
                answer = NoReply(True, f"not read to its end within {self._settings.question_timeout_s} s")
            self._tape(ask, answer)
            answers.append(answer)
            request = follow_up(ask, answer, self._names)
        return interpret(ask, answers, self._reading)

    def _tape(self, command: PlaceOrder | CancelOrder | Ask, answer: Answer) -> None:
        if self._tap is not None:
            self._tap(command, answer, self._clock.now())

    async def warm(self) -> None:
        """Open the orders' connections, or keep them open, with a cheap public call on each. One after the other: what
        stands stays free for both legs of a hedge.
        """
        for _ in range(WARM):
            await self._answer(await self._begin_later(requests.eur_usd(), Lane.ASK, None))

    def rekey(self, credentials: Credentials) -> None:
        """Sign with another key from now on; what was sent before is still answered for by the key that signed it."""
        self._signer = Signer(credentials, self._base.host or "")

    # --- calls beside the port --------------------------------------------------------------------------------

    async def fetch(self, request: Request) -> Answer:
        """Send any request but an order, once, for the codecs to read. Whether to ask again is the caller's to know."""
        return await self._once(request)

    async def cancel_all(self) -> tuple[int, ...] | str:
        """Cancel every open order of the account: their ids, or why nobody knows. Whoever does not know asks again: to
        cancel twice does no harm, unlike everything else that moves something.
        """
        try:
            word = believed(await self.fetch(requests.cancel_all()), private=True)
            return str(word) if isinstance(word, VenueError) else codec_order.cancelled_all(word)
        except Malformed as fault:
            return str(fault)

    async def stream_token(self) -> codec_account.StreamToken | str:
        """A token for private channels, or why there is none."""
        try:
            word = believed(await self.fetch(requests.websockets_token()), private=True)
            return str(word) if isinstance(word, VenueError) else codec_account.stream_token(word)
        except Malformed as fault:
            return str(fault)

    async def fetch_book(self, market: str) -> Book | None:
        """A full-depth book, edge cache bypassed; None when there was no readable answer."""
        request = Request("GET", f"{requests.API}order_book/{market}/", f"_={self._clock.now().mono_ns}")
        try:
            word = believed(await self.fetch(request), private=False)
            return None if isinstance(word, VenueError) else codec_market.book(word, market)
        except Malformed:
            return None

    async def venue_utc_us(self) -> int | None:
        """The venue's own clock, to the millisecond; None where it does not tell."""
        try:
            word = believed(await self.fetch(requests.venue_time()), private=False)
            return None if isinstance(word, VenueError) else codec_market.server_time_us(word)
        except Malformed:
            return None

    # --- one exchange of bytes --------------------------------------------------------------------------------

    def _begin(self, request: Request, lane: Lane, at: Moment) -> _Sent | NoReply | None:
        """Write a request onto a warm connection, if there is one and the budget has room; else None, nothing done."""
        legs = _entered(self._legs)
        leg = legs.lend()
        if leg is None:
            return None
        if self.limiter.acquire(lane, at.mono_ns / 1e9) > 0:
            legs.give_back(leg)
            return None
        return self._write(leg, request, at)

    def _write(self, leg: Leg, request: Request, at: Moment) -> _Sent | NoReply:
        signed = self._sign(request, at)
        if leg.send(request.method, self._on_the_wire(request, signed)):
            return _Sent(leg, signed, at)
        return NoReply(False, "connection closed before anything was sent")

    async def _begin_later(self, request: Request, lane: Lane, latest_s: float | None) -> _Sent | NoReply:
        """Write a request onto any connection that can be had, by `latest_s` of the loop's time where there is one."""
        if not await self._granted(lane):
            return _OVER_BUDGET
        settings = self._settings
        until_s = asyncio.get_running_loop().time() + min(settings.connect_timeout_s, settings.order_timeout_s)
        try:
            deadline_s = until_s if latest_s is None else min(until_s, latest_s)
            leg = await _entered(self._legs).lend_or_open(deadline_s, widen=lane is Lane.ASK)
        except TimeoutError:
            return NoReply(False, "no connection in time")
        except (OSError, UnicodeError, RuntimeError) as error:  # uvloop's word for a socket that is still in use
            return NoReply(False, named(error))
        return self._write(leg, request, self._clock.now())

    async def _answer(self, begun: _Sent | NoReply) -> Answer:
        """The reply to a request that was written."""
        while len(self._nonces) < WARM:
            self._nonces.append(new_nonce())
        if isinstance(begun, NoReply):
            return begun
        leg, signed, sent = begun
        try:
            async with asyncio.timeout(self._settings.order_timeout_s):
                raw = await leg.answer()
        except TimeoutError as error:
            return NoReply(True, named(error))
        return raw if isinstance(raw, NoReply) else self._noted(self._reply(raw, signed), sent)

    def _on_the_wire(self, request: Request, signed: SignedRequest | None) -> bytes:
        """A whole HTTP/1.1 request. Path and query are ours or quoted, headers ours: nothing in them breaks a line."""
        target = f"{request.path}?{request.query}" if request.query else request.path
        length = f"Content-Length: {len(request.body)}\r\n" if request.method == "POST" else ""
        seal = "" if signed is None else "".join(f"{name}: {value}\r\n" for name, value in signed.headers.items())
        head = f"{request.method} {target} HTTP/1.1\r\n{self._fixed_lines}{length}{seal}\r\n"
        return head.encode() + request.body

    async def _once(self, request: Request) -> Answer:
        """Put a question at most once, and say what came of it."""
        if not await self._granted(Lane.ASK):
            return _OVER_BUDGET
        at = self._clock.now()
        signed = self._sign(request, at)
        raw = await _entered(self._asks).send(request, {} if signed is None else signed.headers)
        return raw if isinstance(raw, NoReply) else self._noted(self._reply(raw, signed), at)

    def _noted(self, reply: Reply, sent: Moment) -> Reply:
        """Let limiter and clock learn from a reply."""
        now = self._clock.now()
        self.round_trips_ns.append(now.mono_ns - sent.mono_ns)
        if is_rate_limited(reply):
            self.limiter.limited(now.mono_ns / 1e9, sent.mono_ns / 1e9)
        else:
            self.limiter.answered(sent.mono_ns / 1e9)
        self._note_clock(reply, sent, now)
        return reply

    async def _granted(self, lane: Lane) -> bool:
        """Wait for the rate budget; an order is not held back but given up, for its books would be stale."""
        left_s = 0.0 if lane is Lane.ORDER else self._settings.budget_wait_s
        while (wait_s := self.limiter.acquire(lane, self._clock.now().mono_ns / 1e9)) > 0:
            if wait_s > left_s:
                return False
            left_s -= wait_s
            await self._clock.sleep(wait_s)
        return True

    def _sign(self, request: Request, at: Moment) -> SignedRequest | None:
        if not request.private:
            return None
        assert self._signer is not None, "nothing private goes out without a key"
        nonce = self._nonces.pop() if self._nonces else new_nonce()
        method, path, query, body, _ = request
        return self._signer.sign(method, path, query, body, nonce, at.utc_us // 1000)

    def _reply(self, raw: RawReply, signed: SignedRequest | None) -> Reply:
        content_type = raw.headers.get("content-type")
        signature = raw.headers.get("x-server-auth-signature")
        seal = Seal.NONE
        if signature is not None and signed is not None:
            genuine = signed.signer.verify(signed, content_type or "", raw.body, signature)
            seal = Seal.VALID if genuine else Seal.WRONG
        return Reply(raw.status, raw.body, content_type, seal, _date_ms(raw.headers.get("date")))

    def _note_clock(self, reply: Reply, sent: Moment, now: Moment) -> None:
        seen = clock_seen(reply, sent, now)
        if seen is None:
            return
        self.venue_offset_ms = seen.offset_ms
        due = self._clock_told_ns is None or now.mono_ns - self._clock_told_ns >= _CLOCK_EVERY_NS
        if due and self._sink is not None:
            self._clock_told_ns = now.mono_ns
            self._sink(seen, now)


_LANES: dict[type, Lane] = {PlaceOrder: Lane.ORDER, CancelOrder: Lane.CANCEL}
_OVER_BUDGET = NoReply(False, "our own rate budget is used up", rate_limited=True)


_Connections = TypeVar("_Connections", Legs, Asks)


def _entered(connections: _Connections | None) -> _Connections:
    if connections is None:
        raise RuntimeError("the gateway is used outside its `async with`")
    return connections


async def _told(event: Event) -> Event:
    """An answer that needs no waiting for."""
    return event


def _date_ms(header: str | None) -> int | None:
    """Milliseconds since the epoch of a `Date` header; None where absent or unreadable."""
    if header is None:
        return None
    try:
        moment = parsedate_to_datetime(header)
        return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
