"""However the venue books a withdrawal and however it ends: the ledger equals the venue's truth, principal stays, and
what came back leaves again by another request; what comes back after it had finished is for a person to tell.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from arbbot.exchange.rules import Booking, VenueRules
from arbbot.treasury.resolve import Resolution
from tests.e2e.stage import D
from tests.e2e.test_settlement import balanced, profitable, remembered, requests, settle

SOON = VenueRules(withdrawal_open_us=5_000_000, withdrawal_process_us=10_000_000)
REVERSING = {
    "back by a deposit's row": replace(SOON, returned_row_type=0),
    "back with the fee out of its amount": replace(SOON, withdrawal_fee_inside=True),
}
VENUES = {
    "failed, back by a deposit's row": (replace(SOON, returned_row_type=0), "withdrawal_failed"),
    "failed, back without a row": (replace(SOON, withdrawal_booking=Booking.WHEN_FINISHED), "withdrawal_failed"),
    "canceled, freed from the reserve": (replace(SOON, withdrawal_booking=Booking.RESERVED), "withdrawal_canceled"),
    "failed, with the fee out of its amount": (replace(SOON, withdrawal_fee_inside=True), "withdrawal_failed"),
}


@pytest.mark.parametrize("name", VENUES)
async def test_what_comes_back_is_at_hand_again(tmp_path: Path, name: str) -> None:
    """The second request leaves with what the first brought back: two of them, and the money once."""
    rules, fault = VENUES[name]
    async with profitable(tmp_path / "state", rules=rules) as stage:
        principal = (await stage.tell("settlement", pays="usd", buys="usdt"))["withdrawable"]["principal"]
        await stage.fault(f"{fault}:usdt_withdrawal:1")

        async def gone_again() -> bool:
            code, said = await settle(stage)
            assert code == 0 or "not yet been seen equal" in said, said  # its row has come a moment ago
            return len(await requests(stage)) == 2

        await stage.until(gone_again, "a second request")
        first, second = sorted(await requests(stage), key=lambda each: int(each["id"]))
        assert (first["amount"], first["status"] in {"reversed", "failed", "canceled"}) == (second["amount"], True)
        assert len(remembered(stage)) == 2
        lines = await balanced(stage)
        assert {line["external"] for line in lines.values()} == {"0"}
        after = (await stage.tell("settlement", pays="usd", buys="usdt"))["withdrawable"]["principal"]
        assert after == principal
        assert (await stage.tell("status"))["state"] == "active"
        assert await stage.stop() == 0


@pytest.mark.parametrize("name", REVERSING)
async def test_one_reversed_after_it_had_finished_waits_for_a_person(tmp_path: Path, name: str) -> None:
    """Its row is like a deposit's of as much: it is principal, trading pauses, and none of it leaves."""
    async with profitable(tmp_path / "state", rules=REVERSING[name]) as stage:

        async def finished() -> bool:
            await settle(stage)
            return remembered(stage) == ["finished"]

        await stage.until(finished, "the request to finish")
        (request,) = await requests(stage)
        before = (await stage.tell("settlement", pays="usd", buys="usdt"))["at_hand"]
        await stage.control("withdrawal_status", id=request["id"], status="reversed")

        async def paused() -> bool:
            return bool((await stage.tell("status"))["state"] == "paused")

        await stage.until(paused, "a person to be told")
        lines = await balanced(stage)
        assert D(lines["usdt"]["external"]) >= D(request["amount"])
        assert D((await stage.tell("settlement", pays="usd", buys="usdt"))["at_hand"]) <= D(before)
        await settle(stage)
        assert len(await requests(stage)) == 1


async def test_a_person_s_word_makes_the_reversed_one_ours_again(tmp_path: Path) -> None:
    """`--resolve`: what was booked as a deposit is at hand, principal as before, and it leaves by another request."""
    async with profitable(tmp_path / "state", rules=REVERSING["back by a deposit's row"]) as stage:

        async def finished() -> bool:
            await settle(stage)
            return remembered(stage) == ["finished"]

        await stage.until(finished, "the request to finish")
        before = await stage.tell("settlement", pays="usd", buys="usdt")
        (request,), (name,) = await requests(stage), before["withdrawals"]
        await stage.control("withdrawal_status", id=request["id"], status="reversed")

        async def paused() -> bool:
            return bool((await stage.tell("status"))["state"] == "paused")

        await stage.until(paused, "a person to be told")
        ended = await settle(stage, Resolution(name, "returned", "ann", "ticket 881"))
        assert ended[0] == 0, ended
        await stage.tell("resume")

        async def gone_again() -> bool:
            await settle(stage)
            return len(await requests(stage)) == 2

        await stage.until(gone_again, "it to leave again")
        assert D((await balanced(stage))["usdt"]["external"]) == 0
        after = await stage.tell("settlement", pays="usd", buys="usdt")
        assert after["withdrawable"]["principal"] == before["withdrawable"]["principal"]
        assert remembered(stage)[1] == "returned"
        assert await stage.stop() == 0
