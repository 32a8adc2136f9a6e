"""Withdrawal requests and their life: open, in process, finished; or failed, canceled, reversed. In market time.

A request is never compared with those before it: whoever asks twice withdraws twice, as at the real venue.
"""

from __future__ import annotations

import hashlib
import heapq
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum, StrEnum

from arbbot.exchange.accounts import Account
from arbbot.exchange.clearing import Clearing
from arbbot.exchange.networks import Network, networks_of
from arbbot.exchange.refusal import Refusal, not_enough
from arbbot.exchange.rules import Booking, VenueRules

FIRST_REQUEST_ID = 3_386_432
WITHDRAWAL_ROW = 1
DISABLED = "Your withdrawals are currently disabled"


class RequestStatus(IntEnum):
    """As withdrawal-requests numbers them."""

    OPEN = 0
    IN_PROCESS = 1
    FINISHED = 2
    CANCELED = 3
    FAILED = 4
    REVERSED = 11


class Fate(StrEnum):
    """What becomes of a request once it is taken."""

    FINISHED = "finished"
    STUCK = "stuck"
    FAILED = "failed"
    CANCELED = "canceled"
    REVERSED = "reversed"


NEXT: dict[Fate, dict[RequestStatus, RequestStatus]] = {
    fate: {RequestStatus.OPEN: RequestStatus.IN_PROCESS} | later
    for fate, later in {
        Fate.FINISHED: {RequestStatus.IN_PROCESS: RequestStatus.FINISHED},
        Fate.STUCK: {},
        Fate.FAILED: {RequestStatus.IN_PROCESS: RequestStatus.FAILED},
        Fate.CANCELED: {RequestStatus.OPEN: RequestStatus.CANCELED},
        Fate.REVERSED: {
            RequestStatus.IN_PROCESS: RequestStatus.FINISHED,
            RequestStatus.FINISHED: RequestStatus.REVERSED,
        },
    }.items()
}
RETURNED = frozenset({RequestStatus.CANCELED, RequestStatus.FAILED, RequestStatus.REVERSED})
MAY_BECOME = {
    RequestStatus.OPEN: frozenset(
        {RequestStatus.IN_PROCESS, RequestStatus.FINISHED, RequestStatus.CANCELED, RequestStatus.FAILED}
    ),
    RequestStatus.IN_PROCESS: frozenset({RequestStatus.FINISHED, RequestStatus.CANCELED, RequestStatus.FAILED}),
    RequestStatus.FINISHED: frozenset({RequestStatus.REVERSED}),
}
"""What is not among them never happens; what came back stays so."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a withdrawal goes: an address on a chain, with what the chain wants beside it, or an IBAN (no network)."""

    address: str
    network: str | None = None
    memo: str | None = None


@dataclass(slots=True, eq=False)
class Request:
    """One withdrawal request. `amount` is what was asked for; what arrives and the fee are what leaves the account."""

    request_id: int
    user_id: int
    currency: str
    kind: int
    amount: Decimal
    arrives: Decimal
    fee: Decimal
    to: Destination
    at_us: int
    fate: Fate
    status: RequestStatus = RequestStatus.OPEN

    @property
    def leaves(self) -> Decimal:
        """What the account is charged."""
        return self.arrives + self.fee

    @property
    def transaction_id(self) -> str | None:
        """The chain's id, made up, once it is finished."""
        if self.to.network is None or self.status not in {RequestStatus.FINISHED, RequestStatus.REVERSED}:
            return None
        return hashlib.sha256(f"withdrawal {self.request_id}".encode()).hexdigest()


class Withdrawals:
    """All requests of the venue."""

    def __init__(self, clearing: Clearing, rules: VenueRules, networks: dict[tuple[str, str], Network]) -> None:
        """Book through `clearing`; `networks` may change while the venue is open."""
        self._clearing = clearing
        self._rules = rules
        self._networks = networks
        self._due: list[tuple[int, int]] = []
        self.requests: dict[int, Request] = {}

    # --- asking ---------------------------------------------------------------------------------------

    def open_crypto(
        self, account: Account, currency: str, amount: Decimal, to: Destination, now_us: int, fate: Fate = Fate.FINISHED
    ) -> Request:
        """Take a request for a chain; raises Refusal in the words of the documentation. Without a network the
        currency's first one is meant, if it has no other that is open.
        """
        if account.withdrawals_disabled:
            raise Refusal(DISABLED)
        network = self._network(currency, to.network)
        check_amount(amount, network)
        check_address(to.address, network)
        there = Destination(to.address, network.network, to.memo)
        return self._open(account, currency, network.kind, amount, network.fee, there, now_us, fate)

    def open_bank(
        self, account: Account, currency: str, kind: int, amount: Decimal, fee: Decimal, iban: str, now_us: int,
        fate: Fate = Fate.FINISHED,
    ) -> Request:  # fmt: skip
        """Take a request for a bank transfer; raises Refusal."""
        if account.withdrawals_disabled:
            raise Refusal(DISABLED)
        return self._open(account, currency, kind, amount, fee, Destination(iban), now_us, fate)

    def _network(self, currency: str, named: str | None) -> Network:
        open_ones = [each for each in networks_of(self._networks, currency) if each.withdrawal]
        if not open_ones:
            raise Refusal(f"{currency.upper()} withdrawals are currently unavailable for your account.")
        if named is None and len(open_ones) == 1:
            return open_ones[0]
        found = next((each for each in open_ones if each.network == named), None)
        if found is None:
            raise Refusal({"network": ["Invalid network selection"]})
        return found

    def _open(
        self, account: Account, currency: str, kind: int, amount: Decimal, fee: Decimal, to: Destination, now_us: int,
        fate: Fate,
    ) -> Request:  # fmt: skip
        balance, arrives = account.balance(currency), amount - fee if self._rules.withdrawal_fee_inside else amount
        if arrives <= 0 or balance.available < arrives + fee:
            raise Refusal({"amount": [not_enough(balance.available, currency)]})
        request_id = FIRST_REQUEST_ID + len(self.requests)
        request = Request(request_id, account.user_id, currency, kind, amount, arrives, fee, to, now_us, fate)
        self.requests[request_id] = request
        if self._rules.withdrawal_booking is Booking.RESERVED:
            balance.reserved += request.leaves
        else:
            self._clearing.charge(account, {currency: -arrives}, fee)
        if self._rules.withdrawal_booking is Booking.AT_REQUEST:
            self._row(request, now_us)
        heapq.heappush(self._due, (now_us + self._rules.withdrawal_open_us, request_id))
        return request

    # --- looking --------------------------------------------------------------------------------------

    def of(self, account: Account) -> list[Request]:
        """An account's requests, newest first."""
        return [each for each in reversed(self.requests.values()) if each.user_id == account.user_id]

    # --- living ---------------------------------------------------------------------------------------

    def cancel(self, account: Account, request_id: int, now_us: int) -> Request:
        """Cancel an open request; raises Refusal."""
        request = self.requests.get(request_id)
        ended = request is not None and request.status not in {RequestStatus.OPEN, RequestStatus.IN_PROCESS}
        if request is None or request.user_id != account.user_id or ended:
            raise Refusal(f"No active bank withdrawal with id={request_id} found.")
        if request.status is RequestStatus.IN_PROCESS:
            raise Refusal(f"Cannot cancel a withdrawal in process (id={request_id}).")
        self.move(request, RequestStatus.CANCELED, now_us)
        return request

    def advance(self, now_us: int) -> None:
        """Let requests go on as their fate has it."""
        while self._due and self._due[0][0] <= now_us:
            due_us, request_id = heapq.heappop(self._due)
            request = self.requests[request_id]
            status = NEXT[request.fate].get(request.status)
            if status is not None:
                self.move(request, status, now_us)
                heapq.heappush(self._due, (due_us + self._rules.withdrawal_process_us, request_id))

    def move(self, request: Request, status: RequestStatus, now_us: int) -> None:
        """Bring a request to a status, with what that does to money and rows; raises Refusal where it cannot be."""
        if status not in MAY_BECOME.get(request.status, frozenset()):
            raise Refusal(f"a request that is {request.status.name.lower()} cannot become {status.name.lower()}")
        if status is RequestStatus.FINISHED:
            self._leave(request, now_us)
        elif status in RETURNED:
            self._return(request, now_us)
        request.status = status

    def _leave(self, request: Request, now_us: int) -> None:
        booking = self._rules.withdrawal_booking
        if booking is Booking.RESERVED:
            account = self._clearing.accounts[request.user_id]
            account.balance(request.currency).reserved -= request.leaves
            self._clearing.charge(account, {request.currency: -request.arrives}, request.fee)
        if booking is not Booking.AT_REQUEST:
            self._row(request, now_us)

    def _return(self, request: Request, now_us: int) -> None:
        """The money comes back with its fee: by a row where one was written before, else silently."""
        account = self._clearing.accounts[request.user_id]
        booking = self._rules.withdrawal_booking
        written = booking is Booking.AT_REQUEST or request.status is RequestStatus.FINISHED
        if not written and booking is Booking.RESERVED:
            account.balance(request.currency).reserved -= request.leaves
            return
        self._clearing.charge(account, {request.currency: request.arrives}, -request.fee)
        if written:
            back = {request.currency: request.leaves}
            self._clearing.write_row(account, back, self._rules.returned_row_type, now_us, Decimal(0))

    def _row(self, request: Request, now_us: int) -> None:
        account = self._clearing.accounts[request.user_id]
        self._clearing.write_row(account, {request.currency: -request.arrives}, WITHDRAWAL_ROW, now_us, request.fee)


def check_amount(amount: Decimal, network: Network) -> None:
    """Refuse what is below the chain's minimum or finer than it can send."""
    if amount < network.minimum:
        raise Refusal({"amount": [f"Ensure this value is greater than or equal to {network.minimum:f}"]})
    if amount != amount.quantize(Decimal(1).scaleb(-network.decimals)):
        raise Refusal({"amount": [f"Ensure that there are no more than {network.decimals} decimal places."]})


def check_address(address: str, network: Network) -> None:
    """Refuse what cannot be an address of the chain."""
    length = len(address)
    if length < network.shortest:
        raise Refusal({"address": [f"Ensure this value has at least {network.shortest} characters (it has {length})."]})
    if length > network.longest:
        raise Refusal({"address": [f"Ensure this value has at most {network.longest} characters (it has {length})."]})
    if not address.startswith(network.prefix):
        raise Refusal({"address": [f"Invalid {network.network} address."]})
