"""Judges who allow less than the life was made for: what it does is beyond their limits, and they have words for it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.sim.checker import Checker
from tests.sim.checker.equity import Begun
from tests.sim.lies import Doctor, Lines

LATER = 10**6
"""Days since 1970: after every life."""
NEVER = Decimal(-(10**6))
"""Of a loss: it is always beyond it."""


def decided(**limits: Any) -> type[Checker]:
    """A judge of decisions with other limits."""

    class Strict(Checker):
        def began(self, now_us: int) -> None:
            super().began(now_us)
            self._decisions._limits = replace(self._limits, **limits)

    return Strict


def risked(**limits: Any) -> type[Checker]:
    """A judge of the risk limits with others, on a clock that is steady."""

    class Strict(Checker):
        def began(self, now_us: int) -> None:
            super().began(now_us)
            self._risk._limits = replace(self._limits.risk, steady=True, **limits)

    return Strict


def reached(**limits: Any) -> type[Checker]:
    """Limits that the life reaches, and that ought to have tripped at once. (It makes money: so its balances are told
    to have been larger.)
    """

    class Strict(Checker):
        def began(self, now_us: int) -> None:
            super().began(now_us)
            self._risk._limits = replace(self._limits.risk, **limits)
            self._risk.trips_within_us = 0
            self._risk.equity.begun = [Begun(LATER, LATER, {"usd": Decimal(50_000)})]

    return Strict


class Narrow(Checker):
    """The first hedge already is too much."""

    def began(self, now_us: int) -> None:
        super().began(now_us)
        self._exposure._cap = Decimal("0.00001")


class FewRequests(Checker):
    """Two requests a minute."""

    def began(self, now_us: int) -> None:
        self._wire._limits = replace(self._limits, windows=((2, 60), (3, 600)))
        super().began(now_us)


class Alike(Doctor):
    """Every hedge is told as the same one."""

    def began(self, now_us: int) -> None:
        super().began(now_us)
        self._risk._limits = replace(self._limits.risk, steady=True, duplicate_us=10**12)

    def lines(self, lines: Lines) -> Lines:
        for kind, line in lines:
            if kind == "hedge_opened":
                line |= {"size": "0.01", "limit_price": "1", "direction": "buy_domestic"}
                line |= {"book_microtimestamps": [1, 1, 1]}
        return lines


NARROWED: list[tuple[str, str, type[Checker]]] = [
    ("S5", "exposure [", Narrow),
    ("S6", "on a thin book", decided(min_levels=1000)),
    ("S7", "below the net floor", decided(net_floor=Decimal(1))),
    ("S7", "the touch is", decided(collar=Decimal(-1))),
    ("S7", "although the policy says never", decided(conversions=False)),
    ("S7", "the cap is", decided(fx_most=Decimal(1))),
    ("S9", "requests in 60 s", FewRequests),
    ("R", "the hour's notional", risked(notional_per_hour=Decimal(1))),
    ("R", "the day's notional", risked(notional_per_day=Decimal(1))),
    ("R", "opens after a loss", risked(daily_loss=NEVER)),
    ("R", "the balances have lost", risked(equity_loss=NEVER)),
    ("R", "within the window", risked(max_hedges=0)),
    ("R", "losers in a row", risked(losers_in_row=0)),
    ("R", "orders into a minute", risked(orders_per_minute=1)),
    ("R", "cancels within a minute", risked(cancels_per_minute=0)),
    ("R", "refusals of the last", risked(max_rejects=0)),
    ("R", "the same as a hedge just before", Alike),
    ("R", "the books of an earlier hedge", Alike),
    ("R", "-c00001 brings", reached(orders_per_minute=2)),
    ("R", "opens after 1 cancels", reached(cancels_per_minute=1)),
    ("R", "opens after 1 refusals", reached(max_rejects=1, reject_window=10)),
    ("R", "max_rejects is reached, and the mode is active", reached(max_rejects=1, reject_window=10)),
    ("R", "opens after the balances have lost", reached(equity_loss=Decimal(1))),
    ("R", "equity_loss is reached, and the mode is active", reached(equity_loss=Decimal(1))),
    ("R", "daily_loss is reached, and the mode is active", reached(daily_loss=Decimal(0))),
    ("R", "losers_in_row is reached, and the mode is active", reached(losers_in_row=1)),
    ("R", "unhedged_s is reached, and the mode is active", reached(unhedged_us=1)),
    ("R", "unhedged_notional is reached, and the mode is active", reached(unhedged_notional=Decimal(1))),
]
