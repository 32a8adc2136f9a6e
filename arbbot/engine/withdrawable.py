"""What of the account is profit that may leave it: the smaller of what hedges have made and what lies over principal.

    principal     = opening + deposits - withdrawals by hand, per currency
    closed profit = hedge P&L whose foreign currency is converted or netted, at the orders' prices, fees off
    not withdrawn = closed profit - what settlements have spent
    surplus       = balance - principal of the paying currency, less what restoring every other currency of the route
                    to its principal would cost: bought at the worst price the walk of the book meets, taker fee in
    withdrawable  = min(not withdrawn, surplus, available), never below zero

A surplus of another currency restores nothing here: only what can be seen to be there counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from arbbot.domain.book import Book, BookError
from arbbot.domain.ledger import LedgerAccount
from arbbot.domain.market import FeeRate, Instrument, Route, Side
from arbbot.domain.money import ONE, ZERO, ceil_quotient
from arbbot.engine.foreign import Foreign
from arbbot.engine.state import State

SEARCHED_BEYOND = Decimal("1.01")
"""A purchase's fee is paid with more of what is sold: so much more is walked at first."""
_STEP = Decimal("1e-8")
BookOf = Callable[[str], Book | None]
"""A market's book that may be believed now."""


@dataclass(frozen=True, slots=True)
class Withdrawable:
    """The figures behind a settlement, in the paying currency unless named otherwise."""

    pays: str
    size: Decimal
    """What may be spent."""
    principal: tuple[tuple[str, Decimal], ...]
    closed_profit: Decimal
    """Numeraire."""
    spent: Decimal
    """Numeraire, by settlements since the opening."""
    surplus: Decimal
    """Over principal, before anything is set aside."""
    set_aside: Decimal | None
    """None where no book tells what restoring would cost: nothing may be spent then."""
    available: Decimal


def principal(state: State, currency: str) -> Decimal:
    """What people have put in and not taken out."""
    return -(
        state.ledger.balance(LedgerAccount.OPENING, currency) + state.ledger.balance(LedgerAccount.EXTERNAL, currency)
    )


def surplus(state: State, currency: str) -> Decimal:
    """What the ledger owns over principal, less what announced withdrawals may still take of it (not of what the
    opening held already, which is principal until it leaves), and less what is a return or a deposit, nobody knows yet.
    """
    waiting = (each for each in state.settlements.unrowed(currency) if each.out is None)
    announced = sum((each.total for each in waiting if each.against is not LedgerAccount.EXTERNAL), ZERO)
    held = sum((each.held or ZERO for each in state.settlements.of(currency)), ZERO)
    return state.ledger.balance(LedgerAccount.VENUE, currency) - principal(state, currency) - announced - held


def closed_profit(realised: Decimal, foreign: Foreign) -> Decimal:
    """Hedge P&L as far as it is closed in FX, at the FX orders' prices, their fees off. A loss counts at once."""
    return realised - max(foreign.open_pnl, ZERO) + foreign.realised - foreign.fees


def withdrawable(
    state: State, route: Route, pays: str, available: Decimal, fees: dict[str, FeeRate], book_of: BookOf
) -> Withdrawable:
    """The figures at a quiet moment; `pays` is the route's domestic or foreign currency."""
    over = surplus(state, pays)
    aside = set_aside(state, route, pays, fees, book_of)
    profit = closed_profit(state.realised_pnl + state.drills.pnl, state.foreign)
    left = _in_currency(profit - state.settlements.spent, route, pays, book_of)
    size = ZERO
    if aside is not None and left is not None:
        size = max(min(left, over - aside, available), ZERO)
    shown = tuple((currency, principal(state, currency)) for currency in route.currencies)
    return Withdrawable(pays, size, shown, profit, state.settlements.spent, over, aside, available)


def set_aside(state: State, route: Route, pays: str, fees: dict[str, FeeRate], book_of: BookOf) -> Decimal | None:
    """What restoring every other currency of the route would cost; None where a book or fee for it is missing."""
    total = ZERO
    for currency in route.currencies:
        short = -surplus(state, currency)
        if currency == pays or short <= 0:
            continue
        market = _market(route, currency, pays)
        rate, book = fees.get(market.symbol), book_of(market.symbol)
        cost = None if rate is None or book is None else restoring(market, currency, short, rate.taker, book)
        if cost is None:
            return None
        total += cost
    return total


def restoring(market: Instrument, wanted: str, short: Decimal, fee: Decimal, book: Book) -> Decimal | None:
    """What it costs to get `short` of a market's currency for its other one, all at the worst price that the walk
    meets, fee in; None where the book does not reach.
    """
    try:
        if wanted == market.base:
            sweep = book.ladder(Side.BUY).sweep(short)
            return None if sweep is None else short * sweep.worst * (ONE + fee)
        touch = book.touch(Side.SELL)
        if not touch:
            return None
        size = short / touch * SEARCHED_BEYOND
        for _ in range(4):
            sweep = book.ladder(Side.SELL).sweep(size)
            if sweep is None:
                return None
            needed = ceil_quotient(short, sweep.worst * (ONE - fee), market.lot)
            if needed <= size:
                return needed
            size = needed * SEARCHED_BEYOND
    except BookError:
        return None
    return None


def _market(route: Route, currency: str, pays: str) -> Instrument:
    """The route's market between two of its currencies."""
    return next(each for each in route.instruments if {currency, pays} == {each.base, each.counter})


def _in_currency(worth: Decimal, route: Route, pays: str, book_of: BookOf) -> Decimal | None:
    """Numeraire in the paying currency, at the ask: what it would buy of it."""
    if pays == route.numeraire:
        return worth
    book = book_of(route.fx.symbol)
    return None if book is None or not book.ask else (worth / book.ask).quantize(_STEP, ROUND_FLOOR)
