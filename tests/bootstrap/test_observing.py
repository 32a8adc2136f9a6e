"""What watches a daemon: as whom it speaks, where it serves, and what it says when the daemon breaks."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from arbbot import __version__
from arbbot.bitstamp.limiter import Limiter
from arbbot.bitstamp.rest import BitstampGateway, RestSettings
from arbbot.bootstrap import broken
from arbbot.bootstrap.observing import Observed, identity_of, observe
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.domain.mode import Severity
from arbbot.domain.records import AlertRaised
from arbbot.runtime.clock import SystemClock
from arbbot.runtime.daemon import DaemonFault
from arbbot.settings import Settings
from arbbot.telemetry.redact import Redactor
from tests.engine.rig import Rig
from tests.telemetry.test_scrape import free_port
from tests.telemetry.test_webhook import OK, Server, serving


@pytest.mark.parametrize(
    ("environ", "tags"),
    [
        ({}, ("arbbot", "dev", __version__)),
        ({"DD_ENV": "prod", "DD_SERVICE": "hedger", "DD_VERSION": "1.2.3-rc1"}, ("hedger", "prod", "1.2.3-rc1")),
        ({"DD_ENV": "", "DD_VERSION": "not a tag"}, ("arbbot", "dev", __version__)),
    ],
)
def test_the_agents_variables_win_where_they_can_be_tags(environ: dict[str, str], tags: tuple[str, str, str]) -> None:
    """Daemon and agent of one machine speak of the same service; what is no tag is left alone."""
    identity = identity_of(Settings(), "btcusd-btceur", environ)
    assert (identity.service, identity.env, identity.version) == tags
    assert (identity.venue, identity.mode, identity.route) == ("bitstamp", "sandbox", "btcusd-btceur")


async def test_no_part_of_the_webhooks_address_is_logged(tmp_path: Path) -> None:
    """What lets one in may stand in the path, the query, the user's part, as written or as read: blotted out of lines
    that hold it alone.
    """
    url = SecretStr("http://bookkeeper:open%20sesame@127.0.0.1:1/hook/T0/B0XYZ?v=1&token=s3cret%2Fs3cret#fragment1")
    redactor = Redactor()
    async with AsyncExitStack() as stack:
        await observe(stack, observed(tmp_path), redactor, url, narrated=True)
    for said in ("open%20sesame", "open sesame", "POST /hook/T0/B0XYZ", "token: s3cret/s3cret", "s3cret%2Fs3cret"):
        assert "[secret]" in str(redactor.clean(said)), said
    assert redactor.clean("v=1 and 127.0.0.1") == "v=1 and 127.0.0.1"


def observed(folder: Path, **telemetry: object) -> Observed:
    """A daemon that stands still, with these settings of its telemetry."""
    alerts = {"per_minute": 600}
    settings = Settings.model_validate({"state_dir": folder, "telemetry": telemetry, "alerts": alerts})
    clock = SystemClock()
    gateway = BitstampGateway(RestSettings("http://127.0.0.1:1"), clock, Limiter(Random(1)))
    return Observed(settings, Rig().ready().engine, gateway, clock, folder / "journal.db", None)


async def test_metrics_are_served_where_the_settings_say(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """And the operator is told where."""
    address = f"127.0.0.1:{free_port()}"
    async with AsyncExitStack() as stack:
        await observe(stack, observed(tmp_path, prometheus=address), Redactor(), None, narrated=True)
        async with aiohttp.ClientSession() as session, session.get(f"http://{address}/metrics") as reply:
            assert reply.status == 200
    assert f"metrics    http://{address}/metrics" in capfd.readouterr().err


@pytest.mark.parametrize("demo", [True, False])
async def test_an_address_that_is_taken_stops_a_daemon_but_no_demonstration(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], demo: bool
) -> None:
    """One line with the setting; beside a daemon of the same settings a demonstration goes without."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        seen = observed(tmp_path, prometheus=f"127.0.0.1:{taken.getsockname()[1]}")
        async with AsyncExitStack() as stack:
            if demo:
                await observe(stack, seen, Redactor(), None, narrated=True)
                assert "metrics    not served: telemetry.prometheus: " in capfd.readouterr().err
                return
            with pytest.raises(Failure, match=r"telemetry\.prometheus: .*in use") as caught:
                await observe(stack, seen, Redactor(), None, narrated=False)
            assert caught.value.code is ExitCode.SETTINGS


async def test_a_webhook_that_refuses_is_told_where_people_look(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """One line in the log and one at the terminal when it begins to refuse, and when it takes again, however many
    requests lie between; the figures say the status and what was lost; nobody says the address.
    """
    gone = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    async with serving(Server(gone, gone, OK)) as server, AsyncExitStack() as stack:
        seen = observed(tmp_path)
        telemetry, _ = await observe(stack, seen, Redactor(), SecretStr(server.url), narrated=True)
        told: list[dict[str, Any] | None] = []
        for number in range(1, 4):
            now = seen.clock.now()
            telemetry.fold([AlertRaised(Severity.CRITICAL, "leg_open", f"hedge {number}", now.utc_us)], now)
            async with asyncio.timeout(10):
                while len(server.requests) < number or (telemetry.alert_figures() or {})["waiting"]:  # noqa: ASYNC110 - no event
                    await asyncio.sleep(0.01)
            told.append(telemetry.alert_figures())
    refused = {"trouble": "refused: status 404", "delivered": 0, "waiting": 0}
    assert told == [
        refused | {"dropped": 1},
        refused | {"dropped": 2},
        {"trouble": None, "delivered": 1, "waiting": 0, "dropped": 2},
    ]
    words = [
        "alerts are not delivered: the webhook's last request was refused: status 404",
        "alerts are delivered again",
    ]
    log = (tmp_path / "log.jsonl").read_text()
    lines = [line for line in map(json.loads, log.splitlines()) if line.get("kind") == "alerts"]
    assert [(line["message"], line["status"]) for line in lines] == list(zip(words, ("error", "info"), strict=True))
    said = capfd.readouterr().err
    assert said.splitlines() == [f"arbbot: {each}" for each in words]
    assert server.url.partition("//")[2].partition("/")[0] not in log + said


async def test_a_break_of_the_program_is_told_although_no_record_can_say_it(tmp_path: Path) -> None:
    """The webhook hears of it as `fault` with the last request, and no address of it is in the log."""
    async with serving(Server(OK)) as server:
        async with AsyncExitStack() as stack:
            redactor, seen = Redactor(), observed(tmp_path)
            telemetry, logger = await observe(stack, seen, redactor, SecretStr(server.url), narrated=True)
            try:
                raise DaemonFault("broke") from ValueError(f"no {server.url}")
            except DaemonFault as fault:
                failure = broken.failure(fault, seen.engine, logger, redactor, telemetry, seen.clock.now())
        (message,) = server.body()["messages"]
    assert (message["name"], message["severity"]) == ("fault", "critical")
    assert message["text"] == failure.reason
    assert "ValueError: no [secret]" in failure.reason
    assert server.url not in (tmp_path / "log.jsonl").read_text()


@pytest.mark.parametrize("left", [1, 20, 31])
async def test_a_secret_across_the_cut_of_a_fault_is_blotted_out_whole(tmp_path: Path, left: int) -> None:
    """The line of a fault is cut to size; of a secret that the cut goes through nothing is left."""
    secret, redactor, seen = "s3cret0123456789" * 2, Redactor(), observed(tmp_path)
    redactor.learn(secret)
    async with AsyncExitStack() as stack:
        telemetry, logger = await observe(stack, seen, redactor, None, narrated=True)
        frame = len("a fault of the program, its traceback is in the log: ValueError: ")
        try:
            raise DaemonFault("broke") from ValueError("x" * (broken.REASON_CHARACTERS_MAX - frame - left) + secret)
        except DaemonFault as fault:
            failure = broken.failure(fault, seen.engine, logger, redactor, telemetry, seen.clock.now())
    assert "xxx[" in failure.reason or failure.reason.count("x") > 200
    assert "s3c" not in failure.reason
    assert "s3c" not in (tmp_path / "log.jsonl").read_text()
