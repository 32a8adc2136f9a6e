"""A signing client of its own for the exchange's tests, on the bare API and over sockets."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from arbbot.exchange.accounts import Account, ApiKey, FeeRates, Permission
from arbbot.exchange.matching import Side
from arbbot.exchange.options import DEMO_KEY, DEMO_SECRET, ExchangeOptions
from arbbot.exchange.rules import VenueRules
from arbbot.exchange.serve import Addresses, serve
from arbbot.exchange.server.api import Api
from arbbot.exchange.server.limiter import Limiter
from arbbot.exchange.server.wire import HttpRequest, Reply
from arbbot.exchange.venue import Venue

NOW_US = 1_767_225_600_000_000
FORM = "application/x-www-form-urlencoded"
LADDER = [(str(100 + step), str(100 - step)) for step in range(1, 6)]


def signed_headers(
    key: str, secret: str, method: str, host: str, path: str, body: str, timestamp_ms: int
) -> dict[str, str]:
    """The v2 authentication headers of a request, computed apart from the code under test."""
    nonce, kind = str(uuid.uuid4()), FORM if body else ""
    text = f"BITSTAMP {key}{method}{host}{path}{kind}{nonce}{timestamp_ms}v2{body}"
    headers = {
        "X-Auth": f"BITSTAMP {key}",
        "X-Auth-Signature": hmac.new(secret.encode(), text.encode(), "sha256").hexdigest(),
        "X-Auth-Nonce": nonce,
        "X-Auth-Timestamp": str(timestamp_ms),
        "X-Auth-Version": "v2",
    }
    return headers | ({"Content-Type": FORM} if body else {})


@dataclass
class Bench:
    """A venue with a small btcusd book around 20000 and one account, called without a socket."""

    venue: Venue
    api: Api
    account: Account
    now_us: int = NOW_US
    last: Reply = field(default_factory=lambda: Reply(0, b""))

    def call(self, path: str, method: str = "POST", key: str = "Key", **form: str) -> Any:
        """The parsed reply of a call; `last` keeps the raw one."""
        body, query = (urlencode(form), "") if method == "POST" else ("", urlencode(form))
        full = f"/api/v2/{path}"
        headers = signed_headers(key, "Secret", method, "www.bitstamp.net", full, body, self.now_us // 1000)
        lower = {name.lower(): value for name, value in headers.items()} | {"host": "127.0.0.1:8080"}
        request = HttpRequest(method, full, query, lower, body.encode(), "127.0.0.1")
        self.last = self.api.answer(request, self.now_us, self.now_us)
        return json.loads(self.last.body, parse_float=Decimal) if b"{" in self.last.body[:2] else self._list()

    def _list(self) -> Any:
        return json.loads(self.last.body, parse_float=Decimal) if self.last.body[:1] == b"[" else None


@pytest.fixture
def bench() -> Callable[..., Bench]:
    """A maker of benches."""

    def make(rules: VenueRules | None = None, limiter: Limiter | None = None, **balances: str) -> Bench:
        venue = Venue(rules)
        for step in range(1, 6):
            venue.house_limit("btcusd", Side.BUY, Decimal(20_000 - step), Decimal(1), NOW_US - 10**6)
            venue.house_limit("btcusd", Side.SELL, Decimal(20_000 + step), Decimal(1), NOW_US - 10**6)
        held = {name: Decimal(amount) for name, amount in balances.items()}
        rates = FeeRates(Decimal("0.30"), Decimal("0.40"))
        account = venue.add_account("ann", held or {"btc": Decimal(2), "usd": Decimal(100_000)}, rates)
        both = frozenset({Permission.READ, Permission.TRADE})
        venue.add_key(ApiKey("Key", "Secret", account.user_id, both))
        venue.add_key(ApiKey("Reader", "Secret", account.user_id, frozenset({Permission.READ})))
        venue.add_key(ApiKey("Orders", "Secret", account.user_id, frozenset({Permission.TRADE})))
        return Bench(venue, Api(venue, limiter), account)

    return make


@dataclass
class Live:
    """A served exchange and an HTTP client for it."""

    at: Addresses
    http: aiohttp.ClientSession

    async def post(self, path: str, **form: str) -> Any:
        """The parsed reply of a signed call."""
        async with self.raw(path, **form) as reply:
            return json.loads(await reply.read())

    def raw(self, path: str, **form: str) -> Any:
        """A signed call, to be entered as a context."""
        body, host = urlencode(form), self.at.rest.split("://")[1]
        now_ms = time.time_ns() // 1_000_000
        headers = signed_headers(DEMO_KEY, DEMO_SECRET, "POST", host, f"/api/v2/{path}", body, now_ms)
        skip = [] if body else ["Content-Type"]
        return self.http.post(
            f"{self.at.rest}/api/v2/{path}", data=body or None, headers=headers, skip_auto_headers=skip
        )

    async def get(self, path: str) -> Any:
        """The parsed reply of a public call."""
        async with self.http.get(f"{self.at.rest}/api/v2/{path}") as reply:
            return json.loads(await reply.read())

    async def control(self, action: str, **body: Any) -> Any:
        """Pull a lever of the control endpoint."""
        async with self.http.post(f"{self.at.control}/{action}", json=body) as reply:
            parsed = await reply.json()
            assert reply.status == 200, parsed
            return parsed

    async def fault(self, text: str) -> None:
        """Switch a fault on."""
        await self.control("faults", fault=text)

    async def state(self) -> Any:
        """The venue's truth."""
        async with self.http.get(f"{self.at.control}/state") as reply:
            return await reply.json()


@pytest.fixture
def served() -> Callable[..., AbstractAsyncContextManager[Live]]:
    """A maker of served exchanges with a still btcusd book 95-105."""

    @asynccontextmanager
    async def run(**options: Any) -> AsyncIterator[Live]:
        stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
        wanted = ExchangeOptions(**({"still": True} | options))
        task = asyncio.create_task(serve(wanted, ready=ready.set_result, stop=stop))
        await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        try:
            async with aiohttp.ClientSession() as http:
                live = Live(ready.result(), http)
                if wanted.still and wanted.tls_dir is None:
                    asks, bids = [[p, "1"] for p, _ in LADDER], [[p, "1"] for _, p in LADDER]
                    await live.control("book", market="btcusd", bids=bids, asks=asks)
                yield live
        finally:
            stop.set()
            await task

    return run
