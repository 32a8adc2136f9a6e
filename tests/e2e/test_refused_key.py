"""The venue shuts the door on a running daemon: it leaves with the code that says so, and names the likely cause."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from arbbot.domain.exit_codes import ExitCode
from tests.e2e.stage import Stage, staged

Act = Callable[[Stage], Awaitable[object]]
CAUSES: dict[str, tuple[Act, str]] = {
    "frozen": (
        lambda stage: stage.control("account", account="demo", frozen=True),
        "API0006: Your account is frozen (likely the account is frozen",
    ),
    "address": (
        lambda stage: stage.fault("ip_403:*"),
        "API0002: IP address not allowed (likely this machine's address is not on the key's list of IP addresses)",
    ),
}


@pytest.mark.parametrize("cause", CAUSES)
async def test_a_door_that_shuts_says_why(cause: str, tmp_path: Path) -> None:
    """Halted, told by its code and in words, and gone with 21; the journal has it."""
    shut, words = CAUSES[cause]
    async with staged(tmp_path / "daemon") as stage:
        await stage.start()
        await stage.armed()
        await shut(stage)
        assert await stage.gone() == ExitCode.AUTH
        (told,) = [line["text"] for line in stage.journal.all("alert_raised") if line["name"] == "auth_refused"]
        assert f"the venue does not let us in: {words}" in told


async def test_a_page_before_the_venue_is_no_refused_key(tmp_path: Path) -> None:
    """A block of the address by a page is waited out: the key may be as good as ever."""
    async with staged(tmp_path / "daemon") as stage:
        await stage.start()
        await stage.armed()
        await stage.fault("block_403:user_transactions")

        async def heard() -> bool:
            told = (tmp_path / "daemon" / "stdout.jsonl").read_text()
            return "this machine's address or region is blocked, or asks too often" in told

        await stage.until(heard, "the likely cause in the log")
        await stage.heal()
        await stage.armed()
        assert await stage.stop() == 0
