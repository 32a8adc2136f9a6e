"""What the venue lists, and the points on which public sources leave its behaviour open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import StrEnum

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


class Booking(StrEnum):
    """When a withdrawal's money leaves and when its row is written. No source tells which of them the venue does."""

    AT_REQUEST = "at_request"
    """Both at the request; a request that fails comes back by a row of its own."""
    WHEN_FINISHED = "when_finished"
    """The money at the request, the row when it is finished; in between the balance is short without a row."""
    RESERVED = "reserved"
    """Reserved at the request; the money leaves with its row when it is finished."""


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
    withdrawal_booking: Booking = Booking.AT_REQUEST
    """When money and row of a withdrawal go."""
    withdrawal_open_us: int = 30_000_000
    """How long a withdrawal request stays open, and can be canceled."""
    withdrawal_process_us: int = 120_000_000
    """How long it is in process then, and how long after its end a reversed one is reversed."""
    request_lag_us: int = 0
    """How long a new request stays out of withdrawal-requests."""
    withdrawal_fee_inside: bool = False
    """Take the withdrawal's fee out of its amount instead of on top of it; no source tells which."""
    returned_row_type: int = 1
    """Type of the row that brings back a failed withdrawal's money; no source tells it: 1, or 0 as for deposits."""
    reasoned_withdrawal_errors: bool = False
    """Spell withdrawal errors as `{"status": "error", "reason": ...}`, not under `error` as older replies do."""
    travel_rule: bool = False
    """Refuse withdrawals that do not say whether a third party owns the address."""


def with_rules(rules: VenueRules, texts: Iterable[str]) -> VenueRules:
    """The rules with others in their stead, each written `name=value`; raises ValueError."""
    known = {each.name: getattr(rules, each.name) for each in fields(rules)}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or name not in known:
            raise ValueError(f"no rule {text!r}; say NAME=VALUE with one of {', '.join(known)}")
        known[name] = _rule(name, value, known[name])
    return VenueRules(**known)


def _rule(name: str, value: str, present: object) -> object:
    """A value of the same type as the present one."""
    if isinstance(present, bool):
        if value not in ("true", "false"):
            raise ValueError(f"rule {name} is true or false, not {value!r}")
        return value == "true"
    if isinstance(present, Booking):
        if value not in list(Booking):
            raise ValueError(f"rule {name} is one of {', '.join(Booking)}, not {value!r}")
        return Booking(value)
    if not value.isascii() or not value.isdigit():
        raise ValueError(f"rule {name} is a whole number, not {value!r}")
    return int(value)
