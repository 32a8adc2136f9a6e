"""One event in; records and commands out. The engine waits for nothing, logs nothing and asks nobody the time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from arbbot.domain import events as ev
from arbbot.domain.commands import Command, Exit, ReplaceFeed, Topic
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.life import Started, Stopped
from arbbot.domain.market import Route
from arbbot.domain.mode import Mode, Severity
from arbbot.domain.money import assert_exact_context
from arbbot.domain.order import OrderState
from arbbot.domain.records import Record
from arbbot.domain.signals import AskUnanswered, FeedChanged, FrameDropped
from arbbot.engine.bookkeeper import Bookkeeper
from arbbot.engine.core import SECOND_NS, Core, ns
from arbbot.engine.drill import Drills
from arbbot.engine.entry import Entry
from arbbot.engine.fx_desk import ConversionDesk
from arbbot.engine.hedge import HedgeDesk
from arbbot.engine.lease_desk import LeaseDesk
from arbbot.engine.leaving import last_word
from arbbot.engine.limits import Limits
from arbbot.engine.market_halts import MarketHalts
from arbbot.engine.open_orders import RETRY_S, OpenOrders
from arbbot.engine.premium import PremiumCheck
from arbbot.engine.ramp import Ramp
from arbbot.engine.rules import Rules
from arbbot.engine.spike import SpikeGuard
from arbbot.engine.state import State
from arbbot.engine.tracker import OrderTracker
from arbbot.engine.view import NEVER

MARK_EVERY_NS = 60 * SECOND_NS
PULSE_EVERY_NS = SECOND_NS


class Output(NamedTuple):
    """What one event led to, in order: write the durable records, then run the commands."""

    records: list[Record]
    commands: list[Command]


_NOTHING = Output([], [])


class Engine:
    """The synchronous core of one route. One task owns it; `step` is its only door."""

    def __init__(self, route: Route, rules: Rules, state: State, journal_key: str) -> None:
        assert_exact_context()
        self.core = Core(route, rules, state, journal_key)
        self.tracker = OrderTracker(self.core)
        self.premium = PremiumCheck(self.core)
        self.guard = SpikeGuard(self.core)
        self.limits = Limits(self.core)
        self.entry = Entry(self.core, self.premium, self.guard, self.limits)
        self.hedges = HedgeDesk(self.core, self.tracker, self.entry)
        self.books = Bookkeeper(self.core, self.tracker)
        rate = self.guard.conversion
        self.conversions = ConversionDesk(self.core, self.books, self.entry, self.premium, rate, self.limits)
        self.exited = False
        self.open_orders = OpenOrders(self.core, self.tracker)
        self.halts = MarketHalts(self.core)
        self.lease = LeaseDesk(self.core, self.books)
        self.ramp = Ramp(self.core, self.entry, self.hedges)
        self.drills = Drills(self.core, self.entry, self.hedges)
        self._fees_due_ns = NEVER
        self._markets_due_ns = NEVER
        self._pulse_due_ns = NEVER
        self._mark_due_ns = NEVER
        self._stop_code = ExitCode.OK
        self._stop_since_ns = NEVER
        self._balances_ask_id = 0
        self._handlers: dict[type, Callable[[Any], None]] = {
            ev.FeedUp: self._feed_up,
            ev.FeedDown: self._feed_down,
            ev.FeedDead: self._feed_dead,
            ev.FrameBad: self._frame_bad,
            ev.MarketHalted: self.halts.announced,
            ev.BookFetched: self._book_fetched,
            ev.TickerFetched: self.premium.fetched,
            ev.ConversionRateFetched: self.guard.conversion.fetched,
            ev.MarketsFetched: self.halts.listed,
            ev.OrderAcked: self.tracker.acked,
            ev.OrderRefused: self._order_refused,
            ev.OrderUnanswered: self._order_unanswered,
            ev.CancelResult: self._cancel_result,
            ev.OrderReported: self._reported,
            ev.OpenOrdersFetched: self.open_orders.fetched,
            ev.OrderEventsFetched: self.tracker.order_events,
            ev.OrderEventSeen: self.tracker.order_event,
            ev.FillSeen: self.tracker.fill_seen,
            ev.TransactionsFetched: self._transactions,
            ev.BalancesFetched: self._balances,
            ev.FeesFetched: self._fees,
            ev.AskFailed: self._ask_failed,
            ev.VenueClockSeen: self._venue_clock,
            ev.Tick: self._tick,
            ev.OperatorPaused: self._paused,
            ev.OperatorResumed: self._resumed,
            ev.OperatorHalted: self._halted,
            ev.OperatorResolved: self._resolved,
            ev.OperatorRebased: self._rebased,
            ev.OperatorRampSet: self._ramp_set,
            ev.StopAsked: self._stop_asked,
            **self.lease.handlers,
        }

    # --- the door ------------------------------------------------------------------------------------------

    def start(self, at: ev.Moment, version: str) -> Output:
        """Begin: every order without an answer is in doubt, and the account is read before anything may trade."""
        self.core.at = at
        self.core.emit(Started(version, self.core.route.instruments, at.utc_us))
        for order in self.core.state.open_orders():
            if order.state is OrderState.INTENT:
                self.core.move(order, OrderState.IN_DOUBT, "no answer before the last process ended")
        self.hedges.recover()
        self.conversions.recover()
        self._tick(ev.Tick())
        return self._drain()

    def step(self, event: ev.Event, at: ev.Moment) -> Output:
        """Handle one event received at one moment. Raises StateError or LedgerError only for bugs and damage."""
        core = self.core
        core.at = at
        if self.exited:
            return _NOTHING
        if type(event) is ev.BookSeen:
            if not core.view.saw(event.book, event.epoch, at, core.venue_offset_ms):
                return _NOTHING
            if core.state.open_hedge_id is None:
                self.entry.evaluate()
                opened = core.state.open_hedge_id
                if opened is not None:
                    self.hedges.opened(opened)
                elif not core.commands and not core.records:
                    return _NOTHING
            else:
                self.hedges.advance()
        else:
            core.answered = core.asks.pop(getattr(event, "ask_id", 0), None)
            if getattr(event, "rate_limited", False):
                self.ramp.told_to_wait()
            self._handlers[type(event)](event)
            self._after()
            core.changes += 1
        return self._drain()

    def _drain(self) -> Output:
        core = self.core
        if not core.records and not core.commands:
            return _NOTHING
        self.ramp.sent(core.commands)
        output = Output(core.records, core.commands)
        core.records, core.commands = [], []
        if any(record.kind in ("fill_booked", "hedge_closed", "conversion_closed") for record in output.records):
            self.books.hurry()
        return output

    def _after(self) -> None:
        """After anything but a feed frame: move the hedge or conversion, arm when recovered, leave when stopped."""
        self.hedges.advance()
        self.conversions.advance()
        self.tracker.cancel_strays()
        self._give_up()
        self._arm()
        self._leave()

    # --- market data ---------------------------------------------------------------------------------------

    def _feed_up(self, event: ev.FeedUp) -> None:
        self.core.view.feed_up(event.epoch, self.core.at.mono_ns)
        self.core.records.append(FeedChanged(event.epoch, "up", "all channels acknowledged"))

    def _feed_down(self, event: ev.FeedDown) -> None:
        self.core.view.feed_down(event.epoch)
        self.core.records.append(FeedChanged(event.epoch, "down", event.reason))

    def _feed_dead(self, event: ev.FeedDead) -> None:
        core = self.core
        core.view.feed_dead = True
        if core.view.epoch is not None:
            core.view.feed_down(core.view.epoch)
        core.records.append(FeedChanged(0, "dead", event.reason))
        core.alert(Severity.CRITICAL, "feed_dead", event.reason)
        self._stop(f"the feed is dead: {event.reason}", ExitCode.FEED_DEAD)

    def _frame_bad(self, event: ev.FrameBad) -> None:
        if event.outdates is not None:
            self.core.view.outdated(event.outdates, self.core.at.mono_ns)
        self.core.records.append(FrameDropped(event.reason))

    def _book_fetched(self, event: ev.BookFetched) -> None:
        answered = self.core.answered
        if answered is not None and event.book.symbol == answered.question.market:
            stalled = self.core.view.fetched(event.book, answered.asked_ns)
            if stalled and self.core.view.epoch is not None:
                reason = f"stalled: REST has newer books of {event.book.symbol}"
                self.core.commands.append(ReplaceFeed(self.core.view.epoch, reason))
                self.core.records.append(FeedChanged(self.core.view.epoch, "stalled", reason))

    def _revalidate(self) -> None:
        """Quiet is not stale: a silent book on a live connection is compared with REST before it grows old."""
        core = self.core
        half_ns = core.view.fresh_ns // 2
        for symbol, slot in core.view.slots.items():
            quiet_ns = core.at.mono_ns - max(slot.confirmed_ns, slot.asked_ns)
            if slot.epoch is not None and quiet_ns > half_ns:
                slot.asked_ns = core.at.mono_ns
                core.ask(Topic.BOOK, market=symbol)

    # --- account -------------------------------------------------------------------------------------------

    def _order_refused(self, event: ev.OrderRefused) -> None:
        self.tracker.refused(event)
        self._check_auth(event.auth_lost, event.reason)

    def _order_unanswered(self, event: ev.OrderUnanswered) -> None:
        self.tracker.unanswered(event)
        self._check_auth(event.auth_lost, event.reason)

    def _cancel_result(self, event: ev.CancelResult) -> None:
        self.tracker.cancel_answered(event)
        self._check_auth(event.auth_lost, event.reason)

    def _reported(self, event: ev.OrderReported) -> None:
        self.tracker.reported(event)
        self.books.reported(event)

    def _transactions(self, event: ev.TransactionsFetched) -> None:
        self.books.transactions(event)
        self.tracker.transactions_answered(event.ask_id)
        self.hedges.settle()

    def _balances(self, event: ev.BalancesFetched) -> None:
        if event.ask_id < self._balances_ask_id:
            return  # a late answer to an earlier question
        self._balances_ask_id = event.ask_id
        self.books.balances_fetched(event)
        self.entry.available = {balance.currency: balance.available for balance in event.balances}
        self.entry.capital = {balance.currency: balance.total for balance in event.balances}

    def _fees(self, event: ev.FeesFetched) -> None:
        self.core.view.fees.update(dict(event.rates))

    def _ask_failed(self, event: ev.AskFailed) -> None:
        answered = self.core.answered
        topic = "unknown" if answered is None else answered.question.topic.value
        self.core.records.append(AskUnanswered(topic, event.reason, event.rate_limited))
        self.tracker.ask_failed(event)
        self.books.ask_failed(event)
        self._check_auth(event.auth_lost or (event.auth_claimed and not self._key_worked()), event.reason)

    def _key_worked(self) -> bool:
        """Whether the venue ever answered our key: before, nothing is lost by believing an unproven refusal of it."""
        return bool(self.open_orders.read or self.core.view.fees or self.entry.capital)

    def _check_auth(self, lost: bool, reason: str) -> None:
        if lost and self.core.stopping is None:
            words = f"the venue does not let us in: {reason}{self.core.clock_words}"
            self.core.alert(Severity.CRITICAL, "auth_refused", words)
            self.core.restrict(Mode.HALTED, words)
            self._stop(words, ExitCode.AUTH)

    def _venue_clock(self, event: ev.VenueClockSeen) -> None:
        at = self.core.at
        self.core.venue_offset_ms = event.offset_ms
        self.core.clock_base_us = at.utc_us - at.mono_ns // 1000
        self.limits.clock_seen()

    # --- people --------------------------------------------------------------------------------------------

    def _paused(self, event: ev.OperatorPaused) -> None:
        if self.core.state.mode is Mode.ACTIVE:
            self.core.change_mode(Mode.PAUSED, event.who, event.reason)

    def _resumed(self, event: ev.OperatorResumed) -> None:
        self.ramp.tick()  # what has stopped us counts before the next hedge, however soon a person resumes
        self.core.change_mode(Mode.ACTIVE, event.who, event.reason)
        self.halts.clear()

    def _halted(self, event: ev.OperatorHalted) -> None:
        if self.core.state.mode is Mode.PANIC and not event.panic:
            text = f"{event.who} asks for a halt: a panic is stricter, and sends nothing; only a resume ends it"
            self.core.alert(Severity.NOTICE, "halt_refused", text)
        else:
            self.core.change_mode(Mode.PANIC if event.panic else Mode.HALTED, event.who, event.reason)
        self.books.hurry()  # a person who halts wants the venue's word on what is left

    def _resolved(self, event: ev.OperatorResolved) -> None:
        order = self.core.state.orders.get(event.client_order_id)
        problem = "no such order"
        if order is not None:
            problem = self.tracker.resolve_by_person(order, event.venue_order_id, event.who, event.reason) or ""
        if problem:
            self.core.alert(Severity.NOTICE, "resolve_refused", f"{event.client_order_id}: {problem}")

    def _rebased(self, event: ev.OperatorRebased) -> None:
        """The venue's balances become the opening at the next quiet moment."""
        self.books.rebase(event.who, event.reason)

    def _ramp_set(self, event: ev.OperatorRampSet) -> None:
        self.ramp.set(event.weight, event.who, event.reason)

    def _give_up(self) -> None:
        """A hedge that is left one-sided is given up with a rebase; one that still moves is waited for."""
        asked = self.core.state.rebase_asked
        if asked is not None and self.core.state.mode in (Mode.HALTED, Mode.PANIC):
            self.hedges.abandon(f"given up by {asked.who}: {asked.reason}")

    # --- stopping ------------------------------------------------------------------------------------------

    def _stop_asked(self, event: ev.StopAsked) -> None:
        self._stop(event.reason, ExitCode.OK)

    def _stop(self, reason: str, code: ExitCode) -> None:
        if self.core.stopping is None:
            self.core.stopping = reason
            self._stop_code = code
            self._stop_since_ns = self.core.at.mono_ns
            self.books.hurry()

    def _leave(self) -> None:
        """Exit once flat and reconciled, or when the grace is over: then say what is left."""
        core, state = self.core, self.core.state
        if core.stopping is None or self.exited:
            return
        settled = not state.live and state.open_hedge_id is None and state.rebase_asked is None
        grace_over = core.at.mono_ns - self._stop_since_ns >= ns(core.rules.account.stop_grace_s)
        readable = self._stop_code is not ExitCode.AUTH and state.anchor is not None
        if not (grace_over or (settled and (state.agreed or not readable))):
            return
        code = last_word(core, self._stop_code)
        self.entry.flush_counts(force=True)
        self.books.mark()
        core.emit(Stopped(int(code), core.stopping, core.at.utc_us))
        core.commands.append(Exit(int(code), core.stopping))
        self.exited = True

    # --- time ----------------------------------------------------------------------------------------------

    def _arm(self) -> None:
        """Open the gate when everything that start-up has to read has been read and agrees."""
        if self.entry.armed:
            return
        state = self.core.state
        fees = all(symbol in self.core.view.fees for symbol in self.core.route.symbols)
        read = self.open_orders.read and self.halts.read and fees and self.books.concluded
        if read and state.agreed and not state.live:
            self.entry.armed = state.open_hedge_id is None

    def _tick(self, _: ev.Tick) -> None:
        core, now_ns = self.core, self.core.at.mono_ns
        self.tracker.tick()
        self.books.tick()
        self.lease.tick()
        self.hedges.settle()
        self.ramp.tick()
        self.drills.tick()
        self._ask_regularly(now_ns)
        if core.stopping is None:
            self.premium.tick()
            self.guard.tick()
            self._revalidate()
        self.limits.watch()
        self.entry.flush_counts()
        if now_ns >= self._mark_due_ns or not core.state.first_marks:
            self._mark_due_ns = now_ns + (MARK_EVERY_NS if self.books.mark() else 0)
        if now_ns >= self._pulse_due_ns:
            self._pulse_due_ns = now_ns + PULSE_EVERY_NS
            self.entry.tell_when_stuck()
            core.records.append(self.entry.pulse())

    def _ask_regularly(self, now_ns: int) -> None:
        """Fees and markets on their schedule, open orders until they were read; all retried when they fail."""
        core = self.core
        every_ns = ns(core.rules.account.fees_every_s)
        if now_ns >= self._fees_due_ns and not core.asking(Topic.FEES):
            known = all(symbol in core.view.fees for symbol in core.route.symbols)
            self._fees_due_ns = now_ns + (every_ns if known else ns(RETRY_S))
            core.ask(Topic.FEES)
        if now_ns >= self._markets_due_ns and not core.asking(Topic.MARKETS):
            self._markets_due_ns = now_ns + (min(every_ns, MARK_EVERY_NS) if self.halts.read else ns(RETRY_S))
            core.ask(Topic.MARKETS)
        self.open_orders.tick()
