"""Profit leaves the account over real sockets: from a deposit through a hedge and its conversion to a statement that
balances, with a reply lost, a process killed, and every mistake an operator can make.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from arbbot import bootstrap
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.exchange.options import (
    DEMO_ACCOUNT,
    DEMO_SUB_ACCOUNT,
    DEMO_SUB_KEY,
    DEMO_SUB_SECRET,
    DEMO_TREASURY_KEY,
    DEMO_TREASURY_SECRET,
)
from arbbot.exchange.rules import Booking, VenueRules
from arbbot.settings import Settings, SettlementSettings
from arbbot.settings.key_model import KeySettings
from arbbot.treasury.journal import open_requests
from arbbot.treasury.policy import Asked
from arbbot.treasury.resolve import Resolution
from tests.bootstrap.program import ROOT, Ended, arbbot, clean
from tests.e2e.stage import CALM, CROWD, EUR, FAST, RATES, D, Sections, Stage, merged, staged

ADDRESS = "0x" + "a1" * 20
TRADING: Sections = {
    "trade": {"fx_policy": "each", "target_size": "0.1"},
    "rest": {"order_timeout_s": 2, "connect_timeout_s": 1},
    "account": {"doubt_bound_s": 150, "doubt_alert_s": 600, "lease_s": 600},
}
TREASURY = (DEMO_TREASURY_KEY, DEMO_TREASURY_SECRET)
SETTLING: dict[str, Any] = {
    "enabled": True, "confirm": False, "threshold": 20, "max_request": 300, "max_per_day": 600, "cooling_off_s": 0,
    "allowed": [{"currency": "usdt", "network": "ethereum", "address": ADDRESS}],
}  # fmt: skip
PEG = {"bids": [["0.99990", "90000"]], "asks": [["1.00010", "90000"]]}


def beside(stage: Stage, keys: tuple[str, str] | None = TREASURY, **over: Any) -> Settings:
    """The settings of a treasury beside the stage's daemon; `over` are keys of [settlement]."""
    pair = {} if keys is None else {"key_id": keys[0], "secret": keys[1]}
    return stage.settings.model_copy(
        update={
            "keys": KeySettings.model_validate({"treasury": pair}),
            "settlement": SettlementSettings.model_validate({**SETTLING, **over}),
        }
    )


async def settle(stage: Stage, asked: Asked | Resolution | None = None, **over: Any) -> tuple[int, str]:
    """`arbbot settle` in a thread: its exit code and its last word."""
    settings, heard = beside(stage, **over), io.StringIO()

    def run() -> tuple[int, str]:
        try:
            return bootstrap.settle(settings, asked or Asked(who="ann"), None, None, as_json=False), ""
        except Failure as failure:
            return failure.code, failure.reason

    with contextlib.redirect_stderr(heard):
        code, said = await asyncio.to_thread(run)
    lines = heard.getvalue().splitlines()
    return code, said or (lines[-1] if lines else "")


def remembered(stage: Stage) -> list[str]:
    """The states of the treasury's requests, the newest first, by its journal."""
    journal = open_requests(stage.directory / "sandbox" / "treasury.db", "sandbox", stage.at.rest)
    try:
        return [each.state.value for each in reversed(journal.state().requests.values())]
    finally:
        journal.close()


@asynccontextmanager
async def profitable(
    directory: Path, over: Sections | None = None, deposit: str | None = None, **options: Any
) -> AsyncIterator[Stage]:
    """A daemon that has made a hedge, converted what it left, and agreed with the venue; before, a person may have paid
    dollars in, which are principal.
    """
    async with staged(directory, FAST, over=merged(TRADING, over or {}), **options) as stage:
        await stage.control("book", market="usdtusd", **PEG)
        await stage.start()
        await stage.armed()
        if deposit is not None:
            await stage.control("deposit", account="demo", currency="usd", amount=deposit)
            await stage.until(lambda: stage.journal.mode() == "paused", "the pause for a deposit")
            await stage.tell("resume")
            await stage.armed()
        await stage.rich()
        await stage.closed(1)
        await stage.show(EUR, CALM[EUR])
        await stage.converted(1)
        yield stage


async def balanced(stage: Stage) -> dict[str, Any]:
    """Until the ledger equals the venue's truth to the unit, with nothing in transit; the ledger's lines."""

    async def equal() -> dict[str, Any] | None:
        told = await stage.tell("report")
        truth = (await stage.account())["balances"]
        ledger: dict[str, Any] = told["ledger"]
        equals = all(D(line["venue"] or 0) == D(truth[name]["total"]) for name, line in ledger.items())
        settled = all(D(line["difference"] or 0) == 0 and D(line["in_transit"]) == 0 for line in ledger.values())
        return ledger if told["reconciled"] and equals and settled else None

    lines: dict[str, Any] = await stage.until(equal, "the ledger to equal the venue")
    return lines


async def requests(stage: Stage) -> list[dict[str, Any]]:
    """The venue's truth of the account's withdrawals."""
    found: list[dict[str, Any]] = (await stage.account())["withdrawals"]
    return found


def tell_story(before: dict[str, Any], lines: str, told: dict[str, Any], ledger: dict[str, Any]) -> None:
    """What `pytest -s` shows: what could leave, what `arbbot settle` said and wrote, the ledger beside the venue."""
    story = [f"withdrawable: {json.dumps(before)}", *lines.splitlines()]
    story += [f"request: {json.dumps(each)}" for each in told["requests"]]
    story += [f"statement: {json.dumps(told['statement'])}"]
    story += [f"ledger {name}: {json.dumps(line)}" for name, line in ledger.items()]
    print("\n" + "\n".join(story))  # noqa: T201 - for `pytest -s`


async def test_from_profit_to_a_statement_with_a_lost_reply(tmp_path: Path) -> None:
    """The withdrawal's reply is lost after it was taken: found in the venue's list, booked as ours, sent once; the
    daemon neither pauses nor halts, principal is what it was, and the statement names what left.
    """
    async with profitable(tmp_path / "state", deposit="5000") as stage:
        before = (await stage.tell("settlement", pays="usd", buys="usdt"))["withdrawable"]
        assert D(before["size"]) > 50
        await stage.fault("reply_lost:usdt_withdrawal:1")
        ended = await asyncio.to_thread(program, stage)
        told = json.loads(ended.out)
        assert ended.code == 0, told
        (request,) = await requests(stage)
        assert told["requests"][0]["state"] == "accepted"
        assert told["requests"][0]["request_id"] == request["id"]
        statement = told["statement"]
        assert statement["agreed"] is True
        assert D(statement["withdrawn"]) == D(request["amount"]) + D(request["fee"])
        assert statement["principal"] == before["principal"]
        assert D(statement["spent"]) <= D(before["size"])
        lines = await balanced(stage)
        assert D(lines["usdt"]["venue"]) - D(lines["usdt"]["opening"]) < 1
        assert D(lines["usd"]["settled"]) == -D(statement["spent"])
        assert D(lines["usd"]["venue"]) >= D(before["principal"]["usd"])
        assert D(before["principal"]["usd"]) == D(lines["usd"]["opening"]) + 5000
        tell_story(before, ended.err, told, lines)
        status = await stage.tell("status")
        assert status["state"] == "active"
        assert {each["name"] for each in status["blockers"]} <= {"below_threshold", "cooldown"}
        code, said = await settle(stage)
        assert code == 0, said
        assert len(await requests(stage)) == 1
        assert await stage.stop() == 0


def variables(stage: Stage, **over: str) -> dict[str, str]:
    """The settings of the stage and the treasury as an environment; `over` are keys of [settlement]."""
    shown = stage.settings
    told = {
        "MODE": "sandbox", "STATE_DIR": str(shown.state_dir), "SANDBOX__REST_URL": shown.sandbox.rest_url,
        "SANDBOX__WS_URL": shown.sandbox.ws_url, "SANDBOX__SPEED": f"{shown.sandbox.speed}",
        "FEED__FRESH_S": f"{shown.feed.fresh_s}", "FEED__TICKER_MAX_AGE_S": f"{shown.feed.ticker_max_age_s}",
        "HEDGE__WAIT_S": f"{shown.hedge.wait_s}", "HEDGE__FORCE_S": f"{shown.hedge.force_s}",
        "ACCOUNT__STOP_GRACE_S": f"{shown.account.stop_grace_s}",
        "KEYS__TREASURY__KEY_ID": DEMO_TREASURY_KEY, "KEYS__TREASURY__SECRET": DEMO_TREASURY_SECRET,
        **{f"SETTLEMENT__{name.upper()}": json.dumps(value) for name, value in SETTLING.items()},
        **{f"SETTLEMENT__{name}": value for name, value in over.items()},
    }  # fmt: skip
    return {f"ARBBOT_{name}": value for name, value in told.items()}


def program(stage: Stage, typed: str | None = None, **over: str) -> Ended:
    """`arbbot settle` as a person types it, by settings of its environment; at a terminal where something is typed."""
    if typed is None:
        return arbbot("settle", "--json", **variables(stage, **over))
    ours, theirs = pty.openpty()
    os.write(ours, f"{typed}\n".encode())
    try:
        done = subprocess.run(
            [sys.executable, "-m", "arbbot", "settle"], cwd=ROOT, env=clean(variables(stage, **over)), stdin=theirs,
            capture_output=True, text=True, timeout=150, check=False,
        )  # fmt: skip
    finally:
        os.close(ours)
        os.close(theirs)
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("booking", [Booking.WHEN_FINISHED, Booking.RESERVED])
async def test_a_row_that_comes_when_the_venue_has_finished(tmp_path: Path, booking: Booking) -> None:
    """Short without a row, or reserved: the ledger equals the venue all the while, and trading goes on."""
    rules = VenueRules(withdrawal_booking=booking, withdrawal_open_us=60_000_000, withdrawal_process_us=60_000_000)
    async with profitable(tmp_path / "state", rules=rules) as stage:
        ended = await settle(stage)
        assert ended[0] == 0, ended
        status = await stage.tell("status")
        assert (status["state"], status["reconciled"]) == ("active", True)
        (request,) = await requests(stage)
        await stage.control("withdrawal_status", id=request["id"], status="finished")
        lines = await balanced(stage)
        assert D(lines["usdt"]["settled"]) == D(lines["usdt"]["venue"]) - D(lines["usdt"]["opening"])
        ended = await settle(stage)
        assert ended[0] == 0, ended
        assert remembered(stage) == ["finished"]
        assert await stage.stop() == 0


async def test_one_that_failed_comes_back_and_goes_again_by_another_name(tmp_path: Path) -> None:
    """The venue returns it by a row, in transit until its list says so: no deposit, no pause; the next settlement
    withdraws what is at hand.
    """
    async with profitable(tmp_path / "state") as stage:
        ended = await settle(stage)
        assert ended[0] == 0, ended
        (request,) = await requests(stage)
        await stage.control("withdrawal_status", id=request["id"], status="failed")

        async def back() -> bool:
            told = await stage.tell("settlement", pays="usd", buys="usdt")
            (announced,) = told["withdrawals"].values()
            return bool(told["agreed"]) and announced["held"] is not None and D(told["at_hand"]) == 0

        await stage.until(back, "the money to be back")
        ended = await settle(stage)
        assert ended[0] == 0, ended
        assert remembered(stage) == ["accepted", "returned"]
        assert len(await requests(stage)) == 2
        await balanced(stage)
        assert (await stage.tell("status"))["state"] == "active", stage.said()
        assert await stage.stop() == 0


async def test_a_daemon_killed_in_the_middle_books_all_of_it(tmp_path: Path) -> None:
    """Killed while the venue's reply to the withdrawal is on its way: the next process knows the rows as announced."""
    async with profitable(tmp_path / "state") as stage:
        await stage.fault("delay_after:usdt_withdrawal:1,delay_s=1")
        running = asyncio.create_task(settle(stage))
        await stage.until(lambda: requests(stage), "the withdrawal at the venue")
        stage.signal(signal.SIGKILL)
        await stage.gone()
        await stage.start()
        await running
        await stage.armed()
        ended = await settle(stage)
        assert ended[0] == 0, ended
        assert len(await requests(stage)) == 1
        assert len(remembered(stage)) == 1
        lines = await balanced(stage)
        assert D(lines["usdt"]["external"]) == 0
        assert (await stage.tell("status"))["state"] == "active", stage.said()
        assert await stage.stop() == 0


@pytest.mark.parametrize(("word", "code", "sent"), [("yes", 0, 1), ("y", 24, 0)])
async def test_a_person_at_a_terminal_types_yes(tmp_path: Path, word: str, code: int, sent: int) -> None:
    """Shown size, cost, fee, network and address; anything but yes is a no."""
    async with profitable(tmp_path / "state") as stage:
        ended = await asyncio.to_thread(program, stage, word, CONFIRM="true")
        assert ended.code == code, ended
        assert ADDRESS in ended.err
        assert len(await requests(stage)) == sent
        assert await stage.stop() == 0


async def test_again_and_again_until_it_is_told_to_stop(tmp_path: Path) -> None:
    """`--every` settles, looks on, and leaves on SIGTERM with the code of its last look."""
    async with profitable(tmp_path / "state") as stage:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "arbbot", "settle", "--every", "20s", cwd=ROOT, env=clean(variables(stage)),
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        await stage.until(lambda: requests(stage), "the withdrawal")
        (request,) = await requests(stage)
        await stage.control("withdrawal_status", id=request["id"], status="finished")
        assert process.stderr is not None
        while b"is finished" not in await process.stderr.readline():
            pass
        process.send_signal(signal.SIGTERM)
        await process.stderr.read()
        assert await process.wait() == 0
        assert len(await requests(stage)) == 1
        assert await stage.stop() == 0


SOLANA = [{"currency": "usdt", "network": "solana", "address": ADDRESS}]
MISTAKES: dict[str, tuple[Asked, dict[str, Any], int, str]] = {
    "off": (Asked(), {"enabled": False}, 24, "settlement.enabled is false"),
    "an address not on the list": (Asked(address="0x" + "b2" * 20), {}, 24, "is not in settlement.allowed"),
    "a wrong network": (Asked(address=ADDRESS, network="tron"), {}, 24, "on tron"),
    "a network the venue does not send on": (Asked(), {"allowed": SOLANA}, 24, "not over solana"),
    "below the minimum": (Asked(size=D("9.5")), {}, 24, "below the venue's minimum of 10"),
    "above the cap": (Asked(size=D(300)), {}, 24, "above settlement.max_request"),
    "more than may leave": (Asked(size=D(250)), {}, 24, "more than may leave"),
    "nobody says yes": (Asked(), {"confirm": True}, 24, "nobody said yes"),
    "an absurd fee": (Asked(), {"max_fee": 4}, 24, "above settlement.max_fee"),
    "no treasury key": (Asked(), {"keys": None}, ExitCode.SECRET, "keys.treasury.key_id"),
    "another account's key": (Asked(), {"keys": (DEMO_SUB_KEY, DEMO_SUB_SECRET)}, 24, "is it of this account"),
    "a key that is none": (Asked(), {"keys": (DEMO_SUB_KEY, "0" * 32)}, ExitCode.AUTH, "API0005"),
}


async def test_every_mistake_is_one_line_and_sends_nothing(tmp_path: Path) -> None:
    """Each with its exit code, journaled, and no trace at the venue; without a daemon nothing is settled at all."""
    accounts = (replace(DEMO_ACCOUNT, rates=RATES), CROWD, DEMO_SUB_ACCOUNT)
    async with profitable(tmp_path / "state", accounts=accounts) as stage:
        orders = len((await stage.account())["orders"])
        for name, (asked, over, code, said) in MISTAKES.items():
            ended = await settle(stage, asked, **over)
            assert ended[0] == code, (name, ended)
            assert said in ended[1], (name, ended)
            assert len(ended[1].splitlines()) == 1, name
        assert len((await stage.account())["orders"]) == orders
        assert await requests(stage) == []
        assert (await stage.tell("settlement", pays="usd", buys="usdt"))["lease"] is None
        assert await stage.stop() == 0
        ended = await settle(stage)
        assert ended[0] == ExitCode.DAEMON
        assert "no daemon answers" in ended[1]
        for wait_s in (86_400, 0):  # the longer wait is not cut short by settings that have none
            ended = await settle(stage, cooling_off_s=wait_s)
            assert ended[0] == 24
            assert "cools off" in ended[1]
    with closing(sqlite3.connect(tmp_path / "state" / "sandbox" / "treasury.db")) as journal:
        (refusals,) = journal.execute("SELECT count(*) FROM record WHERE kind = 'settlement_refused'").fetchone()
    assert refusals == len(MISTAKES) + 3


async def test_a_hedge_that_is_open_or_in_doubt_denies_the_lease(tmp_path: Path) -> None:
    """In the daemon's own words, while the sale is looked for; nothing was sent."""
    over: Sections = {"hedge": {"cooldown_s": 1}}
    async with profitable(tmp_path / "state", over=over) as stage:
        await stage.fault("request_lost:sell/btceur:1", "stall_channel:private-*,delay_s=600")
        await stage.rich()
        await stage.until(lambda: len(stage.journal.all("hedge_opened")) == 2, "the second hedge")
        code, said = await settle(stage)
        assert code == ExitCode.SETTLEMENT_REFUSED
        assert "one hedge at a time" in said or "in doubt" in said
        assert await requests(stage) == []
        stage.signal(signal.SIGKILL)
        await stage.gone()
