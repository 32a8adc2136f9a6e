"""The only door to the wire: nothing but an `Approved` can be sent, and only this module makes one."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from arbbot.domain.commands import PlaceOrder
from arbbot.domain.mode import Mode
from arbbot.domain.order import OrderKind, OrderTerms, Purpose
from arbbot.engine.core import Core
from arbbot.engine.refusal import Refusal

_MODE_REFUSALS = {
    Mode.PANIC: Refusal.HALTED,
    Mode.HALTED: Refusal.HALTED,
    Mode.REDUCING: Refusal.REDUCING,
    Mode.PAUSED: Refusal.PAUSED,
}
_SEAL = object()


@dataclass(frozen=True, slots=True)
class Approved:
    """Orders that may go out together. Made by the `approve_` functions only."""

    orders: tuple[OrderTerms, ...]
    seal: object

    def __post_init__(self) -> None:
        if self.seal is not _SEAL:
            raise TypeError("only risk approves orders")


def blocker(core: Core) -> Refusal | None:
    """Why no new hedge may start, whatever the books say; None when nothing forbids one."""
    state = core.state
    if core.stopping is not None:
        return Refusal.STOPPING
    if state.mode is not Mode.ACTIVE:
        return _MODE_REFUSALS[state.mode]
    refusal = busy(core)
    if refusal is not None:
        return refusal
    if abs(state.position) > core.rules.hedge.dust_cap:
        return Refusal.UNHEDGED
    refusal = unreconciled(core)
    if refusal is not None:
        return refusal
    refusal = clock(core)
    if refusal is not None:
        return refusal
    view = core.view
    if not all(symbol in view.fees for symbol in core.route.symbols):
        return Refusal.NO_FEES
    if view.halted:
        return Refusal.MARKET_HALTED
    if view.feed_dead or view.epoch is None:
        return Refusal.FEED_DOWN
    return None


def busy(core: Core) -> Refusal | None:
    """What is open or in doubt, or lent out: one thing at a time, hedges, conversions and settlements alike."""
    state = core.state
    if state.in_doubt():
        return Refusal.IN_DOUBT
    if state.foreign.open_id is not None:
        return Refusal.CONVERTING
    if state.settlements.lease is not None:
        return Refusal.LEASED
    return Refusal.HEDGE_OPEN if state.live or state.open_hedge_id is not None else None


def unreconciled(core: Core) -> Refusal | None:
    """What the ledger waits for before it can be trusted: its opening, or to be seen equal to the venue."""
    if core.anchoring:
        return Refusal.ANCHORING
    return Refusal.RECONCILING if not core.state.agreed or core.unattributed else None


def clock(core: Core) -> Refusal | None:
    """What makes this machine's clock unfit to trade by: without the venue's nothing shows that it is right."""
    if core.clock_base_us is None:
        return Refusal.CLOCK_UNSEEN
    return Refusal.CLOCK_STEPPED if core.clock_stepped else None


def conversion_blocker(core: Core) -> Refusal | None:
    """Why no conversion may start, whatever the FX book says. Unlike a hedge it is allowed while REDUCING."""
    state, symbol = core.state, core.route.fx.symbol
    if core.stopping is not None:
        return Refusal.STOPPING
    if state.mode not in (Mode.ACTIVE, Mode.REDUCING):
        return _MODE_REFUSALS[state.mode]
    refusal = busy(core) or unreconciled(core)
    if refusal is not None:
        return refusal
    if state.foreign.empty_in_row >= core.rules.fx.max_failures:
        return Refusal.FX_GIVEN_UP
    refusal = clock(core)
    if refusal is not None:
        return refusal
    if symbol not in core.view.fees:
        return Refusal.NO_FEES
    if symbol in core.view.halted:
        return Refusal.MARKET_HALTED
    if core.view.feed_dead or core.view.epoch is None:
        return Refusal.FEED_DOWN
    return None


def approve_hedge(core: Core, buy: OrderTerms, sell: OrderTerms) -> Approved | Refusal:
    """Approve the two legs of a new hedge, or say what forbids it."""
    refusal = blocker(core)
    if refusal is not None:
        return refusal
    if buy.size != sell.size or buy.purpose is not Purpose.LEG or sell.purpose is not Purpose.LEG:
        raise ValueError("legs of one hedge must be of one size")
    return Approved((buy, sell), _SEAL)


def approve_exit(core: Core, order: OrderTerms, imbalance: Decimal) -> Approved:
    """Approve an order that removes one-sided exposure. Raises ValueError where it would not, or overshoot it."""
    if (
        order.purpose not in (Purpose.COMPLETE, Purpose.UNWIND)
        or order.size > abs(imbalance)
        or order.side.sign * imbalance >= 0
    ):
        raise ValueError(f"{order} does not reduce an imbalance of {imbalance}")
    if core.state.live:
        raise ValueError("no top-up while another order may fill")
    return Approved((order,), _SEAL)


def approve_conversion(core: Core, order: OrderTerms) -> Approved:
    """Approve an order that brings the foreign currency's drift nearer to zero. Raises ValueError where it would not,
    or overshoot it, or where something forbids it.
    """
    refusal = conversion_blocker(core)
    if refusal is not None:
        raise ValueError(f"{order} is forbidden: {refusal}")
    drift = core.state.drift(core.route.foreign.counter)
    known = order.purpose is Purpose.CONVERT and order.market == core.route.fx.symbol
    if not known or order.kind is not OrderKind.IOC or order.size > abs(drift) or order.side.sign * drift >= 0:
        raise ValueError(f"{order} does not lessen a drift of {drift}")
    return Approved((order,), _SEAL)


def send(core: Core, approved: Approved) -> None:
    """Write the intents, then command them; the journal line is committed before the command runs."""
    for terms in approved.orders:
        core.intend(terms)
        core.commands.append(PlaceOrder(terms))
