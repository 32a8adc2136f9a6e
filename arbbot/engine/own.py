"""What is ours, as the state keeps it: orders, hedges, and where the ledger begins."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from arbbot.domain.market import Side
from arbbot.domain.money import ZERO
from arbbot.domain.order import OrderReport, OrderState, OrderTerms, Transaction
from arbbot.domain.records import AnchorSet, HedgeClosed, HedgeOpened, HedgeSettled


@dataclass(slots=True)
class OwnOrder:
    """One of our orders as it stands."""

    terms: OrderTerms
    intended_utc_us: int
    state: OrderState = OrderState.INTENT
    venue_order_id: int | None = None
    filled: Decimal = ZERO
    cancel_outcome: str | None = None
    """None: no cancel sent; asked: on its way; else the outcome's name."""

    @property
    def may_fill(self) -> Decimal:
        """Base units that may still fill, in the worse case."""
        return ZERO if self.state.terminal else max(self.terms.size - self.filled, ZERO)

    def may_be(self, report: OrderReport) -> bool:
        """Whether what the venue says of an order, and not by its name, can be of this one: by its fills' market and
        side, and by its size where that is told.
        """
        if any((fill.market, fill.side) != (self.terms.market, self.terms.side) for fill in report.fills):
            return False
        filled = sum((fill.size for fill in report.fills), ZERO)
        return report.remaining is None or report.remaining + filled == self.terms.size


@dataclass(slots=True)
class Hedge:
    """One hedge: its decision, its orders in the order they were intended, and how it ended."""

    opened: HedgeOpened
    orders: list[str] = field(default_factory=list)
    exits: int = 0
    deltas: dict[str, Decimal] = field(default_factory=dict)
    """Signed change per currency by booked rows, without fees."""
    fees: dict[str, Decimal] = field(default_factory=dict)
    """Fees per currency by booked rows."""
    paid: dict[str, Decimal] = field(default_factory=dict)
    """What its purchases cost per currency by booked rows, without fees."""
    closed: HedgeClosed | None = None
    settled: HedgeSettled | None = None
    before_anchor: bool = False
    """The ledger began anew since its decision: what it moved is in the opening, and in no sum since."""

    def row(self, row: Transaction, side: Side) -> None:
        """A booked row of one of its orders."""
        for currency, delta in row.amounts:
            self.deltas[currency] = self.deltas.get(currency, ZERO) + delta
            if side is Side.BUY and delta < 0:
                self.paid[currency] = self.paid.get(currency, ZERO) - delta
        if row.fee and row.fee_currency is not None:
            self.fees[row.fee_currency] = self.fees.get(row.fee_currency, ZERO) + row.fee


@dataclass(slots=True)
class Anchor:
    """Where the ledger begins, and with it every sum of the report."""

    holdings: dict[str, Decimal]
    cursor: int
    utc_us: int
    cause: str
    """opening or rebase."""
    who: str
    reason: str
    hedges: dict[str, int]
    """Hedges by outcome that the journal had counted by then."""
    conversions: dict[str, int]
    """Conversions, likewise."""

    @classmethod
    def of(cls, record: AnchorSet, hedges: dict[str, int], conversions: dict[str, int]) -> Anchor:
        """From its record, and what the journal counts at that moment."""
        holdings = {holding.currency: holding.total for holding in record.holdings}
        words = (record.cause, record.who, record.reason)
        return cls(holdings, record.cursor, record.utc_us, *words, dict(hedges), dict(conversions))
