"""`arbbot datadog push` with the official client, against a double of Datadog's API on this machine."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import pytest

from arbbot.cli import main
from arbbot.domain.exit_codes import ExitCode
from arbbot.telemetry import datadog_json
from arbbot.telemetry.datadog_json import Choices
from arbbot.telemetry.monitors import MONITORS

API_KEY, APP_KEY = "a" * 32, "b" * 40
PAGE = 100
"""Dashboards in one answer where nobody asks for more."""


class Datadog(ThreadingHTTPServer):
    """Keeps monitors and dashboards as the API does, under its paths."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.monitors: dict[int, dict[str, Any]] = {}
        self.dashboards: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, str]] = []
        self.keys: set[tuple[str, str]] = set()
        self.trouble: tuple[int, bytes] | None = None
        """A status and a body for every request."""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Datadog
    wbufsize = -1  # a reply in one packet: in two it would wait for an acknowledgement

    def _serve(self) -> None:
        site, (path, _, query) = self.server, self.path.partition("?")
        asked = dict(parse_qsl(query))
        site.asked.append((self.command, path))
        site.keys.add((self.headers.get("DD-API-KEY", ""), self.headers.get("DD-APPLICATION-KEY", "")))
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        if site.trouble is not None:
            self._reply(*site.trouble)
            return
        match (self.command, path.removeprefix("/api/v1/").split("/")):
            case ("GET", ["monitor"]):
                answer: Any = [{"id": key, **each} for key, each in site.monitors.items()]
            case ("POST", ["monitor"]):
                key = 100 + len(site.monitors)
                site.monitors[key] = body
                answer = {"id": key, **body}
            case ("PUT", ["monitor", number]):
                site.monitors[int(number)].update(body)
                answer = {"id": int(number), **site.monitors[int(number)]}
            case ("GET", ["dashboard"]):
                start, count = int(asked.get("start", 0)), int(asked.get("count", PAGE))
                shown = [
                    {"id": key, "title": each["title"], "description": each.get("description")}
                    for key, each in site.dashboards.items()
                ]
                answer = {"dashboards": shown[start : start + count]}
            case ("POST", ["dashboard"]):
                name = f"abc-def-{len(site.dashboards)}"
                site.dashboards[name] = body
                answer = {"id": name, **body, "widgets": []}
            case ("PUT", ["dashboard", name]):
                site.dashboards[name] = body
                answer = {"id": name, **body, "widgets": []}  # the client takes long to read many
            case _:
                self._reply(404, b'{"errors": ["no such path"]}')
                return
        self._reply(200, json.dumps(answer).encode())

    do_GET = do_POST = do_PUT = _serve

    def _reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *_: object) -> None:
        """Nothing to say."""


@pytest.fixture
def datadog(monkeypatch: pytest.MonkeyPatch) -> Iterator[Datadog]:
    """A site that takes our keys."""
    monkeypatch.setenv("DD_API_KEY", API_KEY)
    monkeypatch.setenv("DD_APP_KEY", APP_KEY)
    with Datadog() as site:
        serving = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        yield site
        site.shutdown()
        serving.join()


def push(*options: str) -> int:
    """The verb."""
    return main(["datadog", "push", *options])


def test_without_apply_nothing_is_sent(datadog: Datadog, capsys: pytest.CaptureFixture[str]) -> None:
    """It says what would be sent, needs no key, and asks nobody."""
    assert push("--api-url", datadog.url) == ExitCode.OK
    shown = capsys.readouterr().out
    assert all(f"monitor    {monitor.name}: " in shown for monitor in MONITORS)
    assert "dry run: nothing was sent" in shown
    assert datadog.asked == []


def test_apply_creates_everything_and_then_keeps_it_up_to_date(
    datadog: Datadog, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first time all is created, with the keys of the environment; the second time the same is updated."""
    assert push("--apply", "--api-url", datadog.url) == ExitCode.OK
    assert capsys.readouterr().out.count(": created, id") == len(MONITORS) + 1
    assert datadog.keys == {(API_KEY, APP_KEY)}
    assert list(datadog.dashboards.values()) == [datadog_json.dashboard()]
    for sent, wanted in zip(datadog.monitors.values(), datadog_json.monitors(), strict=True):
        assert sent == wanted
    assert push("--apply", "--api-url", datadog.url, "--notify", "@ops") == ExitCode.OK
    assert capsys.readouterr().out.count(": updated, id") == len(MONITORS) + 1
    assert len(datadog.monitors) == len(MONITORS)
    assert len(datadog.dashboards) == 1
    assert all(monitor["message"].endswith("\n@ops") for monitor in datadog.monitors.values())


def test_another_scope_is_another_set_and_strangers_stay_as_they_are(datadog: Datadog) -> None:
    """Two installations in one organisation do not overwrite each other, nor what people made by hand."""
    by_hand = {"name": "disk", "type": "query alert", "query": "avg(last_5m):avg:x{*} > 1", "tags": ["team:x"]}
    datadog.monitors[1] = dict(by_hand)
    datadog.dashboards["xyz"] = {"title": "ours", "layout_type": "ordered", "widgets": []}
    for scope in ("service:arbbot", "service:arbbot,env:prod"):
        assert push("--apply", "--api-url", datadog.url, "--scope", scope) == ExitCode.OK
    assert len(datadog.monitors) == 2 * len(MONITORS) + 1
    assert datadog.monitors[1] == by_hand
    assert {each["title"] for each in datadog.dashboards.values()} == {
        "ours",
        "arbbot",
        "arbbot service:arbbot,env:prod",
    }
    scoped = datadog_json.monitors(Choices("service:arbbot,env:prod"))
    assert scoped[-1]["query"].startswith("min(last_10m):min:arbbot.disk.free_bytes{service:arbbot AND env:prod} by ")


def test_ours_is_found_among_many_and_what_people_made_stays(datadog: Datadog) -> None:
    """Beyond the first page, and beside one of the same title that is not ours: updated, neither made again nor put
    over what a person has made.
    """
    for number in range(120):
        datadog.dashboards[f"hand-{number}"] = {"title": "arbbot", "description": [None, "mine"][number % 2]}
    by_hand = dict(datadog.dashboards)
    for notify in ("@ops", "@others"):
        assert push("--apply", "--api-url", datadog.url, "--notify", notify) == ExitCode.OK
    ours = [each for each in datadog.dashboards.values() if each == datadog_json.dashboard()]
    assert len(ours) == 1
    assert {key: each for key, each in datadog.dashboards.items() if each not in ours} == by_hand


@pytest.mark.parametrize(
    ("trouble", "code", "words"),
    [
        ((403, b'{"errors": ["Forbidden"]}'), ExitCode.SECRET, "403 Forbidden: Forbidden"),
        ((400, b'{"errors": ["Invalid query"]}'), ExitCode.FAULT, "400 Bad Request: Invalid query"),
        ((404, b"<html>no</html>"), ExitCode.FAULT, "404 Not Found: <html>no</html>"),
        ((200, b'{"strange": 1}'), ExitCode.FAULT, "not understood"),
    ],
)
def test_what_the_site_refuses_is_one_line(
    datadog: Datadog, capsys: pytest.CaptureFixture[str], trouble: tuple[int, bytes], code: ExitCode, words: str
) -> None:
    """With the status, what the site says, and an exit code; never a key, never a traceback."""
    datadog.trouble = trouble
    assert push("--apply", "--api-url", datadog.url) == code
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert API_KEY not in said
    assert APP_KEY not in said


def test_a_site_that_is_not_there_is_one_line(datadog: Datadog, capsys: pytest.CaptureFixture[str]) -> None:
    """And no traceback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}"
    assert push("--apply", "--api-url", address) == ExitCode.FAULT
    assert "not reached" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["DD_API_KEY", "DD_APP_KEY"])
def test_a_missing_key_is_named(
    datadog: Datadog, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    """Before anything is sent."""
    monkeypatch.setenv(missing, " ")
    assert push("--apply", "--api-url", datadog.url) == ExitCode.SECRET
    assert capsys.readouterr().err == f"arbbot: {missing}: missing in the environment\n"
    assert datadog.asked == []


@pytest.mark.parametrize("address", ["http://api.example.com", "ftp://127.0.0.1", "api.example.com", "http://[::1"])
def test_keys_leave_this_machine_encrypted_or_not_at_all(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Refused before the keys are even read."""
    assert push("--apply", "--api-url", address) == ExitCode.USAGE
    assert "want https://" in capsys.readouterr().err


def test_the_site_is_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`DD_SITE` as the agent reads it; the command line is stronger."""
    monkeypatch.setenv("DD_SITE", "datadoghq.eu")
    assert push() == ExitCode.OK
    assert "https://api.datadoghq.eu" in capsys.readouterr().out
    assert push("--site", "us3.datadoghq.com") == ExitCode.OK
    assert "https://api.us3.datadoghq.com" in capsys.readouterr().out
