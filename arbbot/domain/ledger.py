"""Double entry per currency: every booking is a set of entries that sums to zero in each currency."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from arbbot.domain.money import ZERO


class LedgerAccount(StrEnum):
    """The named accounts. VENUE is what we say we own there; the others say where it came from."""

    VENUE = "venue"
    OPENING = "opening"
    TRADING = "trading"
    FEES = "fees"
    EXTERNAL = "external"
    ROUNDING = "rounding"
    TREASURY = "treasury"
    """What settlements have done: profit turned into another currency, and withdrawn."""
    TRANSIT = "transit"
    """Left by an announced withdrawal whose row has not come yet."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a booking: `delta` of `currency` on `account`."""

    account: LedgerAccount
    currency: str
    delta: Decimal


class LedgerError(ValueError):
    """A booking that does not sum to zero in some currency."""


class Ledger:
    """The fold of all bookings: balance per (account, currency). Owned and changed by the engine state alone."""

    __slots__ = ("balances",)

    def __init__(self) -> None:
        self.balances: dict[tuple[LedgerAccount, str], Decimal] = {}

    def book(self, entries: tuple[Entry, ...]) -> None:
        """Add a booking. Raises LedgerError, and books nothing, where it does not sum to zero."""
        sums: dict[str, Decimal] = {}
        for entry in entries:
            sums[entry.currency] = sums.get(entry.currency, ZERO) + entry.delta
        crooked = {currency: total for currency, total in sums.items() if total != 0}
        if crooked:
            raise LedgerError(f"entries do not sum to zero: {crooked}")
        for entry in entries:
            key = (entry.account, entry.currency)
            self.balances[key] = self.balances.get(key, ZERO) + entry.delta

    def balance(self, account: LedgerAccount, currency: str) -> Decimal:
        """Balance of an account in one currency; zero when nothing was booked."""
        return self.balances.get((account, currency), ZERO)


def move(currency: str, delta: Decimal, source: LedgerAccount) -> tuple[Entry, Entry]:
    """Two entries that bring `delta` (signed) of a currency to VENUE out of `source`."""
    return (Entry(LedgerAccount.VENUE, currency, delta), Entry(source, currency, -delta))
