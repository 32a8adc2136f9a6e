"""The page of a daemon: its token, its port, and what becomes of both when something is in the way."""

from __future__ import annotations

import socket
import stat
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

import aiohttp
import pytest

from arbbot.bench.bookkeeping import quiet_telemetry
from arbbot.bitstamp.limiter import Limiter
from arbbot.bitstamp.rest import BitstampGateway, RestSettings
from arbbot.bootstrap.page.memory import Memory
from arbbot.bootstrap.page.serve import serve_page, told
from arbbot.bootstrap.page.source import Parts
from arbbot.bootstrap.page.token import CHARS_MIN, made_token, read_token, token_file
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.journal.sqlite import Identity, open_journal
from arbbot.runtime.answers import Run
from arbbot.runtime.clock import SystemClock
from arbbot.settings import Settings
from tests.engine.rig import Rig

CANARY = "canary-" + "c" * CHARS_MIN


def settings(folder: Path, port: int = 0, token: Path | None = None) -> Settings:
    """Of a daemon that lives in a folder of the test."""
    return Settings.model_validate({"state_dir": folder, "dashboard": {"port": port, "token_file": token}})


def own_token(folder: Path, text: str, mode: int = 0o600) -> Settings:
    """Settings that name a file with this token."""
    path = folder / "token"
    path.write_text(text)
    path.chmod(mode)
    return settings(folder, token=path)


def test_a_token_is_made_once_and_nobody_elses(tmp_path: Path) -> None:
    """Long, for its owner's eyes only, and the same at the next start."""
    chosen = settings(tmp_path)
    token = made_token(chosen).get_secret_value()
    assert len(token) >= CHARS_MIN
    assert stat.S_IMODE(token_file(chosen).stat().st_mode) == 0o600
    assert made_token(chosen).get_secret_value() == token
    assert token not in repr(made_token(chosen))


@pytest.mark.parametrize("text", ["", "short", "t" * (CHARS_MIN - 1), "two words " + "t" * CHARS_MIN, "\u00e9" * 40])
def test_a_token_that_could_be_guessed_is_refused(tmp_path: Path, text: str) -> None:
    """In one line that does not show it, with the exit code of a wrong key."""
    with pytest.raises(Failure) as caught:
        read_token(own_token(tmp_path, text))
    assert caught.value.code is ExitCode.SECRET
    assert not text or text not in caught.value.reason


def test_a_token_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """As a key would be; so is one that is not there, and a named one is never made."""
    for chosen in (own_token(tmp_path, CANARY, 0o644), settings(tmp_path, token=tmp_path / "none")):
        with pytest.raises(Failure) as caught:
            made_token(chosen)
        assert caught.value.code is ExitCode.SECRET
    assert not (tmp_path / "none").exists()


async def served(stack: AsyncExitStack, chosen: Settings, *, demo: bool) -> str:
    """The link of a page that is served until the stack unwinds."""
    rig, clock = Rig().ready(), SystemClock()
    journal = open_journal(
        chosen.state_dir / f"{id(stack)}" / "journal.db", Identity("sandbox", "h", "a", "r"), sync_full=False
    )
    stack.callback(journal.close)
    telemetry = quiet_telemetry()
    stack.callback(telemetry.close)
    gateway = BitstampGateway(RestSettings("http://127.0.0.1:9"), clock, Limiter(Random(1)))
    parts = Parts(
        rig.engine, Run.begin(rig.engine, "sandbox", "1", rig.at), clock, journal, gateway, telemetry, None,
        chosen.state_dir, demo, lambda event, _at: rig.step(event).records, lambda _at: None,
    )  # fmt: skip
    return await serve_page(stack, chosen, parts, Memory())


async def test_the_link_opens_the_page_and_only_a_demonstration_prints_it(tmp_path: Path) -> None:
    """Its token logs in; what a daemon prints, and logs keep, has no token in it, nor has anything the page tells."""
    chosen = own_token(tmp_path, CANARY)
    async with AsyncExitStack() as stack, aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        link = await served(stack, chosen, demo=False)
        address, _, token = link.partition("#")
        assert token == CANARY
        assert CANARY not in told(chosen, link, demo=False)
        assert address in told(chosen, link, demo=False)
        assert told(chosen, link, demo=True).endswith(link)
        sent = {"Origin": address.rstrip("/")}
        async with client.post(f"{address}api/login", json={"token": token}, headers=sent) as reply:
            assert reply.status == 200
            assert CANARY not in await reply.text()
        for path in ("", "api/session", "api/series", "api/hedges"):
            async with client.get(address + path) as reply:
                assert reply.status == 200
                assert CANARY not in await reply.text()
        async with client.get(f"{address}api/hedges/ab-h00001") as reply:
            assert reply.status == 404
        async with client.get(f"{address}api/stream") as reply:
            frame = await reply.content.readuntil(b"\n\n") + await reply.content.readuntil(b"\n\n")
            assert b"event: now" in frame
            assert CANARY.encode() not in frame


async def test_a_taken_port_stops_a_daemon_and_not_a_demonstration(tmp_path: Path) -> None:
    """A daemon says in one line which setting to change; a demonstration beside one takes any other port."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        chosen = settings(tmp_path, other.getsockname()[1])
        async with AsyncExitStack() as stack:
            with pytest.raises(Failure, match=r"dashboard\.port: 127\.0\.0\.1 port \d+: Address") as caught:
                await served(stack, chosen, demo=False)
            assert caught.value.code is ExitCode.SETTINGS
        async with AsyncExitStack() as stack:
            link = await served(stack, chosen, demo=True)
            assert f":{chosen.dashboard.port}/" not in link
