"""What a request must show before it reaches a handler, and what every reply carries.

A page on loopback is reached by every other page of the same browser. So: a host name that is ours (against DNS
rebinding), a session, and for what changes something an origin that is ours and a token that only our page can read.
"""

from __future__ import annotations

import hmac
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from arbbot.dashboard.counts import Refused
from arbbot.dashboard.patience import Patience
from arbbot.dashboard.sessions import Session, Sessions

CSRF_HEADER = "X-CSRF"
SESSION: web.RequestKey[Session] = web.RequestKey("session", Session)
OPEN_PATHS = ("/", "/favicon.ico", "/favicon.svg", "/api/login")
OPEN_FOLDER = "/static/"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def error(status: HTTPStatus, text: str) -> web.Response:
    """One line of JSON."""
    return web.json_response({"error": text}, status=status)


class Guard:
    """The door of every request."""

    def __init__(
        self, sessions: Sessions, cookie_name: str, hosts: frozenset[str], refused: Refused, patience: Patience
    ) -> None:
        """`hosts` are the `Host` headers under which the page may be reached, with their ports."""
        self._sessions = sessions
        self._cookie_name = cookie_name
        self._hosts = hosts
        self._refused = refused
        self._patience = patience

    def middleware(self) -> Middleware:
        """As aiohttp wants it."""

        @web.middleware
        async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
            reply = await self._reply(request, handler)
            if SESSION not in request:
                reply.force_close()  # who has no session keeps no place
            return await self._patience.written(request, reply)

        return guarded

    async def _reply(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return self.refusal(request) or await self._patience.answered(request, handler)
        except web.HTTPRequestEntityTooLarge:
            self._refused.count("body")
            return error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "a request of this page is smaller")
        except web.HTTPException as problem:
            return error(HTTPStatus(problem.status), problem.reason)

    def refusal(self, request: web.Request) -> web.Response | None:
        """Why a request goes no further; None when it may."""
        if request.headers.get("Host", "").lower() not in self._hosts:
            self._refused.count("host")
            return error(HTTPStatus.MISDIRECTED_REQUEST, "this page is not reached under that name")
        changes = request.method not in ("GET", "HEAD")
        if changes and not self._is_ours(request):
            self._refused.count("origin")
            return error(HTTPStatus.FORBIDDEN, "another page may not command this one")
        session = self._sessions.find(request.cookies.get(self._cookie_name, ""))
        if session is not None:
            request[SESSION] = session
        if request.path in OPEN_PATHS or request.path.startswith(OPEN_FOLDER):
            return None
        if session is None:
            self._refused.count("session")
            return error(HTTPStatus.UNAUTHORIZED, "open the page anew with its token")
        if changes and not _is_same(session.csrf, request.headers.get(CSRF_HEADER, "")):
            self._refused.count("csrf")
            return error(HTTPStatus.FORBIDDEN, f"a command carries the page's {CSRF_HEADER}")
        return None

    def _is_ours(self, request: web.Request) -> bool:
        """Sent by a page of this very host: browsers say so, and cannot be made to lie by other pages."""
        origin = request.headers.get("Origin", "")
        scheme, _, host = origin.partition("://")
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        return scheme in ("http", "https") and host.lower() == request.headers["Host"].lower() and site == "same-origin"


def _is_same(known: str, told: str) -> bool:
    """In constant time; a header may hold any bytes."""
    return hmac.compare_digest(known.encode(), told.encode(errors="replace"))


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """What keeps the page to itself, on every reply to a request; what is no request is answered by its connection."""
    for name, value in HEADERS.items():
        response.headers[name] = value
    response.headers.popall("Server", None)
