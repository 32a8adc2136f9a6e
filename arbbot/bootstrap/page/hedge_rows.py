"""Hedges as a table shows them, told from their records alone: the same for the running daemon and for its journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from arbbot.bootstrap.page.daybook import expected_of
from arbbot.domain import records as r
from arbbot.domain.market import Side
from arbbot.domain.money import ZERO
from arbbot.domain.order import OrderState, OrderTerms, Purpose, slippage_bps
from arbbot.engine.entry import round_price

_BPS_STEP = Decimal("0.0001")


@dataclass(slots=True)
class _Leg:
    """One of the two orders that a hedge began with."""

    terms: OrderTerms
    expected: Decimal
    """The book walked for the size at the decision: an average price."""
    state: OrderState = OrderState.INTENT
    answered_us: int | None = None
    filled: Decimal = ZERO
    value: Decimal = ZERO
    """Counter currency, of what filled."""
    fees: dict[str, Decimal] = field(default_factory=dict)

    def figures(self) -> dict[str, Any]:
        """Prices in counter currency; slippage is how much worse than at the decision it filled."""
        price = round_price(self.value / self.filled) if self.filled else None
        slipped = None if price is None else slippage_bps(self.terms.side, self.expected, price)
        return {
            "market": self.terms.market,
            "size": self.terms.size,
            "filled": self.filled,
            "price": price,
            "expected_price": self.expected,
            "slippage_bps": None if slipped is None else slipped.quantize(_BPS_STEP) + ZERO,
            "limit": self.terms.price,
            "fees": dict(self.fees),
            "state": self.state.value,
        }


@dataclass(slots=True)
class _Row:
    """A hedge."""

    opened: r.HedgeOpened
    legs: dict[Side, _Leg] = field(default_factory=dict)
    closed: r.HedgeClosed | None = None
    settled: r.HedgeSettled | None = None
    changes: int = 0
    """Records that were about it."""

    def figures(self) -> dict[str, Any]:
        opened, settled = self.opened, self.settled
        return {
            "hedge_id": opened.hedge_id,
            "utc_us": opened.utc_us,
            "direction": opened.direction.value,
            "size": opened.size,
            "outcome": "open" if self.closed is None else self.closed.outcome,
            "bound_by": opened.bound_by,
            "drill": opened.drill,
            "net_bps": opened.net_bps,
            "expected_bps": opened.legs_bps,
            "realised_bps": None if settled is None else settled.realised_bps,
            "expected_pnl": opened.expected_pnl,
            "expected_of_bought": self._expected_of_bought(),
            "realised_pnl": None if settled is None else settled.realised_pnl,
            "buy": self._leg(Side.BUY),
            "sell": self._leg(Side.SELL),
            "leg_gap_ms": self._gap_ms(),
            "changes": self.changes,
        }

    def _expected_of_bought(self) -> Decimal | None:
        """What was expected of the part that was bought: what a result is compared with; None before there is one."""
        if self.closed is None or self.settled is None:
            return None
        return expected_of(self.opened, self.closed.bought if self.settled.turnover else ZERO)

    def _leg(self, side: Side) -> dict[str, Any] | None:
        leg = self.legs.get(side)
        return None if leg is None else leg.figures()

    def _gap_ms(self) -> Decimal | None:
        """Between the first words on its two legs."""
        answered = [leg.answered_us for leg in self.legs.values() if leg.answered_us is not None]
        return Decimal(max(answered) - min(answered)) / 1000 if len(answered) == len(Side) else None


class HedgeRows:
    """The fold. Keeps the last `most` hedges, or all."""

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._rows: dict[str, _Row] = {}
        self._legs: dict[str, _Leg] = {}
        self._of_orders: dict[str, _Row] = {}
        """Rows by their legs' client order ids."""
        self.version = 0
        """Another whenever a hedge has changed."""

    def take(self, record: r.Record) -> None:
        """One record, in the journal's order; those that are about no hedge change nothing."""
        step = _STEPS.get(type(record))
        if step is not None:
            step(self, record)

    def newest_first(self) -> list[dict[str, Any]]:
        """The rows."""
        return [row.figures() for row in reversed(self._rows.values())]

    def _opened(self, record: r.HedgeOpened) -> None:
        self._rows[record.hedge_id] = row = _Row(record)
        self._changed(row)
        if self._most is not None and len(self._rows) > self._most:
            gone = self._rows.pop(next(iter(self._rows)))
            for leg in gone.legs.values():
                del self._legs[leg.terms.client_order_id], self._of_orders[leg.terms.client_order_id]

    def _intended(self, record: r.OrderIntended) -> None:
        terms, row = record.terms, self._rows.get(record.terms.hedge_id)
        if row is not None and terms.purpose is Purpose.LEG:
            expected = row.opened.buy_vwap if terms.side is Side.BUY else row.opened.sell_vwap
            self._legs[terms.client_order_id] = row.legs[terms.side] = _Leg(terms, expected)
            self._of_orders[terms.client_order_id] = row
            self._changed(row)

    def _moved(self, record: r.OrderMoved) -> None:
        leg = self._legs.get(record.client_order_id)
        if leg is not None:
            leg.state = record.state
            leg.answered_us = record.utc_us if leg.answered_us is None else leg.answered_us
            self._changed(self._of_orders[record.client_order_id])

    def _filled(self, record: r.FillBooked) -> None:
        leg = self._legs.get(record.client_order_id)
        if leg is not None:
            leg.filled += record.fill.size
            leg.value += record.fill.size * record.fill.price
            self._changed(self._of_orders[record.client_order_id])

    def _row_booked(self, record: r.RowBooked) -> None:
        leg = self._legs.get(record.client_order_id or "")
        currency = record.row.fee_currency
        if leg is not None and currency is not None:
            leg.fees[currency] = leg.fees.get(currency, ZERO) + record.row.fee
            self._changed(self._of_orders[leg.terms.client_order_id])

    def _closed(self, record: r.HedgeClosed) -> None:
        if record.hedge_id in self._rows:
            self._rows[record.hedge_id].closed = record
            self._changed(self._rows[record.hedge_id])

    def _settled(self, record: r.HedgeSettled) -> None:
        if record.hedge_id in self._rows:
            self._rows[record.hedge_id].settled = record
            self._changed(self._rows[record.hedge_id])

    def _changed(self, row: _Row) -> None:
        row.changes += 1
        self.version += 1


_STEPS: dict[type, Callable[[HedgeRows, Any], None]] = {
    r.HedgeOpened: HedgeRows._opened,
    r.OrderIntended: HedgeRows._intended,
    r.OrderMoved: HedgeRows._moved,
    r.FillBooked: HedgeRows._filled,
    r.RowBooked: HedgeRows._row_booked,
    r.HedgeClosed: HedgeRows._closed,
    r.HedgeSettled: HedgeRows._settled,
}
