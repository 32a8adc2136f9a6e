"""A real session and a real engine, armed: start-up's questions answered, every book seen, ready to trade."""

from __future__ import annotations

from collections.abc import Mapping

from arbbot.bench.account import ROUTE, RULES, Account
from arbbot.bench.frames import Sides, Stamped
from arbbot.bitstamp.session import Channels, Session
from arbbot.domain import events as ev
from arbbot.domain.book import Book
from arbbot.domain.commands import Ask
from arbbot.engine.state import State
from arbbot.engine.step import Engine, Output

START = ev.Moment(5_000_000_000_000, 1_750_000_000_000_000)
LATER_US = START.utc_us + 3600 * 1_000_000
"""Stamp of the frames that are measured: newer than all that came before."""
EPOCH = 1


class Bed:
    """One session and one engine in virtual time."""

    def __init__(self, books: dict[str, Sides]) -> None:
        """`books` are shown at the start and must leave no edge. Raises RuntimeError when the engine will not arm."""
        self.session = ready_session(Channels(ROUTE.symbols))
        self.engine = Engine(ROUTE, RULES, State(), "bench")
        self.at = START
        self._account = Account(as_books(books))
        self._answer(self.engine.start(self.at, "bench"))
        self._answer(self.engine.step(ev.VenueClockSeen(0), self.at))
        self._answer(self.engine.step(ev.FeedUp(EPOCH), self.at))
        for symbol, shown in books.items():
            self.decide(Stamped(f"order_book_{symbol}", [shown], START.utc_us).next())
        for _ in range(4):
            self.at = ev.Moment(self.at.mono_ns + 1_000_000_000, self.at.utc_us + 1_000_000)
            self._answer(self.engine.step(ev.Tick(), self.at))
        blocked = self.engine.entry.blocked()
        if blocked is not None:
            raise RuntimeError(f"the engine of the bench will not arm: {blocked}")

    def decide(self, raw: bytes) -> Output:
        """The path that is measured: a book frame to a decision."""
        word = self.session.receive(raw, self.at)
        assert type(word) is ev.BookSeen
        return self.engine.step(word, self.at)

    def _answer(self, output: Output) -> None:
        """Answer questions, and the questions that come of the answers."""
        waiting = list(output.commands)
        while waiting:
            command = waiting.pop(0)
            if isinstance(command, Ask):
                waiting.extend(self.engine.step(self._account.answer(command), self.at).commands)


def as_books(sides: Mapping[str, Sides]) -> dict[str, Book]:
    """Books as REST would give them."""
    return {symbol: Book(symbol, START.utc_us, shown["bids"], shown["asks"]) for symbol, shown in sides.items()}


def ready_session(channels: Channels) -> Session:
    """A session with every subscription acknowledged."""
    session = Session(EPOCH, channels)
    for symbol in channels.books:
        for channel in (f"order_book_{symbol}", f"diff_order_book_{symbol}"):
            word = f'{{"event":"bts:subscription_succeeded","channel":"{channel}","data":{{}}}}'
            session.receive(word.encode(), START)
    assert session.ready
    return session
