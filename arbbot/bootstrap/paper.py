"""Paper mode's account: what its journal says it owns, or the settings' opening balances."""

from __future__ import annotations

from decimal import Decimal

from arbbot.domain.ledger import LedgerAccount
from arbbot.domain.market import FeeRate, Route
from arbbot.engine.state import State
from arbbot.exchange.accounts import FeeRates
from arbbot.exchange.paper import PaperGateway, PaperOptions, Public
from arbbot.runtime.clock import SystemClock
from arbbot.settings import Settings

PERCENT = Decimal(100)


def paper_gateway(settings: Settings, route: Route, source: Public, clock: SystemClock, state: State) -> PaperGateway:
    """A private venue for orders; public questions still go to the live one."""
    paper = settings.paper
    options = PaperOptions(
        balances=paper_balances(settings, route, state),
        rates=FeeRates(paper.maker_fee_percent, paper.taker_fee_percent),
        latency_s=float(paper.latency_s),
    )
    return PaperGateway(route.instruments, source, clock, options)


def paper_balances(settings: Settings, route: Route, state: State) -> dict[str, Decimal]:
    """Per currency; a journal that goes on remembers the account, nothing else does."""
    if state.anchor is not None:
        return {currency: state.ledger.balance(LedgerAccount.VENUE, currency) for currency in route.currencies}
    paper = settings.paper
    opening = (paper.base_balance, paper.domestic_balance, paper.foreign_balance)
    return dict(zip(route.currencies, opening, strict=True))


def paper_fees(settings: Settings, route: Route) -> dict[str, FeeRate]:
    """The settings' fees for every market of the route, as fractions."""
    rate = FeeRate(settings.paper.maker_fee_percent / PERCENT, settings.paper.taker_fee_percent / PERCENT)
    return dict.fromkeys(route.symbols, rate)
