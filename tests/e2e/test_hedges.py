"""Hedges end to end, at a venue that rounds its rows, cuts its balances and shows both late."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from arbbot.exchange.rules import VenueRules
from tests.e2e.make_recording import SOON, two_hedges
from tests.e2e.playbill import PLAYTIME_S, Played
from tests.e2e.stage import D, staged

VARIANTS: dict[str, VenueRules] = {
    "rows to 2 decimals": VenueRules(row_decimals=2),
    "rows to 5 decimals": VenueRules(row_decimals=5),
    "rows to 8 decimals": VenueRules(row_decimals=8),
    "balances cut to 2 decimals": VenueRules(row_decimals=2, balance_decimals=2),
    "balances cut to 5 decimals": VenueRules(row_decimals=5, balance_decimals=5),
    "rows 300 ms late": VenueRules(row_decimals=2, row_lag_us=300_000),
    "statuses 300 ms late": VenueRules(row_decimals=5, status_lag_us=300_000),
    "unsigned errors, cached open orders": VenueRules(sign_errors=False, cancel_numbers=False),
}


async def play(directory: Path, rules: VenueRules) -> str:
    """One variant."""
    async with staged(directory, over=SOON, rules=rules) as stage:
        await two_hedges(stage)
        await stage.verdict(decimals=rules.balance_decimals)
        assert {line["outcome"] for line in stage.journal.all("hedge_closed")} == {"completed"}
        assert [line["direction"] for line in stage.journal.all("hedge_opened")] == ["buy_domestic", "buy_foreign"]
        assert [line["side"] for line in stage.journal.all("conversion_opened")] == ["sell", "buy"]
        assert {line["outcome"] for line in stage.journal.all("conversion_closed")} == {"converted"}
        assert {D(line["drift"]) for line in stage.journal.all("conversion_closed")} == {D(0)}
        return stage.ended()


SCENES = {name: partial(play, rules=rules) for name, rules in VARIANTS.items()}


@pytest.mark.timeout(PLAYTIME_S)
@pytest.mark.parametrize("scene", SCENES)
def test_hedges_each_way_and_the_ledger_equals_the_venue(played: Played, scene: str) -> None:
    """A hedge in either direction completes, what it left in euros is converted back, the daemon stops with 0, and
    every currency equals the venue's truth to the last digit, whatever the rows and balances leave out.
    """
    played.outcome(scene)
