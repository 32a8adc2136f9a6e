"""Which markets do not trade: by the venue's announcements and by its market list."""

from __future__ import annotations

from arbbot.domain.events import MarketHalted, MarketsFetched
from arbbot.domain.mode import Severity
from arbbot.engine.core import Core


class MarketHalts:
    """Keeps `view.halted`."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._announced: set[str] = set()
        """Markets that an announcement halted and the market list has not shown halted yet."""
        self.read = False
        """The market list has been read."""

    def announced(self, event: MarketHalted) -> None:
        """An announcement. It stands until the market list has shown the halt and its end, or a person resumes: a list
        that has not caught up yet still says that all is well.
        """
        for symbol in self._core.route.symbols:
            if event.halted and event.market in (None, symbol):
                self._announced.add(symbol)
                self._halt(symbol, event.reason)

    def listed(self, event: MarketsFetched) -> None:
        """The market list was read."""
        self.read = True
        seen = {instrument.symbol: instrument for instrument in event.instruments}
        for instrument in self._core.route.instruments:
            symbol = instrument.symbol
            if seen.get(symbol) != instrument:
                self._halt(symbol, "the market's rules changed: restart to read them")
            elif symbol in event.halted:
                self._announced.discard(symbol)
                self._halt(symbol, "trading is off")
            elif symbol not in self._announced:
                self._core.view.halted.pop(symbol, None)

    def clear(self) -> None:
        """A person resumes: what still holds will be told anew."""
        self._core.view.halted.clear()
        self._announced.clear()

    def _halt(self, symbol: str, reason: str) -> None:
        if symbol not in self._core.view.halted:
            self._core.view.halted[symbol] = reason
            self._core.alert(Severity.WARNING, "market_halted", f"{symbol}: {reason}")
