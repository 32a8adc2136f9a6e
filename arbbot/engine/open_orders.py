"""The venue's list of open orders: read at the start, and after every halt until it cannot be an old one."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from arbbot.domain.commands import Topic
from arbbot.domain.events import OpenOrdersFetched
from arbbot.domain.mode import Mode
from arbbot.domain.order import OpenOrder
from arbbot.engine.core import Core, ns
from arbbot.engine.tracker import OrderTracker
from arbbot.engine.view import NEVER

RETRY_S = Decimal(2)
"""Before a question that nothing goes on without is put again."""
CACHE_S = Decimal(10)
"""So old may the venue's list be (its documentation of `open_orders`): sooner, it is of before."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A list asked `CACHE_S` after the halt and after an order of ours last began or ended."""

    utc_us: int
    """When it came."""
    ours: int
    others: int
    """Orders on the account that are not of this journal."""


class OpenOrders:
    """Asks until the venue has shown no order of ours that the journal does not know; after a halt until it has shown
    none at all, for as long as that takes.
    """

    def __init__(self, core: Core, tracker: OrderTracker) -> None:
        self._core = core
        self._tracker = tracker
        self._mode = Mode.ACTIVE
        """As of the last tick."""
        self._orders = (-1, 0)
        """How many were ever sent, and how many live, as of the last tick."""
        self._wanted_ns = NEVER
        """Answers to older questions are not what is waited for."""
        self._settled_ns = NEVER
        """From then on a list is none of before."""
        self._due_ns = NEVER
        self.read = False
        self.listed: Listed | None = None
        """What the venue listed last, where that cannot be an old list; only asked for while halted."""

    def tick(self) -> None:
        """Ask when due."""
        core, now_ns = self._core, self._core.at.mono_ns
        mode, self._mode = self._mode, core.state.mode
        halted = core.state.mode in (Mode.HALTED, Mode.PANIC)
        orders, self._orders = self._orders, (core.state.orders_minted, len(core.state.live))
        if core.state.mode is not mode or orders != self._orders or core.state.live:
            self._settled_ns, self.listed = now_ns + ns(CACHE_S), None
        if core.state.mode is not mode and halted:
            self.read, self._wanted_ns = False, now_ns
            self._ask()
        elif now_ns >= self._due_ns and not core.asking(Topic.OPEN_ORDERS) and self._is_wanted(halted):
            self._ask()

    def _is_wanted(self, halted: bool) -> bool:
        if not self.read:
            return True
        told = self.listed
        return halted and self._core.at.mono_ns >= self._settled_ns and (told is None or bool(told.ours or told.others))

    def _ask(self) -> None:
        self._due_ns = self._core.at.mono_ns + ns(RETRY_S)
        self._core.ask(Topic.OPEN_ORDERS)

    def fetched(self, event: OpenOrdersFetched) -> None:
        """The venue has answered."""
        core, clean = self._core, self._tracker.open_orders(event)
        if core.answered is None or core.answered.asked_ns < self._wanted_ns:
            return
        self.read = clean
        if core.answered.asked_ns >= self._settled_ns:
            ours = sum(self._is_ours(order) for order in event.orders)
            self.listed = Listed(core.at.utc_us, ours, len(event.orders) - ours)
            self._due_ns = core.at.mono_ns + ns(CACHE_S)

    def _is_ours(self, seen: OpenOrder) -> bool:
        core, name = self._core, seen.client_order_id
        minted = name is not None and name.startswith(f"{core.journal_key}-")
        return minted or seen.venue_order_id in core.state.order_by_venue_id
