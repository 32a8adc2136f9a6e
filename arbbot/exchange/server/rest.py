"""REST over aiohttp: sockets, delays and lost replies around the API."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from email.utils import formatdate

from aiohttp import web

from arbbot.exchange.clock import MarketClock
from arbbot.exchange.faults import Faults, Stage
from arbbot.exchange.server import rest_faults
from arbbot.exchange.server.api import Api, target_of
from arbbot.exchange.server.session import hang_up
from arbbot.exchange.server.wire import HttpRequest, Reply

REPLIES_KEPT = 200


def _hang_up(request: web.Request, *, reset: bool) -> web.Response:
    hang_up(request.transport, reset=reset)
    return web.Response()


class RestServer:
    """Serves the API; every fault of a request is drawn once, on its arrival."""

    def __init__(self, api: Api, clock: MarketClock, faults: Faults) -> None:
        """Serve `api` by `clock`."""
        self._api = api
        self._clock = clock
        self._faults = faults
        self._sent: OrderedDict[str, Reply] = OrderedDict()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one request."""
        received = HttpRequest(
            request.method,
            request.rel_url.raw_path,
            request.rel_url.raw_query_string,
            {name.lower(): value for name, value in request.headers.items()},
            await request.read(),
            request.remote or "",
        )
        target = target_of(received.path)
        struck = self._faults.take(Stage.REST, target) if self._faults.active else {}
        if "refuse" in struck:
            return _hang_up(request, reset=True)
        if "delay_before" in struck:
            await asyncio.sleep(struck["delay_before"].delay_s)
        if "request_lost" in struck:
            return _hang_up(request, reset=False)
        reply = self._reply(received, target, struck)
        if "delay_after" in struck:
            await asyncio.sleep(struck["delay_after"].delay_s)
        if "reply_lost" in struck:
            return _hang_up(request, reset=False)
        return await self._send(request, reply, cut="truncated" in struck)

    def _reply(self, received: HttpRequest, target: str, struck: rest_faults.Struck) -> Reply:
        replacement = rest_faults.substitute(self._api, received, struck)
        if replacement is not None and not replacement[1]:
            return replacement[0]
        now_us, wall_us = self._clock.now_us(), self._clock.wall_us()
        self._api.venue.advance(now_us)
        reply = self._api.answer(received, now_us, wall_us, rest_faults.behaviour(struck))
        if replacement is not None:
            return replacement[0]
        previous = self._sent.get(target)
        other = next((sent for path, sent in reversed(self._sent.items()) if path != target), None)
        self._sent[target] = reply
        self._sent.move_to_end(target)
        if len(self._sent) > REPLIES_KEPT:
            self._sent.popitem(last=False)
        reply = rest_faults.alter(self._api, received, reply, struck, previous)
        return rest_faults.spoil(reply, struck, other)

    async def _send(self, request: web.Request, reply: Reply, *, cut: bool) -> web.StreamResponse:
        moment = formatdate(self._clock.now_us() / 1_000_000, usegmt=True)
        headers = {"Date": moment, **reply.headers, "Content-Type": reply.content_type}
        if not cut:
            return web.Response(status=reply.status, body=reply.body, headers=headers)
        response = web.StreamResponse(status=reply.status, headers=headers)
        response.content_length = len(reply.body)
        await response.prepare(request)
        await response.write(reply.body[: len(reply.body) // 2])
        return _hang_up(request, reset=False)
