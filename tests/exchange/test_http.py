"""HTTP as clients of all kinds speak it: raw bytes in, raw bytes out."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

import pytest

from arbbot.exchange.options import DEMO_KEY, DEMO_SECRET
from tests.exchange.conftest import signed_headers

if TYPE_CHECKING:
    from tests.exchange.conftest import Live

Served = Callable[..., "AbstractAsyncContextManager[Live]"]
TICKER = "/api/v2/ticker/btcusd/"
BALANCE = "/api/v2/account_balances/btc/"


async def _talk(live: Live, *parts: str) -> tuple[str, dict[str, str], str]:
    """Send the parts a moment apart and read one reply: status line, headers, body (none after HEAD)."""
    host, port = live.at.rest.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        async with asyncio.timeout(5):
            head = ""
            for part in parts:
                writer.write(part.replace("\n", "\r\n").encode())
                if len(parts) > 1 and part is parts[0]:
                    head = (await reader.readuntil(b"\r\n\r\n")).decode()
                    assert head.startswith("HTTP/1.1 100 Continue")
            lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
            size = 0 if parts[0].startswith("HEAD") else int(headers["content-length"])
            return lines[0], headers, (await reader.readexactly(size)).decode()
    finally:
        writer.close()
        await writer.wait_closed()


def _private(path: str = BALANCE, *, body: str = "foo=bar", **changed: str) -> str:
    """Header lines of a signed call; `changed` overrides headers, written with underscores."""
    headers = signed_headers(DEMO_KEY, DEMO_SECRET, "POST", "www.bitstamp.net", path, body, time.time_ns() // 10**6)
    headers |= {name.replace("_", "-"): value for name, value in changed.items()}
    return "".join(f"{name}: {value}\n" for name, value in headers.items())


@pytest.mark.parametrize(
    "request_text",
    [
        f"GET {TICKER} HTTP/1.0\n\n",
        f"GET {TICKER} HTTP/1.0\nConnection: keep-alive\n\n",
        f"GET {TICKER} HTTP/1.1\nHost: x\nAccept-Encoding: gzip, br\n\n",
        f"GET {TICKER[:-1]} HTTP/1.1\nHost: x\n\n",
        "GET /api/v2//ticker/BTCUSD// HTTP/1.1\nHost: x\n\n",
        f"GET {TICKER}?nobody=asked HTTP/1.1\nHost: x\n\n",
        f"HEAD {TICKER} HTTP/1.1\nHost: x\n\n",
    ],
)
async def test_public_calls_take_every_form_of_a_request(served: Served, request_text: str) -> None:
    """Old versions, lost or doubled slashes, upper case, stray queries and HEAD are all served."""
    async with served() as live:
        status, headers, body = await _talk(live, request_text)
        assert status.split(" ", 1)[1] == "200 OK"
        assert headers["content-type"] == "application/json"
        assert request_text.startswith("HEAD") or json.loads(body)["bid"] == "99.00"


async def test_private_calls_take_every_form_of_a_body(served: Served) -> None:
    """Chunked bodies, bodies after 100-continue, no body at all, and headers in any case are served."""
    async with served() as live:
        start = f"POST {BALANCE} HTTP/1.1\nHost: x\n"
        for parts in (
            (f"{start}{_private()}Content-Length: 7\n\nfoo=bar",),
            (f"{start}{_private().replace('X-Auth', 'x-AUTH')}content-LENGTH: 7\n\nfoo=bar",),
            (f"{start}{_private()}Transfer-Encoding: chunked\n\n3\nfoo\n4\n=bar\n0\n\n",),
            (f"{start}{_private()}Content-Length: 7\nExpect: 100-continue\n\n", "foo=bar"),
            (f"{start}{_private(body='')}\n",),
            (f"{start}{_private(body='')}Content-Type:\nContent-Length: 0\n\n",),
            (f"{start}{_private()}X-Auth-Subaccount-Id: 12\nContent-Length: 7\n\nfoo=bar",),
        ):
            status, _, body = await _talk(live, *parts)
            assert (status, json.loads(body)["total"]) == ("HTTP/1.1 200 OK", "10.00000000")


async def test_without_any_credentials_the_documented_text_says_so(served: Served) -> None:
    """A private call with no credentials is 403 with API0000, as recorded by clients of the real venue."""
    async with served() as live:
        status, _, body = await _talk(live, f"POST {BALANCE} HTTP/1.1\nHost: x\nContent-Length: 0\n\n")
        assert status == "HTTP/1.1 403 Forbidden"
        assert json.loads(body) == {
            "status": "error",
            "reason": "Missing key, signature and nonce parameters",
            "code": "API0000",
        }
