"""From a transaction row to ledger entries."""

from __future__ import annotations

from decimal import Decimal

from arbbot.domain.ledger import Entry, LedgerAccount, move
from arbbot.domain.money import decimals_of, unit
from arbbot.domain.order import Transaction


def trade_entries(row: Transaction) -> tuple[Entry, ...]:
    """Ledger entries of a fill of ours: amounts against TRADING, the fee against FEES."""
    entries = [entry for currency, delta in row.amounts for entry in move(currency, delta, LedgerAccount.TRADING)]
    if row.fee and row.fee_currency is not None:
        entries.extend(move(row.fee_currency, -row.fee, LedgerAccount.FEES))
    return tuple(entries)


def external_entries(row: Transaction) -> tuple[Entry, ...]:
    """Ledger entries of a row that is not ours: everything, fee in, against EXTERNAL."""
    entries = [entry for currency, delta in row.amounts for entry in move(currency, delta, LedgerAccount.EXTERNAL)]
    if row.fee and row.fee_currency is not None:
        entries.extend(move(row.fee_currency, -row.fee, LedgerAccount.EXTERNAL))
    return tuple(entries)


def rounded_counter(row: Transaction) -> tuple[str, Decimal] | None:
    """The counter currency of a fill and half its displayed unit, where size times price is not what is shown: the
    venue books the exact product and shows it rounded. None where nothing can be hidden.
    """
    if row.price is None or row.fee_currency is None:
        return None
    shown = dict(row.amounts).get(row.fee_currency)
    sizes = [abs(amount) for currency, amount in row.amounts if currency != row.fee_currency]
    if shown is None or len(sizes) != 1 or abs(shown) == sizes[0] * row.price:
        return None
    return (row.fee_currency, unit(decimals_of(shown)) / 2)
