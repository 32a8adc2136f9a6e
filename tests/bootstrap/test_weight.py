"""A small account hears, before it waits for ever, that its weight allows no order of the venue's minimum."""

from __future__ import annotations

from arbbot.bootstrap.weight import told_by_journal, too_small
from arbbot.engine.state import State
from tests.engine.ramp_scenes import ramped, rig_of
from tests.engine.rig import ROUTE, D

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


def test_a_start_tells_what_the_journal_knows() -> None:
    """A new journal knows nothing; one of a small account warns; one of a large account does not."""
    assert told_by_journal(State(), ROUTE, ramped()) == []
    rig = rig_of()
    rig.run(5)
    assert told_by_journal(rig.state, ROUTE, rig.rules) == []
    rig.state.venue_totals["BTC"] = D("0.001")
    lines = told_by_journal(rig.state, ROUTE, rig.rules)
    assert len(lines) == 2
    assert all(line.startswith("WARNING") for line in lines)
