"""The daemon's shell with a real journal on disk: what it still sends when things go wrong around the engine."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from arbbot.domain.book import Book
from arbbot.domain.commands import Ask, CancelOrder, PlaceOrder
from arbbot.domain.events import AskFailed, BookSeen, Event, FeedUp, Moment, Tick, VenueClockSeen
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.order import OrderState
from arbbot.domain.records import HedgeClosed, OrderMoved, Record
from arbbot.engine.state import State
from arbbot.engine.step import Engine
from arbbot.journal.sqlite import Identity, SqliteJournal, open_journal
from arbbot.ports import JournalFault, Sink
from arbbot.runtime.clock import SystemClock
from arbbot.runtime.daemon import Daemon, DaemonFault
from tests.engine.played_venue import PlayedVenue
from tests.engine.rig import FEE, ROUTE, RULES, book, even_books

LATE_S = 0.2
STALL_S = 0.4


class Desk:
    """A gateway before a played venue: answers at once, or orders only when they are let through."""

    def __init__(self, clock: SystemClock) -> None:
        self.venue = PlayedVenue(ROUTE, even_books(), FEE)
        self.said: list[str] = []
        """Orders and cancels in the order in which they came in and were answered."""
        self.answering = asyncio.Event()
        self.answering.set()
        self.silent = False
        """Whether questions stay without an answer."""
        self.failing = False
        """Whether questions fail at once."""
        self._clock = clock

    async def perform(self, command: PlaceOrder | CancelOrder | Ask) -> Event:
        if isinstance(command, PlaceOrder):
            self.said.append(f"{command.terms.side} sent")
            await self.answering.wait()
            self.said.append(f"{command.terms.side} answered")
        elif isinstance(command, CancelOrder):
            self.said.append("cancel")
        elif self.silent:
            await asyncio.Event().wait()
        elif self.failing:
            return AskFailed(command.ask_id, "the venue is away")
        return self.venue.perform(command, self._clock.now())


class Breaking:
    """A feed that breaks on demand."""

    def __init__(self) -> None:
        self.breaks: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.moved: int | None = None
        """What it says of its last step."""

    async def run(self, _sink: Sink) -> None:
        await self.breaks

    def replace(self, epoch: int, reason: str) -> None:
        """There is no connection to replace."""

    def moved_ns(self) -> int | None:
        return self.moved


class Notes:
    """Telemetry that keeps what it is told."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def fold(self, records: Sequence[Record], _at: Moment) -> None:
        self.records += records


class Shell:
    """A running daemon that has recovered and sees even books."""

    def __init__(self, path: Path, speed: float) -> None:
        self.path = path
        self.clock = SystemClock(speed)
        self.journal: SqliteJournal = open_journal(path, Identity("sandbox", "h", "a", "r"), sync_full=False)
        self.desk, self.feed, self.notes = Desk(self.clock), Breaking(), Notes()
        self.engine = Engine(ROUTE, RULES, State(), self.journal.key)
        self.daemon = Daemon(
            self.engine, self.journal, self.desk, [self.feed], self.clock, self.notes, None, "test", LATE_S * speed
        )
        self.running = asyncio.create_task(self.daemon.run())

    def deliver(self, event: Event) -> None:
        self.daemon.deliver(event, self.clock.now())

    def show(self, *changed: Book) -> None:
        """Frames of all books as of now, some of them changed."""
        shown = self.desk.venue.books
        for each in [*shown.values(), *changed]:
            shown[each.symbol] = Book(each.symbol, self.clock.now().utc_us, each.bids, each.asks)
        for seen in shown.values():
            self.deliver(BookSeen(seen, 1))

    async def until(self, ready: Callable[[], object]) -> None:
        """Let the loop run, and time pass, until something is true."""
        async with asyncio.timeout(20):
            while not ready():
                self.deliver(Tick())
                await asyncio.sleep(0.005)


@asynccontextmanager
async def running(path: Path, speed: float = 1.0) -> AsyncIterator[Shell]:
    """A daemon ready to trade; at the end its journal is closed."""
    shell = Shell(path, speed)
    try:
        await asyncio.sleep(0)
        shell.deliver(VenueClockSeen(0))
        shell.deliver(FeedUp(1))
        shell.show()
        await shell.until(lambda: shell.engine.entry.blocked() is None)
        yield shell
    finally:
        if not shell.running.done():
            shell.running.cancel()
            await asyncio.wait([shell.running])
        shell.journal.close()


def rich() -> Book:
    """An edge of nearly one percent: buy for dollars, sell for euros."""
    return book("btceur", "55000", "55010")


def stall(path: Path, seconds: float) -> threading.Timer:
    """Keep everybody else from writing to a journal for so long, as a stalled disk would."""
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(seconds, other.close)
    timer.start()
    return timer


async def test_a_decision_that_waited_for_the_disk_is_not_sent(tmp_path: Path) -> None:
    """The commit stalls: neither leg goes out, both are refused as never sent, and the hedge is over."""
    async with running(tmp_path / "journal.db") as shell:
        stalled = stall(shell.path, STALL_S)
        shell.show(rich())
        stalled.join()
        legs = shell.engine.core.state.open_orders()
        assert [leg.state for leg in legs] == [OrderState.INTENT, OrderState.INTENT]
        await shell.until(lambda: not shell.engine.core.state.live)
        assert shell.desk.said == []
        moved = [each for each in shell.notes.records if isinstance(each, OrderMoved)]
        assert [each.state for each in moved] == [OrderState.REJECTED, OrderState.REJECTED]
        assert [each.outcome for each in shell.notes.records if isinstance(each, HedgeClosed)] == ["nothing"]
        written = [line.record.kind for line in shell.journal.lines()]
        assert written.count("order_moved") == 2
        shell.daemon.stop("enough")
        assert await shell.running is ExitCode.OK


async def test_a_decision_that_was_written_in_time_is_sent(tmp_path: Path) -> None:
    """Without the stall the same frame sends both legs."""
    async with running(tmp_path / "journal.db") as shell:
        shell.show(rich())
        await shell.until(lambda: len(shell.desk.said) == 4)
        assert sorted(shell.desk.said) == ["buy answered", "buy sent", "sell answered", "sell sent"]


async def test_no_cancel_overtakes_its_order(tmp_path: Path) -> None:
    """Something breaks while both legs are on their way: cancels go out when they are answered, not before."""
    async with running(tmp_path / "journal.db") as shell:
        shell.desk.answering.clear()
        shell.show(rich())
        await shell.until(lambda: len(shell.desk.said) == 2)
        shell.feed.breaks.set_exception(ZeroDivisionError("the feed divided by nothing"))
        await asyncio.sleep(0.05)
        assert sorted(shell.desk.said) == ["buy sent", "sell sent"]
        shell.desk.answering.set()
        with pytest.raises(DaemonFault) as fault:
            await shell.running
        assert isinstance(fault.value.__cause__, ZeroDivisionError)
        assert sorted(shell.desk.said[2:4]) == ["buy answered", "sell answered"]
        assert shell.desk.said[4:] == ["cancel", "cancel"]


async def test_a_journal_that_fails_at_the_start_is_a_fault_too(tmp_path: Path) -> None:
    """The first record cannot be written: the same fault as later, nothing asked and nothing sent."""
    shell = Shell(tmp_path / "journal.db", 1.0)
    with closing(sqlite3.connect(shell.path)) as vandal:
        vandal.execute("DROP TABLE record")
    with pytest.raises(DaemonFault) as fault:
        await shell.running
    shell.journal.close()
    assert isinstance(fault.value.__cause__, JournalFault)
    assert shell.desk.said == []
