"""The durable records of a treasury's lease on a quiet account: what it was granted, what it announced before it sent
anything, what it told of it afterwards, and money that has left before its transaction row has come.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from arbbot.domain.ledger import Entry
from arbbot.domain.market import Side


@dataclass(frozen=True, slots=True)
class LeaseGranted:
    """Until it ends no hedge and no conversion of ours begins."""

    kind: ClassVar[str] = "lease_granted"
    durable: ClassVar[bool] = True
    lease_id: str
    who: str
    reason: str
    until_utc_us: int
    utc_us: int


@dataclass(frozen=True, slots=True)
class LeaseDenied:
    """Something the treasury asked for was not granted; nothing has changed."""

    kind: ClassVar[str] = "lease_denied"
    durable: ClassVar[bool] = True
    asked: str
    """lease, order, withdrawal, word or release."""
    reason: str
    utc_us: int


@dataclass(frozen=True, slots=True)
class LeaseEnded:
    """Trading may go on."""

    kind: ClassVar[str] = "lease_ended"
    durable: ClassVar[bool] = True
    lease_id: str
    cause: str
    utc_us: int


@dataclass(frozen=True, slots=True)
class SettlementOrderAnnounced:
    """The treasury is about to send this order, once, under this client order id."""

    kind: ClassVar[str] = "settlement_order_announced"
    durable: ClassVar[bool] = True
    lease_id: str
    client_order_id: str
    market: str
    side: Side
    size: Decimal
    """Base units of the market."""
    limit_price: Decimal
    pays: str
    """The currency it pays with."""
    worst_cost: Decimal
    """Of that currency, at the limit with the fee."""
    worst_cost_numeraire: Decimal
    """The same in the numeraire: so much profit counts as withdrawn."""
    utc_us: int


@dataclass(frozen=True, slots=True)
class WithdrawalAnnounced:
    """The treasury is about to ask for this withdrawal, once."""

    kind: ClassVar[str] = "withdrawal_announced"
    durable: ClassVar[bool] = True
    lease_id: str
    name: str
    """Ours; the venue's id is not known yet."""
    currency: str
    size: Decimal
    """What is to arrive, before the network's own doings."""
    fee: Decimal
    """What the venue takes on top of it."""
    network: str
    utc_us: int
    venue_utc_us: int | None = None
    """The same moment by the venue's clock; None where it was not known."""


@dataclass(frozen=True, slots=True)
class SettlementTold:
    """The treasury's word on something it had announced."""

    kind: ClassVar[str] = "settlement_told"
    durable: ClassVar[bool] = True
    name: str
    """Client order id, or the withdrawal's name."""
    outcome: str
    """Of an order: named (its venue id), over (with what filled). Of a withdrawal: accepted (its venue id), finished,
    refused (it never existed, by the venue's answer), absent (the venue's list never showed it: what it may take stays
    announced) or returned (failed, canceled, reversed: the money comes back).
    """
    venue_id: int | None
    filled: Decimal | None
    """Base units, when an order is over."""
    reason: str
    utc_us: int
    venue_utc_us: int | None = None
    """The same moment by the venue's clock; None where it was not known."""
    latest_utc_us: int | None = None
    """The latest that it can have been by the venue's clock; None in journals of before."""


@dataclass(frozen=True, slots=True)
class TransitBooked:
    """The venue's balance has lost what an announced withdrawal takes, and no row says so yet; or has it again."""

    kind: ClassVar[str] = "transit_booked"
    durable: ClassVar[bool] = True
    name: str
    out: bool
    """False when it came back without a row."""
    entries: tuple[Entry, ...]
    utc_us: int


@dataclass(frozen=True, slots=True)
class ReturnBooked:
    """Whose a row was that can be a withdrawal's return, now that the venue has called that returned, or finished."""

    kind: ClassVar[str] = "return_booked"
    durable: ClassVar[bool] = True
    name: str
    ours: bool
    """False: somebody has paid in as much."""
    entries: tuple[Entry, ...]
    utc_us: int


LeaseRecord = (
    LeaseGranted
    | LeaseDenied
    | LeaseEnded
    | SettlementOrderAnnounced
    | WithdrawalAnnounced
    | SettlementTold
    | TransitBooked
    | ReturnBooked
)
