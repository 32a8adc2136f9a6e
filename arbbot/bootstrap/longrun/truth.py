"""The venue's own books of the daemon's account, followed row by row: really held, and how long unhedged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from arbbot.domain.money import ZERO

BASE, NUMERAIRE_MARKET = "btc", "btcusd"
WITHDRAWAL = 1
"""Type of a withdrawal's row."""


@dataclass(slots=True)
class Truth:
    """Base bought minus sold since the opening, by the venue's rows alone. More than `dust` of it is unhedged."""

    dust: Decimal
    opening: dict[str, Decimal] = field(default_factory=dict)
    balances: dict[str, Decimal] = field(default_factory=dict)
    last_row: int = 0
    rows: set[tuple[int, int | None]] = field(default_factory=set)
    """Every row of the account, by its id and its order's: a self-trade has two of one id."""
    net: Decimal = ZERO
    open_orders: tuple[str, ...] = ()
    """What rests at the venue, in words."""
    withdrawn: bool = False
    most: Decimal = ZERO
    """Largest unhedged base, and the largest worth of any in dollars, by our last price in that market."""
    most_usd: Decimal = ZERO
    longest_us: int = 0
    longest_at_us: int | None = None
    """How long the longest unhedged span lasted, and when it began."""
    spans: list[tuple[int, int]] = field(default_factory=list)
    """Every one that is over, first and last microsecond."""
    _since_us: int | None = None
    _open_us: int = 0
    """How long the present span has lasted."""
    _price: Decimal = ZERO

    def take(self, account: Mapping[str, Any], now_us: int) -> None:
        """Read on: rows above those known, present balances and open orders. `now_us` bounds a span that goes on."""
        self.balances = {currency: Decimal(each["total"]) for currency, each in account["balances"].items()}
        if not self.opening:
            self.opening = dict(self.balances)
        for row in account["rows"]:
            self._row(row)
        if self._since_us is not None:
            self._unhedged_until(now_us)
        self.open_orders = tuple(
            f"{order['client_order_id'] or order['id']}: {order['side']} {order['remaining']} on {order['market']}"
            for order in account["orders"]
        )

    def _row(self, row: Mapping[str, Any]) -> None:
        self.last_row = max(self.last_row, int(row["id"]))
        self.rows.add((row["id"], row["order_id"]))
        if row["type"] == WITHDRAWAL:
            self.withdrawn = True
        if row["market"] == NUMERAIRE_MARKET and row["price"] is not None:
            self._price = Decimal(row["price"])
        self.net += Decimal(row["amounts"].get(BASE, "0"))
        at_us = int(row["at_us"])
        if abs(self.net) <= self.dust:
            if self._since_us is not None:
                self._unhedged_until(at_us)
                self.spans.append((self._since_us, at_us))
            self._since_us = None
            return
        if self._since_us is None:
            self._since_us = at_us
        self._unhedged_until(at_us)
        self.most = max(self.most, abs(self.net))
        self.most_usd = max(self.most_usd, abs(self.net) * self._price)

    def lasted_but_for(self, down: list[tuple[int, int]]) -> dict[tuple[int, int], int]:
        """Microseconds of each unhedged span, without what of it lies in these others."""
        open_span = [] if self._since_us is None else [(self._since_us, self._since_us + self._open_us)]
        return {(first, last): _but_for(first, last, down) for first, last in (*self.spans, *open_span)}

    def _unhedged_until(self, at_us: int) -> None:
        assert self._since_us is not None
        self._open_us = at_us - self._since_us
        if self._open_us >= self.longest_us:
            self.longest_us, self.longest_at_us = self._open_us, self._since_us


def halted_in_time(
    span: tuple[int, int], most_us: Decimal, down: list[tuple[int, int]], halts: list[tuple[int, int | None]]
) -> bool:
    """Whether no more of a span than this, but for what it was down, went by without a halt: until the first stood, and
    again after each that was reset. A halt is from when to when it stood, None where nobody has reset it.
    """
    since_us, last_us = span
    while _but_for(since_us, last_us, down) > most_us:
        reset = [
            end for begin, end in halts if _but_for(since_us, begin, down) <= most_us and (end or last_us) > since_us
        ]
        if not reset:
            return False
        since_us = min(last_us, reset[0] or last_us)
    return True


def _but_for(first: int, last: int, down: list[tuple[int, int]]) -> int:
    return max(0, last - first) - sum(max(0, min(last, end) - max(first, begin)) for begin, end in down)
