"""What keeps a daemon from starting, or from going on: its own exit code, one clear line, and no connection made."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from arbbot.domain.records import AnchorSet
from arbbot.exchange.options import DEMO_KEY, DEMO_SECRET
from arbbot.journal.sqlite import Identity, SqliteJournal, open_journal
from arbbot.settings import Settings
from tests.e2e.child import Harm, start
from tests.e2e.playbill import PLAYTIME_S, Played
from tests.e2e.stage import CALM, EUR, FAST, QUICK, merged, staged

SETTINGS, SECRET, JOURNAL, LIVE_SWITCH, VENUE, FEED_DEAD, AUTH = 3, 4, 5, 6, 7, 20, 21


class Listener:
    """A venue's address that counts who comes."""

    def __init__(self) -> None:
        self.connections = 0
        self.url = ""

    async def serve(self) -> asyncio.Server:
        """Listen on a free port."""

        async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            writer.close()

        server = await asyncio.start_server(greet, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return server


@dataclass
class Start:
    """A start by the command line, in a directory of its own, at an address nobody should ask."""

    directory: Path
    listener: Listener
    environment: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    held: list[SqliteJournal] = field(default_factory=list)
    """Journals that somebody else has open."""

    @property
    def journal(self) -> Path:
        """Where the daemon's journal lies."""
        return self.directory / "state" / "sandbox" / "journal.db"

    @property
    def identity(self) -> Identity:
        """Whose journal it is."""
        return Identity("sandbox", self.listener.url, DEMO_KEY, "btcusd-btceur")

    async def run(self) -> tuple[int, str]:
        """Exit code, and what stood on stderr: by the command line where it is about that, else by a fork of it."""
        return await (self._command() if self.environment or self.arguments else self._fork())

    async def _fork(self) -> tuple[int, str]:
        venue = {"rest_url": self.listener.url, "ws_url": self.listener.url.replace("http", "ws")}
        keys = {"key_id": DEMO_KEY, "secret": DEMO_SECRET}
        told = {"mode": "sandbox", "state_dir": self.directory / "state", "sandbox": venue, "keys": keys}
        told["dashboard"] = {"port": 0}
        process = start(Settings.model_validate(told), self.directory)
        await asyncio.to_thread(process.join)
        assert process.exitcode is not None
        return process.exitcode, (self.directory / "stderr.txt").read_text()

    async def _command(self) -> tuple[int, str]:
        base = {name: value for name, value in os.environ.items() if not name.startswith("ARBBOT_")}
        ours = {
            "ARBBOT_DASHBOARD__PORT": "0",
            "ARBBOT_KEYS__KEY_ID": DEMO_KEY,
            "ARBBOT_KEYS__SECRET": DEMO_SECRET,
            "ARBBOT_SANDBOX__REST_URL": self.listener.url,
            "ARBBOT_SANDBOX__WS_URL": self.listener.url.replace("http", "ws"),
        }
        environment = {**base, **ours, **self.environment}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "arbbot", "run", *self.arguments),
            cwd=self.directory,
            env={name: value for name, value in environment.items() if value},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        assert DEMO_SECRET.encode() not in out + err
        return process.returncode, err.decode()

    def write(self, identity: Identity, body: str | None = None) -> None:
        """Leave a journal behind, with one record of this body."""
        journal = open_journal(self.journal, identity, sync_full=False)
        journal.close()
        if body is not None:
            with closing(sqlite3.connect(self.journal)) as connection, connection:
                connection.execute("INSERT INTO record (utc_us, kind, body) VALUES (1, 'stopped', ?)", (body,))


def world_readable_secret(start: Start) -> None:
    """A secret that others may read."""
    file = start.directory / "secret"
    file.write_text(DEMO_SECRET)
    file.chmod(0o644)
    start.environment = {"ARBBOT_KEYS__SECRET": "", "ARBBOT_KEYS__SECRET_FILE": str(file)}


def missing_secret(start: Start) -> None:
    """No secret at all."""
    start.environment = {"ARBBOT_KEYS__SECRET": ""}


def live_without_switch(start: Start) -> None:
    """Live mode asked for, the second switch untouched."""
    start.arguments = ("--mode", "live")


def live_without_rehearsal(start: Start) -> None:
    """The switch is set; there is neither a passed rehearsal nor a reason to go without."""
    start.arguments = ("--mode", "live")
    start.environment = {"ARBBOT_LIVE__I_UNDERSTAND_REAL_MONEY": "yes"}


def unknown_setting(start: Start) -> None:
    """A variable that means nothing."""
    start.environment = {"ARBBOT_TRADE__WEIGTH_PERCENT": "10"}


def contradiction(start: Start) -> None:
    """Limits that exclude each other."""
    start.environment = {"ARBBOT_HEDGE__WAIT_S": "20", "ARBBOT_HEDGE__FORCE_S": "10"}


def not_a_number(start: Start) -> None:
    """A setting of the wrong kind."""
    start.environment = {"ARBBOT_TRADE__WEIGHT_PERCENT": "much"}


def second_instance(start: Start) -> None:
    """Another process holds the journal."""
    start.held.append(open_journal(start.journal, start.identity, sync_full=False))


def foreign_host(start: Start) -> None:
    """The journal of another venue."""
    start.write(replace(start.identity, host="http://127.0.0.1:1"))


def foreign_account(start: Start) -> None:
    """The journal of another account, of which something was read."""
    journal = open_journal(start.journal, replace(start.identity, account="SomebodyElse"), sync_full=False)
    journal.append([AnchorSet((), 1, "opening", "arbbot", "first reading", 1)])
    journal.close()


def foreign_route(start: Start) -> None:
    """The journal of another route."""
    start.write(replace(start.identity, route="ethusd-etheur"))


def not_a_journal(start: Start) -> None:
    """A file that is no database."""
    start.journal.parent.mkdir(parents=True)
    start.journal.write_bytes(b"not a database, by any means " * 400)


def torn_journal(start: Start) -> None:
    """Pages in the middle overwritten."""
    start.write(start.identity, '{"code":0}')
    torn = bytearray(start.journal.read_bytes())
    torn[4096:12288] = b"\xa5" * 8192
    start.journal.write_bytes(torn)


def damaged_record(start: Start) -> None:
    """A record that is no JSON."""
    start.write(start.identity, '{"code":0,')


def impossible_record(start: Start) -> None:
    """A record that names what no earlier one does."""
    journal = open_journal(start.journal, start.identity, sync_full=False)
    journal.close()
    body = '{"client_order_id":"x-1","state":"filled","venue_order_id":null,"cause":"","utc_us":1}'
    with closing(sqlite3.connect(start.journal)) as connection, connection:
        connection.execute("INSERT INTO record (utc_us, kind, body) VALUES (1, 'order_moved', ?)", (body,))


def no_place(start: Start) -> None:
    """The state directory cannot be made."""
    (start.directory / "file").write_text("")
    start.environment = {"ARBBOT_STATE_DIR": str(start.directory / "file" / "state")}


REFUSED: dict[Callable[[Start], None], tuple[int, str]] = {
    world_readable_secret: (SECRET, "others may read it"),
    missing_secret: (SECRET, "missing"),
    live_without_switch: (LIVE_SWITCH, "real money"),
    live_without_rehearsal: (LIVE_SWITCH, "live.rehearsal_override"),
    unknown_setting: (SETTINGS, "WEIGTH"),
    contradiction: (SETTINGS, "FORCE_S"),
    not_a_number: (SETTINGS, "WEIGHT_PERCENT"),
    second_instance: (JOURNAL, f"in use by process {os.getpid()}"),
    foreign_host: (JOURNAL, "belongs to host"),
    foreign_account: (JOURNAL, "`arbbot adopt --reason TEXT`"),
    foreign_route: (JOURNAL, "belongs to route"),
    not_a_journal: (JOURNAL, "not a database"),
    torn_journal: (JOURNAL, "journal.db"),
    damaged_record: (JOURNAL, "damaged stopped record"),
    impossible_record: (JOURNAL, "x-1"),
    no_place: (SETTINGS, "state_dir: "),
}


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    """An address that must stay alone."""
    found = Listener()
    server = await found.serve()
    yield found
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("trouble", REFUSED, ids=lambda each: each.__name__)
async def test_a_start_that_must_not_be(tmp_path: Path, listener: Listener, trouble: Callable[[Start], None]) -> None:
    """One line that names the trouble, an exit code of its own, and not one connection."""
    attempt = Start(tmp_path, listener)
    trouble(attempt)
    try:
        code, told = await attempt.run()
    finally:
        for journal in attempt.held:
            journal.close()
    wanted, word = REFUSED[trouble]
    (line,) = told.splitlines()
    assert (code, word in line) == (wanted, True), told
    assert line.startswith("arbbot: ")
    assert listener.connections == 0


async def test_a_venue_that_is_not_there(tmp_path: Path) -> None:
    """Nobody listens: one line, exit code VENUE."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        listener = Listener()
        listener.url = f"http://127.0.0.1:{free.getsockname()[1]}"
    code, told = await Start(tmp_path, listener).run()
    assert (code, len(told.splitlines())) == (VENUE, 1), told


# --- a disk that fills up, a second daemon, a second life ---------------------------------------------------------


async def disk_full(directory: Path) -> str:
    """No file grows any more once the legs are written down: the daemon says so in one line, sends nothing more, and
    leaves with FAULT; with room again it recovers.
    """
    async with staged(directory, FAST) as stage:
        await stage.start(Harm(file_size_max=4096))
        await stage.armed()
        await stage.rich()
        assert await stage.gone() == 1
        heard = (directory / "stderr.txt").read_text().splitlines()
        assert re.match(r"arbbot: the journal cannot be written.*not known to be over: ab", heard[-1]), heard
        assert not any("Traceback" in line for line in heard)
        await stage.show(EUR, CALM[EUR])
        await stage.start()
        await stage.quiet(1)
        assert await stage.stop() == 0
        await stage.verdict()
        return stage.ended()


async def mistyped_secret(directory: Path) -> str:
    """No reply's signature fits, the venue's refusals of the key neither: all the same it says what it was refused
    for, once, and leaves with the code that keeps a supervisor from trying again.
    """
    wrong = {"key_id": DEMO_KEY, "secret": "WrongSecret000000000000000000001"}
    async with staged(directory, merged(QUICK, {"keys": wrong})) as stage:
        await stage.start()
        assert await stage.gone() == AUTH
        told = (directory / "stderr.txt").read_text().splitlines()[-1]
        assert "the venue does not let us in: API0005" in told, told
        assert "the secret may not be this key's" in told, told
        assert not await stage.orders()
        return stage.ended()


async def venue_dies(directory: Path) -> str:
    """The reason for a feed's death is what broke below it, in the line that a person reads."""
    async with staged(directory, FAST) as stage:
        await stage.start()
        await stage.armed()
        await stage.fault("refuse:*")
        await stage.control("drop_connections", reset=True)
        assert await stage.gone() == FEED_DEAD
        told = (directory / "stderr.txt").read_text().splitlines()[-1]
        assert re.search(r"reconnections failed: no token for private channels: \w+Error", told), told
        return stage.ended()


async def another_daemon(directory: Path) -> str:
    """A second daemon on the same settings leaves at once; the first does not notice."""
    async with staged(directory, QUICK) as stage:
        await stage.start()
        await stage.armed()
        second = await stage.another()
        assert second == JOURNAL
        await stage.rich()
        await stage.quiet(1)
        assert await stage.stop() == 0
        await stage.verdict()
        return stage.ended()


async def external_rows(directory: Path) -> str:
    """A deposit and a manual trade are booked as external and pause trading until a person acknowledges them."""
    async with staged(directory, QUICK) as stage:
        await stage.start()
        await stage.armed()
        await stage.control("deposit", currency="usd", amount="123.45")
        await stage.control("trade", market="btcusd", side="buy", amount="0.01")
        await stage.until(lambda: len(stage.journal.all("row_booked")) == 2, "the rows")
        await stage.until(stage.journal.quiet, "agreement")
        assert stage.journal.mode() == "paused"
        await stage.rich()
        await asyncio.sleep(0.3)
        assert not stage.journal.all("hedge_opened")
        await stage.tell("resume")
        await stage.until(lambda: stage.journal.all("hedge_closed"), "a hedge")
        await stage.quiet(1)
        assert await stage.stop() == 0
        await stage.verdict()
        return stage.ended()


SCENES = {
    "disk full after the legs were written": disk_full,
    "a mistyped secret": mistyped_secret,
    "a venue that dies under the daemon": venue_dies,
    "a second daemon on the same journal": another_daemon,
    "deposit and manual trade": external_rows,
}


@pytest.mark.timeout(PLAYTIME_S)
@pytest.mark.parametrize("scene", SCENES)
def test_trouble_while_running(played: Played, scene: str) -> None:
    """It ends as it should, by exit code, journal and the venue's truth."""
    played.outcome(scene)
