"""The venue's WebSocket as a Feed: connects, reads, reconnects by the policy, hands each frame's event on at once."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from yarl import URL

from arbbot.bitstamp.codec_account import StreamToken
from arbbot.bitstamp.limiter import Backoff
from arbbot.bitstamp.session import HEARTBEAT, Channels, Session, Signal
from arbbot.bitstamp.tls import demand_tls
from arbbot.domain.book import Book
from arbbot.domain.events import FeedDead, FeedDown, FeedUp, Moment
from arbbot.ports import Clock, Sink

MAX_FRAME_BYTES = 2**20
CLOSE_TIMEOUT_S = 1.0
REASON_CHARACTERS_MAX = 200
Tap = Callable[[bytes, int, Moment], None]
"""Sees every raw frame with its connection's epoch and the moment it was received: what a recorder stores."""


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """Where the stream is, and how patient we are. Times in market seconds unless said otherwise."""

    url: str
    ca_file: Path | None = None
    """Trust this CA instead of the system's."""
    subscribe_timeout_s: float = 10.0
    """From open to all subscriptions acknowledged."""
    heartbeat_s: float = 10.0
    """A heartbeat is sent this often; a connection silent from one to the next has stalled."""
    attempts: int = 5
    """Reconnections tried in a row before the feed is dead."""
    settled_s: float = 60.0
    """Frames for this long after all was acknowledged begin the count of attempts anew."""
    open_timeout_s: float = 10.0
    """For TCP, TLS and handshake, in real seconds."""
    snapshot_every_s: float = 1.0
    """Diff mode: pause between requests for a REST book that meets the diffs."""


class _Link:
    """One connection and the task that owns it."""

    __slots__ = ("asked", "carries_ns", "epoch", "retired", "session", "task", "verdict")

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.session: Session | None = None
        self.task: asyncio.Task[str] | None = None
        self.carries_ns: int | None = None
        """Since when its frames begin the count of attempts anew: all was acknowledged, or replacing it failed."""
        self.asked = False
        """It is to be replaced."""
        self.retired = False
        """Replaced: nothing it still brings counts."""
        self.verdict: str | None = None
        """Why we gave it up ourselves."""

    def ended(self) -> str | None:
        """Why its task is over; None while it runs. Raises what the task raised: a fault of ours."""
        return self.task.result() if self.task is not None and self.task.done() else None

    def carried_s(self) -> float:
        """Seconds for which it has carried frames since they count."""
        if self.carries_ns is None or self.session is None:
            return 0.0
        return (self.session.last_frame_ns - self.carries_ns) / 1e9


class BitstampFeed:
    """Market data and, given a `token` source, the account's private channels.

    A frame's event reaches the sink in the same call in which the frame was received. Any close is followed by one
    second's pause, then by growing ones; a link that carried frames for a while starts the count anew. When the
    venue asks for a reconnection, the next link is opened and subscribed before this one is closed; if none can be, it
    stays, and may be asked anew.
    """

    def __init__(
        self,
        settings: StreamSettings,
        channels: Channels,
        clock: Clock,
        random: Random,
        *,
        token: Callable[[], Awaitable[StreamToken | str]] | None = None,
        snapshot: Callable[[str], Awaitable[Book | None]] | None = None,
        tap: Tap | None = None,
    ) -> None:
        """`token` is called for each connection where channels are private, and may say why there is none; `snapshot`
        in diff mode.

        Raises ValueError for an unencrypted address off this machine, or when a needed source is missing.
        """
        demand_tls(URL(settings.url), ("wss", "ws"))
        if channels.private and token is None:
            raise ValueError("private channels need a source of tokens")
        if channels.diffs and snapshot is None:
            raise ValueError("books kept from diffs need a source of snapshots")
        self._settings = settings
        self._channels = channels
        self._clock = clock
        self._random = random
        self._token = token
        self._snapshot = snapshot
        self._tap = tap
        self._backoff = Backoff(first_s=1.0, cap_s=30.0, jitter=0.5)
        secure = settings.url.startswith("wss:")
        self._ssl = ssl.create_default_context(cafile=settings.ca_file) if secure else None
        self._wake = asyncio.Event()
        self._epoch = 0
        self._active: _Link | None = None
        self._opening: _Link | None = None
        self._tasks: set[asyncio.Task[str]] = set()
        self._stepped_ns = clock.now().mono_ns
        """When a connection last came a step nearer, or failed to."""

    async def run(self, sink: Sink) -> None:
        """See `Feed.run`."""
        try:
            await self._supervise(sink)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def replace(self, epoch: int, reason: str) -> None:
        """See `Feed.replace`: as if the venue had asked, so the old connection counts until the new one does."""
        link = self._active
        if link is not None and link.epoch == epoch and not link.asked:
            link.asked = True
            link.verdict = reason
            self._wake.set()

    def moved_ns(self) -> int:
        """See `Feed.moved_ns`. Each step has its timeout: when the last one is long ago, we are stuck."""
        links = (self._active, self._opening)
        frames = (link.session.last_frame_ns for link in links if link is not None and link.session is not None)
        return max([self._stepped_ns, *frames])

    def _stepped(self) -> None:
        self._stepped_ns = self._clock.now().mono_ns

    # --- the reconnect policy ---------------------------------------------------------------------------------

    async def _supervise(self, sink: Sink) -> None:
        """Keep one link active until reconnecting has failed too often."""
        failures, most, given_up = 0, self._settings.attempts, False
        self._launch(0.0, sink)
        while True:
            await self._wake.wait()
            self._wake.clear()
            alone = self._active if self._opening is None else None
            if alone is not None and alone.carried_s() >= self._settings.settled_s:
                failures, most, given_up = 0, self._settings.attempts, False
            before = self._active
            ended = self._reap(sink)
            replacing = given_up or (before is not None and before.asked and failures > 0)
            if before is not None and self._active is None and replacing:  # it could not be replaced, and has ended
                most, given_up = failures + self._settings.attempts, False
            if self._opening is not None or (self._active is not None and not self._active.asked):
                continue
            failures += 1
            if failures <= most:
                asked = self._active is not None
                self._launch(self._pause_s(failures, asked=asked), sink)
            elif self._active is None:
                sink(FeedDead(f"{self._settings.attempts} reconnections failed: {ended}"), self._clock.now())
                return
            else:
                self._active.asked, self._active.verdict, given_up = False, None, True

    def _pause_s(self, failures: int, *, asked: bool) -> float:
        """None before the first connection the venue asked for, one second after a first failure, then growing."""
        if failures == 1:
            return 0.0 if asked else self._backoff.first_s
        return self._backoff.delay_s(failures - 1, self._random)

    def _reap(self, sink: Sink) -> str | None:
        """Take leave of links whose task is over; the last one's reason. Raises what a task raised."""
        reason = None
        for link in (self._opening, self._active):
            ended = None if link is None else link.ended()
            if link is None or ended is None:
                continue
            reason = ended
            if link is self._active:
                self._active = None
            else:
                self._opening = None
                if self._active is not None:
                    self._active.carries_ns = self._clock.now().mono_ns
            if self._active is None:  # else only the replacement failed, and the feed is still up
                sink(FeedDown(link.epoch, ended), self._clock.now())
        return reason

    def _launch(self, delay_s: float, sink: Sink) -> None:
        self._epoch += 1
        self._stepped()
        link = self._opening = _Link(self._epoch)
        link.task = asyncio.create_task(self._live(link, delay_s, sink), name=f"feed link {link.epoch}")
        self._tasks.add(link.task)
        link.task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[str]) -> None:
        self._tasks.discard(task)
        self._wake.set()

    def _promote(self, link: _Link, session: Session, at: Moment, sink: Sink) -> None:
        """All needed channels are acknowledged: this link counts from now on, and the one before it no more."""
        old, self._active, self._opening = self._active, link, None
        link.carries_ns = at.mono_ns
        if old is not None and old.task is not None:
            old.retired = True
            old.task.cancel()
        sink(FeedUp(link.epoch), at)
        for seen in session.release():
            sink(seen, at)

    # --- one link ---------------------------------------------------------------------------------------------

    async def _live(self, link: _Link, delay_s: float, sink: Sink) -> str:
        """Open, subscribe, read to the end; the reason of the end."""
        if delay_s > 0:
            await self._clock.sleep(delay_s)
            self._stepped()
        token = None
        if self._channels.private and self._token is not None:
            told = await self._token()
            self._stepped()
            if isinstance(told, str):
                return f"no token for private channels: {told}"
            token = told
        session = link.session = Session(link.epoch, self._channels, token)
        try:
            socket = await self._connect()
        except (OSError, TimeoutError, WebSocketException) as error:
            return f"not connected: {_named(error)}"
        self._stepped()
        return await self._converse(link, session, socket, sink)

    async def _converse(self, link: _Link, session: Session, socket: ClientConnection, sink: Sink) -> str:
        """Subscribe and read until the connection is over; the reason of the end."""
        companions = [asyncio.create_task(self._keep(link, session, socket))]
        if self._channels.diffs:
            companions.append(asyncio.create_task(self._splice(link, session, sink)))
        for companion in companions:  # none ends before the link does, unless it gave the link up or failed
            companion.add_done_callback(lambda _: socket.transport.abort())
        try:
            for frame in session.needed_frames():
                await socket.send(frame)
            return await self._read(link, session, socket, sink)
        except ConnectionClosed as closed:
            farewell = closed.rcvd
            return link.verdict or (f"closed {farewell.code} {farewell.reason}"[:200] if farewell else "cut off")
        finally:
            try:
                await socket.close()
            finally:  # also when a stop cancels a link that was cancelled already, because another took its place
                for companion in companions:
                    companion.cancel()
                for outcome in await asyncio.gather(*companions, return_exceptions=True):
                    if isinstance(outcome, Exception):
                        raise outcome

    async def _connect(self) -> ClientConnection:
        return await connect(
            self._settings.url,
            ssl=self._ssl,
            compression=None,
            max_size=MAX_FRAME_BYTES,
            open_timeout=self._settings.open_timeout_s,
            ping_interval=None,
            close_timeout=CLOSE_TIMEOUT_S,
            proxy=None,
        )

    async def _read(self, link: _Link, session: Session, socket: ClientConnection, sink: Sink) -> str:
        """The hot loop. Ends by a refusal, or by ConnectionClosed."""
        tap, now, receive, epoch = self._tap, self._clock.now, session.receive, link.epoch
        while True:
            raw = await socket.recv(decode=False)
            at = now()
            if tap is not None:
                tap(raw, epoch, at)
            word = receive(raw, at)
            if word is None or link.retired:
                continue
            if not isinstance(word, Signal):
                sink(word, at)
            elif word is Signal.REFUSED:
                return session.refusal
            elif word is Signal.RECONNECT:
                link.asked = True
                self._wake.set()
            else:
                self._promote(link, session, at, sink)
                for frame in session.optional_frames():
                    await socket.send(frame)

    async def _keep(self, link: _Link, session: Session, socket: ClientConnection) -> None:
        """Return, which cuts the link, when subscriptions stay unanswered or a heartbeat is met with silence."""
        await self._clock.sleep(self._settings.subscribe_timeout_s)
        reason = "subscriptions unanswered"
        if session.ready:
            reason = "stalled: silent to a heartbeat"
            while True:
                sent_ns = self._clock.now().mono_ns
                try:
                    await socket.send(HEARTBEAT)
                except ConnectionClosed:
                    return
                await self._clock.sleep(self._settings.heartbeat_s)
                if session.last_frame_ns < sent_ns:
                    break
        link.verdict = reason

    async def _splice(self, link: _Link, session: Session, sink: Sink) -> None:
        """Diff mode: fetch REST books for markets that wait for one, until each meets its diffs."""
        if self._snapshot is None:
            return
        while True:
            await self._clock.sleep(self._settings.snapshot_every_s)
            for symbol in sorted(session.unspliced) if session.ready else ():
                book = await self._snapshot(symbol)
                seen = None if book is None else session.splice(book)
                if seen is not None and not link.retired:
                    sink(seen, self._clock.now())


def _named(error: Exception) -> str:
    """An error by type and text: the handshake carries no secret, the token goes out later."""
    words = " ".join(str(error).split())[:REASON_CHARACTERS_MAX]
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
