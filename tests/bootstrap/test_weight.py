"""A small account hears, before it waits for ever, that its weight allows no order of the venue's minimum."""

from __future__ import annotations

import pytest

from arbbot.bootstrap.weight import told_at_start, too_small
from arbbot.domain.commands import Ask, CancelOrder, PlaceOrder, Topic
from arbbot.domain.events import AskFailed, BalancesFetched, BookFetched, Event
from arbbot.domain.order import Balance
from arbbot.engine.state import State
from tests.engine.ramp_scenes import ramped, rig_of
from tests.engine.rig import ROUTE, D, book

BOOKS = {"btcusd": book("btcusd", "60000", "60010"), "btceur": book("btceur", "54500", "54560")}
ASKS = {"btcusd": D(60_000), "btceur": D(54_546)}


def test_five_percent_of_little_is_no_order() -> None:
    """150 of each currency at 5 % are 7.50, and the venue wants 10: each market is named, and what would help."""
    held = {"BTC": D("0.0026"), "USD": D(150), "EUR": D(150)}
    lines = too_small(held, ASKS, ROUTE, ramped(), D("0.05"))
    assert [market for line in lines for market in ("btcusd", "btceur") if market in line] == ["btcusd", "btceur"]
    for line in lines:
        assert "5 % of 1" in line
        assert "less than 10" in line
        assert "trade.weight_percent" in line
    assert too_small(held, ASKS, ROUTE, ramped(), D("0.1")) == []


def test_the_thinner_side_and_the_target_count() -> None:
    """Base, what buys it, and the target: the least of them is what the weight is taken of."""
    rich = {"BTC": D(1), "USD": D(60_000), "EUR": D(60_000)}
    assert too_small(rich, ASKS, ROUTE, ramped(), D("0.05")) == []
    (line,) = too_small(rich | {"EUR": D(150)}, ASKS, ROUTE, ramped(), D("0.05"))
    assert "btceur" in line
    assert len(too_small(rich | {"BTC": D("0.001")}, ASKS, ROUTE, ramped(), D("0.05"))) == 2
    assert len(too_small(rich, ASKS, ROUTE, ramped(), D("0.0001"))) == 2
    assert too_small(rich, {}, ROUTE, ramped(), D("0.0001")) == []


class Venue:
    """One that has an account, or is silent, and counts what it is asked."""

    def __init__(self, held: dict[str, D] | None) -> None:
        self._held = held
        self.asked: list[Topic] = []

    async def perform(self, command: PlaceOrder | CancelOrder | Ask) -> Event:
        assert isinstance(command, Ask)
        self.asked.append(command.topic)
        if self._held is None:
            return AskFailed(command.ask_id, "no answer")
        if command.topic is Topic.BOOK:
            assert command.market is not None
            return BookFetched(command.ask_id, BOOKS[command.market])
        listed = tuple(Balance(name, size, size, D(0)) for name, size in self._held.items())
        return BalancesFetched(command.ask_id, listed)


async def test_a_start_tells_what_the_journal_knows() -> None:
    """One of a small account warns, one of a large account does not; nobody is asked."""
    rig, venue = rig_of(), Venue(None)
    rig.run(5)
    assert await told_at_start(venue, rig.state, ROUTE, rig.rules) == []
    rig.state.venue_totals["BTC"] = D("0.001")
    lines = await told_at_start(venue, rig.state, ROUTE, rig.rules)
    assert len(lines) == 2
    assert all(line.startswith("WARNING") for line in lines)
    assert venue.asked == []


@pytest.mark.parametrize(("size", "warnings"), [(D("0.001"), 2), (D(1), 0)])
async def test_a_first_start_asks_the_venue(size: D, warnings: int) -> None:
    """A new journal knows nothing: the account is asked, or what paper trades with is taken as it is."""
    held = {"BTC": size, "USD": D(60_000), "EUR": D(60_000)}
    venue = Venue(held)
    assert len(await told_at_start(venue, State(), ROUTE, ramped())) == warnings
    assert venue.asked == [Topic.BALANCES, Topic.BOOK, Topic.BOOK]
    assert len(await told_at_start(venue, State(), ROUTE, ramped(), held)) == warnings
    assert venue.asked[3:] == [Topic.BOOK, Topic.BOOK]


async def test_a_venue_that_is_silent_at_a_start_says_nothing() -> None:
    """A start is not stopped by it, and not told of what nobody knows."""
    assert await told_at_start(Venue(None), State(), ROUTE, ramped()) == []
