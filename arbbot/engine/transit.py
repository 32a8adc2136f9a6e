"""Rows and balances that a settlement explains: to the unit by what it announced, and by nothing else.

A withdrawal's money leaves the balance at the request; its row may come at once, late, or when the venue has finished.
Between the two it is in transit: a difference of the statement that equals an announced withdrawal is that withdrawal.
"""

from __future__ import annotations

from decimal import Decimal

from arbbot.domain.lease import ReturnBooked, TransitBooked
from arbbot.domain.ledger import Entry, LedgerAccount, move
from arbbot.domain.mode import Severity
from arbbot.domain.money import ZERO, decimals_of, unit
from arbbot.domain.order import Balance, OrderReport, Transaction
from arbbot.domain.records import Holding
from arbbot.engine.core import Core, ns
from arbbot.engine.settlements import AnnouncedOrder, AnnouncedWithdrawal
from arbbot.engine.state import State
from arbbot.engine.statement import differences, explained

TREASURY, TRANSIT, VENUE = LedgerAccount.TREASURY, LedgerAccount.TRANSIT, LedgerAccount.VENUE
EXTERNAL = LedgerAccount.EXTERNAL


def settling(core: Core) -> bool:
    """Whether an order of a settlement may still move balances or the ledger: until it is called over and its rows have
    come, which a rebase does not wait for; one of which nothing is told, until the venue can neither accept it any more
    nor hide its rows.
    """
    rules, settlements = core.rules.account, core.state.settlements
    bound_us = ns(rules.doubt_bound_s + rules.lag_s) // 1000
    for order in settlements.open_orders():
        if order.filled is not None:
            if core.state.rebase_asked is None:
                return True
        elif settlements.lease is not None or core.at.utc_us - order.announced.utc_us < bound_us:
            return True
    return False


def owner_by_report(core: Core, row: Transaction, report: OrderReport | None) -> str | None:
    """The announced order behind a trade row, by what `order_status` tells of the row's order: its name, or where an
    older reply leaves that out or the venue does not know it (yet), the one order still open that can be it.
    """
    settlements = core.state.settlements
    known = settlements.order_of_row(row)  # by another row of the same order, in the same answer
    if known is not None:
        return known
    if report is not None and report.client_order_id is not None:
        return report.client_order_id if report.client_order_id in settlements.orders else None
    unnamed = [
        order.announced.client_order_id
        for order in settlements.open_orders()
        if order.venue_id is None and _may_own(core, order, row, report)
    ]
    return unnamed[0] if len(unnamed) == 1 else None


def _may_own(core: Core, order: AnnouncedOrder, row: Transaction, report: OrderReport | None) -> bool:
    """Whether an announced order can be the one behind a row without a name: same market and side, no more than is
    left of its size, filled while the venue could have taken it, and of the size that the venue tells. People trade by
    hand on that market too.
    """
    told, rules = order.announced, core.rules.account
    bought = dict(row.amounts).get(told.market.removesuffix(told.pays), ZERO)
    if told.market != row.market or bought * told.side.sign <= 0 or order.rowed + abs(bought) > told.size:
        return False
    filled_us = row.utc_us - core.venue_offset_ms * 1000
    lag_us, bound_us = ns(rules.lag_s) // 1000, ns(rules.doubt_bound_s) // 1000
    if not told.utc_us - lag_us <= filled_us <= told.utc_us + bound_us + lag_us:
        return False
    if report is None or report.remaining is None:
        return True
    return report.remaining + sum((fill.size for fill in report.fills), ZERO) == told.size


def settlement_entries(state: State, name: str, row: Transaction) -> tuple[Entry, ...]:
    """Ledger entries of a settlement's row: fees in, against TREASURY, or the opening that still held it; what was in
    transit leaves that, and what may be a return is in transit until the venue's word.
    """
    withdrawal = state.settlements.withdrawals.get(name)
    if withdrawal is not None and withdrawal.out is not None:
        return _arrived(withdrawal, withdrawal.out, row)
    if withdrawal is None and state.settlements.orders[name].counted is None:
        return ()  # the ledger began anew since: its opening holds what filled
    account = TREASURY if withdrawal is None else booked_against(withdrawal)
    if withdrawal is not None and withdrawal.outcome != "returned" and row.amounts[0][1] > 0:
        account = TRANSIT
    entries = [entry for currency, delta in row.amounts for entry in move(currency, delta, account)]
    if row.fee and row.fee_currency is not None:
        entries.extend(move(row.fee_currency, -row.fee, account))
    return tuple(entries)


def booked_against(withdrawal: AnnouncedWithdrawal) -> LedgerAccount:
    """Where the money of a withdrawal's rows comes from and goes to: what the opening held is principal's."""
    return EXTERNAL if withdrawal.against is EXTERNAL else TREASURY


def judge_return(withdrawal: AnnouncedWithdrawal, utc_us: int) -> ReturnBooked | None:
    """Whose the row was that can be its return, by the venue's word; None where there is none, or no such word."""
    told, brought = withdrawal.announced, withdrawal.held or withdrawal.strange
    ours = withdrawal.outcome == "returned"
    if brought is None or not (ours or (withdrawal.outcome == "finished" and withdrawal.held is not None)):
        return None
    stood, goes = TRANSIT if withdrawal.held is not None else EXTERNAL, booked_against(withdrawal)
    entries = (Entry(stood, told.currency, brought), Entry(goes if ours else EXTERNAL, told.currency, -brought))
    return ReturnBooked(told.name, ours, entries, utc_us)


def _arrived(withdrawal: AnnouncedWithdrawal, total: Decimal, row: Transaction) -> tuple[Entry, ...]:
    """The row of what left before it. Where the ledger began anew meanwhile, its opening knows of it already."""
    currency, delta = row.amounts[0]
    taken = row.fee - delta
    if withdrawal.against is not TRANSIT:
        return move(currency, total - taken, withdrawal.against) if total != taken else ()
    entries = (Entry(TRANSIT, currency, -total), Entry(TREASURY, currency, taken))
    return entries if taken == total else (*entries, Entry(VENUE, currency, total - taken))


def book_transit(core: Core, balances: tuple[Balance, ...]) -> None:
    """Book what of a statement's differences announced withdrawals explain."""
    for found in differences(core, balances):
        if not found.total or explained(core, balances, found):
            continue
        slack = _slack(core, balances, found)
        for each, delta in core.state.settlements.explaining(found.currency, found.total, slack):
            call_if_absent(core, each)
            core.emit(_flip(each, delta, core.at.utc_us))


def call_if_absent(core: Core, each: AnnouncedWithdrawal) -> None:
    """A person is told when one leaves the balance that the treasury took for absent: once, by whichever sign comes
    first.
    """
    if each.outcome == "absent" and each.out is None and each.rowed is None:
        text = f"{each.announced.name}: told absent, but {each.total:f} {each.announced.currency} leave the balance"
        core.alert(Severity.CRITICAL, "settlement_stuck", text)


def _flip(each: AnnouncedWithdrawal, delta: Decimal, utc_us: int) -> TransitBooked:
    currency = each.announced.currency
    entries = move(currency, delta, each.against)
    return TransitBooked(each.announced.name, each.out is None, entries, utc_us)


def _slack(core: Core, balances: tuple[Balance, ...], found: Holding) -> Decimal:
    """What display rounding alone could explain beside it: a unit of a balance shown shorter than the ledger."""
    booked = decimals_of(core.state.ledger.balance(VENUE, found.currency).normalize())
    shown = next((balance.total for balance in balances if balance.currency == found.currency), None)
    return unit(decimals_of(shown)) if shown is not None and decimals_of(shown) < booked else ZERO
