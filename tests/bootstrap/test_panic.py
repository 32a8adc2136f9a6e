"""`arbbot panic` against the built-in exchange over real sockets, with answers lost, orders late and nobody there."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from arbbot import bootstrap
from arbbot.bootstrap.panic import CACHE_S, PATIENCE_S, Sweep
from arbbot.bootstrap.panic_key import LOOK_S, panic_key
from arbbot.bootstrap.wiring import Taps, follow_compressed, gateway, journal_path, panic_latch
from arbbot.cli import main
from arbbot.domain.commands import PlaceOrder
from arbbot.domain.events import OrderAcked
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.domain.market import Side
from arbbot.domain.order import OrderKind, OrderTerms, Purpose
from arbbot.exchange.options import (
    DEMO_KEY,
    DEMO_NEXT_KEY,
    DEMO_NEXT_SECRET,
    DEMO_PANIC_KEY,
    DEMO_PANIC_SECRET,
    DEMO_READ_KEY,
    DEMO_READ_SECRET,
    DEMO_SECRET,
    DEMO_SUB_KEY,
    DEMO_SUB_SECRET,
    ExchangeOptions,
)
from arbbot.exchange.serve import Addresses, serve
from arbbot.runtime.clock import SystemClock
from arbbot.settings import Keys, KeySettings, Settings
from tests.vault.server import serving
from tests.vault.store import Store, Token

SPEED = 100
"""Market seconds a second: a look waits for the venue's cache a tenth of one."""
D = Decimal
PANIC = Keys(DEMO_PANIC_KEY, SecretStr(DEMO_PANIC_SECRET))


class Scene:
    """A venue with orders on it, and a sweep."""

    def __init__(self, at: Addresses, http: aiohttp.ClientSession, state: Path, said: Callable[[], str]) -> None:
        self.at, self.http, self.said = at, http, said
        self.settings = Settings.model_validate(
            {"state_dir": state, "sandbox": {"rest_url": at.rest, "ws_url": at.websocket, "speed": SPEED}}
        )
        self.clock = SystemClock(SPEED)
        self.broken_off = asyncio.Event()
        self.minted = 0

    async def order(self) -> None:
        """Let the daemon's key place an order that rests."""
        self.minted += 1
        key = Keys(DEMO_KEY, SecretStr(DEMO_SECRET))
        terms = OrderTerms(
            f"ab-{self.minted:06d}", "h1", Purpose.LEG, "btcusd", Side.BUY, OrderKind.LIMIT, D("0.01"), D(50_000), None
        )
        async with gateway(self.settings, key, self.clock, lambda _event, _at: None, Taps()) as source:
            assert isinstance(await source.perform(PlaceOrder(terms)), OrderAcked)

    async def open(self) -> list[Any]:
        """Orders that are open in truth."""
        async with self.http.get(f"{self.at.control}/state") as reply:
            orders = (await reply.json())["accounts"][0]["orders"]
        return [order for order in orders if order["status"] == "Open"]

    async def fault(self, text: str) -> None:
        """Let something go wrong."""
        async with self.http.post(f"{self.at.control}/faults", json={"fault": text}) as reply:
            assert reply.status == 200

    async def sweep(self, watch_s: float = 30.0, keys: Keys = PANIC) -> ExitCode:
        """Cancel all and look, with the panic key."""
        async with gateway(self.settings, keys, self.clock, lambda _event, _at: None, Taps()) as source:
            return await Sweep(source, self.clock, self.broken_off).run(watch_s)


@pytest.fixture
def scene(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[], Any]:
    """A maker of scenes with two orders open."""

    @asynccontextmanager
    async def play() -> AsyncIterator[Scene]:
        stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
        options = ExchangeOptions(
            still=True, speed=SPEED, per_second=400 * SPEED, per_ten_minutes=10_000 * SPEED, tick_s=0.05
        )
        task = asyncio.create_task(serve(options, ready=ready.set_result, stop=stop))
        try:
            async with aiohttp.ClientSession() as http:
                scene = Scene(await ready, http, tmp_path, lambda: capsys.readouterr().err)
                await follow_compressed(scene.settings, scene.clock)
                for bids, asks in (([["84999", "1"]], [["85001", "1"]]),):
                    body = {"market": "btcusd", "bids": bids, "asks": asks}
                    async with http.post(f"{scene.at.control}/book", json=body) as reply:
                        assert reply.status == 200, await reply.text()
                await scene.order()
                await scene.order()
                yield scene
        finally:
            stop.set()
            await task

    return play


async def test_all_is_cancelled_and_verified_with_a_key_for_orders_alone(scene: Any) -> None:
    """Both orders end, each is named, and the venue's word that nothing is open is fresh; once more does no harm."""
    async with scene() as play:
        ids = [str(order["id"]) for order in await play.open()]
        assert await play.sweep() is ExitCode.OK
        assert await play.open() == []
        said = play.said()
        assert all(each in said for each in ids)
        assert "by the venue's word nothing is open" in said
        assert await play.sweep() is ExitCode.OK


@pytest.mark.parametrize(
    "fault", ["reply_lost:cancel_all_orders:1", "request_lost:cancel_all_orders:1", "http_503:cancel_all_orders:2",
              "mis_signed:cancel_all_orders:1", "truncated:open_orders:1", "rate_limited:open_orders:1"],
)  # fmt: skip
async def test_a_lost_answer_is_looked_after(scene: Any, fault: str) -> None:
    """Whether the cancel was carried out is not known then, and is found out: it ends well all the same."""
    async with scene() as play:
        await play.fault(fault)
        assert await play.sweep(1.0) is ExitCode.OK
        assert await play.open() == []
        assert "again soon" in play.said()


async def test_without_the_cancel_of_all_each_is_cancelled_alone(scene: Any) -> None:
    """A venue whose one call fails for good still takes the other."""
    async with scene() as play:
        await play.fault("http_500:cancel_all_orders")
        assert await play.sweep(1.0) is ExitCode.OK
        assert await play.open() == []
        assert "cancelling it alone" in play.said()


async def test_an_order_that_comes_late_is_cancelled_too(scene: Any) -> None:
    """While requests of a dead daemon may still be taken it goes on looking, although nothing was open before."""
    async with scene() as play:
        sweeping = asyncio.create_task(play.sweep(40.0))
        await play.clock.sleep(2 * CACHE_S)
        await play.order()
        assert await sweeping is ExitCode.OK
        assert play.minted == 3
        assert await play.open() == []


async def test_orders_that_do_not_go_are_named(scene: Any) -> None:
    """Neither call cancels: after all patience the exit code says so, and the line names what is open."""
    async with scene() as play:
        await play.fault("request_lost:cancel_all_orders")
        await play.fault("request_lost:cancel_order")
        with pytest.raises(Failure) as failure:
            await play.sweep(1.0)
        assert failure.value.code is ExitCode.NOT_FLAT
        assert "STILL OPEN" in failure.value.reason
        assert all(name in failure.value.reason for name in ("ab-000001", "ab-000002", "0.01000000 btcusd at 50000"))


async def test_a_venue_that_does_not_tell_leaves_a_doubt(scene: Any) -> None:
    """With nobody to say what is open, nothing is claimed: in doubt, by exit code and in words."""
    async with scene() as play:
        await play.fault("refuse:*")
        begun_ns = play.clock.now().mono_ns
        with pytest.raises(Failure) as failure:
            await play.sweep(1.0)
        assert failure.value.code is ExitCode.NOT_FLAT
        assert "IN DOUBT: the venue did not tell" in failure.value.reason
        assert play.clock.now().mono_ns - begun_ns > PATIENCE_S * 1e9


async def test_a_key_that_is_refused_is_told_at_once(scene: Any) -> None:
    """A key that may not see orders, or is none, helps nobody: its own exit code, in the end."""
    async with scene() as play:
        with pytest.raises(Failure) as failure:
            await play.sweep(1.0, keys=Keys(DEMO_PANIC_KEY, SecretStr(DEMO_READ_SECRET)))
        assert failure.value.code is ExitCode.AUTH
        assert "the venue refuses the key, again soon: API0005" in play.said()
        with pytest.raises(Failure) as failure:
            await play.sweep(1.0, keys=Keys(DEMO_READ_KEY, SecretStr(DEMO_READ_SECRET)))
        assert "No permission found" in play.said()
        assert failure.value.code is ExitCode.NOT_FLAT


async def test_one_refusal_does_not_end_it(scene: Any) -> None:
    """As while a clock is being set, or by who is no venue: the sweep goes on and ends well."""
    async with scene() as play:
        await play.fault("auth_403:open_orders:1")
        assert await play.sweep(1.0) is ExitCode.OK
        assert await play.open() == []
        assert "API0005" in play.said()


async def test_who_breaks_it_off_is_told_what_is_not_known(scene: Any) -> None:
    """An empty look is no proof as long as something may come: not exit 0."""
    async with scene() as play:
        asyncio.get_running_loop().call_later(2.5 * CACHE_S / SPEED, play.broken_off.set)
        with pytest.raises(Failure) as failure:
            await play.sweep(1000.0)
        assert failure.value.code is ExitCode.NOT_FLAT
        assert "broken off, IN DOUBT: nothing was open at the last look" in failure.value.reason


def pair(key: str, secret: str) -> dict[str, str]:
    """A key as settings."""
    return {"key_id": key, "secret": secret}


async def test_a_panic_key_of_another_account_is_told_and_not_used(scene: Any) -> None:
    """It would cancel somebody else's orders and leave ours: the trading key does it instead. One that is ours, or that
    does not tell whose it is, is used.
    """
    async with scene() as play:
        for panic, used, told in (
            (pair(DEMO_SUB_KEY, DEMO_SUB_SECRET), DEMO_KEY, True),
            (pair(DEMO_NEXT_KEY, DEMO_NEXT_SECRET), DEMO_NEXT_KEY, False),
            (pair(DEMO_PANIC_KEY, DEMO_PANIC_SECRET), DEMO_PANIC_KEY, False),
        ):
            keys = KeySettings.model_validate({**pair(DEMO_KEY, DEMO_SECRET), "panic": panic})
            found = await panic_key(play.settings.model_copy(update={"keys": keys}), play.clock)
            assert found is not None
            assert found.key_id == used
            assert ("THE PANIC KEY IS OF ANOTHER ACCOUNT" in play.said()) is told


async def test_a_panic_key_that_cannot_be_used_stops_no_panic(scene: Any, tmp_path: Path) -> None:
    """Its file is gone, or Vault is: by the trading key, and said. A trading key that Vault holds back is no reason to
    wait either.
    """
    async with scene() as play:
        for panic in ({"key_file": tmp_path / "gone", "secret_file": tmp_path / "gone"}, {}):
            vault = {"address": "http://127.0.0.1:9", "token": "hvs.token-of-nobody"}
            keys = KeySettings.model_validate({**pair(DEMO_KEY, DEMO_SECRET), "panic": panic, "vault": vault})
            found = await panic_key(play.settings.model_copy(update={"keys": keys}), play.clock)
            assert found is not None
            assert found.key_id == DEMO_KEY
            assert "the panic key cannot be used, cancelling by the trading key: " in play.said()
        keys = KeySettings.model_validate({"panic": pair(DEMO_PANIC_KEY, DEMO_PANIC_SECRET), "vault": vault})
        found = await panic_key(play.settings.model_copy(update={"keys": keys}), play.clock)
        assert found is not None
        assert found.key_id == DEMO_PANIC_KEY


async def test_a_silent_vault_holds_no_panic_up(scene: Any, tmp_path: Path) -> None:
    """It takes the request for the panic key and says nothing: by the trading key, long before Vault's own patience is
    over. Where Vault alone has the keys, whichever comes first is waited for.
    """
    store = Store(tokens={"hvs.t": Token(("arbbot/sandbox/panic", "arbbot/sandbox/trading"))})
    store.put("arbbot/sandbox/trading", pair(DEMO_KEY, DEMO_SECRET))
    async with scene() as play:
        with serving(store) as vault:
            reached = {"address": vault.address, "token": "hvs.t", "timeout_s": 30}
            keys = KeySettings.model_validate({"vault": reached})
            found = await panic_key(play.settings.model_copy(update={"keys": keys}), play.clock)
            assert found is not None
            assert found.key_id == DEMO_KEY, "no panic key there, and no error"
            vault.silent = True
            keys = KeySettings.model_validate({**pair(DEMO_KEY, DEMO_SECRET), "vault": reached})
            began_s = time.monotonic()
            found = await panic_key(play.settings.model_copy(update={"keys": keys}), play.clock)
            assert time.monotonic() - began_s < 3 * LOOK_S
            assert found is not None
            assert found.key_id == DEMO_KEY
            assert "the panic key cannot be used, cancelling by the trading key: not to be had within" in play.said()


async def test_a_venue_that_does_not_tell_whose_a_key_is_delays_nothing(scene: Any) -> None:
    """Without an answer within two seconds the panic key is used."""
    async with scene() as play:
        await play.fault("delay_after:websockets_token,delay_s=1000")
        keys = KeySettings.model_validate({**pair(DEMO_KEY, DEMO_SECRET), "panic": pair(DEMO_SUB_KEY, DEMO_SUB_SECRET)})
        found = await panic_key(play.settings.model_copy(update={"keys": keys}), play.clock)
        assert found is not None
        assert found.key_id == DEMO_SUB_KEY


@pytest.fixture
def keyless(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key and no setting from outside."""
    for name in [name for name in os.environ if name.startswith("ARBBOT_") or name == "CREDENTIALS_DIRECTORY"]:
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("keyless")
def test_a_brake_wants_no_second_switch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Live mode with the settings as shipped: latched before anything is asked for; only a key is missing here."""
    monkeypatch.setenv("ARBBOT_STATE_DIR", str(tmp_path))
    assert main(["panic", "--mode", "live", "--reason", "fire"]) == ExitCode.SECRET
    assert (tmp_path / "live" / "panic.latch").exists()
    assert "latched" in capsys.readouterr().err


@pytest.mark.usefixtures("keyless")
def test_the_wrong_mode_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whose journal was written last is the mode that runs: where it is another, the first lines say so."""
    for mode, at_s in (("sandbox", 1000), ("live", 2000)):
        (tmp_path / mode).mkdir()
        (tmp_path / mode / "journal.db").touch()
        os.utime(tmp_path / mode / "journal.db", (at_s, at_s))
    for mode, told in (("sandbox", True), ("live", False)):
        settings = Settings.model_validate({"mode": mode, "state_dir": tmp_path})
        with pytest.raises(Failure):
            bootstrap.panic(settings, "ann", "fire", None)
        assert ("the journal of live mode is the one written last" in capsys.readouterr().err) is told


@pytest.mark.usefixtures("keyless")
def test_the_latch_comes_first_and_is_told_when_it_cannot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before a key is even looked for a daemon's start is shut; a latch that cannot be left is exit 1, in words."""
    settings = Settings.model_validate({"state_dir": tmp_path / "state"})
    with pytest.raises(Failure) as failure:
        bootstrap.panic(settings, "ann", "fire", None)
    assert failure.value.code is ExitCode.SECRET
    latch = panic_latch(settings)
    assert latch.path == journal_path(settings).with_name("panic.latch")
    assert {**json.loads(latch.path.read_text()), "utc": ""} == {"who": "ann", "reason": "fire", "utc": ""}
    assert "latched" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    paper = Settings.model_validate({"mode": "paper", "state_dir": tmp_path / "file"})
    assert bootstrap.panic(paper, "ann", "fire", None) is ExitCode.FAULT
    assert "NOT LATCHED" in capsys.readouterr().err
