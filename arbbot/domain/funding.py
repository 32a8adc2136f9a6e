"""Money that comes to the venue and leaves it: what is asked for, what the venue answered, what it lists."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

# --- what is asked for --------------------------------------------------------------------------------------------

EXTRA_FIELDS = frozenset(
    {
        "memo_id", "destination_tag", "transfer_id", "originator_info", "beneficiary_thirdparty", "beneficiary_id",
        "beneficiary_info", "vasp_uuid", "contact_thirdparty", "contact_uuid",
    }
)  # fmt: skip
"""What a withdrawal may carry beside its address: a memo or tag of the chain, and the travel rule's fields. The
documentation of the call names the first five of those; its table of errors speaks of `contact_...`.
"""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Crypto to be sent out. `size` is what shall arrive, in units of `currency` (lower case); the venue's fee comes on
    top. `extras` are fields of the call as the venue spells them: a memo or tag of the chain, and the travel rule's.
    """

    currency: str
    size: Decimal
    network: str
    address: str
    extras: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money between the main account and a sub-account of the same customer. A sub-account's own key names none."""

    currency: str
    size: Decimal
    to_main: bool
    sub_account: str | None


# --- what came of it ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WithdrawalAccepted:
    """The venue took it under this id. Whether the money arrives, the list of requests tells."""

    request_id: int


@dataclass(frozen=True, slots=True)
class FundingDone:
    """The venue says that a transfer is done."""


@dataclass(frozen=True, slots=True)
class FundingRefused:
    """The venue provably did not do it, or was never asked. `code` is its own, or text, not_sent, local_rate_limit."""

    code: str
    reason: str
    auth_lost: bool = False


@dataclass(frozen=True, slots=True)
class FundingInDoubt:
    """Nobody knows whether the venue did it. It is never asked for again: the venue's lists tell in time."""

    reason: str
    auth_lost: bool = False


WithdrawalOutcome = WithdrawalAccepted | FundingRefused | FundingInDoubt
FundingOutcome = FundingDone | FundingRefused | FundingInDoubt


LISTED_S = 50_000_000
"""Requests are asked for so far back: the most the venue allows. Of an older one its list says nothing."""
LISTED_MOST = 1000
"""Requests and moves read at once: the most the venue gives, newest first."""

# --- what the venue lists -----------------------------------------------------------------------------------------


class RequestStatus(StrEnum):
    """How far a withdrawal request is."""

    OPEN = "open"
    IN_PROCESS = "in_process"
    FINISHED = "finished"
    CANCELED = "canceled"
    FAILED = "failed"
    REVERSED = "reversed"

    @property
    def is_returned(self) -> bool:
        """The money comes back, or is back."""
        return self in {RequestStatus.CANCELED, RequestStatus.FAILED, RequestStatus.REVERSED}

    @property
    def is_pending(self) -> bool:
        """Its end is still to come. A finished one may be reversed all the same."""
        return self in {RequestStatus.OPEN, RequestStatus.IN_PROCESS}


@dataclass(frozen=True, slots=True)
class WithdrawalRequest:
    """One line of the venue's list. `status` None: a number that is not documented. `utc_us` has whole seconds."""

    request_id: int
    utc_us: int
    currency: str
    size: Decimal
    status: RequestStatus | None
    network: str | None
    address: str | None
    transaction_id: str | None


@dataclass(frozen=True, slots=True)
class CryptoMove:
    """A deposit or withdrawal as its chain saw it. `status` and `pending_reason` in the venue's words, of deposits."""

    currency: str
    size: Decimal
    utc_us: int
    network: str | None
    address: str | None
    transaction_id: str | None
    status: str | None = None
    pending_reason: str | None = None


@dataclass(frozen=True, slots=True)
class CryptoMoves:
    """Deposits, and withdrawals that were sent, newest first."""

    deposits: tuple[CryptoMove, ...]
    withdrawals: tuple[CryptoMove, ...]


@dataclass(frozen=True, slots=True)
class DepositAddress:
    """Where to send a currency to. `extras`: the memo or tag that must go with it, as the venue names it."""

    address: str
    extras: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class WithdrawalFee:
    """What one withdrawal costs, in its currency. `network` None: whichever it is."""

    currency: str
    network: str | None
    fee: Decimal


@dataclass(frozen=True, slots=True)
class CurrencyNetwork:
    """A chain a currency is sent on. `minimum` None: not told."""

    network: str
    deposit: bool
    withdrawal: bool
    minimum: Decimal | None
    decimals: int


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency (lower case) and its chains; fiat has none."""

    code: str
    decimals: int
    deposit: bool
    withdrawal: bool
    networks: tuple[CurrencyNetwork, ...]

    def network(self, name: str) -> CurrencyNetwork | None:
        """The chain of that name, if the venue has it."""
        return next((each for each in self.networks if each.network == name), None)


@dataclass(frozen=True, slots=True)
class Unread:
    """A question without a believable answer. `auth_lost`: the venue refuses the key for it."""

    reason: str
    rate_limited: bool = False
    auth_lost: bool = False
