"""`arbbot run`: one daemon from its settings to its exit code."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from arbbot import __version__
from arbbot.bitstamp.rest import BitstampGateway
from arbbot.bootstrap import broken, calling, latched, recording
from arbbot.bootstrap import demo as demonstration
from arbbot.bootstrap.beside import beside
from arbbot.bootstrap.journals import folded
from arbbot.bootstrap.key_rights import refuse_withdrawal_right
from arbbot.bootstrap.longrun.gate import leave, refuse_unrehearsed
from arbbot.bootstrap.narrator import Narrator
from arbbot.bootstrap.observing import Observed, observe
from arbbot.bootstrap.opening import fetch_fees, verdict
from arbbot.bootstrap.page.machine import rest_figures
from arbbot.bootstrap.page.memory import Memory
from arbbot.bootstrap.page.serve import serve_page
from arbbot.bootstrap.page.serve import told as told_of_page
from arbbot.bootstrap.page.source import Parts as PageParts
from arbbot.bootstrap.paper import paper_balances, paper_fees, paper_gateway
from arbbot.bootstrap.radar.live import open_radar
from arbbot.bootstrap.rotation import Parts as RotationParts
from arbbot.bootstrap.rotation import Rotation
from arbbot.bootstrap.summary import print_summary
from arbbot.bootstrap.terminal import say
from arbbot.bootstrap.weight import told_at_start
from arbbot.bootstrap.wiring import (
    SlashNames,
    Taps,
    feed,
    fetch_route,
    follow_compressed,
    gateway,
    journal_identity,
    journal_path,
    make_state_dir,
    panic_latch,
)
from arbbot.domain.events import Event, Moment
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.domain.market import FeeRate, Route
from arbbot.engine.inventory import inventory
from arbbot.engine.ramp_told import ramp_answer
from arbbot.engine.report import report
from arbbot.engine.state import State
from arbbot.engine.step import Engine
from arbbot.journal.sqlite import JournalRefused, SqliteJournal, open_journal
from arbbot.ports import Feed, Gateway
from arbbot.ports import Telemetry as Port
from arbbot.research.record import Recorder
from arbbot.runtime.answers import Run, edges, health, status, why
from arbbot.runtime.clock import SystemClock
from arbbot.runtime.control import ControlServer, Refused
from arbbot.runtime.daemon import LATE_AFTER_S, Daemon, DaemonFault
from arbbot.runtime.lease_verbs import LEASE_VERBS, lease_event, lease_outcome, settlement
from arbbot.runtime.operator_verbs import operator_event, outcome, who_and_why, window_us
from arbbot.settings import Keys, RunMode, Settings, read_alerts_url, read_keys, rules
from arbbot.telemetry.fold import Telemetry
from arbbot.telemetry.redact import Redactor

T = TypeVar("T")


def run(settings: Settings, *, for_s: Decimal | None, record: Path | None, demo: bool) -> ExitCode:
    """Run until stopped (or for `for_s` market seconds). Raises Failure for what can be told in one line."""
    if not demo:
        try:
            return _run(settings, for_s, record)
        except Failure as failure:
            if not isinstance(failure.__cause__, DaemonFault):  # one that broke while it ran has told so itself
                calling.not_started(settings, failure)
            raise
    make_state_dir(settings.state_dir)
    if record is not None:
        recording.make_directory(record)

    def serve(shown: Settings) -> Coroutine[Any, Any, ExitCode]:
        return _serve(shown, for_s, record, shown.control_socket, narrated=True)

    return run_loop(demonstration.run(settings, serve))


def _run(settings: Settings, for_s: Decimal | None, record: Path | None) -> ExitCode:
    refuse_unrehearsed(settings)
    make_state_dir(settings.state_dir)
    if record is not None:
        recording.make_directory(record)
    return run_loop(_serve(settings, for_s, record, settings.control_socket, narrated=False))


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop where it is installed, else on asyncio."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a running daemon was put together from."""

    settings: Settings
    journal: SqliteJournal
    engine: Engine
    route: Route
    clock: SystemClock
    recorder: Recorder | None


async def _serve(
    settings: Settings, for_s: Decimal | None, record: Path | None, socket: Path, *, narrated: bool
) -> ExitCode:
    """Lock, look at the venue, recover, trade, stop."""
    keys = read_keys(settings)
    redactor = Redactor()
    if keys is not None:
        redactor.learn(keys.secret.get_secret_value())
    alerts_url = read_alerts_url(settings)
    journal = _open_journal(settings, keys)
    async with AsyncExitStack() as stack:
        stack.callback(journal.close)
        memory = Memory() if settings.dashboard.enabled else None
        state = _recovered(journal, memory)
        clock = SystemClock(float(settings.speed))
        door = _Door()
        taps = door.taps()
        names = SlashNames()
        source = await stack.enter_async_context(gateway(settings, keys, clock, door.deliver, taps, names))
        route, rights = await _first_look(settings, keys, source, clock, state)
        names.learn(route)
        parts = _Parts(
            settings,
            journal,
            Engine(route, rules(settings), state, journal.key),
            route,
            clock,
            recording.open_recording(settings, record, route, journal, clock),
        )
        if parts.recorder is not None:
            stack.callback(parts.recorder.close)
        door.recorder = parts.recorder
        seen = Observed(settings, parts.engine, source, clock, journal.path, parts.recorder)
        telemetry, logger = await observe(stack, seen, redactor, alerts_url, narrated=narrated)
        told = latched.ObeyedLatch(panic_latch(settings), _listeners(telemetry, memory, narrated=narrated))
        rotation = Rotation(RotationParts(settings, keys, source, journal, parts.engine, clock, redactor, told))
        stack.push_async_callback(rotation.close)
        desk, feeds = await _venue(stack, parts, source, taps, keys, door)
        live = open_radar(stack, route, settings.feed.fresh_s, clock, logger) if settings.radar_on else None
        if live is not None:
            desk, feeds = live.hearing(desk), [live.watching(each) for each in feeds]
        late_after_s = LATE_AFTER_S * clock.speed  # a rehearsal's process is no faster than any other
        daemon = Daemon(parts.engine, journal, desk, feeds, clock, told, parts.recorder, __version__, late_after_s)
        door.open(daemon)
        told.obey(stack, parts.engine.core.state, daemon.deliver, clock)
        about = Run.begin(parts.engine, settings.mode.value, __version__, clock.now())
        link = None
        if memory is not None:
            looks = PageParts(
                parts.engine, about, clock, journal, source, telemetry, parts.recorder, settings.state_dir, narrated,
                daemon.deliver, daemon.standing_still, None if live is None else live.view,
            )  # fmt: skip
            link = await serve_page(stack, settings, looks, memory)
        control = ControlServer(socket, _answerer(parts, daemon, about, source, rotation, link, telemetry))
        page = [] if link is None else [told_of_page(settings, link, demo=narrated)]
        doors = [f"control    {socket}", *page, *rights]
        try:
            return await _live(stack, parts, daemon, source, for_s, control, doors)
        except DaemonFault as fault:
            raise broken.failure(fault, parts.engine, logger, redactor, telemetry, clock.now()) from fault


async def _first_look(
    settings: Settings, keys: Keys | None, source: BitstampGateway, clock: SystemClock, state: State
) -> tuple[Route, list[str]]:
    """The venue's clock where it is ours, its markets, and what the key may do, in lines. Raises Failure."""
    try:
        if settings.speed != 1:
            await follow_compressed(settings, clock)
        route = await fetch_route(settings, source)
        seen = None if keys is None else await refuse_withdrawal_right(settings, source, route.base)
    except Failure as failure:
        raise broken.not_started(failure, state, "of the base asset") from failure
    return route, [] if seen is None else [f"key        {seen}"]


def _listeners(telemetry: Port, memory: Memory | None, *, narrated: bool) -> Port:
    """All who are told of records, one behind the other."""
    told: Port = Narrator(telemetry) if narrated else telemetry
    if memory is not None:
        memory.behind, told = told, memory
    return told


class _Door:
    """What adapters built before the daemon call: passes on to it, and to the recorder, once they are there."""

    def __init__(self) -> None:
        self.recorder: Recorder | None = None
        self._daemon: Daemon | None = None
        self._early: list[tuple[Event, Moment]] = []

    def open(self, daemon: Daemon) -> None:
        """Pass on to `daemon` what came before it was there, and from now on everything."""
        self._daemon = daemon
        for event, at in self._early:
            daemon.deliver(event, at)

    def deliver(self, event: Event, at: Moment) -> None:
        if self._daemon is None:
            self._early.append((event, at))
        else:
            self._daemon.deliver(event, at)

    def taps(self) -> Taps:
        return Taps(self._frame, self._reply)

    def _frame(self, raw: bytes, epoch: int, at: Moment) -> None:
        if self.recorder is not None:
            self.recorder.frame(raw, epoch, at)

    def _reply(self, command: object, answer: object, at: Moment) -> None:
        if self.recorder is not None:
            self.recorder.reply(command, answer, at)


def _open_journal(settings: Settings, keys: Keys | None) -> SqliteJournal:
    identity = journal_identity(settings, keys)
    try:
        return open_journal(journal_path(settings), identity, sync_full=settings.journal_full_sync)
    except (JournalRefused, OSError) as error:
        raise Failure(ExitCode.JOURNAL, str(error)) from error


def _recovered(journal: SqliteJournal, memory: Memory | None) -> State:
    """What the journal remembers, before anything else is asked. Raises Failure (JOURNAL)."""
    try:
        return folded(journal.lines(), journal.path, None if memory is None else memory.take)
    except JournalRefused as error:
        raise Failure(ExitCode.JOURNAL, str(error)) from error


async def _venue(
    stack: AsyncExitStack, parts: _Parts, source: BitstampGateway, taps: Taps, keys: Keys | None, door: _Door
) -> tuple[Gateway, list[Feed]]:
    """The desk's gateway and the feeds: modes are other adapters, nothing else."""
    market_feed = feed(parts.settings, parts.route, source, parts.clock, taps, private=keys is not None)
    if parts.settings.mode is RunMode.PAPER:
        paper = paper_gateway(parts.settings, parts.route, source, parts.clock, parts.engine.core.state)
        return paper, [paper.watching(market_feed), paper]
    await source.warm()
    beside(stack, _keep_warm(source, parts.clock), "the warming of connections")
    return source, [market_feed]


async def _keep_warm(source: BitstampGateway, clock: SystemClock) -> None:
    """Keep the orders' connections open: a cold one costs more than everything else on the way to the venue."""
    while True:
        await asyncio.sleep(20.0)
        await source.warm()


async def _live(
    stack: AsyncExitStack,
    parts: _Parts,
    daemon: Daemon,
    source: BitstampGateway,
    for_s: Decimal | None,
    control: ControlServer,
    doors: list[str],
) -> ExitCode:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, daemon.stop, signal.Signals(number).name)
    if for_s is not None:
        timer = loop.call_later(float(for_s) / parts.clock.speed, daemon.stop, f"--for {for_s}s is over")
        stack.callback(timer.cancel)
    await control.start()
    stack.push_async_callback(control.close)
    paper = parts.settings.mode is RunMode.PAPER
    fees = paper_fees(parts.settings, parts.route) if paper else await fetch_fees(source)
    owned = paper_balances(parts.settings, parts.route, parts.engine.core.state) if paper else None
    told = rules(parts.settings)
    small = await told_at_start(source, parts.engine.core.state, parts.route, told, owned)
    say(*_opening(parts, fees, doors), *small)
    code = await daemon.run()
    trouble = None
    if parts.recorder is not None:
        parts.recorder.close()
        trouble = parts.recorder.trouble()
    print_summary(
        report(parts.engine.core.state, parts.route, parts.settings.mode.value),
        code,
        broken.why_left(parts.engine, code),
        trouble,
    )
    return code


def _opening(parts: _Parts, fees: dict[str, FeeRate] | None, doors: list[str]) -> list[str]:
    """What is said before the first order."""
    settings = parts.settings
    lines = [
        f"arbbot     {__version__}, mode {settings.mode}, route {parts.route.name} over {parts.route.fx.symbol}",
        f"venue      {settings.venue.rest_url}",
        f"journal    {parts.journal.path}",
        *doors,
    ]
    if settings.mode is RunMode.LIVE:
        lines.append(f"rehearsal  {leave(settings).words}")
    if parts.recorder is not None:
        lines.append(f"recording  {parts.recorder.directory}")
    return [*lines, *verdict(parts.route, fees, rules(settings).trade)]


def _answerer(
    parts: _Parts,
    daemon: Daemon,
    about: Run,
    source: BitstampGateway,
    rotation: Rotation,
    link: str | None,
    telemetry: Telemetry,
) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The control socket's verbs: those that look, and those that change something."""
    engine, mode = parts.engine, parts.settings.mode.value

    def page() -> dict[str, Any]:
        if link is None:
            raise Refused("dashboard.enabled is false")
        return {"address": link}

    looks: dict[str, Callable[[dict[str, Any], Moment], dict[str, Any]]] = {
        "status": lambda _, now: {
            **status(engine, about, now),
            "rest": rest_figures(source, now),
            "recording": recording.figures(parts.recorder),
            "alerts": telemetry.alert_figures(),
        },
        "why": lambda _, now: why(engine, about, now),
        "health": lambda _, now: {
            **health(engine, now, daemon.standing_still(now)),
            "alerts": telemetry.alert_figures(),
        },
        "edges": lambda _, now: edges(engine),
        "report": lambda _, now: report(engine.core.state, parts.route, mode),
        "ramp": lambda _, now: ramp_answer(engine),
        "settlement": lambda request, now: settlement(engine, request, now),
        "inventory": lambda request, now: inventory(
            engine.core.state, parts.route, now.utc_us, window_us(request.get("over_s"))
        ),
        "page": lambda _, now: page(),
        "rotate_keys": lambda request, now: rotation.begin(*who_and_why(request)),
        "rotation": lambda _, now: rotation.state(),
        "where": lambda _, now: {"journal": str(parts.journal.path), "pid": os.getpid()},
    }

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        now, verb = parts.clock.now(), request["verb"]
        if verb in looks:
            return looks[verb](request, now)
        if verb in LEASE_VERBS:
            return lease_outcome(engine, daemon.deliver(lease_event(request), now))
        return outcome(engine.core.state, daemon.deliver(operator_event(request), now), verb)

    return answer
