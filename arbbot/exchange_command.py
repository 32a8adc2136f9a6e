"""What `arbbot exchange` was asked for, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ExchangeCommand:
    """The command line's options, None where nothing was said."""

    host: str
    port: int
    """0 picks a free one."""
    ws_port: int | None
    """None serves the WebSocket on the REST port."""
    scenario: str | None
    history: str | None
    compression: Decimal
    """Market seconds per second."""
    seed: int
    tier: int | None
    """30-day volume in USD whose fees are charged."""
    maker_fee: Decimal | None
    """Percent; given together with the taker fee, instead of a tier."""
    taker_fee: Decimal | None
    """Percent."""
    balances: tuple[tuple[str, Decimal], ...]
    """(lower-case currency, opening balance) of the demonstration account; empty for the usual ones."""
    tls: Path | None
    """Where to write the certificates."""
    faults: tuple[str, ...]
    row_decimals: int
    unsigned_errors: bool
    rules: tuple[str, ...]
    """Variants of the venue, each `name=value`."""
    as_json: bool
    """Tell the addresses as one line of JSON."""
    leash: bool
    """End when standard input does: no exchange outlives what started it."""
