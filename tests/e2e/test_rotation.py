"""A running daemon gets another key: proven first, used from a quiet moment on, and nothing is disturbed by it."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from arbbot.domain.failure import Failure
from arbbot.exchange.options import (
    DEMO_ACCOUNT,
    DEMO_KEY,
    DEMO_NEXT_KEY,
    DEMO_NEXT_SECRET,
    DEMO_READ_KEY,
    DEMO_READ_SECRET,
    DEMO_SECRET,
    DEMO_SUB_ACCOUNT,
    DEMO_SUB_KEY,
    DEMO_SUB_SECRET,
    DEMO_TREASURY_KEY,
    DEMO_TREASURY_SECRET,
)
from arbbot.journal.sqlite import read_journal
from arbbot.settings.key_model import KeySettings, VaultSettings
from tests.e2e.stage import CROWD, RATES, Sections, Stage, staged
from tests.vault.server import serving
from tests.vault.store import Store, Token

RESTS: Sections = {
    "trade": {"limit_reference": "sell_ask"}, "hedge": {"wait_s": 20, "force_s": 25}, "account": {"stop_grace_s": 30},
}  # fmt: skip
"""The sell leg rests until somebody buys."""


VAULT_TOKEN = "hvs.the-token-of-this-scene"


class Safe:
    """Where the daemon's key lies: files beside its directory, never in it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir()
        self.put(DEMO_KEY, DEMO_SECRET)

    def put(self, key: str, secret: str) -> None:
        """Replace the key."""
        for name, text in (("key", key), ("secret", secret)):
            (self.place / name).write_text(text)
            (self.place / name).chmod(0o600)

    def settings(self) -> KeySettings:
        """The settings that name it."""
        return KeySettings(key_file=self.place / "key", secret_file=self.place / "secret")


@asynccontextmanager
async def guarded(tmp_path: Path, over: Sections | None = None) -> AsyncIterator[tuple[Stage, Safe]]:
    """A stage whose daemon takes its key from files."""
    accounts = (replace(DEMO_ACCOUNT, rates=RATES), DEMO_SUB_ACCOUNT, CROWD)
    async with staged(tmp_path / "daemon", over=over, accounts=accounts) as stage:
        safe = Safe(tmp_path / "keys")
        stage.settings = stage.settings.model_copy(update={"keys": safe.settings()})
        yield stage, safe


async def over(stage: Stage) -> dict[str, Any]:
    """Wait for the end of the rotation that was asked for."""

    async def ended() -> dict[str, Any] | None:
        told = await stage.tell("rotation")
        return None if told["under_way"] else told

    found: dict[str, Any] = await stage.until(ended, "the end of the rotation")
    return found


def owner(stage: Stage) -> dict[str, str]:
    """Whose the journal is, and how that came."""
    with read_journal(stage.settings.state_dir / "sandbox" / "journal.db") as (meta, _):
        return meta


async def test_a_hedge_in_flight_is_finished_first(tmp_path: Path) -> None:
    """While the sell leg rests the new key is proven and waits; once all is settled it is used, and the old one may go:
    the next process, and the journal, know the new one only.
    """
    async with guarded(tmp_path, RESTS) as (stage, safe):
        await stage.start()
        await stage.armed()
        await stage.rich()
        order = await stage.resting()
        safe.put(DEMO_NEXT_KEY, DEMO_NEXT_SECRET)
        await stage.tell("rotate_keys")

        async def waits() -> bool:
            return "is proven, and waits" in (await stage.tell("rotation"))["words"]

        await stage.until(waits, "the new key to be proven")
        assert owner(stage)["account"] == DEMO_KEY
        await stage.crowd_takes(order, "0.05")
        await stage.quiet(1)
        assert (await over(stage))["done"]
        assert owner(stage)["account"] == DEMO_NEXT_KEY
        assert owner(stage)["adopted_1"] == f"from '{DEMO_KEY}': ann, while it ran: rehearsal"
        assert [line["outcome"] for line in stage.journal.all("hedge_closed")] == ["completed"]
        told = await stage.tell("status")
        assert told["armed"]
        await stage.stop()
        await stage.verdict()
        await stage.start()
        assert len(stage.journal.all("started")) == 2
        stage.signal(signal.SIGKILL)


async def test_a_key_that_is_not_fit_changes_nothing(tmp_path: Path) -> None:
    """The same key, one that may not trade, of another account, one that may withdraw, one nobody knows, half of one,
    one about which nobody answers: each is told, and the daemon trades on by the old.
    """
    async with guarded(tmp_path) as (stage, safe):
        await stage.start()
        await stage.armed()
        for key, secret, words in (
            (DEMO_KEY, DEMO_SECRET, "there is no new key"),
            (DEMO_READ_KEY, DEMO_READ_SECRET, "may not trade"),
            (DEMO_SUB_KEY, DEMO_SUB_SECRET, "of ANOTHER ACCOUNT"),
            (DEMO_TREASURY_KEY, DEMO_TREASURY_SECRET, "may withdraw, which trading does not need"),
            ("NobodysKey000000001", DEMO_SECRET, "is refused: API0001"),
            (DEMO_NEXT_KEY, DEMO_SECRET, "is refused: "),
            (DEMO_NEXT_KEY, "short", "not a key"),
        ):
            safe.put(key, secret)
            await stage.tell("rotate_keys")
            told = await over(stage)
            assert not told["done"]
            assert told["words"].startswith("the old key stays: ")
            assert words in told["words"], told
        await stage.fault("reply_lost:btc_withdrawal")
        safe.put(DEMO_NEXT_KEY, DEMO_NEXT_SECRET)
        await stage.tell("rotate_keys")
        told = await over(stage)
        assert "the old key stays: " in told["words"]
        assert "NOT KNOWN whether it may withdraw" in told["words"], told
        await stage.heal()
        assert owner(stage)["account"] == DEMO_KEY
        await stage.rich()
        await stage.quiet(1)
        assert await stage.stop() == 0
        safe.put(DEMO_KEY, DEMO_SECRET)
        await stage.verdict()
        said = (tmp_path / "daemon" / "stdout.jsonl").read_text()
        assert DEMO_NEXT_SECRET not in said
        assert said.count('"name":"key_rotation"') >= 7


async def test_one_at_a_time_and_broken_off_by_a_stop(tmp_path: Path) -> None:
    """A second wish is refused while the first waits; a daemon that stops meanwhile keeps the old key."""
    async with guarded(tmp_path, RESTS) as (stage, safe):
        await stage.start()
        await stage.armed()
        await stage.rich()
        await stage.resting()
        safe.put(DEMO_NEXT_KEY, DEMO_NEXT_SECRET)
        await stage.tell("rotate_keys")
        with pytest.raises(Failure, match="under way already"):
            await stage.tell("rotate_keys")
        stage.signal(signal.SIGKILL)
        await stage.gone()
        assert owner(stage)["account"] == DEMO_KEY


async def test_a_key_from_a_variable_needs_a_restart(tmp_path: Path) -> None:
    """A running process cannot read its environment again: said at once."""
    async with staged(tmp_path / "daemon") as stage:
        await stage.start()
        await stage.armed()
        with pytest.raises(Failure, match="was given by a variable"):
            await stage.tell("rotate_keys")
        assert await stage.stop() == 0


async def test_a_new_version_in_vault_is_a_new_key(tmp_path: Path) -> None:
    """The daemon reads its key from Vault at its start and when it is told to, and at no other time."""
    store = Store(tokens={VAULT_TOKEN: Token(("arbbot",))})
    store.put("arbbot/sandbox/trading", {"key_id": DEMO_KEY, "secret": DEMO_SECRET})
    with serving(store) as vault:
        async with staged(tmp_path / "daemon") as stage:
            kept = VaultSettings(address=vault.address, token=SecretStr(VAULT_TOKEN))
            stage.settings = stage.settings.model_copy(update={"keys": KeySettings(vault=kept)})
            await stage.start()
            await stage.armed()
            assert len(vault.asked) == 1
            store.put("arbbot/sandbox/trading", {"key_id": DEMO_NEXT_KEY, "secret": DEMO_NEXT_SECRET})
            store.sealed = True
            await stage.tell("rotate_keys")
            assert "it is sealed" in (await over(stage))["words"]
            store.sealed = False
            await stage.tell("rotate_keys")
            assert (await over(stage))["done"]
            assert owner(stage)["account"] == DEMO_NEXT_KEY
            await stage.rich()
            await stage.quiet(1)
            assert await stage.stop() == 0
            await stage.verdict()
