"""Scenes with a name: the harms, deaths and stops that every run of the tests must see, each in a world of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from arbbot.domain.records import DurableRecord
from arbbot.exchange.options import DEMO_SECRET
from arbbot.journal.sqlite import SqliteJournal
from tests.e2e.stage import CALM, EUR, FX, QUICK, RICH_EUR, USD, Sections, merged
from tests.shell import endings, harms, verdict
from tests.shell.world import Play, Run, World, played

JOURNAL, AWAY = 5, 7
TORN = b"\x37\x7f\x06\x82 half a page that was never finished" * 40
SHORT: Sections = merged(QUICK, {"hedge": {"cooldown_s": 5}, "account": {"poll_s": 5}})
RESTS: Sections = merged(SHORT, {"trade": {"limit_reference": "sell_ask"}})


@dataclass(frozen=True, slots=True)
class Scene:
    """What happens, and on which settings."""

    play: Play
    sections: Sections = field(default_factory=lambda: SHORT)
    forgiven: tuple[str, ...] = ()
    """What must be broken, and is, by the scene's own doing."""


def problems(name: str) -> list[str]:
    """Play a scene by name; what was broken."""
    return judged(SCENES[name])


def judged(scene: Scene) -> list[str]:
    """Play a scene; what was broken."""
    with TemporaryDirectory(prefix="scene-") as directory:
        return verdict.problems(played(7, Path(directory), scene.sections, scene.play), scene.forgiven)


# --- parts of scenes -------------------------------------------------------------------------------------------------


async def hedging(world: World, until: Callable[[], object], within_s: float = 60.0) -> None:
    """A market with an edge until something is true, or the daemon is over."""
    for beat in range(int(within_s)):
        for market in (USD, FX):  # who has subscribed since hears of a book when it changes
            world.show(market, CALM[market])
        world.show(EUR, (RICH_EUR[0], str(int(RICH_EUR[1]) + beat % 2)))
        if world.run.over or until():
            return
        await asyncio.sleep(1.0)


async def to_the_end(world: World) -> None:
    """No edge and no faults any more; the present daemon, or a next one, comes to rest and is stopped."""
    world.heal()
    world.calm()
    if world.run.over:
        await world.ended(world.run, 0.0)
        verdict.at_an_end(world)
        harms.cured(world)
        world.start()
    beating = asyncio.create_task(_calm(world))
    if not await world.until(lambda: verdict.settled(world), 900.0):
        world.surprises.append("L2: it does not come to rest")
    await verdict.alive(world)
    await _stopped(world)
    beating.cancel()
    await asyncio.wait([beating])


async def _calm(world: World) -> None:
    while True:
        world.calm()
        await asyncio.sleep(2.0)


async def _stopped(world: World) -> None:
    world.stop()
    if not await world.ended(world.run, verdict.STOPS_S):
        world.surprises.append("it does not stop")
    verdict.at_an_end(world)


def _demand(world: World, fact: object, words: str) -> None:
    if not fact:
        world.surprises.append(words)


# --- the journal -----------------------------------------------------------------------------------------------------


async def _harmed(world: World, harm: str, *, resting: bool = False) -> None:
    """The journal fails in the middle of a hedge, or while an order of ours rests, which is cancelled all the same:
    code 1, one line with the reason; then all is found.
    """
    run = world.start()
    harmed = partial(harms.harm, world, harm, 0)

    def before(_run: Run, journal: SqliteJournal) -> None:
        if run.commits + 1 >= 10 if not resting else _resting(world):
            harmed(run, journal)

    run.before_commit = before
    await hedging(world, lambda: False)
    await world.ended(run, 60.0)
    _demand(world, run.code == 1, f"{harm}: exit code {run.code}")
    _demand(world, "the journal cannot be written" in run.said(), f"{harm}: it said {run.said()[-300:]}")
    _demand(world, not _resting(world), f"{harm}: {_resting(world)} rests at the venue")
    await to_the_end(world)


def _resting(world: World) -> list[str]:
    """Own orders that rest at the venue."""
    orders = world.account()["orders"]
    return [order["client_order_id"] for order in orders if order["status"] == "Open" and order["client_order_id"]]


async def _torn(world: World, *, lost: bool) -> None:
    """A power cut leaves half a page behind the last commit; or, `lost`, takes the last commits themselves away.

    The first costs nothing. After the second, orders are found at the venue that the journal does not know: nothing
    is traded on, and a person is told.
    """
    world.start()
    run = world.run
    run.after_commit = partial(dies_at, world, "fill_booked")
    await hedging(world, lambda: False)
    log = run.state_dir / "sandbox" / "journal.db-wal"
    if lost:
        for end in reversed(_commits(log)):
            os.truncate(log, end)
            if not _holds(log.with_name("journal.db"), "order_intended"):
                break
    else:
        with log.open("ab") as file:
            file.write(TORN)
    await to_the_end(world)
    if lost:
        told = " ".join(line["text"] for line in world.records.all("alert_raised"))
        _demand(world, world.records.mode() != "active" and "external" in told + world.run.said(), f"it said {told}")


def _commits(log: Path) -> list[int]:
    """Offsets behind each commit in a write-ahead log (https://sqlite.org/fileformat2.html, section 4)."""
    raw = log.read_bytes()
    page = int.from_bytes(raw[8:12], "big")
    ends = [0]
    for start in range(32, len(raw) - page - 23, page + 24):
        if int.from_bytes(raw[start + 4 : start + 8], "big"):
            ends.append(start + page + 24)
    return ends


def _holds(path: Path, kind: str) -> bool:
    """Whether a copy of the journal, as the next process will find it, has a record of this kind."""
    with TemporaryDirectory() as directory:
        for part in path.parent.glob(path.name + "*"):
            if not part.name.endswith("-shm"):
                shutil.copy(part, directory)
        with closing(sqlite3.connect(Path(directory) / path.name)) as connection:
            return bool(connection.execute("SELECT count(*) FROM record WHERE kind = ?", (kind,)).fetchone()[0])


def dies_at(world: World, kind: str, _run: Run, records: Sequence[DurableRecord]) -> None:
    """After a commit: killed if it has a record of this kind."""
    if any(record.kind == kind for record in records):
        endings.carry_out(world, "kill")


async def _damaged(world: World) -> None:
    """A page of the file itself is overwritten: refused before anything is sent, with code 5 and a reason."""
    world.start()
    await hedging(world, lambda: world.records.all("hedge_settled"))
    await _stopped(world)
    path = world.run.state_dir / "sandbox" / "journal.db"
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\x00" * 4096 + whole[8192:])
    asked = len(verdict.requests())
    run = world.start()
    await world.ended(run, 5.0)
    _demand(world, run.code == JOURNAL, f"exit code {run.code}")
    _demand(world, len(verdict.requests()) == asked, "it asked the venue on a damaged journal")
    path.write_bytes(whole)
    await to_the_end(world)


async def _two(world: World) -> None:
    """S17: a second daemon on the same journal leaves with code 5 before it asks anybody anything."""
    world.start()
    await hedging(world, lambda: world.records.all("order_intended"))
    other = world.start(world.run.state_dir, beside=True)
    await asyncio.sleep(0)
    await world.ended(other, 5.0)
    asked = [end for end in world.loop.network.ends if end.life is other.life]
    _demand(world, other.code == JOURNAL and not asked, f"S17: the second left with {other.code}")
    _demand(world, "in use by process" in other.said(), f"S17: the second said {other.said()}")
    await to_the_end(world)


async def _away(world: World) -> None:
    """Killed with one leg filled, it cannot start while the venue is away: each try says what is open."""
    world.start()
    world.run.after_commit = partial(dies_at, world, "fill_booked")
    await hedging(world, lambda: False)
    opened = [line["terms"]["client_order_id"] for line in world.records.all("order_intended")]
    world.loop.network.refused.add(world.rest_port)
    run = world.start()
    await world.ended(run, 30.0)
    _demand(world, run.code == AWAY, f"exit code {run.code}")
    _demand(world, any(name in run.said() for name in opened), f"it said {run.said()}")
    await to_the_end(world)


# --- the machine -----------------------------------------------------------------------------------------------------


async def _blocked(world: World, seconds: float) -> None:
    """The process does not run for so long in the middle of a hedge; it decides nothing on what it finds then."""
    world.start()
    await hedging(world, lambda: world.records.all("order_intended"))
    world.run.life.freeze(seconds)
    for _ in range(int(seconds / 2) + 10):
        world.calm()
        await asyncio.sleep(2.0)
    await to_the_end(world)


async def _burst(world: World) -> None:
    """Ten thousand frames of each market come at once through the stream's own reader while an edge stands."""
    world.start()
    await hedging(world, lambda: world.records.all("anchor_set"))
    for market in (USD, EUR, FX):
        world.fault(f"burst:order_book_{market}:1,size=10000")
    await hedging(world, lambda: world.records.all("hedge_closed"))
    _demand(world, world.records.all("hedge_closed"), "no hedge was closed after the burst")
    await to_the_end(world)
    _demand(world, world.faulted["burst"] == 3, f"of three bursts {world.faulted['burst']} came")


async def _slow_disk(world: World) -> None:
    """Every commit takes five seconds: by then a decision is of another market, and none of its orders leaves."""
    run = world.start()

    def before(_run: Run, _journal: SqliteJournal) -> None:
        world.loop.now_ns += 5_000_000_000

    await hedging(world, lambda: world.records.all("anchor_set"))
    run.before_commit = before
    await hedging(world, lambda: world.records.all("hedge_closed"))
    _demand(world, world.records.all("order_intended"), "nothing was decided")
    _demand(world, not world.arrived, f"orders of old decisions were sent: {world.arrived}")
    run.before_commit = None
    await to_the_end(world)


async def _replaced(world: World) -> None:
    """Stopped while the stream it has replaced still takes leave of a venue that does not hear: nothing is left."""
    world.start()
    await hedging(world, lambda: False, 5.0)
    world.calm()
    await asyncio.sleep(6.0)
    (old,) = world.loop.network.of(world.stream_port)
    world.pull("request_reconnect")
    await asyncio.sleep(0.0015)
    old.peer.stalled_until_s = world.loop.time() + 30.0
    world.calm()
    await asyncio.sleep(0.1)
    await _stopped(world)


async def _asked_in_vain(world: World) -> None:
    """The venue asks for another stream and takes none, of a daemon whose own has long been up: it stays up, and the
    venue is not hammered; once it takes one again it is asked again, and obeyed.
    """
    run = world.start()
    await hedging(world, lambda: False, 70.0)
    for taken in (False, True):
        (world.loop.network.refused.discard if taken else world.loop.network.refused.add)(world.stream_port)
        (old,) = world.loop.network.of(world.stream_port)
        world.pull("request_reconnect")
        await hedging(world, lambda: False, 100.0)
        now = world.loop.network.of(world.stream_port)
        _demand(world, not run.over and len(now) == 1, f"it has {len(now)} streams: {run.said()[-300:]}")
        _demand(world, (now != [old]) is taken, "its stream was replaced" if not taken else "its stream is the old one")
    await to_the_end(world)


async def _unread(world: World) -> None:
    """Nobody reads the log or the terminal, no agent takes the metrics: trading goes on."""
    run = world.start()
    read, write = os.pipe()
    os.close(read)
    run.life.log_fd = write
    run.life.terminal_gone = True
    await hedging(world, lambda: world.records.all("hedge_settled"))
    _demand(world, world.records.all("hedge_settled"), "it did not trade")
    await to_the_end(world)
    os.close(write)


async def _canary(world: World) -> None:
    """S15: with all that can be said being said, the secret is in no log, metric, journal, recording or answer."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as agent:
        agent.bind(("127.0.0.1", 0))
        agent.setblocking(False)
        host, port = agent.getsockname()
        telling = {"telemetry": {"statsd": f"{host}:{port}"}, "recording": {"enabled": "on"}}
        world.sections = merged(world.sections, telling)
        world.start()
        for fault in ("mis_signed:buy:1", "html_200:sell:1", "truncated:user_transactions:2", "auth_403:fees:1"):
            world.fault(fault)
        told = b""
        for _ in range(40):
            world.show(EUR, RICH_EUR)
            await asyncio.sleep(1.0)
            if not world.run.over:
                told += repr([await world.ask(verb) for verb in ("status", "why", "report", "health")]).encode()
            told += _heard(agent)
        await to_the_end(world)
        told += _heard(agent)
    _demand(world, b"arbbot." in told, "no metric was heard")
    _demand(world, DEMO_SECRET.encode() not in told, "S15: the secret was told")
    _demand(world, list(world.directory.rglob("*.zst")), "nothing was recorded")


def _heard(agent: socket.socket) -> bytes:
    heard = b""
    while True:
        try:
            heard += agent.recv(1 << 16)
        except BlockingIOError:
            return heard


SCENES: dict[str, Scene] = {
    **{f"journal: {harm}": Scene(partial(_harmed, harm=harm)) for harm in harms.HARMS},
    **{
        f"journal: {harm}, a leg rests": Scene(partial(_harmed, harm=harm, resting=True), RESTS) for harm in harms.HARMS
    },
    "torn behind the last commit": Scene(partial(_torn, lost=False)),
    "the last commits lost": Scene(partial(_torn, lost=True), forgiven=("S1", "S3")),
    "a damaged page": Scene(_damaged),
    "two instances": Scene(_two),
    "the venue is away at the next start": Scene(_away),
    **{f"blocked for {seconds} s": Scene(partial(_blocked, seconds=seconds)) for seconds in (5, 30, 120)},
    **{f"blocked for {seconds} s, a leg rests": Scene(partial(_blocked, seconds=seconds), RESTS) for seconds in (30,)},
    "ten thousand frames at once": Scene(_burst),
    "a slow disk": Scene(_slow_disk),
    "stopped while a stream is replaced": Scene(_replaced),
    "asked for another stream in vain": Scene(_asked_in_vain),
    "nobody reads": Scene(_unread),
    "secret canary": Scene(_canary),
}
