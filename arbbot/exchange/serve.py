"""Runs the built-in exchange: venue, market process, REST, WebSocket and control on loopback."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from arbbot.exchange.accounts import Account, ApiKey
from arbbot.exchange.clock import MarketClock
from arbbot.exchange.faults import Faults
from arbbot.exchange.market.simulation import build
from arbbot.exchange.options import ExchangeOptions
from arbbot.exchange.server.api import Api
from arbbot.exchange.server.certificates import server_context
from arbbot.exchange.server.control import Control
from arbbot.exchange.server.limiter import Limiter
from arbbot.exchange.server.rest import RestServer
from arbbot.exchange.server.stream import StreamServer
from arbbot.exchange.server.targets import check
from arbbot.exchange.venue import Venue


class MarketProcess(Protocol):
    """What moves the books."""

    def tick(self, now_us: int) -> None:
        """Bring the books to market time `now_us`."""

    def spike(self, market: str, share: float, until_us: int) -> None:
        """Quote a market off its fair price for a while; raises KeyError for a market that is not quoted."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the exchange listens; `control` is below the REST address."""

    rest: str
    websocket: str
    control: str


def open_venue(options: ExchangeOptions) -> Venue:
    """Build the venue with its accounts and keys."""
    venue = Venue(options.rules)
    opened: dict[str, Account] = {}
    for wanted in options.accounts:
        main = None if wanted.main is None else opened[wanted.main]
        account = venue.add_account(wanted.name, dict(wanted.balances), wanted.rates, main)
        opened[wanted.name] = account
        for key in wanted.keys:
            venue.add_key(
                ApiKey(key.key, key.secret, account.user_id, key.permissions, key.allowed_ips, key.withdrawal_addresses)
            )
    return venue


async def serve(
    options: ExchangeOptions, *, ready: Callable[[Addresses], None] | None = None, stop: asyncio.Event
) -> None:
    """Serve until `stop` is set; `ready` is told the addresses once connections are accepted.

    Raises BadFault or ValueError for options that make no sense, OSError when a port cannot be had.
    """
    venue = open_venue(options)
    clock = MarketClock(options.speed, options.origin_us)
    faults = Faults(options.faults, options.seed)
    for fault in faults.active:
        check(fault, venue)
    market: MarketProcess | None = None
    if not options.still:
        market = build(options.scenario, options.history, options.seed, venue, clock.now_us())
        market.tick(clock.now_us())
    api = Api(venue, Limiter(options.per_second, options.per_ten_minutes))
    stream = StreamServer(venue, clock, api.memory.tokens, faults)
    control = Control(venue, clock, stream, faults, None if market is None else market.spike)
    rest = RestServer(api, clock, faults)
    context = server_context(options.tls_dir) if options.tls_dir else None
    runners: list[web.AppRunner] = []
    try:
        runners.append(await _start(_rest_app(rest, stream, control), options.host, options.port, context))
        if options.ws_port is not None:
            runners.append(await _start(_stream_app(stream), options.host, options.ws_port, context))
        if ready is not None:
            ready(_addresses(options, runners))
        await _run(venue, clock, market, stream, control, stop, options.tick_s)
    finally:
        stream.drop(1001, reset=False)
        for runner in runners:
            await runner.cleanup()


def _stream_app(stream: StreamServer) -> web.Application:
    app = web.Application()
    app.add_routes([web.get("/", stream.handle), web.get("/ws", stream.handle), web.get("/ws/", stream.handle)])
    return app


def _rest_app(rest: RestServer, stream: StreamServer, control: Control) -> web.Application:
    app = _stream_app(stream)
    app.add_routes(control.routes())
    app.router.add_route("*", "/{path:.*}", rest.handle)
    return app


async def _start(app: web.Application, host: str, port: int, context: ssl.SSLContext | None) -> web.AppRunner:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, host, port, ssl_context=context).start()
    return runner


def _addresses(options: ExchangeOptions, runners: list[web.AppRunner]) -> Addresses:
    secure = "s" if options.tls_dir else ""
    rest, stream = (f"{options.host}:{runner.addresses[0][1]}" for runner in (runners[0], runners[-1]))
    return Addresses(f"http{secure}://{rest}", f"ws{secure}://{stream}", f"http{secure}://{rest}/control")


async def _run(
    venue: Venue,
    clock: MarketClock,
    market: MarketProcess | None,
    stream: StreamServer,
    control: Control,
    stop: asyncio.Event,
    tick_s: float,
) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time()
    while not stop.is_set():
        now_us = clock.now_us()
        venue.advance(now_us)
        if market is not None and not control.market_paused:
            market.tick(now_us)
        stream.flush_books()
        due = max(due + tick_s, loop.time())
        try:
            async with asyncio.timeout_at(due):
                await stop.wait()
        except TimeoutError:
            continue
