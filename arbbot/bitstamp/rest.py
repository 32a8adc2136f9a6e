"""The venue's REST side as a Gateway: signs, sends once, bounds what comes back, and hands bytes to `replies`."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from arbbot.bitstamp import codec_account, codec_market, requests
from arbbot.bitstamp.auth import Credentials, SignedRequest, Signer, new_nonce
from arbbot.bitstamp.limiter import Lane, Limiter
from arbbot.bitstamp.replies import Reading, believed, clock_seen, follow_up, interpret
from arbbot.bitstamp.reply import Answer, NoReply, Reply, Seal, VenueError, is_rate_limited
from arbbot.bitstamp.requests import MAX_PAGES, CannotAsk, Request, build
from arbbot.bitstamp.tls import demand_tls
from arbbot.bitstamp.wire import Malformed
from arbbot.domain.book import Book
from arbbot.domain.commands import Ask, CancelOrder, PlaceOrder
from arbbot.domain.events import Event, Moment
from arbbot.ports import Clock, Sink

Tap = Callable[[PlaceOrder | CancelOrder | Ask, Answer, Moment], None]
"""Sees every answer of the wire with the command it answers, pages one by one: what a recorder stores."""

LEG_CONNECTIONS = 2
_CLOCK_EVERY_NS = 30_000_000_000
_READ_STEP = 1 << 16
_NEVER_CONNECTED = (
    aiohttp.ClientConnectorError,  # name not found, refused, unreachable, TLS handshake
    aiohttp.ClientConnectorCertificateError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
)
"""Raised by aiohttp before a connection exists, so before any byte of a request."""


@dataclass(frozen=True, slots=True)
class RestSettings:
    """Where the venue is and how long to wait for it."""

    base_url: str
    ca_file: Path | None = None
    """Trust this CA instead of the system's."""
    connect_timeout_s: float = 3.0
    order_timeout_s: float = 10.0
    ask_timeout_s: float = 20.0
    keep_alive_s: float = 60.0
    budget_wait_s: float = 30.0
    """How long a question or a cancel may wait for the rate budget."""
    max_reply_bytes: int = 16 << 20
    ask_connections: int = 4


class BitstampGateway:
    """Orders and questions over aiohttp. Use as an async context manager; public only without credentials.

    Orders and cancels have connections of their own, kept warm. Private calls are POSTs, which aiohttp never sends
    twice; redirects are not followed; proxies of the environment are not used.
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
        self._origin = str(self._base.origin())
        self._clock_told_ns: int | None = None
        self.venue_offset_ms: int | None = None
        self._legs: aiohttp.ClientSession | None = None
        self._asks: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        context = ssl.create_default_context(cafile=self._settings.ca_file)
        self._legs = self._open(context, 4 * LEG_CONNECTIONS, self._settings.order_timeout_s)
        self._asks = self._open(context, self._settings.ask_connections, self._settings.ask_timeout_s)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in (self._legs, self._asks):
            if session is not None:
                await session.close()

    def _open(self, context: ssl.SSLContext, limit: int, timeout_s: float) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=limit, keepalive_timeout=self._settings.keep_alive_s, ssl=context)
        timeout = aiohttp.ClientTimeout(
            total=timeout_s, connect=self._settings.connect_timeout_s, sock_connect=self._settings.connect_timeout_s
        )
        return aiohttp.ClientSession(
            connector=connector, timeout=timeout, trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
        )

    # --- the port ---------------------------------------------------------------------------------------------

    async def perform(self, command: PlaceOrder | CancelOrder | Ask) -> Event:
        """See `Gateway.perform`."""
        try:
            request: Request | None = build(command, self._names, self._clock.now().mono_ns)
        except CannotAsk as fault:
            return interpret(command, [NoReply(False, str(fault))], self._reading)
        answers: list[Answer] = []
        while request is not None and len(answers) < MAX_PAGES:
            answer = await self._once(request, _LANES[type(command)])
            if self._tap is not None:
                self._tap(command, answer, self._clock.now())
            answers.append(answer)
            request = follow_up(command, answer, self._names)
        return interpret(command, answers, self._reading)

    async def warm(self) -> None:
        """Open the legs' connections, or keep them open, with a cheap public call on each at the same time."""
        calls = [self._once(requests.eur_usd(), Lane.ASK, on_legs=True) for _ in range(LEG_CONNECTIONS)]
        await asyncio.gather(*calls)

    # --- calls beside the port --------------------------------------------------------------------------------

    async def fetch(self, request: Request) -> Answer:
        """Send any request that moves nothing, for the codecs to read; never an order."""
        return await self._once(request, Lane.ASK)

    async def stream_token(self) -> codec_account.StreamToken | None:
        """A token for private channels; None when the venue gives none."""
        try:
            word = believed(await self.fetch(requests.websockets_token()), private=True)
            return None if isinstance(word, VenueError) else codec_account.stream_token(word)
        except Malformed:
            return None

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

    async def _once(self, request: Request, lane: Lane, *, on_legs: bool = False) -> Answer:
        """Send a request at most once, and say what came of it."""
        if request.private and self._signer is None:
            return NoReply(False, "no credentials")
        if not await self._granted(lane):
            return NoReply(False, "our own rate budget is used up", rate_limited=True)
        answer = await self._send(request, self._legs if on_legs or lane is not Lane.ASK else self._asks)
        if isinstance(answer, Reply):
            now = self._clock.now()
            if is_rate_limited(answer):
                self.limiter.limited(now.mono_ns / 1e9)
            else:
                self.limiter.answered()
            self._note_clock(answer, now)
        return answer

    async def _granted(self, lane: Lane) -> bool:
        """Wait for the rate budget; an order is not held back but given up, for its books would be stale."""
        left_s = 0.0 if lane is Lane.ORDER else self._settings.budget_wait_s
        while (wait_s := self.limiter.acquire(lane, self._clock.now().mono_ns / 1e9)) > 0:
            if wait_s > left_s:
                return False
            left_s -= wait_s
            await self._clock.sleep(wait_s)
        return True

    async def _send(self, request: Request, session: aiohttp.ClientSession | None) -> Answer:
        if session is None:
            raise RuntimeError("the gateway is used outside its `async with`")
        signed: SignedRequest | None = None
        if request.private and self._signer is not None:
            signed = self._signer.sign(
                request.method, request.path, request.query, request.body, new_nonce(), self._clock.now().utc_us // 1000
            )
        suffix = f"?{request.query}" if request.query else ""
        try:
            async with session.request(
                request.method,
                URL(f"{self._origin}{request.path}{suffix}", encoded=True),
                data=request.body or None,
                headers=None if signed is None else signed.headers,
                skip_auto_headers=("Content-Type",),
                allow_redirects=False,
            ) as response:
                body = await self._bounded(response)
        except _NEVER_CONNECTED as error:
            return NoReply(False, _named(error))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return NoReply(True, _named(error))
        if body is None:
            return NoReply(True, "reply larger than allowed")
        return self._reply(response, body, signed)

    async def _bounded(self, response: aiohttp.ClientResponse) -> bytes | None:
        """The whole body, or None once it passes the limit."""
        body = bytearray()
        while chunk := await response.content.read(_READ_STEP):
            body += chunk
            if len(body) > self._settings.max_reply_bytes:
                response.close()
                return None
        return bytes(body)

    def _reply(self, response: aiohttp.ClientResponse, body: bytes, signed: SignedRequest | None) -> Reply:
        content_type = response.headers.get("Content-Type")
        signature = response.headers.get("X-Server-Auth-Signature")
        seal = Seal.NONE
        if signature is not None and signed is not None and self._signer is not None:
            genuine = self._signer.verify(signed, content_type or "", body, signature)
            seal = Seal.VALID if genuine else Seal.WRONG
        return Reply(response.status, body, content_type, seal, _date_ms(response.headers.get("Date")))

    def _note_clock(self, reply: Reply, now: Moment) -> None:
        seen = clock_seen(reply, now.utc_us)
        if seen is None:
            return
        self.venue_offset_ms = seen.offset_ms
        due = self._clock_told_ns is None or now.mono_ns - self._clock_told_ns >= _CLOCK_EVERY_NS
        if due and self._sink is not None:
            self._clock_told_ns = now.mono_ns
            self._sink(seen, now)


_LANES: dict[type, Lane] = {PlaceOrder: Lane.ORDER, CancelOrder: Lane.CANCEL, Ask: Lane.ASK}


def _named(error: Exception) -> str:
    """An error by type and system text only: the repr of some aiohttp errors shows request headers."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"{type(error).__name__}: {error.strerror or type(error.os_error).__name__}"
    if isinstance(error, OSError) and error.strerror:
        return f"{type(error).__name__}: {error.strerror}"
    return type(error).__name__


def _date_ms(header: str | None) -> int | None:
    """Milliseconds since the epoch of a `Date` header; None where absent or unreadable."""
    if header is None:
        return None
    try:
        moment = parsedate_to_datetime(header)
        return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
