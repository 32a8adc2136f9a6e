"""`/metrics` over real sockets: served to scrapers, to nobody else, and never in the way."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from arbbot.telemetry import scrape
from arbbot.telemetry.address import parse_place
from arbbot.telemetry.exposition import Exposition
from arbbot.telemetry.metrics import Metrics
from arbbot.telemetry.redact import Redactor
from arbbot.telemetry.scrape import CLIENTS_MAX, HEAD_BYTES_MAX, Scrape
from tests.telemetry.conftest import TAGS


def free_port() -> int:
    """One that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
async def server() -> AsyncIterator[Scrape]:
    """Serving one count."""
    exposition = Exposition(TAGS)
    Metrics(None, TAGS, Redactor(), exposition).count("starts")
    async with Scrape(f"127.0.0.1:{free_port()}", exposition) as server:
        yield server


async def raw(server: Scrape, request: bytes) -> bytes:
    """The whole reply to these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request)
    reply = await reader.read()
    writer.close()
    return reply


def get(path: str = "/metrics", host: str = "127.0.0.1:9464", method: str = "GET") -> bytes:
    """A request's bytes."""
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


async def test_a_scraper_gets_everything_by_a_real_client(server: Scrape) -> None:
    """As OpenMetrics where it asks for it, as the older text where it does not; not to be cached."""
    url = f"http://127.0.0.1:{server.port}/metrics"
    async with aiohttp.ClientSession() as session:
        async with session.get(url, headers={"Accept": "application/openmetrics-text; version=1.0.0"}) as reply:
            assert reply.headers["Content-Type"].startswith("application/openmetrics-text")
            assert reply.headers["Cache-Control"] == "no-store"
            (family,) = text_string_to_metric_families(await reply.text())
            assert (family.name, family.samples[0].value) == ("arbbot_starts", 1)
        async with session.get(url) as reply:
            assert reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (get("/"), 404),
        (get("/metrics/"), 404),
        (get("/api/session"), 404),
        (get(method="POST"), 405),
        (get("/metrics?name=x"), 200),
        (get(host="localhost:9464"), 200),
        (get(host="arbbot:9464"), 200),
        (get(host="[::1]:9464"), 200),
        (get(host="evil.example:9464"), 421),
        (get(host="127.0.0.1.evil.example"), 421),
        (b"GET /metrics HTTP/1.0\r\n\r\n", 421),
        (b"nonsense\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        (b"GET /" + b"x" * 2 * HEAD_BYTES_MAX + b" HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ],
)
async def test_anything_but_a_scrape_is_refused(server: Scrape, request_: bytes, status: int) -> None:
    """One path, one method, and no host name by which a web page could reach us through DNS rebinding."""
    reply = await raw(server, request_)
    assert reply.startswith(f"HTTP/1.1 {status} ".encode())
    assert (b"arbbot_starts" in reply) is (status == 200)
    assert server.refused == (status != 200)


async def test_who_says_nothing_is_let_go_and_keeps_nobody_out(server: Scrape, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silent connections beyond a few are dropped at once, those few after their time; then scrapers are served."""
    monkeypatch.setattr(scrape, "PATIENCE_S", 0.2)
    silent = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(CLIENTS_MAX + 3)]
    async with asyncio.timeout(10):
        said = await asyncio.gather(*(reader.read() for reader, _ in silent), return_exceptions=True)
    assert all(each == b"" or isinstance(each, ConnectionError) for each in said)
    assert server.refused == CLIENTS_MAX + 3
    assert (await raw(server, get())).startswith(b"HTTP/1.1 200")
    for _, writer in silent:
        writer.close()


async def test_the_loop_has_its_turn_while_a_reply_is_written(server: Scrape) -> None:
    """Between two families everything else may run: a reply is never one long pause."""
    exposition = Exposition(TAGS)
    metrics = Metrics(None, TAGS, Redactor(), exposition)
    metrics.count("starts")
    metrics.count("heartbeat")
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count_turns())
    await asyncio.sleep(0)
    before = turns
    await exposition.text("")
    assert turns - before >= 2
    counting.cancel()


async def test_an_address_that_is_taken_is_an_error(server: Scrape) -> None:
    """Whoever starts it hears of it."""
    with pytest.raises(OSError, match="in use"):
        async with Scrape(f"127.0.0.1:{server.port}", Exposition(TAGS)):
            pass


@pytest.mark.parametrize("address", ["localhost:9464", "127.0.0.1", "unix:///tmp/x", ":9464", "127.0.0.1:0", ""])
def test_only_literal_addresses_are_served_on(address: str) -> None:
    """No name that would have to be looked up, and no address of all networks by accident."""
    with pytest.raises(ValueError, match="literal IP and port"):
        parse_place(address)
