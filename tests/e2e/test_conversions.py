"""What a hedge left in euros is converted back over real sockets, whatever befalls that order or the process."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.child import Harm
from tests.e2e.playbill import PLAYTIME_S, Played
from tests.e2e.stage import CALM, EUR, FAST, FX, D, Sections, Stage, staged

CONVERTING: Sections = {"trade": {"fx_policy": "each"}, "rest": {"order_timeout_s": 1, "connect_timeout_s": 1}}
OPENING_EUR = D(500_000)
FAULTS: dict[str, tuple[str | None, list[str]]] = {
    "undisturbed": (None, ["converted"]),
    "reply lost after acceptance": ("reply_lost:sell/eurusd:1", ["converted"]),
    "request lost": ("request_lost:sell/eurusd:1", ["nothing", "converted"]),
    "500.016 with the order alive": ("timed_out:sell/eurusd:1", ["converted"]),
    "mis-signed": ("mis_signed:sell/eurusd:1", ["converted"]),
    "502, taken": ("http_502:sell/eurusd:1,accepted=1", ["converted"]),
    "502, not taken": ("http_502:sell/eurusd:1", ["nothing", "converted"]),
    "refused for its price": ("reject:sell/eurusd:1", ["nothing", "converted"]),
}
"""What strikes the conversion's order, and how the conversions end."""
DEATHS = ("conversion_opened", "conversion_closed")


async def is_back(stage: Stage, hedges: int) -> None:
    """Until what the hedges left is converted, the ledger agreed; then the venue holds the euros of the opening."""

    async def done() -> bool:
        if not (stage.journal.quiet() and len(stage.journal.all("hedge_closed")) == hedges):
            return False
        ends = stage.journal.all("conversion_closed")
        return bool(ends) and D(ends[-1]["drift"]) == 0

    await stage.until(done, "the euros to be back")
    assert D((await stage.account())["balances"]["eur"]["total"]) == OPENING_EUR


async def disturbed(directory: Path, name: str) -> str:
    """One hedge, and a conversion that is struck."""
    fault, outcomes = FAULTS[name]
    async with staged(directory, FAST, over=CONVERTING) as stage:
        await stage.start()
        await stage.armed()
        if fault is not None:
            await stage.fault(fault, "stall_channel:private-*,delay_s=600")
        await stage.rich()
        await stage.closed(1)
        await stage.show(EUR, CALM[EUR])
        await is_back(stage, 1)
        assert [line["outcome"] for line in stage.journal.all("conversion_closed")] == outcomes
        told = await stage.tell("status")
        assert (D(told["fx"]["low"]), D(told["fx"]["high"]), told["fx"]["waiting"]) == (D(0), D(0), None)
        assert len(await stage.orders(market=FX)) == 1
        assert await stage.stop() == 0
        await stage.verdict()
        if fault is not None:
            assert sum((await stage.fired()).values()) >= 1
        return f"{', '.join(outcomes)}; {stage.ended()}"


async def killed(directory: Path, kind: str) -> str:
    """SIGKILL right after a commit of the conversion's; the next process finds what became of it."""
    async with staged(directory, FAST, over=CONVERTING) as stage:
        await stage.start(Harm(kill_at=kind))
        await stage.armed()
        await stage.rich()
        await stage.closed(1)
        await stage.show(EUR, CALM[EUR])
        assert await stage.gone() == -signal.SIGKILL
        await stage.start()
        await is_back(stage, 1)
        assert await stage.stop() == 0
        await stage.verdict()
        return stage.ended()


SCENES = {
    **{f"conversion: {name}": partial(disturbed, name=name) for name in FAULTS},
    **{f"conversion: killed after {kind}": partial(killed, kind=kind) for kind in DEATHS},
}


@pytest.mark.timeout(PLAYTIME_S)
@pytest.mark.parametrize("scene", SCENES)
def test_the_euros_come_back_once(played: Played, scene: str) -> None:
    """One sale reaches the venue, its euros are those of the opening to the last digit, the daemon leaves with 0."""
    played.outcome(scene)
