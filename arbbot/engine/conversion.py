"""The venue's own conversion rate against the FX book: a second witness that is not an order book."""

from __future__ import annotations

from decimal import Decimal

from arbbot.domain.commands import Topic
from arbbot.domain.events import ConversionRateFetched
from arbbot.domain.money import ONE
from arbbot.engine.core import Core, ns
from arbbot.engine.refusal import Refusal
from arbbot.engine.view import NEVER

RETRY_S = Decimal(2)
"""Between questions while the last answer did not come, or disagreed."""


class ConversionCheck:
    """Asks for the rate in turns of `rate_every_s`; unanswered for too long, or too far away, refuses to trade."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._rules = core.rules.spike
        self._wanted = self._rules.enabled and self._rules.check_rate
        self._asked_ns = NEVER
        self._told_ns = NEVER
        self._rate: Decimal | None = None

    def tick(self) -> None:
        """Ask again when it is time."""
        core, rules = self._core, self._rules
        if not self._wanted or core.view.epoch is None or core.asking(Topic.CONVERSION_RATE):
            return
        believed = self._told_ns >= self._asked_ns and self.refusal(core.at.mono_ns) is None
        pause = rules.rate_every_s if believed else min(rules.rate_every_s, RETRY_S)
        if core.at.mono_ns >= self._asked_ns + ns(pause):
            self._asked_ns = core.at.mono_ns
            core.ask(Topic.CONVERSION_RATE, market=core.route.fx.symbol)

    def fetched(self, event: ConversionRateFetched) -> None:
        """Take the answer, unless it is no rate of our FX market."""
        if event.market == self._core.route.fx.symbol and 0 < event.sell <= event.buy:
            self._rate = (event.buy + event.sell) / 2
            self._told_ns = self._core.at.mono_ns

    def difference(self) -> Decimal | None:
        """The FX book's mid over the rate, minus one; None while one of them is missing."""
        mid = self._core.view.mid(self._core.route.fx.symbol)
        return None if mid is None or self._rate is None else mid / self._rate - ONE

    def refusal(self, now_ns: int) -> Refusal | None:
        """RATE_UNCHECKED, RATE_DISAGREES or None. The book of this very moment is compared."""
        if not self._wanted:
            return None
        difference = self.difference()
        if difference is None or self._told_ns < now_ns - ns(self._rules.rate_max_age_s):
            return Refusal.RATE_UNCHECKED
        return Refusal.RATE_DISAGREES if abs(difference) > self._rules.rate_tolerance else None
