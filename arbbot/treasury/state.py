"""What a treasury remembers: a fold over its journal and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from arbbot.domain.money import ZERO
from arbbot.treasury import records as r
from arbbot.treasury.records import OrderState, RequestState
from arbbot.treasury.silence import SECOND_US

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
    state: RequestState
    request_id: int | None = None
    cause: str = ""
    by_person: bool = False
    """A person said so."""

    @property
    def total(self) -> Decimal:
        """What leaves the account."""
        return self.intended.size + self.intended.fee

    @property
    def unknown(self) -> bool:
        """It has not come to anything that the venue says, or is known not to."""
        return self.state in (RequestState.INTENDED, RequestState.ANNOUNCED, RequestState.IN_DOUBT)

    @property
    def gone(self) -> Decimal:
        """What is known to have left by it."""
        return self.total if self.state in (RequestState.ACCEPTED, RequestState.FINISHED) else ZERO


@dataclass(slots=True)
class TreasuryState:
    """Everything that must survive the process."""

    fingerprint: str | None = None
    since_us: int | None = None
    """When that policy was first seen."""
    cooling_off_s: Decimal | None = None
    """What that policy says of it."""
    wait_s: Decimal = ZERO
    """How long from then nothing is settled."""
    conversions: dict[str, Conversion] = field(default_factory=dict)
    requests: dict[str, Request] = field(default_factory=dict)
    called: set[tuple[str, str, str]] = field(default_factory=set)
    """What a person was called for: a name, the state it does not leave, and who called."""
    denied: set[str] = field(default_factory=set)
    """Names that the daemon would not have announced: if it has them, they are another's."""
    adopted: dict[str, r.PersonResolved] = field(default_factory=dict)
    """What only the daemon knew of, and a person has told."""
    stated: set[str] = field(default_factory=set)
    """Conversions and withdrawals that a statement tells of."""
    stated_gone: dict[str, Decimal] = field(default_factory=dict)
    """What all statements together say that a withdrawal has taken."""
    last_refusal: r.SettlementRefused | None = None
    last_statement: r.StatementWritten | None = None

    def apply(self, record: r.TreasuryRecord) -> None:
        """Take one record in. Raises TreasuryError where it does not fit."""
        match record:
            case r.PolicySeen():
                self._policy(record)
            case r.ConversionIntended():
                self._new(record.name)
                self.conversions[record.name] = Conversion(record)
            case r.RequestIntended():
                self._new(record.name)
                before = RequestState.INTENDED if record.announces else RequestState.ANNOUNCED
                self.requests[record.name] = Request(record, before)
            case r.ConversionMoved():
                self._conversion(record)
            case r.RequestMoved():
                self._request(record)
            case _:
                self._note(record)

    def _note(self, record: r.TreasuryRecord) -> None:
        """What moves nothing, and a person's word."""
        match record:
            case r.PersonCalled():
                self.called.add((record.name, record.state, record.by))
            case r.AnnouncementDenied():
                self.denied.add(record.name)
            case r.PersonResolved():
                self._resolved(record)
            case r.SettlementRefused():
                self.last_refusal = record
            case r.StatementWritten():
                self.last_statement = record
                self.stated |= {record.name, *(self.conversions if record.conversions is None else record.conversions)}
                self.stated_gone[record.name] = self.stated_gone.get(record.name, ZERO) + record.withdrawn
            case r.SettlementConfirmed():
                pass

    def _policy(self, record: r.PolicySeen) -> None:
        """A change waits as long as the settings before it, or its own, would have it, and no wait is cut short."""
        left_s = self.cooling_left(record.utc_us)
        self.wait_s = max(left_s, self.cooling_off_s or ZERO, record.cooling_off_s or ZERO)
        self.fingerprint, self.since_us = record.fingerprint, record.utc_us
        self.cooling_off_s = record.cooling_off_s

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

    def _resolved(self, record: r.PersonResolved) -> None:
        order, request = self.conversions.get(record.name), self.requests.get(record.name)
        if record.name in self.denied:
            self.adopted[record.name] = record
        elif order is not None:
            order.state = OrderState(record.state)
            order.venue_id = order.venue_id if record.venue_id is None else record.venue_id
            order.filled = order.filled if record.filled is None else record.filled
        elif request is not None:
            request.state, request.by_person = RequestState(record.state), True
            request.cause = f"{record.who}: {record.reason}"
            request.request_id = request.request_id if record.venue_id is None else record.venue_id
        else:
            self.adopted[record.name] = record

    # --- questions -----------------------------------------------------------------------------------------

    def cooling_left(self, utc_us: int, least_s: Decimal = ZERO) -> Decimal:
        """Seconds for which nothing is settled, of at least so many in all. A change that is dated later than now has
        just happened: a clock was set back.
        """
        if self.since_us is None:
            return ZERO
        return max(max(self.wait_s, least_s) - max(Decimal(utc_us - self.since_us) / SECOND_US, ZERO), ZERO)

    def knows(self, name: str) -> bool:
        """Whether something the daemon knows of is this journal's, or a person has told of it."""
        ours = name in self.conversions or name in self.requests
        return name in self.adopted or (ours and name not in self.denied)

    def newest_sent(self) -> list[r.ConversionIntended | r.RequestIntended]:
        """The newest conversion that filled and the newest withdrawal that the venue has, had, or may have: the daemon
        noted both before they were sent.
        """
        never = (RequestState.REFUSED, RequestState.ABSENT)
        filled = [each.intended for name, each in self.conversions.items() if each.filled > 0 and self.knows(name)]
        taken = [each.intended for name, each in self.requests.items() if each.state not in never and self.knows(name)]
        return [*filled[-1:], *taken[-1:]]

    def unstated(self) -> tuple[list[Request], list[Conversion]]:
        """What was sent, has come to a known state, and stands in no statement, or in one that says otherwise:
        withdrawals, and conversions that bought something.
        """
        known = [each for each in self.requests.values() if not each.unknown and each.intended.name not in self.denied]
        requests = [
            each
            for each in known
            if each.intended.name not in self.stated or each.gone != self.stated_gone.get(each.intended.name, ZERO)
        ]
        bought = [each for name, each in self.conversions.items() if self._to_state(name) and each.filled > 0]
        return requests, [each for each in bought if each.over]

    def _to_state(self, name: str) -> bool:
        return name not in self.stated and name not in self.denied

    def open_conversion(self) -> Conversion | None:
        """The one that is not over; there is at most one."""
        return next((each for each in self.conversions.values() if not each.over), None)

    def open_requests(self) -> list[Request]:
        """Those that have not ended; there is at most one."""
        return [each for each in self.requests.values() if not each.state.ended]

    def known_ids(self) -> set[int]:
        """The venue's ids of our requests, and of those that a person has told of."""
        ours = {each.request_id for each in self.requests.values() if each.request_id is not None}
        told = (each.venue_id for each in self.adopted.values() if each.filled is None)
        return ours | {each for each in told if each is not None}

    def asked_on(self, utc_us: int) -> Decimal:
        """What was asked for on a UTC day and not refused, fees in. What is dated later counts too: a clock may have
        been set back; and what is said never to have existed counts as well, should that be wrong.
        """
        day = utc_us // DAY_US
        told = (each for each in self.adopted.values() if each.total is not None and each.utc_us // DAY_US >= day)
        return sum(
            (
                each.total
                for each in self.requests.values()
                if each.intended.utc_us // DAY_US >= day and each.state is not RequestState.REFUSED
            ),
            sum((each.total or ZERO for each in told), ZERO),
        )

    def mint(self, key: str, letter: str) -> str:
        """The next name: of a conversion (c) or a withdrawal (w)."""
        count = len(self.conversions) + len(self.requests) + len(self.adopted) + 1
        return f"{key}-{letter}{count:05d}"
