"""The engine's durable state: a fold over durable records and nothing else.

`apply` is the only thing that changes it, so replaying the journal gives the same state (equal `fingerprint`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, get_args

from arbbot.domain import records as r
from arbbot.domain.lease import LeaseRecord, ReturnBooked, SettlementOrderAnnounced, TransitBooked
from arbbot.domain.ledger import Ledger, LedgerAccount, move
from arbbot.domain.life import Started, Stopped
from arbbot.domain.mode import Mode
from arbbot.domain.money import ZERO
from arbbot.domain.order import ORDER_TABLE, Fill, FillKey, OrderState, Purpose, RowKey, Transaction
from arbbot.domain.ramp import RampRecord
from arbbot.domain.rebase import RebaseAsked, RebaseDropped
from arbbot.domain.trips import ClockAgreed, LimitTripped
from arbbot.engine.bookings import rounded_amounts
from arbbot.engine.drill_memory import DrillMemory
from arbbot.engine.fingerprint import fingerprint
from arbbot.engine.foreign import Foreign
from arbbot.engine.forgetting import KEPT_ROWS, forget_hedges, forget_orders, forget_rows
from arbbot.engine.limit_memory import DAY_US, LimitMemory
from arbbot.engine.own import Anchor, Hedge, OwnOrder
from arbbot.engine.ramp_memory import RampMemory
from arbbot.engine.settlements import Settlements


class StateError(RuntimeError):
    """A record that cannot follow the ones before it: a bug or a damaged journal. Never survivable."""


@dataclass(slots=True)
class State:
    """Everything that must survive the process."""

    ledger: Ledger = field(default_factory=Ledger)
    anchor: Anchor | None = None
    first_marks: dict[str, Decimal] = field(default_factory=dict)
    last_marks: dict[str, Decimal] = field(default_factory=dict)
    """Prices in the numeraire right after the anchor, and as last noted."""
    mode: Mode = Mode.ACTIVE
    mode_reason: str = ""
    orders: dict[str, OwnOrder] = field(default_factory=dict)
    live: dict[str, OwnOrder] = field(default_factory=dict)
    """The orders among them that may still fill, oldest first."""
    order_by_venue_id: dict[int, str] = field(default_factory=dict)
    open_hedge_id: str | None = None
    hedges: dict[str, Hedge] = field(default_factory=dict)
    fills: dict[FillKey, Fill] = field(default_factory=dict)
    """For orders still in memory."""
    unconfirmed: set[FillKey] = field(default_factory=set)
    """Fills whose transaction row has not come yet."""
    rows: dict[RowKey, int] = field(default_factory=dict)
    """Row -> UTC microseconds, of what was booked since the anchor and is not forgotten."""
    rows_forgotten_to: int = 0
    """Rows up to this id are booked and forgotten: one that comes a day late shows as a difference."""
    position: Decimal = ZERO
    """Base bought minus sold by us since the anchor (or rebase): zero, or dust, when flat."""
    rounding_room: dict[str, Decimal] = field(default_factory=dict)
    """Per currency: how much display rounding can have hidden since the last agreement."""
    orders_minted: int = 0
    hedges_minted: int = 0
    empty_hedges_in_row: int = 0
    external_rows: int = 0
    external_unacknowledged: int = 0
    refusals: dict[str, int] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    """Hedges by outcome, over the journal's life."""
    realised_pnl: Decimal = ZERO
    """Numeraire, of hedges settled since the anchor, at each decision's FX."""
    expected_pnl: Decimal = ZERO
    """Of the same hedges, as decided."""
    turnover: Decimal = ZERO
    """Numeraire paid in the buy legs of the same hedges."""
    foreign: Foreign = field(default_factory=Foreign)
    """What they left in foreign currency, and its conversions."""
    settlements: Settlements = field(default_factory=Settlements)
    venue_totals: dict[str, Decimal] = field(default_factory=dict)
    """Balances of the last statement (or anchor)."""
    fees_paid: dict[str, Decimal] = field(default_factory=dict)
    first_utc_us: int | None = None
    last_utc_us: int = 0
    rebase_asked: RebaseAsked | None = None
    """While a person's rebase waits for a quiet moment."""
    agreed: bool = False
    """The last statement agreed and nothing has moved since."""
    last_agreed_utc_us: int | None = None
    limits: LimitMemory = field(default_factory=LimitMemory)
    ramp: RampMemory = field(default_factory=RampMemory)
    drills: DrillMemory = field(default_factory=DrillMemory)

    def apply(self, record: r.DurableRecord) -> None:
        """Take one record in. Raises StateError where it does not fit."""
        try:
            _APPLY[type(record)](self, record)
        except KeyError as error:
            raise StateError(f"{record.kind} names {error}, which no earlier record does") from error
        self.limits.take(record, self)
        self.ramp.take(record, self)
        self.drills.take(record, self)
        self.last_utc_us = record.utc_us
        if self.first_utc_us is None:
            self.first_utc_us = record.utc_us

    def is_booked(self, key: RowKey) -> bool:
        """True for rows that are booked, or lie before the anchor."""
        before = max(self.rows_forgotten_to, self.anchor.cursor if self.anchor is not None else 0)
        return key[0] <= before or key in self.rows

    # --- questions -----------------------------------------------------------------------------------------

    def open_orders(self) -> list[OwnOrder]:
        """Orders that may still fill, oldest first."""
        return list(self.live.values())

    def in_doubt(self) -> list[OwnOrder]:
        """Orders in doubt, oldest first."""
        return [order for order in self.live.values() if order.state is OrderState.IN_DOUBT]

    def open_hedge(self) -> Hedge | None:
        """The hedge that is not closed; there is at most one."""
        return None if self.open_hedge_id is None else self.hedges[self.open_hedge_id]

    def exposure(self) -> tuple[Decimal, Decimal]:
        """The base position's interval: [all that may be sold is sold, all that may be bought is bought]."""
        low = high = self.position
        for order in self.open_orders():
            if order.terms.purpose is Purpose.CONVERT:
                continue
            if order.terms.side.sign > 0:
                high += order.may_fill
            else:
                low -= order.may_fill
        return (low, high)

    def is_over(self, order: OwnOrder) -> bool:
        """True when the hedge or conversion that an order belongs to is closed."""
        if order.terms.purpose is Purpose.CONVERT:
            return self.foreign.conversions[order.terms.hedge_id].closed is not None
        return self.hedges[order.terms.hedge_id].closed is not None

    def order_of_row(self, row: Transaction) -> str | None:
        """Our client order id behind a transaction row, where it is known."""
        return None if row.order_id is None else self.order_by_venue_id.get(row.order_id)

    def could_be(self, order: OwnOrder, venue_order_id: int) -> bool:
        """Whether the venue's id can be this order's: neither is known to belong to another."""
        owner = self.order_by_venue_id.get(venue_order_id, order.terms.client_order_id)
        return owner == order.terms.client_order_id and order.venue_order_id in (None, venue_order_id)

    def drift(self, currency: str) -> Decimal:
        """What our trading, fees in, has changed of a currency since the anchor."""
        return -(
            self.ledger.balance(LedgerAccount.TRADING, currency) + self.ledger.balance(LedgerAccount.FEES, currency)
        )

    def fingerprint(self) -> str:
        """SHA-256 of everything above, the same for the same records."""
        return fingerprint(self)

    # --- folding -------------------------------------------------------------------------------------------

    def _anchor_set(self, record: r.AnchorSet) -> None:
        self.ledger = Ledger()
        for sums in (self.rounding_room, self.first_marks, self.last_marks, self.fees_paid):
            sums.clear()
        self.rows.clear()
        self.rows_forgotten_to = 0
        self.unconfirmed.clear()
        for hedge in self.hedges.values():
            hedge.before_anchor = True
        self.position = ZERO
        self.realised_pnl = self.expected_pnl = self.turnover = ZERO
        self.foreign.restart()
        self.settlements.restart()
        self.first_utc_us = record.utc_us
        self.external_unacknowledged = 0
        holdings = {holding.currency: holding.total for holding in record.holdings}
        for currency, total in holdings.items():
            self.ledger.book(move(currency, total, LedgerAccount.OPENING))
        self.venue_totals = dict(holdings)
        self.anchor = Anchor.of(record, self.totals, self.foreign.totals)
        self.rebase_asked = None
        self.agreed = True
        self.last_agreed_utc_us = record.utc_us

    def _rebase_wanted(self, record: RebaseAsked) -> None:
        self.rebase_asked = record

    def _rebase_dropped(self, _: RebaseDropped) -> None:
        self.rebase_asked = None

    def _mark_set(self, record: r.MarkSet) -> None:
        self.last_marks = {price.currency: price.price for price in record.prices}
        if not self.first_marks:
            self.first_marks = dict(self.last_marks)

    def _hedge_opened(self, record: r.HedgeOpened) -> None:
        if self.open_hedge() is not None:
            raise StateError(f"{record.hedge_id} opened beside an open hedge")
        self.hedges[record.hedge_id] = Hedge(record)
        self.open_hedge_id = record.hedge_id
        self.hedges_minted += 1

    def _order_intended(self, record: r.OrderIntended) -> None:
        terms = record.terms
        if terms.client_order_id in self.orders:
            raise StateError(f"client order id {terms.client_order_id} intended twice")
        order = OwnOrder(terms, record.utc_us)
        self.orders[terms.client_order_id] = self.live[terms.client_order_id] = order
        self.orders_minted += 1
        self.agreed = False
        if terms.purpose is Purpose.CONVERT:
            self.foreign.conversions[terms.hedge_id].client_order_id = terms.client_order_id
            return
        hedge = self.hedges[terms.hedge_id]
        hedge.orders.append(terms.client_order_id)
        if len(hedge.orders) > 2:
            hedge.exits += 1

    def _order_moved(self, record: r.OrderMoved) -> None:
        order = self.orders[record.client_order_id]
        if record.venue_order_id is not None:
            known = self.order_by_venue_id.setdefault(record.venue_order_id, record.client_order_id)
            if known != record.client_order_id:
                raise StateError(f"venue order {record.venue_order_id} is {known}, not {record.client_order_id}")
            order.venue_order_id = record.venue_order_id
        if record.state is not order.state:
            if record.state not in ORDER_TABLE[order.state]:
                raise StateError(f"{record.client_order_id}: {order.state} cannot become {record.state}")
            order.state = record.state
            if record.state.terminal:
                del self.live[record.client_order_id]
            else:
                self.live[record.client_order_id] = order

    def _cancel_intended(self, record: r.CancelIntended) -> None:
        if record.client_order_id in self.orders:
            self.orders[record.client_order_id].cancel_outcome = "asked"

    def _cancel_answered(self, record: r.CancelAnswered) -> None:
        if record.client_order_id in self.orders:
            self.orders[record.client_order_id].cancel_outcome = record.outcome

    def _fill_booked(self, record: r.FillBooked) -> None:
        fill, key = record.fill, (record.fill.trade_id, record.client_order_id)
        if key in self.fills:
            raise StateError(f"trade {fill.trade_id} of {record.client_order_id} booked twice")
        self.fills[key] = fill
        self.unconfirmed.add(key)
        order = self.orders[record.client_order_id]
        order.filled += fill.size
        if order.terms.purpose is not Purpose.CONVERT:
            self.position += fill.side.sign * fill.size
        self.agreed = False

    def _row_booked(self, record: r.RowBooked) -> None:
        row = record.row
        if row.key in self.rows:
            raise StateError(f"transaction {row.transaction_id} of order {row.order_id} booked twice")
        self.rows[row.key] = row.utc_us
        if len(self.rows) > KEPT_ROWS:
            forget_rows(self, row.utc_us - DAY_US)
        owner = self.order_of_row(row)
        fill = None if owner is None else self.fills.get((row.transaction_id, owner))
        self.unconfirmed -= {(row.transaction_id, owner)}
        self.ledger.book(record.entries)
        self.agreed = False
        self._give_room(rounded_amounts(row, fill))
        if record.client_order_id is None:
            self.external_rows += 1
            self.external_unacknowledged += 1
            self.settlements.stranger(row)
            return
        if self.settlements.owns(record.client_order_id):
            self._give_room(self.settlements.row(record.client_order_id, row))
            return
        terms = self.orders[record.client_order_id].terms
        if terms.purpose is Purpose.CONVERT:
            self.foreign.row(terms.hedge_id, row)
            return
        hedge = self.hedges[terms.hedge_id]
        hedge.row(row, terms.side)
        if hedge.settled is not None and not hedge.before_anchor:
            self.foreign.late(hedge.opened, row)

    def _give_room(self, hidden: list[tuple[str, Decimal]]) -> None:
        for currency, room in hidden:
            self.rounding_room[currency] = self.rounding_room.get(currency, ZERO) + room

    def _settlement(self, record: LeaseRecord) -> None:
        self.ledger.book(self.settlements.take(record))
        moves = isinstance(record, SettlementOrderAnnounced | TransitBooked) or self.settlements.awaits_rows()
        self.agreed = self.agreed and not moves
        if isinstance(record, ReturnBooked) and not record.ours:
            self.external_rows += 1
            self.external_unacknowledged += 1

    def _statement_agreed(self, record: r.StatementAgreed) -> None:
        for line in record.currencies:
            self.venue_totals[line.currency] = line.venue_total
            if line.rounding:
                self.ledger.book(move(line.currency, line.rounding, LedgerAccount.ROUNDING))
        self.rounding_room.clear()
        self.agreed = True
        self.last_agreed_utc_us = record.utc_us

    def _discrepancy(self, _: r.Discrepancy) -> None:
        self.agreed = False

    def _hedge_closed(self, record: r.HedgeClosed) -> None:
        hedge = self.hedges[record.hedge_id]
        if hedge.closed is not None:
            raise StateError(f"{record.hedge_id} closed twice")
        hedge.closed = record
        self.open_hedge_id = None
        self.totals[record.outcome] = self.totals.get(record.outcome, 0) + 1
        self.empty_hedges_in_row = self.empty_hedges_in_row + 1 if record.outcome == "nothing" else 0

    def _hedge_settled(self, record: r.HedgeSettled) -> None:
        hedge = self.hedges[record.hedge_id]
        hedge.settled = record
        forget_hedges(self)
        if hedge.before_anchor:
            return
        self.foreign.take(record.foreign_delta, record.foreign_delta * hedge.opened.fx_vwap, record.realised_pnl)
        for holding in record.fees:
            self.fees_paid[holding.currency] = self.fees_paid.get(holding.currency, ZERO) + holding.total
        if record.drill:
            return
        self.realised_pnl += record.realised_pnl
        self.turnover += record.turnover
        if record.turnover:
            share = hedge.closed.bought / hedge.opened.size if hedge.closed is not None else ZERO
            self.expected_pnl += hedge.opened.expected_pnl * share

    def _conversion_opened(self, record: r.ConversionOpened) -> None:
        if self.foreign.open_id is not None or self.open_hedge_id is not None:
            raise StateError(f"{record.conversion_id} opened beside another")
        self.foreign.opened(record)

    def _conversion_closed(self, record: r.ConversionClosed) -> None:
        if self.foreign.open_id != record.conversion_id:
            raise StateError(f"{record.conversion_id} closed, but it is not open")
        forget_orders(self, self.foreign.closed(record))

    def _mode_changed(self, record: r.ModeChanged) -> None:
        self.mode = record.mode
        self.mode_reason = record.reason
        if record.mode is Mode.ACTIVE:
            self.external_unacknowledged = 0
            self.empty_hedges_in_row = self.foreign.empty_in_row = 0

    def _refusals_counted(self, record: r.RefusalsCounted) -> None:
        for name, count in record.counts:
            self.refusals[name] = self.refusals.get(name, 0) + count

    def _noted(self, record: r.DurableRecord) -> None:
        """Kept in the journal for people; nothing to remember."""


_APPLY: dict[type, Callable[[State, Any], None]] = {
    r.AnchorSet: State._anchor_set,
    r.MarkSet: State._mark_set,
    r.HedgeOpened: State._hedge_opened,
    r.OrderIntended: State._order_intended,
    r.OrderMoved: State._order_moved,
    r.CancelIntended: State._cancel_intended,
    r.CancelAnswered: State._cancel_answered,
    r.FillBooked: State._fill_booked,
    r.RowBooked: State._row_booked,
    r.StatementAgreed: State._statement_agreed,
    r.Discrepancy: State._discrepancy,
    r.HedgeClosed: State._hedge_closed,
    r.HedgeSettled: State._hedge_settled,
    r.ConversionOpened: State._conversion_opened,
    r.ConversionClosed: State._conversion_closed,
    r.ModeChanged: State._mode_changed,
    RebaseAsked: State._rebase_wanted,
    RebaseDropped: State._rebase_dropped,
    r.RefusalsCounted: State._refusals_counted,
    **dict.fromkeys(get_args(LeaseRecord), State._settlement),
    **dict.fromkeys(get_args(RampRecord), State._noted),
    **dict.fromkeys((r.ExitPlanned, LimitTripped, ClockAgreed, r.AlertRaised, Started, Stopped), State._noted),
}
