"""The sums of a statement: the venue's balances against the ledger, and what display rounding alone can explain."""

from __future__ import annotations

from arbbot.domain.ledger import LedgerAccount
from arbbot.domain.money import ZERO, decimals_of, unit
from arbbot.domain.order import Balance
from arbbot.domain.records import Holding
from arbbot.engine.core import Core


def differences(core: Core, balances: tuple[Balance, ...]) -> tuple[Holding, ...]:
    """Venue minus ledger per currency: the route's, and whatever else the account holds or the ledger knows."""
    ledger = core.state.ledger
    known = {currency for _, currency in ledger.balances}
    held = {balance.currency for balance in balances if balance.total}
    shown = {balance.currency: balance.total for balance in balances}
    return tuple(
        Holding(currency, shown.get(currency, ZERO) - ledger.balance(LedgerAccount.VENUE, currency))
        for currency in sorted(known | held | set(core.route.currencies))
    )


def explained(core: Core, balances: tuple[Balance, ...], difference: Holding) -> bool:
    """True when display rounding alone can have made this difference: half a displayed unit for every fill, ours or
    not, since the last agreement whose shown amount is not exact, and one displayed unit of the balance where it is
    shown shorter than the ledger or cuts such a fill; and the rounding account stays within its cap. The base asset
    has no cap to speak of: what is below the dust cap may be display, nothing else.
    """
    currency, ledger, rules = difference.currency, core.state.ledger, core.rules
    cap = rules.hedge.dust_cap if currency == core.route.base else rules.account.rounding_cap
    room = core.state.rounding_room.get(currency, ZERO)
    booked = decimals_of(ledger.balance(LedgerAccount.VENUE, currency).normalize())
    for balance in balances:
        if balance.currency == currency and (room or decimals_of(balance.total) < booked):
            room += unit(decimals_of(balance.total))
    rounded = difference.total - ledger.balance(LedgerAccount.ROUNDING, currency)
    return abs(difference.total) <= room and abs(rounded) <= cap
