"""The radar of a running daemon sees what is recorded, beside trading and never before it."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from arbbot.bootstrap.radar.live import LOOK_EVERY_S, TOLD_A_MINUTE, WAITING_MAX, LiveRadar
from arbbot.bootstrap.radar.tiers import BARS
from arbbot.domain.events import BookSeen, Event, FeedUp, Moment, Tick
from arbbot.exchange.options import DEMO_KEY, DEMO_SECRET
from arbbot.ports import Sink
from arbbot.research.radar import Radar
from arbbot.runtime.clock import SystemClock
from tests.bootstrap.program import arbbot, exchange, variables
from tests.engine.rig import ROUTE, book, fx_book

CALM = book("btceur", "54500", "54560", stamp=1)
EDGES = 20
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
    live = LiveRadar(ROUTE, SystemClock(), log)  # type: ignore[arg-type]  # as much of a logger as it uses
    await lived(live, script, lambda event, _: got.append(event))
    fold = Radar(ROUTE, BARS)
    for event, at in script.events:
        fold.take(event, at)
    told = live.view()
    assert got == [event for event, _ in script.events]
    assert told["tiers"] == [tier for tier in fold.figures(brief=True)["tiers"] if not tier["with_fx"]]
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
    live = LiveRadar(ROUTE, SystemClock(), log)  # type: ignore[arg-type]  # as above
    await lived(live, Script(played(100, lasting_ms=200)), lambda _event, _at: None)
    assert len(log.lines) == TOLD_A_MINUTE < 100
    assert live.view()["tiers"][-1]["runs"] == 100
    late = LiveRadar(ROUTE, SystemClock(), log)  # type: ignore[arg-type]  # as above
    for _ in range(WAITING_MAX + 5):
        late.put(FeedUp(1), Moment(0, 0))
    late.put(Tick(), Moment(0, 0))
    assert late.view()["left_out"] == 5


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
