"""Chains on which the venue takes crypto currencies in and sends them out, with their fees, minimums and addresses."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Network:
    """A currency on a chain. `kind` is how the venue numbers such withdrawal requests; the fee is in the currency.

    Addresses begin with `prefix` and are `shortest` to `longest` characters long, prefix included.
    """

    currency: str
    network: str
    kind: int
    fee: Decimal
    minimum: Decimal
    decimals: int
    prefix: str
    shortest: int
    longest: int
    confirmed_us: int
    """How long a deposit takes from its first sight until it is credited, microseconds of market time."""
    deposit: bool = True
    withdrawal: bool = True

    def address_of(self, user_id: int) -> str:
        """The deposit address of an account: made up, and always the same."""
        digits = hashlib.sha256(f"{user_id}{self.currency}{self.network}".encode()).hexdigest()
        return (self.prefix + digits)[: self.longest]


NETWORKS = {
    (each.currency, each.network): each
    for each in (
        Network("btc", "bitcoin", 1, Decimal("0.00008"), Decimal("0.00006"), 8, "bc1q", 25, 62, 1_800_000_000),
        Network("usdt", "ethereum", 42, Decimal(5), Decimal(10), 6, "0x", 42, 42, 180_000_000),
        Network(
            "usdt", "tron", 42, Decimal(1), Decimal(10), 6, "T", 34, 34, 60_000_000, deposit=False, withdrawal=False
        ),
    )
}
"""Bitcoin's fee is that of 2025-26. What USDT costs is not known, 5 was in an old test of another client; whether the
venue sends it on tron is contradicted: ccxt lists the chain, users report Ethereum only. Here it is listed and off.
"""


def networks_of(networks: dict[tuple[str, str], Network], currency: str) -> list[Network]:
    """The chains of a currency, the usual one first."""
    return [network for network in networks.values() if network.currency == currency]


def usual_fees(networks: dict[tuple[str, str], Network]) -> dict[str, Decimal]:
    """What a withdrawal of each currency costs on its usual chain."""
    return {currency: networks_of(networks, currency)[0].fee for currency, _ in networks}
