"""The tickers' premium against the books': a second witness before and while we trade on the books."""

from __future__ import annotations

from decimal import Decimal

from arbbot.domain.commands import Topic
from arbbot.domain.events import TickerFetched
from arbbot.domain.money import ONE
from arbbot.engine.core import Core, ns
from arbbot.engine.refusal import Refusal
from arbbot.engine.view import NEVER


class PremiumCheck:
    """Asks the tickers in turns of `ticker_every_s` and compares; silence for too long refuses to trade."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._max_age_ns = ns(core.rules.feed.ticker_max_age_s)
        self._mids: dict[str, tuple[Decimal, int]] = {}
        self._asked_ns = NEVER
        self._compared_ns = NEVER
        self._agrees = False
        self.difference: Decimal | None = None
        """Ticker premium minus book premium, of the last comparison."""

    def tick(self) -> None:
        """Ask all three tickers again when it is time."""
        core, rules = self._core, self._core.rules.feed
        due = self._asked_ns + ns(rules.ticker_every_s if self._agrees else min(rules.ticker_every_s, Decimal(2)))
        if core.view.epoch is None or core.at.mono_ns < due or core.asking(Topic.TICKER):
            return
        self._asked_ns = core.at.mono_ns
        self._mids.clear()
        for symbol in core.route.symbols:
            core.ask(Topic.TICKER, market=symbol)

    def fetched(self, event: TickerFetched) -> None:
        """Take one ticker; with the last of the three, compare."""
        if event.market not in self._core.route.symbols or not 0 < event.bid <= event.ask:
            return
        self._mids[event.market] = ((event.bid + event.ask) / 2, self._core.at.mono_ns)
        books = self._core.view.premium()
        if len(self._mids) < len(self._core.route.symbols) or books is None:
            return
        domestic, foreign, fx = (self._mids[symbol][0] for symbol in self._core.route.symbols)
        self.difference = (foreign * fx / domestic - ONE) - books
        self._agrees = abs(self.difference) <= self._core.rules.feed.premium_tolerance
        self._compared_ns = self._core.at.mono_ns

    def refusal(self, now_ns: int) -> Refusal | None:
        """PREMIUM_UNCHECKED, PREMIUM_DISAGREES or None."""
        if self._compared_ns < now_ns - self._max_age_ns:
            return Refusal.PREMIUM_UNCHECKED
        return None if self._agrees else Refusal.PREMIUM_DISAGREES
