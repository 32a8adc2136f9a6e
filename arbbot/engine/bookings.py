"""From a transaction row to ledger entries."""

from __future__ import annotations

from arbbot.domain.ledger import Entry, LedgerAccount, move
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
