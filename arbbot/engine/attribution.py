"""Whose is a trade row of an order we do not know: a doubt's, found late, or somebody else's?

The rows carry the venue's order id only, so `order_status` is asked for the client order id behind it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from arbbot.domain.commands import Topic
from arbbot.domain.events import AskFailed, OrderReported
from arbbot.domain.market import Side
from arbbot.domain.money import ZERO
from arbbot.domain.order import OrderReport, OrderState, RowKey, Transaction
from arbbot.engine.core import Core, ns
from arbbot.engine.own import OwnOrder
from arbbot.engine.view import NEVER

AT_ONCE = 4
"""Orders asked about at the same time; all rows of one order share its question."""
PAUSES_S = (Decimal(1), Decimal(1), Decimal(2), Decimal(5), Decimal(15), Decimal(60))
"""Between questions about one row; the last repeats."""
NOT_FOUND_TRIES = 3
"""Answers of not-found before an unknown trade row is taken for somebody else's."""
DENIED_TRIES = 6
"""The same where one of our orders that was taken for absent or rejected may have made it: the pauses before the sixth
are longer than the venue is known to hide an order.
"""


@dataclass(slots=True)
class Unowned:
    """A row that waits for its owner."""

    row: Transaction
    ask_id: int | None = None
    asked: int = 0
    answers: int = 0
    next_ask_ns: int = NEVER


class Attribution:
    """Asks about the owners of rows, a few at a time."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._waiting: dict[RowKey, Unowned] = {}

    def __contains__(self, key: RowKey) -> bool:
        return key in self._waiting

    def __len__(self) -> int:
        return len(self._waiting)

    def row_ids(self) -> list[int]:
        """Transaction ids of the rows that wait, oldest first."""
        return sorted(row_id for row_id, _ in self._waiting)

    def add(self, row: Transaction) -> None:
        """A trade row of an order that is not known to be ours; where others of it wait, it shares what they know."""
        same = next((each for each in self._waiting.values() if each.row.order_id == row.order_id), None)
        self._waiting[row.key] = Unowned(row) if same is None else replace(same, row=row)

    def clear(self) -> None:
        """Forget them all: a rebase has taken them into the opening."""
        self._waiting.clear()

    def tick(self) -> None:
        """Ask about those that are due."""
        now_ns = self._core.at.mono_ns
        asked = {waiting.row.order_id for waiting in self._waiting.values() if waiting.ask_id is not None}
        for waiting in self._waiting.values():
            due = waiting.ask_id is None and now_ns >= waiting.next_ask_ns
            if not due or waiting.row.order_id in asked or len(asked) >= AT_ONCE:
                continue
            asked.add(waiting.row.order_id)
            waiting.ask_id = self._core.ask(Topic.ORDER_STATUS, venue_order_id=waiting.row.order_id)
            pause_ns = ns(PAUSES_S[min(waiting.asked, len(PAUSES_S) - 1)])
            for each in self._waiting.values():
                if each.row.order_id == waiting.row.order_id:
                    each.next_ask_ns, each.asked = now_ns + pause_ns, waiting.asked + 1

    def ask_failed(self, event: AskFailed) -> None:
        """Nothing is known; asked again when due."""
        for waiting in self._waiting.values():
            if waiting.ask_id == event.ask_id:
                waiting.ask_id = None

    def reported(self, event: OrderReported) -> list[tuple[Transaction, str | None]]:
        """The rows that this answer settles, each with our client order id, or None for somebody else's."""
        order_ids = [each.row.order_id for each in self._waiting.values() if each.ask_id == event.ask_id]
        settled: list[tuple[Transaction, str | None]] = []
        for waiting in list(self._waiting.values()):
            if waiting.row.order_id not in order_ids:
                continue
            waiting.ask_id = None
            waiting.answers += 1
            owner = self._core.state.order_of_row(waiting.row)
            if owner is not None or self._foreign(waiting, event):
                del self._waiting[waiting.row.key]
                settled.append((waiting.row, owner))
        return settled

    def _foreign(self, waiting: Unowned, event: OrderReported) -> bool:
        """True when the row is somebody else's. While an order that the venue has not named yet could own it, one in
        doubt or one on its way, only another name on it says so; where one could that was taken for absent or rejected,
        whoever said so, not-found is believed later.
        """
        unnamed = [order for order in self._core.state.open_orders() if order.venue_order_id is None]
        owners = [order for order in unnamed if self._may_own(order, waiting.row, event.report)]
        if event.report is not None:
            return event.report.client_order_id is not None or not owners
        tries = DENIED_TRIES if self._may_be_denied(waiting.row) else NOT_FOUND_TRIES
        return waiting.answers >= tries and not owners

    def _may_be_denied(self, row: Transaction) -> bool:
        """Whether an order that was said not to be there can be the one behind a row."""
        return any(
            order.state in (OrderState.ABSENT, OrderState.REJECTED)
            and order.venue_order_id is None
            and self._may_own(order, row, None)
            for order in self._core.state.orders.values()
        )

    def _may_own(self, order: OwnOrder, row: Transaction, report: OrderReport | None) -> bool:
        """Whether an order can be the one behind a row: same market and side, not surely sent after it, and of the size
        that the venue tells.
        """
        terms = order.terms
        base = dict(row.amounts).get(self._core.route.instrument(terms.market).base, ZERO)
        if terms.market != row.market or (base > 0) != (terms.side is Side.BUY):
            return False
        noted_us = self._core.noted_us(terms.client_order_id)
        if noted_us is not None and row.utc_us < noted_us - ns(self._core.rules.account.lag_s) // 1000:
            return False
        return report is None or order.may_be(report)
