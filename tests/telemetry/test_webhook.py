"""The webhook's requests, against real servers on this machine: sound ones, and every kind of bad one."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

import pytest
import trustme

from arbbot.domain.events import Moment
from arbbot.domain.mode import Severity
from arbbot.domain.records import AlertRaised
from arbbot.telemetry.alert_names import Form
from arbbot.telemetry.alerts import Alerts, Answer, Choice, Message
from arbbot.telemetry.redact import Redactor
from arbbot.telemetry.webhook import TEXT_CHARS_MAX, OwnThread, Webhook
from tests.telemetry.conftest import IDENTITY

ABOUT = IDENTITY.tags()
SECRET = "correct-horse-battery"
LEG_OPEN = Message("leg_open", Severity.CRITICAL, f"h1: 0.05 unhedged, {SECRET} <&>", 1_700_000_000_000_000, (), 3)
DONE = Message("order_done", Severity.NOTICE, "c1 is filled", 1_700_000_000_000_000, (("client_order_id", "c1"),))


class Server:
    """Answers each request with the next bytes it was given; with none it hangs."""

    def __init__(self, *replies: bytes, pause_s: float = 0.0) -> None:
        self.replies = list(replies)
        self.pause_s = pause_s
        self.requests: list[bytes] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line[16:]) for line in head.splitlines() if line.lower().startswith(b"content-length")
                )
                self.requests.append(head + await reader.readexactly(length))
                if not self.replies:
                    await asyncio.Event().wait()
                for byte in self.replies.pop(0):
                    writer.write(bytes([byte]))
                    if self.pause_s:
                        await asyncio.sleep(self.pause_s)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def body(self) -> Any:
        """Of the last request, parsed."""
        return json.loads(self.requests[-1].partition(b"\r\n\r\n")[2])


def reply(status: str, headers: str = "", body: str = "") -> bytes:
    """A whole reply."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n{body}".encode()


OK = reply("200 OK")


@asynccontextmanager
async def serving(server: Server, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Let it listen."""
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    scheme = "http" if tls is None else "https"
    server.url = f"{scheme}://127.0.0.1:{listening.sockets[0].getsockname()[1]}/hook/T0/B0/{SECRET}"
    yield server
    listening.close()


async def post(server: Server, form: Form = Form.JSON, timeout_s: float = 5.0, times: int = 1) -> list[Answer]:
    """Send both messages so often."""
    redactor = Redactor()
    redactor.learn(SECRET)
    async with Webhook(server.url, form, ABOUT, redactor, timeout_s) as webhook:
        return [await webhook((LEG_OPEN, DONE), 7) for _ in range(times)]


async def test_the_generic_form_is_an_object_with_all_that_is_known() -> None:
    """Who speaks, what was lost, and each message with severity, time, ids and repeats; no secret in it."""
    async with serving(Server(OK)) as server:
        assert await post(server) == [Answer("delivered")]
    assert server.requests[0].startswith(f"POST /hook/T0/B0/{SECRET} HTTP/1.1\r\n".encode())
    assert b"Content-Type: application/json\r\n" in server.requests[0]
    assert server.body() == {
        **ABOUT,
        "dropped": 7,
        "messages": [
            {
                "name": "leg_open",
                "severity": "critical",
                "text": "h1: 0.05 unhedged, [secret] <&>",
                "timestamp": "2023-11-14T22:13:20.000000Z",
                "repeats": 3,
            },
            {
                "name": "order_done",
                "severity": "notice",
                "text": "c1 is filled",
                "timestamp": "2023-11-14T22:13:20.000000Z",
                "repeats": 0,
                "client_order_id": "c1",
            },
        ],
    }


async def test_the_slack_form_is_one_text_with_its_characters_escaped() -> None:
    """A line for each message, the three characters that Slack reads as its own written as it wants them."""
    async with serving(Server(OK)) as server:
        await post(server, Form.SLACK)
    assert server.body() == {
        "text": "*arbbot* test sandbox btc-usd-eur\n"
        "*CRITICAL* leg_open: h1: 0.05 unhedged, [secret] &lt;&amp;&gt; (3 times more before)\n"
        "*NOTICE* order_done: c1 is filled\n"
        "7 messages were lost before"
    }


@pytest.mark.parametrize("form", Form)
async def test_half_a_character_does_not_keep_a_message(form: Form) -> None:
    """Whatever a venue puts into its reasons arrives in some form."""
    async with serving(Server(OK)) as server, Webhook(server.url, form, ABOUT, Redactor()) as webhook:
        message = Message("leg_open", Severity.CRITICAL, "half \ud800 and whole \u00e9", 0)
        assert await webhook((message,), 0) == Answer("delivered")
    assert "and whole \u00e9" in json.dumps(server.body(), ensure_ascii=False)


async def test_a_long_text_is_cut() -> None:
    """No message is larger than receivers take."""
    async with serving(Server(OK)) as server, Webhook(server.url, Form.JSON, ABOUT, Redactor()) as webhook:
        await webhook((Message("leg_open", Severity.CRITICAL, "x" * 100_000, 0),), 0)
    assert len(server.body()["messages"][0]["text"]) == TEXT_CHARS_MAX


@pytest.mark.parametrize("form", Form)
async def test_a_secret_across_the_cut_is_blotted_out_whole(form: Form) -> None:
    """Wherever a text is cut, and whatever is escaped in it: of a secret nothing goes out but the mark of it."""
    secret = "open<&>sesame" + "0123456789abcdef" * 2
    redactor = Redactor()
    redactor.learn(secret)
    async with serving(Server(*[OK] * 3)) as server, Webhook(server.url, form, ABOUT, redactor) as webhook:
        for before in (TEXT_CHARS_MAX - 1, TEXT_CHARS_MAX - len(secret) // 2, TEXT_CHARS_MAX - len(secret) + 1):
            message = Message("leg_open", Severity.CRITICAL, "x" * before + secret, 0)
            assert await webhook((message,), 0) == Answer("delivered")
            said = json.dumps(server.body())
            assert "x[" in said
            assert "open" not in said.partition("leg_open")[2].replace("leg_open", "")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (reply("204 No Content"), Answer("delivered")),
        (reply("500 Internal Server Error", body="sorry"), Answer("failed", why="status 500")),
        (reply("503 Service Unavailable", "Retry-After: 30\r\n"), Answer("failed", 30.0, "status 503")),
        (reply("429 Too Many Requests", "Retry-After: 7\r\n"), Answer("failed", 7.0, "status 429")),
        (
            reply("429 Too Many Requests", "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n"),
            Answer("failed", why="status 429"),
        ),
        (reply("400 Bad Request", body="invalid_payload"), Answer("refused", why="status 400")),
        (reply("404 Not Found"), Answer("refused", why="status 404")),
        (reply("302 Found", "Location: http://127.0.0.1:1/elsewhere\r\n"), Answer("refused", why="status 302")),
        (b"nonsense\r\n\r\n", Answer("failed", why="ClientResponseError")),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", Answer("failed", why="ClientResponseError")),
    ],
)
async def test_each_answer_is_taken_for_what_it_is(answer: bytes, outcome: Answer) -> None:
    """2xx is delivered, 5xx and 429 may get better, all else never does; a redirection is not followed."""
    async with serving(Server(answer)) as server:
        assert await post(server) == [outcome]
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("hangs", ["SocketTimeoutError", "ServerTimeoutError", "TimeoutError", "ConnectionTimeoutError"]),
        ("drips", ["SocketTimeoutError", "ServerTimeoutError", "TimeoutError", "ConnectionTimeoutError"]),
        ("closed", ["ClientConnectorError"]),
        ("unresolvable", ["ClientConnectorDNSError", "ConnectionTimeoutError", "TimeoutError"]),
    ],
)
async def test_a_bad_receiver_costs_bounded_time_and_never_the_loop(kind: str, why: list[str]) -> None:
    """One that never answers, one that answers a byte at a time, a closed port, a name that nobody knows: failed within
    the time limit, by the kind of error alone, and the loop runs on all the while.
    """
    server = Server(*([OK * 50] if kind == "drips" else []), pause_s=0.02)
    worst_s = 0.0

    async def watch() -> None:
        nonlocal worst_s
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.01)
            worst_s = max(worst_s, time.monotonic() - began)

    watching = asyncio.create_task(watch())
    async with serving(server):
        if kind == "closed":
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                server.url = f"http://127.0.0.1:{probe.getsockname()[1]}/"
        if kind == "unresolvable":
            server.url = "https://nobody.invalid/hook"
        began = time.monotonic()
        (answer,) = await post(server, timeout_s=0.3)
        assert answer.outcome == "failed"
        assert answer.why in why
        assert time.monotonic() - began < 5
    watching.cancel()
    assert worst_s < 0.25, "no step of the loop is as long as the wait"


async def test_a_look_up_that_hangs_keeps_no_thread_of_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """While one hangs the next fails at once; when it comes back names are looked up again."""
    hanging = asyncio.Event()
    loop = asyncio.get_running_loop()
    real = socket.getaddrinfo

    def slow(*arguments: Any, **named: Any) -> Any:
        asyncio.run_coroutine_threadsafe(hanging.wait(), loop).result()
        return real(*arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    resolver = OwnThread()
    first = asyncio.create_task(resolver.resolve("localhost", 80))
    await asyncio.sleep(0)
    with pytest.raises(OSError, match="has not come back"):
        await resolver.resolve("localhost", 80)
    hanging.set()
    assert {found["host"] for found in await first} <= {"127.0.0.1", "::1"}
    assert await resolver.resolve("localhost", 80)


async def test_without_a_thread_a_look_up_fails_and_the_next_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system at its limit of threads costs the message's try, not the sending: later it is looked up again."""

    def none_left(_: Thread) -> None:
        raise RuntimeError("can't start new thread")

    webhook = Webhook("http://localhost:1/", Form.JSON, ABOUT, Redactor())
    resolver = OwnThread()
    with monkeypatch.context() as full:
        full.setattr(Thread, "start", none_left)
        with pytest.raises(OSError, match="no thread"):
            await resolver.resolve("localhost", 80)
        async with webhook:
            assert (await webhook((DONE,), 0)).outcome == "failed"
    assert await resolver.resolve("localhost", 80)


@pytest.mark.parametrize("host", ["x" * 64 + ".example", "a..b"])
async def test_what_is_no_name_fails_and_the_next_is_tried(host: str) -> None:
    """A name that cannot even be asked for costs the try, by the resolver's own word, and leaves it free."""
    resolver = OwnThread()
    with pytest.raises(OSError):  # noqa: PT011 - the words are the system's or ours
        await resolver.resolve(host, 80)
    assert await resolver.resolve("localhost", 80)
    async with Webhook(f"https://{host}/hook", Form.JSON, ABOUT, Redactor()) as webhook:
        assert (await webhook((DONE,), 0)).outcome == "failed"


async def test_an_address_that_cannot_be_verified_gets_nothing(tmp_path: Path) -> None:
    """A certificate of nobody we trust ends the connection before the message is sent."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    async with serving(Server(OK), tls) as server:
        assert await post(server) == [Answer("failed", why="ClientConnectorCertificateError")]
    assert server.requests == []


async def test_an_outage_costs_no_message() -> None:
    """Nobody listens, then somebody who fails, then one who takes: what was told first arrives first, once, and what
    repeated itself meanwhile did not fill the queue.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Server(*[reply("503 Service Unavailable")] * 2, OK)
    async with Webhook(f"http://127.0.0.1:{port}/", Form.JSON, ABOUT, Redactor()) as webhook:
        alerts = Alerts(Choice(per_minute=6000), webhook, Random(1), first_wait_s=0.01)
        sending = asyncio.create_task(alerts.run())

        async def until(done: Callable[[], bool]) -> None:
            async with asyncio.timeout(10):
                while not done():  # noqa: ASYNC110 - what is waited for has no event
                    await asyncio.sleep(0.005)

        for second in range(0, 1_000, 100):
            alerts.take(AlertRaised(Severity.CRITICAL, "feed_dead", "no word", 0), Moment(second * 10**9, 0))
        await until(lambda: alerts.posts["failed"] >= 3)
        assert alerts.trouble == "failed: ClientConnectorError"
        alerts.take(AlertRaised(Severity.CRITICAL, "account_unread", "no answer", 0), Moment(10**12, 0))
        listening = await asyncio.start_server(server.serve, "127.0.0.1", port)
        await until(lambda: alerts.posts["delivered"] == 1)
        sending.cancel()
        await asyncio.wait([sending])
        listening.close()
    assert [message["name"] for message in server.body()["messages"]] == ["feed_dead", "account_unread"]
    assert len(server.requests) == 3
    assert alerts.figures() == {"trouble": None, "delivered": 1, "waiting": 0, "dropped": 0}


async def test_a_connection_is_kept_for_the_next_message() -> None:
    """Two requests, one handshake."""
    async with serving(Server(OK, OK)) as server:
        assert await post(server, times=2) == [Answer("delivered")] * 2
    assert len(server.requests) == 2
