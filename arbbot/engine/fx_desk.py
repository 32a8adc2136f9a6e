"""Brings the foreign currency that hedges left behind back to where it was, on the FX market, by policy.

One order at a time, never beside a hedge, immediate-or-cancel at the walked price: what does not fill stays as drift
for the next time. The order lives by the same rules as any: intent before the wire, doubt followed until it ends,
never sent again. Everything that matters is in the journal, so a crash in the middle needs no plan of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from arbbot.domain.book import Book, BookError
from arbbot.domain.market import Side
from arbbot.domain.mode import Mode, Severity
from arbbot.domain.money import ONE, ZERO, ceil_quotient, floor_to
from arbbot.domain.order import OrderKind, Purpose
from arbbot.domain.records import ConversionClosed, ConversionOpened
from arbbot.engine import risk
from arbbot.engine.bookkeeper import Bookkeeper
from arbbot.engine.conversion import ConversionCheck
from arbbot.engine.core import Core, ns
from arbbot.engine.entry import Entry, round_price
from arbbot.engine.foreign import Conversion
from arbbot.engine.limits import Limits
from arbbot.engine.premium import PremiumCheck
from arbbot.engine.refusal import Refusal
from arbbot.engine.rules import FxPolicy
from arbbot.engine.standstill import Standstill
from arbbot.engine.view import NEVER

TROUBLES = frozenset(
    {
        Refusal.CROSSED_BOOK,
        Refusal.BAD_BOOK,
        Refusal.FX_DEPTH,
        Refusal.FX_COLLAR,
        Refusal.FX_BALANCE,
        Refusal.NOTIONAL_CAP,
    }
)
"""Refusals of the FX market or our means: a person should know when they keep a drift standing. (What also stops
hedges is told there.)"""


@dataclass(frozen=True, slots=True)
class Plan:
    """One order on the FX market."""

    book: Book
    side: Side
    size: Decimal
    limit: Decimal
    vwap: Decimal
    bound: Refusal | None
    """What kept the size below the drift."""


class ConversionDesk:
    """Decides, follows and closes conversions."""

    def __init__(
        self, core: Core, books: Bookkeeper, entry: Entry, premium: PremiumCheck, rate: ConversionCheck, limits: Limits
    ) -> None:
        self._core = core
        self._books = books
        self._entry = entry
        self._premium = premium
        self._rate = rate
        self._limits = limits
        self.waiting: Refusal | None = None
        """Why a drift that the policy wants converted is not; None when there is none, or its order is on its way."""
        self._retry_ns = NEVER
        self._standstill = Standstill()

    def recover(self) -> None:
        """Take up what the journal left: a pause that the last process had begun is begun again."""
        last = next(reversed(self._core.state.foreign.conversions.values()), None)
        if last is not None and last.closed is not None and last.closed.outcome != "converted":
            self._pause()

    def advance(self) -> None:
        """Close the open conversion once it is over; else start one when the policy wants it and nothing forbids it."""
        conversion = self._core.state.foreign.open()
        if conversion is not None:
            self.waiting = None
            self._close_when_over(conversion)
            return
        self.waiting = self._consider()
        if self.waiting is Refusal.FX_GIVEN_UP and self._core.state.mode is Mode.ACTIVE:
            self._give_up()
        self._tell_when_stuck()

    # --- the open one --------------------------------------------------------------------------------------

    def _close_when_over(self, conversion: Conversion) -> None:
        state, name = self._core.state, conversion.client_order_id
        if name is None:
            self._close(conversion, ZERO, "no order was intended")
            return
        order = state.orders[name]
        if order.state.terminal and not any(owner == name for _, owner in state.unconfirmed):
            self._close(conversion, order.filled, f"{order.terms.side} {order.state}")

    def _close(self, conversion: Conversion, filled: Decimal, cause: str) -> None:
        core, opened = self._core, conversion.opened
        outcome = "nothing" if not filled else "converted" if filled == opened.size else "partial"
        core.emit(
            ConversionClosed(
                conversion_id=opened.conversion_id,
                outcome=outcome,
                foreign_delta=conversion.foreign,
                domestic_delta=conversion.domestic,
                fee=conversion.fee,
                realised_pnl=conversion.realised,
                drift=core.state.drift(opened.foreign),
                cause=cause,
                utc_us=core.at.utc_us,
            )
        )
        if outcome != "converted":
            self._pause()

    def _give_up(self) -> None:
        """Too many in a row did not fill: a person is called, and whoever resumes lets it try again."""
        core = self._core
        text = f"{core.state.foreign.empty_in_row} conversions in a row did not fill"
        core.alert(Severity.CRITICAL, "fx_given_up", text)
        core.restrict(Mode.REDUCING, text)

    def _pause(self) -> None:
        self._retry_ns = self._core.at.mono_ns + ns(self._core.rules.fx.retry_s)

    # --- a new one -----------------------------------------------------------------------------------------

    def _consider(self) -> Refusal | None:
        """Start a conversion if one is wanted; returns what forbids a wanted one."""
        drift = self._core.state.drift(self._core.route.foreign.counter)
        if not self._wanted(drift):
            return None
        refusal = self._blocked()
        if refusal is not None:
            return refusal
        try:
            plan = self._plan(drift)
        except BookError:
            return Refusal.BAD_BOOK
        if isinstance(plan, Plan):
            self._open(plan, drift)
            return None
        return plan

    def _wanted(self, drift: Decimal) -> bool:
        """What the policy asks for, as far as the venue would take it for an order."""
        core = self._core
        policy = core.rules.trade.fx_policy
        if not drift or policy is FxPolicy.NEVER or (policy is FxPolicy.BAND and abs(drift) <= core.rules.fx.band):
            return False
        price = core.view.mid(core.route.fx.symbol)
        return price is None or abs(drift) * price >= core.route.fx.minimum_order_value

    def _blocked(self) -> Refusal | None:
        """What forbids any conversion now."""
        core, now_ns = self._core, self._core.at.mono_ns
        refusal = risk.conversion_blocker(core) if self._entry.armed else self._entry.starting
        if refusal is not None:
            return refusal
        if now_ns < self._retry_ns:
            return Refusal.COOLDOWN
        if self._limits.too_many_orders(1):
            return Refusal.ORDER_RATE
        refusal = core.view.fx.refusal(now_ns - core.view.fresh_ns)
        return refusal or self._premium.refusal(now_ns) or self._rate.refusal(now_ns)

    def _plan(self, drift: Decimal) -> Plan | Refusal | None:
        """The largest part of the drift that everything allows, halved until the book carries it.

        None where the drift itself is below the venue's minimum after all. Raises BookError.
        """
        core, rules, book = self._core, self._core.rules.fx, self._core.view.fx.book
        side = Side.SELL if drift > 0 else Side.BUY
        assert book is not None, "a book that may be traded on is there"
        touch = book.touch(side)
        assert touch is not None, "and not one-sided"
        instrument = core.route.fx
        size, bound = self._most(abs(drift), side, touch)
        while (size := floor_to(size, instrument.lot)) * touch >= instrument.minimum_order_value:
            sweep = book.ladder(side).sweep(size)
            if sweep is None:
                bound = Refusal.FX_DEPTH
            elif side.sign * (sweep.worst - touch) > touch * rules.reach:
                bound = Refusal.FX_COLLAR
            else:
                limit = self._limit(side, sweep.worst)
                if min(size * limit, sweep.total) < instrument.minimum_order_value:
                    break
                return Plan(book, side, size, limit, sweep.vwap, bound)
            size /= 2
        return bound

    def _most(self, size: Decimal, side: Side, touch: Decimal) -> tuple[Decimal, Refusal | None]:
        """How much the cap and what is available allow, at the worst price there can be; and which of them binds."""
        core, rules, instrument = self._core, self._core.rules.fx, self._core.route.fx
        dearest = touch if side is Side.SELL else touch * (ONE + rules.reach) * (ONE + rules.slack)
        paying = instrument.base if side is Side.SELL else instrument.counter
        balance = self._books.balances.get(paying)
        available = ZERO if balance is None else max(balance.available, ZERO)
        if side is Side.BUY:
            available /= dearest * (ONE + core.view.fees[instrument.symbol].taker)
        bounds: tuple[tuple[Decimal, Refusal | None], ...] = (
            (size, None),
            (rules.max_conversion / dearest, Refusal.NOTIONAL_CAP),
            (available, Refusal.FX_BALANCE),
        )
        return min(bounds, key=lambda pair: pair[0])

    def _limit(self, side: Side, worst: Decimal) -> Decimal:
        """Beyond the worst price swept by the slack, rounded inward: a price on the grid is never rounded past it."""
        slack, tick = self._core.rules.fx.slack, self._core.route.fx.tick
        if side is Side.SELL:
            return ceil_quotient(worst * (ONE - slack), ONE, tick)
        return floor_to(worst * (ONE + slack), tick)

    def _open(self, plan: Plan, drift: Decimal) -> None:
        core, fx = self._core, self._core.route.fx
        conversion_id = f"{core.journal_key}-c{core.state.foreign.minted + 1:05d}"
        order = core.mint(conversion_id, Purpose.CONVERT, fx.symbol, plan.side, OrderKind.IOC, plan.size, plan.limit)
        approved = risk.approve_conversion(core, order)
        core.emit(
            ConversionOpened(
                conversion_id=conversion_id,
                market=fx.symbol,
                foreign=fx.base,
                domestic=fx.counter,
                side=plan.side,
                size=plan.size,
                limit_price=plan.limit,
                vwap=round_price(plan.vwap),
                fee=core.view.fees[fx.symbol].taker,
                drift=drift,
                cause=core.rules.trade.fx_policy.value,
                bound_by="drift" if plan.bound is None else plan.bound.value,
                book_microtimestamp=plan.book.microtimestamp,
                utc_us=core.at.utc_us,
            )
        )
        risk.send(core, approved)

    # --- standing still ------------------------------------------------------------------------------------

    def _tell_when_stuck(self) -> None:
        """Alert once when the same trouble has kept a drift standing for long."""
        core, currency = self._core, self._core.route.foreign.counter
        words = self._standstill.words(self.waiting if self.waiting in TROUBLES else None, core.at.mono_ns)
        if words is not None:
            core.alert(Severity.WARNING, "not_converting", f"{core.state.drift(currency)} {currency} {words}")
