"""A person who opens the page of a daemon in the simulation, reads it for a while, and closes it."""

from __future__ import annotations

import asyncio

from aiohttp import ClientSession

from tests.shell.loop import LIFE
from tests.shell.world import World

LOOKS_S = 20.0


async def looked(world: World) -> None:
    """Log in, read the series, the hedges and the stream for some seconds."""
    port = next(port for port, each in world.loop.network.listeners.items() if each.context.get(LIFE) is world.run.life)
    token = (world.run.state_dir / "page.token").read_text().strip()
    said = world.run.said()
    host = said[said.index("http://", said.index("page ")) :].split("/")[2]
    own = {"Host": host, "Origin": f"http://{host}"}
    async with ClientSession(f"http://127.0.0.1:{port}", headers=own) as browser:
        async with browser.post("/api/login", json={"token": token}) as reply:
            own["Cookie"] = reply.headers["Set-Cookie"].partition(";")[0]
        for path in ("/api/session", "/api/series", "/api/hedges"):
            async with browser.get(path, headers=own) as reply:
                if reply.status != 200 or not await reply.json():
                    world.surprises.append(f"the page answers {reply.status} to {path}")
        async with browser.get("/api/stream", headers=own) as reply:
            try:
                async with asyncio.timeout(LOOKS_S):
                    while await reply.content.readany():
                        pass
            except TimeoutError:
                return
    world.surprises.append("the page's stream has ended")
