"""The page's own files: those that lie in its folder at the start, and no others."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

from aiohttp import web

from arbbot.dashboard.guard import error

_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class Assets:
    """Serves them. They are small and read at once: a thread would cost more, and is wanted for looking up hosts."""

    def __init__(self, folder: Path) -> None:
        found = [path for path in folder.rglob("*") if path.suffix in _TYPES and path.is_file()]
        self._paths = {path.relative_to(folder).as_posix(): path for path in found}

    async def named(self, request: web.Request) -> web.Response:
        """The file that the route names."""
        return self._reply(request.match_info["name"])

    async def index(self, _: web.Request) -> web.Response:
        """The page itself: nothing in it is secret."""
        return self._reply("index.html")

    async def favicon(self, _: web.Request) -> web.Response:
        """The sign in the browser's tab."""
        return self._reply("favicon.svg")

    def _reply(self, name: str) -> web.Response:
        path = self._paths.get(name)
        if path is None or not path.is_file():
            return error(HTTPStatus.NOT_FOUND, "no file of that name")
        return web.Response(body=path.read_bytes(), content_type=_TYPES[path.suffix], charset="utf-8")
