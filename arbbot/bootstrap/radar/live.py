"""The radar of a running daemon: books are only put aside when they come, and looked at when nothing waits for it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any

from structlog.typing import FilteringBoundLogger

from arbbot.bootstrap.beside import beside
from arbbot.bootstrap.radar.tiers import BARS
from arbbot.domain.commands import Ask, CancelOrder, PlaceOrder, Topic
from arbbot.domain.events import BookFetched, BookSeen, Event, FeedDead, FeedDown, FeedUp, Moment
from arbbot.domain.market import Route
from arbbot.ports import Clock, Feed, Gateway, Sink
from arbbot.research.radar import MINUTE_US, Bar, Radar, Run

LOOK_EVERY_S = 0.25
SLICE_S = 0.002
"""For so long it looks before the loop may go on with what trades."""
WAITING_MAX = 1_000
"""Seconds of books, some 40 kB each, which nobody was quick enough for: beyond it all of them are given up and counted,
and there is a gap where they were.
"""
TOLD_A_MINUTE = 30
"""Log lines; further runs of the minute are counted all the same."""
FRESH_NS = 1_000_000_000
_WANTED = (BookSeen, BookFetched, FeedUp, FeedDown, FeedDead)


def seen(radar: Radar, left_out: int) -> dict[str, Any]:
    """What a radar shows people: each tier with the fees of both legs."""
    told = radar.figures()
    return {**told, "tiers": [tier for tier in told["tiers"] if not tier["with_fx"]], "left_out": left_out}


class LiveRadar:
    """Watches the market feed, tells the log of each edge that ended, and keeps a view for the page."""

    def __init__(self, route: Route, fresh_s: Decimal, clock: Clock, logger: FilteringBoundLogger) -> None:
        self._radar = Radar(route, BARS, fresh_s, self._ended, medians=False)
        self._clock = clock
        self._logger = logger
        self._waiting: deque[tuple[Event | None, Moment]] = deque()
        """None where something is missing."""
        self._left_out = 0
        self._over = False
        self._told: tuple[int, int] = (0, 0)
        """A minute, and how many lines it had."""
        self._view: dict[str, Any] = {}
        self._view_ns: int | None = None

    def watching(self, feed: Feed) -> Feed:
        """The same feed, whose books are put aside here, too."""
        return _Watched(feed, self)

    def hearing(self, desk: Gateway) -> Gateway:
        """The same gateway, of whose answers those that hold a book are put aside here, too."""
        return _Heard(desk, self, self._clock)

    def put(self, event: Event, at: Moment) -> None:
        """Keep an event for later; costs next to nothing."""
        if isinstance(event, _WANTED):
            if self._over:
                self._left_out += 1
                return
            if len(self._waiting) >= WAITING_MAX:
                self._give_up()
                self._waiting.append((None, at))
            self._waiting.append((event, at))

    def _give_up(self) -> None:
        self._left_out += sum(event is not None for event, _ in self._waiting)
        self._waiting.clear()

    async def run(self) -> None:
        """Look at what was put aside, a few at a time, until cancelled; nothing is put aside for one that is over."""
        try:
            await self._look()
        finally:
            self._over = True
            self._give_up()

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            while self._waiting:
                until_s = loop.time() + SLICE_S
                while self._waiting and loop.time() < until_s:
                    event, at = self._waiting.popleft()
                    if event is None:
                        self._radar.gap(at)
                    else:
                        self._radar.take(event, at)
                await asyncio.sleep(0)

    def view(self) -> dict[str, Any]:
        """For the page, at most once a second anew."""
        now_ns = self._clock.now().mono_ns
        if self._view_ns is None or now_ns - self._view_ns >= FRESH_NS:
            self._view, self._view_ns = seen(self._radar, self._left_out), now_ns
        return self._view

    def _ended(self, run: Run, cleared: Sequence[Bar]) -> None:
        minute = run.began_utc_us // MINUTE_US
        told = self._told[1] + 1 if self._told[0] == minute else 1
        self._told = (minute, told)
        if told > TOLD_A_MINUTE:
            return
        self._logger.info(
            f"edge of {run.net_bp} bp net at the lowest tier, for {run.lasted_s.quantize(Decimal('0.001'))} s",
            kind="radar",
            direction=run.direction.value,
            lasted_s=str(run.lasted_s),
            net_bp=str(run.net_bp),
            size=str(run.size),
            profit=str(run.profit),
            oldest_book_s=str(run.oldest_book_s),
            cleared_taker_pct=[str(bar.rate.taker.scaleb(2)) for bar in cleared if not bar.with_fx],
            cleared_with_fx_taker_pct=[str(bar.rate.taker.scaleb(2)) for bar in cleared if bar.with_fx],
        )


def open_radar(
    stack: AsyncExitStack, route: Route, fresh_s: Decimal, clock: Clock, logger: FilteringBoundLogger
) -> LiveRadar:
    """One that looks until the stack unwinds."""
    live = LiveRadar(route, fresh_s, clock, logger)
    beside(stack, live.run(), "the radar")
    return live


class _Watched:
    def __init__(self, feed: Feed, radar: LiveRadar) -> None:
        self._feed = feed
        self._radar = radar

    async def run(self, sink: Sink) -> None:
        put = self._radar.put

        def tee(event: Event, at: Moment) -> None:
            sink(event, at)
            put(event, at)

        await self._feed.run(tee)

    def replace(self, epoch: int, reason: str) -> None:
        self._feed.replace(epoch, reason)

    def moved_ns(self) -> int | None:
        return self._feed.moved_ns()


class _Heard:
    def __init__(self, desk: Gateway, radar: LiveRadar, clock: Clock) -> None:
        self._desk = desk
        self._radar = radar
        self._clock = clock

    def perform(self, command: PlaceOrder | CancelOrder | Ask) -> Coroutine[Any, Any, Event]:
        """What goes to the venue goes at once, as it would without."""
        answering = self._desk.perform(command)
        return self._told(answering) if isinstance(command, Ask) and command.topic is Topic.BOOK else answering

    async def _told(self, answering: Coroutine[Any, Any, Event]) -> Event:
        answer = await answering
        self._radar.put(answer, self._clock.now())
        return answer
