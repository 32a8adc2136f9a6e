"""Every row of the one-leg table, played against the built-in exchange by real processes. `pytest -s` prints how each
row ended.
"""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.playbill import PLAYTIME_S, Played
from tests.e2e.stage import CALM, EUR, QUICK, USD, Stage, staged

RESTS: Mapping[str, Mapping[str, Any]] = {"trade": {"limit_reference": "sell_ask"}}
"""The sell leg is a maker order above the touch: it rests until somebody comes."""
PATIENT = {**RESTS, "hedge": {"wait_s": 60, "force_s": 90}, "account": {"stop_grace_s": 100}}
"""As above, and nobody loses patience by the clock."""
SLOWLY = {**RESTS, "hedge": {"wait_s": 4, "force_s": 5}, "account": {"stop_grace_s": 6}}
"""Time to strike while the leg rests, and a stop that comes to its end while the leg is open."""
Act = Callable[[Stage], Awaitable[None]]


async def opened(stage: Stage) -> None:
    """A daemon that has just opened a hedge."""
    await stage.start()
    await stage.armed()
    await stage.rich()
    await stage.until(lambda: stage.journal.all("hedge_opened"), "a hedge")


async def rests(stage: Stage) -> dict[str, Any]:
    """A daemon whose buy leg is filled and whose sell leg rests; the sell order."""
    await opened(stage)
    return await stage.resting()


async def flat(stage: Stage, outcome: str) -> None:
    """It closes the hedge this way, stops with 0, and the judge is content."""
    await stage.quiet(1)
    assert stage.journal.all("hedge_closed")[0]["outcome"] == outcome
    assert await stage.stop() == 0
    await stage.verdict()


# --- people and signals -------------------------------------------------------------------------------------------


async def pause(stage: Stage) -> None:
    """What is open runs to its end; no new hedge."""
    sell = await rests(stage)
    await stage.tell("pause")
    assert not stage.journal.all("cancel_intended")
    await stage.crowd_takes(sell, "0.05")
    await stage.quiet(1)
    assert stage.journal.mode() == "paused"
    assert len(stage.journal.all("hedge_opened")) == 1
    await flat(stage, "completed")


async def halt(stage: Stage) -> None:
    """Own resting order cancelled, the operator's left alone, the leg resolved, halted for good."""
    await rests(stage)
    manual = await stage.control("trade", market=EUR, side="sell", amount="0.01", price="90000")
    await stage.tell("halt")
    await stage.until(lambda: stage.journal.all("hedge_closed"), "the hedge to be resolved")
    (left,) = [each for each in (await stage.account())["orders"] if each["id"] == manual["id"]]
    assert left["status"] == "Open"
    await stage.control("cancel_all")
    assert stage.journal.mode() == "halted"
    await flat(stage, "one_sided")


async def sigterm(stage: Stage) -> None:
    """Cancel, resolve, leave with 0; asking twice changes nothing."""
    await rests(stage)
    stage.signal(signal.SIGTERM)
    stage.signal(signal.SIGTERM)
    assert await stage.gone() == 0
    await stage.verdict()
    assert stage.journal.all("stopped")[0]["reason"] == "SIGTERM"


async def sigint(stage: Stage) -> None:
    """Ctrl-C is a stop like any other."""
    await rests(stage)
    stage.signal(signal.SIGINT)
    assert await stage.gone() == 0
    await stage.verdict()


async def panic(stage: Stage) -> None:
    """Own orders cancelled, nothing else done; the stop says by its code and an alert what is left."""
    await rests(stage)
    await stage.tell("halt", panic=True)
    await stage.until(partial(stage.orders, side="sell", status="Canceled"), "the cancel")
    await stage.until(lambda: stage.journal.states() and not stage.journal.all("hedge_closed"), "nothing")
    assert await stage.stop() == 22
    assert not stage.journal.all("exit_planned")
    (alert,) = stage.journal.all("alert_raised", name="stopped_not_flat")
    assert "0.05" in alert["text"]
    await stage.verdict(halted=True)


async def lost_key(stage: Stage) -> None:
    """The venue refuses the key while a leg is open, and cuts the line: code 21, and an alert names the order.

    First what could close the leg, then what the daemon asks all the time: at the first refusal it starts to leave.
    """
    sell = await rests(stage)
    for call in ("cancel_order", "sell", "buy", "order_status", "user_transactions", "open_orders", "websockets_token"):
        await stage.fault(f"auth_403:{call}")
    await stage.control("drop_connections", reset=True)
    assert await stage.gone() == 21
    assert sell["client_order_id"] in stage.journal.all("alert_raised", name="stopped_not_flat")[0]["text"]
    await stage.verdict(halted=True)


async def lost_key_when_flat(stage: Stage) -> None:
    """Flat and refused: its own exit code."""
    await stage.start()
    await stage.armed()
    await stage.fault("auth_403:*")
    assert await stage.gone() == 21
    assert stage.journal.mode() == "halted"


# --- one leg ------------------------------------------------------------------------------------------------------


async def waits_and_is_filled(stage: Stage) -> None:
    """Before T1 nobody touches it, and it fills."""
    sell = await rests(stage)
    await stage.crowd_takes(sell, "0.05")
    await flat(stage, "completed")
    assert not stage.journal.all("cancel_intended")


async def completes(stage: Stage) -> None:
    """After T1 the resting order is cancelled and taken where it is dear."""
    await rests(stage)
    await flat(stage, "one_sided")
    assert [line["action"] for line in stage.journal.all("exit_planned")] == ["complete"]


async def unwinds(stage: Stage) -> None:
    """The dear market fell away: undoing costs less than completing."""
    await rests(stage)
    await stage.show(EUR, ("74700", "74702"))
    await flat(stage, "one_sided")
    assert [line["action"] for line in stage.journal.all("exit_planned")] == ["unwind"]


async def forced(stage: Stage) -> None:
    """Beyond what an exit by choice may lose, within what a forced one may: it waits until T2 and then goes."""
    await rests(stage)
    await stage.show(USD, ("83300", "83302"))
    await stage.show(EUR, ("73700", "73702"))
    await flat(stage, "one_sided")
    (plan,) = stage.journal.all("exit_planned")
    assert plan["forced"]


async def buy_rejected_sell_live(stage: Stage) -> None:
    """The resting sale is cancelled at once; nothing was traded."""
    await stage.fault("insufficient:buy:1")
    await opened(stage)
    await flat(stage, "nothing")
    assert len(await stage.orders(status="Canceled")) == 1


async def buy_rejected_sell_part(stage: Stage) -> None:
    """For exactly what it sold, the cheaper way back."""
    await stage.fault("insufficient:buy:1", "delay_before:buy:1,delay_s=1.5")
    await opened(stage)

    async def resting() -> Any:
        return await stage.orders(side="sell", status="Open")

    sell = (await stage.until(resting, "a resting sell leg"))[0]
    await stage.crowd_takes(sell, "0.02")
    await flat(stage, "one_sided")
    assert stage.journal.all("exit_planned")[0]["imbalance"] == "-0.02000000"


async def buy_rejected_sell_filled(stage: Stage) -> None:
    """Sold in full: bought back, or the purchase made up."""
    await stage.fault("insufficient:buy:1")
    await opened(stage)
    await flat(stage, "one_sided")


async def sell_rejected_buy_filled(stage: Stage) -> None:
    """Bought in full: completed or unwound."""
    await stage.fault("insufficient:sell:1")
    await opened(stage)
    await flat(stage, "one_sided")


async def both_rejected(stage: Stage) -> None:
    """Three times in a row: no more."""
    await stage.fault("insufficient:buy", "insufficient:sell")
    await opened(stage)
    await stage.until(lambda: stage.journal.mode() == "reducing", "the mode to be reducing")
    await stage.quiet(3)
    assert len(stage.journal.all("hedge_opened")) == 3
    assert await stage.stop() == 0
    assert await stage.orders() == []
    await stage.verdict()


async def partial_buy(stage: Stage) -> None:
    """Half of the purchase filled: the sale is brought to the same."""
    await stage.fault("partial_cancel:buy:1,share=0.5")
    await opened(stage)
    await flat(stage, "one_sided")


async def partial_sell(stage: Stage) -> None:
    """Half of the sale filled and the rest gone: the other half leaves by the cheaper way."""
    await stage.fault("partial_cancel:sell:1,share=0.5")
    await opened(stage)
    await flat(stage, "one_sided")


async def partial_then_cancel(stage: Stage) -> None:
    """A resting sale that filled in part by T1: the remainder exactly."""
    sell = await rests(stage)
    await stage.crowd_takes(sell, "0.03")
    await flat(stage, "one_sided")
    assert stage.journal.all("exit_planned")[0]["imbalance"] == "0.02000000"


# --- cancels, dust and caps ---------------------------------------------------------------------------------------


async def cancel_in_doubt(stage: Stage) -> None:
    """The reply to the cancel is lost: the order counts in full until it is read."""
    await stage.fault("reply_lost:cancel_order:1")
    await rests(stage)
    await flat(stage, "one_sided")
    assert stage.journal.all("cancel_answered")[0]["outcome"] == "unanswered"


async def cancel_lost(stage: Stage) -> None:
    """The cancel never arrived: it is asked for again, which unlike an order it may be."""
    await stage.fault("request_lost:cancel_order:1")
    await rests(stage)
    await flat(stage, "one_sided")
    assert len(stage.journal.all("cancel_intended")) >= 2


async def filled_before_cancel(stage: Stage) -> None:
    """The cancel crosses the fill: "not found" is no end; the fill is read and the hedge is whole."""
    await stage.fault("delay_before:cancel_order:1,delay_s=1.0")
    sell = await rests(stage)
    await stage.until(lambda: stage.journal.all("cancel_intended"), "the cancel to be on its way")
    await stage.crowd_takes(sell, "0.05")
    await flat(stage, "completed")


async def fill_after_cancel(stage: Stage) -> None:
    """The venue acknowledged the cancel and filled the order nevertheless, after the exit: booked, alarmed, halted."""
    await stage.fault("fill_after_cancel:cancel_order:1,delay_s=2.0")
    await rests(stage)
    await stage.until(lambda: stage.journal.all("fill_booked", late=True), "the late fill")
    assert stage.journal.mode() == "halted"
    code = await stage.stop()
    stage.notes.append("the late fill is booked, alarmed, halted")
    assert code == 22
    await stage.verdict(halted=True)


async def dust(stage: Stage) -> None:
    """What is left is worth less than the venue's minimum: carried, counted, no order."""
    sell = await rests(stage)
    await stage.crowd_takes(sell, "0.04990000")
    await flat(stage, "one_sided")
    assert stage.journal.all("hedge_closed")[0]["dust"] == "0.00010000"
    assert not stage.journal.all("exit_planned")
    assert len(await stage.orders()) == 2


async def loss_cap(stage: Stage) -> None:
    """Every way out loses more than the cap: left open, halted, exit code 22, and an alert with orders and amounts."""
    await rests(stage)
    await stage.show(USD, ("76500", "76502"))
    await stage.show(EUR, ("67700", "67702"))
    await stage.until(lambda: stage.journal.all("alert_raised", name="leg_open"), "the alert")
    assert stage.journal.mode() == "halted"
    assert await stage.stop() == 22
    (alert,) = stage.journal.all("alert_raised", name="stopped_not_flat")
    assert "0.05" in alert["text"]
    await stage.verdict(halted=True)


async def loss_cap_and_after(stage: Stage) -> None:
    """Left open beyond the cap; the market comes back, a person resumes, and it closes by itself."""
    await rests(stage)
    await stage.show(USD, ("76500", "76502"))
    await stage.show(EUR, ("67700", "67702"))
    await stage.until(lambda: stage.journal.all("alert_raised", name="leg_open"), "the alert")
    await stage.calm()
    await stage.tell("resume")
    await flat(stage, "one_sided")


async def crash_in_a_plan(stage: Stage) -> None:
    """Killed with a filled and a resting leg: the next process waits no second time, cancels and resolves."""
    await rests(stage)
    stage.signal(signal.SIGKILL)
    assert await stage.gone() == -9
    await stage.show(EUR, CALM[EUR])
    await stage.start()
    await stage.until(lambda: stage.journal.all("hedge_closed"), "the hedge to be resolved")
    await flat(stage, "one_sided")


ROWS: dict[str, tuple[Act, Mapping[str, Mapping[str, Any]]]] = {
    "pause with an open hedge": (pause, PATIENT),
    "halt with an open hedge": (halt, PATIENT),
    "SIGTERM (twice) with an open hedge": (sigterm, PATIENT),
    "SIGINT with an open hedge": (sigint, PATIENT),
    "panic with an open hedge": (panic, SLOWLY),
    "key refused with an open hedge": (lost_key, SLOWLY),
    "key refused when flat": (lost_key_when_flat, {}),
    "one leg rests and fills before T1": (waits_and_is_filled, PATIENT),
    "one leg rests past T1: complete": (completes, RESTS),
    "one leg rests past T1: unwind": (unwinds, {**RESTS, "hedge": {"wait_s": 2, "force_s": 8}}),
    "one leg rests past T2: forced": (forced, {**RESTS, "hedge": {"wait_s": 3, "force_s": 5}}),
    "buy rejected, sell live": (buy_rejected_sell_live, PATIENT),
    "buy rejected, sell part filled": (buy_rejected_sell_part, PATIENT),
    "buy rejected, sell filled": (buy_rejected_sell_filled, {}),
    "sell rejected, buy filled": (sell_rejected_buy_filled, {}),
    "both rejected, three times": (both_rejected, {"hedge": {"reject_cooldown_s": "0.2"}}),
    "buy filled in part": (partial_buy, {}),
    "sell filled in part": (partial_sell, {}),
    "sell filled in part, cancelled at T1": (partial_then_cancel, {**RESTS, "hedge": {"wait_s": 2, "force_s": 8}}),
    "cancel in doubt, it happened": (cancel_in_doubt, RESTS),
    "cancel in doubt, it did not": (cancel_lost, {**RESTS, "hedge": {"wait_s": "0.5", "force_s": 8}}),
    "filled while the cancel was on its way": (filled_before_cancel, {**RESTS, "hedge": {"force_s": 8}}),
    "fill after the cancel's acknowledgement": (fill_after_cancel, {**RESTS, "account": {"stop_grace_s": 3}}),
    "remainder below the minimum": (dust, {**RESTS, "hedge": {"wait_s": 3, "force_s": 5}}),
    "loss cap reached": (loss_cap, {**RESTS, "hedge": {"wait_s": 2, "force_s": 3}, "account": {"stop_grace_s": 4}}),
    "loss cap reached, then the market returns": (loss_cap_and_after, {**RESTS, "hedge": {"wait_s": 2, "force_s": 3}}),
    "crash in the middle of a plan": (crash_in_a_plan, PATIENT),
}


async def play(directory: Path, act: Act, over: Mapping[str, Mapping[str, Any]]) -> str:
    """One row."""
    async with staged(directory, QUICK, over=over) as stage:
        await act(stage)
        return stage.ended()


SCENES = {name: partial(play, act=act, over=over) for name, (act, over) in ROWS.items()}


@pytest.mark.timeout(PLAYTIME_S)
@pytest.mark.parametrize("scene", SCENES)
def test_one_leg(played: Played, scene: str) -> None:
    """Each row ends as the table says, by the journal, the exit code and the venue's truth."""
    played.outcome(scene)
