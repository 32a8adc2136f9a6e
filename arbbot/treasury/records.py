"""The lines of the request journal: what was intended before it was sent, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

DAEMON, OWN = "daemon", "settle"
"""Who calls a person."""


class OrderState(StrEnum):
    """Where a conversion stands."""

    INTENDED = "intended"
    """Journaled; may or may not have been sent."""
    LIVE = "live"
    IN_DOUBT = "in_doubt"
    OVER = "over"
    """Its fills are known; none where it was refused or never existed."""


class RequestState(StrEnum):
    """Where a withdrawal stands."""

    INTENDED = "intended"
    """Journaled, and never sent."""
    ANNOUNCED = "announced"
    """The daemon has noted it; it may or may not have been sent."""
    IN_DOUBT = "in_doubt"
    """As announced: nobody knows yet whether the venue has it."""
    ACCEPTED = "accepted"
    """The venue has it under its own id, and has not ended it."""
    FINISHED = "finished"
    RETURNED = "returned"
    REFUSED = "refused"
    ABSENT = "absent"
    """Was announced or in doubt, and the venue has never had it."""

    @property
    def ended(self) -> bool:
        """Nothing more is to come of it."""
        return self in (RequestState.FINISHED, RequestState.RETURNED, RequestState.REFUSED, RequestState.ABSENT)


REQUEST_TABLE: dict[RequestState, frozenset[RequestState]] = {
    RequestState.INTENDED: frozenset({RequestState.ANNOUNCED, RequestState.REFUSED}),
    RequestState.ANNOUNCED: frozenset(
        {RequestState.IN_DOUBT, RequestState.ACCEPTED, RequestState.REFUSED, RequestState.ABSENT}
    ),
    RequestState.IN_DOUBT: frozenset({RequestState.IN_DOUBT, RequestState.ACCEPTED, RequestState.ABSENT}),
    RequestState.ACCEPTED: frozenset({RequestState.FINISHED, RequestState.RETURNED}),
    **{state: frozenset() for state in RequestState if state.ended},
}
"""Allowed moves, but for a person's word. Only what is ANNOUNCED is sent, by the process that wrote so, and none leads
back there: nothing is sent again. What was never sent is never in doubt.
"""


@dataclass(frozen=True, slots=True)
class PolicySeen:
    """Settings or destinations that were not in force before: cooling off begins."""

    kind: ClassVar[str] = "policy_seen"
    fingerprint: str
    utc_us: int
    cooling_off_s: Decimal | None = None
    """What these settings say of it: a change away from them waits no less. None: of a program that did not tell."""


@dataclass(frozen=True, slots=True)
class SettlementRefused:
    """Something forbade it; no withdrawal was sent by it, as far as is known. A conversion may have been."""

    kind: ClassVar[str] = "settlement_refused"
    cause: str
    """One word, for programs."""
    text: str
    utc_us: int


@dataclass(frozen=True, slots=True)
class SettlementConfirmed:
    """A person said yes to this, or the settings did."""

    kind: ClassVar[str] = "settlement_confirmed"
    who: str
    text: str
    utc_us: int


@dataclass(frozen=True, slots=True)
class ConversionIntended:
    """Written before the wire. The name is the client order id."""

    kind: ClassVar[str] = "conversion_intended"
    name: str
    market: str
    size: Decimal
    limit_price: Decimal
    fee: Decimal
    """Taker rate, a fraction."""
    utc_us: int
    anchor_us: int | None = None
    """When the ledger of the daemon that was to note it began: one that lacks it and is no younger is an older copy."""


@dataclass(frozen=True, slots=True)
class ConversionMoved:
    """What became of it."""

    kind: ClassVar[str] = "conversion_moved"
    name: str
    state: OrderState
    venue_id: int | None
    filled: Decimal | None
    """When it is over."""
    cause: str
    utc_us: int


@dataclass(frozen=True, slots=True)
class RequestIntended:
    """A withdrawal, written before the wire. The name is ours: the venue takes none."""

    kind: ClassVar[str] = "request_intended"
    name: str
    currency: str
    network: str
    address: str
    size: Decimal
    """What shall arrive."""
    fee: Decimal
    """On top of it, as the venue told."""
    utc_us: int
    anchor_us: int | None = None
    """As of a conversion."""
    announces: bool = False
    """Before it is sent, a line says that it is announced. False: of an older program, which sent it without one."""


@dataclass(frozen=True, slots=True)
class RequestMoved:
    """What became of it."""

    kind: ClassVar[str] = "request_moved"
    name: str
    state: RequestState
    request_id: int | None
    cause: str
    utc_us: int


@dataclass(frozen=True, slots=True)
class PersonCalled:
    """A person was called, because something does not end: the call has been taken."""

    kind: ClassVar[str] = "person_called"
    name: str
    text: str
    utc_us: int
    state: str = ""
    """That it does not leave."""
    by: str = DAEMON
    """Whose alerts took it: the daemon's, or `OWN` of this program, because the daemon did not answer."""


@dataclass(frozen=True, slots=True)
class AnnouncementDenied:
    """The daemon would not have it: it was never sent, and whatever the daemon has of that name is not ours."""

    kind: ClassVar[str] = "announcement_denied"
    name: str
    reason: str
    utc_us: int


@dataclass(frozen=True, slots=True)
class PersonResolved:
    """A person said what became of something that does not end by itself, or that only the daemon knows of."""

    kind: ClassVar[str] = "person_resolved"
    name: str
    state: str
    venue_id: int | None
    filled: Decimal | None
    """Of a conversion."""
    total: Decimal | None
    """Of a withdrawal that this journal has not: what it takes, which counts against the day."""
    who: str
    reason: str
    utc_us: int


@dataclass(frozen=True, slots=True)
class StatementWritten:
    """The end of a settlement that sent something: what left, and how the daemon's ledger stood then."""

    kind: ClassVar[str] = "statement_written"
    name: str
    """Of the withdrawal; of the conversion where no withdrawal followed."""
    state: str
    spent: Decimal
    """Units of `pays` that the conversion took, fee in, as booked by then."""
    bought: Decimal
    withdrawn: Decimal
    """Fee in; zero where nothing is known to have left, and below zero where one before it said more than has left."""
    at_hand: Decimal
    """What is left of what settlements bought."""
    withdrawable: Decimal
    """What may still be spent of `pays`."""
    principal: tuple[tuple[str, Decimal], ...]
    agreed: bool
    """The daemon's ledger equalled the venue's balances."""
    utc_us: int
    conversions: tuple[str, ...] | None = None
    """Those that `spent` and `bought` are of; each stands in one statement. None: all before, of an older program."""


TreasuryRecord = (
    PolicySeen
    | SettlementRefused
    | SettlementConfirmed
    | ConversionIntended
    | ConversionMoved
    | RequestIntended
    | RequestMoved
    | PersonCalled
    | AnnouncementDenied
    | PersonResolved
    | StatementWritten
)
