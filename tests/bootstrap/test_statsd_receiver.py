"""What an independent program makes of our packets: the npm package statsd, which parses names, values and tags."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from arbbot.domain.events import Moment
from arbbot.telemetry.address import parse_agent
from arbbot.telemetry.fold import Telemetry
from arbbot.telemetry.logging import build_logger
from arbbot.telemetry.manifest import CONSTANT_TAGS, MANIFEST, MetricType
from arbbot.telemetry.metrics import Metrics
from arbbot.telemetry.redact import Redactor
from arbbot.telemetry.sink import LineSink
from tests.telemetry.conftest import IDENTITY, Pipe
from tests.telemetry.test_fold import STORY, UTC
from tests.telemetry.test_scrape import free_port

ROOT = Path(__file__).parents[2]
STATSD = ROOT / "node_modules" / "statsd"
BACKEND = Path(__file__).with_name("statsd_backend.js")
needs_npm = pytest.mark.skipif(
    not (STATSD / "stats.js").exists(),
    reason="no node_modules/statsd: npm was missing at set-up (Debian: apt install npm; then make setup)",
)


class Receiver:
    """The server's own view of what it has received so far."""

    def __init__(self, process: asyncio.subprocess.Process, address: str) -> None:
        self._process = process
        self.address = address
        self.counters: dict[str, float] = {}
        self.gauges: dict[str, float] = {}
        self.not_understood: set[str] = set()

    async def next_flush(self) -> dict[str, Any]:
        """What has come since the last one; counters are added up, since it forgets them at each flush."""
        assert self._process.stdout is not None
        while True:
            line = await self._process.stdout.readline()
            assert line, "the receiver has died"
            if b"Bad line: " in line:
                self.not_understood.add(line.decode().partition(' in msg "')[2].rstrip().removesuffix('"'))
            if line.startswith(b"{"):
                flushed: dict[str, Any] = json.loads(line)
                for name, value in flushed["counters"].items():
                    self.counters[name] = self.counters.get(name, 0) + value
                self.gauges.update(flushed["gauges"])
                return flushed


@asynccontextmanager
async def receiving(folder: Path) -> AsyncIterator[Receiver]:
    """Start it and wait until it listens."""
    port, config = free_port(), folder / "config.js"
    config.write_text(
        json.dumps(
            {"servers": [{"server": "./servers/udp", "address": "127.0.0.1", "port": port}],
             "backends": [str(BACKEND)], "flushInterval": 100, "keyNameSanitize": False,
             "mgmt_port": free_port(), "mgmt_address": "127.0.0.1", "deleteCounters": True}
        )
    )  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        "node", str(STATSD / "stats.js"), str(config), stdout=asyncio.subprocess.PIPE
    )
    receiver = Receiver(process, f"127.0.0.1:{port}")
    try:
        async with asyncio.timeout(20):
            await receiver.next_flush()
        yield receiver
    finally:
        process.kill()
        await process.wait()


def tell_story(address: str) -> None:
    """One record of each kind, to an agent at this address."""
    pipe, redactor = Pipe(), Redactor()
    sink = LineSink(pipe.writer)
    metrics = Metrics(parse_agent(address), IDENTITY.tags(), redactor)
    telemetry = Telemetry(build_logger(sink, IDENTITY, redactor), sink, metrics)
    for step, record in enumerate(STORY):
        telemetry.fold([record], Moment(step * 2_000_000, UTC + step * 2_000))
    telemetry.close()
    pipe.close()


def parsed(key: str) -> tuple[str, dict[str, str]]:
    """The receiver's key as name and tags: `arbbot.fills;market=x;side=buy`."""
    name, *tags = key.split(";")
    return name.removeprefix("arbbot."), dict(tag.split("=", 1) for tag in tags)


def ours(values: dict[str, float]) -> Iterator[tuple[str, dict[str, str], float]]:
    """What the receiver holds of us, without its own counts."""
    for key, value in values.items():
        if key.startswith("arbbot."):
            yield (*parsed(key), value)


@needs_npm
async def test_an_independent_receiver_reads_our_names_values_and_tags(tmp_path: Path) -> None:
    """Every line of a whole story is understood, counts and gauges with their values, each with its declared and its
    constant tags; the only lines that it does not know are Datadog's own, checks and events.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as witness:
        witness.bind(("127.0.0.1", 0))
        witness.setblocking(False)
        tell_story(f"127.0.0.1:{witness.getsockname()[1]}")
        sent = [line for line in _datagrams(witness).decode().splitlines() if line]
    async with receiving(tmp_path) as receiver, asyncio.timeout(20):
        tell_story(receiver.address)
        while receiver.counters.get("statsd.metrics_received", 0) < len(sent):
            await receiver.next_flush()
    assert receiver.counters["statsd.metrics_received"] == len(sent)
    assert receiver.not_understood == {line for line in sent if line.startswith(("_e{", "_sc|"))} != set()

    constant = IDENTITY.tags()
    for name, tags, _ in (*ours(receiver.counters), *ours(receiver.gauges)):
        assert set(tags) == {*MANIFEST[name].tags, *CONSTANT_TAGS}, name
        assert constant.items() <= tags.items()
    counted = {(name, *sorted(tags.items() - constant.items())): value for name, tags, value in ours(receiver.counters)}
    assert counted["starts",] == 1
    assert counted["refusals", ("refusal", "below_threshold")] == 41
    assert counted["fills", ("market", "btcusd"), ("side", "buy"), ("source", "channel")] == 1
    gauged = {(name, *sorted(tags.items() - constant.items())): value for name, tags, value in ours(receiver.gauges)}
    assert gauged["balance", ("currency", "usd")] == 999
    assert gauged["exposure.low",] == -0.1
    assert gauged["edge.gross_bps", ("direction", "buy_domestic")] == 35
    types = {line.split(":")[0].removeprefix("arbbot."): line.split("|")[1] for line in sent if line[0] != "_"}
    short = {MetricType.COUNT: "c", MetricType.GAUGE: "g", MetricType.DISTRIBUTION: "d"}
    assert types == {name: short[MANIFEST[name].type] for name in types}


def test_a_unix_socket_carries_the_same_bytes(tmp_path: Path) -> None:
    """The story over UDP and over a Unix socket: line for line the same."""
    path = tmp_path / "dsd.socket"
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as uds,
    ):
        udp.bind(("127.0.0.1", 0))
        uds.bind(str(path))
        for each in (udp, uds):
            each.setblocking(False)
        tell_story(f"127.0.0.1:{udp.getsockname()[1]}")
        tell_story(f"unix://{path}")
        assert re.sub(rb"\n+", b"\n", _datagrams(udp)) == re.sub(rb"\n+", b"\n", _datagrams(uds)) != b""


def _datagrams(receiver: socket.socket) -> bytes:
    """Everything that lies in a socket."""
    found = b""
    while True:
        try:
            found += receiver.recv(65_536)
        except BlockingIOError:
            return found
