"""The operator's door: a Unix socket (0600) that takes JSON lines and gives one JSON line back for each.

`{"verb": "status", ...}` is answered by `{"ok": true, "result": ...}` or `{"ok": false, "error": "..."}`.
Money is text.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure

REQUEST_BYTES_MAX = 64 * 1024
CLIENTS_MAX = 16
IDLE_S = 10.0
"""How long a client may take for its next request, and for taking its reply."""
PATH_BYTES_MAX = 107
"""A Unix socket's address holds 108 bytes with its final zero (unix(7))."""

Answer = Callable[[dict[str, Any]], dict[str, Any]]
"""From a request to its result, at once. Raises Refused for what it will not answer."""


class Refused(Exception):
    """A request that is not understood or not granted; the text goes back to the client."""


class ControlServer:
    """Serves requests one after another per client. A client that misbehaves loses its connection, nothing else."""

    def __init__(self, path: Path, answer: Answer) -> None:
        self._path = path
        self._answer = answer
        self._server: asyncio.Server | None = None
        self._inode: int | None = None
        self._clients: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Listen. Raises Failure when the path is too long, taken by another daemon, or cannot be written."""
        listener = _bind(self._path)
        self._inode = os.stat(self._path).st_ino
        self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=REQUEST_BYTES_MAX)

    async def close(self) -> None:
        """Stop listening, drop the clients, and remove the socket unless a newer daemon has put its own there."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        clients = set(self._clients)
        for client in clients:
            client.cancel()
        if clients:
            await asyncio.wait(clients)
        try:
            if os.stat(self._path).st_ino == self._inode:
                os.unlink(self._path)
        except FileNotFoundError:
            return

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            if len(self._clients) >= CLIENTS_MAX:
                await _reply(writer, _refusal(f"{CLIENTS_MAX} clients are connected already"))
                return
            self._clients.add(task)
            while await self._one(reader, writer):
                pass
        except (TimeoutError, OSError, asyncio.CancelledError):  # cancelled by `close` alone, which waits for the end
            return
        finally:
            self._clients.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False when there is none left, or none that can be told from the next."""
        async with asyncio.timeout(IDLE_S):
            try:
                line = await reader.readuntil(b"\n")
            except asyncio.IncompleteReadError:
                return False
            except asyncio.LimitOverrunError:
                await _reply(writer, _refusal(f"a request has at most {REQUEST_BYTES_MAX} bytes"))
                return False
        await _reply(writer, self._respond(line))
        return True

    def _respond(self, line: bytes) -> dict[str, Any]:
        try:
            request = orjson.loads(line)
        except orjson.JSONDecodeError:
            return _refusal("a request is one line of JSON")
        if not isinstance(request, dict) or not isinstance(request.get("verb"), str):
            return _refusal('a request is an object with a "verb"')
        try:
            return {"ok": True, "result": self._answer(request)}
        except Refused as refusal:
            return _refusal(str(refusal))


def _refusal(reason: str) -> dict[str, Any]:
    return {"ok": False, "error": reason}


async def _reply(writer: asyncio.StreamWriter, reply: dict[str, Any]) -> None:
    writer.write(orjson.dumps(reply, default=_text, option=orjson.OPT_NON_STR_KEYS) + b"\n")
    async with asyncio.timeout(IDLE_S):
        await writer.drain()


def _text(value: object) -> str:
    """Money as text without exponent; paths and the like as they print."""
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _bind(path: Path) -> socket.socket:
    """A listening socket that nobody but the owner could ever connect to."""
    address = short_address(path)
    _clear(path, address)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)  # the socket is made with its final rights: no moment at which others could connect
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise Failure(ExitCode.FAULT, f"control socket {path}: {error.strerror}") from None
    finally:
        os.umask(mask)
    listener.setblocking(False)
    return listener


def _clear(path: Path, address: str) -> None:
    """Remove a socket that a dead process left behind; refuse anything else that stands there."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise Failure(ExitCode.FAULT, f"control socket {path}: {error.strerror}") from None
    if not stat.S_ISSOCK(mode):
        raise Failure(ExitCode.FAULT, f"control socket {path}: something else has this name")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        if probe.connect_ex(address) != errno.ECONNREFUSED:
            raise Failure(ExitCode.JOURNAL, f"control socket {path}: another daemon answers there")
    path.unlink()


def short_address(path: Path) -> str:
    """The path, absolute or relative, whichever fits a socket address. Raises Failure when neither does."""
    for candidate in (os.path.abspath(path), os.path.relpath(path)):
        if len(os.fsencode(candidate)) <= PATH_BYTES_MAX:
            return candidate
    raise Failure(
        ExitCode.SETTINGS,
        f"control socket {path}: a socket's path has at most {PATH_BYTES_MAX} bytes; choose a shorter state_dir",
    )
