"""Readers of the page's stream, for the bench: `python -m arbbot.bench.page_readers ADDRESS`.

Each line on standard input is how many there shall be; each is answered by a line once every one has its first frame.
"""

from __future__ import annotations

import asyncio
import sys

import aiohttp

from arbbot.bench.page import TOKEN


async def read(client: aiohttp.ClientSession, address: str, began: asyncio.Event) -> None:
    """Take frames until cancelled."""
    async with client.get(f"{address}api/stream") as reply:
        async for line in reply.content:
            if line.startswith(b"data:"):
                began.set()


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
