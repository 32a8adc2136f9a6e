"""The venue's list of our open orders: read at the start, and once more after every halt, whoever halted."""

from __future__ import annotations

from decimal import Decimal

from arbbot.domain.commands import Topic
from arbbot.domain.events import OpenOrdersFetched
from arbbot.domain.mode import Mode
from arbbot.engine.core import Core, ns
from arbbot.engine.tracker import OrderTracker
from arbbot.engine.view import NEVER

RETRY_S = Decimal(2)
"""Before a question that nothing goes on without is put again."""


class OpenOrders:
    """Asks until the venue has answered and shown no order of ours that the journal does not know."""

    def __init__(self, core: Core, tracker: OrderTracker) -> None:
        self._core = core
        self._tracker = tracker
        self._mode = Mode.ACTIVE
        """As of the last tick."""
        self._wanted_ns = NEVER
        """Answers to older questions are not what is waited for."""
        self._due_ns = NEVER
        self.read = False
        self.read_utc_us: int | None = None
        """When the last answer that was waited for came."""

    def tick(self) -> None:
        """Ask when due."""
        core, now_ns = self._core, self._core.at.mono_ns
        mode, self._mode = self._mode, core.state.mode
        if core.state.mode is not mode and core.state.mode in (Mode.HALTED, Mode.PANIC):
            self.read, self._wanted_ns = False, now_ns
            self._ask()
        elif not self.read and now_ns >= self._due_ns and not core.asking(Topic.OPEN_ORDERS):
            self._ask()

    def _ask(self) -> None:
        self._due_ns = self._core.at.mono_ns + ns(RETRY_S)
        self._core.ask(Topic.OPEN_ORDERS)

    def fetched(self, event: OpenOrdersFetched) -> None:
        """The venue has answered."""
        core, clean = self._core, self._tracker.open_orders(event)
        if core.answered is not None and core.answered.asked_ns >= self._wanted_ns:
            self.read = clean
            self.read_utc_us = core.at.utc_us if clean else self.read_utc_us
