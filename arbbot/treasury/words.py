"""What a settlement wants done, and what it is told: one command at a time, each answered by exactly one event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from arbbot.domain.commands import PlaceOrder
from arbbot.domain.events import AskFailed, OrderAcked, OrderRefused, OrderReported, OrderUnanswered
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.funding import Withdrawal, WithdrawalOutcome, WithdrawalRequest
from arbbot.treasury.plan import Facts, Means

# --- commands -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AskDaemon:
    """A request at the daemon's control socket. Answered by DaemonSaid or DaemonRefused."""

    request: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ReadFacts:
    """Market, book and fees at the venue. Answered by FactsRead or VenueUnread."""


@dataclass(frozen=True, slots=True)
class ReadOrder:
    """What became of an order. Answered by OrderReported or AskFailed."""

    name: str
    venue_id: int | None


@dataclass(frozen=True, slots=True)
class SendWithdrawal:
    """Send this once. Answered by Answered."""

    name: str
    asked: Withdrawal


@dataclass(frozen=True, slots=True)
class ReadRequests:
    """The venue's list of withdrawals, or what it says of this one alone. Answered by RequestsListed or VenueUnread."""

    request_id: int | None = None


@dataclass(frozen=True, slots=True)
class AskPerson:
    """May this be done? Answered by PersonSaid."""

    text: str


@dataclass(frozen=True, slots=True)
class CallPerson:
    """Call one by this program's own alerts: this does not end. Answered by PersonCalledUp."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Wait:
    """So many seconds of market time. Answered by Waited."""

    seconds: Decimal


@dataclass(frozen=True, slots=True)
class Done:
    """The settlement is over. Not answered."""

    code: ExitCode
    text: str


Command = (
    AskDaemon
    | ReadFacts
    | PlaceOrder
    | ReadOrder
    | SendWithdrawal
    | ReadRequests
    | AskPerson
    | CallPerson
    | Wait
    | Done
)

# --- events -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DaemonSaid:
    """Its result, as the control socket gives it; money is text."""

    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DaemonRefused:
    """It would not, or did not answer."""

    reason: str
    unreachable: bool = False


@dataclass(frozen=True, slots=True)
class FactsRead:
    """The venue has told."""

    facts: Facts


@dataclass(frozen=True, slots=True)
class VenueUnread:
    """A question without an answer."""

    reason: str
    auth_lost: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """What the answer to a withdrawal proves."""

    outcome: WithdrawalOutcome


@dataclass(frozen=True, slots=True)
class RequestsListed:
    """Newest first, by the venue's word."""

    requests: tuple[WithdrawalRequest, ...]


@dataclass(frozen=True, slots=True)
class PersonSaid:
    """Yes or no, and who."""

    yes: bool
    who: str


@dataclass(frozen=True, slots=True)
class PersonCalledUp:
    """Whether the call was taken: not where it failed, nor where nobody is to be called."""

    taken: bool


@dataclass(frozen=True, slots=True)
class Waited:
    """The time is over."""


OrderWord = OrderAcked | OrderRefused | OrderUnanswered | OrderReported | AskFailed
Event = (
    DaemonSaid
    | DaemonRefused
    | FactsRead
    | VenueUnread
    | Answered
    | RequestsListed
    | PersonSaid
    | PersonCalledUp
    | Waited
    | OrderWord
)


# --- the daemon's view --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class View:
    """What the daemon says of the account (`settlement` at its control socket)."""

    lease: str | None
    agreed: bool
    waiting: str | None
    """What is open, in doubt or lent out."""
    means: Means
    principal: tuple[tuple[str, Decimal], ...]
    orders: Mapping[str, Mapping[str, Any]]
    withdrawals: Mapping[str, Mapping[str, Any]]
    balances: Mapping[str, Decimal]
    """Totals that the venue last showed it."""
    anchor_us: int | None
    """When its ledger began, UTC microseconds; None before it has one."""

    @classmethod
    def of(cls, result: Mapping[str, Any]) -> View:
        """Raises KeyError, TypeError, ValueError or decimal's errors for what is no such answer."""
        figures = result["withdrawable"]
        return cls(
            lease=result["lease"],
            agreed=result["agreed"] is True,
            waiting=result["waiting"],
            means=Means(Decimal(str(figures["size"])), Decimal(str(result["at_hand"]))),
            principal=tuple((name, Decimal(str(total))) for name, total in figures["principal"].items()),
            orders=result["orders"],
            withdrawals=result["withdrawals"],
            balances={name: Decimal(str(total)) for name, total in result["balances"].items()},
            anchor_us=None if result["anchor_utc_us"] is None else int(result["anchor_utc_us"]),
        )
