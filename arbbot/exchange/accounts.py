"""Accounts of the venue: exact balances, fee rates, transaction rows, API keys."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_DOWN, Decimal
from enum import StrEnum

from arbbot.exchange.events import OrderEvent
from arbbot.exchange.matching import ZERO, Kind, Order

FEE_STEP = Decimal("0.00001")
TIER_WINDOW_US = 30 * 24 * 3600 * 1_000_000
EVENTS_KEPT = 50_000

FEE_LADDER: tuple[tuple[int, str, str], ...] = (
    (0, "0.30", "0.40"),
    (10_000, "0.20", "0.30"),
    (100_000, "0.10", "0.20"),
    (500_000, "0.08", "0.18"),
    (1_500_000, "0.06", "0.16"),
    (5_000_000, "0.03", "0.12"),
    (20_000_000, "0.02", "0.10"),
    (50_000_000, "0.01", "0.08"),
    (100_000_000, "0.00", "0.06"),
    (250_000_000, "0.00", "0.05"),
    (1_000_000_000, "0.00", "0.03"),
)
"""(30-day volume in USD from which it holds, maker %, taker %), as ccxt 4.5.90 lists them.

The base row is confirmed by the fee schedule valid from 2026-09-01; the 20 M maker rate there is an
evident misprint (0.2), read here as 0.02.
"""


class Permission(StrEnum):
    """What an API key may do."""

    READ = "read"
    TRADE = "trade"
    WITHDRAW = "withdraw"
    TRANSFER = "transfer"


class Status(StrEnum):
    """Order status as order_status spells it."""

    OPEN = "Open"
    FINISHED = "Finished"
    EXPIRED = "Expired"
    CANCELED = "Canceled"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of an account. Empty `allowed_ips` mean any caller, empty `withdrawal_addresses` any destination."""

    key: str
    secret: str = field(repr=False)
    user_id: int
    permissions: frozenset[Permission]
    allowed_ips: frozenset[str] = frozenset()
    withdrawal_addresses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FeeRates:
    """Maker and taker fee in percent."""

    maker: Decimal
    taker: Decimal

    def fee(self, value: Decimal, *, taking: bool) -> Decimal:
        """Fee in counter units for one fill worth `value`, cut to five decimals.

        Captured fills (0.4 % of 12.3402 charged as 0.04936, 0.5 % of 22.25625 as 0.11128) fit cutting
        and rounding alike; cutting never charges more than an order has reserved.
        """
        return (value * (self.taker if taking else self.maker) / 100).quantize(FEE_STEP, ROUND_DOWN)

    def reserve(self, value: Decimal) -> Decimal:
        """Counter units to set aside for a purchase worth `value`, fee included, whichever rate applies."""
        worst = value * max(self.maker, self.taker) / 100
        return value + worst.quantize(FEE_STEP, ROUND_CEILING)


def tier(volume_usd: Decimal) -> FeeRates:
    """Return the rates of the ladder for a 30-day volume in USD."""
    _, maker, taker = max(row for row in FEE_LADDER if volume_usd >= row[0])
    return FeeRates(Decimal(maker), Decimal(taker))


@dataclass(slots=True)
class Balance:
    """One currency of an account; `reserved` backs open orders."""

    total: Decimal = ZERO
    reserved: Decimal = ZERO

    @property
    def available(self) -> Decimal:
        """What can be spent."""
        return self.total - self.reserved


@dataclass(frozen=True, slots=True)
class Row:
    """One account-wide transaction, exact. Types: 0 deposit, 1 withdrawal, 2 trade, others as documented."""

    row_id: int
    at_us: int
    row_type: int
    amounts: tuple[tuple[str, Decimal], ...]
    fee: Decimal
    order_id: int | None = None
    market: str | None = None
    price: Decimal | None = None
    self_trade_order_id: int | None = None


@dataclass(slots=True, eq=False)
class AccountOrder(Order):
    """An order of an account, from acceptance to its end."""

    user_id: int
    market: str
    kind: Kind
    created: Decimal
    created_us: int
    rates: FeeRates
    client_order_id: str | None = None
    limit_price: Decimal | None = None
    visible_us: int = 0
    expire_us: int | None = None
    status: Status = Status.OPEN
    reserved: Decimal = ZERO
    fills: list[Row] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Account:
    """Everything the venue knows about one customer. `main_id`: whose sub-account it is; None for a main account.

    `blocked` may not trade, `frozen` may not call at all, `withdrawals_disabled` may take nothing out.
    """

    user_id: int
    name: str
    fixed_rates: FeeRates | None = None
    balances: dict[str, Balance] = field(default_factory=dict)
    orders: dict[int, AccountOrder] = field(default_factory=dict)
    open_orders: dict[int, AccountOrder] = field(default_factory=dict)
    by_client_id: dict[str, AccountOrder] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    events: deque[OrderEvent] = field(default_factory=lambda: deque(maxlen=EVENTS_KEPT))
    main_id: int | None = None
    blocked: bool = False
    frozen: bool = False
    withdrawals_disabled: bool = False
    _volume: deque[tuple[int, Decimal]] = field(default_factory=deque)
    _volume_usd: Decimal = ZERO

    def balance(self, currency: str) -> Balance:
        """Return the balance of a currency, opening it at zero."""
        return self.balances.setdefault(currency, Balance())

    def credit(self, amounts: Mapping[str, Decimal]) -> None:
        """Book signed amounts to the totals."""
        for currency, amount in amounts.items():
            self.balance(currency).total += amount

    def note_volume(self, at_us: int, value_usd: Decimal) -> None:
        """Count one fill towards the 30-day volume."""
        self._volume.append((at_us, value_usd))
        self._volume_usd += value_usd

    def rates(self, now_us: int) -> FeeRates:
        """Return the fee rates that hold now: fixed ones, or the tier of the last 30 days."""
        if self.fixed_rates is not None:
            return self.fixed_rates
        while self._volume and self._volume[0][0] < now_us - TIER_WINDOW_US:
            self._volume_usd -= self._volume.popleft()[1]
        return tier(self._volume_usd)
