"""Messages as HTTP requests: a generic JSON object, or the form that Slack and its likes take."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from threading import Thread
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from arbbot.telemetry.alert_names import Form
from arbbot.telemetry.alerts import Answer, Message
from arbbot.telemetry.plain import Plain
from arbbot.telemetry.redact import Redactor
from arbbot.telemetry.utc import utc_text

TIMEOUT_S = 5.0
"""For a whole request, however slowly the receiver reads or writes."""
TEXT_CHARS_MAX = 1_000
WORTH_ANOTHER_TRY = (408, 425, 429)
"""Beside everything from 500 on."""


class OwnThread(AbstractResolver):
    """Looks host names up in a thread of its own, one at a time: the loop's threads are for the venue's names, and a
    look-up that hangs keeps neither them nor the end of the process waiting.
    """

    def __init__(self) -> None:
        self._busy = False

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """See aiohttp. Raises OSError where the name is unknown or is none, while the last look-up still hangs, and
        where the system has no thread to give.
        """
        if self._busy:
            raise OSError(None, "the last look-up has not come back")
        self._busy = True
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[Any]] = loop.create_future()
        try:
            Thread(target=self._look_up, args=(loop, found, host, port, family), daemon=True).start()
        except (RuntimeError, MemoryError) as error:
            self._busy = False
            raise OSError(None, f"no thread for a look-up: {error}") from error
        return [
            ResolveResult(
                hostname=host, host=address[0], port=address[1], family=kind, proto=proto, flags=socket.AI_NUMERICHOST
            )
            for kind, _, proto, _, address in await found
        ]

    def _look_up(
        self,
        loop: asyncio.AbstractEventLoop,
        found: asyncio.Future[list[Any]],
        host: str,
        port: int,
        family: socket.AddressFamily,
    ) -> None:
        came: list[Any] | OSError
        try:
            came = socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        except OSError as error:
            came = error
        except Exception as error:  # noqa: BLE001 - the edge: whatever ends this thread must reach who waits for it
            came = OSError(None, f"not looked up: {type(error).__name__}")  # such as UnicodeError: a label too long
        self._busy = False
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, found, came)

    async def close(self) -> None:
        """Nothing to close: the thread ends by itself."""


def _settle(found: asyncio.Future[list[Any]], came: list[Any] | OSError) -> None:
    if found.done():  # whoever asked has given up
        return
    if isinstance(came, OSError):
        found.set_exception(came)
    else:
        found.set_result(came)


class Webhook:
    """Posts to one address, verified where it is encrypted, never redirected. Use as an async context manager."""

    def __init__(
        self, url: str, form: Form, about: Mapping[str, str], redactor: Redactor, timeout_s: float = TIMEOUT_S
    ) -> None:
        """`about` tells which process speaks. The address is a secret, and no text of ours has it."""
        self._url = url
        self._write = {Form.JSON: _as_json, Form.SLACK: _as_slack}[form]
        self._about = dict(about)
        self._redactor = redactor
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=1, resolver=OwnThread()),
            timeout=aiohttp.ClientTimeout(total=self._timeout_s),
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def __call__(self, messages: Sequence[Message], dropped: int) -> Answer:
        """See `Post`."""
        assert self._session is not None, "used outside its `async with`"
        words = self._redactor.clean(self._write(self._about, [self._cut(each) for each in messages], dropped))
        body = json.dumps(words).encode()  # whatever a venue wrote: this takes half a character too
        headers = {"Content-Type": "application/json"}
        try:
            async with self._session.post(self._url, data=body, headers=headers, allow_redirects=False) as reply:
                return _answer(reply.status, reply.headers.get("Retry-After", ""))
        except (aiohttp.ClientError, TimeoutError, OSError, UnicodeError) as error:
            return Answer("failed", why=type(error).__name__)

    def _cut(self, message: Message) -> Message:
        """Without secrets, and no longer than receivers take: in this order, for half a secret is not known as one."""
        return replace(message, text=str(self._redactor.clean(message.text))[:TEXT_CHARS_MAX])


def _answer(status: int, retry_after: str) -> Answer:
    if 200 <= status < 300:
        return Answer("delivered")
    why = f"status {status}"
    if status >= 500 or status in WORTH_ANOTHER_TRY:
        return Answer("failed", float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None, why)
    return Answer("refused", why=why)


def _as_json(about: Mapping[str, str], messages: Sequence[Message], dropped: int) -> Plain:
    return {
        **about,
        "dropped": dropped,
        "messages": [
            {
                "name": message.name,
                "severity": message.severity.value,
                "text": message.text,
                "timestamp": utc_text(message.utc_us),
                "repeats": message.repeats,
                **dict(message.ids),
            }
            for message in messages
        ],
    }


def _as_slack(about: Mapping[str, str], messages: Sequence[Message], dropped: int) -> Plain:
    """One text, its three special characters escaped as Slack wants them."""
    lines = [f"*{about['service']}* {about['env']} {about['mode']} {about['route']}"]
    for message in messages:
        more = f" ({message.repeats} times more before)" if message.repeats else ""
        lines.append(f"*{message.severity.upper()}* {message.name}: {message.text}{more}")
    if dropped:
        lines.append(f"{dropped} messages were lost before")
    text = "\n".join(lines)
    return {"text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}
