"""Carries the open hedge to its end: deadlines, cancels, and the cheaper way out of a one-sided fill."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from arbbot.domain.book import Book, BookError
from arbbot.domain.commands import Topic
from arbbot.domain.market import Side
from arbbot.domain.mode import Mode, Severity
from arbbot.domain.money import ONE, ZERO, ceil_quotient, floor_to
from arbbot.domain.order import OrderKind, OrderState, Purpose
from arbbot.domain.records import ExitPlanned, HedgeClosed, HedgeSettled, Holding
from arbbot.engine import risk
from arbbot.engine.core import Core, ns
from arbbot.engine.entry import Entry, round_price
from arbbot.engine.one_leg import CancelThese, Close, ExitImbalance, Wait, filled, next_move
from arbbot.engine.own import Hedge, OwnOrder
from arbbot.engine.spread import bps
from arbbot.engine.tracker import OrderTracker
from arbbot.engine.view import NEVER

BOOK_ASK_EVERY_S = Decimal("0.5")
SLOW_EXIT_PAUSE_S = Decimal(30)
"""Between exits once a person was called: nothing but the cap or a doubt may leave a leg open for ever."""
EXIT_PAUSE_S = Decimal(1)
"""After an exit of which nothing filled."""
BOOK_PATIENCE_S = Decimal(5)
"""How long an exit waits for all three books, so that the cheaper way is known, before it takes what there is."""
LEFT_OPEN_ALERT_EVERY_S = Decimal(60)
EXIT_ANSWER_S = Decimal(5)
"""An exit on its way is no doubt before this."""


@dataclass(frozen=True, slots=True)
class WayOut:
    """One way to remove an imbalance: an order in one market, and its worth in the numeraire."""

    purpose: Purpose
    market: str
    side: Side
    size: Decimal
    limit: Decimal
    """Beyond the worst price swept by the slippage, rounded inward: never past it."""
    value: Decimal
    """Numeraire, signed: what comes in selling, minus what goes out buying; fees and FX in."""
    loss: Decimal
    """Fraction lost against the decision's prices; negative for a gain."""


class HedgeDesk:
    """Drives the one open hedge and settles closed ones."""

    def __init__(self, core: Core, tracker: OrderTracker, entry: Entry) -> None:
        self._core = core
        self._tracker = tracker
        self._entry = entry
        self._this_process: set[str] = set()
        """Hedges decided by this process: only they have a waiting period; one found at start has had it."""
        self._book_asked_ns = NEVER
        self._left_open_alert_ns = NEVER
        self._left_open: str | None = None
        """The hedge of which this process has told that it is left open."""
        self._exit_sent_ns = NEVER
        self._waiting_for_books: tuple[str, int] | None = None
        """The hedge whose exit lacks a book, and since when."""
        self._unsettled: list[str] = []
        self._taken_up_ns = NEVER
        """When this process took up what the journal left."""
        self._doubts_told: frozenset[str] = frozenset()
        """Orders of which this process has told that they leave a leg open."""

    def opened(self, hedge_id: str) -> None:
        """A hedge was decided here and now."""
        self._this_process.add(hedge_id)

    def recover(self) -> None:
        """Take up what the journal left."""
        hedges = self._core.state.hedges
        self._taken_up_ns = self._core.at.mono_ns
        self._unsettled = [name for name, hedge in hedges.items() if hedge.closed and not hedge.settled]

    @property
    def settling(self) -> bool:
        """True while a closed hedge waits for its transaction rows."""
        return bool(self._unsettled)

    # --- the open hedge ------------------------------------------------------------------------------------

    def advance(self) -> None:
        """Make the next move of the open hedge, if there is one."""
        hedge = self._core.state.open_hedge()
        if hedge is None:
            return
        orders = [self._core.state.orders[name] for name in hedge.orders]
        if self._core.state.live:
            self._tell_of_doubt(hedge, orders)
        move = next_move(orders, overdue=self._overdue(hedge), dust=self._core.dust)
        match move:
            case Wait():
                return
            case CancelThese(orders=resting, cause=cause):
                for order in resting:
                    self._tracker.cancel(order, cause)
            case ExitImbalance() if self._core.state.mode is Mode.PANIC:
                return
            case ExitImbalance() if self._core.state.live:
                return  # an order of an earlier hedge, taken for absent, is alive: no top-up before it is cancelled
            case ExitImbalance(imbalance=imbalance, cause=cause):
                self._exit(hedge, imbalance, cause)
            case Close(outcome=outcome, cause=cause):
                self._close(hedge, orders, outcome, cause)

    def _age_ns(self, hedge: Hedge) -> int:
        """Since the decision; for ever, for a hedge of an earlier process (its waiting period is over)."""
        if hedge.opened.hedge_id not in self._this_process:
            return 2**62
        return self._core.at.mono_ns - hedge.opened.mono_ns

    def _overdue(self, hedge: Hedge) -> bool:
        core = self._core
        return core.halting or core.view.feed_dead or self._age_ns(hedge) >= ns(core.rules.hedge.wait_s)

    def _tell_of_doubt(self, hedge: Hedge, orders: list[OwnOrder]) -> None:
        """At T2 a person hears, once of each doubt, of a filled part that waits for a word on what may still fill; it
        goes on when the word comes. A hedge of an earlier process has the whole time again, for it is found with every
        start.
        """
        core, hedge_id = self._core, hedge.opened.hedge_id
        since_ns = hedge.opened.mono_ns if hedge_id in self._this_process else self._taken_up_ns
        due_ns = max(since_ns + ns(core.rules.hedge.force_s), self._exit_sent_ns + ns(EXIT_ANSWER_S))
        imbalance = filled(orders, Side.BUY) - filled(orders, Side.SELL)
        alive = frozenset(core.state.live)
        if alive <= self._doubts_told or core.at.mono_ns < due_ns or abs(imbalance) < core.dust:
            return
        self._doubts_told = alive
        why = f"{', '.join(core.state.live)} may still fill"
        core.alert(Severity.CRITICAL, "leg_open", f"{hedge_id}: {imbalance} {core.route.base} unhedged: {why}")

    def _close(self, hedge: Hedge, orders: list[OwnOrder], outcome: str, cause: str) -> None:
        core, rules = self._core, self._core.rules.hedge
        bought, sold = filled(orders, Side.BUY), filled(orders, Side.SELL)
        hedge_id = hedge.opened.hedge_id
        core.emit(HedgeClosed(hedge_id, outcome, bought, sold, bought - sold, cause, core.at.utc_us))
        self._this_process.discard(hedge_id)
        self._unsettled.append(hedge_id)
        pause = rules.reject_cooldown_s if outcome == "nothing" else rules.cooldown_s
        self._entry.cooldown_until_ns = core.at.mono_ns + ns(pause)
        if core.state.empty_hedges_in_row >= rules.rejects_to_reduce:
            core.restrict(Mode.REDUCING, f"{core.state.empty_hedges_in_row} hedges in a row did not fill")
        if abs(core.state.position) > rules.dust_cap:
            core.restrict(Mode.REDUCING, f"carried dust of {core.state.position} exceeds its cap")

    # --- a way out -----------------------------------------------------------------------------------------

    def _exit(self, hedge: Hedge, imbalance: Decimal, cause: str) -> None:
        core, rules = self._core, self._core.rules.hedge
        forced = core.halting or self._age_ns(hedge) >= ns(rules.force_s)
        if hedge.exits >= rules.max_exits:
            self._leave_open(hedge, imbalance, f"{hedge.exits} exits did not remove it", forced, [])
            if core.at.mono_ns < self._exit_sent_ns + ns(SLOW_EXIT_PAUSE_S):
                return
        if self._pausing(hedge) or self._waiting(hedge):
            return
        ways = self._ways_out(hedge, imbalance)
        if not ways and forced:
            ways = self._ways_out(hedge, imbalance, partly=True)
        if not ways:
            if forced:
                self._leave_open(hedge, imbalance, "no fresh book deep enough to exit on", forced, [], halt=False)
            return
        even = len({way.size for way in ways}) == 1
        best = max(ways, key=lambda way: (way.value if even else -way.loss, way.purpose))
        cap = rules.forced_exit_loss if forced else rules.exit_loss
        if best.loss > cap:
            if forced:
                self._leave_open(hedge, imbalance, f"the cheapest exit loses {best.loss:.4%}", forced, ways)
            return
        self._plan(hedge, imbalance, best.purpose.value, cause, forced, ways)
        order = core.mint(
            hedge.opened.hedge_id, best.purpose, best.market, best.side, OrderKind.IOC, best.size, best.limit
        )
        self._exit_sent_ns = core.at.mono_ns
        risk.send(core, risk.approve_exit(core, order, imbalance))

    def _pausing(self, hedge: Hedge) -> bool:
        """True after an exit of which nothing filled: for a moment, and for a while longer until every book was vouched
        for since, for the same books would give the same answer. A book that stays silent holds no leg open.
        """
        last = self._core.state.orders[hedge.orders[-1]]
        if last.terms.purpose is Purpose.LEG or last.filled > 0:
            return False
        if self._core.at.mono_ns < self._exit_sent_ns + ns(EXIT_PAUSE_S):
            return True
        if all(self._core.view.confirmed_ns(symbol) > self._exit_sent_ns for symbol in self._core.route.symbols):
            return False
        self._want_books()
        return self._core.at.mono_ns < self._exit_sent_ns + ns(BOOK_PATIENCE_S)

    def _waiting(self, hedge: Hedge) -> bool:
        """True while a book is missing that may still come: after a restart, or when the feed is gone."""
        core, hedge_id = self._core, hedge.opened.hedge_id
        if all(core.view.exit_book(symbol, core.at.mono_ns) is not None for symbol in core.route.symbols):
            self._waiting_for_books = None
            return False
        if self._waiting_for_books is None or self._waiting_for_books[0] != hedge_id:
            self._waiting_for_books = (hedge_id, core.at.mono_ns)
        self._want_books()
        return core.at.mono_ns - self._waiting_for_books[1] < ns(BOOK_PATIENCE_S)

    def _plan(
        self, hedge: Hedge, imbalance: Decimal, action: str, cause: str, forced: bool, ways: list[WayOut]
    ) -> None:
        values = {way.purpose: round_price(way.value) for way in ways}
        self._core.emit(
            ExitPlanned(
                hedge.opened.hedge_id,
                action,
                cause,
                imbalance,
                values.get(Purpose.COMPLETE),
                values.get(Purpose.UNWIND),
                forced,
                self._core.at.utc_us,
            )
        )

    def _leave_open(
        self, hedge: Hedge, imbalance: Decimal, why: str, forced: bool, ways: list[WayOut], *, halt: bool = True
    ) -> None:
        """Only the cap or a doubt leaves a leg open: halted, and said again every minute. A missing book is told as
        loudly, but it comes back by itself, and so does the exit.
        """
        core = self._core
        if core.at.mono_ns < self._left_open_alert_ns:
            return
        self._left_open_alert_ns = core.at.mono_ns + ns(LEFT_OPEN_ALERT_EVERY_S)
        self._left_open = hedge.opened.hedge_id
        self._plan(hedge, imbalance, "leave", why, forced, ways)
        core.alert(
            Severity.CRITICAL, "leg_open", f"{hedge.opened.hedge_id}: {imbalance} {core.route.base} unhedged: {why}"
        )
        if halt:
            core.restrict(Mode.HALTED, f"{hedge.opened.hedge_id} is one-sided: {why}")

    def _want_books(self) -> None:
        core = self._core
        if core.at.mono_ns < self._book_asked_ns + ns(BOOK_ASK_EVERY_S) or core.asking(Topic.BOOK):
            return
        self._book_asked_ns = core.at.mono_ns
        for symbol in core.route.symbols:
            core.ask(Topic.BOOK, market=symbol)

    def _ways_out(self, hedge: Hedge, imbalance: Decimal, *, partly: bool = False) -> list[WayOut]:
        """Completing and unwinding, each where a fresh book is deep enough and the venue's minimum allows it. `partly`:
        as much as a book holds will do.
        """
        side = Side.SELL if imbalance > 0 else Side.BUY
        opened = hedge.opened
        if side is Side.SELL:
            markets = ((Purpose.COMPLETE, opened.sell_market), (Purpose.UNWIND, opened.buy_market))
        else:
            markets = ((Purpose.COMPLETE, opened.buy_market), (Purpose.UNWIND, opened.sell_market))
        found: list[WayOut] = []
        for purpose, market in markets:
            book = self._core.view.exit_book(market, self._core.at.mono_ns)
            if book is None:
                continue
            try:
                most = min(abs(imbalance), book.ladder(side).depth) if partly else abs(imbalance)
                way = self._way_out(hedge, purpose, book, side, most)
            except BookError:
                continue
            if way is not None:
                found.append(way)
        refused = {
            order.terms.purpose
            for order in (self._core.state.orders[name] for name in hedge.orders)
            if order.state is OrderState.REJECTED
        }
        return [way for way in found if way.purpose not in refused] or found

    def _way_out(self, hedge: Hedge, purpose: Purpose, book: Book, side: Side, imbalance: Decimal) -> WayOut | None:
        core, opened = self._core, hedge.opened
        instrument = core.route.instrument(book.symbol)
        size = floor_to(imbalance, instrument.lot)
        sweep = book.ladder(side).sweep(size) if size > 0 else None
        if sweep is None or sweep.total < instrument.minimum_order_value:
            return None
        fee = core.view.fees[book.symbol].taker if book.symbol in core.view.fees else opened.buy_fee
        cash = sweep.total * (ONE - fee if side is Side.SELL else ONE + fee)
        worth = core.view.to_numeraire(instrument.counter, side, cash, core.at.mono_ns)
        if worth is None:
            return None
        if instrument.counter != core.route.numeraire:
            worth *= ONE + fx_fee_sign(side, purpose) * opened.fx_fee
        slack = core.rules.hedge.exit_slippage
        if side is Side.SELL:
            limit = ceil_quotient(sweep.worst * (ONE - slack), ONE, instrument.tick)
            basis = reference_price(hedge, Side.BUY, core.route.domestic.symbol) * size
            return WayOut(purpose, book.symbol, side, size, limit, worth, (basis - worth) / basis)
        limit = floor_to(sweep.worst * (ONE + slack), instrument.tick)
        basis = reference_price(hedge, Side.SELL, core.route.domestic.symbol) * size
        return WayOut(purpose, book.symbol, side, size, limit, -worth, (worth - basis) / basis)

    # --- what it made --------------------------------------------------------------------------------------

    def abandon(self, cause: str) -> None:
        """Give the open hedge up as it stands, by a person's word, once nothing of it can fill and no exit is to be
        tried any more: it was told to be left open, or a panic forbids exits.
        """
        core, hedge = self._core, self._core.state.open_hedge()
        if hedge is None or core.state.live:
            return
        if core.state.mode is not Mode.PANIC and self._left_open != hedge.opened.hedge_id:
            return
        orders = [core.state.orders[name] for name in hedge.orders]
        bought, sold = filled(orders, Side.BUY), filled(orders, Side.SELL)
        self._unsettled.append(hedge.opened.hedge_id)
        core.emit(HedgeClosed(hedge.opened.hedge_id, "abandoned", bought, sold, bought - sold, cause, core.at.utc_us))
        text = f"{hedge.opened.hedge_id}: {bought - sold:+} {core.route.base} stays as it is, {cause}"
        core.alert(Severity.CRITICAL, "hedge_abandoned", text)

    def settle(self) -> None:
        """Tell the realised P&L of every closed hedge whose fills all have their rows."""
        core, state = self._core, self._core.state
        waiting: list[str] = []
        for hedge_id in self._unsettled:
            hedge = state.hedges[hedge_id]
            own = set(hedge.orders)
            if any(name in own for _, name in state.unconfirmed):
                waiting.append(hedge_id)
                continue
            core.emit(settlement(hedge, core))
        self._unsettled = waiting


def fx_fee_sign(side: Side, purpose: Purpose) -> int:
    """Completing in the foreign market adds a conversion that costs its fee; unwinding there takes back one that then
    need not be paid. +1 where the fee makes the foreign flow worth (or cost) more, -1 where less.
    """
    return 1 if (side is Side.BUY) is (purpose is Purpose.COMPLETE) else -1


def reference_price(hedge: Hedge, side: Side, domestic_market: str) -> Decimal:
    """The decision's price of one base unit in the numeraire, its leg's fee in: what an exit's loss is told against."""
    opened = hedge.opened
    if side is Side.BUY:
        price, fee, market, fx_fee = opened.buy_vwap, ONE + opened.buy_fee, opened.buy_market, ONE + opened.fx_fee
    else:
        price, fee, market, fx_fee = opened.sell_vwap, ONE - opened.sell_fee, opened.sell_market, ONE - opened.fx_fee
    return price * fee * (ONE if market == domestic_market else opened.fx_vwap * fx_fee)


def settlement(hedge: Hedge, core: Core) -> HedgeSettled:
    """Realised P&L of a hedge from its ledger rows: every currency's change, fees off, foreign at the decision's FX."""
    opened, route = hedge.opened, core.route
    domestic, foreign = route.domestic.counter, route.foreign.counter
    net = {
        currency: hedge.deltas.get(currency, ZERO) - hedge.fees.get(currency, ZERO) for currency in (domestic, foreign)
    }
    leftover = hedge.deltas.get(route.base, ZERO) * reference_price(hedge, Side.BUY, route.domestic.symbol)
    pnl = net[domestic] + net[foreign] * opened.fx_vwap + leftover
    paid = hedge.paid.get(domestic, ZERO) + hedge.paid.get(foreign, ZERO) * opened.fx_vwap
    return HedgeSettled(
        hedge_id=opened.hedge_id,
        realised_pnl=round_price(pnl),
        realised_bps=bps(paid + pnl, paid) if paid > 0 else ZERO,
        turnover=round_price(paid),
        leftover=round_price(leftover),
        fees=tuple(Holding(currency, total) for currency, total in sorted(hedge.fees.items())),
        domestic_delta=net[domestic],
        foreign_delta=net[foreign],
        utc_us=core.at.utc_us,
        drill=opened.drill,
    )
