"""How exposed we are at worst, and since when: what the engine's state implies for a person."""

from __future__ import annotations

from decimal import Decimal

from arbbot.domain.book import BookError
from arbbot.domain.events import Moment
from arbbot.domain.market import Side
from arbbot.domain.money import ZERO
from arbbot.domain.order import OrderState, Purpose
from arbbot.engine.core import Core
from arbbot.engine.own import OwnOrder

CENT = Decimal("0.01")


class Unhedged:
    """Since when the base position is one-sided or in doubt: as of the first look that found it so. Somebody looks once
    a second at least; what the first look of a process finds is dated by the open hedge's decision.
    """

    def __init__(self) -> None:
        self._since_us: int | None = None
        self._looked = False

    def since_us(self, core: Core, now: Moment) -> int | None:
        """UTC microseconds; None while both sides may still meet. Two orders on their way are not one-sided yet."""
        if not _is_unhedged(core):
            self._since_us = None
        elif self._since_us is None:
            hedge = core.state.open_hedge()
            self._since_us = now.utc_us if self._looked or hedge is None else hedge.opened.utc_us
        self._looked = True
        return self._since_us


def _is_unhedged(core: Core) -> bool:
    """In doubt, or beyond dust whatever the legs may still fill: an exit on its way has not removed anything yet."""
    low = high = core.state.position
    for order in core.state.open_orders():
        if order.terms.purpose is Purpose.CONVERT:
            continue
        if order.state is OrderState.IN_DOUBT:
            return True
        if order.terms.purpose is Purpose.LEG:
            low -= order.may_fill if order.terms.side is Side.SELL else ZERO
            high += order.may_fill if order.terms.side is Side.BUY else ZERO
    return low > core.dust or high < -core.dust


def worst_notional(core: Core) -> Decimal | None:
    """Numeraire, rounded: the most that open orders may still exchange by the books of now. A limit bounds what a
    purchase pays; what it gets, and what a market order pays, is the book's. None without a price.
    """
    total, fx = ZERO, core.view.mid(core.route.fx.symbol)
    for order in core.state.open_orders():
        paid = _at_most(core, order)
        rate = Decimal(1) if core.route.instrument(order.terms.market).counter == core.route.numeraire else fx
        if paid is None or rate is None:
            return None
        total += paid * rate
    return total.quantize(CENT)


def _at_most(core: Core, order: OwnOrder) -> Decimal | None:
    """Counter currency."""
    terms, size = order.terms, order.may_fill
    if not size:
        return ZERO
    if terms.side is Side.BUY and terms.price is not None:
        return size * terms.price
    book = core.view.slots[terms.market].book
    if book is None:
        return None
    if terms.side is Side.SELL:
        return None if book.bid is None else size * max(book.bid, terms.price or ZERO)
    try:
        swept = book.ladder(Side.BUY).sweep(size)
    except BookError:
        return None
    return None if swept is None else swept.total
