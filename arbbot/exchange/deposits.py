"""Money on its way in: crypto deposits from the first sight on their chain until they are credited."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal

from arbbot.exchange.accounts import Account
from arbbot.exchange.clearing import Clearing
from arbbot.exchange.networks import Network, networks_of
from arbbot.exchange.refusal import Refusal

DEPOSIT_ROW = 0


@dataclass(slots=True, eq=False)
class Deposit:
    """One crypto deposit. `pending_reason`: why it waits for a person even when confirmed; None when it does not."""

    deposit_id: int
    user_id: int
    currency: str
    network: str
    amount: Decimal
    address: str
    at_us: int
    due_us: int
    pending_reason: str | None = None
    credited: bool = False

    @property
    def transaction_id(self) -> str:
        """The chain's id, made up."""
        return hashlib.sha256(f"deposit {self.deposit_id}".encode()).hexdigest()


class Deposits:
    """All crypto deposits of the venue."""

    def __init__(self, clearing: Clearing, networks: dict[tuple[str, str], Network]) -> None:
        """Book through `clearing`."""
        self._clearing = clearing
        self._networks = networks
        self._waiting: list[Deposit] = []
        self.deposits: list[Deposit] = []

    def see(
        self, account: Account, currency: str, amount: Decimal, now_us: int, network: str | None = None,
        pending_reason: str | None = None,
    ) -> Deposit:  # fmt: skip
        """A deposit appears on its chain, the currency's first one unless it is named; raises Refusal."""
        chains = networks_of(self._networks, currency)
        chain = next((each for each in chains if network in (None, each.network) and each.deposit), None)
        if chain is None:
            raise Refusal({"network": ["Invalid network selection"]})
        deposit = Deposit(
            len(self.deposits) + 1, account.user_id, currency, chain.network, amount, chain.address_of(account.user_id),
            now_us, now_us + chain.confirmed_us, pending_reason,
        )  # fmt: skip
        self.deposits.append(deposit)
        self._waiting.append(deposit)
        return deposit

    def release(self, deposit_id: int) -> Deposit:
        """Somebody looked at it: it is credited once confirmed. Raises LookupError."""
        deposit = next((each for each in self.deposits if each.deposit_id == deposit_id), None)
        if deposit is None:
            raise LookupError(f"no deposit {deposit_id}")
        deposit.pending_reason = None
        return deposit

    def of(self, account: Account) -> list[Deposit]:
        """An account's deposits, newest first."""
        return [each for each in reversed(self.deposits) if each.user_id == account.user_id]

    def advance(self, now_us: int) -> None:
        """Credit what is confirmed and waits for nobody."""
        if not self._waiting:
            return
        for deposit in [each for each in self._waiting if each.due_us <= now_us and each.pending_reason is None]:
            self._waiting.remove(deposit)
            account = self._clearing.accounts[deposit.user_id]
            self._clearing.charge(account, {deposit.currency: deposit.amount}, Decimal(0))
            self._clearing.write_row(account, {deposit.currency: deposit.amount}, DEPOSIT_ROW, now_us, Decimal(0))
            deposit.credited = True
