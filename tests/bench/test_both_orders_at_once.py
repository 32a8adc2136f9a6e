"""Nothing is awaited between a decision and the second order."""

from __future__ import annotations

import asyncio
from pathlib import Path

from arbbot.bench import markets
from arbbot.bench.account import ROUTE, RULES, Account
from arbbot.bench.bed import EPOCH, as_books, ready_session
from arbbot.bench.bookkeeping import IDENTITY, quiet_telemetry
from arbbot.bench.frames import Stamped
from arbbot.bitstamp.session import Channels
from arbbot.domain.commands import Ask, CancelOrder, PlaceOrder
from arbbot.domain.events import BookSeen, Event, FeedUp, OrderRefused, Tick
from arbbot.engine.state import State
from arbbot.engine.step import Engine
from arbbot.journal.sqlite import open_journal
from arbbot.runtime.clock import SystemClock
from arbbot.runtime.daemon import Daemon

SHAPES = markets.shared_out(markets.target_order(), reach=40)
BOOKS = markets.books(SHAPES)


class Slow:
    """A gateway that answers questions, and keeps orders waiting until it is let go."""

    def __init__(self) -> None:
        self.orders: list[PlaceOrder] = []
        self.let_go = asyncio.Event()
        self._account = Account(as_books(BOOKS))

    async def perform(self, command: PlaceOrder | CancelOrder | Ask) -> Event:
        if isinstance(command, Ask):
            return self._account.answer(command)
        assert isinstance(command, PlaceOrder)
        self.orders.append(command)
        await self.let_go.wait()
        return OrderRefused(command.terms.client_order_id, "test", "never sent")


async def test_both_orders_reach_the_gateway_in_one_turn_of_the_loop(tmp_path: Path) -> None:
    """The frame that opens a hedge commits the intent and starts both orders before anything else may run."""
    journal = open_journal(tmp_path / "journal.db", IDENTITY, sync_full=False)
    clock, gateway, telemetry = SystemClock(), Slow(), quiet_telemetry()
    daemon = Daemon(Engine(ROUTE, RULES, State(), journal.key), journal, gateway, [], clock, telemetry, None, "test")
    session = ready_session(Channels(ROUTE.symbols))

    def show(raw: bytes) -> None:
        at = clock.now()
        seen = session.receive(raw, at)
        assert isinstance(seen, BookSeen)
        daemon.deliver(seen, at)

    running = asyncio.create_task(daemon.run())
    await asyncio.sleep(0)
    daemon.deliver(FeedUp(EPOCH), clock.now())
    for symbol, sides in BOOKS.items():
        show(Stamped(f"order_book_{symbol}", [sides], clock.now().utc_us).next())
    for _ in range(1000):
        daemon.deliver(Tick(), clock.now())
        await asyncio.sleep(0)
        if daemon.engine.entry.blocked() is None:
            break
    show(markets.frames("btceur", SHAPES["btceur"], markets.MIDS["btceur"] * markets.RICH, clock.now().utc_us).next())
    kinds = [line.record.kind for line in journal.lines()]
    assert kinds[-3:] == ["hedge_opened", "order_intended", "order_intended"]
    assert not gateway.orders
    await asyncio.sleep(0)
    assert len(gateway.orders) == 2
    gateway.let_go.set()
    daemon.stop("the test is over")
    await running
    telemetry.close()
    journal.close()
