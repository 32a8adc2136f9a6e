"""The page's server: routes, and its life beside the daemon's."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self

import orjson
from aiohttp import web
from pydantic import SecretStr

from arbbot.dashboard.assets import Assets
from arbbot.dashboard.connections import SILENT_S, Connections
from arbbot.dashboard.counts import Refused
from arbbot.dashboard.guard import SESSION, Guard, add_headers, error
from arbbot.dashboard.json_text import dumps
from arbbot.dashboard.patience import Patience
from arbbot.dashboard.sessions import Session, Sessions
from arbbot.dashboard.source import Declined, Source
from arbbot.dashboard.stream import SLOW_S, Stream

STATIC = Path(__file__).parent / "static"
VENDOR = STATIC / "vendor"
"""What comes through npm at set-up, or is missing."""
BODY_BYTES_MAX = 8 * 1024
AT_ONCE = 16
"""Connections that are accepted in one go: a crowd must not keep a decision waiting."""
QUEUE = 1024
"""Connections that the system keeps for us meanwhile: it makes those beyond it wait for seconds, a person's too."""
SHUTDOWN_S = 0.5
TOKEN_CHARS_MAX = 1024
CURSOR_DIGITS_MAX = 18


@dataclass(frozen=True, slots=True)
class Place:
    """Where the page is served."""

    host: str
    """An address of this machine; loopback unless a person decided otherwise."""
    port: int
    """0: any free one."""
    names: Sequence[str] = ()
    """Further `Host` headers that are ours, as of a proxy in front, with their ports where they show any."""


class Dashboard:
    """Use as an async context manager: it listens from entry to exit."""

    def __init__(
        self,
        place: Place,
        token: SecretStr,
        source: Source,
        *,
        slow_s: float = SLOW_S,
        silent_s: float = SILENT_S,
        ended: Callable[[asyncio.Task[None]], None] | None = None,
    ) -> None:
        """`ended` hears of the end of what runs for as long as the page does."""
        self._place = place
        self._token = token
        self._source = source
        self._silent_s = silent_s
        self._ended = ended
        self.refused = Refused()
        self._patience = Patience(self.refused, silent_s)
        self.stream = Stream(source.snapshot, self.refused, slow_s)
        self.port = 0
        """As bound, once it listens."""
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def address(self) -> str:
        """Of the page, for a browser."""
        return f"http://{_in_url(self._place.host)}:{self.port}/"

    @property
    def connections(self) -> int:
        """How many are open, whatever they do."""
        return self._connections.open

    async def __aenter__(self) -> Self:
        """Listen. Raises OSError where the address cannot be had."""
        loop = asyncio.get_running_loop()
        listener = socket.create_server((self._place.host, self._place.port), family=_family(self._place.host))
        listener.setblocking(False)
        self.port = listener.getsockname()[1]
        self._cookie_name = f"arbbot_session_{self.port}"  # the cookies of a host are those of all its ports
        self._sessions = Sessions(self._token, loop.time)
        connections = Connections(self.refused, self._silent_s)
        app = self._application(connections)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_S)
        await self._runner.setup()
        assert self._runner.server is not None
        self._server = await loop.create_server(
            connections.bounded(self._runner.server), sock=listener, backlog=AT_ONCE
        )
        listener.listen(QUEUE)  # asyncio makes one number of both
        self._connections = connections
        self._tasks = [
            asyncio.create_task(self.stream.run(), name="the page's stream"),
            asyncio.create_task(connections.watch(), name="the page's watch over connections"),
        ]
        for task in self._tasks:
            if self._ended is not None:
                task.add_done_callback(self._ended)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.stream.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        await self._runner.cleanup()

    # --- routes --------------------------------------------------------------------------------------------

    def _application(self, connections: Connections) -> web.Application:
        assets = Assets(STATIC)
        guard = Guard(self._sessions, self._cookie_name, self._hosts(), self.refused, self._patience)
        app = web.Application(middlewares=[guard.middleware()], client_max_size=BODY_BYTES_MAX)
        app.on_response_prepare.append(add_headers)
        app.on_response_prepare.append(connections.spoke)
        app.add_routes(
            [
                web.get("/", assets.index),
                web.get("/favicon.svg", assets.favicon),
                web.get("/favicon.ico", assets.favicon),
                web.get("/static/{name:.+}", assets.named),
                web.post("/api/login", self._login),
                web.post("/api/logout", self._logout),
                web.get("/api/session", self._session),
                web.get("/api/stream", self._stream),
                web.get("/api/series", self._series),
                web.get("/api/hedges", self._hedges),
                web.get("/api/hedges/{hedge_id}", self._timeline),
                web.post("/api/command", self._command),
            ]
        )
        return app

    def _hosts(self) -> frozenset[str]:
        """What a browser may have in its address bar."""
        own = {f"{_in_url(self._place.host)}:{self.port}"}
        if _is_loopback(self._place.host):
            own.add(f"localhost:{self.port}")
        return frozenset(own | {name.lower() for name in self._place.names})

    async def _login(self, request: web.Request) -> web.Response:
        token = (await _words(request)).get("token")
        if not isinstance(token, str) or len(token) > TOKEN_CHARS_MAX or not self._sessions.knows(token):
            self.refused.count("token")
            return error(HTTPStatus.FORBIDDEN, "that is not this page's token")
        session = self._sessions.begin(request.cookies.get(self._cookie_name, ""))
        response = _json({"csrf": session.csrf})
        response.set_cookie(
            self._cookie_name,
            session.cookie,
            httponly=True,
            samesite="Strict",
            path="/",
            secure=_is_behind_tls(request),
        )
        return response

    async def _logout(self, request: web.Request) -> web.Response:
        self._sessions.end(request[SESSION])
        response = web.Response(status=HTTPStatus.NO_CONTENT)
        response.del_cookie(self._cookie_name, path="/")
        return response

    async def _session(self, request: web.Request) -> web.Response:
        session: Session = request[SESSION]
        return _json({"csrf": session.csrf, "charts": has_charts(), **self._source.about()})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        return await self.stream.serve(request, self._sessions)

    async def _series(self, _: web.Request) -> web.Response:
        return _json(self._source.series())

    async def _hedges(self, request: web.Request) -> web.Response:
        cursor = request.query.get("before")
        if cursor is None:
            return _json(self._source.hedges())
        if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= CURSOR_DIGITS_MAX):
            return error(HTTPStatus.BAD_REQUEST, "before is a number that this page was given")
        return _json(await self._source.hedges_before(int(cursor)))

    async def _timeline(self, request: web.Request) -> web.Response:
        told = await self._source.timeline(request.match_info["hedge_id"])
        return error(HTTPStatus.NOT_FOUND, "no hedge of that name") if told is None else _json(told)

    async def _command(self, request: web.Request) -> web.Response:
        words = await _words(request)
        verb, reason, phrase = words.get("verb"), words.get("reason"), words.get("phrase")
        if not isinstance(verb, str) or not isinstance(reason, str) or not isinstance(phrase, str | None):
            return error(HTTPStatus.BAD_REQUEST, "a command has a verb and a reason, in words")
        try:
            return _json(self._source.command(verb, reason, phrase))
        except Declined as refusal:
            return error(HTTPStatus.CONFLICT, str(refusal))


async def _words(request: web.Request) -> dict[str, Any]:
    """The JSON object of a request's body; empty for anything else."""
    try:
        words = orjson.loads(await request.read())
    except ValueError:
        return {}
    return words if isinstance(words, dict) else {}


def _json(value: Any) -> web.Response:
    return web.Response(body=dumps(value), content_type="application/json")


def _is_behind_tls(request: web.Request) -> bool:
    """Whether a browser reached the page by https, through a proxy: the guard has seen that the origin is ours."""
    return request.headers.get("Origin", "").startswith("https://")


def has_charts() -> bool:
    """Whether set-up could get what draws them."""
    return (VENDOR / "uPlot.iife.min.js").exists()


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_loopback(host: str) -> bool:
    return ip_address(host).is_loopback
