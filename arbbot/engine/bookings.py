"""From a transaction row to ledger entries."""

from __future__ import annotations

from decimal import Decimal

from arbbot.domain.ledger import Entry, LedgerAccount, move
from arbbot.domain.money import decimals_of, unit
from arbbot.domain.order import Fill, Transaction


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


def shows(shown: Decimal, true: Decimal) -> bool:
    """Whether an amount displayed so can be this one, rounded to as many digits."""
    return shown == true or abs(shown - true) <= unit(decimals_of(shown)) / 2


def rounded_amounts(row: Transaction, fill: Fill | None) -> list[tuple[str, Decimal]]:
    """The currencies of a trade whose amount is shown rounded, each with half its displayed unit: the venue books what
    was traded and its exact product with the price, and shows less. `fill` is ours, where it is; somebody else's size
    is known by the row alone.
    """
    counter = row.fee_currency
    if row.price is None or len(row.amounts) != 2 or counter not in dict(row.amounts):
        return []
    size = fill.size if fill is not None else next(abs(shown) for name, shown in row.amounts if name != counter)
    true = {name: size * row.price if name == counter else size for name, _ in row.amounts}
    return [(name, unit(decimals_of(shown)) / 2) for name, shown in row.amounts if abs(shown) != true[name]]
