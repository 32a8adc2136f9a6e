"""What the built-in exchange is started with."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from arbbot.exchange.accounts import FeeRates, Permission
from arbbot.exchange.rules import VenueRules

DEMO_KEY = "DemoKey00000000000000000000000001"
DEMO_SECRET = "DemoSecret0000000000000000000001"  # noqa: S105 - public, of the demonstration account
DEMO_NEXT_KEY = "DemoNextKey000000000000000000001"
DEMO_NEXT_SECRET = "DemoNextSecret000000000000000001"  # noqa: S105 - public, of the demonstration account
DEMO_READ_KEY = "DemoReadKey000000000000000000001"
DEMO_READ_SECRET = "DemoReadSecret000000000000000001"  # noqa: S105 - public, of the demonstration account
DEMO_PANIC_KEY = "DemoPanicKey00000000000000000001"
DEMO_PANIC_SECRET = "DemoPanicSecret00000000000000001"  # noqa: S105 - public, of the demonstration account
DEMO_TREASURY_KEY = "DemoTreasuryKey00000000000000001"
DEMO_TREASURY_SECRET = "DemoTreasurySecret00000000000001"  # noqa: S105 - public, of the demonstration account
DEMO_SUB_KEY = "DemoSubKey0000000000000000000001"
DEMO_SUB_SECRET = "DemoSubSecret0000000000000000001"  # noqa: S105 - public, of the demonstration account


@dataclass(frozen=True, slots=True)
class KeyOptions:
    """An API key and its rights."""

    key: str
    secret: str = field(repr=False)
    permissions: frozenset[Permission] = frozenset({Permission.READ, Permission.TRADE})
    allowed_ips: frozenset[str] = frozenset()
    withdrawal_addresses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AccountOptions:
    """An account to open: balances by lower-case currency, fee rates (None: by volume), its keys, and the name of its
    main account, opened before it, where it is a sub-account.
    """

    name: str
    balances: tuple[tuple[str, Decimal], ...]
    keys: tuple[KeyOptions, ...]
    rates: FeeRates | None = None
    main: str | None = None


DEMO_ACCOUNT = AccountOptions(
    "demo",
    (("btc", Decimal(10)), ("usd", Decimal(500_000)), ("eur", Decimal(500_000)), ("usdt", Decimal(100_000))),
    (
        KeyOptions(DEMO_KEY, DEMO_SECRET),
        KeyOptions(DEMO_NEXT_KEY, DEMO_NEXT_SECRET),
        KeyOptions(DEMO_READ_KEY, DEMO_READ_SECRET, frozenset({Permission.READ})),
        KeyOptions(DEMO_PANIC_KEY, DEMO_PANIC_SECRET, frozenset({Permission.TRADE})),
        KeyOptions(
            DEMO_TREASURY_KEY,
            DEMO_TREASURY_SECRET,
            frozenset({Permission.READ, Permission.TRADE, Permission.WITHDRAW, Permission.TRANSFER}),
        ),
    ),
)
DEMO_SUB_ACCOUNT = AccountOptions(
    "demo-sub", (), (KeyOptions(DEMO_SUB_KEY, DEMO_SUB_SECRET, frozenset(Permission)),), main="demo"
)


@dataclass(frozen=True, slots=True)
class ExchangeOptions:
    """How to serve the exchange.

    `port` 0 picks a free one; `ws_port` None serves the WebSocket on the same port. `scenario` and
    `history` choose the market process, `still` leaves the books to the control endpoint. `speed` is
    market seconds per second, `origin_us` where market time starts (None: now). `faults` are written as
    in `faults.py`. Limits are requests a second and in ten minutes, and `tick_s` is the pace of the market
    process and of book frames: these three by the wall clock, whatever the speed.
    """

    host: str = "127.0.0.1"
    port: int = 0
    ws_port: int | None = None
    tls_dir: Path | None = None
    accounts: tuple[AccountOptions, ...] = (DEMO_ACCOUNT, DEMO_SUB_ACCOUNT)
    rules: VenueRules = field(default_factory=VenueRules)
    scenario: str | None = None
    history: str | None = None
    still: bool = False
    speed: float = 1.0
    origin_us: int | None = None
    seed: int = 1
    faults: tuple[str, ...] = ()
    per_second: int = 400
    per_ten_minutes: int = 10_000
    tick_s: float = 0.1
