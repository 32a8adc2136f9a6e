"""Rows and balances that a settlement explains: to the unit by what it announced, and by nothing else.

A withdrawal's money leaves the balance at the request; its row may come at once, late, or when the venue has finished.
Between the two it is in transit: a difference of the statement that equals an announced withdrawal is that withdrawal.
"""

from __future__ import annotations

from decimal import Decimal

from arbbot.domain.lease import TransitBooked
from arbbot.domain.ledger import Entry, LedgerAccount, move
from arbbot.domain.money import ZERO, decimals_of, unit
from arbbot.domain.order import Balance, OrderReport, Transaction
from arbbot.domain.records import Holding
from arbbot.engine.core import Core, ns
from arbbot.engine.settlements import AnnouncedWithdrawal
from arbbot.engine.state import State
from arbbot.engine.statement import differences, explained

TREASURY, TRANSIT, VENUE = LedgerAccount.TREASURY, LedgerAccount.TRANSIT, LedgerAccount.VENUE


def settling(core: Core) -> bool:
    """Whether an order of a settlement may still move balances: until it is called over and its rows have come; one of
    which nothing is told, until the venue can neither accept it any more nor hide its rows.
    """
    rules, settlements = core.rules.account, core.state.settlements
    bound_us = ns(rules.doubt_bound_s + rules.lag_s) // 1000
    return any(
        order.filled is not None or settlements.lease is not None or core.at.utc_us - order.announced.utc_us < bound_us
        for order in settlements.open_orders()
    )


def owner_by_report(state: State, row: Transaction, report: OrderReport | None) -> str | None:
    """The announced order behind a trade row, by what `order_status` tells of the row's order: its name, or where an
    older reply leaves that out or the venue does not know it (yet), the one order still open on the row's market.
    """
    if report is not None and report.client_order_id is not None:
        return report.client_order_id if report.client_order_id in state.settlements.orders else None
    unnamed = [
        order.announced.client_order_id
        for order in state.settlements.open_orders()
        if order.announced.market == row.market and order.venue_id is None
    ]
    return unnamed[0] if len(unnamed) == 1 else None


def settlement_entries(state: State, name: str, row: Transaction) -> tuple[Entry, ...]:
    """Ledger entries of a settlement's row: fees in, against TREASURY; what was in transit leaves that."""
    withdrawal = state.settlements.withdrawals.get(name)
    if withdrawal is not None and withdrawal.out is not None:
        return _arrived(withdrawal, withdrawal.out, row)
    entries = [entry for currency, delta in row.amounts for entry in move(currency, delta, TREASURY)]
    if row.fee and row.fee_currency is not None:
        entries.extend(move(row.fee_currency, -row.fee, TREASURY))
    return tuple(entries)


def _arrived(withdrawal: AnnouncedWithdrawal, total: Decimal, row: Transaction) -> tuple[Entry, ...]:
    """The row of what left before it. Where the ledger began anew meanwhile, its opening knows of it already."""
    currency, delta = row.amounts[0]
    taken = row.fee - delta
    if withdrawal.before_anchor:
        return move(currency, total - taken, TREASURY) if total != taken else ()
    entries = (Entry(TRANSIT, currency, -total), Entry(TREASURY, currency, taken))
    return entries if taken == total else (*entries, Entry(VENUE, currency, total - taken))


def book_transit(core: Core, balances: tuple[Balance, ...]) -> None:
    """Book what of a statement's differences announced withdrawals explain."""
    for found in differences(core, balances):
        if not found.total or explained(core, balances, found):
            continue
        slack = _slack(core, balances, found)
        for each, delta in core.state.settlements.explaining(found.currency, found.total, slack):
            core.emit(_flip(each, delta, core.at.utc_us))


def _flip(each: AnnouncedWithdrawal, delta: Decimal, utc_us: int) -> TransitBooked:
    currency, against = each.announced.currency, TREASURY if each.before_anchor else TRANSIT
    entries = (Entry(VENUE, currency, delta), Entry(against, currency, -delta))
    return TransitBooked(each.announced.name, each.out is None, entries, utc_us)


def _slack(core: Core, balances: tuple[Balance, ...], found: Holding) -> Decimal:
    """What display rounding alone could explain beside it: a unit of a balance shown shorter than the ledger."""
    booked = decimals_of(core.state.ledger.balance(VENUE, found.currency).normalize())
    shown = next((balance.total for balance in balances if balance.currency == found.currency), None)
    return unit(decimals_of(shown)) if shown is not None and decimals_of(shown) < booked else ZERO
