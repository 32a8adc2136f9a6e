"""What people, the venue's operators and the machine do to a life: disturbances that happen at their time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Protocol

from arbbot.domain import events as ev
from arbbot.domain.order import OrderState
from arbbot.exchange.accounts import FeeRates
from arbbot.exchange.entry import OrderRequest
from arbbot.exchange.matching import Kind, Side
from arbbot.exchange.refusal import Refusal
from tests.sim.clockwork import MS
from tests.sim.house import DOMESTIC, FX, SYMBOLS
from tests.sim.plan import Disturbance
from tests.sim.process import Process
from tests.sim.treasurer import Treasurer
from tests.sim.world import World

ANN = "ann"
FAR_OFF = Decimal("0.05")
AT_THE_TOUCH = 2
"""Of an order's `size` modulo four; the last bit is its side."""


class Stage(Protocol):
    """What people act upon."""

    world: World
    process: Process | None
    treasurer: Treasurer | None

    def flush(self) -> None:
        """Let books that changed be sent."""
        ...


def happen(stage: Stage, each: Disturbance) -> None:
    """Do what this disturbance means, now."""
    stage.world.fired[each.kind] += 1
    stage.world.trace.note(stage.world.clock.now_us, f"happens {each}")
    if each.kind in FEED:
        process = stage.process
        if process is not None and stage.world.alive:
            _to(stage, lambda: FEED[each.kind](process, each))
    elif each.kind in MACHINE:
        MACHINE[each.kind](stage, each)
    elif each.kind in TREASURY:
        if stage.treasurer is not None:
            TREASURY[each.kind](stage.treasurer)
    elif each.kind in VERBS:
        event = VERBS[each.kind](stage, each)
        if event is not None:
            tell(stage, event)
    else:
        VENUE[each.kind](stage, each)


def tell(stage: Stage, event: ev.Event) -> None:
    """An operator's word reaches the process."""
    process = stage.process
    if process is not None:
        _to(stage, lambda: process.deliver(event))


def _to(stage: Stage, happening: Callable[[], None]) -> None:
    stage.world.to_process(stage.world.generation, happening)


# --- the feed -------------------------------------------------------------------------------------------------------

FEED: dict[str, Callable[[Process, Disturbance], None]] = {
    "fin": lambda process, each: process.feed.cut("cut off"),
    "stall": lambda process, each: process.feed.mute("stall", each.for_ms * MS),
    "stall_frames": lambda process, each: process.feed.mute("stall_frames", each.for_ms * MS),
    "stall_channel": lambda process, each: process.feed.mute("stall_channel", each.for_ms * MS, each.target),
    "request_reconnect": lambda process, each: process.feed.ask_reconnect(),
    "late_frame": lambda process, each: process.feed.late_frame(),
}


# --- the machine ----------------------------------------------------------------------------------------------------


def _jump(stage: Stage, each: Disturbance) -> None:
    stage.world.clock.wall_off_us += each.size * MS


def _suspend(stage: Stage, each: Disturbance) -> None:
    """The machine sleeps: its monotonic clock does not count it, its wall clock is set right when it wakes."""
    clock = stage.world.clock
    awake_us = max(clock.now_us, clock.blocked_until_us)
    _block(stage, each)
    clock.asleep_us += max(0, clock.blocked_until_us - awake_us)


def _block(stage: Stage, each: Disturbance) -> None:
    clock = stage.world.clock
    clock.blocked_until_us = max(clock.blocked_until_us, clock.now_us + each.for_ms * MS)


def _crash(stage: Stage, each: Disturbance) -> None:
    if stage.process is not None and stage.world.alive:
        stage.process.die(clean=True)


def _reboot(stage: Stage, each: Disturbance) -> None:
    """The monotonic clock begins anew with the next process."""
    _crash(stage, each)
    clock = stage.world.clock
    if not stage.world.alive:
        clock.boot_us -= clock.mono_ns // 1000 - each.size * MS


MACHINE: dict[str, Callable[[Stage, Disturbance], None]] = {
    "clock_jump": _jump,
    "vm_pause": _suspend,
    "loop_block": _block,
    "crash_any": _crash,
    "reboot": _reboot,
}


# --- the treasury ---------------------------------------------------------------------------------------------------

TREASURY: dict[str, Callable[[Treasurer], None]] = {
    "requests_restored": Treasurer.restore,
    "settings_changed": Treasurer.settings_change,
}


# --- operators ------------------------------------------------------------------------------------------------------


def _resolve(stage: Stage, each: Disturbance) -> ev.Event | None:
    """A person looks at the venue and says the truth of a doubt, or names an order that does not exist."""
    if stage.process is None:
        return None
    wire = stage.process.wire
    underway = stage.world.checker.underway_ids
    for order in stage.process.state.in_doubt():
        name = order.terms.client_order_id
        known = stage.world.account.by_client_id.get(name)
        if name not in underway and wire is not None:
            return ev.OperatorResolved(name, None if known is None else known.order_id, ANN, "looked it up")
    return ev.OperatorResolved("nobody-000001", None, ANN, "a slip")


def _slip(stage: Stage, each: Disturbance) -> ev.Event | None:
    """A person who has not looked at the venue calls an order absent of which nothing has filled yet."""
    if stage.process is None:
        return None
    for order in stage.process.state.open_orders():
        if order.state is not OrderState.INTENT and not order.filled:
            stage.world.checker.truth.slip(order.terms.client_order_id)
            return ev.OperatorResolved(order.terms.client_order_id, None, ANN, "did not look")
    return None


VERBS: dict[str, Callable[[Stage, Disturbance], ev.Event | None]] = {
    "pause": lambda stage, each: ev.OperatorPaused(ANN, "tea"),
    "resume": lambda stage, each: ev.OperatorResumed(ANN, "looked, all is well"),
    "halt": lambda stage, each: ev.OperatorHalted(ANN, "strange"),
    "panic": lambda stage, each: ev.OperatorHalted(ANN, "very strange", panic=True),
    "resolve": _resolve,
    "resolve_wrongly": _slip,
    "rebase": lambda stage, each: ev.OperatorRebased(ANN, "as it is"),
    "ramp_set": lambda stage, each: ev.OperatorRampSet(Decimal(each.size) / 100, ANN, "a feeling"),
    "stop": lambda stage, each: ev.StopAsked("SIGTERM"),
}


# --- the venue and the account's owner ------------------------------------------------------------------------------


def _external(stage: Stage, amounts: dict[str, Decimal], kind: int, fee: Decimal = Decimal(0)) -> None:
    with suppress(Refusal):  # not enough there: then it did not happen
        row = stage.world.venue.external(stage.world.account, amounts, kind, stage.world.clock.now_us, fee)
        stage.world.checker.treasury.by_hand(row.row_id)
    stage.world.checker.truth.dirty = True  # the venue announces no such movement


def _burst(stage: Stage, each: Disturbance) -> None:
    """More rows than a page holds, in a moment."""
    for _ in range(each.size):
        _external(stage, {"usd": Decimal("0.01")}, 0)


def _round(stage: Stage, each: Disturbance) -> None:
    """A person pays in just what a withdrawal once took: caps are round figures, and so is what people pay in."""
    taken = [request.leaves for request in stage.world.venue.withdrawals.of(stage.world.account)]
    _external(stage, {"usdt": taken[each.size % len(taken)] if taken else Decimal(20)}, 0)


def _manual(stage: Stage, each: Disturbance) -> None:
    """The owner trades by hand: resting far off, or at the touch where the daemon's own order meets it, or taking."""
    world = stage.world
    market = each.target if each.target in SYMBOLS else DOMESTIC
    listing = world.venue.listing(market)
    bid, ask = listing.book.bids.best(), listing.book.asks.best()
    if bid is None or ask is None:
        return
    if each.kind == "manual_order":
        side, kind = (Side.BUY if each.size % 2 else Side.SELL), Kind.LIMIT
        touch, off = (bid, 1 - FAR_OFF) if side is Side.BUY else (ask, 1 + FAR_OFF)
        price = (touch.price if each.size % 4 >= AT_THE_TOUCH else touch.price * off).quantize(listing.spec.tick)
    else:
        side, kind, price = (Side.BUY if each.size % 2 else Side.SELL), Kind.MARKET, None
    size = Decimal("0.002") if market != FX else Decimal(50)
    with suppress(Refusal):
        world.venue.place(world.account, OrderRequest(market, side, kind, size, price, None), world.clock.now_us)


def _owner_cancels(stage: Stage, each: Disturbance) -> None:
    """The owner cancels the daemon's resting order by hand."""
    world = stage.world
    for order in list(world.account.open_orders.values()):
        if order.client_order_id is not None:
            with suppress(Refusal):
                world.venue.cancel(order, world.clock.now_us)


def _fees(stage: Stage, each: Disturbance) -> None:
    percent = Decimal(each.size) / 1000
    stage.world.account.fixed_rates = FeeRates(percent, percent)
    stage.world.checker.fee_changed(percent / 100)


def _minimum(stage: Stage, each: Disturbance) -> None:
    listing = stage.world.venue.listing(each.target)
    listing.spec = replace(listing.spec, minimum_order_value=Decimal(each.size))


def _halt_market(stage: Stage, each: Disturbance) -> None:
    world = stage.world
    world.venue.set_trading(each.target, False, world.clock.now_us)
    world.clock.after(each.for_ms * MS, lambda: world.venue.set_trading(each.target, True, world.clock.now_us))


VENUE: dict[str, Callable[[Stage, Disturbance], None]] = {
    "deposit": lambda stage, each: _external(stage, {"eur": Decimal(1 + each.size % 500)}, 0),
    "usdt_deposit": _round,
    "withdrawal": lambda stage, each: _external(stage, {"usd": -Decimal(1 + each.size % 500)}, 1, Decimal("0.5")),
    "conversion": lambda stage, each: _external(stage, {"usd": Decimal(-110), "eur": Decimal(100)}, 36),
    "odd_row": lambda stage, each: _external(stage, {"btc": Decimal("0.0001")}, 77),
    "row_burst": _burst,
    "manual_order": _manual,
    "manual_trade": _manual,
    "owner_cancel": _owner_cancels,
    "fee_change": _fees,
    "minimum_change": _minimum,
    "market_halt": _halt_market,
}
