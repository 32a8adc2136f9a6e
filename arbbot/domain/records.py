"""What the engine says happened. Durable records are the journal and, folded, the engine's whole durable state;
log lines and metrics are another fold over the same records.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, TypeGuard

from arbbot.domain.grounds import Grounds
from arbbot.domain.lease import LeaseRecord
from arbbot.domain.ledger import Entry
from arbbot.domain.life import Started, Stopped
from arbbot.domain.market import Direction, Side
from arbbot.domain.mode import Mode, Severity
from arbbot.domain.order import Fill, OrderState, OrderTerms, Transaction
from arbbot.domain.ramp import RampRecord
from arbbot.domain.rebase import RebaseRecord
from arbbot.domain.signals import AskUnanswered, FeedChanged, FrameDropped, Pulse
from arbbot.domain.trips import ClockAgreed, LimitTripped


@dataclass(frozen=True, slots=True)
class Price:
    """A currency or asset and its price in the numeraire."""

    currency: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class Holding:
    """A currency and how much of it."""

    currency: str
    total: Decimal


# --- durable ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AnchorSet:
    """The ledger's beginning: balances of a quiet account, and the last transaction id they contain."""

    kind: ClassVar[str] = "anchor_set"
    durable: ClassVar[bool] = True
    holdings: tuple[Holding, ...]
    cursor: int
    cause: str
    """opening or rebase."""
    who: str
    reason: str
    utc_us: int


@dataclass(frozen=True, slots=True)
class MarkSet:
    """Prices in the numeraire at a moment; the first after an anchor are the zero of the float's revaluation."""

    kind: ClassVar[str] = "mark_set"
    durable: ClassVar[bool] = True
    prices: tuple[Price, ...]
    utc_us: int


@dataclass(frozen=True, slots=True)
class HedgeOpened:
    """A decision to hedge, with everything that led to it. Its legs' intents follow in the same commit."""

    kind: ClassVar[str] = "hedge_opened"
    durable: ClassVar[bool] = True
    hedge_id: str
    direction: Direction
    size: Decimal
    buy_market: str
    sell_market: str
    buy_vwap: Decimal
    sell_vwap: Decimal
    fx_vwap: Decimal
    buy_fee: Decimal
    sell_fee: Decimal
    fx_fee: Decimal
    limit_price: Decimal
    gross_bps: Decimal
    net_bps: Decimal
    """All fees that the policy counts, the FX leg's with them: what the net floor is held against."""
    legs_bps: Decimal
    """The legs' fees only: what the realised edge is compared with, since FX is not converted by a hedge."""
    expected_pnl: Decimal
    """In the numeraire, at the decision's FX, legs' fees off, FX not converted: what HedgeSettled is compared with."""
    bound_by: str
    """Which rule kept the size from being larger."""
    book_microtimestamps: tuple[int, int, int]
    """Domestic, foreign, FX."""
    utc_us: int
    mono_ns: int
    grounds: Grounds | None = None
    """None in journals that are older than it, and of drills."""
    drill: bool = False
    """A readiness drill: decided for no edge."""
    weighed: Decimal | None = None
    """Base units that the weight allowed of target and capital, the better way round; None in older journals."""


@dataclass(frozen=True, slots=True)
class OrderIntended:
    """Written before the wire."""

    kind: ClassVar[str] = "order_intended"
    durable: ClassVar[bool] = True
    terms: OrderTerms
    utc_us: int


@dataclass(frozen=True, slots=True)
class OrderMoved:
    """An order's state changed along the table; terminal states carry the filled size that is final."""

    kind: ClassVar[str] = "order_moved"
    durable: ClassVar[bool] = True
    client_order_id: str
    state: OrderState
    venue_order_id: int | None
    cause: str
    utc_us: int


@dataclass(frozen=True, slots=True)
class CancelIntended:
    """A cancel is about to go out."""

    kind: ClassVar[str] = "cancel_intended"
    durable: ClassVar[bool] = True
    client_order_id: str
    cause: str
    utc_us: int


@dataclass(frozen=True, slots=True)
class CancelAnswered:
    """What came of a cancel: canceled, pending, not_found, unanswered or refused."""

    kind: ClassVar[str] = "cancel_answered"
    durable: ClassVar[bool] = True
    client_order_id: str
    outcome: str
    reason: str
    utc_us: int


@dataclass(frozen=True, slots=True)
class FillBooked:
    """A fill of ours moved the base position, provisionally until its transaction row comes."""

    kind: ClassVar[str] = "fill_booked"
    durable: ClassVar[bool] = True
    client_order_id: str
    fill: Fill
    source: str
    """channel, status or row."""
    late: bool
    """True when the order was already terminal: alarmed."""
    utc_us: int


@dataclass(frozen=True, slots=True)
class RowBooked:
    """A transaction row entered the ledger."""

    kind: ClassVar[str] = "row_booked"
    durable: ClassVar[bool] = True
    row: Transaction
    client_order_id: str | None
    """Whose it is: our order's, or the name of what a settlement announced; None for external rows."""
    entries: tuple[Entry, ...]
    utc_us: int


@dataclass(frozen=True, slots=True)
class CurrencyStatement:
    """One currency of a statement: what the venue shows and what was put to the rounding account to equal it."""

    currency: str
    venue_total: Decimal
    rounding: Decimal


@dataclass(frozen=True, slots=True)
class StatementAgreed:
    """At a quiet moment the ledger equalled the venue's balances, after the rounding entries named here."""

    kind: ClassVar[str] = "statement_agreed"
    durable: ClassVar[bool] = True
    currencies: tuple[CurrencyStatement, ...]
    utc_us: int


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """At a quiet moment the ledger did not equal the venue; `halts` when it persisted."""

    kind: ClassVar[str] = "discrepancy"
    durable: ClassVar[bool] = True
    differences: tuple[Holding, ...]
    """Venue minus ledger."""
    halts: bool
    utc_us: int


@dataclass(frozen=True, slots=True)
class ExitPlanned:
    """The one-leg table chose: `action` complete, unwind or leave, with the figures of both."""

    kind: ClassVar[str] = "exit_planned"
    durable: ClassVar[bool] = True
    hedge_id: str
    action: str
    cause: str
    imbalance: Decimal
    complete_value: Decimal | None
    """Numeraire, fees and FX in; None where the book is not deep enough."""
    unwind_value: Decimal | None
    forced: bool
    utc_us: int


@dataclass(frozen=True, slots=True)
class HedgeClosed:
    """All orders of a hedge are terminal with known fills and what is left is dust."""

    kind: ClassVar[str] = "hedge_closed"
    durable: ClassVar[bool] = True
    hedge_id: str
    outcome: str
    """completed, one_sided (topped up), nothing (no fill) or abandoned (left open within a cap or by a person)."""
    bought: Decimal
    sold: Decimal
    dust: Decimal
    """bought - sold, carried."""
    cause: str
    utc_us: int


@dataclass(frozen=True, slots=True)
class HedgeSettled:
    """Every fill of a closed hedge has its transaction row: what it really made."""

    kind: ClassVar[str] = "hedge_settled"
    durable: ClassVar[bool] = True
    hedge_id: str
    realised_pnl: Decimal
    """In the numeraire at the decision's FX, legs' fees in; FX is not converted yet."""
    realised_bps: Decimal
    turnover: Decimal
    """Numeraire that its purchases cost, at the decision's FX."""
    leftover: Decimal
    """Base bought and not sold (dust, or a leg given up), at the decision's price: part of the P&L above."""
    fees: tuple[Holding, ...]
    domestic_delta: Decimal
    foreign_delta: Decimal
    utc_us: int
    drill: bool = False
    """In no sum of hedges."""


@dataclass(frozen=True, slots=True)
class ConversionOpened:
    """A decision to bring foreign currency back to where it was. Its order's intent follows in the same commit."""

    kind: ClassVar[str] = "conversion_opened"
    durable: ClassVar[bool] = True
    conversion_id: str
    market: str
    foreign: str
    domestic: str
    side: Side
    size: Decimal
    """Foreign currency."""
    limit_price: Decimal
    vwap: Decimal
    """Expected: the book walked for the size."""
    fee: Decimal
    """Taker rate, a fraction."""
    drift: Decimal
    """Foreign currency that trading has changed so far, fees in."""
    cause: str
    """The policy: each or band."""
    bound_by: str
    """drift, or the rule that kept the size below it."""
    book_microtimestamp: int
    utc_us: int


@dataclass(frozen=True, slots=True)
class ConversionClosed:
    """A conversion's order is over and every fill of it has its transaction row."""

    kind: ClassVar[str] = "conversion_closed"
    durable: ClassVar[bool] = True
    conversion_id: str
    outcome: str
    """converted, partial or nothing."""
    foreign_delta: Decimal
    domestic_delta: Decimal
    """Without the fee."""
    fee: Decimal
    """Domestic."""
    realised_pnl: Decimal
    """FX P&L in the numeraire, against the value at the decisions' FX of what it converted; the fee not in."""
    drift: Decimal
    """What is left."""
    cause: str
    utc_us: int


@dataclass(frozen=True, slots=True)
class ModeChanged:
    """ACTIVE, PAUSED, REDUCING or HALTED, who said so and why."""

    kind: ClassVar[str] = "mode_changed"
    durable: ClassVar[bool] = True
    mode: Mode
    who: str
    reason: str
    utc_us: int
    own: bool = False
    """The daemon itself, and no person, whatever a person is called; False in older journals."""


@dataclass(frozen=True, slots=True)
class RefusalsCounted:
    """How often each refusal was given since the last such record."""

    kind: ClassVar[str] = "refusals_counted"
    durable: ClassVar[bool] = True
    counts: tuple[tuple[str, int], ...]
    utc_us: int


@dataclass(frozen=True, slots=True)
class AlertRaised:
    """Something a person should know."""

    kind: ClassVar[str] = "alert_raised"
    durable: ClassVar[bool] = True
    severity: Severity
    name: str
    text: str
    utc_us: int


DurableRecord = (
    AnchorSet
    | MarkSet
    | HedgeOpened
    | OrderIntended
    | OrderMoved
    | CancelIntended
    | CancelAnswered
    | FillBooked
    | RowBooked
    | StatementAgreed
    | Discrepancy
    | ExitPlanned
    | HedgeClosed
    | HedgeSettled
    | ConversionOpened
    | ConversionClosed
    | ModeChanged
    | LimitTripped
    | ClockAgreed
    | RebaseRecord
    | LeaseRecord
    | RampRecord
    | RefusalsCounted
    | AlertRaised
    | Started
    | Stopped
)
Record = DurableRecord | Pulse | FeedChanged | FrameDropped | AskUnanswered


def is_durable(record: Record) -> TypeGuard[DurableRecord]:
    """True for records that belong in the journal."""
    return record.durable
