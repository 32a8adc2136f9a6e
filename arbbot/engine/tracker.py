"""Follows every order until its fate and its fills are known. Silence is doubt; doubt ends by evidence or a person.

An order in doubt is looked for with `order_status` at growing intervals and, in *rounds*, in all four views the
venue offers (status, open orders, order events, transactions). It is ABSENT only when two whole rounds, both begun
after the venue could no longer accept the request (its own time stamp older than the venue's bound plus lag, by the
venue's clock), show nothing.
"""

from __future__ import annotations

from arbbot.domain.commands import CancelOrder, Topic
from arbbot.domain.events import (
    AskFailed,
    CancelResult,
    FillSeen,
    OpenOrdersFetched,
    OrderAcked,
    OrderEventSeen,
    OrderEventsFetched,
    OrderRefused,
    OrderReported,
    OrderUnanswered,
)
from arbbot.domain.mode import Mode, Severity
from arbbot.domain.money import ZERO
from arbbot.domain.order import Fill, OrderEvent, OrderReport, OrderState, VenueOrderStatus
from arbbot.domain.records import CancelAnswered, CancelIntended, FillBooked
from arbbot.engine.core import Core, ns
from arbbot.engine.own import OwnOrder
from arbbot.engine.view import NEVER
from arbbot.engine.watch import DOUBT_POLLS_S, LIVE_POLLS_S, RECANCEL_S, ROUND_EVERY_S, EventMarks, Watch

ROUNDS_FOR_ABSENT = 2

_TERMINAL_BY_STATUS = {
    VenueOrderStatus.FINISHED: OrderState.FILLED,
    VenueOrderStatus.CANCELED: OrderState.CANCELED,
    VenueOrderStatus.EXPIRED: OrderState.EXPIRED,
}
_NOT_THERE = frozenset({OrderState.INTENT, OrderState.IN_DOUBT, OrderState.REJECTED, OrderState.ABSENT})
"""States in which the venue is not known to have the order."""


class OrderTracker:
    """Turns words about orders into order states and fills."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._watches: dict[str, Watch] = {}
        self._marks = EventMarks()
        self._told: set[str] = set()
        """Contradictions a person has heard of."""

    # --- what the wire said --------------------------------------------------------------------------------

    def acked(self, event: OrderAcked) -> None:
        """The venue took the order, if it is this one that it names."""
        order = self._core.state.orders[event.client_order_id]
        if not self._attach(order, event.venue_order_id, "acknowledged") and order.state is OrderState.INTENT:
            self._core.move(order, OrderState.IN_DOUBT, "acknowledged as another order")

    def refused(self, event: OrderRefused) -> None:
        """The venue refused it; but a refusal after proof of life is a contradiction, not an end."""
        order = self._core.state.orders[event.client_order_id]
        if order.state in (OrderState.INTENT, OrderState.IN_DOUBT) and order.filled == 0:
            self._core.move(order, OrderState.REJECTED, f"{event.code}: {event.reason}")
            self._watches.pop(event.client_order_id, None)
        elif order.state is not OrderState.REJECTED:
            self._contradiction(order, f"refused ({event.code}) although it exists")

    def unanswered(self, event: OrderUnanswered) -> None:
        """The order may exist."""
        order, told = self._core.state.orders[event.client_order_id], event.venue_order_id
        if order.state is OrderState.INTENT:
            self._core.move(order, OrderState.IN_DOUBT, event.reason)
        if told is not None and order.venue_order_id is None and self._core.state.could_be(order, told):
            self._core.move(order, order.state, "named by an error reply", told)

    def cancel_answered(self, event: CancelResult) -> None:
        """A cancel's word changes nothing by itself: the next status reading does."""
        core = self._core
        core.emit(CancelAnswered(event.client_order_id, event.outcome, event.reason, core.at.utc_us))
        watch = self._watches.get(event.client_order_id)
        if watch is not None:
            watch.next_ask_ns = core.at.mono_ns

    def order_event(self, event: OrderEventSeen) -> None:
        """The private channel told of an order."""
        self._learn(event.event, "channel")

    def fill_seen(self, event: FillSeen) -> None:
        """The private channel told of a trade."""
        order = self._find(event.venue_order_id, event.client_order_id)
        if order is None or not self._attach(order, event.venue_order_id, "filled"):
            return
        self.book_fill(order, event.fill, "channel")
        self.full(order)
        if order.terms.client_order_id in self._watches:
            self._watches[order.terms.client_order_id].next_ask_ns = self._core.at.mono_ns

    def reported(self, event: OrderReported) -> None:
        """`order_status` answered."""
        order = self._find(event.venue_order_id, event.client_order_id)
        if order is None and event.report is not None:
            order = self._find(event.report.venue_order_id, event.report.client_order_id)
        if order is None:
            return
        watch = self._watch(order)
        if watch.status_ask == event.ask_id:
            watch.status_ask = None
        if event.report is None:
            self._round_answer(order, watch, event.ask_id)
            return
        watch.round_asks.clear()
        name = event.report.client_order_id
        if name is not None and name != order.terms.client_order_id:
            self._contradiction(order, f"order_status answered about {name}")
            return
        if name is None and order.venue_order_id is None and not order.may_be(event.report):
            return  # an answer that was meant for another question
        if not self._attach(order, event.report.venue_order_id, "found by order_status"):
            return
        for fill in event.report.fills:
            self.book_fill(order, fill, "status")
        self._close_by_report(order, watch, event.report)

    def open_orders(self, event: OpenOrdersFetched) -> bool:
        """The open-orders view answered; an order of this journal that we do not know is cancelled. True when there
        was none of those.
        """
        core, strangers = self._core, 0
        for seen in event.orders:
            order = self._find(seen.venue_order_id, seen.client_order_id)
            if order is not None:
                self._attach(order, seen.venue_order_id, "found among open orders")
            elif seen.client_order_id is not None and seen.client_order_id.startswith(f"{core.journal_key}-"):
                strangers += 1
                self._tell("unknown_own_order", f"cancelling {seen.client_order_id}, which the journal does not know")
                core.emit(CancelIntended(seen.client_order_id, "own order unknown to the journal", core.at.utc_us))
                core.commands.append(CancelOrder(seen.client_order_id, seen.venue_order_id, seen.market))
        self._answer_rounds(event.ask_id)
        return strangers == 0

    def order_events(self, event: OrderEventsFetched) -> None:
        """The order-events view answered."""
        if event.last_event is not None:
            self._marks.note(event.market, self._core.state.orders_minted, event.last_event, self._core.at.mono_ns)
        for seen in event.events:
            self._learn(seen, "order events")
        self._answer_rounds(event.ask_id)

    def transactions_answered(self, ask_id: int) -> None:
        """The transactions view answered (its rows are the bookkeeper's)."""
        self._answer_rounds(ask_id)

    def ask_failed(self, event: AskFailed) -> None:
        """A question went unanswered: a round that waited for it proves nothing."""
        for watch in self._watches.values():
            if watch.status_ask == event.ask_id:
                watch.status_ask = None
            if event.ask_id in watch.round_asks:
                watch.round_asks.clear()

    # --- time ----------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Ask about every order that is due."""
        now_ns, live = self._core.at.mono_ns, self._core.state.live
        if len(self._watches) > len(live):
            self._watches = {name: watch for name, watch in self._watches.items() if name in live}
        for order in self._core.state.open_orders():
            watch = self._watch(order)
            if order.state is OrderState.INTENT:
                continue
            if watch.since_ns is None:
                watch.since_ns = now_ns
            if now_ns >= watch.next_ask_ns and watch.status_ask is None:
                self._ask_status(order, watch)
            if order.state is OrderState.IN_DOUBT:
                self._tick_doubt(order, watch)
            self._alert_when_old(order, watch)

    def _ask_status(self, order: OwnOrder, watch: Watch) -> None:
        pauses = DOUBT_POLLS_S if order.state is OrderState.IN_DOUBT else LIVE_POLLS_S
        watch.status_ask = self._core.ask(
            Topic.ORDER_STATUS,
            client_order_id=order.terms.client_order_id,
            venue_order_id=order.venue_order_id,
        )
        pause = pauses[min(watch.polls, len(pauses) - 1)]
        watch.polls += 1
        watch.next_ask_ns = self._core.at.mono_ns + ns(pause)

    def _tick_doubt(self, order: OwnOrder, watch: Watch) -> None:
        core, now_ns = self._core, self._core.at.mono_ns
        if watch.round_asks or now_ns < watch.next_round_ns:
            return
        if watch.next_round_ns == NEVER:
            watch.next_round_ns = now_ns + ns(ROUND_EVERY_S)
            return
        watch.next_round_ns = now_ns + ns(ROUND_EVERY_S)
        watch.round_counts = self.beyond_acceptance(order, watch)
        terms = order.terms
        opening = core.state.anchor.cursor if core.state.anchor else 0
        since = min((row_id for row_id, _ in core.state.rows), default=opening)
        watch.round_asks = {
            core.ask(Topic.ORDER_STATUS, client_order_id=terms.client_order_id, venue_order_id=order.venue_order_id),
            core.ask(Topic.OPEN_ORDERS),
            core.ask(Topic.ORDER_EVENTS, market=terms.market, since_event=self._unread(order, watch)),
            core.ask(Topic.TRANSACTIONS, since_id=max(since, 1)),
        }

    def _unread(self, order: OwnOrder, watch: Watch) -> str | None:
        """Where to read order events from: a round that counts reads all that may be the order's, the others what is
        new.
        """
        now_ns = self._core.at.mono_ns
        known = self._marks.before(order.terms, now_ns)
        return known if known is not None or watch.round_counts else self._marks.latest(order.terms.market, now_ns)

    def beyond_acceptance(self, order: OwnOrder, watch: Watch) -> bool:
        """True when the venue can no longer accept the request nor hide its traces: by its own clock, and by ours that
        no step of the wall clock moves, counted from when this process began to doubt.
        """
        rules = self._core.rules.account
        bound_ns = ns(rules.doubt_bound_s + rules.lag_s)
        if watch.since_ns is None or self._core.at.mono_ns - watch.since_ns <= bound_ns:
            return False
        venue_utc_us = self._core.at.utc_us + self._core.venue_offset_ms * 1000
        age_us = venue_utc_us - order.intended_utc_us
        return age_us > bound_ns // 1000

    def _alert_when_old(self, order: OwnOrder, watch: Watch) -> None:
        core, terms = self._core, order.terms
        if watch.alerted or watch.since_ns is None:
            return
        doubtful, account = order.state is OrderState.IN_DOUBT, core.rules.account
        expected_s = account.doubt_bound_s + account.lag_s if doubtful else core.rules.hedge.force_s
        if core.at.mono_ns - watch.since_ns >= ns(expected_s + account.doubt_alert_s):
            watch.alerted = True
            core.alert(
                Severity.CRITICAL,
                "doubt_unresolved" if doubtful else "order_stuck",
                f"{terms.client_order_id}: {terms.side} {terms.size} on {terms.market} still {order.state}; "
                f"look at the venue and use `arbbot resolve {terms.client_order_id}`",
            )

    # --- rounds --------------------------------------------------------------------------------------------

    def _answer_rounds(self, ask_id: int) -> None:
        for order in self._core.state.in_doubt():
            watch = self._watches.get(order.terms.client_order_id)
            if watch is not None:
                self._round_answer(order, watch, ask_id)

    def _round_answer(self, order: OwnOrder, watch: Watch, ask_id: int) -> None:
        if ask_id not in watch.round_asks:
            return
        watch.round_asks.discard(ask_id)
        if watch.round_asks or not watch.round_counts or order.state is not OrderState.IN_DOUBT:
            return
        if self._core.unattributed or order.filled > 0:
            return
        watch.empty_rounds += 1
        if watch.empty_rounds >= ROUNDS_FOR_ABSENT:
            self._finish(order, OrderState.ABSENT, f"{ROUNDS_FOR_ABSENT} whole readings show nothing of it")

    # --- what it means -------------------------------------------------------------------------------------

    def _learn(self, seen: OrderEvent, source: str) -> None:
        order = self._find(seen.venue_order_id, seen.client_order_id)
        if order is None:
            return
        if not self._attach(order, seen.venue_order_id, f"seen in {source}"):
            return
        if seen.change == "deleted" and not order.state.terminal:
            if order.filled == order.terms.size - seen.remaining:
                state = OrderState.FILLED if seen.remaining == 0 else OrderState.CANCELED
                self._finish(order, state, f"deleted, by {source}")
            else:
                self._watch(order).next_ask_ns = self._core.at.mono_ns

    def _close_by_report(self, order: OwnOrder, watch: Watch, report: OrderReport) -> None:
        """A terminal status ends an order only once its fills add up, or read the same twice, a lag apart."""
        state = _TERMINAL_BY_STATUS.get(report.status)
        if state is None or order.state.terminal:
            return
        now_ns, size = self._core.at.mono_ns, order.terms.size
        adds_up = order.filled == size or (report.remaining is not None and order.filled == size - report.remaining)
        if state is OrderState.FILLED and order.filled < size:
            state = OrderState.CANCELED
            adds_up = False
        if not adds_up:
            last = watch.last_reading
            if last is None or last[:2] != (report.status, order.filled):
                watch.last_reading = (report.status, order.filled, now_ns)
                return
            if now_ns - last[2] < ns(self._core.rules.account.lag_s):
                return
        self._finish(order, state, f"order_status says {report.status}")

    def _finish(self, order: OwnOrder, state: OrderState, cause: str) -> None:
        self._core.move(order, state, cause)
        self._watches.pop(order.terms.client_order_id, None)

    def _attach(self, order: OwnOrder, venue_order_id: int, cause: str) -> bool:
        """The venue knows the order under this id. False when that cannot be: what was told is of another order."""
        core = self._core
        if not core.state.could_be(order, venue_order_id):
            self._contradiction(order, f"the venue names it {venue_order_id}, which is another order")
            return False
        taken_for = order.state
        if taken_for not in _NOT_THERE:
            return True
        core.move(order, OrderState.LIVE, cause, venue_order_id)
        watch = self._watch(order)
        watch.polls, watch.since_ns, watch.alerted = 0, core.at.mono_ns, False
        watch.next_ask_ns = core.at.mono_ns + ns(LIVE_POLLS_S[0])
        if taken_for in (OrderState.ABSENT, OrderState.REJECTED):
            self._contradiction(order, f"taken for {taken_for}, but the venue knows it ({cause})")
            self.cancel(order, "exists against all evidence")
        return True

    def row_seen(self, order: OwnOrder, venue_order_id: int) -> None:
        """A transaction row proves that the venue has the order under this id."""
        self._attach(order, venue_order_id, "found by its transaction row")

    def full(self, order: OwnOrder) -> None:
        """End an order that has filled in full, whatever told the fills."""
        if order.filled == order.terms.size and not order.state.terminal:
            self._finish(order, OrderState.FILLED, "filled in full")

    def cancel_strays(self) -> None:
        """Orders that live although their plan is closed (taken for absent, then alive) are cancelled until over."""
        state = self._core.state
        for order in state.open_orders():
            if state.is_over(order) and order.state is not OrderState.INTENT:
                self.cancel(order, "its plan is closed")

    def book_fill(self, order: OwnOrder, fill: Fill, source: str) -> None:
        """Book a fill once, whatever tells it first; after the order's end it is alarmed and halts."""
        core = self._core
        known = (fill.trade_id, order.terms.client_order_id) in core.state.fills
        if known or core.state.is_booked((fill.trade_id, order.venue_order_id)):
            return
        if fill.side is not order.terms.side or fill.market != order.terms.market:
            self._contradiction(order, f"fill {fill.trade_id} is told as a {fill.side} on {fill.market}")
            return
        late = order.state.terminal
        core.emit(FillBooked(order.terms.client_order_id, fill, source, late, core.at.utc_us))
        if late or order.filled > order.terms.size:
            self._contradiction(order, f"fill {fill.trade_id} of {fill.size} came after its end or beyond its size")

    def cancel(self, order: OwnOrder, cause: str) -> bool:
        """Cancel, or cancel again when the last try is old; False when one is still fresh."""
        core, watch, terms = self._core, self._watch(order), order.terms
        if core.at.mono_ns < watch.next_cancel_ns:
            return False
        watch.next_cancel_ns = core.at.mono_ns + ns(RECANCEL_S[min(watch.cancels, len(RECANCEL_S) - 1)])
        watch.cancels += 1
        core.emit(CancelIntended(terms.client_order_id, cause, core.at.utc_us))
        core.commands.append(CancelOrder(terms.client_order_id, order.venue_order_id, terms.market))
        return True

    def resolve_by_person(self, order: OwnOrder, venue_order_id: int | None, who: str, reason: str) -> str | None:
        """A person's word on a doubt; returns what is wrong with it, or None."""
        name, alive = order.terms.client_order_id, order.state is OrderState.LIVE
        if not alive and order.state is not OrderState.IN_DOUBT:
            return f"{name} is {order.state}, there is nothing to resolve"
        if venue_order_id is not None:
            if not self._core.state.could_be(order, venue_order_id):
                return f"venue order {venue_order_id} is not {name}"
            self._attach(order, venue_order_id, f"named by {who}: {reason}")
        elif order.filled > ZERO or (alive and not self._watch(order).alerted):
            known = f"has fills of {order.filled}" if order.filled else "is live by the venue's word, and not yet stuck"
            return f"{name} {known}: it cannot be absent"
        else:
            self._finish(order, OrderState.ABSENT, f"declared absent by {who}: {reason}")
        return None

    def _contradiction(self, order: OwnOrder, text: str) -> None:
        self._tell("order_contradiction", f"{order.terms.client_order_id}: {text}")
        self._core.restrict(Mode.HALTED, f"{order.terms.client_order_id}: {text}")

    def _tell(self, name: str, text: str) -> None:
        """Alert once: what does not change is not news."""
        if text not in self._told:
            self._told.add(text)
            self._core.alert(Severity.CRITICAL, name, text)

    def _find(self, venue_order_id: int | None, client_order_id: str | None) -> OwnOrder | None:
        state = self._core.state
        if client_order_id is not None and client_order_id in state.orders:
            return state.orders[client_order_id]
        if venue_order_id is not None and venue_order_id in state.order_by_venue_id:
            return state.orders[state.order_by_venue_id[venue_order_id]]
        return None

    def _watch(self, order: OwnOrder) -> Watch:
        return self._watches.setdefault(order.terms.client_order_id, Watch())
