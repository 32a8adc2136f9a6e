"""The radar of a running daemon sees what is recorded, beside trading and never before it."""

from __future__ import annotations

import asyncio
import json
import sys
import tracemalloc
from collections.abc import Coroutine
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

from arbbot.bootstrap.radar.live import LOOK_EVERY_S, TOLD_A_MINUTE, WAITING_MAX, LiveRadar
from arbbot.bootstrap.radar.tiers import BARS
from arbbot.domain.book import Book
from arbbot.domain.commands import Ask, CancelOrder, PlaceOrder, Topic
from arbbot.domain.events import AskFailed, BookFetched, BookSeen, Event, FeedDown, FeedUp, Moment, Tick
from arbbot.exchange.options import DEMO_KEY, DEMO_SECRET
from arbbot.ports import Sink
from arbbot.research.radar import Radar
from arbbot.runtime.clock import SystemClock
from tests.bootstrap.program import arbbot, exchange, variables
from tests.engine.rig import ROUTE, book, fx_book

CALM = book("btceur", "54500", "54560", stamp=1)
ASK = Ask(1, Topic.BOOK, market="btceur")
EDGES = 20
FRESH_S = Decimal(3600)
"""Of three books one changes here."""
RICH = book("btceur", "55100", "55110", stamp=2)


class Log:
    """A logger that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def info(self, event: str, **fields: Any) -> None:
        self.lines.append({"event": event, **fields})


class Script:
    """A feed that has these events, all at once, and then nothing more."""

    def __init__(self, events: list[tuple[Event, Moment]]) -> None:
        self.events = events
        self.replaced = 0

    async def run(self, sink: Sink) -> None:
        for event, at in self.events:
            sink(event, at)

    def replace(self, epoch: int, reason: str) -> None:
        self.replaced += 1

    def moved_ns(self) -> int | None:
        return 7


def played(edges: int, lasting_ms: int = 1000) -> list[tuple[Event, Moment]]:
    """So many edges, with as much time between them as each lasts."""
    events: list[tuple[Event, Moment]] = [(FeedUp(1), Moment(0, 0)), (Tick(), Moment(0, 0))]
    events += [(BookSeen(each, 1), Moment(1, 1)) for each in (book("btcusd", "60000", "60010"), CALM, fx_book())]
    for number in range(2 * edges):
        passed_us = (number + 1) * lasting_ms * 1000
        events.append((BookSeen(CALM if number % 2 else RICH, 1), Moment(passed_us * 1000, passed_us)))
    return events


async def lived(live: LiveRadar, script: Script, sink: Sink) -> None:
    """Let the feed have its say, and the radar look at it."""
    await live.watching(script).run(sink)
    with suppress(TimeoutError):
        async with asyncio.timeout(4 * LOOK_EVERY_S):
            await live.run()


async def test_it_sees_what_a_recording_would() -> None:
    """The same figures as the fold itself; who trades gets every event first, in its order."""
    script, log, got = Script(played(EDGES)), Log(), list[Event]()
    live = LiveRadar(ROUTE, FRESH_S, SystemClock(), log)  # type: ignore[arg-type]  # as much of a logger as it uses
    await lived(live, script, lambda event, _: got.append(event))
    fold = Radar(ROUTE, BARS, FRESH_S, medians=False)
    for event, at in script.events:
        fold.take(event, at)
    told = live.view()
    assert got == [event for event, _ in script.events]
    assert told["tiers"] == [tier for tier in fold.figures()["tiers"] if not tier["with_fx"]]
    assert told["tiers"][-1]["runs"] == EDGES
    assert len(log.lines) == EDGES
    assert log.lines[0]["kind"] == "radar"
    assert (log.lines[0]["lasted_s"], log.lines[0]["direction"]) == ("1", "buy_domestic")
    assert len(log.lines[0]["cleared_taker_pct"]) == 11
    assert log.lines[0]["cleared_with_fx_taker_pct"] == [
        "0.03",
        "0.05",
        "0.06",
        "0.08",
        "0.10",
        "0.12",
        "0.16",
        "0.18",
        "0.20",
        "0.30",
    ]
    watched = live.watching(script)
    watched.replace(1, "why")
    assert (script.replaced, watched.moved_ns()) == (1, 7)


async def test_it_is_bounded() -> None:
    """Log lines by the minute, and what waits for it; what was left out is told."""
    log = Log()
    live = LiveRadar(ROUTE, FRESH_S, SystemClock(), log)  # type: ignore[arg-type]  # as above
    await lived(live, Script(played(100, lasting_ms=200)), lambda _event, _at: None)
    assert len(log.lines) == TOLD_A_MINUTE < 100
    assert live.view()["tiers"][-1]["runs"] == 100


class Still:
    """A clock that stands."""

    def now(self) -> Moment:
        return Moment(6 * 10**9, 6_000_000)


class Desk:
    """A gateway that has one book, and counts."""

    def __init__(self, held: Book) -> None:
        self.held = held
        self.asked: list[object] = []

    def perform(self, command: PlaceOrder | CancelOrder | Ask) -> Coroutine[Any, Any, Event]:
        self.asked.append(command)
        return self._answer(command)

    async def _answer(self, command: object) -> Event:
        return BookFetched(1, self.held) if command == ASK else AskFailed(2, "not now")


async def test_it_hears_what_rest_says_of_a_quiet_book() -> None:
    """Each answer goes to who asked, the question goes out before anything is awaited, and a book is looked at."""
    live, desk = LiveRadar(ROUTE, Decimal(10), Still(), Log()), Desk(RICH)  # type: ignore[arg-type]  # as above
    for each in (book("btcusd", "60000", "60010"), RICH, fx_book()):
        live.put(BookSeen(each, 1), Moment(0, 0))
    heard = live.hearing(desk)
    answering = heard.perform(ASK)
    assert desk.asked == [ASK]
    assert await answering == BookFetched(1, RICH)
    assert isinstance(await heard.perform(Ask(2, Topic.BALANCES)), AskFailed)
    assert isinstance(await heard.perform(CancelOrder("a", None, "btceur")), AskFailed)
    await looked(live)
    assert live.view()["observed_s"] == Still().now().mono_ns // 10**9 == 6


def rich() -> LiveRadar:
    """One that has seen an edge begin, and not end."""
    live = LiveRadar(ROUTE, FRESH_S, SystemClock(), Log())  # type: ignore[arg-type]  # as above
    for event, at in played(1)[:-1]:
        live.put(event, at)
    return live


async def looked(live: LiveRadar) -> None:
    """Let it look at all that waits, and end."""
    with suppress(TimeoutError):
        async with asyncio.timeout(4 * LOOK_EVERY_S):
            await live.run()


async def test_what_nobody_was_quick_enough_for_is_a_gap() -> None:
    """All that waited is given up and counted, the end of a connection among it: no book of before counts after it."""
    late = rich()
    begun = len(played(1)) - 2
    late.put(FeedDown(1, "gone"), Moment(2 * 10**9, 2_000_000))
    for number in range(WAITING_MAX):
        late.put(BookSeen(CALM, 2), Moment(2 * 10**9 + number, 2_000_000))
    late.put(Tick(), Moment(3 * 10**9, 3_000_000))
    await looked(late)
    told = late.view()
    assert told["left_out"] == WAITING_MAX
    assert begun + 1 < WAITING_MAX, "the scene does not fill the queue by itself"
    assert told["book_changes"] == begun + 1
    assert told["observed_s"] == 0, "of three books one came on the new connection"


async def test_time_that_was_given_up_is_not_observed() -> None:
    """An edge that nobody saw the end of, a minute of books given up after it, and one more: it lasted until the last
    book that was looked at, and the minute is no observed one.
    """
    log = Log()
    late = LiveRadar(ROUTE, FRESH_S, SystemClock(), log)  # type: ignore[arg-type]  # as above
    late.put(FeedUp(1), Moment(0, 0))
    for ms, each in ((1000, book("btcusd", "60000", "60010")), (1000, fx_book()), (1000, RICH), (1500, fx_book())):
        late.put(BookSeen(each, 1), Moment(ms * 10**6, ms * 1000))
    looking = asyncio.create_task(late.run())
    await asyncio.sleep(2 * LOOK_EVERY_S)
    for number in range(WAITING_MAX + 1):
        ms = 1600 + number * 60
        late.put(BookSeen(CALM, 1), Moment(ms * 10**6, ms * 1000))
    await asyncio.sleep(2 * LOOK_EVERY_S)
    looking.cancel()
    assert late.view()["left_out"] == WAITING_MAX
    assert late.view()["observed_s"] == Decimal("0.5")
    assert [line["lasted_s"] for line in log.lines] == ["0.5"]


async def test_one_that_died_keeps_nothing() -> None:
    """What comes later is counted as not looked at, and let go."""
    live = rich()
    await looked(live)
    again = BookSeen(RICH, 1)
    kept = sys.getrefcount(again)
    for _ in range(50):
        live.put(again, Moment(3 * 10**9, 3_000_000))
    assert sys.getrefcount(again) == kept
    told = live.view()
    assert (told["book_changes"], told["left_out"]) == (len(played(1)) - 3, 50), "its books, without a tick and an up"


def test_a_daemons_radar_does_not_grow_with_its_runs() -> None:
    """Hundreds more at every tier take no more room, once the newest are full: it has no medians to keep them for."""
    found = Radar(ROUTE, BARS, FRESH_S, medians=False)
    events = played(1_200)
    for event, at in events[: len(events) // 2]:
        found.take(event, at)
    tracemalloc.start()
    try:
        for event, at in events[len(events) // 2 :]:
            found.take(event, at)
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.figures()["tiers"][-2]["runs"] == 1_200
    assert grown < 500_000


def test_paper_mode_keeps_one(tmp_path: Path) -> None:
    """In a real process: a log line for each edge that ended, and its recording tells the same ones."""
    with exchange("--scenario", "dislocated") as venue:
        given = variables(venue, DEMO_KEY, DEMO_SECRET)
        places = {name.replace("SANDBOX", "PAPER"): text for name, text in given.items() if "SANDBOX" in name}
        ended = arbbot("run", "--mode", "paper", "--for", "12s", **places, ARBBOT_STATE_DIR=str(tmp_path))
    lines = [json.loads(line) for line in ended.out.splitlines()]
    told = [line for line in lines if line.get("kind") == "radar"]
    (recording,) = (tmp_path / "recordings").iterdir()
    answer = json.loads(arbbot("radar", "--json", str(recording)).out)
    recorded = [(run["direction"], run["net_bp"], run["profit"]) for run in answer["newest"]]
    assert told, ended.err
    assert [(line["direction"], line["net_bp"], line["profit"]) for line in told] == recorded[: len(told)]
    assert len(recorded) - len(told) <= 2, "what lasted to the end, and what the last look came too early for"
