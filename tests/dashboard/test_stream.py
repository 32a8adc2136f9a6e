from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from arbbot.dashboard import Dashboard, Place
from arbbot.dashboard.connections import CONNECTIONS_MAX
from arbbot.dashboard.stream import READERS_MAX
from tests.dashboard.conftest import TOKEN, Browser
from tests.dashboard.played_source import PlayedSource


async def frame(reply: aiohttp.ClientResponse) -> tuple[int, dict[str, Any]]:
    """The next event: its number and what it says."""
    fields: dict[str, str] = {}
    async with asyncio.timeout(5):
        while "data" not in fields:
            name, _, value = (await reply.content.readline()).decode().strip().partition(": ")
            fields[name] = value
    assert fields["event"] == "now"
    return int(fields["id"]), json.loads(fields["data"])


async def test_frames_come_at_once_and_keep_coming(browser: Browser) -> None:
    """The first without waiting, each with a number larger than the last, money as text."""
    async with browser.client.get(browser.page.address + "api/stream") as reply:
        assert reply.content_type == "text/event-stream"
        assert reply.headers["X-Accel-Buffering"] == "no"
        told = [await frame(reply) for _ in range(3)]
    numbers = [number for number, _ in told]
    assert numbers == sorted(set(numbers))
    assert told[0][1]["exposure"] == "0.00000000"


async def test_ten_readers_share_one_snapshot(browser: Browser, source: PlayedSource) -> None:
    """What is shown is made once for all of them, and not at all when nobody looks."""
    await asyncio.sleep(0.3)
    assert source.snapshots == 0
    streams = [await browser.client.get(browser.page.address + "api/stream") for _ in range(10)]
    for each in streams:
        await frame(each)
    made = source.snapshots
    assert made <= 13
    last = await asyncio.gather(*[_numbered(each, made + 1) for each in streams])
    assert len({json.dumps(words) for words in last}) == 1
    for each in streams:
        each.close()


async def _numbered(reply: aiohttp.ClientResponse, number: int) -> dict[str, Any]:
    """The frame of this number; readers that came early have older ones waiting."""
    while True:
        seen, words = await frame(reply)
        if seen >= number:
            assert seen == number
            return words


async def test_a_logout_ends_the_stream(browser: Browser) -> None:
    """A stream that is open does not outlive its session."""
    async with browser.client.get(browser.page.address + "api/stream") as reply:
        await frame(reply)
        assert (await browser.post("api/logout", {}))[0] == 204
        async with asyncio.timeout(5):
            await reply.content.read()


async def test_readers_are_few(browser: Browser) -> None:
    """One more than there is room for is refused, counted, and room comes back."""
    streams = [await browser.client.get(browser.page.address + "api/stream") for _ in range(READERS_MAX)]
    assert (await browser.get("api/stream"))[0] == 503
    assert browser.page.refused.figures()["connections"] == 1
    for each in streams:
        each.close()
    await until(lambda: not browser.page.stream.readers)
    async with browser.client.get(browser.page.address + "api/stream") as reply:
        await frame(reply)


async def test_a_reader_that_does_not_read_is_dropped() -> None:
    """It is cut off within its patience and some frames, counted, and the others get every frame meanwhile."""
    source = PlayedSource(padding=7_000)
    async with (
        Dashboard(Place("127.0.0.1", 0), SecretStr(TOKEN), source, slow_s=0.3) as page,
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), read_bufsize=2**24) as client,
    ):
        browser = Browser(page, client)
        await browser.log_in()
        with socket.socket() as lazy:
            lazy.connect(("127.0.0.1", page.port))
            lazy.sendall(asking("GET", "api/stream", browser))
            async with client.get(page.address + "api/stream") as reply:
                async with asyncio.timeout(20):
                    while not page.refused.figures()["slow"]:
                        await frame(reply)
                        await asyncio.sleep(0.02)
                        await page.stream.tell()
                await frame(reply)
                await until(lambda: page.stream.readers == 1 and page.connections <= 2)
        assert page.refused.figures()["slow"] == 1
        assert source.snapshots < 150


def asking(method: str, path: str, browser: Browser, length: int = 0) -> bytes:
    """The head of a request of somebody who is logged in, byte by byte."""
    cookie = "; ".join(f"{each.key}={each.value}" for each in browser.client.cookie_jar)
    head = f"{method} /{path} HTTP/1.1\r\nHost: 127.0.0.1:{browser.page.port}\r\nCookie: {cookie}\r\n"
    own = "".join(f"{name}: {value}\r\n" for name, value in browser.own.items())
    return f"{head}{own}Content-Length: {length}\r\n\r\n".encode()


async def test_half_a_request_holds_no_place(browser: Browser) -> None:
    """Nor does one that comes after a whole one was answered: what was heard before is no credit."""
    page = browser.page
    login = asking("POST", "api/login", browser, length=100)
    held = []
    for _ in range(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", page.port)
        writer.write(asking("GET", "favicon.svg", browser))
        await reader.readuntil(b"</svg>\n")
        writer.write(login + b"{")
        held.append((reader, writer))
    await until(lambda: page.refused.figures()["slow"] == len(held))
    await until(lambda: page.connections <= 1)
    for reader, writer in held:
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()


@pytest.mark.parametrize("head", ["Host: wrong", "Host: 127.0.0.1:{port}", "Host: 127.0.0.1:{port}\r\nCookie: a=b"])
async def test_who_has_no_session_keeps_no_place(page: Dashboard, head: str) -> None:
    """A reply, or a refusal, ends the connection: whoever asked must not hold it by asking again."""
    reader, writer = await asyncio.open_connection("127.0.0.1", page.port)
    writer.write(f"GET /favicon.svg HTTP/1.1\r\n{head.format(port=page.port)}\r\n\r\n".encode())
    async with asyncio.timeout(5):
        said = await reader.read()
    assert b"Connection: close" in said
    assert page.refused.figures()["slow"] == 0
    writer.close()


async def test_a_reply_that_is_not_taken_holds_no_place(browser: Browser) -> None:
    """Somebody who asks again and again and reads nothing is cut off."""
    with socket.socket() as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        lazy.connect(("127.0.0.1", browser.page.port))
        lazy.setblocking(False)
        lazy.send(asking("GET", "static/app.css", browser) * 100)
        await until(lambda: browser.page.refused.figures()["slow"] == 1)
        await until(lambda: browser.page.connections <= 1)


async def test_who_went_away_holds_no_place(source: PlayedSource) -> None:
    """A connection that was closed without a word is forgotten at once, and not only when its silence is over."""
    async with Dashboard(Place("127.0.0.1", 0), SecretStr(TOKEN), source, silent_s=600) as page:
        for _ in range(2 * CONNECTIONS_MAX):
            _, writer = await asyncio.open_connection("127.0.0.1", page.port)
            writer.close()
        await until(lambda: page.connections == 0)
        assert page.refused.figures()["connections"] == 0


async def test_the_end_of_the_stream_is_told(source: PlayedSource) -> None:
    """A page whose frames have ended is somebody's to hear of, and the rest of it answers on."""
    ended: list[str] = []

    def hear(task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            ended.append(f"{task.get_name()}: {task.exception()}")

    async with (
        Dashboard(Place("127.0.0.1", 0), SecretStr(TOKEN), source, ended=hear) as page,
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client,
    ):
        browser = Browser(page, client)
        await browser.log_in()
        async with client.get(page.address + "api/stream") as reply:
            await frame(reply)
            source.broken = OSError("no such figure")
            await until(lambda: ended)
        assert (await browser.get("api/session"))[0] == 200
    assert ended == ["the page's stream: no such figure"]


CROWD = """
import socket, sys
opened = [socket.socket() for _ in range(1_000)]
for each in opened:
    each.setblocking(False)
    each.connect_ex(("127.0.0.1", int(sys.argv[1])))
print("here", flush=True)
if sys.stdin.readline():
    gone = 0
    for each in opened:
        each.settimeout(5)
        try:
            gone += each.recv(1) == b""
        except ConnectionError:
            gone += 1
    print(gone)
"""
"""Connects, says nothing, and tells, when asked, how many of its connections were ended from the other side."""


async def test_a_thousand_connections_harm_nobody(browser: Browser) -> None:
    """Each is cut off for want of room, or closed when it says nothing, and counted; who was there is served on."""
    refused = browser.page.refused.figures
    async with browser.client.get(browser.page.address + "api/stream") as reply:
        await frame(reply)
        crowd = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CROWD, str(browser.page.port), stdin=PIPE, stdout=PIPE
        )
        assert crowd.stdout is not None
        async with asyncio.timeout(10):
            assert await crowd.stdout.readline() == b"here\n"
        for _ in range(4):
            await frame(reply)
            assert browser.page.connections <= CONNECTIONS_MAX
        await until(lambda: refused()["connections"] + refused()["slow"] == 1000)
        assert refused()["connections"] > 0
        assert (await browser.get("api/session"))[0] == 200
        assert (await crowd.communicate(b"\n"))[0] == b"1000\n"


async def until(holds: Callable[[], object]) -> None:
    """Wait for it, with a bound."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.02)


async def test_a_port_that_is_taken_is_told(page: Dashboard, source: PlayedSource) -> None:
    """An OSError before anything is served, and nothing left behind."""
    with pytest.raises(OSError, match="in use"):
        async with Dashboard(Place("127.0.0.1", page.port), SecretStr(TOKEN), source):
            pass
