"""The connections that orders and cancels go out on: a request is on the wire when the call that sends it returns.

Each connection carries one request at a time and is let go on any irregularity. Nothing is ever sent twice.
"""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import cast

import aiohappyeyeballs
from yarl import URL

from arbbot.bitstamp.http_reply import BadReply, RawReply, ReplyReader
from arbbot.bitstamp.reply import NoReply

WARM = 3
"""Connections kept open: one for each leg of a hedge, and one that a call to keep them open may be on."""
MOST = 8
"""Connections open at once."""
_SECOND_ADDRESS_AFTER_S = 0.25
"""Where a name has several addresses (RFC 8305)."""
_CLOSE_GRACE_S = 1.0


class Leg(asyncio.Protocol):
    """One connection to the venue."""

    def __init__(self, over: Callable[[Leg], None], lost: Callable[[Leg], None], most_bytes: int) -> None:
        """`over` is called after each request that was sent, once it is answered or given up; `lost` once, when the
        connection is gone. `most_bytes` bounds a reply's body.
        """
        self._loop = asyncio.get_running_loop()
        self._over = over
        self._lost = lost
        self._most_bytes = most_bytes
        self._transport: asyncio.Transport | None = None
        self._poll = select.poll()
        self._method = ""
        self._reader: ReplyReader | None = None
        self._answer: asyncio.Future[RawReply | NoReply] | None = None
        self.idle_since_s = 0.0
        """The loop's time, of the last reply."""
        self.gone: asyncio.Future[None] = self._loop.create_future()
        self._spoilt = False
        """Bytes that nobody asked for came."""

    # --- for the owner ----------------------------------------------------------------------------------------

    def quiet(self) -> bool:
        """Whether the connection stands and nothing arrived on it, by the kernel's word of this very moment.

        Between two requests whatever arrives is a farewell, which the event loop may not have come to read yet.
        """
        return self._transport is not None and not self._transport.is_closing() and not self._poll.poll(0)

    def send(self, method: str, request: bytes) -> bool:
        """Write a whole request; False, having written nothing, where the connection is gone already. It goes back to
        its owner by itself: whoever sent may be cancelled before it begins to wait.
        """
        if self._transport is None or self._transport.is_closing():
            return False
        self._method, self._reader = method, None
        self._answer = self._loop.create_future()
        self._answer.add_done_callback(self._settled)
        self._transport.write(request)
        return True

    async def answer(self) -> RawReply | NoReply:
        """What came of the request sent. Whoever is cancelled while it waits has given the request up."""
        assert self._answer is not None
        return await self._answer

    def reusable(self) -> bool:
        """Whether the last reply was whole and the venue lets another request follow."""
        answered = self._answer is not None and self._answer.done()
        return answered and self._reader is not None and self._reader.reusable

    def drop(self) -> None:
        """Cut the connection."""
        self._spoilt = True
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Take leave of the venue."""
        if self._transport is not None:
            self._transport.close()

    # --- for the transport ------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready to send, unless it was lost or spoilt in the turn that TLS was agreed in."""
        if self.gone.done():
            return
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one without saying so
        _write_at_once(self._transport)
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
        if self._spoilt:
            self.drop()

    def data_received(self, data: bytes) -> None:
        """A part of the reply; without a request it is nothing we could believe."""
        if self._answer is None or self._answer.done():
            self.drop()
        else:
            self._feed(data)

    def eof_received(self) -> None:
        """The venue says no more: the end of a reply of unstated length, or of the connection."""
        if self._answer is not None and not self._answer.done():
            self._feed(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        """Whatever was not answered never will be."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(NoReply(True, f"connection lost: {type(exc).__name__}" if exc else "closed"))
        self._transport = None
        self.gone.set_result(None)
        self._lost(self)

    def _settled(self, _: asyncio.Future[RawReply | NoReply]) -> None:
        self._over(self)

    def _feed(self, raw: bytes) -> None:
        assert self._answer is not None
        try:
            if self._reader is None:
                self._reader = ReplyReader(self._method, self._most_bytes)
            reply = self._reader.feed(raw)
        except BadReply as fault:
            self._answer.set_result(NoReply(True, str(fault)))
            self.drop()
        else:
            if reply is not None:
                self.idle_since_s = self._loop.time()
                self._answer.set_result(reply)


def _write_at_once(transport: asyncio.WriteTransport) -> None:
    """By this uvloop, too, writes in the call, not after the loop's turn; with TLS at both of its layers."""
    transport.set_write_buffer_limits(high=0)


class Legs:
    """Lends connections: warm ones at once, more on demand up to `MOST`."""

    def __init__(
        self,
        base: URL,
        context: ssl.SSLContext | None,
        *,
        keep_alive_s: float,
        most_bytes: int,
    ) -> None:
        """`context` for TLS, host name checked; `keep_alive_s` is how long an idle connection is trusted."""
        self._host, self._port = base.host or "", base.port or 0
        self._context = context
        self._keep_alive_s = keep_alive_s
        self._most_bytes = most_bytes
        self._idle: list[Leg] = []
        self._open: set[Leg] = set()
        self._opening = 0
        self._freed = asyncio.Event()
        self._closed = False

    def lend(self) -> Leg | None:
        """The warm connection that has been idle longest, nothing on it; it is back once what is sent is over."""
        oldest_s = asyncio.get_running_loop().time() - self._keep_alive_s
        while self._idle:
            leg = self._idle.pop(0)
            if leg.idle_since_s >= oldest_s and leg.quiet():
                return leg
            leg.drop()
        return None

    async def lend_or_open(self, until_s: float, *, widen: bool = False) -> Leg:
        """An idle connection or a new one, or wait for one when `MOST` are open; with `widen` a new one first while
        fewer than `WARM` are. Raises OSError, of which TimeoutError past `until_s` of the loop's time is one, or
        UnicodeError (for a name that is none): nothing was sent then.
        """
        async with asyncio.timeout_at(until_s):
            leg = await self._lend_or_open(widen)
        if asyncio.get_running_loop().time() > until_s:  # nothing had to be waited for, or the loop stood still
            self.give_back(leg)
            raise TimeoutError
        return leg

    async def _lend_or_open(self, widen: bool) -> Leg:
        while not self._closed:
            count = len(self._open) + self._opening
            leg = None if widen and count < WARM else self.lend()
            if leg is not None:
                return leg
            if count < MOST:
                return await self._connect()
            self._freed.clear()
            await self._freed.wait()
        raise ConnectionAbortedError("no new connection: the gateway is closed")

    def give_back(self, leg: Leg) -> None:
        """Take a connection back: kept if its last reply was whole and it is one of the first `WARM`. One that was
        opened and never sent upon goes.
        """
        if len(self._idle) < WARM and leg.reusable():
            self._idle.append(leg)
            self._freed.set()
        else:
            leg.drop()  # over TLS a farewell would hold the connection until the venue answers it

    async def close(self) -> None:
        """Close all connections, within a second or so."""
        self._closed = True
        self._freed.set()
        gone = [leg.gone for leg in self._open]
        for leg in list(self._open):
            leg.close()
        if gone:
            await asyncio.wait(gone, timeout=_CLOSE_GRACE_S)
        for leg in list(self._open):
            leg.drop()

    async def _connect(self) -> Leg:
        loop = asyncio.get_running_loop()
        self._opening += 1
        try:
            addresses = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            connected = await aiohappyeyeballs.start_connection(
                addresses, happy_eyeballs_delay=_SECOND_ADDRESS_AFTER_S, interleave=1
            )
            leg = await self._agreed(connected)
        finally:
            self._opening -= 1
            self._freed.set()
        if self._closed:
            leg.drop()
        if not leg.gone.done():
            self._open.add(leg)
        return leg

    async def _agreed(self, connected: socket.socket) -> Leg:
        """A connection over a connected socket, TLS agreed. The transport of the first step owns the socket, so that
        whatever breaks off the second closes it once and rightly.
        """
        loop, leg = asyncio.get_running_loop(), Leg(self.give_back, self._forget, self._most_bytes)
        try:
            plain, _ = await loop.create_connection(
                (lambda: leg) if self._context is None else asyncio.Protocol, sock=connected
            )
        except BaseException:
            with suppress(OSError):  # uvloop has closed it already
                connected.close()
            raise
        if self._context is not None:
            _write_at_once(plain)
            try:
                secure = await loop.start_tls(plain, leg, self._context, server_hostname=self._host)
            except BaseException:
                plain.abort()
                raise
            assert secure is not None
            leg.connection_made(secure)
        return leg

    def _forget(self, leg: Leg) -> None:
        self._open.discard(leg)
        if leg in self._idle:
            self._idle.remove(leg)
        self._freed.set()
