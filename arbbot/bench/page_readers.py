"""Readers of the page's stream, for the bench: `python -m arbbot.bench.page_readers ADDRESS`.

Each line on standard input is how many there shall be; each is answered by a line once every one has its first frame.
"open" is answered by the milliseconds that a page took to be loaded, its hour of samples and a first frame with it.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time

import aiohttp

from arbbot.bench.page import TOKEN


async def read(client: aiohttp.ClientSession, address: str, began: asyncio.Event) -> None:
    """Take frames until cancelled."""
    async with client.get(f"{address}api/stream") as reply:
        async for line in reply.content:
            if line.startswith(b"data:"):
                began.set()


async def open_page(client: aiohttp.ClientSession, address: str) -> float:
    """Milliseconds, everything asked for one after the other: a browser is no slower with its six connections."""
    began = time.perf_counter()
    async with client.get(address) as reply:
        names = re.findall(r'(?:src|href)="/?([^"#]+)"', await reply.text())
    for name in [*names, "api/session", "api/series", "api/hedges"]:
        async with client.get(address + name) as reply:
            await reply.read()
    first = asyncio.Event()
    reading = asyncio.create_task(read(client, address, first))
    await first.wait()
    took_s = time.perf_counter() - began
    reading.cancel()
    await asyncio.wait([reading])
    return took_s * 1e3


async def main(address: str) -> None:
    """Log in once, then do as told."""
    lines = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    jar = aiohttp.CookieJar(unsafe=True)
    nothing = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(cookie_jar=jar, read_bufsize=1 << 20, timeout=nothing) as client:
        own = {"Origin": address.rstrip("/")}
        async with client.post(f"{address}api/login", json={"token": TOKEN}, headers=own) as reply:
            reply.raise_for_status()
        reading: list[asyncio.Task[None]] = []
        while line := await lines.readline():
            if line == b"open\n":
                sys.stdout.write(f"{await open_page(client, address)}\n")
                sys.stdout.flush()
                continue
            for task in reading:
                task.cancel()
            if reading:
                await asyncio.wait(reading)
            began = [asyncio.Event() for _ in range(int(line))]
            reading = [asyncio.create_task(read(client, address, each)) for each in began]
            for each in began:
                await each.wait()
            sys.stdout.write("here\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
