"""One venue and one account in virtual time, and the daemons that live on them one after another."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from arbbot.bootstrap import daemon as program
from arbbot.bootstrap.terminal import say
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.domain.records import DurableRecord
from arbbot.exchange.faults import Fault
from arbbot.exchange.options import DEMO_ACCOUNT, DEMO_KEY, DEMO_SECRET, ExchangeOptions
from arbbot.exchange.serve import Addresses, serve
from arbbot.exchange.server.control import Control, account_state
from arbbot.journal.sqlite import SqliteJournal
from arbbot.settings import Settings
from tests.e2e.judge import Journal, Json
from tests.e2e.stage import CALM, CROWD, RATES, Sections, ladder
from tests.shell.apart import word
from tests.shell.broken_words import BrokenWords
from tests.shell.loop import LIFE, Life, VirtualLoop, within
from tests.shell.nature import ORIGIN_NS, Witness, virtual
from tests.shell.net import Network

LOOK_S, SETTLES_S = 0.5, 4.0
SYNC_FULL = 2
"""https://sqlite.org/pragma.html#pragma_synchronous"""
GRAVEYARD: list[Life] = []
"""Dead processes are never cleaned up; whoever plays many seeds ends as a process itself now and then."""


@dataclass(slots=True)
class Run:
    """One daemon process: its life, its files, and how it ended."""

    life: Life
    state_dir: Path
    task: asyncio.Task[int]
    code: int | None = None
    """None while it runs, and when it was killed."""
    killed: bool = False
    harmed: bool = False
    judged: bool = False
    commits: int = 0
    before_commit: Callable[[Run, SqliteJournal], None] | None = None
    after_commit: Callable[[Run, Sequence[DurableRecord]], None] | None = None
    journal: SqliteJournal | None = None

    @property
    def over(self) -> bool:
        """Whether it has ended, one way or the other."""
        return self.killed or self.task.done()

    def said(self) -> str:
        """What it told the person at the terminal."""
        return "".join(self.life.said)


@dataclass(slots=True)
class World:
    """The venue's levers, the network, and the present daemon."""

    loop: VirtualLoop
    at: Addresses
    levers: Control
    directory: Path
    sections: Sections
    random: Random
    runs: list[Run] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)
    """How often each trouble happened."""
    shown: dict[str, dict[str, Any]] = field(default_factory=dict)
    trace: list[str] = field(default_factory=list)
    faulted: Counter[str] = field(default_factory=Counter)
    """How often each fault of the exchange struck."""
    surprises: list[str] = field(default_factory=list)
    """Exceptions that nobody took, and other things that must not be."""
    skew_ns: int = 0
    """How far the wall clock of the daemons' machine is off."""
    clock_was_set: bool = False
    arrived: list[str] = field(default_factory=list)
    """Client order ids in the order in which orders reached the venue."""
    held: list[sqlite3.Connection] = field(default_factory=list)
    """Connections that keep the daemon from its journal."""
    broken_words: BrokenWords = field(init=False)
    digest: str = ""
    requests: int = 0
    _journals: dict[Path, Journal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.broken_words = BrokenWords(self.levers._venue)

    # --- the venue -------------------------------------------------------------------------------------------

    def note(self, text: str) -> None:
        """Write into the trace what happens now."""
        self.trace.append(f"{self.loop.time():9.3f} {text}")

    def pull(self, action: str, **body: Any) -> Json:
        """Pull a lever of the exchange."""
        answer: Json = self.levers._actions[action](body)  # type: ignore[assignment]
        return answer

    def fault(self, text: str) -> None:
        """Switch a fault of the exchange on."""
        self.note(f"fault {text}")
        self.levers._faults.active.append(Fault.parse(text))

    def heal(self) -> None:
        """Switch all faults off: those of the exchange and those of the road."""
        for fault in self.levers._faults.active:
            self.faulted[word(fault)] += fault.fired
        self.levers._faults.active.clear()
        network = self.loop.network
        network.refused.clear()
        network.unreachable.clear()
        network.resolver_down = False
        network.latency_s = 0.001
        for end in network.ends:
            for side in (end, end.peer):
                side.trickles, side.stalled_until_s, side.spoil = False, 0.0, None
        self.levers._stream.stall("all", 0.0)
        for market in CALM:
            self.pull("market_status", market=market, enabled=True)
            self.pull("minimum", market=market, value="10")
        self.pull("fees", account="demo", maker=str(RATES.maker), taker=str(RATES.taker))

    def show(self, market: str, touches: tuple[str, str], **sides: list[list[str]]) -> None:
        """Set a book from its touches; `bids` or `asks` replace a side."""
        self.shown[market] = {**ladder(*touches, market), **sides}
        self.pull("book", market=market, **self.shown[market])

    def calm(self) -> None:
        """No edge anywhere."""
        for market, touches in CALM.items():
            self.show(market, touches)

    def take(self, market: str, side: str, amount: Decimal, price: Decimal) -> None:
        """Somebody trades with an order that stands alone at this price."""
        away = (price * (Decimal("1.01") if side == "buy" else Decimal("0.99"))).quantize(Decimal("0.01"))
        bid, ask = self.shown[market]["bids"][0][0], self.shown[market]["asks"][0][0]
        around = ladder(bid, str(away), market) if side == "buy" else ladder(str(away), ask, market)
        self.pull("book", market=market, **around)
        self.pull("trade", account="crowd", market=market, side=side, amount=str(amount), price=str(price))

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        """Do something in a while."""
        self.loop.call_later(seconds, action)

    def account(self) -> Json:
        """The daemon's account in truth."""
        account = next(each for each in self.levers._venue.accounts.values() if each.name == "demo")
        return dict(account_state(account))

    def port(self, address: str) -> int:
        """Of one of the exchange's addresses."""
        return int(address.split(":")[2].split("/")[0])

    @property
    def rest_port(self) -> int:
        """Where orders and questions go."""
        return self.port(self.at.rest)

    @property
    def stream_port(self) -> int:
        """Where frames come from."""
        return self.port(self.at.websocket)

    # --- the daemons -----------------------------------------------------------------------------------------

    @property
    def run(self) -> Run:
        """The present daemon, or the last one."""
        return self.runs[-1]

    @property
    def records(self) -> Journal:
        """The present journal."""
        path = self.run.state_dir / "sandbox" / "journal.db"
        return self._journals.setdefault(path, Journal(path))

    def settings(self, state_dir: Path) -> Settings:
        """The daemon's settings."""
        named = {
            "rest_url": self.at.rest.replace("127.0.0.1", "localhost"),
            "ws_url": self.at.websocket.replace("127.0.0.1", "localhost"),
        }
        keys = {"key_id": DEMO_KEY, "secret": DEMO_SECRET}
        sections = {**self.sections, "sandbox": {**self.sections.get("sandbox", {}), **named}}
        told = {"mode": "sandbox", "state_dir": state_dir, "keys": keys, "dashboard": {"enabled": False}}
        return Settings.model_validate({**told, **sections})

    def start(self, state_dir: Path | None = None, *, beside: bool = False) -> Run:
        """Start a daemon, by default on what the last one left; `beside` leaves the present one the present one."""
        number = len(self.runs)
        if state_dir is None:
            state_dir = self.runs[-1].state_dir if self.runs else self.directory / "d0"
        state_dir.mkdir(parents=True, exist_ok=True)
        life = Life(f"daemon {number}", self.loop)
        life.skew_ns = self.skew_ns
        life.log_fd = os.open(self.directory / f"log{number}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        settings = self.settings(state_dir)
        work = program._serve(settings, None, None, settings.control_socket, narrated=False)
        run = Run(
            life,
            state_dir,
            asyncio.Task(_exit_code(work), loop=self.loop, context=within(life), name=life.name),
        )
        GRAVEYARD.append(life)
        self.runs.append(run)
        _RUNS[life] = run
        self.note(f"{life.name} starts")
        if beside:
            self.runs.insert(-1, self.runs.pop())
        return run

    def kill(self, run: Run | None = None, *, power: bool = False) -> bool:
        """The process is no more from this very step on, unless it was over; `power`: its machine neither, so that
        nobody says FIN or RST.

        What it had written is on the disk as it stood; its files are copied, since in truth it still holds them.
        """
        run = run or self.run
        if run.over:
            return False
        run.life.dead = run.killed = True
        if not power:
            self.loop.network.bury(run.life, reset=self.random.random() < 0.5)
        left = self.directory / f"d{len(self.runs)}"
        shutil.copytree(run.state_dir, left, ignore=shutil.ignore_patterns("*.sock"))
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(left / "control.sock"))
        run.state_dir = left
        self.note(f"{run.life.name} is killed at step {run.life.steps}, commit {run.commits}")
        return True

    def stop(self, run: Run | None = None) -> bool:
        """SIGTERM; whether somebody hears it."""
        run = run or self.run
        if run.over:
            return False
        self.note(f"{run.life.name} is told to stop at step {run.life.steps}")
        return run.life.signal(signal.SIGTERM)

    async def ended(self, run: Run, within_s: float) -> bool:
        """Wait for the end of a process; whether it came."""
        for _ in range(int(within_s / LOOK_S)):
            if run.over:
                break
            await asyncio.sleep(LOOK_S)
        if run.task.done() and not run.killed:
            error = run.task.exception()
            if error is not None:
                self.surprises.append(f"{run.life.name} let {error!r} escape")
            run.code = 1 if error is not None else run.task.result()
            self.note(f"{run.life.name} ended with {run.code}")
        return run.over

    async def until(self, ready: Callable[[], object], within_s: float) -> bool:
        """Wait for something to be true while the present daemon runs."""
        deadline = self.loop.time() + within_s
        while not ready():
            if self.run.over or self.loop.time() >= deadline:
                return bool(ready())
            await asyncio.sleep(SETTLES_S)
        return True

    async def ask(self, verb: str, **more: Any) -> Json:
        """A verb over the control socket, as the command line sends it."""
        return await self.loop.network.ask(self.run.life, {"verb": verb, "who": "ann", "reason": "rehearsal", **more})

    def order_arrived(self, client_order_id: str) -> None:
        """S1: whatever reaches the venue was committed before; S2: under a name that was never used."""
        if client_order_id in self.arrived:
            self.surprises.append(f"S2: the order {client_order_id} reached the venue twice")
        self.arrived.append(client_order_id)
        if self.sections.get("journal", {}).get("sync") == "full" and not self._through_to_the_disk():
            self.surprises.append(
                f"S1: the order {client_order_id} reached the venue before its intent was on the disk"
            )
        path = self.run.state_dir / "sandbox" / "journal.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            query = "SELECT 1 FROM record WHERE kind = 'order_intended' AND client_order_id = ?"
            if connection.execute(query, (client_order_id,)).fetchone() is None:
                self.surprises.append(
                    f"S1: the order {client_order_id} reached the venue before its intent was durable"
                )

    def _through_to_the_disk(self) -> bool:
        """Whether a commit waits until the disk has it, as the settings may ask: what the power supply does after it
        cannot be played here.
        """
        assert self.run.journal is not None
        return bool(self.run.journal._connection.execute("PRAGMA synchronous").fetchone()[0] >= SYNC_FULL)

    def surprised(self, context: dict[str, Any]) -> None:
        """An exception that nobody took."""
        error = context.get("exception")
        self.surprises.append(f"{context.get('message')}: {error!r}"[:300])

    def utc_us(self) -> int:
        """The true time."""
        return (ORIGIN_NS + self.loop.now_ns) // 1000


_RUNS: dict[Life, Run] = {}


async def _exit_code(work: Coroutine[Any, Any, ExitCode]) -> int:
    """As the command line turns it into an exit code; what it does not catch would be a traceback and code 1."""
    try:
        return int(await work)
    except Failure as failure:
        say(f"arbbot: {failure.reason}")
        return int(failure.code)


_append = SqliteJournal.append


def append(self: SqliteJournal, records: Sequence[DurableRecord]) -> None:
    """The journal's commit, with whoever waits for it before and behind."""
    life = LIFE.get()
    run = None if life is None else _RUNS.get(life)
    if run is None:
        _append(self, records)
        return
    run.journal = self
    if run.before_commit is not None:
        run.before_commit(run, self)
    _append(self, records)
    run.commits += 1
    if run.after_commit is not None and not run.life.dead:
        run.after_commit(run, records)


Play = Callable[[World], Coroutine[Any, Any, None]]


def played(chance: int, directory: Path, sections: Sections, play: Play, **options: Any) -> World:
    """Play in a world of its own, which is returned when it is over. Raises what the play raises.

    `options` are `ExchangeOptions`.
    """
    loop = VirtualLoop(Network())
    levers: list[Control] = []

    def control(*parts: Any) -> Control:
        levers.append(Control(*parts))
        return levers[0]

    async def whole() -> World:
        async with _exchange(options) as at:
            world = World(loop, at, levers[0], directory, sections, Random(chance))
            Witness.order_arrived = world.order_arrived
            loop.set_exception_handler(lambda _, context: world.surprised(context))
            world.calm()
            await play(world)
            return world

    with virtual(loop, chance, control, append):
        asyncio.set_event_loop(loop)
        try:
            return loop.run_until_complete(whole())
        finally:
            asyncio.set_event_loop(None)


@asynccontextmanager
async def _exchange(options: dict[str, Any]) -> AsyncIterator[Addresses]:
    ready: asyncio.Future[Addresses] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    accounts = (replace(DEMO_ACCOUNT, rates=RATES), CROWD)
    wanted = ExchangeOptions(**{"still": True, "accounts": accounts, "ws_port": 0, **options})
    serving = asyncio.create_task(serve(wanted, ready=ready.set_result, stop=stop))
    try:
        yield await ready
    finally:
        stop.set()
        await serving
