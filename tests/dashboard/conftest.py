from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from arbbot.dashboard import Dashboard, Place
from tests.dashboard.played_source import PlayedSource

try:
    import uvloop
except ImportError:
    UVLOOP: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {}
else:
    UVLOOP = {"uvloop": uvloop.new_event_loop}

TOKEN = "t" * 40


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Every test on each loop that the daemon may run on: their connections are of different making."""
    return {"asyncio": asyncio.new_event_loop, **UVLOOP}


@dataclass(slots=True)
class Browser:
    """A client of the page that behaves as a browser on it does, unless a test says otherwise."""

    page: Dashboard
    client: aiohttp.ClientSession
    csrf: str = ""

    @property
    def own(self) -> dict[str, str]:
        """What a browser adds on its own to a POST of the page."""
        return {"Origin": self.page.address.rstrip("/"), "Sec-Fetch-Site": "same-origin", "X-CSRF": self.csrf}

    async def log_in(self, token: str = TOKEN) -> int:
        status, answer = await self.post("api/login", {"token": token})
        self.csrf = answer.get("csrf", "")
        return status

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        async with self.client.get(self.page.address + path, headers=headers) as reply:
            return reply.status, await _answer(reply)

    async def post(self, path: str, words: Any, **headers: str) -> tuple[int, Any]:
        sent = {**self.own, **{name.replace("_", "-"): value for name, value in headers.items()}}
        async with self.client.post(self.page.address + path, json=words, headers=sent) as reply:
            return reply.status, await _answer(reply)


async def _answer(reply: aiohttp.ClientResponse) -> Any:
    return await reply.json() if reply.content_type == "application/json" else await reply.read()


@pytest.fixture
def source() -> PlayedSource:
    """The daemon behind the page."""
    return PlayedSource()


@pytest.fixture
async def page(source: PlayedSource) -> AsyncIterator[Dashboard]:
    """A page on a free port of loopback, quick to lose patience."""
    async with Dashboard(
        Place("127.0.0.1", 0, ("ops.example.com",)), SecretStr(TOKEN), source, slow_s=0.3, silent_s=0.3
    ) as served:
        yield served


@pytest.fixture
async def stranger(page: Dashboard) -> AsyncIterator[Browser]:
    """Somebody who has no session."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        yield Browser(page, client)


@pytest.fixture
async def browser(stranger: Browser) -> Browser:
    """Somebody who has."""
    assert await stranger.log_in() == 200
    return stranger
