"""Bad frames, dead connections and silence: the daemon survives, counts, never trades on them, and comes back only
with fresh books.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.playbill import PLAYTIME_S, Played
from tests.e2e.stage import CALM, EUR, FAST, FX, QUICK, Sections, Stage, staged

BOOK = "order_book_btceur"
BAD_FRAMES = (
    "crossed", "empty", "zero", "absurd", "garbage", "nan", "huge_number", "wrong_types", "binary", "deep",
)  # fmt: skip
ODD_FRAMES = ("duplicate", "older", "reordered", "burst")
CUTS = (
    "fin", "rst", "close,code=1000", "close,code=1001", "close,code=1006", "close,code=1009", "close,code=1011",
    "close,code=1012", "close,code=4300", "request_reconnect", "huge",
)  # fmt: skip
MARKET_LOOKS = 5
"""Seconds that a market stays off: a hundred of market time, in which the market list is read at least once."""
SILENCES = ("stall,delay_s=600", "stall_frames,delay_s=600")


def written(fault: str, times: str) -> str:
    """A fault on the foreign book's channel."""
    name, _, params = fault.partition(",")
    return f"{name}:{BOOK}:{times}" + (f",{params}" if params else "")


async def trades_and_leaves(stage: Stage) -> str:
    """One ordinary hedge, a clean stop, and the judge's word."""
    await stage.rich()
    await stage.until(lambda: stage.journal.all("hedge_closed"), "a hedge")
    await stage.show(EUR, CALM[EUR])
    await stage.quiet(1)
    assert stage.journal.all("hedge_closed")[0]["outcome"] == "completed"
    assert await stage.stop() == 0
    await stage.verdict()
    return stage.ended()


async def fires(stage: Stage, fault: str, times: int) -> None:
    """Until a fault has struck so often."""
    name = fault.partition(",")[0]

    async def enough() -> bool:
        return (await stage.fired()).get(name, 0) >= times

    await stage.until(enough, f"{name} to strike")


def lines(stage: Stage, kind: str) -> list[str]:
    """Log lines of a kind."""
    log = stage.directory / "stdout.jsonl"
    return [line for line in log.read_text().splitlines() if f'"kind":"{kind}"' in line]


async def bad_frames(directory: Path, fault: str) -> str:
    """All frames of a book are bad while an edge is there: no hedge; when they are good again, one."""
    async with staged(directory, QUICK) as stage:
        await stage.start()
        await stage.armed()
        await stage.fault(written(fault, ""))
        await stage.rich()
        await fires(stage, fault, 4)
        assert not stage.journal.all("hedge_opened")
        await stage.heal()
        ended = await trades_and_leaves(stage)
        if fault not in ("crossed", "empty", "zero", "absurd"):
            assert lines(stage, "frame_dropped"), "bad frames are counted"
        return ended


async def odd_frames(directory: Path, fault: str) -> str:
    """Frames twice, late, swapped or by the thousand do no harm."""
    async with staged(directory, QUICK) as stage:
        await stage.start()
        await stage.armed()
        await stage.fault(written(fault, "3"))
        await fires(stage, fault, 3)
        return await trades_and_leaves(stage)


async def cut(directory: Path, fault: str) -> str:
    """The connection ends; a new one comes by itself, and trading with it."""
    async with staged(directory, QUICK) as stage:
        await stage.start()
        await stage.armed()
        await stage.fault(written(fault, "1"))
        await fires(stage, fault, 1)
        await stage.until(lambda: len([line for line in lines(stage, "feed_changed") if '"up"' in line]) == 2, "a feed")
        return await trades_and_leaves(stage)


async def silent(directory: Path, fault: str) -> str:
    """A connection that says nothing more is found out by its heartbeat and replaced."""
    async with staged(directory, FAST) as stage:
        await stage.start()
        await stage.armed()
        await stage.fault(written(fault, "1"))
        await fires(stage, fault, 1)
        if "frames" not in fault:
            await stage.until(
                lambda: any("stalled" in line for line in lines(stage, "feed_changed")), "the stall to be noticed"
            )
            return await trades_and_leaves(stage)
        await stage.rich()
        await asyncio.sleep(0.5)
        assert not stage.journal.all("hedge_opened")
        assert await stage.stop() == 0
        await stage.verdict()
        return stage.ended()


async def books_first(directory: Path) -> str:
    """After a reconnection one book stays silent: there is an edge, and no trading before that book has come."""
    async with staged(directory, QUICK) as stage:
        await stage.start()
        await stage.armed()
        stage.silent.add(FX)
        await stage.control("drop_connections", code=1012)
        await stage.until(lambda: len([line for line in lines(stage, "feed_changed") if '"up"' in line]) == 2, "a feed")
        await stage.rich()

        async def blocked() -> bool:
            told = await stage.tell("status")
            fresh = {market: book["from_feed"] for market, book in told["books"].items()}
            return fresh == {"btcusd": True, "btceur": True, "eurusd": False}

        await stage.until(blocked, "two of three books")
        assert not stage.journal.all("hedge_opened")
        stage.silent.clear()
        return await trades_and_leaves(stage)


async def dead_feed(directory: Path) -> str:
    """The stream is gone for good and REST is alive: what is open is resolved on REST books; exit code 20, flat."""
    over: Sections = {"trade": {"limit_reference": "sell_ask"}, "hedge": {"wait_s": 3000, "force_s": 4000},
            "account": {"stop_grace_s": 5000}}  # fmt: skip
    async with staged(directory, FAST, over=over) as stage:
        await stage.start()
        await stage.armed()
        await stage.rich()
        await stage.resting()
        await stage.fault("refuse_subscription:*")
        await stage.control("drop_connections", reset=True)
        assert await stage.gone() == 20
        await stage.verdict()
        assert stage.journal.all("hedge_closed")[0]["outcome"] == "one_sided"
        return stage.ended()


async def halted_market(directory: Path) -> str:
    """A market is switched off: announced, obeyed for many looks at an edge; on again: hedged."""
    async with staged(directory, FAST) as stage:
        await stage.start()
        await stage.armed()
        await stage.control("market_status", market=EUR, enabled=False)
        await stage.until(lambda: stage.journal.all("alert_raised", name="market_halted"), "the halt to be heard")
        await stage.rich()

        async def looked() -> bool:
            told = await stage.tell("why")
            return [each["name"] for each in told["refusals"]] == ["market_halted"]

        for _ in range(MARKET_LOOKS):
            await asyncio.sleep(1)
            assert await looked()
        assert not stage.journal.all("hedge_opened")
        await stage.control("market_status", market=EUR, enabled=True)
        return await trades_and_leaves(stage)


SCENES = {
    **{f"feed, every frame {fault}": partial(bad_frames, fault=fault) for fault in BAD_FRAMES},
    **{f"feed, some frames {fault}": partial(odd_frames, fault=fault) for fault in ODD_FRAMES},
    **{f"feed, {fault}": partial(cut, fault=fault) for fault in CUTS},
    **{f"feed, {fault}": partial(silent, fault=fault) for fault in SILENCES},
    "feed, one book missing after a reconnection": books_first,
    "feed, dead while a leg is open": dead_feed,
    "feed, market switched off": halted_market,
}


@pytest.mark.timeout(PLAYTIME_S)
@pytest.mark.parametrize("scene", SCENES)
def test_the_feed_may_fail_and_money_does_not(played: Played, scene: str) -> None:
    """The daemon lives on, trades on no bad frame, trades again once all books are fresh, or says it cannot."""
    played.outcome(scene)
