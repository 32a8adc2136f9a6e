"""The page of a daemon process that trades: where it is, what it says, what it commands, and what it withstands."""

from __future__ import annotations

import asyncio
import json
import re
import stat
import subprocess
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from arbbot.control_client import ask
from arbbot.dashboard.server import BODY_BYTES_MAX
from arbbot.domain.failure import Failure
from arbbot.exchange.options import DEMO_KEY, DEMO_SECRET
from tests.bootstrap.program import ROOT, arbbot, clean, exchange, variables
from tests.dashboard.test_stream import CROWD, frame

QUICK = {
    "ARBBOT_SPIKE__ENABLED": "false", "ARBBOT_ACCOUNT__LAG_S": "0.5", "ARBBOT_ACCOUNT__POLL_S": "2",
    "ARBBOT_HEDGE__WAIT_S": "0.5", "ARBBOT_HEDGE__FORCE_S": "1", "ARBBOT_HEDGE__COOLDOWN_S": "0.5",
    "ARBBOT_DASHBOARD__PORT": "0",
}  # fmt: skip
"""A hedge every few seconds on a market that is out of joint."""
MOVING = ("uptime_s", "reconciled_age_s", "agreed_utc_us", "open_orders_listed", "books")
"""What of a status is another with every look, although nothing happens."""
HALF = "POST /api/login HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nContent-Length: 100\r\n\r\n{{"
PATIENCE_S = 25.0


@dataclass(frozen=True)
class Process:
    """A daemon that runs."""

    state: Path
    running: subprocess.Popen[bytes]

    def asked(self, verb: str) -> dict[str, Any]:
        """Its answer on the control socket."""
        return ask(self.state / "control.sock", {"verb": verb})

    @property
    def link(self) -> str:
        """As it tells whoever may ask."""
        link: str = self.asked("page")["address"]
        return link

    def hedges(self) -> int:
        """Hedges that have ended with money moved."""
        counts = self.asked("report")["hedges"]
        ended: int = counts["completed"] + counts["one_sided"]
        return ended


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """One for all tests here: it trades, and ends well when it is told to."""
    state = tmp_path_factory.mktemp("state")
    with exchange("--scenario", "dislocated", "--maker-fee", "0", "--taker-fee", "0.01") as venue:
        chosen = variables(venue, DEMO_KEY, DEMO_SECRET) | QUICK | {"ARBBOT_STATE_DIR": str(state)}
        with (state / "log").open("wb") as log, (state / "said").open("wb") as said:
            running = subprocess.Popen(
                [sys.executable, "-m", "arbbot", "run"], cwd=ROOT, env=clean(chosen), stdout=log, stderr=said
            )
            try:
                yield until_up(Process(state, running))
                running.terminate()
                assert running.wait(20) == 0, (state / "said").read_text()
            finally:
                running.kill()
                running.wait()


def until_up(process: Process) -> Process:
    """Wait for its control socket."""
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s and process.running.poll() is None:
        try:
            process.asked("page")
        except Failure:
            time.sleep(0.05)
        else:
            return process
    raise AssertionError((process.state / "said").read_text())


class Visitor:
    """A browser on the page."""

    def __init__(self, link: str, client: aiohttp.ClientSession) -> None:
        self.address, _, self.token = link.partition("#")
        self.own = {"Origin": self.address.rstrip("/")}
        self.client = client

    async def log_in(self) -> None:
        """With the link's token."""
        status, told = await self.post("login", {"token": self.token})
        assert status == 200
        self.own["X-CSRF"] = told["csrf"]

    async def post(self, name: str, words: Any, **headers: str) -> tuple[int, Any]:
        sent = {**self.own, **{key.replace("_", "-"): value for key, value in headers.items()}}
        async with self.client.post(f"{self.address}api/{name}", json=words, headers=sent) as reply:
            return reply.status, await reply.json() if reply.content_type == "application/json" else None

    async def get(self, path: str, **headers: str) -> int:
        async with self.client.get(self.address + path, headers=headers) as reply:
            return reply.status

    async def snapshot(self) -> dict[str, Any]:
        """The first frame of a stream of its own."""
        async with self.client.get(f"{self.address}api/stream") as reply:
            return (await frame(reply))[1]


@pytest.fixture
async def visitor(daemon: Process) -> AsyncIterator[Visitor]:
    """Somebody with the link, logged in."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        visitor = Visitor(daemon.link, client)
        await visitor.log_in()
        yield visitor


async def until(holds: Callable[[], object]) -> None:
    """Wait for something of the process."""
    async with asyncio.timeout(PATIENCE_S):
        while not await asyncio.to_thread(holds):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.2)


def test_its_link_is_for_its_owner_alone(daemon: Process) -> None:
    """The token lies in a file of mode 0600; `arbbot page` prints the link with it, and what a run prints has none."""
    token = (daemon.state / "page.token").read_text().strip()
    assert stat.S_IMODE((daemon.state / "page.token").stat().st_mode) == 0o600
    ended = arbbot("page", ARBBOT_STATE_DIR=str(daemon.state))
    assert ended.code == 0
    address, _, told = ended.out.strip().partition("#")
    assert told == token
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
    said = (daemon.state / "said").read_text()
    assert f"page       {address}  token in {daemon.state / 'page.token'}; `arbbot page` prints the whole link" in said


async def test_whatever_comes_at_the_page_the_daemon_trades_on(daemon: Process, visitor: Visitor) -> None:
    """Wrong tokens, a cookie from before, too large a body, a foreign name and origin, half requests, a thousand
    connections: each refused or dropped, each counted where the operator sees it, while hedges go on being made.
    """
    await until(lambda: daemon.hedges() >= 1)
    before = daemon.hedges()
    async with visitor.client.get(f"{visitor.address}api/stream") as stream:
        for _ in range(3):
            assert (await visitor.post("login", {"token": "t" * 43}))[0] == 403
        assert (await visitor.post("command", {"verb": "halt", "reason": "x" * BODY_BYTES_MAX}))[0] == 413
        assert (await visitor.post("command", {"verb": "halt", "reason": "x"}, Origin="http://evil.example"))[0] == 403
        assert (await visitor.post("command", {"verb": "halt", "reason": "x"}, X_CSRF="x" * 43))[0] == 403
        assert await visitor.get("api/session", Host="evil.example") == 421
        async with aiohttp.ClientSession(cookies={"arbbot_session": "x"}) as thief:
            assert await Visitor(visitor.address, thief).get("api/session") == 401
        host = visitor.own["Origin"].removeprefix("http://")
        lazy = [await asyncio.open_connection(*host.split(":")) for _ in range(5)]
        for _, writer in lazy:
            writer.write(HALF.format(host).encode())
        port = host.rpartition(":")[2]
        crowd = await asyncio.create_subprocess_exec(sys.executable, "-c", CROWD, port, stdin=PIPE, stdout=PIPE)
        asked = {"token": 3, "body": 1, "origin": 1, "csrf": 1, "host": 1, "session": 1, "slow": 100, "connections": 1}
        async with asyncio.timeout(PATIENCE_S):
            counted: dict[str, int] = {}
            while any(counted.get(kind, 0) < least for kind, least in asked.items()):
                counted = (await frame(stream))[1]["health"]["page"]["refused"]
        for reader, writer in lazy:
            assert await reader.read() == b""
            writer.close()
        assert (await crowd.communicate(b"\n"))[0] == b"here\n1000\n"
    assert {kind: counted[kind] for kind in ("token", "body", "origin", "csrf", "host", "session")} == {
        kind: asked[kind] for kind in ("token", "body", "origin", "csrf", "host", "session")
    }
    assert daemon.asked("status")["state"] == "active"
    await until(lambda: daemon.hedges() > before)


async def test_halted_from_the_page_it_says_what_its_status_says(daemon: Process, visitor: Visitor) -> None:
    """Halted by the page, journaled with its reason, at rest: page and `arbbot status --json` agree to the last digit.
    Then resumed by phrase and reason. Nothing that was written or answered on the way holds the token.
    """
    await until(lambda: daemon.hedges() >= 1)
    status, told = await visitor.post("command", {"verb": "halt", "reason": "comparing figures"})
    assert (status, told["state"], told["state_reason"]) == (200, "halted", "comparing figures")
    await until(lambda: (now := daemon.asked("status"))["flat"] and now["reconciled"] and not now["open_orders"])
    shown, printed = await both(daemon, visitor)
    assert set(printed) - set(shown) == {"hedges", "rest", "recording", "alerts"}
    assert {"exposure", "balances", "hedge_pnl", "limits", "fx"} <= set(shown)
    for name in printed.keys() & shown.keys():
        assert shown[name] == printed[name], name
    assert (await visitor.post("command", {"verb": "resume", "reason": "compared", "phrase": "resume"}))[0] == 409
    answer = await visitor.post("command", {"verb": "resume", "reason": "compared", "phrase": "resume sandbox"})
    assert answer[1]["state"] == "active"
    answers = json.dumps([daemon.asked(verb) for verb in ("status", "why", "health", "report", "where")])
    files = [path for path in daemon.state.rglob("*") if path.is_file() and path.name != "page.token"]
    assert {"log", "said", "journal.db"} <= {path.name for path in files}
    for secret in (visitor.token, visitor.own["X-CSRF"]):
        assert secret not in answers
        assert [path for path in files if secret.encode() in path.read_bytes()] == []
    assert b"comparing figures" in (daemon.state / "log").read_bytes()


async def both(daemon: Process, visitor: Visitor) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the page shows and what the terminal prints, of a while in which nothing happened."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            before = at_rest((await visitor.snapshot())["status"])
            ended = await asyncio.to_thread(arbbot, "status", "--json", ARBBOT_STATE_DIR=str(daemon.state))
            if at_rest((await visitor.snapshot())["status"]) == before:
                return before, at_rest(json.loads(ended.out))


def at_rest(status: dict[str, Any]) -> dict[str, Any]:
    """What stays as it is while nothing happens."""
    return {name: value for name, value in status.items() if name not in MOVING}
