"""What people, the venue's operators and the machine do to a life: disturbances that happen at their time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
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
    """Do what this disturbance means, now; it has fired if anything came of it."""
    stage.world.trace.note(stage.world.clock.now_us, f"happens {each}")
    if each.kind in FEED:
        process = stage.process
        if process is not None and stage.world.alive:
            _to(stage, lambda: _count(stage, each, FEED[each.kind](process, each)))
    elif each.kind in MACHINE:
        _count(stage, each, MACHINE[each.kind](stage, each))
    elif each.kind in TREASURY:
        _count(stage, each, stage.treasurer is not None and TREASURY[each.kind](stage.treasurer))
    elif each.kind in VERBS:
        said = VERBS[each.kind](stage, each)
        if said is not None:
            tell(stage, said.event, lambda: _count(stage, each, said.meant))
    else:
        _count(stage, each, VENUE[each.kind](stage, each))


def _count(stage: Stage, each: Disturbance, struck: bool) -> None:
    if struck:
        stage.world.fired[each.kind] += 1


def tell(stage: Stage, event: ev.Event, heard: Callable[[], None] = lambda: None) -> None:
    """An operator's word reaches the process, which has then `heard` it; or never."""
    process = stage.process
    if process is None:
        return

    def hear() -> None:
        process.deliver(event)
        heard()

    _to(stage, hear)


def _to(stage: Stage, happening: Callable[[], None]) -> None:
    """It happens to the process as soon as its loop turns; or never."""
    stage.world.to_process(stage.world.generation, happening)


@dataclass(frozen=True, slots=True)
class Said:
    """A word to the process. `meant` False: it is a slip, of something that is not there."""

    event: ev.Event
    meant: bool = True


# --- the feed -------------------------------------------------------------------------------------------------------

FEED: dict[str, Callable[[Process, Disturbance], bool]] = {
    "fin": lambda process, each: process.feed.cut("cut off"),
    "stall": lambda process, each: process.feed.mute("stall", each.for_ms * MS),
    "stall_frames": lambda process, each: process.feed.mute("stall_frames", each.for_ms * MS),
    "stall_channel": lambda process, each: process.feed.mute("stall_channel", each.for_ms * MS, each.target),
    "request_reconnect": lambda process, each: process.feed.ask_reconnect(),
    "late_frame": lambda process, each: process.feed.late_frame(),
}


# --- the machine ----------------------------------------------------------------------------------------------------


def _jump(stage: Stage, each: Disturbance) -> bool:
    stage.world.clock.wall_off_us += each.size * MS
    return each.size != 0


def _suspend(stage: Stage, each: Disturbance) -> bool:
    """The machine sleeps: its monotonic clock does not count it, its wall clock is set right when it wakes."""
    clock = stage.world.clock
    awake_us = max(clock.now_us, clock.blocked_until_us)
    struck = _block(stage, each)
    clock.asleep_us += max(0, clock.blocked_until_us - awake_us)
    return struck


def _block(stage: Stage, each: Disturbance) -> bool:
    clock = stage.world.clock
    before_us = clock.blocked_until_us
    clock.blocked_until_us = max(before_us, clock.now_us + each.for_ms * MS)
    return clock.blocked_until_us > before_us


def _crash(stage: Stage, each: Disturbance) -> bool:
    if stage.process is None or not stage.world.alive:
        return False
    stage.process.die(clean=True)
    return True


def _reboot(stage: Stage, each: Disturbance) -> bool:
    """The monotonic clock begins anew with the next process."""
    _crash(stage, each)
    clock = stage.world.clock
    if not stage.world.alive:
        clock.boot_us -= clock.mono_ns // 1000 - each.size * MS
    return not stage.world.alive


MACHINE: dict[str, Callable[[Stage, Disturbance], bool]] = {
    "clock_jump": _jump,
    "vm_pause": _suspend,
    "loop_block": _block,
    "crash_any": _crash,
    "reboot": _reboot,
}


# --- the treasury ---------------------------------------------------------------------------------------------------

TREASURY: dict[str, Callable[[Treasurer], bool]] = {
    "requests_restored": Treasurer.restore,
    "settings_changed": Treasurer.settings_change,
}


# --- operators ------------------------------------------------------------------------------------------------------


def _resolve(stage: Stage, each: Disturbance) -> Said | None:
    """A person looks at the venue and says the truth of a doubt, or names an order that does not exist."""
    if stage.process is None:
        return None
    wire = stage.process.wire
    underway = stage.world.checker.underway_ids
    for order in stage.process.state.in_doubt():
        name = order.terms.client_order_id
        known = stage.world.account.by_client_id.get(name)
        if name not in underway and wire is not None:
            return Said(ev.OperatorResolved(name, None if known is None else known.order_id, ANN, "looked it up"))
    return Said(ev.OperatorResolved("nobody-000001", None, ANN, "a slip"), meant=False)


def _slip(stage: Stage, each: Disturbance) -> Said | None:
    """A person who has not looked at the venue calls an order absent of which nothing has filled yet."""
    if stage.process is None:
        return None
    for order in stage.process.state.open_orders():
        if order.state is not OrderState.INTENT and not order.filled:
            stage.world.checker.truth.slip(order.terms.client_order_id)
            return Said(ev.OperatorResolved(order.terms.client_order_id, None, ANN, "did not look"))
    return None


VERBS: dict[str, Callable[[Stage, Disturbance], Said | None]] = {
    "pause": lambda stage, each: Said(ev.OperatorPaused(ANN, "tea")),
    "resume": lambda stage, each: Said(ev.OperatorResumed(ANN, "looked, all is well")),
    "halt": lambda stage, each: Said(ev.OperatorHalted(ANN, "strange")),
    "panic": lambda stage, each: Said(ev.OperatorHalted(ANN, "very strange", panic=True)),
    "resolve": _resolve,
    "resolve_wrongly": _slip,
    "rebase": lambda stage, each: Said(ev.OperatorRebased(ANN, "as it is")),
    "ramp_set": lambda stage, each: Said(ev.OperatorRampSet(Decimal(each.size) / 100, ANN, "a feeling")),
    "stop": lambda stage, each: Said(ev.StopAsked("SIGTERM")),
}


# --- the venue and the account's owner ------------------------------------------------------------------------------


def _burst(stage: Stage, each: Disturbance) -> bool:
    """More rows than a page holds, in a moment."""
    return each.size > 0 and all([stage.world.by_hand({"usd": Decimal("0.01")}, 0) for _ in range(each.size)])


def _round(stage: Stage, each: Disturbance) -> bool:
    """A person pays in just what a withdrawal once took: caps are round figures, and so is what people pay in."""
    taken = [request.leaves for request in stage.world.venue.withdrawals.of(stage.world.account)]
    return stage.world.by_hand({"usdt": taken[each.size % len(taken)] if taken else Decimal(20)}, 0)


def _manual(stage: Stage, each: Disturbance) -> bool:
    """The owner trades by hand: resting far off, or at the touch where the daemon's own order meets it, or taking."""
    world = stage.world
    market = each.target if each.target in SYMBOLS else DOMESTIC
    listing = world.venue.listing(market)
    bid, ask = listing.book.bids.best(), listing.book.asks.best()
    if bid is None or ask is None:
        return False
    if each.kind == "manual_order":
        side, kind = (Side.BUY if each.size % 2 else Side.SELL), Kind.LIMIT
        touch, off = (bid, 1 - FAR_OFF) if side is Side.BUY else (ask, 1 + FAR_OFF)
        price = (touch.price if each.size % 4 >= AT_THE_TOUCH else touch.price * off).quantize(listing.spec.tick)
    else:
        side, kind, price = (Side.BUY if each.size % 2 else Side.SELL), Kind.MARKET, None
    size = Decimal("0.002") if market != FX else Decimal(50)
    try:
        world.venue.place(world.account, OrderRequest(market, side, kind, size, price, None), world.clock.now_us)
    except Refusal:
        return False
    return True


def _owner_cancels(stage: Stage, each: Disturbance) -> bool:
    """The owner cancels the daemon's resting orders by hand."""
    world, struck = stage.world, False
    for order in list(world.account.open_orders.values()):
        if order.client_order_id is not None:
            with suppress(Refusal):
                world.venue.cancel(order, world.clock.now_us)
                struck = True
    return struck


def _fees(stage: Stage, each: Disturbance) -> bool:
    percent, before = Decimal(each.size) / 1000, stage.world.account.fixed_rates
    stage.world.account.fixed_rates = FeeRates(percent, percent)
    stage.world.checker.fee_changed(percent / 100)
    return stage.world.account.fixed_rates != before


def _minimum(stage: Stage, each: Disturbance) -> bool:
    listing = stage.world.venue.listing(each.target)
    before, minimum = listing.spec.minimum_order_value, Decimal(each.size)
    listing.spec = replace(listing.spec, minimum_order_value=minimum)
    return minimum != before


def _halt_market(stage: Stage, each: Disturbance) -> bool:
    world = stage.world
    traded = world.venue.listing(each.target).enabled
    world.venue.set_trading(each.target, False, world.clock.now_us)
    world.clock.after(each.for_ms * MS, lambda: world.venue.set_trading(each.target, True, world.clock.now_us))
    return traded


VENUE: dict[str, Callable[[Stage, Disturbance], bool]] = {
    "deposit": lambda stage, each: stage.world.by_hand({"eur": Decimal(1 + each.size % 500)}, 0),
    "usdt_deposit": _round,
    "withdrawal": lambda stage, each: stage.world.by_hand({"usd": -Decimal(1 + each.size % 500)}, 1, Decimal("0.5")),
    "conversion": lambda stage, each: stage.world.by_hand({"usd": Decimal(-110), "eur": Decimal(100)}, 36),
    "odd_row": lambda stage, each: stage.world.by_hand({"btc": Decimal("0.0001")}, 77),
    "row_burst": _burst,
    "manual_order": _manual,
    "manual_trade": _manual,
    "owner_cancel": _owner_cancels,
    "fee_change": _fees,
    "minimum_change": _minimum,
    "market_halt": _halt_market,
}
