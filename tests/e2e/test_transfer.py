"""A transfer to a sub-account beside a running daemon, over real sockets: its row is a person's doing, and trading goes
on after it is acknowledged.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from arbbot import bootstrap
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.domain.funding import Transfer
from arbbot.exchange.options import DEMO_ACCOUNT, DEMO_SUB_ACCOUNT, DEMO_TREASURY_KEY, DEMO_TREASURY_SECRET
from arbbot.exchange.venue import FIRST_USER_ID
from arbbot.settings import Settings
from arbbot.settings.key_model import KeySettings
from arbbot.settings.model import TreasurySettings
from tests.e2e.stage import CROWD, FAST, RATES, Stage, staged

ACCOUNTS = (replace(DEMO_ACCOUNT, rates=RATES), CROWD, DEMO_SUB_ACCOUNT)
SUB = str(FIRST_USER_ID + 2)
ASKED = Transfer("eur", Decimal(1000), False, SUB)


def beside(stage: Stage) -> Settings:
    """The settings of a treasury beside the stage's daemon."""
    pair = {"key_id": DEMO_TREASURY_KEY, "secret": DEMO_TREASURY_SECRET}
    return stage.settings.model_copy(
        update={
            "keys": KeySettings.model_validate({"treasury": pair}),
            "treasury": TreasurySettings(sub_accounts=(SUB,)),
        }
    )


async def transfer(stage: Stage) -> tuple[int, str]:
    """`arbbot treasury transfer 1000 EUR --to SUB --yes`: its exit code, and the reason where it refused."""
    wanted = bootstrap.Wanted(ASKED, "ann", "more float for the other account")

    def run() -> tuple[int, str]:
        try:
            return bootstrap.transfer(beside(stage), wanted, lambda _: True, as_json=True), ""
        except Failure as failure:
            return failure.code, failure.reason

    return await asyncio.to_thread(run)


async def test_a_transfer_is_a_persons_doing_and_trading_goes_on_after_it(tmp_path: Path) -> None:
    """Refused while the daemon trades. Paused, the money moves once though the reply is lost; the row is booked as
    external to the unit, and after a resume the next hedge closes and the ledger equals the venue.
    """
    async with staged(tmp_path / "state", FAST, accounts=ACCOUNTS) as stage:
        await stage.start()
        await stage.armed()
        code, said = await transfer(stage)
        assert (code, said) == (ExitCode.NOT_FLAT, "the daemon trades; `arbbot pause` first: nothing was sent")
        await stage.tell("pause", who="ann", reason="a transfer")
        await stage.fault("reply_lost:transfer-from-main:1")
        assert await transfer(stage) == (0, "")

        async def booked() -> dict[str, Any] | None:
            told: dict[str, Any] = await stage.tell("report")
            return told if told["reconciled"] and Decimal(told["ledger"]["eur"]["external"]) else None

        told = await stage.until(booked, "the transfer's row in the ledger")
        assert Decimal(told["ledger"]["eur"]["external"]) == -1000
        assert Decimal(told["ledger"]["eur"]["difference"]) == 0
        assert (await stage.tell("status"))["state"] == "paused"
        await stage.tell("resume", who="ann", reason="the transfer was ours")
        await stage.armed()
        await stage.rich()
        await stage.closed(1)
        told = await stage.until(booked, "the hedge's rows in the ledger")
        assert all(Decimal(line["difference"]) == 0 for line in told["ledger"].values())
        assert await stage.stop() == 0
