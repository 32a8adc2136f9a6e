"""How long a request may take to come, and a reply to be taken: whoever stalls loses the connection."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import cast

from aiohttp import web
from aiohttp.typedefs import Handler

from arbbot.dashboard.counts import Refused


class Patience:
    """Reads whole requests and writes whole replies, each within its time."""

    def __init__(self, refused: Refused, limit_s: float) -> None:
        self._refused = refused
        self._limit_s = limit_s

    async def answered(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The handler's reply to a request that has come whole. Raises HTTPRequestEntityTooLarge."""
        try:
            async with asyncio.timeout(self._limit_s):
                await request.read()  # kept: the handler finds it there
        except TimeoutError:
            self.cut(request)
            return web.Response(status=HTTPStatus.REQUEST_TIMEOUT)
        return await handler(request)

    async def written(self, request: web.Request, reply: web.StreamResponse) -> web.StreamResponse:
        """A reply, once it was taken; aiohttp itself would wait for ever."""
        try:
            async with asyncio.timeout(self._limit_s):
                await reply.prepare(request)
                await reply.write_eof()
        except TimeoutError:
            self.cut(request)
        except ConnectionError:
            pass  # it went: nothing is owed to it
        return reply

    def cut(self, request: web.Request) -> None:
        """End a connection without waiting for what it does not send or read."""
        self._refused.count("slow")
        if request.transport is not None:
            cast("asyncio.WriteTransport", request.transport).abort()  # uvloop's is one without saying so
