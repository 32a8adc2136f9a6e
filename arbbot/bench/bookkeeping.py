"""What happens between a decision and the second write: the intent's commit, and the small change beside it."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from arbbot.bench import markets
from arbbot.bench.account import ROUTE, RULES
from arbbot.bench.bed import LATER_US, Bed
from arbbot.bench.measure import quiet_collector
from arbbot.domain.commands import Ask, CancelOrder, PlaceOrder
from arbbot.domain.events import Event, Moment, OrderRefused
from arbbot.domain.records import DurableRecord, is_durable
from arbbot.engine.step import Output
from arbbot.journal.codec import encode
from arbbot.journal.sqlite import Identity, open_journal
from arbbot.research.record import FORMAT, Header, Recorder
from arbbot.runtime.desk import OrderDesk
from arbbot.telemetry.fold import Telemetry
from arbbot.telemetry.logging import Identity as LogIdentity
from arbbot.telemetry.logging import build_logger
from arbbot.telemetry.metrics import Metrics
from arbbot.telemetry.redact import Redactor
from arbbot.telemetry.sink import LineSink

IDENTITY = Identity("paper", "bench", "bench", ROUTE.name)


@dataclass(frozen=True, slots=True)
class Bookkeeping:
    """Microseconds: CPU of the small things, real time of a commit."""

    beside_us: float
    """Recorder, telemetry and the two dispatches."""
    noting_us: float
    """Of it, recorder and telemetry."""
    commit_normal_us: float
    commit_full_us: float


class _Refusing:
    """A gateway that refuses everything at once."""

    async def perform(self, command: PlaceOrder | CancelOrder | Ask) -> Event:
        assert isinstance(command, PlaceOrder)
        return OrderRefused(command.terms.client_order_id, "bench", "never sent")


def a_decision() -> Output:
    """What the engine says when it opens a hedge: three durable records and two orders."""
    shapes = markets.shared_out(markets.target_order(), reach=40)
    bed = Bed(markets.books(shapes))
    rich = markets.frames("btceur", shapes["btceur"], markets.MIDS["btceur"] * markets.RICH, LATER_US)
    return bed.decide(rich.next())


def quiet_telemetry() -> Telemetry:
    """The real thing, its lines into nothing and its metrics to no agent."""
    sink = LineSink(os.open(os.devnull, os.O_WRONLY))
    identity = LogIdentity("arbbot", "bench", "0", "bitstamp", "paper", ROUTE.name)
    redactor = Redactor()
    return Telemetry(build_logger(sink, identity, redactor), sink, Metrics(None, identity.tags(), redactor))


def bookkeeping(rounds: int) -> Bookkeeping:
    """Time the real recorder, telemetry, order desk and journal on a real decision."""
    output = a_decision()
    durable = [record for record in output.records if is_durable(record)]
    with tempfile.TemporaryDirectory() as directory, quiet_collector():
        beside, noting = asyncio.run(_beside(output, durable, Path(directory) / "recording", rounds))
        commits = [_commit_us(Path(directory) / f"{full}.db", durable, rounds, full=full) for full in (False, True)]
    return Bookkeeping(beside, noting, *commits)


async def _beside(output: Output, durable: list[DurableRecord], directory: Path, rounds: int) -> tuple[float, float]:
    """CPU microseconds of (all but the commit, the noting alone), in the order in which the daemon does them."""
    header = Header(FORMAT, "0", "paper", "bench", ROUTE, RULES, (), True)
    recorder = Recorder(directory, header, encode)
    telemetry = quiet_telemetry()
    answers: list[Event] = []
    faults: list[BaseException] = []
    desk = OrderDesk(_Refusing(), answers.append, faults.append)
    orders = [command for command in output.commands if isinstance(command, PlaceOrder)]
    at = Moment(0, 0)
    best = best_noting = float("inf")
    for _ in range(rounds):
        started = time.thread_time_ns()
        for order in orders:
            desk.dispatch(order)
        dispatched = time.thread_time_ns()
        recorder.decided(durable)
        telemetry.fold(output.records, at)
        ended = time.thread_time_ns()
        best, best_noting = min(best, (ended - started) / 1000), min(best_noting, (ended - dispatched) / 1000)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    await desk.close(1.0)
    recorder.close()
    assert not faults
    assert len(answers) == rounds * len(orders)
    return best, best_noting


def _commit_us(path: Path, records: list[DurableRecord], rounds: int, *, full: bool) -> float:
    """Median real time of one commit of a hedge's three records."""
    journal = open_journal(path, IDENTITY, sync_full=full)
    taken: list[float] = []
    for _ in range(rounds):
        started = time.perf_counter_ns()
        journal.append(records)
        taken.append((time.perf_counter_ns() - started) / 1000)
    journal.close()
    return median(taken)
