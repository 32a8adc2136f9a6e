"""What watches a daemon: as whom it speaks, where it serves, and what it says when the daemon breaks."""

from __future__ import annotations

import socket
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

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
    settings = Settings.model_validate({"state_dir": folder, "telemetry": telemetry})
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
