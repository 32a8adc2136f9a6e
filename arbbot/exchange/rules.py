"""What the venue lists, and the points on which public sources leave its behaviour open."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from arbbot.exchange.matching import MarketSpec

_TEN = Decimal(10)

MARKETS: dict[str, MarketSpec] = {
    spec.symbol: spec
    for spec in (
        MarketSpec("btc", "usd", 8, 2, _TEN),
        MarketSpec("btc", "eur", 8, 2, _TEN),
        MarketSpec("eur", "usd", 5, 5, _TEN),
        MarketSpec("usdt", "usd", 5, 5, _TEN),
        MarketSpec("usdt", "eur", 5, 5, _TEN),
    )
}

CURRENCY_DECIMALS = {"btc": 8, "usd": 2, "eur": 2, "usdt": 5}
CURRENCY_NAMES = {"btc": "Bitcoin", "usd": "U.S. dollar", "eur": "Euro", "usdt": "Tether"}


@dataclass(frozen=True, slots=True)
class VenueRules:
    """Variants of the venue. The defaults follow the newest or best attested source.

    Times are microseconds of market time.
    """

    row_decimals: int = 2
    """Decimals of counter amounts in user_transactions rows: 2, as in captured rows, or 5 or 8."""
    balance_decimals: int | None = None
    """Cut shown balances to this many decimals; None shows every digit."""
    row_lag_us: int = 0
    """How long a new row stays out of user_transactions."""
    status_lag_us: int = 0
    """How long order_status answers "not found" after an accepted order."""
    open_orders_cache_us: int = 10_000_000
    """Age up to which open_orders is served from a cache (documented as 10 s)."""
    unique_client_order_ids: bool = False
    """Refuse a repeated client_order_id with 400.019; the changelog says they are taken since 2023-11."""
    coded_errors: bool = False
    """Add response_code and response_explanation to every refusal that has one."""
    error_status: int = 200
    """HTTP status of refused order calls: 200, as seen for years, or 400."""
    sign_errors: bool = True
    """Sign error replies too; sources do not say whether the venue does."""
    limiter_status: int = 400
    """HTTP status of a rate-limited reply; undocumented, 400 or 429."""
    cancel_numbers: bool = True
    """Amount and price of a cancel reply as JSON numbers (captured) or as strings (documented)."""
    band_below_percent: int = 80
    """Refuse prices further below the last trade than this (live text of 2026-04)."""
    band_above_percent: int = 500
    """Refuse prices further above the last trade than this."""
