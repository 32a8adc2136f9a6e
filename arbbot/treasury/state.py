"""What a treasury remembers: a fold over its journal and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from arbbot.domain.money import ZERO
from arbbot.treasury import records as r
from arbbot.treasury.records import OrderState, RequestState

DAY_US = 86_400_000_000


class TreasuryError(RuntimeError):
    """A record that cannot follow the ones before it: a bug or a damaged journal. Never survivable."""


@dataclass(slots=True)
class Conversion:
    """One conversion as it stands."""

    intended: r.ConversionIntended
    state: OrderState = OrderState.INTENDED
    venue_id: int | None = None
    filled: Decimal = ZERO

    @property
    def over(self) -> bool:
        """Its fills are known."""
        return self.state is OrderState.OVER


@dataclass(slots=True)
class Request:
    """One withdrawal as it stands."""

    intended: r.RequestIntended
    state: RequestState = RequestState.INTENDED
    request_id: int | None = None
    cause: str = ""

    @property
    def total(self) -> Decimal:
        """What leaves the account."""
        return self.intended.size + self.intended.fee


@dataclass(slots=True)
class TreasuryState:
    """Everything that must survive the process."""

    fingerprint: str | None = None
    since_us: int | None = None
    """When that policy was first seen."""
    conversions: dict[str, Conversion] = field(default_factory=dict)
    requests: dict[str, Request] = field(default_factory=dict)
    called: set[str] = field(default_factory=set)
    """What a person was called for."""
    last_refusal: r.SettlementRefused | None = None
    last_statement: r.StatementWritten | None = None

    def apply(self, record: r.TreasuryRecord) -> None:
        """Take one record in. Raises TreasuryError where it does not fit."""
        match record:
            case r.PolicySeen():
                self.fingerprint, self.since_us = record.fingerprint, record.utc_us
            case r.ConversionIntended():
                self._new(record.name)
                self.conversions[record.name] = Conversion(record)
            case r.RequestIntended():
                self._new(record.name)
                self.requests[record.name] = Request(record)
            case r.ConversionMoved():
                self._conversion(record)
            case r.RequestMoved():
                self._request(record)
            case r.PersonCalled():
                self.called.add(record.name)
            case r.SettlementRefused():
                self.last_refusal = record
            case r.StatementWritten():
                self.last_statement = record
            case r.SettlementConfirmed():
                pass

    def _new(self, name: str) -> None:
        if name in self.conversions or name in self.requests:
            raise TreasuryError(f"{name} intended twice")
        if self.open_requests() or self.open_conversion() is not None:
            raise TreasuryError(f"{name} intended while another is open")

    def _conversion(self, record: r.ConversionMoved) -> None:
        held = self.conversions.get(record.name)
        if held is None or held.over:
            raise TreasuryError(f"{record.name} cannot become {record.state}")
        held.state = record.state
        held.venue_id = held.venue_id if record.venue_id is None else record.venue_id
        held.filled = held.filled if record.filled is None else record.filled

    def _request(self, record: r.RequestMoved) -> None:
        held = self.requests.get(record.name)
        if held is None or record.state not in r.REQUEST_TABLE[held.state]:
            raise TreasuryError(f"{record.name} cannot become {record.state}")
        held.state, held.cause = record.state, record.cause
        held.request_id = held.request_id if record.request_id is None else record.request_id

    # --- questions -----------------------------------------------------------------------------------------

    def open_conversion(self) -> Conversion | None:
        """The one that is not over; there is at most one."""
        return next((each for each in self.conversions.values() if not each.over), None)

    def open_requests(self) -> list[Request]:
        """Those that have not ended; there is at most one."""
        return [each for each in self.requests.values() if not each.state.ended]

    def known_ids(self) -> set[int]:
        """The venue's ids of our requests."""
        return {each.request_id for each in self.requests.values() if each.request_id is not None}

    def asked_on(self, utc_us: int) -> Decimal:
        """What was asked for on a UTC day and not refused, fees in. What is dated later counts too: a clock may have
        been set back; and what is said never to have existed counts as well, should that be wrong.
        """
        day = utc_us // DAY_US
        return sum(
            (
                each.total
                for each in self.requests.values()
                if each.intended.utc_us // DAY_US >= day and each.state is not RequestState.REFUSED
            ),
            ZERO,
        )

    def mint(self, key: str, letter: str) -> str:
        """The next name: of a conversion (c) or a withdrawal (w)."""
        return f"{key}-{letter}{len(self.conversions) + len(self.requests) + 1:05d}"
